"""Real brokers on free loopback ports, and a bare MQTT client that keeps what it was sent."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import paho.mqtt.client as paho

from controller import broker
from controller.broker import Broker
from controller.settings import Settings
from tests.waiting import until

KINDS = ("nats", "mosquitto")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def settings_for(kind: str, folder: Path, **more: object) -> Settings:
    quick = Settings(data_dir=folder / "data", broker=kind, mqtt_port=free_port(), http_port=free_port())
    return replace(quick, **more)  # type: ignore[arg-type]


@contextmanager
def running(settings: Settings) -> Iterator[Broker]:
    found = Broker(settings)
    found.start()
    try:
        yield found
    finally:
        found.stop()


class Client:
    """An MQTT client as any program could be one: no outbox, no rules."""

    def __init__(self, settings: Settings, user: str, password: str, *filters: str) -> None:
        self.got: list[tuple[str, bytes]] = []
        self.connects: list[str] = []
        self.drops = 0
        self.granted: list[bool] = []
        self._heard = threading.Event()
        self._paho = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=user, protocol=paho.MQTTv311)
        self._paho.username_pw_set(user, password)
        self._paho.reconnect_delay_set(1, 1)
        self._filters = filters
        self._paho.on_connect = self._connected
        self._paho.on_subscribe = lambda c, u, m, codes, p: self.granted.extend(
            not code.is_failure for code in codes
        )
        self._paho.on_message = lambda c, u, message: self.got.append((message.topic, message.payload))
        self._paho.on_disconnect = self._dropped
        self._paho.connect_async("127.0.0.1", settings.mqtt_port, 15)
        self._paho.loop_start()

    def _connected(self, client: paho.Client, _u: object, _f: object, code: object, _p: object) -> None:
        self.connects.append(str(code))
        for one in self._filters:
            client.subscribe(one, 0)

    def _dropped(self, *_: object) -> None:
        self.drops += 1

    @property
    def is_in(self) -> bool:
        return "Success" in self.connects and len(self.granted) >= len(self._filters)

    def publish(self, topic: str, payload: bytes, retain: bool = False, qos: int = 1) -> None:
        self._paho.publish(topic, payload, qos, retain)

    def payloads(self, topic: str) -> list[bytes]:
        return [payload for at, payload in list(self.got) if at == topic]

    def close(self) -> None:
        self._paho.disconnect()
        self._paho.loop_stop()


@contextmanager
def client(settings: Settings, user: str, password: str, *filters: str) -> Iterator[Client]:
    """A connected client. user "controller" takes the controller's own secret when password is ""."""
    found = Client(settings, user, password or broker.login(settings).password, *filters)
    try:
        until(lambda: found.is_in, what=f"{user} connected: {found.connects}")
        yield found
    finally:
        found.close()
