"""Who is to sit at which window when, day by day.

Every function takes the connection of a transaction somebody else opened. Times of day are whole minutes
since midnight of the hall's own time.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, delete, insert, select

from controller.store.tables import roster


@dataclass(frozen=True, slots=True)
class Turn:
    """One stretch of a day at a window. start, end: minutes since midnight; clerk: None for anybody."""

    day: date
    window: int
    start: int
    end: int
    clerk: str | None = None


def turns(c: Connection, hall: str, first: date, last: date) -> list[Turn]:
    """Of these days, both included, by day, window and time."""
    t = roster.c
    query = select(t.day, t.window, t.start, t.end, t.clerk).where(t.hall == hall, t.day.between(first, last))
    return [Turn(*row) for row in c.execute(query.order_by(t.day, t.window, t.start))]


def put(
    c: Connection, hall: str, days: Collection[date], windows: Collection[int], new: Sequence[Turn]
) -> None:
    """Instead of what these windows had on these days."""
    t = roster.c
    c.execute(delete(roster).where(t.hall == hall, t.day.in_(days), t.window.in_(windows)))
    if new:
        rows = [
            {"hall": hall, "day": one.day, "window": one.window, "start": one.start, "end": one.end}
            | {"clerk": one.clerk}
            for one in new
        ]
        c.execute(insert(roster), rows)
