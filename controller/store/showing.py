"""The rows of what staff chose to be shown: one for each display, for quiet times, for the leader.

What was chosen before is kept beside it, so that a choice can be taken back once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import JSON, Column, Connection, String, Table, delete, insert, select, update

from controller.store.tables import ID, Utc, metadata

# What is shown. name: of a display's board, or `quiet`, `leader`. former: null when nothing was there before.
showing = Table(
    "showing",
    metadata,
    Column("hall", ID, primary_key=True),
    Column("name", String(40), primary_key=True),
    Column("chosen", JSON, nullable=False),
    Column("former", JSON(none_as_null=True)),
    Column("by", ID, nullable=False),
    Column("at", Utc, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A choice as it is kept. chosen, former: as put."""

    name: str
    chosen: object
    former: object | None
    by: str
    at: datetime


def all_of(c: Connection, hall: str) -> list[Row]:
    query = select(showing).where(showing.c.hall == hall).order_by(showing.c.name)
    return [Row(one.name, one.chosen, one.former, one.by, one.at) for one in c.execute(query)]


def put(c: Connection, hall: str, name: str, chosen: object, by: str, now: datetime) -> None:
    """Choose it; what was chosen before becomes the former."""
    known = _find(c, hall, name)
    if known is None:
        row = {"hall": hall, "name": name, "chosen": chosen, "former": None, "by": by, "at": now}
        c.execute(insert(showing).values(row))
    elif known.chosen != chosen:
        _change(c, hall, name, chosen, known.chosen, by, now)


def undo(c: Connection, hall: str, name: str, by: str, now: datetime) -> object | None:
    """Choose the former again, and what it is; None when there is none."""
    known = _find(c, hall, name)
    if known is None or known.former is None:
        return None
    _change(c, hall, name, known.former, known.chosen, by, now)
    return known.former


def remove(c: Connection, hall: str, name: str) -> bool:
    mine = (showing.c.hall == hall) & (showing.c.name == name)
    return c.execute(delete(showing).where(mine)).rowcount > 0


def _find(c: Connection, hall: str, name: str) -> Row | None:
    return next((one for one in all_of(c, hall) if one.name == name), None)


def _change(
    c: Connection, hall: str, name: str, chosen: object, former: object, by: str, now: datetime
) -> None:
    mine = (showing.c.hall == hall) & (showing.c.name == name)
    c.execute(update(showing).where(mine).values(chosen=chosen, former=former, by=by, at=now))
