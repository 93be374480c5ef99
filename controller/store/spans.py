"""Sums over many days that are over: what reports over months and years are made of.

Reads the figures kept by tallies.py, a row per queue, window or area and day: ten years of a large hall are a
hundred thousand of them, not the millions of tickets they stand for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, func, select

from controller.hall import tallies as t
from controller.hall.staffing import QUARTERS
from controller.hall.tallies import FIGURES, Tally, WindowTally
from controller.store.tables import day_queue, day_window, day_zone, service_day
from controller.store.tallies import tally_of, unpack


@dataclass(frozen=True, slots=True)
class Span:
    """People and staffed windows per weekday and quarter in UTC, of the queues and areas asked for.

    days: per weekday, how many were over.
    """

    days: Mapping[int, int]
    people: Mapping[int, Sequence[int]]
    staffed: Mapping[int, Sequence[int]]


def same_weekdays(c: Connection, hall: str, day: date, most: int) -> list[date]:
    """The last days before this one, of the same weekday, that are over; the newest first."""
    earlier = [day - timedelta(weeks=back) for back in range(1, 4 * most)]
    query = select(service_day.c.day).where(service_day.c.hall == hall, service_day.c.day.in_(earlier))
    query = query.where(service_day.c.closed_at.is_not(None)).order_by(service_day.c.day.desc())
    return list(c.execute(query.limit(most)).scalars())


def queues_of(c: Connection, hall: str, some: Sequence[date]) -> dict[str, Tally]:
    """All figures per queue, of several days together."""
    query = select(day_queue).where(day_queue.c.hall == hall, day_queue.c.day.in_(some))
    found: dict[str, list[Tally]] = {}
    for row in c.execute(query.order_by(day_queue.c.day)).mappings():
        found.setdefault(row["queue"], []).append(tally_of(row))
    return {code: t.together(every) for code, every in sorted(found.items())}


def by_queue(
    c: Connection, hall: str, first: date, last: date, queues: Collection[str] | None = None
) -> dict[str, Tally]:
    """Figures per queue, of all or of some; without quarters of arrival. Counts are added by the database."""
    key, within = day_queue.c.queue, _queues_within(hall, first, last, queues)
    added = [
        (func.max if name == "longest_s" else func.sum)(day_queue.c[name]).label(name) for name in FIGURES
    ]
    waits: dict[str, int] = {}
    for code, packed in c.execute(select(key, day_queue.c.waits).where(*within)):
        waits[code] = waits.get(code, 0) + int.from_bytes(packed, "little")
    rows = c.execute(select(key, *added).where(*within).group_by(key).order_by(key)).mappings()
    return {
        row["queue"]: Tally(
            **{name: row[name] for name in FIGURES}, waits=list(_counts(waits[row["queue"]], t.WAIT_CLASSES))
        )
        for row in rows
    }


def by_day(
    c: Connection, hall: str, first: date, last: date, queues: Collection[str] | None = None
) -> dict[date, int]:
    """Tickets taken per day on which any was."""
    key = day_queue.c.day
    query = select(key, func.sum(day_queue.c.issued)).where(*_queues_within(hall, first, last, queues))
    return {row.day: row[1] for row in c.execute(query.group_by(key).order_by(key))}


def window_sums(c: Connection, hall: str, first: date, last: date) -> dict[int, WindowTally]:
    """Figures per window; first_at and last_at are left out."""
    names = [f.name for f in fields(WindowTally) if f.name not in ("first_at", "last_at", "staffed")]
    key, added = day_window.c.window, [func.sum(day_window.c[name]).label(name) for name in names]
    query = select(key.label("key"), *added).where(*_within(day_window, hall, first, last)).group_by(key)
    rows = c.execute(query.order_by(key)).mappings()
    return {row["key"]: WindowTally(**{name: row[name] for name in names}) for row in rows}


def span(
    c: Connection,
    hall: str,
    first: date,
    last: date,
    queues: Collection[str] | None = None,
    zones: Collection[str] | None = None,
) -> Span:
    """When people came and windows were staffed, of days that are over."""
    over = select(service_day.c.day).where(*_within(service_day, hall, first, last))
    days = Counter(
        day.weekday() for day in c.execute(over.where(service_day.c.closed_at.is_not(None))).scalars()
    )
    came = select(day_queue.c.day, day_queue.c.arrivals).where(*_queues_within(hall, first, last, queues))
    there = select(day_zone.c.day, day_zone.c.staffed).where(*_within(day_zone, hall, first, last))
    if zones is not None:
        there = there.where(day_zone.c.zone.in_(zones))
    return Span(days, _by_weekday(c, came), _by_weekday(c, there))


def _by_weekday(c: Connection, query: Select[Any]) -> dict[int, Sequence[int]]:
    """Packed counts of days, added up per weekday."""
    of_days: dict[date, int] = {}
    for day, packed in c.execute(query):
        of_days[day] = of_days.get(day, 0) + int.from_bytes(packed, "little")
    found: dict[int, int] = {}
    for day, sum in of_days.items():
        found[day.weekday()] = found.get(day.weekday(), 0) + sum
    return {weekday: _counts(sum, QUARTERS) for weekday, sum in found.items()}


def _counts(sum: int, length: int) -> Sequence[int]:
    """The counts in packed ones that were added up as long numbers.

    Adding a hundred counts at once takes a fortieth of the time; no count comes near 2^32, so none runs over.
    """
    return unpack(sum.to_bytes(4 * length, "little"))


def _queues_within(
    hall: str, first: date, last: date, queues: Collection[str] | None
) -> tuple[ColumnElement[bool], ...]:
    within = _within(day_queue, hall, first, last)
    return within if queues is None else (*within, day_queue.c.queue.in_(queues))


def _within(table: Table, hall: str, first: date, last: date) -> tuple[ColumnElement[bool], ...]:
    return table.c.hall == hall, table.c.day.between(first, last)
