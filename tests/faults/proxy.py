"""A piece of network between MQTT clients and their broker that does, when told, what networks do.

It reads packets (fixed header, remaining length) in both directions and decides for each what becomes
of it: dropped, late, doubled, held until released, or the end of its connection. Rules are asked in the
order they were made and the first that means a packet decides. A line on which everything is dropped is
a half-open one: it takes bytes, connections too, and answers nothing. Bytes are never changed.

What happens to packets by chance is drawn from a seed, connection by connection and way by way.
"""

from __future__ import annotations

import heapq
import itertools
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, IntEnum

from paho.mqtt.client import topic_matches_sub


class Way(Enum):
    UP = "to the broker"
    DOWN = "from the broker"


class Kind(IntEnum):
    """Source: MQTT 3.1.1, table 2.1."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet as it came. line: number of its connection, from 1."""

    way: Way
    line: int
    data: bytes

    @property
    def kind(self) -> Kind:
        return Kind(self.data[0] >> 4)

    @property
    def is_retained(self) -> bool:
        return self.kind is Kind.PUBLISH and bool(self.data[0] & 1)

    @property
    def topic(self) -> str:
        """Of a PUBLISH; "" of any other."""
        return self._parts()[0]

    @property
    def payload(self) -> bytes:
        """Of a PUBLISH; nothing of any other."""
        return self._parts()[1]

    def _parts(self) -> tuple[str, bytes]:
        if self.kind is not Kind.PUBLISH:
            return "", b""
        start = 1 + _length_of_length(self.data)
        length = int.from_bytes(self.data[start : start + 2])
        topic_end = start + 2 + length
        has_id = self.data[0] & 0b110
        return self.data[start + 2 : topic_end].decode(), self.data[topic_end + (2 if has_id else 0) :]


class Fate(Enum):
    """What may become of a packet besides going on, early or late, once or often."""

    CUT = "its connection ends"
    HOLD = "it waits for release()"


Outcome = Fate | Sequence[float]  # seconds after which copies go on; nothing: it is dropped
PASS: Outcome = (0.0,)
END = b""  # in place of a packet: the connection ends behind everything that was due by then
Where = Callable[[Packet], bool]


def where(way: Way | None = None, *kinds: Kind, topic: str = "") -> Where:
    """Packets of a way, of these kinds, on a topic filter; what is left out means any."""

    def means(packet: Packet) -> bool:
        return (
            way in (None, packet.way)
            and (not kinds or packet.kind in kinds)
            and (not topic or (packet.kind is Kind.PUBLISH and topic_matches_sub(topic, packet.topic)))
        )

    return means


@dataclass(slots=True)
class Rule:
    """What becomes of some packets. hits: those it decided on; left: how many more it decides on."""

    means: Where
    decide: Callable[[Packet], Outcome | None]
    left: int | None = None
    hits: list[Packet] = field(default_factory=list)

    def lift(self) -> None:
        """Let such packets pass from now on."""
        self.left = 0

    def outcome(self, packet: Packet) -> Outcome | None:
        """None: this rule has nothing to say of the packet."""
        if self.left == 0 or not self.means(packet):
            return None
        self.hits.append(packet)
        if self.left is not None:
            self.left -= 1
        return self.decide(packet)


@dataclass(frozen=True, slots=True)
class Odds:
    """How often chance strikes a packet: out of one, each; late_s: at most."""

    drop: float = 0.03
    double: float = 0.05
    late: float = 0.1
    late_s: float = 0.3
    cut: float = 0.001


class Proxy:
    """Stands in front of a loopback port; clients connect to `port`. Safe from any thread."""

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._server = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = int(self._server.getsockname()[1])
        self.is_refusing = False  # nobody answers at the port
        self._lock = threading.Lock()
        self._rules: list[Rule] = []
        self._lines: list[_Line] = []
        self._held: list[tuple[_Stream, bytes]] = []
        self._numbers = itertools.count(1)
        self._thread = threading.Thread(target=self._accept, name="proxy", daemon=True)
        self._thread.start()

    # --- what the network shall do

    def rule(
        self, means: Where, decide: Callable[[Packet], Outcome | None], times: int | None = None
    ) -> Rule:
        """Decide on each packet that is meant, or on the first `times` of them; until lifted."""
        made = Rule(means, decide, times)
        with self._lock:
            self._rules.append(made)
        return made

    def watch(self, means: Where) -> Rule:
        """Keep the packets that are meant, and let them pass."""
        return self.rule(means, lambda packet: None)

    def drop(self, means: Where, times: int | None = None) -> Rule:
        return self.rule(means, lambda packet: (), times)

    def delay(self, means: Where, seconds: float, times: int | None = None) -> Rule:
        """Let them come later. Packets that are not meant overtake them."""
        return self.rule(means, lambda packet: (seconds,), times)

    def double(self, means: Where, times: int | None = None, copies: int = 2) -> Rule:
        return self.rule(means, lambda packet: (0.0,) * copies, times)

    def hold(self, means: Where, times: int | None = None) -> Rule:
        """Keep them back until release()."""
        return self.rule(means, lambda packet: Fate.HOLD, times)

    def release(self, *, is_reversed: bool = False) -> None:
        """Let what is held go on, the newest first when reversed."""
        with self._lock:
            held, self._held = self._held, []
        for stream, data in reversed(held) if is_reversed else held:
            stream.send(data, 0.0)

    def cut_at(self, means: Where, times: int | None = 1) -> Rule:
        """End the connection in place of passing the packet on."""
        return self.rule(means, lambda packet: Fate.CUT, times)

    def blackhole(self) -> Rule:
        """Take every byte and every connection, and answer nothing, until the rule is lifted."""
        return self.drop(where())

    def by_chance(self, seed: int, odds: Odds | None = None, means: Where | None = None) -> Rule:
        """Let chance decide on PUBLISH and PUBACK packets, or on those meant."""
        found, dice = odds or Odds(), _Dice(seed)
        return self.rule(
            means or where(None, Kind.PUBLISH, Kind.PUBACK), lambda packet: dice.throw(packet, found)
        )

    def calm(self) -> None:
        """Forget every rule and let what is held go on."""
        with self._lock:
            self._rules.clear()
        self.release()

    def cut(self) -> None:
        """End every connection now, without a word of MQTT."""
        with self._lock:
            lines = list(self._lines)
        for line in lines:
            line.end()

    def close(self) -> None:
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)
        self.cut()

    # --- its work

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            with self._lock:  # so that cut() misses none that is being made
                far = None if self.is_refusing else self._reach()
                if far is None:
                    near.close()
                    continue
                line = _Line(self, near, far, next(self._numbers))
                self._lines.append(line)
            line.start()

    def _reach(self) -> socket.socket | None:
        try:
            return socket.create_connection(("127.0.0.1", self._to_port))
        except OSError:
            return None

    def take(self, packet: Packet, stream: _Stream) -> None:
        """Do with a packet what the rules say."""
        with self._lock:
            outcomes = (rule.outcome(packet) for rule in self._rules)
            outcome = next((one for one in outcomes if one is not None), PASS)
            if outcome is Fate.HOLD:
                self._held.append((stream, packet.data))
                return
        if isinstance(outcome, Fate):
            stream.send(END, 0.0)
            return
        for late_s in outcome:
            stream.send(packet.data, late_s)

    def forget(self, line: _Line) -> None:
        with self._lock:
            if line in self._lines:
                self._lines.remove(line)


