"""Which times can be booked: calendar, hours, roster, and how many a slot takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from controller.hall.calendar import Calendar, Special, calendar_of
from controller.hall.model import Plan, Rules, Sitting
from controller.hall.sessions import Extended, SessionKind, SessionMode
from controller.hall.slots import Span, Staffed, bookable_days, is_open, slots, spans_of, usual_spans
from tests.halls import small_plan

ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = date(2026, 2, 9)
FESTIVAL = calendar_of(
    [Special(date(2026, 2, 14), False), *(Special(date(2026, 2, day), True) for day in range(15, 24))],
    years=[2026],
)
PLAN = small_plan(hours=(Sitting(time(9), time(11, 45)),))


def offered(
    plan: Plan = PLAN, turns: tuple[Staffed, ...] = (), queue: int = 0, span: Span | None = None
) -> dict[str, int]:
    spans = [span] if span else usual_spans(plan)
    found = slots(plan, plan.queues[queue], MONDAY, 1, spans, turns, ZONE)
    return {one.start.astimezone(ZONE).strftime("%H:%M"): one.places for one in found}


def test_the_next_five_working_days_are_bookable_across_a_festival() -> None:
    days = bookable_days(PLAN, FESTIVAL, date(2026, 2, 12))
    assert {day.day: ahead for day, ahead in days.items()} == {13: 1, 14: 2, 24: 3, 25: 4, 26: 5}


def test_how_far_ahead_is_a_rule() -> None:
    plan = replace(PLAN, rules=Rules(book_from=2, book_until=3))
    assert list(bookable_days(plan, FESTIVAL, MONDAY)) == [date(2026, 2, 11), date(2026, 2, 12)]


def extended(kind: str, mode: str = "appointment", start: int = 12, **more: Any) -> Extended:
    return Extended(SessionKind(kind), SessionMode(mode), time(start), time(start + 1), **more)


def test_a_free_day_with_a_session_by_appointment_counts_as_the_working_day_before() -> None:
    saturday = date(2026, 3, 7)
    plan = replace(PLAN, extended=(extended("weekend", start=9),))
    days = bookable_days(plan, Calendar(), date(2026, 3, 5))
    assert (days[saturday], days[date(2026, 3, 9)]) == (1, 2)


@pytest.mark.parametrize(
    ("kind", "mode", "day", "count"),
    [
        ("noon", "appointment", "2026-02-13", 2),
        ("noon", "duty", "2026-02-13", 1),
        ("evening", "appointment", "2026-02-16", 0),
        ("weekend", "appointment", "2026-03-07", 1),
        ("weekend", "appointment", "2026-02-14", 1),  # worked: its usual hours, and no weekend
        ("holiday", "appointment", "2026-02-16", 1),
        ("holiday", "appointment", "2026-03-07", 0),
    ],
)
def test_extended_sessions_by_appointment_are_offered_on_their_days(
    kind: str, mode: str, day: str, count: int
) -> None:
    """S0.15, S3.17"""
    plan = replace(PLAN, extended=(extended(kind, mode, windows=(1,), queues=("A",)),))
    assert len(spans_of(plan, FESTIVAL, date.fromisoformat(day))) == count


@pytest.mark.parametrize(
    ("day", "is_so"),
    [("2026-02-13", True), ("2026-02-14", True), ("2026-02-16", False), ("2026-03-07", False)],
)
def test_the_hall_keeps_its_weekdays_and_the_notice(day: str, is_so: bool) -> None:
    assert is_open(PLAN, FESTIVAL, date.fromisoformat(day)) is is_so
    assert is_open(replace(PLAN, weekdays=(5,)), FESTIVAL, date(2026, 3, 7))


def test_slots_fill_the_hours_and_leave_what_is_too_short() -> None:
    assert list(offered()) == ["09:00", "09:30", "10:00", "10:30", "11:00"]
    assert list(offered(replace(PLAN, hours=())))[-1] == "16:30"


def test_a_slot_takes_the_share_of_what_the_windows_there_can_do() -> None:
    """Window 1 serves A alone, 2 and 4 half, 3 a third: of 2 1/3 times five services half."""
    assert offered()["09:00"] == 5
    assert offered(turns=(Staffed(2, 540, 600),)) == {"09:00": 1, "09:30": 1}
    assert offered(turns=(Staffed(1, 540, 570), Staffed(2, 540, 600))) == {"09:00": 3, "09:30": 1}


def test_where_nobody_serves_nothing_is_offered() -> None:
    assert offered(turns=(Staffed(1, 540, 720),), queue=1) == {}


def test_a_queue_may_have_its_own_number_or_none() -> None:
    def with_places(places: int) -> Plan:
        return replace(PLAN, queues=(replace(PLAN.queues[0], slot_places=places),))

    assert set(offered(with_places(2)).values()) == {2}
    assert offered(with_places(0)) == {}


def test_a_span_may_be_for_some_windows_and_queues() -> None:
    noon = Span(720, 780, frozenset({1}), frozenset({"A"}))
    assert offered(span=noon) == {"12:00": 2, "12:30": 2}
    assert offered(span=noon, queue=1) == {}
