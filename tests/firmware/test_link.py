"""The unit's end of the rules R1-R20, over real brokers."""

from __future__ import annotations

import json
import logging
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from controller import broker as brokers
from controller.broker import Account, hash_secret
from controller.settings import Settings
from firmware.protocol import topics
from firmware.protocol.guard import Guard
from firmware.protocol.link import Broker, Callbacks, Identity, Link, LinkTiming, Received, Session
from firmware.protocol.messages import (
    Beep,
    Board,
    ConfigState,
    Pressed,
    Request,
    Result,
    ResultState,
    TimeQuality,
    UnitConfig,
    decode,
)
from firmware.protocol.outbox import Outbox
from tests.controller.brokers import KINDS, running, settings_for
from tests.firmware.far_end import HALL, QUICK, SECRET, UNIT, FarEnd, broker_for, far_end, unit_login
from tests.firmware.relay import Relay, relay_to
from tests.waiting import until

TIMING = LinkTiming(session=QUICK, resend_s=0.2, resend_max_s=0.8, heartbeat_s=0.3, health_s=1.0)


class Unit:
    """A link with its store; orders are kept and, unless told otherwise, done at once."""

    def __init__(self, settings: Settings, folder: Path, timing: LinkTiming = TIMING) -> None:
        self.outbox = Outbox.open(folder / "outbox.sqlite")
        self.guard = Guard(logging.getLogger("unit"))
        self.orders: list[Received] = []
        self.configs: list[UnitConfig] = []
        self.boards: list[Board] = []
        self.is_doing = True
        self.ups = 0
        self.downs: list[str] = []
        self.broken: Callable[[], None] = lambda: None
        callbacks = Callbacks(
            on_order=self._do,
            on_config=self.configs.append,
            on_board=self.boards.append,
            on_up=self._count_up,
            on_down=self.downs.append,
            versions=lambda: {"w1": max(((b.gen, b.ver) for b in self.boards), default=(0, 0))},
        )
        self.link = Link(
            unit_login(settings), Identity(HALL, UNIT, "0.1"), self.outbox, callbacks, self.guard, timing
        )

    def _count_up(self) -> None:
        self.ups += 1
        self.broken()

    def _do(self, received: Received) -> None:
        self.orders.append(received)
        if self.is_doing:
            self.finish(received.cid)

    def finish(self, cid: str) -> None:
        result = Result(cid=cid, state=ResultState.DONE)
        self.outbox.finish(result)
        self.link.tell(result)

    def press(self, times: int = 1) -> int:
        for _ in range(times):
            self.outbox.append(Pressed(input="button-1"))
        self.link.wake()
        return self.outbox.last

    def close(self) -> None:
        self.link.stop()
        self.outbox.close()


@pytest.fixture(params=KINDS)
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    with broker_for(request.param, tmp_path) as found:
        yield found


@pytest.fixture
def controller(settings: Settings) -> Iterator[FarEnd]:
    with far_end(settings) as found:
        yield found


@pytest.fixture
def relay(settings: Settings) -> Iterator[Relay]:
    with relay_to(settings.mqtt_port) as found:
        yield found


@pytest.fixture
def unit(settings: Settings, relay: Relay, tmp_path: Path) -> Iterator[Unit]:
    found = Unit(replace(settings, mqtt_port=relay.port), tmp_path)
    yield found
    found.close()


def connected(unit: Unit, controller: FarEnd) -> Unit:
    """The unit, once it hears the controller: the retained generation is news to a fresh store, so it
    announces itself a second time (R14)."""
    unit.link.start()
    until(lambda: len(controller.births()) >= 2, what="the unit hears the controller")
    return unit


def sessions(controller: FarEnd, *, online: bool) -> list[int]:
    """Session numbers that were told as online, or as ended."""
    return sorted({one.sess for one in controller.states() if one.online is online})


def test_r01_an_order_of_an_unknown_kind_is_rejected_and_not_remembered(unit, controller):
    connected(unit, controller)
    command = {
        "v": 1,
        "cid": "c1",
        "t": "Dance",
        "gen": 1,
        "iss": "2026-11-23T00:00:00Z",
        "ttl_ms": 9,
        "d": {},
    }
    controller.down("cmd", json.dumps(command).encode())
    assert until(lambda: controller.ended("c1")).code == "unknown_order"
    assert unit.outbox.result("c1") is None


