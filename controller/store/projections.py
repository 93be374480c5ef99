"""One row per ticket for lists and reports, kept in the transaction that decided the change.

A row says how its ticket stands now and when the things that count happened first. Reports are sums
over these rows. All of it can be made again from the log (`rebuild` in log.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, case, func, select, update

from controller.hall.events import Event, PastRatingVoided, PastVisitRated, WindowClosed
from controller.hall.model import FINAL, Hall, Outcome, Slip, Ticket, TicketClass, TicketState
from controller.store.records import upsert
from controller.store.tables import ticket as table

KEEP_FIRST = frozenset({"day", "called_at", "served_at", "wait_s"})  # what happened first stays
KEEP_KNOWN = frozenset({"clerk", "window"})  # the last one known stays

RATED_LATER = (PastVisitRated.__name__, PastRatingVoided.__name__)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TicketRow:
    """A ticket as lists show it.

    wait_s: from issue to the first call. service_s: at windows, all legs together, up to the last hold
    or end. finished_at: when it was over, however it ended.
    """

    id: int
    day: date
    number: str
    domain: str
    queue: str
    klass: TicketClass
    state: TicketState
    slip: Slip
    token: str
    item: str | None
    cases: int
    window: int | None
    clerk: str | None
    legs: int
    calls: int
    misses: int
    issued_at: datetime
    called_at: datetime | None
    served_at: datetime | None
    finished_at: datetime | None
    wait_s: float | None
    service_s: float | None
    outcome: Outcome | None
    rating: int | None


@dataclass(frozen=True, slots=True)
class DayFigures:
    """What happened to the tickets of a day, of all queues or of one queue or window.

    missed: tickets that did not come when called, at least once. Waits are from issue to the first call.
    ratings: how many visits were rated 1..5.
    """

    issued: int
    served: int
    missed: int
    abandoned: int
    cancelled: int
    expired: int
    mean_wait: timedelta | None
    max_wait: timedelta | None
    mean_service: timedelta | None
    ratings: Mapping[int, int]


# --- writing ----------------------------------------------------------------------------------------


def touched(hall: Hall, event: Event) -> list[int]:
    """The tickets whose rows the event changes. hall: after the event."""
    if isinstance(event, WindowClosed) and event.hand_over_to is not None:
        session = hall.sessions.get(event.hand_over_to)
        return list(session.held) if session else []
    ticket = getattr(event, "ticket", None)
    return [] if ticket is None else [ticket]


def note(rows: dict[int, Row], hall: Hall, event: Event) -> None:
    """Put into `rows` the new rows of the tickets that `event` changed. hall: after the event."""
    changed = (hall.tickets.get(number) for number in touched(hall, event))
    merge(rows, {ticket.id: _row(hall, ticket) for ticket in changed if ticket is not None})


def merge(rows: dict[int, Row], newer: Mapping[int, Row]) -> None:
    """Put the newer rows into `rows`, as writing them one after the other would."""
    for number, row in newer.items():
        rows[number] = _merged(rows.get(number), row)


def write(c: Connection, rows: Mapping[int, Row]) -> None:
    upsert(c, table, list(rows.values()), KEEP_FIRST, KEEP_KNOWN)


def rated_later(event: Event) -> dict[int, int | None]:
    """The rating of a visit the hall has forgotten, by its ticket; None: void."""
    match event:
        case PastVisitRated():
            return {event.ticket: event.level}
        case PastRatingVoided():
            return {event.ticket: None}
        case _:
            return {}


def rate(c: Connection, hall: str, rated: Mapping[int, int | None]) -> None:
    """Put such ratings into the rows of their tickets."""
    for number, level in rated.items():
        c.execute(update(table).where(table.c.hall == hall, table.c.id == number).values(rating=level))


def with_ratings(rows: Mapping[int, Row], rated: Mapping[int, int | None]) -> dict[int, Row]:
    """The rows with such ratings in them."""
    return {id: {**row, "rating": rated[id]} if id in rated else row for id, row in rows.items()}


def differing(c: Connection, hall: str, rows: Mapping[int, Row], size: int = 500) -> list[int]:
    """Those of the tickets whose stored row is another one."""
    found: list[int] = []
    for ids in (list(rows)[at : at + size] for at in range(0, len(rows), size)):
        stored = c.execute(select(table).where(table.c.hall == hall, table.c.id.in_(ids))).mappings()
        kept = {row["id"]: dict(row) for row in stored}
        found += [id for id in ids if kept.get(id) != rows[id]]
    return found


def _merged(old: Row | None, new: Row) -> Row:
    if old is None:
        return new
    first = {name: old[name] for name in KEEP_FIRST if old[name] is not None}
    known = {name: old[name] for name in KEEP_KNOWN if new[name] is None}
    return {**new, **first, **known}


def _row(hall: Hall, ticket: Ticket) -> Row:
    leg = ticket.legs[-1]
    window = ticket.window if ticket.window is not None else leg.window
    called_at = ticket.legs[0].called_at
    served = sum((past.served for past in ticket.legs[:-1]), ticket.served)
    return {
        "hall": hall.id,
        "id": ticket.id,
        "day": hall.day.date if hall.day else ticket.issued_at.date(),
        "number": ticket.number,
        "domain": ticket.domain,
        "queue": leg.queue,
        "klass": ticket.klass.value,
        "state": ticket.state.value,
        "slip": ticket.slip.value,
        "token": ticket.token,
        "item": ticket.item,
        "cases": ticket.cases,
        "window": window,
        "clerk": _clerk(hall, ticket, window),
        "legs": len(ticket.legs),
        "calls": ticket.calls,
        "misses": ticket.misses,
        "issued_at": ticket.issued_at,
        "called_at": called_at,
        "served_at": next((past.served_at for past in ticket.legs if past.served_at), None),
        "finished_at": leg.ended_at if ticket.state in FINAL else None,
        "wait_s": (called_at - ticket.issued_at).total_seconds() if called_at else None,
        "service_s": served.total_seconds() or None,
        "outcome": ticket.outcome.value if ticket.outcome else None,
        "rating": ticket.rating,
    }


def _clerk(hall: Hall, ticket: Ticket, window: int | None) -> str | None:
    """Who serves it just now; None when nobody does, or no longer."""
    if window is None or ticket.state is not TicketState.SERVING:
        return None
    session = hall.sessions.get(window)
    return session.clerk if session else None


# --- reading ----------------------------------------------------------------------------------------


def tickets(
    c: Connection,
    hall: str,
    day: date,
    *,
    queue: str | None = None,
    window: int | None = None,
    states: Collection[TicketState] = (),
    limit: int = 200,
    after: int = 0,
) -> list[TicketRow]:
    """Tickets of a day in order of their ids; `after` a given id, for the next page."""
    query = select(table).where(table.c.hall == hall, table.c.day == day)
    if after:
        query = query.where(table.c.id > after)
    if queue is not None:
        query = query.where(table.c.queue == queue)
    if window is not None:
        query = query.where(table.c.window == window)
    if states:
        query = query.where(table.c.state.in_([state.value for state in states]))
    return [_ticket(row) for row in c.execute(query.order_by(table.c.id).limit(limit))]


def open_tickets(c: Connection, hall: str, day: date) -> list[TicketRow]:
    """Tickets of a day that are not over: the manager's list before the day is closed (T17)."""
    states = [state for state in TicketState if state not in FINAL]
    return tickets(c, hall, day, states=states, limit=10_000)


