"""How a connection begins, what it asks of the broker, and how it is kept: R14, R19, R20."""

from __future__ import annotations

import logging
import os
import random
import signal
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from controller import broker as brokers
from controller.broker import Account, hash_secret
from controller.settings import Settings
from firmware.protocol import topics
from firmware.protocol.codec import decode
from firmware.protocol.guard import Guard
from firmware.protocol.link import Broker, LinkTiming, Session, SessionTiming
from firmware.protocol.messages import Beep, Birth
from tests.contract.unit import Unit
from tests.contract.whole import Whole
from tests.controller.brokers import running, settings_for
from tests.controller.sites import desk
from tests.faults.proxy import Kind, Packet, Proxy, Way, where
from tests.firmware.far_end import HALL, QUICK, SECRET, UNIT, FarEnd, unit_login
from tests.waiting import until

BIRTH = where(Way.UP, Kind.PUBLISH, topic="sh/v1/+/+/up/birth")
BOARDS = where(Way.DOWN, Kind.PUBLISH, topic="sh/v1/+/board/#")
CONFIGS = where(Way.DOWN, Kind.PUBLISH, topic="sh/v1/+/+/down/cfg")


def bare(settings: Settings, name: str, got: Callable[[str, bytes], None], *filters: str) -> Session:
    """A session without a link: it only listens."""
    guard = Guard(logging.getLogger(name))
    return Session(unit_login(settings), UNIT, guard, on_message=got, filters=filters, timing=QUICK)


# --- R14


def test_r14_a_connection_begins_with_birth_state_configuration_health_and_then_events(
    unit: Unit, controller: FarEnd
) -> None:
    """On every connect: subscribe, birth, state, cfg, health, outbox."""
    unit.press()
    unit.meet(controller)
    until(lambda: unit.outbox.acked == 1)
    wanted = ["birth", "state", "cfg", "health", "evt"]
    assert [leaf for leaf in controller.leaves() if leaf in wanted][:5] == wanted
    assert controller.births()[0].outbox.hi == 1


def test_r14_the_subscription_is_asked_before_anything_is_said(
    unit: Unit, proxy: Proxy, controller: FarEnd
) -> None:
    """Subscribe first: the answers to what follows find an open ear."""
    said = proxy.watch(where(Way.UP, Kind.CONNECT, Kind.SUBSCRIBE, Kind.PUBLISH))
    unit.meet(controller)
    assert [packet.kind for packet in said.hits[:3]] == [Kind.CONNECT, Kind.SUBSCRIBE, Kind.PUBLISH]


def test_r14_a_new_generation_of_the_controller_is_told_everything_again(
    unit: Unit, controller: FarEnd
) -> None:
    """On ctl/state with a new gen: birth, state, cfg, health again, and the send window anew."""
    controller.is_acking = False
    unit.meet(controller)
    unit.press(2)
    until(lambda: len(controller.events) == 2)
    births = len(controller.births())
    controller.gen, controller.events = 2, {}
    controller.is_acking = True
    controller.appear(day="2026-11-24")
    until(lambda: len(controller.births()) > births and len(controller.events) == 2)
    assert unit.outbox.get("day") == "2026-11-24"


def test_r14_a_lost_birth_is_told_again(both: Whole) -> None:
    """A birth the controller never heard is asked for, without a new connection."""
    lost = both.near.drop(BIRTH, times=3)
    unit = both.met()
    until(lambda: both.bus.presence.of("node-1").birth is not None)
    assert len(lost.hits) == 3
    assert decode(lost.hits[0].payload, Birth).sess == unit.outbox.session
    assert unit.ups == 1


