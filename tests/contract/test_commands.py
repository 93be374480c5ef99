"""What a unit is told to do, and what becomes of it: R8, R9, R10, R11."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from controller.hall.model import Slip, TicketState
from firmware.protocol import codec, messages, topics
from firmware.protocol.codec import decode, encode
from firmware.protocol.guard import Guard
from firmware.protocol.link import Session
from firmware.protocol.messages import Beep, Command, ControllerState, Result, ResultState, TimeQuality
from tests.contract.unit import Unit
from tests.contract.whole import Whole
from tests.controller.sites import HALL, desk, dispenser, running
from tests.faults.proxy import Kind, Way, where
from tests.firmware.far_end import QUICK, FarEnd
from tests.waiting import until

ORDERS = where(Way.DOWN, Kind.PUBLISH, topic="sh/v1/+/+/down/cmd")
RESULTS = where(Way.UP, Kind.PUBLISH, topic="sh/v1/+/+/up/res")


def slips(unit: Unit) -> list[str]:
    """Orders to print, as often as they came."""
    return [one.cid for one in unit.orders if isinstance(one.order, messages.Print)]


def test_r08_the_same_order_is_carried_out_once_and_answered_again(unit: Unit, controller: FarEnd) -> None:
    """The same cid again: the same result, not executed twice."""
    unit.meet(controller)
    for _ in range(3):
        controller.order("c1", Beep(device="keypad-1"))
    until(lambda: [one.state for one in controller.results("c1")].count(ResultState.DONE) == 3)
    assert len(unit.orders) == 1


def test_r08_an_order_under_way_is_not_begun_twice(unit: Unit, controller: FarEnd) -> None:
    """Results are: received, then done, failed, rejected or expired; under way it is not begun anew."""
    unit.is_doing = False
    unit.meet(controller)
    controller.order("c1", Beep(device="keypad-1"))
    controller.order("c1", Beep(device="keypad-1"))
    until(lambda: len(controller.results("c1")) == 2)
    assert len(unit.orders) == 1
    assert {one.state for one in controller.results("c1")} == {ResultState.RECEIVED}
    unit.do(unit.orders[0])
    until(lambda: controller.ended("c1"))


def test_r08_results_are_remembered_over_a_restart(unit: Unit, controller: FarEnd) -> None:
    """The unit remembers the last 1,000 cid with results on disk."""
    unit.meet(controller)
    controller.order("c1", Beep(device="keypad-1"))
    until(lambda: controller.ended("c1"))
    unit.close()
    again = Unit(unit.login, unit.folder)
    again.link.start()

    def is_answered() -> bool:
        controller.order("c1", Beep(device="keypad-1"))  # until the unit is subscribed
        return [one.state for one in controller.results("c1")].count(ResultState.DONE) >= 2

    until(is_answered, every=0.2)
    again.close()
    assert again.orders == []


def test_r08_an_order_that_is_lost_comes_again(both: Whole) -> None:
    """An order is sent until it is answered: each press has its slip, once."""
    unit = both.met()
    lost = both.near.drop(ORDERS, times=4)
    unit.press(3)
    until(lambda: len(unit.slips) == 3 and both.bus.pending_orders() == 0)
    assert len(lost.hits) == 4
    assert sorted(unit.slips) == ["A001", "A002", "A003"]


def test_r08_a_doubled_order_prints_one_slip(both: Whole) -> None:
    """An order that comes twice is carried out once."""
    both.near.double(ORDERS, copies=3)
    unit = both.met()
    unit.press(3)
    until(lambda: unit.is_quiet and both.bus.pending_orders() == 0)
    assert unit.slips == ["A001", "A002", "A003"]


def test_r08_a_lost_result_is_told_again(both: Whole) -> None:
    """A result that is lost is asked for again; the order is not carried out again."""
    unit = both.met(config=desk(1))
    lost = both.near.drop(RESULTS, times=3)
    unit.say(messages.KeyPressed(device="keypad-1", key="unknown:7F"))  # answered by a beep
    until(lambda: unit.orders)
    until(lambda: len(lost.hits) == 3 and both.bus.pending_orders() == 0)
    assert len(unit.orders) == 1


def test_r08_orders_pending_at_a_restart_are_sent_again(both: Whole) -> None:
    """An order committed and not answered outlives the controller."""
    unit = both.met()
    lost = both.near.drop(ORDERS)
    unit.press()
    until(lambda: lost.hits and unit.is_quiet)
    both.stop()
    lost.lift()
    both.begin()
    until(lambda: unit.slips == ["A001"] and both.bus.pending_orders() == 0)
    assert both.numbers() == ["A001"]


def test_r09_orders_are_never_retained(both: Whole) -> None:
    """Commands are never retained: a unit that comes later hears none of before."""
    sent = both.far.watch(where(Way.UP, Kind.PUBLISH, topic="sh/v1/+/+/down/cmd"))
    unit = both.met()
    unit.press()
    until(lambda: unit.slips)
    assert sent.hits
    assert not any(packet.is_retained for packet in sent.hits)


def test_r09_an_order_older_than_its_time_to_live_is_answered_expired(unit: Unit, controller: FarEnd) -> None:
    """The time to live is judged on controller time when it is known; a late order is answered expired."""
    controller.time = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
    unit.meet(controller)
    until(lambda: unit.outbox.clock.quality() is TimeQuality.SYNCED)
    controller.time -= timedelta(seconds=30)
    controller.order("late", Beep(device="keypad-1"), ttl_ms=3000)
    assert until(lambda: controller.ended("late")).state is ResultState.EXPIRED
    assert unit.orders == []


def test_r09_without_the_controllers_time_the_time_to_live_counts_from_receipt(
    unit: Unit, controller: FarEnd
) -> None:
    """The time to live is judged on the unit's monotonic clock from receipt."""
    unit.is_doing = False
    unit.meet(controller)
    controller.order("c1", Beep(device="keypad-1"), ttl_ms=1)
    until(lambda: unit.orders)
    until(lambda: unit.orders[0].is_late)


