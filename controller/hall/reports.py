"""What the people who run a hall look at: how each queue and window stands, what needs them, the day so far.

Pure: figures over one hall value. Definitions are those of the key figures (K.12, K.14, K.16); the
board is R-L1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from enum import IntEnum

from controller.hall import waits
from controller.hall.balance import serving_windows
from controller.hall.model import (
    Hall,
    PauseReason,
    Queue,
    ServiceDay,
    Session,
    Ticket,
    TicketState,
    Window,
    WindowState,
)

LONG_WAIT = timedelta(minutes=30)  # P.28, where days of different rules are compared
HALF_HOUR = timedelta(minutes=30)
ACTIVE = frozenset({TicketState.CALLED, TicketState.SERVING, TicketState.HELD})


# --- queues and windows now


@dataclass(frozen=True, slots=True)
class QueueNow:
    """One queue as the board shows it. is_late: somebody waits longer than the rule allows (P.28)."""

    queue: Queue
    waiting: int
    longest: timedelta | None
    windows: tuple[int, ...]
    is_late: bool


@dataclass(frozen=True, slots=True)
class WindowNow:
    """One window as the board shows it. since: when what it does began."""

    window: Window
    session: Session
    clerk: str | None
    ticket: Ticket | None
    since: datetime | None
    is_pause_overdue: bool


def queues_now(hall: Hall, now: datetime) -> list[QueueNow]:
    return [_queue_now(hall, queue, now) for queue in hall.plan.queues]


def _queue_now(hall: Hall, queue: Queue, now: datetime) -> QueueNow:
    longest = waits.longest_wait(hall, queue.code, now)
    return QueueNow(
        queue,
        waits.waiting(hall, queue.code),
        longest,
        tuple(serving_windows(hall, queue.code)),
        longest is not None and longest >= hall.plan.rules.long_wait,
    )


def windows_now(hall: Hall, now: datetime) -> list[WindowNow]:
    return [_window_now(hall, window, now) for window in hall.plan.windows]


def _window_now(hall: Hall, window: Window, now: datetime) -> WindowNow:
    session = hall.sessions[window.number]
    ticket = None if session.current is None else hall.tickets.get(session.current)
    clerk = None if session.clerk is None else hall.clerks.get(session.clerk)
    return WindowNow(
        window,
        session,
        clerk.name if clerk else None,
        ticket,
        _since(session, ticket),
        _overdue(session, now),
    )


def _since(session: Session, ticket: Ticket | None) -> datetime | None:
    if session.state is WindowState.OFFLINE:
        return session.lost_at
    if session.state is WindowState.PAUSED:
        return session.paused_at
    if ticket is not None:
        return ticket.serving_since or ticket.first_called_at
    return None


def _overdue(session: Session, now: datetime) -> bool:
    if session.state is not WindowState.PAUSED:
        return False
    return session.pause_told or (session.pause_until is not None and now > session.pause_until)


# --- what needs the manager first


class Urgency(IntEnum):
    """Red before amber before blue."""

    RED = 0
    AMBER = 1
    BLUE = 2


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing that needs somebody. code: translated by i18n as alarm.<code> with the facts."""

    code: str
    urgency: Urgency
    window: int | None = None
    queue: str | None = None
    minutes: int | None = None
    count: int | None = None
    reason: PauseReason | None = None


def alarms(hall: Hall, now: datetime) -> list[Alarm]:
    """What needs the manager, the most urgent first."""
    found = [*_window_alarms(hall, now), *_queue_alarms(hall, now)]
    return sorted(found, key=lambda alarm: (alarm.urgency, -(alarm.minutes or 0)))


def _window_alarms(hall: Hall, now: datetime) -> Iterator[Alarm]:
    for at in windows_now(hall, now):
        number, minutes = at.window.number, _minutes(at.since, now)
        if at.session.state is WindowState.OFFLINE:
            yield Alarm("window_lost", Urgency.RED, number, minutes=minutes)
        elif at.is_pause_overdue:
            reason = at.session.pause_reason
            yield Alarm("pause_overdue", Urgency.AMBER, number, minutes=minutes, reason=reason)


