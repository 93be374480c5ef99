"""The rules of a ticket at a window, from the call to the reopening.

A command from a window whose connection was thought lost proves that it is back (W8).
"""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from math import ceil
from typing import TypeAlias, assert_never

from controller.hall import reasons, waits
from controller.hall.balance import next_ticket, passed, serving_windows
from controller.hall.commands import (
    CallNext,
    Delay,
    Finish,
    Hold,
    JumpCall,
    NoShow,
    Recall,
    Reopen,
    Resume,
    Start,
    Transfer,
)
from controller.hall.events import (
    AppointmentFulfilled,
    ServiceStarted,
    TicketAbandoned,
    TicketCalled,
    TicketChained,
    TicketDelayed,
    TicketFinished,
    TicketHeld,
    TicketMissed,
    TicketNear,
    TicketRecalled,
    TicketReopened,
    TicketResumed,
    TicketTransferred,
    WindowRestored,
)
from controller.hall.history import Course
from controller.hall.model import (
    DayState,
    Hall,
    Outcome,
    Session,
    Ticket,
    TicketState,
    WindowState,
)
from controller.hall.places import again_first, behind_next, line_of, walk
from controller.hall.refusals import refuse
from controller.hall.tickets import is_rated, queue_of, running_day, ticket_of
from controller.hall.values import replace

AtWindow: TypeAlias = (
    CallNext | Recall | Start | NoShow | Delay | Hold | Resume | Transfer | Finish | JumpCall | Reopen
)
AWAY = frozenset({WindowState.CLOSED, WindowState.OFFLINE})


def decide(hall: Hall, command: AtWindow, now: datetime) -> Course:
    course = Course(hall, now)
    match command:
        case CallNext():
            _call_next(course, command)
        case Recall():
            _recall(course, command)
        case Start():
            ticket = _called(course, command.window)
            course.add(ServiceStarted(now, ticket.id, command.window))
        case NoShow():
            _no_show(course, command)
        case Delay():
            _delay(course, command)
        case Hold():
            _hold(course, command)
        case Resume():
            _resume(course, command)
        case Transfer():
            _transfer(course, command)
        case Finish():
            finish(course, _served(course, command.window), command.window, command.outcome, command.reason)
        case JumpCall():
            _jump(course, command)
        case Reopen():
            _reopen(course, command)
        case _:
            assert_never(command)
    return course


# --- who is at the window --------------------------------------------------------------------------


def session_of(hall: Hall, window: int) -> Session:
    session = hall.sessions.get(window)
    if session is None or window not in hall.windows:
        raise refuse("unknown_window", window=window)
    return session


def staffed(course: Course, window: int) -> Session:
    """The session of a window somebody is logged in at; a lost one is taken to be back (W8)."""
    session = session_of(course.hall, window)
    if session.state is WindowState.CLOSED:
        raise refuse("window_closed", window=window)
    if session.state is WindowState.OFFLINE:
        course.add(WindowRestored(course.now, window))
    return course.hall.sessions[window]


def at_desk(hall: Hall, session: Session) -> Ticket | None:
    return None if session.current is None else hall.tickets[session.current]


def check_desk(hall: Hall, session: Session) -> None:
    """Raises Refused while somebody is called to the window or served there."""
    ticket = at_desk(hall, session)
    if ticket is not None:
        code = "window_serving" if ticket.state is TicketState.SERVING else "window_has_called"
        raise refuse(code, window=session.window, number=ticket.number)


def _free(course: Course, window: int) -> Session:
    """The session of a window that can take somebody now."""
    session = staffed(course, window)
    if session.state is WindowState.PAUSED:
        raise refuse("window_paused", window=window)
    check_desk(course.hall, session)
    return session


def _called(course: Course, window: int) -> Ticket:
    ticket = at_desk(course.hall, staffed(course, window))
    if ticket is None or ticket.state is not TicketState.CALLED:
        raise refuse("nobody_called", window=window)
    return ticket


def _served(course: Course, window: int) -> Ticket:
    ticket = at_desk(course.hall, staffed(course, window))
    if ticket is None or ticket.state is not TicketState.SERVING:
        raise refuse("nobody_served", window=window)
    return ticket


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise refuse("reason_needed")