def test_r09_what_was_held_up_in_the_network_is_not_done_late(both: Whole) -> None:
    """A late command is answered expired: nothing is spoken or beeped a minute afterwards."""
    unit = both.met(config=desk(1))
    until(lambda: unit.outbox.clock.quality() is TimeQuality.SYNCED)
    held = both.near.hold(ORDERS)
    unit.say(messages.KeyPressed(device="keypad-1", key="unknown:7F"))
    packet = until(lambda: held.hits)[0]
    order = decode(packet.payload, Command)
    until(lambda: unit.outbox.clock.real_s(order.iss) > order.ttl_ms / 1000, timeout=20)
    held.lift()
    both.near.release()
    until(lambda: (known := unit.outbox.result(order.cid)) and known.state is ResultState.EXPIRED)
    assert unit.orders == []


def test_r10_an_order_that_is_not_answered_is_unknown_and_not_failed(kind: str, tmp_path: Path) -> None:
    """A command that times out is unknown, not failed, until the result comes."""
    with running(kind, tmp_path, slip_ttl_s=1.0) as hall:
        unit = hall.unit("node-1", dispenser("A"))
        press = unit.press()
        until(lambda: hall.bus.counts().get("orders_expired") == 1 and hall.bus.pending_orders() == 0)
        assert hall.hall.tickets[1].slip is not Slip.VOID
        assert hall.hall.tickets[1].state is TicketState.WAITING
        (cid,) = unit.commands(messages.Print)
        unit.say(messages.Printed(order=cid, press=press))
        until(lambda: hall.hall.tickets[1].slip is Slip.PRINTED)


def test_r11_orders_of_an_older_generation_are_rejected(unit: Unit, controller: FarEnd) -> None:
    """gen fences: a unit rejects a lower one, and remembers the highest over a restart."""
    unit.meet(controller)
    controller.order("new", Beep(device="keypad-1"), gen=5)
    until(lambda: unit.orders)
    controller.order("old", Beep(device="keypad-1"), gen=4)
    assert until(lambda: controller.ended("old")).code == "fenced"
    assert [one.cid for one in unit.orders] == ["new"]
    unit.close()
    again = Unit(unit.login, unit.folder)
    assert again.outbox.get("gen") == 5
    again.close()


def test_r11_a_generation_is_counted_at_each_start(both: Whole) -> None:
    """gen is persisted and higher at each start of the controller."""
    unit = both.met()
    before = both.site.generation
    both.stop()
    both.begin()
    assert both.site.generation > before
    until(lambda: unit.outbox.get("gen") == both.site.generation)


class Replaced:
    """A controller that was replaced and does not know it: it says what it said before."""

    def __init__(self, both: Whole, gen: int) -> None:
        self.gen, self.results = gen, list[Result]()
        self.session = Session(
            both.controllers_login,
            "replaced",
            Guard(logging.getLogger("replaced")),
            on_message=lambda topic, payload: self.results.append(decode(payload, Result)),
            filters=[topics.up(HALL, "+", "res")],
            timing=QUICK,
        )
        self.session.start()
        until(lambda: self.session.is_up)

    def order(self, unit: str, cid: str) -> None:
        beep = Beep(device="keypad-1")
        now = datetime.now(UTC)  # noqa: TID251 - the clock of another machine
        order = Command(cid=cid, t="Beep", gen=self.gen, iss=now, ttl_ms=20_000, d=codec.raw(beep))
        self.session.publish(topics.down(HALL, unit, "cmd"), encode(order))

    def appear(self) -> None:
        now = datetime.now(UTC)  # noqa: TID251
        state = ControllerState(online=True, gen=self.gen, ts=now, day="1999-01-01")
        self.session.publish(topics.controller_state(HALL), encode(state))


def test_r11_a_controller_that_was_replaced_moves_no_unit(
    both: Whole, caplog: pytest.LogCaptureFixture
) -> None:
    """Units reject a lower gen: of two controllers that are alive only the later one is obeyed (F56)."""
    caplog.set_level(logging.CRITICAL)
    unit = both.met()
    old = Replaced(both, both.site.generation - 1)
    old.appear()
    old.order("node-1", "from-the-past")
    until(lambda: [one.code for one in old.results if one.cid == "from-the-past"] == ["fenced"])
    until(lambda: both.bus.counts().get("fenced"))
    assert unit.outbox.get("day") != "1999-01-01"
    assert "from-the-past" not in [one.cid for one in unit.orders]
    unit.press()
    until(lambda: unit.slips == ["A001"])
    old.session.stop()
