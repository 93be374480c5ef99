"""One MQTT session, kept up: what node and controller both stand on.

Hides paho and what it does not do by itself: TCP_NODELAY (without it the press-to-display path goes
from 1.9 to 42.7 ms), back-off with full jitter so that 200 nodes do not stampede after a power
return (R20), a will made anew for every connection (R12), a look at every SUBACK code, and
callbacks whose exceptions do not kill its loop thread (F70).

Every connection subscribes twice, subscribe_again_s apart: what is published as retained while
nats-server 2.15 sets up a subscription may reach it neither live nor as retained (measured: 54 of 200
published right after CONNACK; Mosquitto: none). The second SUBSCRIBE delivers it. A filter the broker
refused is asked for again and again (an allow-list may be mended under a living connection), and a
SUBSCRIBE it never answers ends the connection: without it the client is deaf and does not know.

MQTT 3.1.1, clean sessions only (R19). A PUBACK proves nothing, so nothing here reports one.
"""

from __future__ import annotations

import logging
import math
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from firmware.protocol.codec import MAX_PAYLOAD_BYTES
from firmware.protocol.guard import Guard
from firmware.protocol.read_ahead import PlainSocket, TlsSocket
from firmware.protocol.whereabouts import Whereabouts

INFLIGHT = 128  # above the send window of 64, so that the window is what throttles (R4)
QUEUED = 1000  # beyond, paho answers MQTT_ERR_QUEUE_SIZE and the message counts as not handed over
STEADY_S = 5.0  # a connection shorter than this does not end the back-off (F62)
LAST_WORD_S = 1.0  # a clean stop waits so long for the broker to have heard it

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is and who we are to it. ca_file: PEM; with one, or `mqtts://`, TLS is used.

    also: other names or addresses of the host, for when it is not found.
    """

    host: str
    port: int
    user: str = ""
    secret: str = ""
    ca_file: str = ""
    is_tls: bool = False
    also: tuple[str, ...] = ()

    @classmethod
    def at(cls, url: str, user: str = "", secret: str = "", ca_file: str = "") -> Broker:
        """The broker of `mqtt://host:port` or `mqtts://host:port`. Raises ValueError for anything else."""
        parts = urlsplit(url)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise ValueError(f"{url!r} is not a broker's address; write mqtt://host:port")
        is_tls = parts.scheme == "mqtts"
        port = parts.port or (8883 if is_tls else 1883)
        return cls(parts.hostname, port, user, secret, ca_file, is_tls or bool(ca_file))


@dataclass(frozen=True, slots=True)
class SessionTiming:
    keepalive_s: int = 15  # R20
    connect_timeout_s: float = 5.0
    backoff_min_s: float = 1.0  # R20
    backoff_max_s: float = 30.0
    subscribe_again_s: float = 2.0
    suback_timeout_s: float = (
        10.0  # an unanswered SUBSCRIBE ends the connection; so often refused ones are sent
    )
    stop_timeout_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says in our place when the connection breaks."""

    topic: str
    payload: bytes
    retain: bool = True


class _Client(Client):
    """paho's, which finds the broker as we say; whoever answers there is held to the broker's name."""

    def __init__(self, client_id: str, whereabouts: Whereabouts) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=True, protocol=MQTTv311
        )
        self._whereabouts = whereabouts

    def _create_socket_connection(self) -> socket.socket:
        return PlainSocket.of(self._whereabouts.reach(self.port, self.connect_timeout))


