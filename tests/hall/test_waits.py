"""What people are told: how many are ahead, how long it may take, whose turn is next."""

from __future__ import annotations

from datetime import timedelta

import pytest

from controller.hall.commands import CallNext, CancelTicket, Finish, Pause, Start, Transfer
from controller.hall.hindsight import Expected
from controller.hall.model import PauseReason, TicketClass
from controller.hall.waits import (
    Estimate,
    Words,
    ahead,
    estimate,
    expect,
    forecast,
    in_words,
    longest_wait,
    mean_service,
    next_numbers,
    waiting,
    waiting_by_class,
)
from tests.halls import after, go, small, small_plan, take

NORMAL = TicketClass.NORMAL


def minutes(low: int, high: int) -> Estimate:
    return Estimate(timedelta(minutes=low), timedelta(minutes=high))


def test_ahead_counts_all_classes_of_the_queue() -> None:
    state = small("A A A")
    state = go(state, take(state, "A", klass=TicketClass.GREEN))
    assert [ahead(state.hall, id) for id in (1, 2, 3, 4)] == [1, 2, 3, 0]
    assert waiting(state.hall, "A") == 4
    assert waiting_by_class(state.hall, "A")[TicketClass.GREEN] == 1
    assert (waiting(state.hall, "B"), ahead(state.hall, 99)) == (0, 0)


def test_nobody_is_ahead_of_who_is_called() -> None:
    state = go(small("A A"), CallNext(1))
    assert (ahead(state.hall, 1), ahead(state.hall, 2)) == (0, 0)


def test_the_wait_is_shown_in_steps_of_five_minutes() -> None:
    """estimate = ahead x mean / open windows; mean 6 min, windows 1 and 2 open"""
    hall = small().hall
    assert estimate(hall, "A", 0) == minutes(0, 5)
    assert estimate(hall, "A", 1) == minutes(0, 5)
    assert estimate(hall, "A", 2) == minutes(5, 10)
    assert estimate(hall, "A", 10) == minutes(30, 35)


def test_no_wait_is_promised_while_no_window_is_open() -> None:
    state = go(small(), Pause(1, PauseReason.BREAK), Pause(2, PauseReason.BREAK))
    assert estimate(state.hall, "A", 3) is None


def test_the_mean_is_of_the_last_twenty_finished() -> None:
    state = small()
    assert mean_service(state.hall, "A") == timedelta(minutes=6)
    for served in [60, *[2] * 20]:
        state = go(state, take(state, "A"), CallNext(1), Start(1), after(minutes=served), Finish(1))
    assert mean_service(state.hall, "A") == timedelta(minutes=2)
    assert len(state.hall.finished["A"]) == 20


def test_next_numbers_and_longest_wait() -> None:
    state = go(small("A A A"), after(minutes=2))
    assert next_numbers(state.hall, "A", 2) == ["A001", "A002"]
    assert longest_wait(state.hall, "A", state.now) == timedelta(minutes=2, seconds=30)
    assert longest_wait(state.hall, "B", state.now) is None
    state = go(state, CancelTicket(1))
    assert longest_wait(state.hall, "A", state.now) == timedelta(minutes=2, seconds=20)


def test_who_waits_for_one_window_is_counted_there() -> None:
    state = go(small("A A", small_plan()), CallNext(1), Transfer(1, "knows it", to_window=2))
    assert (waiting(state.hall, "A"), waiting(state.hall, "@2")) == (1, 1)
    assert ahead(state.hall, 1) == 0


def told(low: float, middle: float, high: float, *, is_calibrated: bool = True) -> Expected:
    """An expected wait in minutes."""
    return Expected(middle * 60, low * 60, middle * 60, high * 60, is_calibrated)


def test_waits_are_said_in_words_no_finer_than_they_are_known() -> None:
    assert in_words(None) == Words("none")
    assert in_words(told(0, 0.2, 1)) == Words("any_moment")
    assert in_words(told(8, 11, 14)) == Words("about", 5, 15)
    assert in_words(told(10, 10, 10)) == Words("about", 10, 15)
    assert in_words(told(32, 45, 58)) == Words("about", 30, 60)
    assert in_words(told(61, 95, 130)) == Words("longer", 90)
    assert not in_words(told(1, 5, 9, is_calibrated=False)).is_calibrated


def test_a_look_tells_those_who_wait_and_those_who_might_join() -> None:
    state = go(small("A A A A"), CallNext(1), Start(1), CallNext(2), Start(2))
    seen = forecast(state.hall, state.now)
    assert seen.left[3].forecast_s == 360.0
    assert seen.joining["A", NORMAL].forecast_s == 720.0
    assert ("G", NORMAL) not in seen.joining  # no window is in bulk mode
    for klass in TicketClass:
        assert seen.joining["A", klass] == expect(state.hall, state.now, "A", klass)


def test_a_free_window_means_no_wait() -> None:
    state = small()
    soon = expect(state.hall, state.now, "A")
    assert soon is not None
    assert in_words(soon).code == "any_moment"


def test_a_wait_beyond_what_is_looked_at_is_still_told() -> None:
    state = small("A " * 320, staff="wang@1")
    far = expect(state.hall, state.now, "A")
    assert far is not None
    assert far.forecast_s == pytest.approx(320 * 360.0, rel=0.02)
    assert in_words(far).code == "longer"


def test_who_joins_behind_more_than_are_looked_at_is_still_told() -> None:
    state = small("A " * 700, staff="wang@1")
    seen = forecast(state.hall, state.now)
    assert seen.joining["A", NORMAL].forecast_s == pytest.approx(700 * 360.0, rel=0.02)
    assert seen.joining["A", TicketClass.GREEN].forecast_s < 3600.0
    assert ("B", NORMAL) not in seen.joining  # no window that serves it is to open