def test_r02_r03_events_arrive_in_order_under_their_epoch(unit, controller):
    last = connected(unit, controller).press(150)
    until(lambda: unit.outbox.acked == last)
    assert [seq for _, seq in sorted(controller.events)] == list(range(1, 151))
    assert {ep for ep, _ in controller.events} == {unit.outbox.epoch}


def test_r04_no_more_than_64_events_are_under_way(unit, controller):
    controller.is_acking = False
    connected(unit, controller).press(200)
    until(lambda: len(controller.arrivals) > 64)  # So the window was sent, and then sent again.
    assert max(one.seq for one in controller.arrivals) == 64


def test_r04_events_are_sent_again_until_acked(unit, controller):
    controller.is_acking = False
    connected(unit, controller).press(3)
    until(lambda: [one.seq for one in controller.arrivals].count(3) >= 2)
    controller.is_acking = True
    until(lambda: unit.outbox.acked == 3)
    assert unit.guard.counts()["resends"] >= 3


def test_r06_an_ack_is_cumulative_and_may_come_twice_or_late(unit, controller):
    controller.is_acking = False
    connected(unit, controller).press(5)
    until(lambda: len(controller.events) == 5)
    for hi in (4, 4, 2):
        controller.ack(unit.outbox.epoch, hi)
    until(lambda: unit.outbox.acked == 4)
    controller.ack("another", 5)
    until(lambda: unit.guard.counts().get("acks_of_another_epoch"))
    assert unit.outbox.acked == 4


def test_r05_gaps_the_controller_names_are_sent_again_at_once(settings, tmp_path, controller):
    patient = Unit(settings, tmp_path, replace(TIMING, resend_s=60.0, resend_max_s=60.0))
    controller.is_acking = False
    connected(patient, controller).press(5)
    until(lambda: len(controller.events) == 5)
    controller.ack(patient.outbox.epoch, 1, (2, 3))
    until(lambda: len(controller.arrivals) == 7)
    patient.close()
    assert [one.seq for one in controller.arrivals[5:]] == [2, 3]


def test_f81_a_restored_controller_gets_acked_events_again(unit, controller):
    last = connected(unit, controller).press(100)
    until(lambda: unit.outbox.acked == last)
    controller.events = {key: one for key, one in controller.events.items() if key[1] <= 10}
    controller.ack(unit.outbox.epoch, 10, (11, 100))
    until(lambda: len(controller.events) == 100 and unit.outbox.acked == 100)


def test_r08_the_same_order_is_carried_out_once_and_answered_again(unit, controller):
    connected(unit, controller)
    for _ in range(3):
        controller.order("c1", Beep(device="keypad-1"))
    until(lambda: [one.state for one in controller.results("c1")].count(ResultState.DONE) == 3)
    assert len(unit.orders) == 1


def test_r08_an_order_under_way_is_not_begun_twice(unit, controller):
    unit.is_doing = False
    connected(unit, controller)
    controller.order("c1", Beep(device="keypad-1"))
    controller.order("c1", Beep(device="keypad-1"))
    until(lambda: len(controller.results("c1")) == 2)
    assert len(unit.orders) == 1
    assert {one.state for one in controller.results("c1")} == {ResultState.RECEIVED}


def test_r09_an_order_older_than_its_time_to_live_is_answered_expired(unit, controller):
    controller.time = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
    connected(unit, controller)
    until(lambda: unit.outbox.clock.quality() is TimeQuality.SYNCED)
    controller.time -= timedelta(seconds=30)
    controller.order("late", Beep(device="keypad-1"), ttl_ms=3000)
    assert until(lambda: controller.ended("late")).state is ResultState.EXPIRED
    assert unit.orders == []


def test_r09_without_the_controllers_time_the_time_to_live_counts_from_receipt(unit, controller):
    unit.is_doing = False
    connected(unit, controller)
    command_time = datetime(1999, 1, 1, tzinfo=UTC)
    controller.time = None
    controller.order("c1", Beep(device="keypad-1"), ttl_ms=1)
    until(lambda: unit.orders)
    assert command_time < unit.outbox.clock.now()
    until(lambda: unit.orders[0].is_late)


