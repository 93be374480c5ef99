"""Days that managers laid down, and years' lists that were brought in.

Every function takes the connection of a transaction somebody else opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, delete, select

from controller.hall.calendar import Special
from controller.store.records import upsert
from controller.store.tables import calendar_day, calendar_year


@dataclass(frozen=True, slots=True)
class Override:
    special: Special
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Year:
    year: int
    days: tuple[Special, ...]
    by: str
    at: datetime


def overrides(c: Connection) -> list[Override]:
    """Newest day first."""
    rows = c.execute(select(calendar_day).order_by(calendar_day.c.day.desc()))
    return [Override(Special(row.day, row.is_off, row.name), row.by, row.at) for row in rows]


def put(c: Connection, special: Special, by: str, now: datetime) -> None:
    row = {"day": special.date, "is_off": special.is_off, "name": special.name, "by": by, "at": now}
    upsert(c, calendar_day, [row])


def remove(c: Connection, day: date) -> bool:
    """Whether there was one to be removed."""
    return c.execute(delete(calendar_day).where(calendar_day.c.day == day)).rowcount > 0


def years(c: Connection) -> list[Year]:
    """By year."""
    rows = c.execute(select(calendar_year).order_by(calendar_year.c.year))
    return [Year(row.year, tuple(_special(one) for one in row.days), row.by, row.at) for row in rows]


def put_year(c: Connection, year: int, days: Sequence[Special], by: str, now: datetime) -> None:
    listed = [[one.date.isoformat(), one.is_off, one.name] for one in days]
    upsert(c, calendar_year, [{"year": year, "days": listed, "by": by, "at": now}])


def _special(row: tuple[str, bool, str]) -> Special:
    day, is_off, name = row
    return Special(date.fromisoformat(day), is_off, name)