def test_r14_lost_boards_come_again(both: Whole) -> None:
    """A board that was lost on its way is sent again: the display comes to show what is."""
    unit = both.met(config=desk(1))
    unit.shows = ("w1",)
    until(lambda: unit.boards)
    lost = both.near.drop(BOARDS, times=3)
    other = both.met("node-2")
    other.press()
    until(lambda: lost.hits and both.numbers())
    newest = both.bus.screens.get("w1")
    assert newest is not None
    until(lambda: (newest.gen, newest.ver) in [(board.gen, board.ver) for board in unit.boards])


def test_r14_a_lost_configuration_comes_again(both: Whole) -> None:
    """A configuration that was lost on its way is sent again."""
    both.near.drop(CONFIGS, times=2)
    unit = both.unit()
    until(lambda: unit.configs)


def test_r14_all_is_back_after_the_broker_was_killed(both: Whole) -> None:
    """A broker that is killed costs no event: all are back, and retained words are made anew (F54)."""
    unit = both.met()
    unit.press(3)
    until(lambda: unit.is_quiet)
    configs = len(unit.configs)
    assert both.broker.pid is not None
    os.kill(both.broker.pid, signal.SIGKILL)
    unit.press(10)
    until(lambda: unit.is_quiet and both.bus.is_up and len(unit.slips) == 13, timeout=30)
    assert unit.slips == both.numbers()
    until(lambda: len(unit.configs) > configs or unit.configs[-1].rev == unit.configs[0].rev)


def test_r14_up_and_down_are_told_once_for_each_change(unit: Unit, proxy: Proxy, controller: FarEnd) -> None:
    """A connection that comes and goes is told once for each change (F62)."""
    unit.meet(controller)
    for downs in (1, 2):
        proxy.cut()
        until(lambda downs=downs: len(unit.downs) == downs and unit.ups == downs + 1)  # type: ignore[misc]


def test_r14_what_is_published_while_a_unit_subscribes_reaches_it(
    settings: Settings, controller: FarEnd
) -> None:
    """A retained word published while the broker sets up a subscription arrives by the second SUBSCRIBE."""
    for ver in range(12):
        got: list[str] = []
        early = bare(
            settings, "early", lambda topic, payload, got=got: got.append(topic), topics.board(HALL, "#")
        )
        early.start()
        until(lambda early=early: early.is_up, every=0.001)  # type: ignore[misc]
        controller.session.publish(topics.board(HALL, f"w{ver}"), b"{}", retain=True)
        until(lambda got=got, ver=ver: topics.board(HALL, f"w{ver}") in got)  # type: ignore[misc]
        early.stop()


# --- R19


def test_r19_sessions_are_clean_and_nothing_rests_on_the_brokers_delivery(both: Whole) -> None:
    """clean_session always; no QoS 2, no subscription above QoS 0, no shared one."""
    said = [network.watch(where(Way.UP)) for network in (both.near, both.far)]
    unit = both.met()
    unit.press(3)
    until(lambda: unit.is_quiet and len(unit.slips) == 3)
    both.far.cut()
    until(lambda: any(packet.kind is Kind.CONNECT for packet in said[1].hits))
    packets = [packet for rule in said for packet in rule.hits]
    assert all(is_clean(packet) for packet in packets if packet.kind is Kind.CONNECT)
    assert all(packet.data[0] & 0b100 == 0 for packet in packets if packet.kind is Kind.PUBLISH)
    assert all(qos == 0 for packet in packets for qos in asked_qos(packet))
    assert not [packet for packet in packets if b"$share" in packet.data]


def is_clean(packet: Packet) -> bool:
    """Source: MQTT 3.1.1, 3.1.2.3: bit 1 of the byte behind protocol name and level."""
    return bool(packet.data[packet.data.index(b"\0\4MQTT\4") + 7] & 0b10)


def asked_qos(packet: Packet) -> list[int]:
    """Of each filter of a SUBSCRIBE (MQTT 3.1.1, 3.8.3); those here are shorter than 125 bytes."""
    if packet.kind is not Kind.SUBSCRIBE:
        return []
    body, found = packet.data[-packet.data[1] + 2 :] if packet.data[1] < 128 else packet.data[5:], []
    while body:
        end = 2 + int.from_bytes(body[:2])
        found.append(body[end])
        body = body[end + 1 :]
    return found