def test_r11_orders_of_an_older_generation_are_rejected(unit, controller):
    connected(unit, controller)
    controller.order("new", Beep(device="keypad-1"), gen=5)
    until(lambda: unit.orders)
    controller.order("old", Beep(device="keypad-1"), gen=4)
    assert until(lambda: controller.ended("old")).code == "fenced"
    assert [one.cid for one in unit.orders] == ["new"]
    assert unit.outbox.get("gen") == 5


def test_r12_will_and_state_carry_the_number_of_their_connection(unit, relay, controller):
    connected(unit, controller)
    until(lambda: sessions(controller, online=True))
    relay.cut()
    until(lambda: len(sessions(controller, online=True)) == 2 and sessions(controller, online=False))
    told = {one.sess: one.why for one in controller.states() if not one.online}
    first, second = sessions(controller, online=True)
    assert told == {first: "connection lost"}
    assert second == first + 1 == unit.outbox.session


def test_r12_a_unit_that_stops_says_so_instead_of_leaving_a_will(unit, controller):
    connected(unit, controller)
    until(lambda: controller.states())
    unit.link.stop()
    until(lambda: [one for one in controller.states() if one.why == "stopped"])
    assert "connection lost" not in [one.why for one in controller.states()]


def test_r13_heartbeats_are_not_retained_and_health_documents_are(unit, controller, settings):
    connected(unit, controller)
    until(lambda: controller.leaves().count("health") >= 4)
    with far_end(settings) as late:
        first = until(lambda: [one for leaf, one in late.heard() if leaf == "health"])[0]
    assert json.loads(first)["full"]


def test_r14_a_connection_begins_with_birth_state_configuration_health_and_then_events(unit, controller):
    unit.press()
    connected(unit, controller)
    until(lambda: unit.outbox.acked == 1)
    wanted = ["birth", "state", "cfg", "health", "evt"]
    assert [leaf for leaf in controller.leaves() if leaf in wanted][:5] == wanted
    assert controller.births()[0].outbox.hi == 1


def test_r14_a_new_generation_of_the_controller_is_told_everything_again(unit, controller):
    controller.is_acking = False
    connected(unit, controller).press(2)
    until(lambda: len(controller.events) == 2)
    controller.gen, controller.events = 2, {}
    controller.is_acking = True
    controller.appear(day="2026-11-24")
    until(lambda: len(controller.births()) >= 2 and len(controller.events) == 2)
    assert unit.outbox.get("day") == "2026-11-24"


def test_r15_only_a_newer_configuration_is_applied(unit, controller):
    connected(unit, controller)
    unit.link.report_config(ConfigState(rev=4, applied=4))
    controller.configure(UnitConfig(rev=4, position="hall-1", devices=[]))
    controller.configure(UnitConfig(rev=5, position="hall-1", devices=[]))
    until(lambda: unit.configs)
    assert [config.rev for config in unit.configs] == [5]


def test_r15_an_unreadable_configuration_is_reported_with_its_field(unit, controller):
    connected(unit, controller)
    unit.link.report_config(ConfigState(rev=4, applied=4))
    controller.down("cfg", b'{"rev": 6, "position": "p", "devices": [{"device": 3}]}')
    reported = until(lambda: [one for leaf, one in controller.heard() if leaf == "cfg" and b"devices" in one])
    state = decode(reported[0], ConfigState)
    assert (state.rev, state.applied) == (6, 4)
    assert "$.devices[0].device" in state.errors[0]


