"""What is in a database, for the person who looks after it: `servicehall store inspect`."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ColumnElement, Connection, Table, func, select, text

from controller.store import log
from controller.store.tables import event, heard, metadata, orders, snapshot, ticket

SIZE = {
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
    "postgresql": "SELECT pg_database_size(current_database())",
}


def lines(c: Connection) -> list[str]:
    """The report, line by line."""
    size = c.execute(text(SIZE[c.dialect.name])).scalar_one()
    return [f"{c.engine.url.database} {size / 1e6:.1f} MB", *_tables(c), *_halls(c)]


def _tables(c: Connection) -> Iterator[str]:
    yield "rows per table"
    for table in sorted(metadata.tables.values(), key=lambda table: table.name):
        rows = c.execute(select(func.count()).select_from(table)).scalar_one()
        yield f"  {table.name:<16} {rows:>10}"


def _halls(c: Connection) -> Iterator[str]:
    for hall in log.halls(c):
        kept = c.execute(select(func.max(snapshot.c.seq)).where(snapshot.c.hall == hall)).scalar()
        pending = _count(c, orders, hall, orders.c.settled_at.is_(None))
        of_hall = select(func.max(event.c.seq), func.min(event.c.at), func.max(event.c.at))
        seq, first_at, last_at = c.execute(of_hall.where(event.c.hall == hall)).one()
        yield f"hall {hall}"
        yield f"  {seq} events from {first_at:%Y-%m-%d %H:%M:%S} to {last_at:%Y-%m-%d %H:%M:%S} UTC"
        yield f"  {_count(c, ticket, hall)} tickets, {pending} orders without a result"
        yield f"  {_count(c, heard, hall)} units heard, snapshot after event {kept or 'none'}"


def _count(c: Connection, table: Table, hall: str, *where: ColumnElement[bool]) -> int:
    return int(c.execute(select(func.count()).where(table.c.hall == hall, *where)).scalar_one())
