"""What a clerk sees at a window: the visitor, who comes next and why, the queues, and which keys work now.

Read from one hall value; the page that shows it does no arithmetic. Which keys work mirrors the guards
of the state machines only so far that a key which cannot work is not offered; the hall decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from controller.hall import waits
from controller.hall.balance import Choice, lines_of, next_ticket
from controller.hall.model import (
    DayState,
    Hall,
    Leg,
    Queue,
    Session,
    Ticket,
    TicketState,
    Window,
    WindowState,
)

MOST_FOUND = 8  # tickets a search shows
MOST_MISSED = 6


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the console. form: it asks something first. works: it can be pressed now."""

    action: str
    shortcut: str
    works: bool
    form: bool = False


@dataclass(frozen=True, slots=True)
class EarlierLeg:
    queue: Queue | None
    window: int | None
    minutes: int
    why: str


@dataclass(frozen=True, slots=True)
class Visitor:
    """A ticket as the clerk needs it. minutes: in its present state. legs: where it was before."""

    ticket: Ticket
    queue: Queue | None
    minutes: int
    waited: int
    legs: tuple[EarlierLeg, ...]


@dataclass(frozen=True, slots=True)
class MyQueue:
    queue: Queue
    waiting: int
    oldest: int | None
    is_late: bool


@dataclass(frozen=True, slots=True)
class Console:
    hall: Hall
    window: Window
    session: Session
    clerk: str | None
    is_mine: bool
    visitor: Visitor | None
    next: Visitor | None
    choice: Choice | None
    big: Key
    keys: tuple[Key, ...]
    queues: tuple[MyQueue, ...]
    held: tuple[Visitor, ...]
    missed: tuple[Visitor, ...]
    last: Visitor | None
    minutes: int

    @property
    def is_issuing(self) -> bool:
        return self.hall.day is not None and self.hall.day.state is DayState.OPEN


def console(hall: Hall, number: int, person: str, now: datetime) -> Console:
    """The console of one window. Raises KeyError when the hall has no such window."""
    window, session = hall.windows[number], hall.sessions[number]
    ticket = None if session.current is None else hall.tickets.get(session.current)
    choice = next_ticket(hall, number, now)
    clerk = hall.clerks.get(session.clerk or "")
    return Console(
        hall=hall,
        window=window,
        session=session,
        clerk=clerk.name if clerk else None,
        is_mine=session.clerk == person,
        visitor=visitor(hall, ticket, now) if ticket else None,
        next=visitor(hall, hall.tickets[choice.ticket], now) if choice else None,
        choice=choice,
        big=_big_key(session, ticket, choice),
        keys=_keys(hall, session, ticket, now),
        queues=tuple(_my_queues(hall, session, now)),
        held=tuple(visitor(hall, hall.tickets[id], now) for id in session.held),
        missed=tuple(visitor(hall, one, now) for one in missed(hall)[:MOST_MISSED]),
        last=_last(hall, session, now),
        minutes=_minutes(session.paused_at if session.state is WindowState.PAUSED else None, now),
    )


def visitor(hall: Hall, ticket: Ticket, now: datetime) -> Visitor:
    return Visitor(
        ticket,
        hall.queues.get(ticket.queue),
        _minutes(_state_since(ticket), now),
        _minutes(ticket.issued_at, ticket.legs[0].called_at or now),
        tuple(_earlier(hall, leg) for leg in ticket.legs[:-1]),
    )


def found(hall: Hall, words: str, now: datetime) -> list[Visitor]:
    """Today's tickets whose number contains `words`, the active ones first."""
    wanted = words.strip().upper()
    if not wanted:
        return []
    hits = [ticket for ticket in hall.tickets.values() if wanted in ticket.number.upper()]
    hits.sort(key=lambda ticket: (ticket.state not in _OFFERED, ticket.id))
    return [visitor(hall, ticket, now) for ticket in hits[:MOST_FOUND]]


def targets(hall: Hall, ticket: Ticket | None) -> tuple[list[Queue], list[Window]]:
    """Where a ticket may be transferred to: other queues, and other windows where somebody sits."""
    queues = [queue for queue in hall.plan.queues if ticket is None or queue.code != ticket.queue]
    at = None if ticket is None else ticket.window
    return queues, [
        window for window in hall.plan.windows if window.number != at and _is_staffed(hall, window)
    ]


def _is_staffed(hall: Hall, window: Window) -> bool:
    return hall.sessions[window.number].state in (WindowState.OPEN, WindowState.BUSY)


