"""The catalogue of matters as far as taking a ticket needs it. Hides the table."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from controller.store import Store, tables


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing people come for, and the queue it is done in."""

    code: str
    name: str
    queue: str


def matters(store: Store) -> list[Matter]:
    """Every matter that has been given to a queue, by queue and name."""
    item = tables.item
    query = select(item.c.code, item.c.name, item.c.queue).where(item.c.queue.is_not(None))
    with store.reading() as c:
        return [Matter(*row) for row in c.execute(query.order_by(item.c.queue, item.c.name))]


def departments(store: Store) -> list[str]:
    """Whose matters are in the catalogue."""
    with store.reading() as c:
        return list(c.execute(select(tables.item.c.department).distinct()).scalars())
