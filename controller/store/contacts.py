"""Phone numbers of who has an appointment, sealed, until the appointment is over.

Every function takes the connection of a transaction somebody else opened.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, select, update

from controller.store.records import upsert
from controller.store.tables import booking_contact


@dataclass(frozen=True, slots=True)
class Contact:
    """token: of the appointment; phone: sealed; told: the last state its holder was told of."""

    token: str
    phone: bytes
    lang: str
    told: str


def put(c: Connection, hall: str, one: Contact, until: datetime) -> None:
    row = {"token": one.token, "phone": one.phone, "lang": one.lang, "told": one.told}
    upsert(c, booking_contact, [{**row, "hall": hall, "until": until}])


def of(c: Connection, hall: str, tokens: Collection[str]) -> dict[str, Contact]:
    """Those of these appointments that have one, by token."""
    query = select(booking_contact).where(
        booking_contact.c.hall == hall, booking_contact.c.token.in_(list(tokens))
    )
    rows = c.execute(query)
    return {row.token: Contact(row.token, row.phone, row.lang, row.told) for row in rows}


def mark_told(c: Connection, hall: str, token: str, state: str) -> bool:
    """Whether they had not been told of this state before: whoever gets True tells them."""
    row = (
        (booking_contact.c.hall == hall)
        & (booking_contact.c.token == token)
        & (booking_contact.c.told != state)
    )
    return c.execute(update(booking_contact).where(row).values(told=state)).rowcount > 0


def keep_until(c: Connection, hall: str, token: str, until: datetime) -> None:
    c.execute(
        update(booking_contact)
        .where(booking_contact.c.hall == hall, booking_contact.c.token == token)
        .values(until=until)
    )


def forget(c: Connection, hall: str, now: datetime) -> int:
    """Those whose time is over; how many."""
    return c.execute(
        delete(booking_contact).where(booking_contact.c.hall == hall, booking_contact.c.until < now)
    ).rowcount


def erase(c: Connection, hall: str, token: str) -> int:
    return c.execute(
        delete(booking_contact).where(booking_contact.c.hall == hall, booking_contact.c.token == token)
    ).rowcount


def oldest(c: Connection) -> datetime | None:
    found: datetime | None = c.execute(select(func.min(booking_contact.c.until))).scalar()
    return found