_OFFERED = frozenset({TicketState.WAITING, TicketState.NO_SHOW, TicketState.HELD, TicketState.CALLED})


def _big_key(session: Session, ticket: Ticket | None, choice: Choice | None) -> Key:
    """The space bar: whatever naturally comes next."""
    if session.state is WindowState.PAUSED:
        return Key("unpause", " ", works=True)
    if ticket is not None and ticket.state is TicketState.CALLED:
        return Key("start", " ", works=session.state is not WindowState.OFFLINE)
    seated = session.state in (WindowState.OPEN, WindowState.BUSY)
    return Key("next", " ", works=seated and (choice is not None or ticket is not None))


def _keys(hall: Hall, session: Session, ticket: Ticket | None, now: datetime) -> tuple[Key, ...]:
    state = None if ticket is None else ticket.state
    is_called, is_served = state is TicketState.CALLED, state is TicketState.SERVING
    is_free = session.state is WindowState.OPEN and ticket is None
    is_paused = session.state is WindowState.PAUSED
    pause = Key("unpause", "P", works=True) if is_paused else Key("pause", "P", works=is_free, form=True)
    return (
        Key("recall", "R", works=is_called),
        Key("noshow", "N", works=is_called, form=is_called and _needs_reason(hall, ticket, now)),
        Key("delay", "D", works=is_called, form=True),
        Key("hold", "H", works=is_served, form=True),
        Key("transfer", "T", works=is_called or is_served, form=True),
        Key("finish", "F", works=is_served),
        pause,
        Key("jump", "J", works=is_free, form=True),
        Key("guide", "G", works=ticket is not None, form=True),
    )


def _needs_reason(hall: Hall, ticket: Ticket | None, now: datetime) -> bool:
    """Whether a no-show would be too soon without one (T5)."""
    if ticket is None or ticket.first_called_at is None:
        return False
    rules = hall.plan.rules
    return ticket.calls < rules.no_show_calls and now - ticket.first_called_at < rules.no_show_after


def _my_queues(hall: Hall, session: Session, now: datetime) -> list[MyQueue]:
    """The queues this window calls from now; of a window without a clerk, those of its plan."""
    mine = lines_of(hall, session)
    codes = [serves.queue for serves in hall.windows[session.window].serves]
    if session.clerk is not None:
        codes = [code for code in codes if code in mine]
    return [_my_queue(hall, hall.queues[code], now) for code in dict.fromkeys(codes)]


def _my_queue(hall: Hall, queue: Queue, now: datetime) -> MyQueue:
    longest = waits.longest_wait(hall, queue.code, now)
    oldest = None if longest is None else _whole(longest)
    is_late = longest is not None and longest >= hall.plan.rules.long_wait
    return MyQueue(queue, waits.waiting(hall, queue.code), oldest, is_late)


def missed(hall: Hall) -> list[Ticket]:
    """Missed tickets that may still return, the latest first (T6)."""
    ids = [entry[-1] for entry in hall.missed]
    tickets = [hall.tickets[id] for id in reversed(ids) if id in hall.tickets]
    return [ticket for ticket in tickets if ticket.misses < hall.plan.rules.misses_allowed]


def _last(hall: Hall, session: Session, now: datetime) -> Visitor | None:
    """The visitor just finished, while the service may be reopened (T14)."""
    ticket = None if session.last_finished is None else hall.tickets.get(session.last_finished)
    if ticket is None or ticket.finished_at is None or ticket.rating is not None:
        return None
    is_recent = now - ticket.finished_at <= hall.plan.rules.reopen_within
    return visitor(hall, ticket, now) if is_recent and ticket.state is TicketState.COMPLETED else None


def _earlier(hall: Hall, leg: Leg) -> EarlierLeg:
    return EarlierLeg(hall.queues.get(leg.queue), leg.window, _whole(leg.served), leg.why)


_SINCE: Mapping[TicketState, str] = {
    TicketState.WAITING: "waiting_since",
    TicketState.CALLED: "first_called_at",
    TicketState.SERVING: "serving_since",
    TicketState.NO_SHOW: "missed_at",
    TicketState.COMPLETED: "finished_at",
}


def _state_since(ticket: Ticket) -> datetime | None:
    since: datetime | None = getattr(ticket, _SINCE.get(ticket.state, "issued_at"))
    return since


def _minutes(since: datetime | None, now: datetime) -> int:
    return 0 if since is None else _whole(now - since)


def _whole(length: timedelta) -> int:
    return max(0, int(length.total_seconds() // 60))
