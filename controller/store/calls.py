"""Calls out of turn, read from the log: who was called before his turn, where, by whom and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from controller.hall.events import TicketCalled
from controller.store import codec
from controller.store.tables import event, person, ticket


@dataclass(frozen=True, slots=True)
class Jump:
    """One call out of turn. who: a person's name, or the id of what asked.

    before: tickets that stood before it, None in a log older than reasons are.
    """

    at: datetime
    ticket: int
    number: str
    queue: str
    klass: str
    window: int
    actor_kind: str
    who: str
    reason: str
    waited_s: float
    before: int | None


def jumps(c: Connection, hall: str, start: datetime, end: datetime) -> Iterator[Jump]:
    """Those from start to before end, the latest first; read by the index of (hall, at)."""
    query = (
        select(event, person.c.name, ticket.c.number, ticket.c.queue, ticket.c.klass, ticket.c.issued_at)
        .join(ticket, (ticket.c.hall == event.c.hall) & (ticket.c.id == event.c.ticket))
        .outerjoin(person, (event.c.actor_kind == "person") & (event.c.actor_id == person.c.id))
        .where(event.c.hall == hall, event.c.at >= start, event.c.at < end)
        .where(event.c.kind == TicketCalled.__name__, event.c.body.contains('"jump":true', autoescape=True))
        .order_by(event.c.at.desc(), event.c.seq.desc())
    )
    for row in c.execute(query):
        called = codec.decode(row.kind, row.body)
        if isinstance(called, TicketCalled) and called.jump:
            waited_s = (called.at - row.issued_at).total_seconds()
            before = called.reasons.before if called.reasons else None
            who = row.name or row.actor_id
            yield Jump(
                called.at,
                called.ticket,
                row.number,
                row.queue,
                row.klass,
                called.window,
                row.actor_kind,
                who,
                called.reason,
                waited_s,
                before,
            )