class _Dice:
    """Chance, the same for the same seed and the same packets of a way of a connection."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._of: dict[tuple[int, Way], random.Random] = {}

    def throw(self, packet: Packet, odds: Odds) -> Outcome:
        key = packet.line, packet.way
        chance = self._of.setdefault(key, random.Random(f"{self._seed} {packet.line} {packet.way.name}"))
        fall = chance.random()
        for likely, outcome in (
            (odds.drop, ()),
            (odds.double, (0.0, chance.uniform(0, odds.late_s))),
            (odds.late, (chance.uniform(0, odds.late_s),)),
            (odds.cut, Fate.CUT),
        ):
            if fall < likely:
                return outcome
            fall -= likely
        return PASS


class _Line:
    """One connection through the proxy."""

    def __init__(self, proxy: Proxy, near: socket.socket, far: socket.socket, number: int) -> None:
        self._proxy, self._ends = proxy, (near, far)
        self._streams = (
            _Stream(proxy, self, Way.UP, near, far, number),
            _Stream(proxy, self, Way.DOWN, far, near, number),
        )
        for end in self._ends:
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def start(self) -> None:
        for stream in self._streams:
            stream.start()

    def end(self) -> None:
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        for stream in self._streams:
            stream.end()
        self._proxy.forget(self)


class _Stream:
    """One way of a connection: a thread that reads packets, and one that writes those that are due."""

    def __init__(
        self, proxy: Proxy, line: _Line, way: Way, source: socket.socket, sink: socket.socket, number: int
    ) -> None:
        self._proxy, self.line, self._way, self._number = proxy, line, way, number
        self._source, self._sink = source, sink
        self._due: list[tuple[float, int, bytes]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._is_ended = False

    def start(self) -> None:
        for work in (self._read, self._write):
            threading.Thread(target=work, name=f"proxy-{self._number}-{self._way.name}", daemon=True).start()

    def send(self, data: bytes, late_s: float) -> None:
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + late_s, next(self._order), data))
            self._changed.notify()

    def end(self) -> None:
        with self._changed:
            self._is_ended = True
            self._changed.notify()

    def _read(self) -> None:
        buffer = bytearray()
        with suppress(OSError):
            while chunk := self._source.recv(65536):
                buffer += chunk
                for data in packets(buffer):
                    self._proxy.take(Packet(self._way, self._number, data), self)
        self.send(END, 0.0)

    def _write(self) -> None:
        while (data := self._next()) is not None:
            try:
                self._sink.sendall(data)
            except OSError:
                break
        self.line.end()

    def _next(self) -> bytes | None:
        """What is to be written next, once it is due; None at the end."""
        with self._changed:
            while not self._is_ended:
                left_s = self._due[0][0] - time.monotonic() if self._due else None
                if left_s is not None and left_s <= 0:
                    data = heapq.heappop(self._due)[2]
                    return None if data is END else data
                self._changed.wait(left_s)
            return None


def packets(buffer: bytearray) -> Iterator[bytes]:
    """The whole packets at the start of the buffer, taken out of it."""
    while len(buffer) >= 2:
        digits = _length_of_length(buffer)
        if digits == 0:
            return
        end = 1 + digits + sum((buffer[1 + n] & 0x7F) << (7 * n) for n in range(digits))
        if len(buffer) < end:
            return
        whole = bytes(buffer[:end])
        del buffer[:end]
        yield whole


def _length_of_length(data: bytes | bytearray) -> int:
    """How many bytes the remaining length takes (MQTT 3.1.1, 2.2.3); 0 while they are not all there."""
    for digits in range(1, min(5, len(data))):
        if not data[digits] & 0x80:
            return digits
    return 0


@contextmanager
def proxy_to(port: int) -> Iterator[Proxy]:
    proxy = Proxy(port)
    try:
        yield proxy
    finally:
        proxy.close()