def test_r16_the_controllers_time_is_taken_over_and_marked_synced(unit, controller):
    controller.time = datetime(2040, 1, 2, 3, 4, tzinfo=UTC)
    assert unit.outbox.clock.quality() is TimeQuality.UNTRUSTED
    connected(unit, controller)
    until(lambda: unit.outbox.clock.quality() is TimeQuality.SYNCED)
    assert abs(unit.outbox.clock.now() - controller.time) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("said", "is_known"),
    [
        ({"hall": "2026-11-23T00:55:00+00:00", "speed": 10}, True),
        ({"hall": "2026-11-23T00:55:00", "speed": 10}, False),
        ({"hall": "five to nine"}, False),
        ({"hall": "2026-11-23T00:55:00Z", "speed": 0}, False),
        ({"hall": 7, "speed": "fast"}, False),
        ({}, False),
    ],
)
def test_r16_the_halls_clock_is_told_with_the_time(unit, controller, said, is_known):
    controller.time, controller.hall_clock = datetime(2026, 11, 22, 16, 0, tzinfo=UTC), said
    connected(unit, controller)
    until(lambda: unit.outbox.clock.quality() is TimeQuality.SYNCED)
    hall = unit.outbox.clock.hall()
    assert (hall is not None) is is_known
    if hall is not None:
        assert hall[1] == 10
        assert timedelta(0) <= hall[0] - datetime(2026, 11, 23, 0, 55, tzinfo=UTC) < timedelta(minutes=5)


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b'{"hi": NaN}', b"\xff\xfe"])
@pytest.mark.parametrize("leaf", ["ack", "cmd", "rep"])
def test_r18_f69_what_is_no_message_is_counted_and_everything_goes_on(unit, controller, leaf, payload):
    connected(unit, controller)
    controller.down(leaf, payload)
    controller.order("c1", Beep(device="keypad-1"))
    until(lambda: controller.ended("c1"))
    assert unit.guard.counts()["bad_messages"] == 1


def test_f69_a_message_no_broker_would_take_is_not_handed_over(unit, controller):
    connected(unit, controller)
    assert not unit.link.session.publish(topics.up(HALL, UNIT, "res"), b"x" * 300_000)
    last = unit.press()
    until(lambda: unit.outbox.acked == last)
    assert unit.guard.counts()["publish_refused"] == 1


def test_r19_what_was_sent_while_the_unit_was_away_comes_from_the_sender_again(unit, relay, controller):
    connected(unit, controller)
    relay.is_refusing = True
    relay.cut()
    until(lambda: not unit.link.is_up)
    controller.order("c1", Beep(device="keypad-1"))
    relay.is_refusing = False
    until(lambda: unit.link.is_up)

    def is_done() -> bool:
        controller.order("c2", Beep(device="keypad-1"))  # again, as the unit may not be subscribed yet
        return bool(controller.ended("c2"))

    until(is_done, every=0.2)
    assert [one.cid for one in unit.orders] == ["c2"]


def test_r20_f59_a_silent_line_is_noticed_and_replaced(unit, relay, controller):
    connected(unit, controller)
    relay.is_silent = True
    until(lambda: not unit.link.is_up, timeout=20)
    relay.is_silent = False
    relay.cut()
    unit.press()
    until(lambda: unit.outbox.acked == 1)


def test_f54_a_broker_that_is_killed_costs_no_event(tmp_path, settings, unit, controller):
    connected(unit, controller).press(20)
    until(lambda: unit.outbox.acked == 20)
    broker = int((settings.data_dir / "broker" / "pid").read_text())
    os.kill(broker, signal.SIGKILL)
    last = unit.press(50)
    until(lambda: unit.outbox.acked == last, timeout=30)
    assert [seq for _, seq in sorted(controller.events)] == list(range(1, last + 1))


def test_f63_when_acks_are_lost_the_same_events_are_sent_again_and_never_more(unit, controller):
    controller.is_acking = False
    connected(unit, controller).press(3)
    until(lambda: len(controller.arrivals) >= 9)
    assert {one.seq for one in controller.arrivals} == {1, 2, 3}


def test_f70_an_exception_in_a_callback_is_counted_and_the_link_lives(unit, controller):
    def broken() -> None:
        raise RuntimeError("a mistake in the node")

    unit.broken = broken
    connected(unit, controller)
    last = unit.press()
    until(lambda: unit.outbox.acked == last)
    assert unit.guard.counts()["failed.link.on_up"] == 1


