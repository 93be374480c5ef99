"""Lead orders (S3.22): somebody of the front desk stays with a visitor who needs it, from number to result.

Hides the table. An order names a ticket and why its holder needs company, never who that is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Row, insert, select, update

from controller.store.tables import lead_order

STEPS = (
    "form",
    "enquiry",
    "papers",
    "window",
    "result",
)  # S3.22: what a leader helps with, in its usual order


@dataclass(frozen=True, slots=True)
class Lead:
    """One lead order. leader: the person's id. steps: what was done when, in that order."""

    id: int
    ticket: int
    number: str
    why: str
    leader: str
    began_at: datetime
    ended_at: datetime | None
    steps: tuple[tuple[datetime, str], ...]

    @property
    def done(self) -> frozenset[str]:
        return frozenset(what for _, what in self.steps)


@dataclass(frozen=True, slots=True)
class Figures:
    """Of lead orders begun in some time: how many, how many of them ended, and the mean length of these."""

    count: int
    ended: int
    mean: timedelta


def begin(c: Connection, hall: str, ticket: int, number: str, why: str, leader: str, now: datetime) -> int:
    """A lead order of a ticket; the one it has, when that has not ended. Returns its id."""
    known = c.execute(
        select(lead_order.c.id).where(
            lead_order.c.hall == hall, lead_order.c.ticket == ticket, lead_order.c.ended_at.is_(None)
        )
    ).scalar()
    if known is not None:
        return int(known)
    row = {"hall": hall, "ticket": ticket, "number": number, "why": why, "leader": leader}
    statement = insert(lead_order).values(**row, began_at=now, ended_at=None, steps=[])
    return int(c.execute(statement.returning(lead_order.c.id)).scalar_one())


def step(c: Connection, hall: str, id: int, what: str, now: datetime) -> Lead | None:
    """Note one of STEPS as done; done twice it counts once. None when there is no such open order."""
    lead = _open(c, hall, id)
    if lead is not None and what not in lead.done:
        steps = [[at.isoformat(), one] for at, one in (*lead.steps, (now, what))]
        c.execute(update(lead_order).where(lead_order.c.id == id).values(steps=steps))
    return lead


def end(c: Connection, hall: str, id: int, now: datetime) -> Lead | None:
    """End an order. None when there is no such open one."""
    lead = _open(c, hall, id)
    if lead is not None:
        c.execute(update(lead_order).where(lead_order.c.id == id).values(ended_at=now))
    return lead


def begun(c: Connection, hall: str, since: datetime, until: datetime) -> Sequence[Lead]:
    """The orders begun in that time, the open ones first, then the latest."""
    query = select(lead_order).where(
        lead_order.c.hall == hall, lead_order.c.began_at >= since, lead_order.c.began_at < until
    )
    rows = [_lead(row) for row in c.execute(query.order_by(lead_order.c.began_at.desc()))]
    return sorted(rows, key=lambda lead: lead.ended_at is not None)


def figures(leads: Sequence[Lead]) -> Figures:
    """Lead orders and their average time (S3.22)."""
    lengths = [lead.ended_at - lead.began_at for lead in leads if lead.ended_at is not None]
    mean = sum(lengths, timedelta()) / len(lengths) if lengths else timedelta()
    return Figures(len(leads), len(lengths), mean)


def _open(c: Connection, hall: str, id: int) -> Lead | None:
    query = select(lead_order).where(
        lead_order.c.hall == hall, lead_order.c.id == id, lead_order.c.ended_at.is_(None)
    )
    row = c.execute(query).first()
    return None if row is None else _lead(row)


def _lead(row: Row[tuple[object, ...]]) -> Lead:
    known = row._mapping
    steps = tuple((datetime.fromisoformat(at), what) for at, what in known["steps"])
    facts = {
        name: known[name] for name in ("id", "ticket", "number", "why", "leader", "began_at", "ended_at")
    }
    return Lead(**facts, steps=steps)