def find_ticket(c: Connection, hall: str, ticket: int) -> TicketRow | None:
    row = c.execute(select(table).where(table.c.hall == hall, table.c.id == ticket)).first()
    return None if row is None else _ticket(row)


def numbered(c: Connection, hall: str, day: date, number: str) -> TicketRow | None:
    """The ticket of a day with this number; of several calling domains', the latest."""
    query = select(table).where(table.c.hall == hall, table.c.day == day, table.c.number == number)
    row = c.execute(query.order_by(table.c.id.desc()).limit(1)).first()
    return None if row is None else _ticket(row)


def find_token(c: Connection, hall: str, token: str) -> TicketRow | None:
    """The ticket a slip's code belongs to, of whatever day."""
    row = c.execute(select(table).where(table.c.token == token, table.c.hall == hall)).first()
    return None if row is None else _ticket(row)


def day_figures(c: Connection, hall: str, day: date) -> DayFigures:
    """The figures of a whole day."""
    row = c.execute(_figures(hall, day)).one()
    return _read_figures(row)


def figures_by_queue(c: Connection, hall: str, day: date) -> dict[str, DayFigures]:
    """The figures of a day per queue, of tickets now in it."""
    query = _figures(hall, day).add_columns(table.c.queue).group_by(table.c.queue)
    return {row.queue: _read_figures(row) for row in c.execute(query.order_by(table.c.queue))}


def figures_by_window(c: Connection, hall: str, day: date) -> dict[int, DayFigures]:
    """The figures of a day per window that called or served."""
    query = _figures(hall, day).add_columns(table.c.window).group_by(table.c.window)
    query = query.where(table.c.window.is_not(None)).order_by(table.c.window)
    return {row.window: _read_figures(row) for row in c.execute(query)}


def _figures(hall: str, day: date) -> Select[Any]:
    def count(condition: Any) -> Any:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    state = table.c.state
    return select(
        func.count().label("issued"),
        count(state == TicketState.COMPLETED.value).label("served"),
        count(table.c.misses > 0).label("missed"),
        count(state == TicketState.ABANDONED.value).label("abandoned"),
        count(state == TicketState.CANCELLED.value).label("cancelled"),
        count(state == TicketState.EXPIRED.value).label("expired"),
        func.avg(table.c.wait_s).label("mean_wait"),
        func.max(table.c.wait_s).label("max_wait"),
        func.avg(table.c.service_s).label("mean_service"),
        *(count(table.c.rating == level).label(f"rated_{level}") for level in range(1, 6)),
    ).where(table.c.hall == hall, table.c.day == day)


def _read_figures(row: Any) -> DayFigures:
    return DayFigures(
        row.issued,
        row.served,
        row.missed,
        row.abandoned,
        row.cancelled,
        row.expired,
        _span(row.mean_wait),
        _span(row.max_wait),
        _span(row.mean_service),
        {level: getattr(row, f"rated_{level}") for level in range(1, 6)},
    )


def _span(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=float(seconds))


_ENUMS: Mapping[str, Any] = {"klass": TicketClass, "state": TicketState, "slip": Slip, "outcome": Outcome}


def _ticket(row: Any) -> TicketRow:
    values = {field.name: getattr(row, field.name) for field in fields(TicketRow)}
    for name, kind in _ENUMS.items():
        if values[name] is not None:
            values[name] = kind(values[name])
    return TicketRow(**values)
