"""The log of a hall: what is committed together, and reading a hall back from it.

Every function takes the connection of a transaction somebody else opened. `write` puts everything a
batch of commands decided into one: events, who asked, keys and their answers, orders, high-water
marks, settled orders and the rows of the lists.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from controller.hall.engine import apply, new_hall
from controller.hall.events import AppointmentBooked, DayOpened, Event, OfAppointment
from controller.hall.model import Hall, Plan
from controller.hall.snapshot import freeze, thaw
from controller.store import codec, orders, prepared, projections, tallies
from controller.store.errors import StoreDamaged
from controller.store.orders import PendingOrder, Settled
from controller.store.records import upsert
from controller.store.tables import answer, event, heard, person, snapshot, ticket

KEEP_SNAPSHOTS = 2  # the second is there for a damaged or outdated first
KEEP_ANSWERS = timedelta(days=2)  # a request is not retried after that
KEEP_ORDERS = timedelta(days=7)  # results of orders, for the technician

_ANSWERED = select(answer).where(
    answer.c.hall == bindparam("hall"), answer.c.key.in_(bindparam("keys", expanding=True))
)

_ADD_EVENTS, _ADD_ANSWERS = insert(event), insert(answer)

OfBooked = AppointmentBooked | OfAppointment
Mark = tuple[str, str]  # unit, epoch
Row = dict[str, Any]


@dataclass(slots=True)
class Noted:
    """What events change in the lists, until it is written. late: tickets that changed after their day.

    rated: ratings of visits the hall has forgotten; None: void.
    """

    tickets: dict[int, projections.Row] = field(default_factory=dict)
    steps: list[tallies.Note] = field(default_factory=list)
    late: set[int] = field(default_factory=set)
    rated: dict[int, int | None] = field(default_factory=dict)

    def note(self, hall: Hall, seq: int, event: Event, by: str) -> None:
        """hall: after the event."""
        projections.note(self.tickets, hall, event)
        self.late.update(tallies.late(hall, event))
        self.rated |= projections.rated_later(event)
        step = tallies.note(hall, event, seq, by)
        if step is not None:
            self.steps.append(step)

    def merge(self, newer: Noted) -> None:
        projections.merge(self.tickets, newer.tickets)
        self.steps += newer.steps
        self.late |= newer.late
        self.rated |= newer.rated


@dataclass(slots=True)
class Batch:
    """Rows that become true together. now: hall time of the batch."""

    hall: str
    now: datetime
    events: list[Row] = field(default_factory=list)
    answers: list[Row] = field(default_factory=list)
    orders: list[PendingOrder] = field(default_factory=list)
    marks: dict[Mark, int] = field(default_factory=dict)
    settled: list[tuple[str, Settled]] = field(default_factory=list)  # "" or the only unit that may settle it
    noted: Noted = field(default_factory=Noted)

    def is_empty(self) -> bool:
        return not (self.events or self.answers or self.orders or self.marks or self.settled)


@dataclass(frozen=True, slots=True)
class Logged:
    """An event as it stands in the log, with who asked for it. actor_name: of a person we know."""

    seq: int
    event: Event
    actor_kind: str
    actor_id: str
    actor_name: str | None = None


# --- writing ----------------------------------------------------------------------------------------


def event_row(hall: str, seq: int, decided: Event, actor_kind: str, actor_id: str) -> Row:
    return {
        "hall": hall,
        "seq": seq,
        "at": decided.at,
        "kind": type(decided).__name__,
        "ticket": getattr(decided, "ticket", None),
        "window": getattr(decided, "window", None),
        "actor_kind": actor_kind,
        "actor_id": actor_id,
        "body": codec.encode(decided),
    }


def answer_row(hall: str, key: str, now: datetime, seqs: range) -> Row:
    """seqs: of the events the key was answered with."""
    first, last = (seqs[0], seqs[-1]) if seqs else (None, None)
    return {"hall": hall, "key": key, "at": now, "first_seq": first, "last_seq": last}


def write(c: Connection, batch: Batch) -> None:
    prepared.execute(c, _ADD_EVENTS, batch.events)
    prepared.execute(c, _ADD_ANSWERS, batch.answers)
    orders.add(c, batch.orders)
    marks = [_mark_row(batch, mark, hi) for mark, hi in batch.marks.items()]
    upsert(c, heard, marks)
    orders.settle_all(c, batch.hall, batch.settled, batch.now)
    projections.write(c, batch.noted.tickets)
    tallies.rerate(c, batch.hall, batch.noted.rated)
    projections.rate(c, batch.hall, batch.noted.rated)
    tallies.write(c, batch.hall, batch.noted.steps, batch.noted.late)


def _mark_row(batch: Batch, mark: Mark, hi: int) -> Row:
    return {"hall": batch.hall, "unit": mark[0], "epoch": mark[1], "hi": hi, "at": batch.now}


def keep_snapshot(c: Connection, hall: Hall, seq: int, body: bytes, now: datetime) -> None:
    """Store the encoded snapshot of the hall after event `seq` and forget the oldest ones."""
    row = {"hall": hall.id, "seq": seq, "at": now, "format": codec.SNAPSHOT_FORMAT, "body": body}
    upsert(c, snapshot, [row])
    kept = select(snapshot.c.seq).where(snapshot.c.hall == hall.id).order_by(snapshot.c.seq.desc())
    oldest = c.execute(kept.limit(KEEP_SNAPSHOTS)).scalars().all()[-1]
    c.execute(delete(snapshot).where(snapshot.c.hall == hall.id, snapshot.c.seq < oldest))


def encoded(hall: Hall) -> bytes:
    """The hall as the body of a snapshot."""
    return codec.encode_snapshot(freeze(hall))


def prune(c: Connection, hall: str, now: datetime) -> None:
    """Forget answers nobody will ask for again and orders settled long ago. Events stay for ever."""
    c.execute(delete(answer).where(answer.c.hall == hall, answer.c.at < now - KEEP_ANSWERS))
    orders.prune(c, hall, now - KEEP_ORDERS)


# --- reading ----------------------------------------------------------------------------------------


def load(c: Connection, hall: str) -> tuple[Hall, int]:
    """The hall after its last event, and that event's seq (0: nothing has ever happened).

    As quick with years of history as with a day of it. Raises StoreDamaged when events are missing.
    """
    restored, seq = _newest_snapshot(c, hall)
    newest = c.execute(select(func.max(event.c.seq)).where(event.c.hall == hall)).scalar() or 0
    if newest < seq:
        raise StoreDamaged(f"the log of hall {hall} ends at event {newest}, its snapshot is of {seq}")
    for logged in events(c, hall, after=seq):
        if logged.seq != seq + 1:
            raise StoreDamaged(f"the log of hall {hall} goes on with event {logged.seq} after {seq}")
        restored, seq = apply(restored, logged.event), logged.seq
    return restored, seq


def replay(c: Connection, hall: str) -> tuple[Hall, int]:
    """The same from the first event on, without snapshots."""
    replayed, seq = new_hall(hall, Plan()), 0
    for logged in _in_pages(c, hall):
        replayed, seq = apply(replayed, logged.event), logged.seq
    return replayed, seq


def _newest_snapshot(c: Connection, hall: str) -> tuple[Hall, int]:
    readable = snapshot.c.format.in_(codec.READABLE_SNAPSHOTS)
    query = select(snapshot).where(snapshot.c.hall == hall, readable)
    for row in c.execute(query.order_by(snapshot.c.seq.desc())):
        frozen = codec.decode_snapshot(row.body)
        if frozen is not None:
            return thaw(frozen), row.seq
    return new_hall(hall, Plan()), 0


def events(
    c: Connection, hall: str, after: int = 0, last: int | None = None, ticket: int | None = None
) -> Iterator[Logged]:
    """Events of the hall in order, after seq `after` up to `last`; of one ticket, if given."""
    query = select(event, person.c.name).outerjoin(person, _asked_by_person())
    query = query.where(event.c.hall == hall).order_by(event.c.seq)
    if after:
        query = query.where(event.c.seq > after)
    if last is not None:
        query = query.where(event.c.seq <= last)
    if ticket is not None:
        query = query.where(event.c.ticket == ticket)
    for row in c.execute(query):
        yield Logged(row.seq, codec.decode(row.kind, row.body), row.actor_kind, row.actor_id, row.name)


def _asked_by_person() -> Any:
    return (event.c.actor_kind == "person") & (event.c.actor_id == person.c.id)


def halls(c: Connection) -> list[str]:
    """The halls something has happened in; a look per hall, for DISTINCT would read the whole log."""
    found: list[str] = []
    after = select(func.min(event.c.hall)).where(event.c.hall > bindparam("last"))
    while (hall := c.execute(after, {"last": found[-1] if found else ""}).scalar()) is not None:
        found.append(hall)
    return found


def ticket_history(c: Connection, hall: str, ticket: int) -> list[Logged]:
    """Everything that happened to one ticket, in order, with who did it."""
    return list(events(c, hall, ticket=ticket))


def last_event_at(c: Connection, hall: str | None = None) -> datetime | None:
    """When the last event happened, of one hall or of all; None before the first."""
    query = select(func.max(event.c.at)).where(event.c.hall == bindparam("of"))
    found = [c.execute(query, {"of": one}).scalar() for one in (halls(c) if hall is None else [hall])]
    return max((at for at in found if at is not None), default=None)


def marks(c: Connection, hall: str) -> dict[Mark, int]:
    """Up to which message each unit, in each life of its store, was heard."""
    rows = c.execute(select(heard).where(heard.c.hall == hall))
    return {(row.unit, row.epoch): row.hi for row in rows}


def answered(c: Connection, hall: str, keys: Collection[str]) -> dict[str, range]:
    """Those of the keys that were answered before, with the seqs of the events they were answered with."""
    if not keys:
        return {}
    rows = c.execute(_ANSWERED, {"hall": hall, "keys": list(keys)})
    return {row.key: _seqs(row.first_seq, row.last_seq) for row in rows}


def of_kinds(
    c: Connection, hall: str, after: int, up_to: int, kinds: Collection[str]
) -> list[tuple[int, str, int]]:
    """Number, kind and appointment of the events of these kinds, in order."""
    query = select(event.c.seq, event.c.kind, event.c.body).where(
        event.c.hall == hall, event.c.seq > after, event.c.seq <= up_to, event.c.kind.in_(list(kinds))
    )
    found = (
        (row.seq, row.kind, codec.decode(row.kind, row.body))
        for row in c.execute(query.order_by(event.c.seq))
    )
    return [(seq, kind, one.appointment) for seq, kind, one in found if isinstance(one, OfBooked)]


def _seqs(first: int | None, last: int | None) -> range:
    return range(0) if first is None or last is None else range(first, last + 1)


def answer_events(c: Connection, hall: str, seqs: range) -> tuple[Event, ...]:
    if not seqs:
        return ()
    return tuple(logged.event for logged in events(c, hall, seqs[0] - 1, seqs[-1]))


# --- making projections again -----------------------------------------------------------------------


def rebuild(c: Connection, hall: str) -> int:
    """Make the rows of a hall's tickets and days again from its log; how many tickets there are."""
    c.execute(delete(ticket).where(ticket.c.hall == hall))
    count, steps = 0, list[tallies.Note]()
    for walked in walk(c, hall):
        projections.write(c, walked.rows)
        count += len(walked.rows)
        steps += walked.steps
    tallies.rebuild(c, hall, steps)
    return count


