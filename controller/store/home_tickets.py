"""The rows of tickets taken from home: by which phone, from which address, and how they ended.

Every function takes the connection of a transaction somebody else opened. Phones and addresses are digests.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, Join, and_, case, delete, func, insert, select

from controller.hall.model import TicketState
from controller.store.message_tables import home_ticket
from controller.store.tables import ticket

UNUSED = (TicketState.ABANDONED, TicketState.EXPIRED)  # nobody came


@dataclass(frozen=True, slots=True)
class Origin:
    """An address somebody took tickets from: how many, by how many phones, how many unused."""

    digest: str
    tickets: int
    phones: int
    unused: int


def add(c: Connection, hall: str, id: int, day: date, device: str, origin: str, now: datetime) -> None:
    row = {"hall": hall, "ticket": id, "day": day, "device": device, "origin": origin, "at": now}
    c.execute(insert(home_ticket).values(row))


def of_day(c: Connection, hall: str, day: date) -> list[int]:
    """The tickets of the day."""
    query = select(home_ticket.c.ticket).where(home_ticket.c.hall == hall, home_ticket.c.day == day)
    return [row.ticket for row in c.execute(query)]


def by_device(c: Connection, hall: str, day: date, device: str) -> list[int]:
    """Those of a phone on that day."""
    mine = and_(home_ticket.c.hall == hall, home_ticket.c.device == device, home_ticket.c.day == day)
    return [row.ticket for row in c.execute(select(home_ticket.c.ticket).where(mine))]


def from_origin(c: Connection, hall: str, day: date, origin: str) -> int:
    """How many were taken from an address on that day."""
    there = and_(home_ticket.c.hall == hall, home_ticket.c.day == day, home_ticket.c.origin == origin)
    return int(c.execute(select(func.count()).select_from(home_ticket).where(there)).scalar_one())


def unused(c: Connection, hall: str, device: str, since: datetime) -> int:
    """How many of a phone nobody came for."""
    mine = and_(home_ticket.c.hall == hall, home_ticket.c.device == device, home_ticket.c.at >= since)
    query = select(func.count()).select_from(_with_ends()).where(mine, ticket.c.state.in_(UNUSED))
    return int(c.execute(query).scalar_one())


def origins(c: Connection, hall: str, since: datetime, least: int, most: int) -> list[Origin]:
    """The addresses from which at least so many were taken, those with most unused ones first."""
    was_unused = func.sum(case((ticket.c.state.in_(UNUSED), 1), else_=0))
    count = func.count()
    query = (
        select(home_ticket.c.origin, count, func.count(func.distinct(home_ticket.c.device)), was_unused)
        .select_from(_with_ends())
        .where(home_ticket.c.hall == hall, home_ticket.c.at >= since)
        .group_by(home_ticket.c.origin)
        .having(count >= least)
        .order_by(was_unused.desc(), count.desc())
        .limit(most)
    )
    return [Origin(*row) for row in c.execute(query)]


def forget(c: Connection, before: datetime) -> int:
    return c.execute(delete(home_ticket).where(home_ticket.c.at < before)).rowcount


def forget_ticket(c: Connection, hall: str, id: int) -> int:
    gone = and_(home_ticket.c.hall == hall, home_ticket.c.ticket == id)
    return c.execute(delete(home_ticket).where(gone)).rowcount


def _with_ends() -> Join:
    same = and_(ticket.c.hall == home_ticket.c.hall, ticket.c.id == home_ticket.c.ticket)
    return home_ticket.join(ticket, same)