def _queue_alarms(hall: Hall, now: datetime) -> Iterator[Alarm]:
    for at in queues_now(hall, now):
        if at.waiting and not at.windows:
            minutes = _minutes(None if at.longest is None else now - at.longest, now)
            yield Alarm("unserved", Urgency.RED, None, at.queue.code, minutes, at.waiting)
        elif at.is_late and at.longest is not None:
            minutes = int(at.longest.total_seconds() // 60)
            yield Alarm("long_wait", Urgency.AMBER, None, at.queue.code, minutes, at.waiting)


def _minutes(since: datetime | None, now: datetime) -> int | None:
    return None if since is None else max(0, int((now - since).total_seconds() // 60))


# --- the day so far


@dataclass(frozen=True, slots=True)
class DayFigures:
    """Today in figures. no_show_rate: abandoned / issued (K.14). satisfied: ratings 3-5 / ratings (K.16)."""

    issued: int
    waiting: int
    at_windows: int
    served: int
    missed: int
    abandoned: int
    mean_wait: timedelta | None
    longest_wait: timedelta | None
    mean_service: timedelta | None
    rated: int
    satisfied: float | None
    strictly_satisfied: float | None

    @property
    def took_part(self) -> float | None:
        """K.15: of the visits that are done, how many were rated."""
        return self.rated / self.served if self.served else None

    @property
    def no_show_rate(self) -> float | None:
        return self.abandoned / self.issued if self.issued else None


def day_figures(hall: Hall) -> DayFigures:
    """Figures of the tickets of the open day."""
    tickets = list(hall.tickets.values())
    states = [ticket.state for ticket in tickets]
    first_waits = [wait for ticket in tickets if (wait := wait_of(ticket)) is not None]
    services = [service_of(ticket) for ticket in tickets if ticket.state is TicketState.COMPLETED]
    ratings = [ticket.rating for ticket in tickets if ticket.rating is not None]
    return DayFigures(
        issued=len(tickets),
        waiting=states.count(TicketState.WAITING),
        at_windows=sum(state in ACTIVE for state in states),
        served=states.count(TicketState.COMPLETED),
        missed=sum(ticket.misses > 0 for ticket in tickets),
        abandoned=states.count(TicketState.ABANDONED),
        mean_wait=_mean(first_waits),
        longest_wait=max(first_waits, default=None),
        mean_service=_mean(services),
        rated=len(ratings),
        satisfied=_share(ratings, 3),
        strictly_satisfied=_share(ratings, 4),
    )


def wait_of(ticket: Ticket) -> timedelta | None:
    """Issue (or the slot of an appointment checked in before it) to the first call (K.12)."""
    called_at = ticket.legs[0].called_at
    if called_at is None:
        return None
    start = ticket.issued_at if ticket.slot is None else max(ticket.slot, ticket.issued_at)
    return max(timedelta(), called_at - start)


def service_of(ticket: Ticket) -> timedelta:
    """Time at windows over all legs that have ended."""
    return sum((leg.served for leg in ticket.legs), timedelta())


@dataclass(frozen=True, slots=True)
class HalfHour:
    """What half an hour of the day saw. mean_wait: of the tickets taken in it that were called."""

    start: datetime
    arrivals: int
    mean_wait: timedelta | None


def half_hours(hall: Hall, zone: tzinfo, now: datetime) -> list[HalfHour]:
    """The day from its first half hour to the one of `now`, empty ones too; nothing before a day is open."""
    if hall.day is None:
        return []
    opened = _half_hour(hall.day.opened_at, zone)
    arrivals: dict[int, list[timedelta | None]] = {}  # by half hours since then
    for ticket in hall.tickets.values():
        arrivals.setdefault((ticket.issued_at - opened) // HALF_HOUR, []).append(wait_of(ticket))
    first = min([*arrivals, 0])
    until = (_half_hour(min(now, _end(hall.day, zone)), zone) - opened) // HALF_HOUR
    return [
        HalfHour(opened + n * HALF_HOUR, len(came), _mean([wait for wait in came if wait is not None]))
        for n in range(first, max([first, *arrivals, until]) + 1)
        for came in [arrivals.get(n, [])]
    ]


def _half_hour(moment: datetime, zone: tzinfo) -> datetime:
    local = moment.astimezone(zone)
    return local.replace(minute=local.minute // 30 * 30, second=0, microsecond=0)


def _end(day: ServiceDay, zone: tzinfo) -> datetime:
    """The last instant of the date, so that a day left open overnight does not grow for ever."""
    return datetime.combine(day.date, time(23, 59), zone)


def _mean(times: Sequence[timedelta]) -> timedelta | None:
    return sum(times, timedelta()) / len(times) if times else None


def _share(ratings: Sequence[int], level: int) -> float | None:
    return sum(rating >= level for rating in ratings) / len(ratings) if ratings else None