# --- T2, T3, T5, T13 -------------------------------------------------------------------------------


def _call_next(course: Course, command: CallNext) -> None:
    ticket = at_desk(course.hall, staffed(course, command.window))
    if ticket is not None and ticket.state is TicketState.SERVING:
        finish(course, ticket, command.window, command.outcome)
    _free(course, command.window)
    choice = next_ticket(course.hall, command.window, course.now)
    if choice is not None:
        why = reasons.of_choice(course.hall, choice, course.now)
        _call(course, TicketCalled(course.now, choice.ticket, command.window, reasons=why))
    elif ticket is None:
        raise refuse("nobody_waiting", window=command.window)


def _jump(course: Course, command: JumpCall) -> None:
    ticket = ticket_of(course.hall, command.ticket)
    if session_of(course.hall, command.window).state is WindowState.OFFLINE:
        raise refuse("window_offline", window=command.window)  # a manager may ask from elsewhere
    if ticket.state is not TicketState.WAITING:
        raise refuse("not_waiting", number=ticket.number, state=ticket.state.value)
    _check_reason(command.reason)
    _free(course, command.window)
    why = reasons.of_jump(course.hall, ticket)
    _call(course, TicketCalled(course.now, ticket.id, command.window, True, command.reason, reasons=why))


def _call(course: Course, event: TicketCalled) -> None:
    """The call, and the news to those whose turn is near now (P.28)."""
    ticket = course.hall.tickets[event.ticket]
    line = line_of(ticket)
    course.add(replace(event, passed=passed(course.hall, event.window, ticket)))
    for place in list(islice(walk(course.hall, line), course.hall.plan.rules.near_turn)):
        if not course.hall.tickets[place[2]].near_told:
            course.add(TicketNear(course.now, place[2]))


def _recall(course: Course, command: Recall) -> None:
    ticket = _called(course, command.window)
    gap = course.hall.plan.rules.recall_after
    if ticket.last_called_at is not None and course.now - ticket.last_called_at < gap:
        raise refuse("recall_too_soon", number=ticket.number, seconds=int(gap.total_seconds()))
    course.add(TicketRecalled(course.now, ticket.id, command.window))


def _no_show(course: Course, command: NoShow) -> None:
    ticket = _called(course, command.window)
    if not _was_called_enough(course, ticket) and not command.reason.strip():
        raise refuse("no_show_too_soon", number=ticket.number, calls=ticket.calls)
    miss(course, ticket, command.window, command.reason)


def _was_called_enough(course: Course, ticket: Ticket) -> bool:
    rules, since = course.hall.plan.rules, ticket.first_called_at
    waited = since is not None and course.now - since >= rules.no_show_after
    return waited or ticket.calls >= rules.no_show_calls


def miss(course: Course, ticket: Ticket, window: int, reason: str) -> None:
    """T5; the miss that uses up the last return ends the ticket (T7, P.48)."""
    course.add(TicketMissed(course.now, ticket.id, window, reason))
    if ticket.misses + 1 >= course.hall.plan.rules.misses_allowed:
        course.add(TicketAbandoned(course.now, ticket.id))


def _delay(course: Course, command: Delay) -> None:
    """It waits on like those it is put behind, and is announced anew."""
    hall, ticket = course.hall, _called(course, command.window)
    place = behind_next(hall, ticket, _behind(hall, ticket, command))
    if place is None:
        raise refuse("nobody_behind", number=ticket.number)
    course.add(TicketDelayed(course.now, ticket.id, command.window, place, command.reason))


def _behind(hall: Hall, ticket: Ticket, command: Delay) -> int:
    """How many people that is: as many as the windows of its queue serve within the length."""
    if command.behind is not None and command.length is None:
        return max(1, command.behind)
    if command.length is None:
        return hall.plan.rules.let_pass_behind
    windows = max(1, len(serving_windows(hall, ticket.queue)))
    return max(1, ceil(command.length / (waits.mean_service(hall, ticket.queue) / windows)))


# --- T8, T9, T10 -----------------------------------------------------------------------------------


def _hold(course: Course, command: Hold) -> None:
    ticket = _served(course, command.window)
    _check_reason(command.reason)
    most = course.hall.plan.rules.held_per_window
    if len(course.hall.sessions[command.window].held) >= most:
        raise refuse("held_full", window=command.window, most=most)
    course.add(TicketHeld(course.now, ticket.id, command.window, command.reason))


