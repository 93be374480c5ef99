"""Days that are over, for those who want to play them again: which there are, and what happened on one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from sqlalchemy import Connection, bindparam, func, select

from controller.hall.events import Event
from controller.store import log
from controller.store.tables import event, ticket


def days(c: Connection, hall: str, most: int) -> list[tuple[date, int]]:
    """The last days on which tickets were taken, newest first, with how many; a look at the index per day."""
    before = select(func.max(ticket.c.day)).where(ticket.c.hall == hall)
    earlier = before.where(ticket.c.day < bindparam("day"))
    counted = select(func.count()).where(ticket.c.hall == hall, ticket.c.day == bindparam("day"))
    found: list[tuple[date, int]] = []
    day = c.execute(before).scalar()
    while day is not None and len(found) < most:
        found.append((day, c.execute(counted, {"day": day}).scalar_one()))
        day = c.execute(earlier, {"day": day}).scalar()
    return found


def happened(c: Connection, hall: str, since: datetime, until: datetime) -> Iterator[Event]:
    """Everything that happened in a hall from `since` until just before `until`, in order."""
    span = select(func.min(event.c.seq), func.max(event.c.seq))
    first, last = c.execute(span.where(event.c.hall == hall, event.c.at >= since, event.c.at < until)).one()
    if first is not None:
        yield from (logged.event for logged in log.events(c, hall, first - 1, last))
