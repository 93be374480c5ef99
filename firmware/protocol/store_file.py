"""The file of a node's store: opened durable, made or migrated when needed, set aside when corrupted.

Hides SQLite's settings (WAL, synchronous=FULL: NORMAL lost hundreds of acknowledged rows in a power cut), and
the child process that makes tables.
"""

from __future__ import annotations

import logging
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

SCHEMA_VERSION = 1
SETUP_TIMEOUT_S = 60.0
LOG_PAGES = 2000  # of 4 KiB, after which a commit carries them into the file itself

CACHE_KIB = 256  # of pages in memory; SQLite's own 2 MB fill in an hour of traffic and gain nothing: measured
log = logging.getLogger(__name__)


class StoreFault(Exception):
    """The disk did not take what must be durable. The message names the file and the cause."""


def open_whole(path: Path) -> tuple[sqlite3.Connection, Path | None]:
    """A store at `path` that SQLite can read all of, and the corrupted one it replaces (F41), renamed.

    Raises StoreFault.
    """
    set_aside = None
    if not _is_whole(path):
        set_aside = _put_aside(path)
        log.error("store %s is corrupted; kept as %s, a new epoch begins", path, set_aside.name)
    if not path.exists() or _schema_version(path) < SCHEMA_VERSION:
        _set_up(path)
    return _connect(path), set_aside


def put_asides(path: Path) -> list[Path]:
    """The corrupted stores that were kept, oldest first by name."""
    return sorted(path.parent.glob(f"{path.name}.corrupt-*[0-9]"))


def damage(path: Path) -> str:
    """The first thing wrong in a store, looked for with a connection of its own; "" when it is whole."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            found = str(db.execute("PRAGMA integrity_check(1)").fetchone()[0])
    except sqlite3.DatabaseError as error:
        return str(error)
    return "" if found == "ok" else found


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=5.0)
    own = (f"wal_autocheckpoint={LOG_PAGES:d}", f"cache_size={-CACHE_KIB:d}")
    for pragma in ("journal_mode=WAL", "synchronous=FULL", *own):
        db.execute(f"PRAGMA {pragma}")
    return db


def checkpoint(path: Path) -> None:
    """Carry the log of an open store into its file, over a connection of its own and without holding up any
    other. Raises StoreFault."""
    try:
        with closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    except sqlite3.Error as error:
        raise StoreFault(f"{path}: {error}") from error


def _is_whole(path: Path) -> bool:
    """Whether SQLite can read all of it; true when there is no file yet."""
    if not path.exists():
        return True
    try:
        with closing(sqlite3.connect(path)) as db:
            return bool(db.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorname.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            return False
        raise StoreFault(f"{path}: {error}") from error


def _put_aside(path: Path) -> Path:
    aside = path.with_name(f"{path.name}.corrupt-{len(put_asides(path)) + 1}")
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside


def _schema_version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


def _set_up(path: Path) -> None:
    """Create or migrate in a child, so that this process never imports sqlite-utils."""
    command = [sys.executable, "-m", "firmware.protocol.store_setup", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SETUP_TIMEOUT_S, check=False)
    if done.returncode != 0:
        raise StoreFault(f"{path}: cannot be set up: {done.stderr.strip().splitlines()[-1:]}")
