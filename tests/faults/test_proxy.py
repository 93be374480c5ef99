"""The fault proxy does to packets what it is told, and nothing else."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.faults.proxy import Kind, Odds, Packet, Proxy, Way, packets, proxy_to, where
from tests.waiting import until

PING = bytes([Kind.PINGREQ << 4, 0])


def publish(topic: str, payload: bytes = b"", qos: int = 0) -> bytes:
    name = topic.encode()
    body = len(name).to_bytes(2) + name + (b"\0\7" if qos else b"") + payload
    size, digits = len(body), bytearray()
    while True:
        size, digit = divmod(size, 128)
        digits.append(digit | (0x80 if size else 0))
        if not size:
            return bytes([Kind.PUBLISH << 4 | qos << 1]) + digits + body


class Ends:
    """A client and what stands for its broker, with the proxy between them."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.proxy = Proxy(self._server.getsockname()[1])
        self.client, self.broker = self.another()

    def another(self) -> tuple[socket.socket, socket.socket]:
        client = socket.create_connection(("127.0.0.1", self.proxy.port), timeout=10)
        broker, _ = self._server.accept()
        broker.settimeout(10)
        return client, broker

    def close(self) -> None:
        self.proxy.close()
        for end in (self.client, self.broker, self._server):
            end.close()


@pytest.fixture
def ends() -> Iterator[Ends]:
    found = Ends()
    yield found
    found.close()


def received(end: socket.socket, wanted: int) -> list[bytes]:
    """The next packets that come out at an end."""
    buffer, found = bytearray(), []
    while len(found) < wanted:
        chunk = end.recv(4096)
        assert chunk, f"the line ended after {found}"
        buffer += chunk
        found += list(packets(buffer))
    return found


def names(found: list[bytes]) -> list[str]:
    return [Packet(Way.UP, 1, data).topic for data in found]


@pytest.mark.parametrize("size", [0, 100, 127, 128, 20_000, 70_000])
@pytest.mark.parametrize("qos", [0, 1])
def test_packets_of_any_length_pass_unchanged_and_are_understood(ends: Ends, size: int, qos: int) -> None:
    sent = publish("sh/v1/hall/node-1/up/evt", b"x" * size, qos)
    ends.client.sendall(sent + PING)
    assert received(ends.broker, 2) == [sent, PING]
    packet = Packet(Way.UP, 1, sent)
    assert (packet.kind, packet.topic, packet.payload) == (
        Kind.PUBLISH,
        "sh/v1/hall/node-1/up/evt",
        b"x" * size,
    )


def test_a_packet_that_comes_in_pieces_is_one_packet(ends: Ends) -> None:
    sent = publish("a/b", b"y" * 300)
    watched = ends.proxy.watch(where())
    for n in range(0, len(sent), 7):
        ends.client.sendall(sent[n : n + 7])
    assert received(ends.broker, 1) == [sent]
    assert [packet.data for packet in watched.hits] == [sent]


def test_only_what_is_meant_is_dropped_and_only_so_often(ends: Ends) -> None:
    dropped = ends.proxy.drop(where(Way.UP, Kind.PUBLISH, topic="+/evt"), times=2)
    for topic in ("1/evt", "1/res", "2/evt", "3/evt"):
        ends.client.sendall(publish(topic))
    ends.broker.sendall(publish("4/evt"))
    assert names(received(ends.broker, 2)) == ["1/res", "3/evt"]
    assert names(received(ends.client, 1)) == ["4/evt"]
    assert [packet.topic for packet in dropped.hits] == ["1/evt", "2/evt"]


def test_doubled_late_and_held_packets(ends: Ends) -> None:
    ends.proxy.double(where(topic="twice"))
    ends.proxy.delay(where(topic="late"), 0.2)
    held = ends.proxy.hold(where(topic="held/+"))
    for topic in ("late", "held/1", "twice", "held/2"):
        ends.broker.sendall(publish(topic))
    assert names(received(ends.client, 3)) == ["twice", "twice", "late"]
    assert len(held.hits) == 2
    ends.proxy.release(is_reversed=True)
    assert names(received(ends.client, 2)) == ["held/2", "held/1"]


def test_a_lifted_rule_and_a_calm_network_do_nothing(ends: Ends) -> None:
    hole = ends.proxy.blackhole()
    ends.client.sendall(PING)
    until(lambda: hole.hits)
    hole.lift()
    ends.proxy.hold(where())
    watched = ends.proxy.watch(where())
    ends.client.sendall(publish("a"))
    until(lambda: ends.proxy._held)
    ends.proxy.calm()
    ends.client.sendall(publish("b"))
    assert names(received(ends.broker, 2)) == ["a", "b"]
    assert watched.hits == []  # Rules are asked in their order; the first decides.


def test_a_connection_ends_at_a_packet_and_a_new_one_is_taken(ends: Ends) -> None:
    ends.proxy.cut_at(where(topic="end"))
    ends.client.sendall(publish("first") + publish("end"))
    assert names(received(ends.broker, 1)) == ["first"]
    assert ends.broker.recv(10) == ends.client.recv(10) == b""
    client, broker = ends.another()
    client.sendall(publish("end"))
    assert names(received(broker, 1)) == ["end"]
    client.close()
    assert broker.recv(10) == b""
    broker.close()


def test_a_cut_ends_every_connection_and_a_refusal_takes_no_new_one(ends: Ends) -> None:
    ends.proxy.is_refusing = True
    ends.proxy.cut()
    assert ends.client.recv(10) == ends.broker.recv(10) == b""
    with socket.create_connection(("127.0.0.1", ends.proxy.port), timeout=10) as client:
        assert client.recv(10) == b""


def test_nobody_behind_the_proxy_is_a_connection_that_ends() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with proxy_to(port) as proxy, socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as client:
        assert client.recv(10) == b""


def test_the_same_seed_strikes_the_same_packets(ends: Ends) -> None:
    odds = Odds(drop=0.3, double=0.0, late=0.0, cut=0.0)
    passed = []
    for _ in range(2):
        rule = ends.proxy.by_chance(7, odds)
        for n in range(50):
            ends.client.sendall(publish(f"n/{n}"))
        ends.client.sendall(PING)
        found: list[bytes] = []
        while not found or found[-1] != PING:
            found += received(ends.broker, 1)
        passed.append(names(found))
        assert len(rule.hits) == 50
        rule.lift()
    assert passed[0] == passed[1]
    assert 20 < len(passed[0]) < 50