def differing_tickets(c: Connection, hall: str) -> list[int]:
    """Tickets whose row is not what the log says, missing ones included."""
    found: list[int] = []
    for walked in walk(c, hall):
        found += projections.differing(c, hall, walked.rows)
    return found


@dataclass(frozen=True, slots=True)
class Walked:
    """A hall on its way through its log, after event `seq`. rows: of tickets that will change no more.

    steps: of its days since the last time.
    """

    hall: Hall
    seq: int
    rows: Mapping[int, projections.Row]
    steps: Sequence[tallies.Note]


def walk(c: Connection, hall: str) -> Iterator[Walked]:
    """Replay the log day by day; the last one has the rows of all tickets that were still left."""
    replayed, seq = new_hall(hall, Plan()), 0
    noted, rated = Noted(), _rated_later(c, hall)
    for logged in _in_pages(c, hall):
        replayed, seq = apply(replayed, logged.event), logged.seq
        noted.note(replayed, seq, logged.event, f"{logged.actor_kind}/{logged.actor_id}")
        if isinstance(logged.event, DayOpened):
            rows = noted.tickets
            over = {id: row for id, row in rows.items() if id not in replayed.tickets}
            yield Walked(replayed, seq, projections.with_ratings(over, rated), noted.steps)
            noted = Noted({id: row for id, row in rows.items() if id in replayed.tickets})
    yield Walked(replayed, seq, projections.with_ratings(noted.tickets, rated), noted.steps)


def _rated_later(c: Connection, hall: str) -> dict[int, int | None]:
    """What became of ratings after their day; they are few."""
    query = select(event.c.kind, event.c.body).where(event.c.hall == hall)
    query = query.where(event.c.kind.in_(projections.RATED_LATER)).order_by(event.c.seq)
    found: dict[int, int | None] = {}
    for row in c.execute(query):
        found |= projections.rated_later(codec.decode(row.kind, row.body))
    return found


def _in_pages(c: Connection, hall: str, size: int = 2000) -> Iterator[Logged]:
    """Events read a page at a time, so that rows may be written between."""
    page: Sequence[Logged] = list(events(c, hall, last=size))
    while page:
        yield from page
        page = list(events(c, hall, after=page[-1].seq, last=page[-1].seq + size))
