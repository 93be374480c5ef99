"""The rows of the catalogue: service items as they are imported, each with the queue it is done in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date

from sqlalchemy import Connection, select

from controller.hall.model import Refused
from controller.store import item_standings
from controller.store.database import Store
from controller.store.devices import catalogue_changed
from controller.store.records import upsert
from controller.store.tables import item


@dataclass(frozen=True, slots=True)
class Item:
    """事项. minutes: expected service; is_sample: made up (样例). queue None: not given to one yet."""

    code: str
    name: str
    department: str
    queue: str | None = None
    minutes: int | None = None
    is_sample: bool = False
    short_name: str = ""


@dataclass(frozen=True, slots=True)
class Matter:
    """What taking a ticket needs of one: what people come for, and the queue it is done in."""

    code: str
    name: str
    queue: str


def put_items(c: Connection, items: Iterable[Item]) -> None:
    """Add items, or overwrite those of the same code."""
    upsert(c, item, [asdict(one) for one in items])
    catalogue_changed(c)


def all_items(c: Connection) -> list[Item]:
    """Every item, by queue and name."""
    rows = c.execute(select(item).order_by(item.c.queue, item.c.name))
    return [
        Item(row.code, row.name, row.department, row.queue, row.minutes, row.is_sample, row.short_name)
        for row in rows
    ]


def matters(store: Store, day: date) -> list[Matter]:
    """Every matter of a queue that people may come for on that day, by queue and name."""
    query = select(item.c.code, item.c.name, item.c.queue).where(item.c.queue.is_not(None))
    with store.reading() as c:
        away = item_standings.not_taken(c, day)
        rows = c.execute(query.order_by(item.c.queue, item.c.name))
        return [Matter(*row) for row in rows if row.code not in away]


def check_taken(store: Store, code: str | None, day: date) -> None:
    """Raises Refused when nobody may come for the matter on that day: it was ended, or has not begun."""
    with store.reading() as c:
        if code is not None and not item_standings.is_taken(c, code, day):
            raise Refused("matter_ended", "this matter is not taken on that day", day=day.isoformat())


def days_taken(store: Store, code: str | None, days: Iterable[date]) -> set[date]:
    """Of these days those on which people may come for the matter; all of them for None."""
    if code is None:
        return set(days)
    with store.reading() as c:
        known = item_standings.of(c, code)
    return {day for day in days if item_standings.takes(known, day)}


def names(store: Store) -> dict[str, str]:
    """Of every matter by its code, those that are no longer taken too."""
    with store.reading() as c:
        return {row.code: row.name for row in c.execute(select(item.c.code, item.c.name))}


def departments(store: Store) -> list[str]:
    """Whose matters are in the catalogue."""
    with store.reading() as c:
        return list(c.execute(select(item.c.department).distinct()).scalars())
