"""Creates and migrates a node's store. Run as a command of its own, because sqlite-utils is not to
stay in the memory of the agent: `python -m firmware.protocol.store_setup PATH`.

Migrations only add (tables, columns with defaults), so that the version before still starts.
"""

from __future__ import annotations

import secrets
import sqlite3
import sys
from pathlib import Path

from sqlite_utils import Database, Migrations

from firmware.protocol.store_file import SCHEMA_VERSION

migrations = Migrations("outbox")


@migrations()
def first_tables(db: Database) -> None:
    """Events out, presses, results of orders, slips, leases, faults, boards and small values."""
    for statement in _FIRST_TABLES:
        db.execute(statement)
    for name, value in (("epoch", secrets.token_hex(4)), ("boot", 0), ("session", 0), ("acked", 0)):
        db.execute("INSERT INTO kv (name, value) VALUES (?, ?)", (name, value))


_FIRST_TABLES = (
    "CREATE TABLE kv (name TEXT PRIMARY KEY, value) WITHOUT ROWID",
    # AUTOINCREMENT, so that a number is never given again, even after its row was swept (R3).
    """CREATE TABLE event (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, t TEXT NOT NULL, body BLOB NOT NULL,
        boot INTEGER NOT NULL, mono INTEGER NOT NULL, ts TEXT NOT NULL, tq TEXT NOT NULL, acked_at TEXT)""",
    """CREATE TABLE press (
        seq INTEGER PRIMARY KEY, key TEXT UNIQUE, outcome TEXT, number TEXT NOT NULL DEFAULT '',
        qr TEXT NOT NULL DEFAULT '', zh TEXT NOT NULL DEFAULT '', en TEXT NOT NULL DEFAULT '')""",
    """CREATE TABLE done (
        n INTEGER PRIMARY KEY AUTOINCREMENT, cid TEXT NOT NULL UNIQUE, state TEXT NOT NULL,
        code TEXT NOT NULL, detail TEXT NOT NULL)""",
    """CREATE TABLE slip (
        cid TEXT PRIMARY KEY, press INTEGER, number TEXT NOT NULL, begun_at TEXT NOT NULL, ended_at TEXT)""",
    """CREATE TABLE lease (
        lease INTEGER PRIMARY KEY, queue TEXT NOT NULL, day TEXT NOT NULL, prefix TEXT NOT NULL,
        next INTEGER NOT NULL, last INTEGER NOT NULL, digits INTEGER NOT NULL)""",
    """CREATE TABLE series (
        queue TEXT NOT NULL, day TEXT NOT NULL, next INTEGER NOT NULL, PRIMARY KEY (queue, day))""",
    "CREATE TABLE fault (device TEXT, code TEXT, severity TEXT, PRIMARY KEY (device, code))",
    """CREATE TABLE board (
        name TEXT PRIMARY KEY, gen INTEGER NOT NULL, ver INTEGER NOT NULL, body BLOB NOT NULL)""",
)


def main(argv: list[str]) -> int:
    """Create or migrate the store at PATH; the exit code."""
    if len(argv) != 1:
        print("usage: python -m firmware.protocol.store_setup PATH", file=sys.stderr)
        return 2
    path = Path(argv[0])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    migrations.apply(Database(connection))
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION:d}")
    connection.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
