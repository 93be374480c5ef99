"""Who accepted a day's numbers, as the audit trail holds it; and the votes that were set aside."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Connection, func, select

from controller.store.audit import Record, audit
from controller.store.tables import audit as trail
from controller.store.tables import quarantine

WHAT = "day.reconciled"


def accept(hall: str, day: date, by: str, now: datetime, **figures: int) -> Record:
    """Somebody accepts the numbers of a day as they are."""
    return audit(by, WHAT, f"{hall}/{day.isoformat()}", now, **figures)


def accepted(c: Connection, hall: str, day: date) -> tuple[str, datetime] | None:
    """Who accepted the day last, and when."""
    query = select(trail.c.actor, trail.c.at).where(
        trail.c.what == WHAT, trail.c.subject == f"{hall}/{day.isoformat()}"
    )
    row = c.execute(query.order_by(trail.c.id.desc()).limit(1)).first()
    return None if row is None else (row.actor, row.at)


def votes_set_aside(c: Connection, hall: str, since: datetime, until: datetime) -> int:
    """Ratings that fitted no visit, kept with the messages set aside (F30)."""
    query = select(func.count()).where(
        quarantine.c.hall == hall,
        quarantine.c.at >= since,
        quarantine.c.at < until,
        quarantine.c.why.like("a rating of %"),
    )
    return int(c.execute(query).scalar_one())
