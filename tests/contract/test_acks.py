"""What may be forgotten by the unit, and when: R6."""

from __future__ import annotations

import logging
import sqlite3

import pytest

from firmware.protocol.codec import decode
from firmware.protocol.messages import Ack
from tests.contract.unit import Unit
from tests.contract.whole import Whole
from tests.controller.sites import Running, dispenser
from tests.faults.proxy import Kind, Way, where
from tests.firmware.far_end import FarEnd
from tests.waiting import until

ACKS = where(Way.DOWN, Kind.PUBLISH, topic="sh/v1/+/+/down/ack")


def test_r06_nothing_is_acked_before_it_is_committed(both: Whole, caplog: pytest.LogCaptureFixture) -> None:
    """The ack is sent after the commit; what the store could not take is tried again without the unit."""
    caplog.set_level(logging.CRITICAL)
    unit = both.met()
    acks = both.near.watch(ACKS)
    other = sqlite3.connect(both.settings.data_dir / "hall.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")  # as a backup that hangs would
    unit.press(2)
    until(lambda: both.bus.is_stalled, timeout=20)
    assert [decode(packet.payload, Ack).hi for packet in acks.hits if packet.payload] in ([], [0])
    assert (unit.outbox.acked, both.numbers()) == (0, [])
    other.rollback()
    other.close()
    until(lambda: unit.is_quiet, timeout=20)
    assert both.numbers() == ["A001", "A002"]


def test_r06_an_ack_is_cumulative_and_may_come_twice_or_late(unit: Unit, controller: FarEnd) -> None:
    """The ack is cumulative and idempotent; one of another epoch is nothing."""
    controller.is_acking = False
    unit.meet(controller)
    unit.press(5)
    until(lambda: len(controller.events) == 5)
    for hi in (4, 4, 2):
        controller.ack(unit.outbox.epoch, hi)
    until(lambda: unit.outbox.acked == 4)
    controller.ack("another", 5)
    until(lambda: unit.guard.counts().get("acks_of_another_epoch"))
    assert unit.outbox.acked == 4


def test_r06_lost_acks_cost_a_resend_and_no_ticket(both: Whole) -> None:
    """Acks may be lost: the events come again and are acked again."""
    unit = both.met()
    lost = both.near.drop(ACKS, times=4)
    unit.press(5)
    until(lambda: unit.is_quiet)
    assert len(lost.hits) == 4 or unit.guard.counts().get("resends", 0) == 0
    assert len(both.numbers()) == 5


def test_r06_acks_may_be_repeated_and_come_out_of_order(both: Whole) -> None:
    """Acks may be repeated and late: what was acked stays so."""
    unit = both.met()
    held = both.near.hold(ACKS)
    both.near.double(ACKS)
    for n in range(1, 6):
        unit.press()
        until(lambda n=n: len(both.numbers()) == n)  # type: ignore[misc]
    until(lambda: len(held.hits) >= 3)
    held.lift()
    both.near.release(is_reversed=True)
    until(lambda: unit.is_quiet)
    assert len(both.numbers()) == 5


def test_r06_a_message_heard_before_is_acked_again(hall: Running) -> None:
    """A repeated message is acked again, and nothing else happens."""
    unit = hall.unit("node-1", dispenser("A"))
    unit.press(seq=1)
    unit.press(seq=2)
    until(lambda: unit.acked() == 2)
    acks = len(unit.told("ack"))
    unit.press(seq=1)
    until(lambda: len(unit.told("ack")) > acks)
    assert unit.acked() == 2
    assert hall.numbers() == ["A001", "A002"]


def test_r06_acked_events_stay_on_the_unit(unit: Unit, controller: FarEnd) -> None:
    """An ack marks and does not delete: a restored controller gets acked events again (F81)."""
    unit.meet(controller)
    last = unit.press(100)
    until(lambda: unit.outbox.acked == last)
    controller.events = {key: one for key, one in controller.events.items() if key[1] <= 10}
    controller.ack(unit.outbox.epoch, 10, (11, 100))
    until(lambda: len(controller.events) == 100 and unit.outbox.acked == 100)


def test_r06_an_ack_beyond_what_was_said_is_not_believed(
    unit: Unit, controller: FarEnd, caplog: pytest.LogCaptureFixture
) -> None:
    """An ack beyond the unit's last event shows that its store was set back; it is counted, not taken."""
    caplog.set_level(logging.CRITICAL)
    unit.meet(controller)
    unit.press()
    until(lambda: unit.is_quiet)
    controller.ack(unit.outbox.epoch, 900)
    until(lambda: unit.guard.counts().get("acks_beyond"))
    assert unit.outbox.acked == 1
