"""What the manager's board rests on: queues, windows, alarms and the figures of the day."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from controller.hall.commands import (
    CallNext,
    Finish,
    LoseWindow,
    NoShow,
    Pause,
    Rate,
    Start,
    TakeTicket,
    Tick,
    Transfer,
)
from controller.hall.model import PauseReason
from controller.hall.reports import (
    LONG_WAIT,
    Urgency,
    alarms,
    day_figures,
    half_hours,
    queues_now,
    windows_now,
)
from tests.halls import Told, after, go, small, told

SHANGHAI = ZoneInfo("Asia/Shanghai")


def codes(state: Told) -> list[str]:
    return [alarm.code for alarm in alarms(state.hall, state.now)]


def test_a_queue_shows_who_waits_how_long_and_for_which_windows() -> None:
    state = go(small("A A"), after(minutes=7))
    first = queues_now(state.hall, state.now)[0]
    assert (first.queue.code, first.waiting, first.windows) == ("A", 2, (1, 2))
    assert first.longest is not None
    assert first.longest >= timedelta(minutes=7)
    assert not first.is_late


def test_an_empty_queue_has_no_longest_wait() -> None:
    state = small()
    assert queues_now(state.hall, state.now)[0].longest is None


def test_a_window_shows_its_clerk_its_ticket_and_since_when() -> None:
    state = go(small("A"), CallNext(1), Start(1), after(minutes=3))
    first = windows_now(state.hall, state.now)[0]
    assert first.clerk == "王芳"
    assert first.ticket is not None
    assert first.ticket.number == "A001"
    assert first.since == state.now - timedelta(minutes=3)


def test_nothing_needs_anybody_in_a_quiet_hall() -> None:
    assert codes(small("A")) == []


def test_a_wait_past_the_threshold_is_an_alarm() -> None:
    assert codes(go(small("A"), after(LONG_WAIT - timedelta(minutes=1)))) == []
    assert codes(go(small("A"), after(LONG_WAIT))) == ["long_wait"]


def test_people_whom_no_window_serves_come_before_long_waits() -> None:
    state = go(small("A T"), after(LONG_WAIT))
    assert codes(state) == ["unserved", "long_wait"]
    assert alarms(state.hall, state.now)[0].urgency is Urgency.RED


def test_a_lost_window_and_an_overdue_pause_are_alarms_with_their_minutes() -> None:
    state = go(small(), Pause(1, PauseReason.BREAK, timedelta(minutes=5)), LoseWindow(2), after(minutes=6))
    found = {alarm.code: alarm for alarm in alarms(state.hall, state.now)}
    assert found["window_lost"].minutes == 6
    assert found["pause_overdue"].reason is PauseReason.BREAK
    assert codes(go(small(), Pause(1, PauseReason.BREAK, timedelta(minutes=5)), after(minutes=4))) == []


def test_a_pause_without_a_length_is_overdue_when_the_reminder_was_given() -> None:
    paused = go(small(), Pause(1, PauseReason.OTHER), after(minutes=16))
    assert codes(go(paused, Tick())) == ["pause_overdue"]


def test_figures_of_a_day_without_tickets_claim_nothing() -> None:
    figures = day_figures(told().hall)
    assert figures.issued == 0
    assert figures.mean_wait is None
    assert figures.no_show_rate is None
    assert figures.satisfied is None


def test_figures_count_each_ticket_once() -> None:
    state = go(
        small("A A A"), after(minutes=4), CallNext(1), Start(1), after(minutes=6), Finish(1), Rate(1, 3)
    )
    state = go(state, CallNext(1), NoShow(1, "x"))
    figures = day_figures(state.hall)
    assert (figures.issued, figures.served, figures.waiting, figures.missed) == (3, 1, 1, 1)
    assert figures.mean_service == timedelta(minutes=6)
    assert (figures.satisfied, figures.strictly_satisfied) == (1.0, 0.0)


def test_service_is_the_sum_of_all_legs() -> None:
    state = go(small("A"), CallNext(1), Start(1), after(minutes=2), Transfer(1, "x", to_queue="B"))
    state = go(state, CallNext(2), Start(2), after(minutes=5), Finish(2))
    assert day_figures(state.hall).mean_service == timedelta(minutes=7)


def test_half_hours_begin_with_the_day_and_have_no_gaps() -> None:
    state = go(small("A"), after(minutes=95), TakeTicket("A", "late"), CallNext(1))
    halves = half_hours(state.hall, SHANGHAI, state.now)
    assert [f"{half.start:%H:%M}" for half in halves] == ["08:30", "09:00", "09:30", "10:00"]
    assert [half.arrivals for half in halves] == [1, 0, 0, 1]
    assert halves[0].mean_wait is not None
    assert halves[0].mean_wait >= timedelta(minutes=90)
    assert halves[1].mean_wait is None


def test_a_day_left_open_overnight_does_not_grow_for_ever() -> None:
    state = go(small("A"), after(hours=40))
    assert len(half_hours(state.hall, SHANGHAI, state.now)) == 31


def test_no_day_has_no_half_hours() -> None:
    assert half_hours(told().hall, SHANGHAI, told().now) == []
