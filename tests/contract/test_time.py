"""What time it was: R16."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from firmware.protocol import messages
from firmware.protocol.codec import decode
from firmware.protocol.messages import Envelope, TimeQuality
from tests.contract.unit import Unit
from tests.contract.whole import Whole
from tests.controller.sites import HALL, Running, dispenser, raw_json
from tests.faults.proxy import Kind, Way, where
from tests.firmware.far_end import FarEnd
from tests.waiting import until


def test_r16_every_event_says_when_and_how_far_to_believe_it(both: Whole) -> None:
    """Every time is mono with boot, or has a quality tq: synced, holdover or untrusted."""
    sent = both.near.watch(where(Way.UP, Kind.PUBLISH, topic="sh/v1/+/+/up/evt"))
    unit = both.met()
    until(lambda: unit.outbox.clock.quality() is TimeQuality.SYNCED)
    unit.press()
    until(lambda: unit.is_quiet)
    event = decode(sent.hits[0].payload, Envelope)
    assert (event.boot, event.tq) == (unit.outbox.boot, TimeQuality.SYNCED)
    assert event.mono > 0


def test_r16_the_controllers_time_is_taken_over_and_marked_synced(unit: Unit, controller: FarEnd) -> None:
    """The controller's time is asked for; until it is known the unit's own is untrusted."""
    controller.time = datetime(2040, 1, 2, 3, 4, tzinfo=UTC)
    assert unit.outbox.clock.quality() is TimeQuality.UNTRUSTED
    unit.meet(controller)
    until(lambda: unit.outbox.clock.quality() is TimeQuality.SYNCED)
    assert abs(unit.outbox.clock.now() - controller.time) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("said", "is_known"),
    [
        ({"hall": "2026-11-23T00:55:00+00:00", "speed": 10}, True),
        ({"hall": "2026-11-23T00:55:00", "speed": 10}, False),
        ({"hall": "five to nine", "speed": 0}, False),
        ({}, False),
    ],
)
def test_r16_the_halls_clock_is_told_with_the_time(
    unit: Unit, controller: FarEnd, said: dict[str, object], is_known: bool
) -> None:
    """What the hall's clock shows is told with the time; what cannot be one is not believed."""
    controller.time, controller.hall_clock = datetime(2026, 11, 22, 16, 0, tzinfo=UTC), said
    unit.meet(controller)
    until(lambda: unit.outbox.clock.quality() is TimeQuality.SYNCED)
    hall = unit.outbox.clock.hall()
    assert (hall is not None) is is_known
    if hall is not None:
        assert hall[1] == 10
        assert timedelta(0) <= hall[0] - datetime(2026, 11, 23, 0, 55, tzinfo=UTC) < timedelta(minutes=5)


def test_r16_lost_questions_and_answers_are_asked_again(both: Whole) -> None:
    """A question about the time that is lost is asked again."""
    both.near.drop(where(Way.UP, Kind.PUBLISH, topic="sh/v1/+/+/up/req"), times=2)
    both.near.drop(where(Way.DOWN, Kind.PUBLISH, topic="sh/v1/+/+/down/rep"), times=2)
    unit = both.unit()
    until(lambda: unit.outbox.clock.quality() is TimeQuality.SYNCED)


def test_r16_a_time_nobody_can_believe_counts_as_now(hall: Running) -> None:
    """An untrusted time is not believed: what was dated by an unset clock happened when it came (F49)."""
    unit = hall.unit("node-1", dispenser("A"))
    fault = unit.envelope(messages.Faulted(device="printer-1", code="printer.paper_out"), 1)
    unit.send("evt", raw_json(fault, ts="1970-01-01T00:00:09Z", tq="untrusted"))
    until(lambda: unit.acked() == 1)
    (kept,) = hall.site.devices.faults(HALL)
    assert hall.live.clock.now() - kept.since < timedelta(minutes=1)


def test_r16_what_was_kept_during_an_outage_happened_then(both: Whole) -> None:
    """A press of an outage has the time it was made at: how long the unit runs tells, and no clock."""
    unit = both.met()
    until(lambda: both.bus.presence.of("node-1").up_since_s is not None)
    both.near.is_refusing = True
    both.near.cut()
    until(lambda: not unit.link.is_up)
    pressed_at = both.live.clock.now()
    unit.press_alone()
    until(lambda: both.live.clock.now() - pressed_at > timedelta(seconds=3))
    both.near.is_refusing = False
    until(lambda: unit.is_quiet and both.numbers())
    assert abs(both.hall.tickets[1].issued_at - pressed_at) < timedelta(seconds=2)


def test_r16_the_business_day_is_what_the_controller_says(both: Whole) -> None:
    """Counters roll over by the business date the controller issues, never by a local clock."""
    unit = both.met()
    day = both.hall.day
    assert day is not None
    until(lambda: unit.outbox.get("day") == day.date.isoformat())