def test_r19_what_was_sent_while_a_unit_was_away_comes_from_the_sender_again(
    unit: Unit, proxy: Proxy, controller: FarEnd
) -> None:
    """No reliance on broker queues: what a unit missed while it was away is not delivered later."""
    unit.meet(controller)
    proxy.is_refusing = True
    proxy.cut()
    until(lambda: not unit.link.is_up)
    controller.order("c1", Beep(device="keypad-1"))
    proxy.is_refusing = False
    until(lambda: unit.link.is_up)

    def is_done() -> bool:
        controller.order("c2", Beep(device="keypad-1"))  # again, as the unit may not be subscribed yet
        return bool(controller.ended("c2"))

    until(is_done, every=0.2)
    assert [one.cid for one in unit.orders] == ["c2"]


def test_r19_a_refused_subscription_is_reported(settings: Settings) -> None:
    """Each SUBACK is read: a refused filter is known, counted and asked for again."""
    curious = bare(settings, "curious", lambda topic, payload: None, "sh/v1/other/#")
    curious.start()
    until(lambda: curious.is_up)
    if settings.broker == "nats":  # Mosquitto grants and filters later.
        until(lambda: curious.refused == {"sh/v1/other/#"})
    curious.stop()


def test_r19_a_subscription_that_is_not_answered_is_made_anew(
    settings: Settings, proxy: Proxy, controller: FarEnd, tmp_path: Path
) -> None:
    """A SUBACK that never comes ends the connection: a unit is not deaf for ever."""
    session = replace(QUICK, suback_timeout_s=0.4)
    proxy.drop(where(Way.UP, Kind.SUBSCRIBE), times=2)
    login = unit_login(replace(settings, mqtt_port=proxy.port))
    unit = Unit(login, tmp_path / "unit", LinkTiming(session=session, heartbeat_s=0.3))
    unit.meet(controller)

    def is_heard() -> bool:
        controller.order("c1", Beep(device="keypad-1"))  # until it is not deaf any more
        return bool(unit.orders)

    until(is_heard, every=0.2)
    assert unit.ups >= 2
    unit.close()


# --- R20


def test_r20_the_keepalive_is_15_s_and_the_back_off_goes_from_1_to_30_s() -> None:
    """Keepalive 15 s; connect back-off 1 to 30 s."""
    timing = SessionTiming()
    assert (timing.keepalive_s, timing.backoff_min_s, timing.backoff_max_s) == (15, 1.0, 30.0)


class Dice(random.Random):
    """Chance that remembers how far the dice could fall."""

    def __init__(self) -> None:
        super().__init__(3)
        self.most: list[float] = []

    def uniform(self, a: float, b: float) -> float:
        self.most.append(b)
        return super().uniform(a, b)


def test_r20_the_back_off_doubles_to_its_end_with_full_jitter(settings: Settings, proxy: Proxy) -> None:
    """Full jitter, so that 200 units do not stampede after a power return (F71)."""
    proxy.is_refusing = True
    dice, timing = Dice(), replace(QUICK, backoff_min_s=0.01, backoff_max_s=0.08)
    login = unit_login(replace(settings, mqtt_port=proxy.port))
    session = Session(
        login,
        UNIT,
        Guard(logging.getLogger("unlucky")),
        on_message=lambda topic, payload: None,
        timing=timing,
        chance=dice,
    )
    session.start()
    until(lambda: len(dice.most) >= 6)
    proxy.is_refusing = False
    until(lambda: session.is_up)
    session.stop()
    assert dice.most[:5] == [0.01, 0.02, 0.04, 0.08, 0.08]


