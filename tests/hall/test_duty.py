"""Sessions at noon, in the evening, at weekends and on holidays: which queues give out tickets when."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from controller.hall.calendar import Calendar, Special, calendar_of
from controller.hall.commands import ChangePlan, ReckonDay
from controller.hall.duty import kinds_from, now_shut, opening
from controller.hall.model import Plan, Sitting, TicketClass, TicketState
from controller.hall.sessions import Extended, SessionKind, SessionMode
from controller.hall.snapshot import freeze, thaw
from tests.halls import Told, after, go, refusal, small_plan, take, told

ZONE = ZoneInfo("Asia/Shanghai")
MONDAY, SATURDAY = date(2025, 3, 3), date(2025, 3, 8)
NOON = Extended(SessionKind.NOON, SessionMode.DUTY, time(12), time(13, 30), queues=("A",))
BOOKED = Extended(SessionKind.NOON, SessionMode.APPOINTMENT, time(12), time(13, 30), queues=("B",))
EVENING = Extended(SessionKind.EVENING, SessionMode.DUTY, time(18), time(20), queues=("A",))
WEEKEND = Extended(SessionKind.WEEKEND, SessionMode.DUTY, time(9), time(12), windows=(1,))
HOURS = (Sitting(time(9), time(12)), Sitting(time(13, 30), time(17)))
USUAL = Calendar()
PLAN = small_plan(hours=HOURS, extended=(NOON, BOOKED, EVENING, WEEKEND))


def opened(day: date = MONDAY, plan: Plan = PLAN, calendar: Calendar = USUAL) -> Told:
    """The hall at eight of that day, opened until half past eight in the evening."""
    start = datetime.combine(day, time(8), ZONE)
    closes = datetime.combine(day, time(20, 30), ZONE)
    return go(replace(told(plan), now=start), opening(calendar, day, closes, ZONE))


def at(state: Told, hour: int, minute: int = 0) -> Told:
    return go(state, after(hours=hour - 8, minutes=minute))


@pytest.mark.parametrize(
    ("hour", "minute", "queue", "again"),
    [
        (8, 30, "B", None),  # before the hours all may come
        (11, 59, "B", None),
        (12, 0, "A", None),
        (12, 0, "B", "13:30"),
        (13, 29, "G", "13:30"),
        (13, 30, "B", None),
        (17, 30, "A", None),  # it is served again in the evening
        (17, 30, "B", "2025-03-04 09:00"),
        (19, 0, "B", "2025-03-04 09:00"),
        (20, 15, "A", None),  # it was served last
        (20, 15, "B", "2025-03-04 09:00"),
    ],
)
def test_in_a_session_only_those_on_duty_give_out_tickets(
    hour: int, minute: int, queue: str, again: str | None
) -> None:
    state = at(opened(), hour, minute)
    if again is None:
        assert len(go(state, take(state, queue)).hall.tickets) == 1
    else:
        facts = refusal(state, take(state, queue)).facts
        assert " ".join(str(facts[name]) for name in ("day", "time") if name in facts) == again


def test_at_a_weekend_only_what_the_windows_on_duty_serve() -> None:
    state = at(opened(SATURDAY), 9, 30)
    assert len(go(state, take(state, "A")).hall.tickets) == 1
    assert refusal(state, take(state, "B")).facts["day"] == "2025-03-10"


def reckoned(state: Told, *specials: Special) -> Told:
    """The calendar is changed while the day is open."""
    calendar = calendar_of(specials, years=[2025])
    day = state.hall.day
    assert day is not None
    return go(state, ReckonDay(day.date, kinds_from(calendar, day.date)))


def test_a_day_that_becomes_free_gives_out_no_more_tickets_until_it_is_a_working_day_again() -> None:
    state = at(opened(), 10)
    state = go(state, take(state, "A"))
    free = reckoned(state, Special(MONDAY, True))
    assert {refusal(free, take(free, queue)).facts["day"] for queue in "AB"} == {"2025-03-04"}
    assert [one.state for one in free.hall.tickets.values()] == [TicketState.WAITING]
    again = reckoned(free)
    assert len(go(again, take(again, "B")).hall.tickets) == 2


def test_a_free_day_that_becomes_a_working_day_is_open_as_long_as_one() -> None:
    state = reckoned(at(opened(SATURDAY), 10), Special(SATURDAY, False))
    assert state.hall.day is not None
    assert state.hall.day.closes_at == datetime.combine(SATURDAY, time(20), ZONE)
    assert len(go(state, take(state, "B")).hall.tickets) == 1


def test_a_festival_is_passed_over_to_say_when_a_queue_is_served_again() -> None:
    festival = calendar_of([Special(date(2025, 3, day), True) for day in range(4, 12)], years=[2025])
    state = at(opened(calendar=festival), 19)
    assert refusal(state, take(state, "B")).facts["day"] == "2025-03-12"


def test_who_has_booked_is_served_while_others_have_to_wait() -> None:
    state = at(opened(), 12)
    shut = now_shut(state.hall.shut["B"], state.now)
    assert shut is not None
    assert shut.is_booked
    booked = take(state, "B", klass=TicketClass.APPOINTMENT, slot=state.now)
    assert len(go(state, booked).hall.tickets) == 1


def test_a_press_counts_for_the_moment_it_was_made() -> None:
    state = at(opened(), 12, 1)
    pressed = state.now - timedelta(minutes=2)
    assert len(go(state, take(state, "B", asked_at=pressed)).hall.tickets) == 1


def test_without_sessions_or_on_a_day_of_no_known_kind_nothing_is_limited() -> None:
    assert opened(plan=replace(PLAN, extended=())).hall.shut == {}
    assert opened(date(2025, 3, 9), replace(PLAN, extended=(NOON,))).hall.shut == {}


def test_a_session_that_is_added_holds_at_once_and_after_a_restart() -> None:
    state = at(opened(plan=replace(PLAN, extended=())), 12)
    changed = go(state, ChangePlan(replace(PLAN, rev=1)))
    assert refusal(changed, take(changed, "B")).code == "off_duty_until"
    assert thaw(freeze(changed.hall)) == changed.hall
