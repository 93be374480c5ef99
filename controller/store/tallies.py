"""What each service day came to, kept from the moment it is closed: what reports over years are read from.

A day has a row from its opening on. When it is closed its tickets and windows are tallied, in the
transaction that closes it; a ticket that changes later (a rating, a citizen still at a window) has its day
tallied again. Everything is worked out from the rows of tickets and from the log, so it can be made
again (`rebuild` in log.py) and looked over (`differing`).
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, cast

from sqlalchemy import Connection, Table, delete, func, insert, select, update

from controller.hall import tallies as t
from controller.hall.events import DayClosed, DayOpened, Event, IssuingStopped, ShiftsPlanned, TicketCalled
from controller.hall.model import DayState, Hall, Outcome, Shift, TicketClass, TicketState, WindowState
from controller.hall.tallies import FIGURES, Move, Tally, Visit, WindowTally
from controller.store import codec
from controller.store.projections import touched
from controller.store.records import upsert
from controller.store.tables import day_queue, day_window, day_zone, event, service_day, ticket

MOVES = (
    *("WindowOpened", "WindowClosed", "WindowPaused", "WindowUnpaused", "WindowLost", "WindowRestored"),
    *sorted(t.AT_WORK),
)
FIGURED = (day_queue, day_window, day_zone)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Note:
    """One step of a service day, by whom. windows: at the opening the state of those already staffed, at the
    closing the area of each."""

    step: DayOpened | IssuingStopped | DayClosed
    seq: int
    by: str
    day: date
    windows: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Day:
    """A service day. by: "person/li", "system/system". happened: how often each kind of event, once over."""

    day: date
    first_seq: int
    opened_at: datetime
    opened_by: str
    closes_at: datetime
    stopped_at: datetime | None
    stopped_by: str | None
    last_seq: int | None
    closed_at: datetime | None
    closed_by: str | None
    staffed: Mapping[str, str]
    zones: Mapping[str, str]
    happened: Mapping[str, int] | None
    jumps: int | None


@dataclass(frozen=True, slots=True)
class DayTally:
    """All figures of one day; until: up to when."""

    day: Day
    until: datetime
    queues: Mapping[str, Tally]
    windows: Mapping[int, WindowTally]
    zones: Mapping[str, list[int]]
    happened: Mapping[str, int]
    jumps: int


# --- writing ----------------------------------------------------------------------------------------


def note(hall: Hall, step: Event, seq: int, by: str) -> Note | None:
    """What is to be kept of an event; None of those that are no step of a day. hall: after the event."""
    if hall.day is None or not isinstance(step, DayOpened | IssuingStopped | DayClosed):
        return None
    windows: dict[str, str] = {}
    if isinstance(step, DayOpened):
        sessions = (one for one in hall.sessions.values() if one.state is not WindowState.CLOSED)
        windows = {str(one.window): one.state.value for one in sessions}
    elif isinstance(step, DayClosed):
        windows = {str(one.number): one.zone for one in hall.plan.windows}
    return Note(step, seq, by, hall.day.date, dict(sorted(windows.items())))


def late(hall: Hall, changed: Event) -> list[int]:
    """The tickets an event changed after their day was over. hall: after the event."""
    day, tickets = hall.day, touched(hall, changed)
    if not tickets or day is None or day.state is DayState.CLOSED:
        return tickets
    known = [hall.tickets[id] for id in tickets if id in hall.tickets]
    return [one.id for one in known if one.issued_at < day.opened_at]


def write(c: Connection, hall: str, notes: Sequence[Note], changed: Collection[int]) -> None:
    """Keep the steps, and tally the days that are over because of them or whose tickets changed later."""
    if not notes and not changed:
        return
    for one in notes:
        keep(c, hall, one)
    days = {one.day for one in notes if isinstance(one.step, DayClosed)}
    if changed:
        query = select(ticket.c.day).distinct().where(ticket.c.hall == hall, ticket.c.id.in_(changed))
        days.update(c.execute(query).scalars())
    for day in sorted(days):
        tally(c, hall, day)


def rerate(c: Connection, hall: str, rated: Mapping[int, int | None]) -> None:
    """Figures of days that are over, as ratings of their visits come or go; before the tickets' rows say so.

    A rating changes two counts at most: to tally its day again would keep everybody waiting.
    """
    for id, level in rated.items():
        query = select(ticket.c.day, ticket.c.queue, ticket.c.rating)
        row = c.execute(query.where(ticket.c.hall == hall, ticket.c.id == id)).first()
        if row is None or row.rating == level:
            continue
        changed = {row.rating: -1, level: 1}
        counts = {f"rated_{of}": day_queue.c[f"rated_{of}"] + by for of, by in changed.items() if of}
        of_day = (day_queue.c.hall == hall) & (day_queue.c.day == row.day) & (day_queue.c.queue == row.queue)
        c.execute(update(day_queue).where(of_day).values(counts))


def keep(c: Connection, hall: str, step: Note) -> None:
    """Put one step into the row of its day. A day from before such rows has none until a rebuild."""
    old = c.execute(_of_day(service_day, hall, step.day)).mappings().first()
    row = _folded(None if old is None else dict(old), hall, step)
    if row is not None:
        upsert(c, service_day, [row])


def _folded(old: Row | None, hall: str, one: Note) -> Row | None:
    """The row of a day after a step; None before its opening. Opened again, it goes on where it began."""
    at = one.step.at
    if isinstance(one.step, DayOpened):
        begun = {"first_seq": one.seq, "opened_at": at, "opened_by": one.by, "staffed": dict(one.windows)}
        opened = {name: old[name] for name in begun} if old else begun
        empty = dict.fromkeys(_LATER)
        return {"hall": hall, "day": one.day, "closes_at": one.step.closes_at, "zones": {}, **opened, **empty}
    if old is None or isinstance(one.step, IssuingStopped):
        return None if old is None else {**old, "stopped_at": at, "stopped_by": one.by}
    zones = dict(one.windows)
    return {**old, "last_seq": one.seq, "closed_at": at, "closed_by": one.by, "zones": zones}


_LATER = ("stopped_at", "stopped_by", "last_seq", "closed_at", "closed_by", "happened", "jumps")


def tally(c: Connection, hall: str, day: date) -> None:
    """Make the figures of a day anew; of one that is not over, none are kept."""
    found = find(c, hall, day)
    for table in FIGURED:
        c.execute(delete(table).where(table.c.hall == hall, table.c.day == day))
    if found is None or found.closed_at is None:
        return
    made = figures(c, hall, found, found.closed_at, found.zones)
    for table, rows in _rows(hall, made).items():
        if rows:
            c.execute(insert(table), rows)
    counted = {"happened": made.happened, "jumps": made.jumps}
    c.execute(update(service_day).where(service_day.c.hall == hall, service_day.c.day == day).values(counted))


def rebuild(c: Connection, hall: str, notes: Iterable[Note]) -> None:
    """All days of a hall again, from the steps in its log and the rows of its tickets."""
    for table in (service_day, *FIGURED):
        c.execute(delete(table).where(table.c.hall == hall))
    days: set[date] = set()
    for one in notes:
        keep(c, hall, one)
        days.add(one.day)
    for day in sorted(days):
        tally(c, hall, day)


def differing(c: Connection, hall: str, notes: Iterable[Note]) -> list[date]:
    """Days whose rows are not what the log says, missing and surplus ones included."""
    bases: dict[date, Row] = {}
    for one in notes:
        row = _folded(bases.get(one.day), hall, one)
        if row is not None:
            bases[one.day] = row
    stored = set(c.execute(select(service_day.c.day).where(service_day.c.hall == hall)).scalars())
    return sorted({*bases} ^ stored | {day for day in bases if _differs(c, hall, bases[day])})


def _differs(c: Connection, hall: str, base: Row) -> bool:
    day = _day(base)
    expected: dict[Table, list[Row]] = {table: [] for table in FIGURED}
    if day.closed_at is not None:
        made = figures(c, hall, day, day.closed_at, day.zones)
        expected = _rows(hall, made)
        base = {**base, "happened": dict(made.happened), "jumps": made.jumps}
    expected = {**expected, service_day: [base]}
    return any(_stored(c, table, hall, day.day) != rows for table, rows in expected.items())


def _stored(c: Connection, table: Table, hall: str, day: date) -> list[Row]:
    query = _of_day(table, hall, day).order_by(*table.primary_key.columns)
    return [dict(row) for row in c.execute(query).mappings()]


def _rows(hall: str, made: DayTally) -> dict[Table, list[Row]]:
    """The figures as rows, in order of their keys."""
    key: Row = {"hall": hall, "day": made.day.day}
    zones = made.day.zones
    return {
        day_queue: [{**key, "queue": code, **_packed(one)} for code, one in sorted(made.queues.items())],
        day_window: [
            {**key, "window": number, "zone": zones.get(str(number), ""), **_plain(one)}
            for number, one in sorted(made.windows.items())
        ],
        day_zone: [{**key, "zone": zone, "staffed": pack(row)} for zone, row in sorted(made.zones.items())],
    }


def _packed(one: Tally) -> Row:
    figures = {name: getattr(one, name) for name in FIGURES}
    return {**figures, "arrivals": pack(one.arrivals), "waits": pack(one.waits)}


def _plain(one: WindowTally) -> Row:
    return {f.name: getattr(one, f.name) for f in fields(one) if f.name != "staffed"}


def pack(counts: Sequence[int]) -> bytes:
    """Numbers from 0 to 2^32, four bytes each."""
    return struct.pack(f"<{len(counts)}I", *counts)


def unpack(packed: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(packed) // 4}I", packed)


# --- working out ------------------------------------------------------------------------------------


def figures(c: Connection, hall: str, day: Day, until: datetime, zones: Mapping[str, str]) -> DayTally:
    """What a day came to up to `until`, from its tickets and events. zones: of the windows."""
    visits = list(_visits(c, hall, day.day))
    windows = t.by_window(
        _moves(c, hall, day),
        {int(number): WindowState(state) for number, state in day.staffed.items()},
        _shifts(c, hall, day),
        day.opened_at,
        until,
    )
    for visit in visits:
        if visit.window is not None:
            at = windows.setdefault(visit.window, WindowTally())
            at.served += visit.state is TicketState.COMPLETED
            at.service_s += visit.service_s or 0.0
    happened = _happened(c, hall, day)
    return DayTally(
        day, until, t.by_queue(visits), windows, _staffed(windows, zones), happened, _jumps(c, hall, day)
    )


def _visits(c: Connection, hall: str, day: date) -> Iterator[Visit]:
    columns = [ticket.c[field.name] for field in fields(Visit)]
    of_day = select(*columns).where(ticket.c.hall == hall, ticket.c.day == day)
    for row in c.execute(of_day.order_by(ticket.c.id)):
        queue, klass, state, window, issued_at, wait_s, service_s, misses, legs, outcome, rating = row
        yield Visit(
            queue,
            TicketClass(klass),
            TicketState(state),
            window,
            issued_at,
            wait_s,
            service_s,
            misses,
            legs,
            Outcome(outcome) if outcome else None,
            rating,
        )


def _staffed(windows: Mapping[int, WindowTally], zones: Mapping[str, str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for number, one in windows.items():
        row = found.setdefault(zones.get(str(number), ""), [0] * len(one.staffed))
        row[:] = (a + b for a, b in zip(row, one.staffed, strict=True))
    return found


def _of_its(hall: str, day: Day) -> Any:
    """That an event is one of this day's."""
    begins = (event.c.hall == hall) & (event.c.seq >= day.first_seq)
    return begins if day.last_seq is None else begins & (event.c.seq <= day.last_seq)