@pytest.mark.parametrize("kept", [Kind.CONNACK, Kind.SUBACK, Kind.PUBACK])
def test_r20_answers_the_network_swallows_keep_nobody_out(both: Whole, kept: Kind) -> None:
    """A CONNACK, SUBACK or PUBACK that is swallowed costs time and no event."""
    swallowed = both.near.drop(where(Way.DOWN, kept), times=2)
    unit = both.met()
    unit.press(5)
    until(lambda: unit.is_quiet and len(unit.slips) == 5, timeout=20)
    assert len(swallowed.hits) == 2
    assert unit.slips == both.numbers()


def test_r20_a_silent_line_is_noticed_and_replaced(unit: Unit, proxy: Proxy, controller: FarEnd) -> None:
    """A half-open connection is noticed by both ends and replaced (F59)."""
    unit.meet(controller)
    hole = proxy.blackhole()
    until(lambda: unit.downs, timeout=20)
    hole.lift()
    proxy.cut()
    unit.press()
    until(lambda: unit.outbox.acked == 1)


def test_r20_the_controllers_own_silent_line_is_replaced(both: Whole) -> None:
    """The controller's half-open connection is replaced too, and nothing said meanwhile is lost (F59)."""
    unit = both.met()
    hole = both.far.drop(lambda packet: packet.line == 1)
    unit.press(3)
    until(lambda: hole.hits and unit.is_quiet and len(unit.slips) == 3, timeout=30)
    assert unit.slips == both.numbers()


def test_r20_small_packets_do_not_wait_for_each_other(both: Whole) -> None:
    """TCP_NODELAY is set on the real sockets of both ends."""
    unit = both.met()
    for session in (unit.link.session, both.bus.session):
        sock = session._client.socket()
        assert sock is not None
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_r20_an_exception_in_a_callback_is_counted_and_the_link_lives(
    unit: Unit, controller: FarEnd, caplog: pytest.LogCaptureFixture
) -> None:
    """An exception in a callback does not kill the loop thread: it is counted, and all goes on (F70)."""
    caplog.set_level(logging.CRITICAL)

    def broken() -> None:
        raise RuntimeError("a mistake in the node")

    unit.broken = broken  # in on_up, and in each order
    unit.meet(controller)
    controller.order("c1", Beep(device="keypad-1"))
    until(lambda: unit.guard.counts().get("failed.mqtt.on_message"))
    unit.press()
    until(lambda: unit.is_quiet)
    assert unit.guard.counts()["failed.link.on_up"] == 1
    assert unit.link.is_alive
    unit.broken = lambda: None
    controller.order("c2", Beep(device="keypad-1"))
    until(lambda: controller.ended("c2"))


def test_r20_a_wrong_secret_is_counted_and_tried_again(settings: Settings) -> None:
    """Whoever is refused tries again, and says so once."""
    guard = Guard(logging.getLogger("stranger"))
    login = replace(unit_login(settings), secret="wrong")
    stranger = Session(login, UNIT, guard, on_message=lambda topic, payload: None, timing=QUICK)
    stranger.start()
    until(lambda: guard.counts().get("connect_refused", 0) >= 2)
    assert not stranger.is_up
    assert not stranger.publish("sh/v1/hall/node-1/up/evt", b"{}")
    stranger.stop()


def test_r20_a_broker_that_comes_later_is_found(kind: str, tmp_path: Path) -> None:
    """The order in which things are switched on does not matter."""
    settings = settings_for(kind, tmp_path)
    guard = Guard(logging.getLogger("early"))
    login = Broker("127.0.0.1", settings.mqtt_port, UNIT, SECRET)
    early = Session(login, UNIT, guard, on_message=lambda topic, payload: None, timing=QUICK)
    early.start()
    account = Account(UNIT, hash_secret(SECRET), topics.unit_rights(HALL, UNIT))
    brokers.set_accounts(settings, lambda: [account])
    with running(settings):
        until(lambda: early.is_up)
        early.stop()
