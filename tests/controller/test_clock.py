"""The hall's own time: real, faster than real, and going on where it stopped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from controller.clock import ClockSetting, HallClock
from tests.store.halls import MORNING, Time


def test_a_real_hall_has_real_time() -> None:
    clock = HallClock()
    before, now, after = datetime.now(UTC), clock.now(), datetime.now(UTC)  # noqa: TID251
    assert before <= now <= after
    assert clock.is_real


def test_a_demo_hall_runs_faster_from_the_hour_it_is_set_to() -> None:
    time = Time(MORNING)
    clock = HallClock(ClockSetting(MORNING), time)
    clock.set(MORNING + timedelta(days=3), speed=10)
    time.pass_by(minutes=1)
    assert clock.now() == MORNING + timedelta(days=3, minutes=10)
    assert clock.real_seconds(timedelta(seconds=1)) == pytest.approx(0.1)


def test_another_speed_does_not_jump() -> None:
    time = Time()
    clock = HallClock(ClockSetting(MORNING), time)
    clock.set(MORNING, speed=10)
    time.pass_by(minutes=1)
    clock.set(clock.now(), speed=1)
    time.pass_by(minutes=1)
    assert clock.now() == MORNING + timedelta(minutes=11)


def test_a_demo_hall_goes_on_where_it_stopped() -> None:
    stopped = HallClock(ClockSetting(MORNING), Time()).set(MORNING + timedelta(hours=5), speed=6)
    time = Time(MORNING + timedelta(days=30))
    clock = HallClock(stopped, time)
    clock.resume(MORNING + timedelta(hours=5, minutes=1))
    time.pass_by(seconds=10)
    assert clock.now() == MORNING + timedelta(hours=5, minutes=2)
    assert clock.speed == 6


def test_a_real_hall_never_goes_back_to_its_last_event() -> None:
    time = Time(MORNING + timedelta(days=30))
    clock = HallClock(ClockSetting(MORNING), time)
    clock.resume(MORNING)
    assert clock.now() == time.now


def test_a_demo_hall_without_events_keeps_its_hour() -> None:
    clock = HallClock(ClockSetting(MORNING, timedelta(hours=1), 2.0), Time())
    clock.resume(None)
    assert clock.now() == MORNING + timedelta(hours=1)


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), float("inf")])
def test_a_clock_runs_forward(speed: float) -> None:
    with pytest.raises(ValueError, match="cannot run at speed"):
        HallClock().set(MORNING, speed)