def _moves(c: Connection, hall: str, day: Day) -> list[Move]:
    query = select(event.c.at, event.c.window, event.c.kind).where(_of_its(hall, day))
    return [Move(*row) for row in c.execute(query.where(event.c.kind.in_(MOVES)).order_by(event.c.seq))]


def _shifts(c: Connection, hall: str, day: Day) -> dict[int, tuple[Shift, ...]]:
    query = select(event.c.kind, event.c.body).where(_of_its(hall, day))
    query = query.where(event.c.kind == ShiftsPlanned.__name__).order_by(event.c.seq)
    planned = (cast(ShiftsPlanned, codec.decode(*row)) for row in c.execute(query))
    return {one.window: one.shifts for one in planned}


def _happened(c: Connection, hall: str, day: Day) -> dict[str, int]:
    query = select(event.c.kind, func.count()).where(_of_its(hall, day)).group_by(event.c.kind)
    return {row.kind: row[1] for row in c.execute(query.order_by(event.c.kind))}


def _jumps(c: Connection, hall: str, day: Day) -> int:
    jump = event.c.body.contains('"jump":true', autoescape=True)
    query = select(func.count()).where(_of_its(hall, day), event.c.kind == TicketCalled.__name__, jump)
    return int(c.execute(query).scalar_one())


