"""The rules of window sessions: login, pause, mode, logout, and a connection lost and found (W1-W8)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeAlias, assert_never

from controller.hall.commands import (
    ChangeMode,
    Login,
    Logout,
    LoseWindow,
    Pause,
    PlanShifts,
    RestoreWindow,
    Unpause,
)
from controller.hall.events import (
    Event,
    ShiftsPlanned,
    TicketRequeued,
    WindowClosed,
    WindowLost,
    WindowModeChanged,
    WindowOpened,
    WindowPaused,
    WindowRestored,
    WindowUnpaused,
)
from controller.hall.history import Course
from controller.hall.model import Hall, Session, Ticket, TicketState, WindowState
from controller.hall.places import at_head, walk, window_line
from controller.hall.refusals import refuse
from controller.hall.service import at_desk, check_desk, check_target, session_of, staffed, transfer

OnWindow: TypeAlias = Login | Pause | Unpause | ChangeMode | Logout | LoseWindow | RestoreWindow | PlanShifts


def decide(hall: Hall, command: OnWindow, now: datetime) -> list[Event]:
    match command:
        case Login():
            return _login(hall, command, now)
        case Pause():
            return _pause(hall, command, now)
        case Unpause():
            return _unpause(hall, command, now)
        case ChangeMode():
            same = session_of(hall, command.window).mode is command.mode
            return [] if same else [WindowModeChanged(now, command.window, command.mode)]
        case Logout():
            return _logout(hall, command, now)
        case LoseWindow():
            gone = session_of(hall, command.window).state in (WindowState.CLOSED, WindowState.OFFLINE)
            return [] if gone else [WindowLost(now, command.window)]
        case RestoreWindow():
            lost = session_of(hall, command.window).state is WindowState.OFFLINE
            return [WindowRestored(now, command.window)] if lost else []
        case PlanShifts():
            return _plan_shifts(hall, command, now)
        case _:
            assert_never(command)


def _login(hall: Hall, command: Login, now: datetime) -> list[Event]:
    session = session_of(hall, command.window)
    clerk = hall.clerks.get(command.clerk)
    if clerk is None:
        raise refuse("unknown_clerk", clerk=command.clerk)
    if session.clerk is not None:
        raise refuse("window_taken", window=session.window, clerk=hall.clerks[session.clerk].name)
    for other in hall.sessions.values():
        if other.clerk == clerk.id:
            raise refuse("clerk_elsewhere", clerk=clerk.name, window=other.window)
    return [WindowOpened(now, command.window, clerk.id)]


def _plan_shifts(hall: Hall, command: PlanShifts, now: datetime) -> list[Event]:
    session_of(hall, command.window)
    ends = [shift.end for shift in command.shifts]
    starts = [shift.start for shift in command.shifts]
    if any(end <= start for start, end in zip(starts, ends, strict=True)) or any(
        start < end for start, end in zip(starts[1:], ends, strict=False)
    ):
        raise refuse("bad_shifts", window=command.window)
    return [ShiftsPlanned(now, command.window, command.shifts)]


def _pause(hall: Hall, command: Pause, now: datetime) -> list[Event]:
    course = Course(hall, now)
    session = staffed(course, command.window)
    ticket = at_desk(course.hall, session)
    if session.state is WindowState.PAUSED:
        raise refuse("window_paused", window=session.window)
    if ticket is not None and ticket.state is TicketState.SERVING:
        raise refuse("window_serving", window=session.window, number=ticket.number)
    if command.length is not None and command.length <= timedelta():
        raise refuse("bad_pause")
    until = None if command.length is None else now + command.length
    course.add(WindowPaused(now, session.window, command.reason, until))
    return course.events


def _unpause(hall: Hall, command: Unpause, now: datetime) -> list[Event]:
    course = Course(hall, now)
    session = staffed(course, command.window)
    if session.state is not WindowState.PAUSED:
        raise refuse("window_not_paused", window=session.window, state=session.state.value)
    course.add(WindowUnpaused(now, session.window))
    return course.events


def _logout(hall: Hall, command: Logout, now: datetime) -> list[Event]:
    course = Course(hall, now)
    session = staffed(course, command.window)
    if command.hand_over_to is not None:
        check_target(hall, command.window, command.hand_over_to)
        _hand_over_called(course, session, command.hand_over_to)
    check_desk(course.hall, course.hall.sessions[command.window])
    if session.held and command.hand_over_to is None:
        numbers = ", ".join(hall.tickets[id].number for id in session.held)
        raise refuse("window_holds", window=session.window, numbers=numbers)
    requeue_targeted(course, command.window)
    course.add(WindowClosed(now, command.window, command.hand_over_to))
    return course.events


def _hand_over_called(course: Course, session: Session, target: int) -> None:
    ticket = at_desk(course.hall, session)
    if ticket is not None and ticket.state is TicketState.CALLED:
        transfer(course, ticket, ticket.queue, target, "hand-over")


def requeue_targeted(course: Course, window: int) -> None:
    """Whoever was transferred to this very window waits for any window of his queue again."""
    for place in list(walk(course.hall, window_line(window))):
        requeue(course, course.hall.tickets[place[2]])


def requeue(course: Course, ticket: Ticket) -> None:
    """T16: to the head of its queue, where its next window announces it again."""
    place = at_head(course.hall, ticket, ticket.queue)
    course.add(TicketRequeued(course.now, ticket.id, place))
