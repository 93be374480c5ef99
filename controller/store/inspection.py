"""What is in a database, for the person who looks after it: `servicehall store inspect`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import sqlite_utils

from controller.store.errors import StoreFailed

PER_HALL = """
    SELECT hall, MAX(seq) AS events, MIN(at) AS first_at, MAX(at) AS last_at,
           (SELECT COUNT(*) FROM ticket WHERE ticket.hall = event.hall) AS tickets,
           (SELECT COUNT(*) FROM orders WHERE orders.hall = event.hall AND settled_at IS NULL) AS pending,
           (SELECT COUNT(*) FROM heard WHERE heard.hall = event.hall) AS marks,
           (SELECT MAX(seq) FROM snapshot WHERE snapshot.hall = event.hall) AS snapshot
    FROM event GROUP BY hall ORDER BY hall
"""


def lines(database: Path) -> list[str]:
    """The report, line by line. Raises StoreFailed when the file cannot be read."""
    db = sqlite_utils.Database(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True))
    try:
        return [f"{database} {database.stat().st_size / 1e6:.1f} MB", *_tables(db), *_halls(db)]
    except sqlite3.Error as error:
        raise StoreFailed(f"{database} cannot be read: {error}") from error
    finally:
        db.close()


def _tables(db: sqlite_utils.Database) -> Iterator[str]:
    yield "rows per table"
    for table in sorted(db.tables, key=lambda table: table.name):
        yield f"  {table.name:<16} {table.count:>10}"


def _halls(db: sqlite_utils.Database) -> Iterator[str]:
    for hall in db.query(PER_HALL):
        yield f"hall {hall['hall']}"
        yield f"  {hall['events']} events from {hall['first_at'][:19]} to {hall['last_at'][:19]} UTC"
        yield f"  {hall['tickets']} tickets, {hall['pending']} orders without a result"
        yield f"  {hall['marks']} units heard, snapshot after event {hall['snapshot'] or 'none'}"