def _resume(course: Course, command: Resume) -> None:
    ticket = ticket_of(course.hall, command.ticket)
    if ticket.state is not TicketState.HELD:
        raise refuse("not_held", number=ticket.number, state=ticket.state.value)
    _free(course, command.window)
    keeper = None if ticket.window is None else session_of(course.hall, ticket.window)
    if keeper is not None and keeper.window != command.window and keeper.state not in AWAY:
        raise refuse("held_elsewhere", number=ticket.number, window=keeper.window)
    course.add(TicketResumed(course.now, ticket.id, command.window))


def _transfer(course: Course, command: Transfer) -> None:
    hall, ticket = course.hall, ticket_of(course.hall, command.ticket)
    if ticket.state not in (TicketState.CALLED, TicketState.SERVING, TicketState.HELD):
        raise refuse("not_transferable", number=ticket.number, state=ticket.state.value)
    running_day(hall)
    _check_reason(command.reason)
    if command.to_queue is not None and command.to_window is None:
        _check_queue(hall, ticket, command.to_queue)
        transfer(course, ticket, command.to_queue, None, command.reason)
    elif command.to_window is not None and command.to_queue is None:
        check_target(hall, ticket.window, command.to_window)
        transfer(course, ticket, ticket.queue, command.to_window, command.reason)
    else:
        raise refuse("one_target")


def transfer(course: Course, ticket: Ticket, queue: str, target: int | None, reason: str) -> None:
    place = again_first(course.hall, ticket)
    course.add(TicketTransferred(course.now, ticket.id, queue, place, reason, target))


def _check_queue(hall: Hall, ticket: Ticket, queue: str) -> None:
    if queue_of(hall, queue).code == ticket.queue:
        raise refuse("same_queue", number=ticket.number, queue=queue)
    if not hall.servers.get(queue):
        raise refuse("not_served", queue=queue)


def check_target(hall: Hall, source: int | None, target: int) -> None:
    """Raises Refused unless a ticket of window `source` may be given to window `target`."""
    state = session_of(hall, target).state
    if target == source:
        raise refuse("same_window", window=target)
    if state is WindowState.CLOSED:
        raise refuse("window_closed", window=target)
    if state is WindowState.PAUSED:
        raise refuse("window_paused", window=target)
    if state is WindowState.OFFLINE:
        raise refuse("window_offline", window=target)


# --- T11, T14, T15 ---------------------------------------------------------------------------------


def finish(course: Course, ticket: Ticket, window: int, outcome: Outcome, reason: str = "") -> None:
    """T11, and the next leg of a ticket that has further queues to visit (T15)."""
    if outcome is Outcome.NOTHING:
        _check_reason(reason)
    course.add(TicketFinished(course.now, ticket.id, window, outcome, reason))
    booked = course.hall.bookings.came.get(ticket.id)
    if booked is not None and not ticket.chain:
        course.add(AppointmentFulfilled(course.now, booked))
    day = course.hall.day
    if ticket.chain and day is not None and day.state is not DayState.CLOSED:
        place = again_first(course.hall, ticket)
        course.add(TicketChained(course.now, ticket.id, ticket.chain[0], place))


def _reopen(course: Course, command: Reopen) -> None:
    rules, ticket = course.hall.plan.rules, ticket_of(course.hall, command.ticket)
    if ticket.state is not TicketState.COMPLETED or ticket.finished_at is None:
        raise refuse("not_completed", number=ticket.number, state=ticket.state.value)
    if is_rated(ticket):
        raise refuse("already_rated", number=ticket.number)
    if ticket.legs[-1].window != command.window:
        raise refuse("reopen_elsewhere", number=ticket.number, window=ticket.legs[-1].window)
    if course.now - ticket.finished_at > rules.reopen_within:
        minutes = int(rules.reopen_within.total_seconds() // 60)
        raise refuse("reopen_too_late", number=ticket.number, minutes=minutes)
    _check_reason(command.reason)
    _free(course, command.window)
    course.add(TicketReopened(course.now, ticket.id, command.window, command.reason))