def test_a_board_published_while_a_unit_subscribes_reaches_it(settings, controller):
    """nats-server loses some of these, live and retained, without the second SUBSCRIBE."""
    for ver in range(12):
        got: list[str] = []
        guard = Guard(logging.getLogger("early"))
        early = Session(
            unit_login(settings),
            UNIT,
            guard,
            on_message=lambda topic, payload, got=got: got.append(topic),
            filters=topics.unit_rights(HALL, UNIT).subscribe,
            timing=QUICK,
        )
        early.start()
        until(lambda early=early: early.is_up, every=0.001)
        controller.session.publish(topics.board(HALL, f"w{ver}"), b"{}", retain=True)
        until(lambda got=got, ver=ver: topics.board(HALL, f"w{ver}") in got)
        early.stop()


def test_up_and_down_are_told_once_for_each_change(unit, relay, controller):
    connected(unit, controller)
    for downs in (1, 2):
        relay.cut()
        until(lambda downs=downs: len(unit.downs) == downs and unit.ups == downs + 1)


def test_a_refused_subscription_is_reported(settings, tmp_path):
    guard = Guard(logging.getLogger("curious"))
    curious = Session(
        unit_login(settings),
        UNIT,
        guard,
        on_message=lambda topic, payload: None,
        filters=["sh/v1/other/#"],
        timing=QUICK,
    )
    curious.start()
    until(lambda: curious.is_up)
    if settings.broker == "nats":  # Mosquitto grants and filters later.
        until(lambda: curious.refused == {"sh/v1/other/#"})
    curious.stop()


def test_a_wrong_secret_is_counted_and_tried_again(settings, tmp_path):
    guard = Guard(logging.getLogger("stranger"))
    login = replace(unit_login(settings), secret="wrong")
    stranger = Session(login, UNIT, guard, on_message=lambda topic, payload: None, timing=QUICK)
    stranger.start()
    until(lambda: guard.counts().get("connect_refused", 0) >= 2)
    assert not stranger.is_up
    assert not stranger.publish("sh/v1/hall/node-1/up/evt", b"{}")
    stranger.stop()


def test_a_broker_that_comes_later_is_found(tmp_path):
    settings = settings_for("nats", tmp_path)
    guard = Guard(logging.getLogger("early"))
    login = Broker("127.0.0.1", settings.mqtt_port, UNIT, SECRET)
    early = Session(login, UNIT, guard, on_message=lambda topic, payload: None, timing=QUICK)
    early.start()
    account = Account(UNIT, hash_secret(SECRET), topics.unit_rights(HALL, UNIT))
    brokers.set_accounts(settings, lambda: [account])
    with running(settings):
        until(lambda: early.is_up)
        early.stop()


def test_a_unit_that_gets_no_answers_connects_anew(unit, controller):
    connected(unit, controller)
    controller.newer = None
    until(lambda: len(sessions(controller, online=True)) > 1, what="the unit connects anew")
    controller.newer = {}
    last = unit.press()
    until(lambda: unit.outbox.acked == last, what="it is heard again")


def test_a_unit_that_gets_no_answers_from_a_controller_that_said_goodbye_stays(unit, controller):
    connected(unit, controller)
    controller.newer = None
    controller.leave()
    asked = count_of(controller, "news")
    until(lambda: count_of(controller, "news") > asked + 4, what="the unit asked on")
    assert len(sessions(controller, online=True)) == 1


def test_a_unit_that_is_told_of_boards_which_do_not_come_connects_anew(unit, controller):
    connected(unit, controller)
    controller.newer = {"w1": (1, 1)}
    until(lambda: len(sessions(controller, online=True)) > 1, what="the unit connects anew")


def test_a_unit_that_is_sent_the_boards_it_lacks_stays(unit, controller):
    connected(unit, controller)
    asked = count_of(controller, "news")
    controller.newer = {"w1": (1, 1)}
    until(lambda: count_of(controller, "news") > asked, what="the unit asked")
    controller.show(Board(board="w1", gen=1, ver=1, ts=datetime.now(UTC), zh="", en=""))  # noqa: TID251
    until(lambda: unit.boards, what="the board came")
    asked = count_of(controller, "news")
    until(lambda: count_of(controller, "news") > asked + 3, what="the unit asked on")
    assert len(sessions(controller, online=True)) == 1


def count_of(controller: FarEnd, question: str) -> int:
    return sum(isinstance(one, Request) and one.t == question for _, one in controller.heard())
