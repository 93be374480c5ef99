"""A and B persons and leaves, as rows. Hides the tables; the rules are controller/substitutes.py."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Connection, delete, insert, select

from controller.store.audit import audit
from controller.store.tables import leave as leave_table
from controller.store.tables import substitute
from controller.substitutes import Leave, Pair, check_leave, check_pair


def pairs(c: Connection, hall: str) -> list[Pair]:
    t = substitute.c
    rows = c.execute(select(t.queue, t.first, t.second).where(t.hall == hall).order_by(t.queue))
    return [Pair(*row) for row in rows]


def leaves(c: Connection, hall: str, first: date, last: date) -> list[Leave]:
    """Those that touch these days, both included, by their beginning."""
    t = leave_table.c
    query = select(t.id, t.clerk, t.first, t.last).where(t.hall == hall, t.first <= last, t.last >= first)
    return [Leave(*row) for row in c.execute(query.order_by(t.first, t.id))]


def put_pair(c: Connection, hall: str, pair: Pair, by: str, now: datetime) -> None:
    """Instead of who answered for the queue before. Raises Refused."""
    check_pair(pair)
    c.execute(delete(substitute).where(substitute.c.hall == hall, substitute.c.queue == pair.queue))
    if pair.first is not None or pair.second is not None:
        row = {"hall": hall, "queue": pair.queue, "first": pair.first, "second": pair.second}
        c.execute(insert(substitute).values(row))
    audit(by, "substitute.put", f"{hall}/{pair.queue}", now, first=pair.first, second=pair.second)(c)


def add_leave(c: Connection, hall: str, leave: Leave, by: str, now: datetime) -> None:
    """Raises Refused."""
    check_leave(leave)
    row = {"hall": hall, "clerk": leave.clerk, "first": leave.first, "last": leave.last}
    c.execute(insert(leave_table).values(row))
    days = {"first": leave.first.isoformat(), "last": leave.last.isoformat()}
    audit(by, "leave.add", f"{hall}/{leave.clerk}", now, **days)(c)


def take_back(c: Connection, hall: str, id: int, by: str, now: datetime) -> None:
    """A leave that is not taken; nothing when there is none of this number."""
    t = leave_table.c
    clerk = c.execute(select(t.clerk).where(t.hall == hall, t.id == id)).scalar()
    if clerk is not None:
        c.execute(delete(leave_table).where(t.id == id))
        audit(by, "leave.take_back", f"{hall}/{clerk}", now)(c)