# --- reading ----------------------------------------------------------------------------------------


def find(c: Connection, hall: str, day: date) -> Day | None:
    row = c.execute(_of_day(service_day, hall, day)).mappings().first()
    return None if row is None else _day(dict(row))


def days(c: Connection, hall: str, first: date, last: date) -> list[Day]:
    """The service days from first to last, both included, in order."""
    query = select(service_day).where(service_day.c.hall == hall, service_day.c.day.between(first, last))
    return [_day(dict(row)) for row in c.execute(query.order_by(service_day.c.day)).mappings()]


def of_day(c: Connection, hall: str, day: date, now: datetime, zones: Mapping[str, str]) -> DayTally | None:
    """All figures of a day; of one not over, those up to now. zones: of the windows, as planned now."""
    found = find(c, hall, day)
    if found is None:
        return None
    if found.closed_at is None:
        return figures(c, hall, found, now, zones)
    queues = {row["queue"]: tally_of(row) for row in _stored(c, day_queue, hall, day)}
    windows = {row["window"]: _window(row) for row in _stored(c, day_window, hall, day)}
    staffed = {row["zone"]: list(unpack(row["staffed"])) for row in _stored(c, day_zone, hall, day)}
    happened, jumps = found.happened or {}, found.jumps or 0
    return DayTally(found, found.closed_at, queues, windows, staffed, happened, jumps)


def _of_day(table: Table, hall: str, day: date) -> Any:
    return select(table).where(table.c.hall == hall, table.c.day == day)


def _day(row: Row) -> Day:
    return Day(**{field.name: row[field.name] for field in fields(Day)})


def tally_of(row: Any) -> Tally:
    """The figures of a row of day_queue."""
    figures = {name: row[name] for name in FIGURES}
    return Tally(**figures, arrivals=list(unpack(row["arrivals"])), waits=list(unpack(row["waits"])))


def _window(row: Row) -> WindowTally:
    return WindowTally(**{f.name: row[f.name] for f in fields(WindowTally) if f.name != "staffed"})
