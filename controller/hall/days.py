"""The rules of the plan, of the service day and of passing time (Tick)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeAlias, assert_never

from controller.hall import duty
from controller.hall.appointments import overdue
from controller.hall.commands import ChangePlan, CloseDay, OpenDay, ReckonDay, Tick
from controller.hall.events import (
    DayClosed,
    DayOpened,
    DayReckoned,
    Event,
    IssuingStopped,
    PauseOverdue,
    PlanChanged,
    TicketAbandoned,
    TicketExpired,
    TicketRecalled,
)
from controller.hall.history import Course
from controller.hall.model import FINAL, DayState, Hall, Session, TicketState, WindowState
from controller.hall.plans import check_change, check_plan
from controller.hall.refusals import refuse
from controller.hall.service import at_desk, miss
from controller.hall.tickets import overdue_no_shows, running_day
from controller.hall.windows import requeue, requeue_targeted

OnDay: TypeAlias = ChangePlan | OpenDay | ReckonDay | CloseDay | Tick


def decide(hall: Hall, command: OnDay, now: datetime) -> list[Event]:
    match command:
        case ChangePlan():
            check_plan(command.plan)
            check_change(hall, command.plan)
            return [PlanChanged(now, command.plan, command.note)]
        case OpenDay():
            return _open(hall, command, now)
        case ReckonDay():
            return _reckon(hall, command, now)
        case CloseDay():
            running_day(hall)
            course = Course(hall, now)
            _close(course)
            return course.events
        case Tick():
            return _tick(hall, now)
        case _:
            assert_never(command)


def _open(hall: Hall, command: OpenDay, now: datetime) -> list[Event]:
    """A new day, or the same day again when it was closed too early; then its numbers go on."""
    day = hall.day
    if day is not None and day.state is not DayState.CLOSED:
        raise refuse("day_open", date=day.date.isoformat(), state=day.state.value)
    if day is not None and command.date < day.date:
        raise refuse("day_past", date=command.date.isoformat(), last=day.date.isoformat())
    if command.closes_at <= now:
        raise refuse("closes_too_early", closes_at=command.closes_at.isoformat())
    return [DayOpened(now, command.date, command.closes_at, command.midnight, command.kinds)]


def _reckon(hall: Hall, command: ReckonDay, now: datetime) -> list[Event]:
    """The end of the day goes with it where the plan says another one; a day that becomes free keeps it for
    those who wait, and gives out no more tickets."""
    day = hall.day
    is_news = day is not None and day.date == command.date and day.kinds != command.kinds
    if day is None or not is_news or not day.kinds or day.midnight is None or day.state is DayState.CLOSED:
        return []
    before, after = (duty.closing(hall.plan, kinds[0], day.date) for kinds in (day.kinds, command.kinds))
    if before == after:
        return [DayReckoned(now, command.kinds, day.closes_at, day.is_called_off)]
    if after is None:
        return [DayReckoned(now, command.kinds, day.closes_at, is_called_off=True)]
    closes_at = day.midnight + timedelta(minutes=duty.minutes(after))
    return [DayReckoned(now, command.kinds, max(closes_at, now))]


def _close(course: Course) -> None:
    """T17: everybody who is not being served at this moment expires."""
    for id, ticket in sorted(course.hall.tickets.items()):
        if ticket.state not in FINAL and ticket.state is not TicketState.SERVING:
            course.add(TicketExpired(course.now, id))
    course.add(DayClosed(course.now))


# --- passing time ----------------------------------------------------------------------------------


def _tick(hall: Hall, now: datetime) -> list[Event]:
    course = Course(hall, now)
    for session in sorted(hall.sessions.values(), key=lambda session: session.window):
        if session.state is WindowState.OFFLINE:
            _time_lost(course, session)
        else:
            _time_called(course, session)
        if session.state is WindowState.PAUSED:
            _time_paused(course, session)
    for id in overdue_no_shows(course.hall, now):
        course.add(TicketAbandoned(now, id))
    for event in overdue(course.hall, now):
        course.add(event)
    _time_of_day(course)
    return course.events


def _time_called(course: Course, session: Session) -> None:
    """P.48: the system repeats the call; one more interval after the last call it is a no-show (T3, T5)."""
    rules, ticket = course.hall.plan.rules, at_desk(course.hall, session)
    if ticket is None or ticket.state is not TicketState.CALLED or ticket.last_called_at is None:
        return
    if rules.call_every is None or course.now - ticket.last_called_at < rules.call_every:
        return
    if ticket.calls < rules.no_show_calls:
        course.add(TicketRecalled(course.now, ticket.id, session.window))
    else:
        miss(course, ticket, session.window, "")


def _time_lost(course: Course, session: Session) -> None:
    """T16, for the ticket called there and for those transferred to this very window."""
    rules, ticket = course.hall.plan.rules, at_desk(course.hall, session)
    if session.lost_at is None or course.now - session.lost_at <= rules.window_lost_after:
        return
    if ticket is not None and ticket.state is TicketState.CALLED:
        requeue(course, ticket)
    requeue_targeted(course, session.window)


def _time_paused(course: Course, session: Session) -> None:
    """W2: one event once the announced length, or else the usual one, is over."""
    if session.pause_told or session.paused_at is None:
        return
    due = session.pause_until or session.paused_at + course.hall.plan.rules.pause_reminder
    if course.now >= due:
        course.add(PauseOverdue(course.now, session.window, course.now - session.paused_at))


def _time_of_day(course: Course) -> None:
    day = course.hall.day
    if day is None or day.state is DayState.CLOSED:
        return
    if day.state is DayState.OPEN and course.now >= day.closes_at:
        course.add(IssuingStopped(course.now))
    if course.now >= day.closes_at + course.hall.plan.rules.close_grace:
        _close(course)