def _tls(ca_file: str) -> ssl.SSLContext:
    """Trusts the certificates of this file, or those of the machine, as paho's own would: the stricter
    context that ssl makes by default refuses many a hall's own authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.sslsocket_class = TlsSocket
    if ca_file:
        context.load_verify_locations(ca_file)
    else:
        context.load_default_certs()
    return context


class Session:
    """A connection that comes back by itself.

    on_up runs once per connection after the subscriptions were sent, on_down once when it is lost,
    on_message per message; all on the session's own thread, so they must not wait. will is asked for
    anew before each connection. filters may grow with `subscribe`.
    """

    def __init__(
        self,
        broker: Broker,
        client_id: str,
        guard: Guard,
        *,
        on_message: Callable[[str, bytes], None],
        on_up: Callable[[], None] = lambda: None,
        on_down: Callable[[str], None] = lambda why: None,
        will: Callable[[], Will | None] = lambda: None,
        filters: Sequence[str] = (),
        timing: SessionTiming | None = None,
        chance: random.Random | None = None,
        whereabouts: Whereabouts | None = None,
    ) -> None:
        self._broker, self._guard = broker, guard
        self._whereabouts = whereabouts or Whereabouts(broker.host, broker.also)
        self._on_message, self._on_up, self._on_down, self._will = on_message, on_up, on_down, will
        self._filters = list(filters)
        self._timing = timing or SessionTiming()
        self._chance = chance or random.SystemRandom()
        self._lock = threading.Lock()
        self._asked: dict[int, tuple[float, list[str]]] = {}  # mid of a SUBSCRIBE -> when, its filters
        self._is_up = False
        self._is_shut_out = False  # said once
        self._up_since = 0.0
        self._attempts = 0
        self._refused: set[str] = set()
        self._check = threading.Timer(0, self._look_after)  # never started; replaced at each connection
        self._thread_name = f"paho-mqtt-client-{client_id}"  # paho's own choice
        self._client = self._make(client_id)

    @property
    def is_up(self) -> bool:
        return self._is_up

    @property
    def is_alive(self) -> bool:
        """Whether paho's thread lives, connected or not."""
        return any(thread.name == self._thread_name for thread in threading.enumerate())

    @property
    def refused(self) -> frozenset[str]:
        """Filters the broker refused in a SUBACK: nothing will arrive on them."""
        return frozenset(self._refused)

    def start(self) -> None:
        """Begin to connect, and go on for ever; returns at once."""
        self._client.connect_async(self._broker.host, self._broker.port, keepalive=self._timing.keepalive_s)
        self._client.loop_start()

    def stop(self, last: tuple[str, bytes] | None = None) -> None:
        """Disconnect in order (the broker sends no will) and end the thread.

        last: topic and payload of a retained word said before that. It is waited for until the broker has
        it: a connection that ends at once may take it along.
        """
        if last is not None and self._is_up:
            self._say_last(*last)
        self._client.disconnect()
        # loop_stop waits for a connection attempt that may hang in the network: not for longer than this.
        ending = threading.Thread(target=self._client.loop_stop, name="mqtt-stop", daemon=True)
        ending.start()
        ending.join(self._timing.stop_timeout_s)
        self._went_down("stopped")

    def _say_last(self, topic: str, payload: bytes) -> None:
        try:
            self._client.publish(topic, payload, qos=1, retain=True).wait_for_publish(LAST_WORD_S)
        except (ValueError, OSError, RuntimeError) as error:
            log.info("the last word on %s was not heard: %s", topic, error)

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> bool:
        """Hand a message to the connection; whether it was taken. Never raises, proves no delivery."""
        if not self._is_up:
            return False
        if len(payload) > MAX_PAYLOAD_BYTES:
            # The broker would close the connection and paho would send it again, for ever (F69).
            log.error("%d bytes for %s are over %d", len(payload), topic, MAX_PAYLOAD_BYTES)
            self._guard.count("publish_refused")
            return False
        try:
            sent = self._client.publish(topic, payload, qos=qos, retain=retain)
        except (ValueError, OSError) as error:
            log.error("cannot publish on %s: %s", topic, error)
            self._guard.count("publish_refused")
            return False
        return sent.rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    def subscribe(self, filters: Sequence[str]) -> None:
        """Receive these too, now and after every reconnect. QoS 0: nothing rests on the broker's delivery."""
        with self._lock:
            self._filters += [one for one in filters if one not in self._filters]
        if self._is_up:
            self._ask(list(filters))

    def unsubscribe(self, filters: Sequence[str]) -> None:
        with self._lock:
            self._filters = [one for one in self._filters if one not in filters]
        if self._is_up and filters:
            self._client.unsubscribe(list(filters))

    def renew(self, why: str) -> None:
        """End this connection, which looks alive and is not; another is made. Safe from any thread."""
        log.warning("the connection is made anew: %s", why)
        self._guard.count("renewed")
        connection: Any = self._client.socket()
        with suppress(OSError):  # it is gone already
            if connection is not None:
                connection.shutdown(socket.SHUT_RDWR)

    # --- paho's side, on its thread

    def _make(self, client_id: str) -> Client:
        client = _Client(client_id, self._whereabouts)
        client.suppress_exceptions = True
        client.connect_timeout = self._timing.connect_timeout_s
        client.max_inflight_messages_set(INFLIGHT)
        client.max_queued_messages_set(QUEUED)
        if self._broker.user:
            client.username_pw_set(self._broker.user, self._broker.secret)
        if self._broker.is_tls:
            client.tls_set_context(_tls(self._broker.ca_file))
        client.on_socket_open = self._socket_opened
        client.on_connect = self._connected
        client.on_connect_fail = self._connect_failed
        client.on_disconnect = self._disconnected
        client.on_subscribe = self._subscribed
        client.on_message = self._arrived
        return client

    def _socket_opened(self, client: Client, userdata: Any, sock: Any) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._guard.run("mqtt.will", self._set_will)

    def _set_will(self) -> None:
        self._client.will_clear()
        will = self._will()
        if will is not None:
            self._client.will_set(will.topic, will.payload, qos=1, retain=will.retain)

    def _connected(
        self,
        client: Client,
        userdata: Any,
        flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._guard.count("connect_refused")
            if not self._is_shut_out:
                log.error("broker %s:%d refuses us: %s", self._broker.host, self._broker.port, reason)
            self._is_shut_out = True
            return
        self._is_shut_out = False
        self._is_up, self._up_since = True, time.monotonic()
        self._guard.count("connects")
        with self._lock:
            filters = list(self._filters)
        self._guard.run("mqtt.subscribe", lambda: self._ask(filters))
        self._guard.run("mqtt.on_up", self._on_up)
        self._guard.run("mqtt.address", self._note_address)
        self._check_in(self._timing.subscribe_again_s, self._subscribe_again)

    def _note_address(self) -> None:
        connection: Any = self._client.socket()
        with suppress(OSError):  # it is gone already
            if connection is not None:
                self._whereabouts.arrived(connection.getpeername()[0])

    def _check_in(self, wait_s: float, check: Callable[[], None]) -> None:
        """Run check then, unless this connection has ended."""
        connection = self._up_since

        def run() -> None:
            if self._is_up and self._up_since == connection:
                self._guard.run("mqtt.subscribe", check)

        self._check = threading.Timer(wait_s, run)
        self._check.daemon = True
        self._check.start()

    def _subscribe_again(self) -> None:
        with self._lock:
            filters = list(self._filters)
        self._ask(filters)
        self._check_in(self._timing.suback_timeout_s, self._look_after)

    def _look_after(self) -> None:
        """Every SUBSCRIBE wants an answer, every filter a grant."""
        with self._lock:
            oldest = min((at for at, _ in self._asked.values()), default=math.inf)
            refused = [one for one in self._filters if one in self._refused]
        if time.monotonic() - oldest >= self._timing.suback_timeout_s:
            self.renew("the broker does not answer a subscription")
            return
        self._ask(refused)
        self._check_in(self._timing.suback_timeout_s, self._look_after)

    def _connect_failed(self, client: Client, userdata: Any) -> None:
        self._back_off()

    def _disconnected(
        self,
        client: Client,
        userdata: Any,
        flags: DisconnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if self._is_up and time.monotonic() - self._up_since >= STEADY_S:
            self._attempts = 0
        self._back_off()
        self._went_down(str(reason))

    def _went_down(self, why: str) -> None:
        # paho calls on_disconnect twice for one keep-alive timeout: only a change counts.
        self._check.cancel()
        with self._lock:
            was_up, self._is_up = self._is_up, False
            self._asked.clear()
        if was_up:
            self._guard.run("mqtt.on_down", lambda: self._on_down(why))

    def _back_off(self) -> None:
        ceiling = min(self._timing.backoff_max_s, self._timing.backoff_min_s * 2**self._attempts)
        self._attempts = min(self._attempts + 1, 16)
        delay: Any = self._chance.uniform(0, ceiling)  # paho's annotation says int, its arithmetic is float
        self._client.reconnect_delay_set(delay, delay)

    def _ask(self, filters: list[str]) -> None:
        if not filters:
            return
        with self._lock:
            _, mid = self._client.subscribe([(one, 0) for one in filters])
            if mid is not None:
                self._asked[mid] = (time.monotonic(), filters)

    def _subscribed(
        self,
        client: Client,
        userdata: Any,
        mid: int,
        reasons: list[ReasonCode],
        properties: Properties | None,
    ) -> None:
        with self._lock:
            _, filters = self._asked.pop(mid, (0.0, []))
        for one, reason in zip(filters, reasons, strict=False):
            if not reason.is_failure:
                self._refused.discard(one)
                continue
            self._guard.count("subscribe_refused")
            if one in self._refused:  # said once
                continue
            self._refused.add(one)
            log.error("broker refuses the subscription to %s: %s", one, reason)

    def _arrived(self, client: Client, userdata: Any, message: MQTTMessage) -> None:
        self._guard.run("mqtt.on_message", lambda: self._on_message(message.topic, bytes(message.payload)))
