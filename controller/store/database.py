"""Opening the database and its transactions: who may write, what a reader sees, which schema it has.

Hides the driver. On SQLite: WAL with synchronous=FULL (NORMAL lost acknowledged rows in a power cut),
one connection that writes under a lock with BEGIN IMMEDIATE, and as many that only read, which never
wait for it. On PostgreSQL the same calls over a pool. Commands may write a row beside a running
controller; that there is only one of these is the claim of claim.py.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy import event as hooks
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

from controller.lock import PATIENCE_S
from controller.store import schema
from controller.store.claim import FileClaim, SessionClaim, application_name
from controller.store.errors import StoreDamaged, StoreFailed, is_damage, is_outage
from controller.store.records import GENERATION, count_up, put_meta_once

BUSY_TIMEOUT_MS = 5000  # another process (a backup, `servicehall store`) holds the write lock for so long
SETTLE_AFTER = 80  # commits; that of a press writes some twelve pages
LOG_PAGES = 8000  # of 4 KiB, after which a commit carries them into the file itself
READERS = 32  # connections that may read at once; more wait for one of them


class Store:
    """An open database. Any thread may read and write; writers take turns."""

    def __init__(self, writer: Engine, reader: Engine, claim: FileClaim | SessionClaim) -> None:
        self.writer = writer
        self.reader = reader
        self._claim = claim
        self._turn = threading.Lock()
        self._owner: int | None = None
        self._commits = self._settled_commits = 0
        self._log_of = writer.url.database if writer.dialect.name == "sqlite" else None
        self._is_open = True

    @classmethod
    def open(cls, url: str, now: datetime) -> Store:
        """The database at `url`, made or migrated when needed.

        url: "sqlite:////var/lib/servicehall/hall.db" or "postgresql://...". Raises StoreFailed when it
        cannot be opened and StoreTooNew when a newer version of the program has migrated it.
        """
        store = cls(*_engines(url))
        try:
            store.migrate()
            with store.writing() as c:
                put_meta_once(c, "created_at", now.isoformat())
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def existing(cls, url: str) -> Store:
        """The database at `url` as it is: neither made nor migrated. Raises StoreFailed and StoreTooNew."""
        parsed = parse(url)
        if parsed.get_backend_name() == "sqlite" and parsed.database and not Path(parsed.database).exists():
            raise StoreFailed(
                f"there is no database {parsed.database}; make it with: servicehall store migrate"
            )
        store = cls(*_engines(url))
        try:
            with store.reading() as c:
                schema.check(c)
        except BaseException:
            store.close()
            raise
        return store

    def migrate(self) -> bool:
        """Bring the schema up to this program; True when something was changed."""
        with self.writing() as c:
            return schema.migrate(c)

    def claim(self, patience_s: float = PATIENCE_S, at_least: int = 1) -> int:
        """Become the one controller of this database, until `close`; its generation (R11).

        at_least: what the generation may not be below, whatever the database remembers.
        Raises SiteTaken, naming who has it, when it is not given up within patience_s.
        """
        with _named_failures():
            self._claim.take(patience_s)
        with self.writing() as c:
            generation = count_up(c, GENERATION, at_least)
        self._claim.confirm(generation)
        return generation

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction, committed when the block ends and rolled back when it raises.

        Raises StoreFailed when the database could not do it: then nothing of it is stored. Constraint
        errors (IntegrityError) come through as they are. Not to be nested: a second one in the same
        thread would wait for itself.
        """
        if self._owner == threading.get_ident():
            raise RuntimeError("writing() inside writing() of the same thread")
        with self._turn:
            self._owner = threading.get_ident()
            try:
                self._check_open()
                with _named_failures(), _transaction(self.writer, "BEGIN IMMEDIATE") as connection:
                    yield connection
                self._commits += 1
            finally:
                self._owner = None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One unchanging view of what is committed; waits for no writer."""
        self._check_open()
        with _named_failures(), _transaction(self.reader, "BEGIN") as connection:
            yield connection

    @contextmanager
    def asking(self) -> Iterator[Connection]:
        """For one question, which sees what is committed when it is put; cheaper than `reading`."""
        self._check_open()
        with _named_failures(), self.reader.connect() as connection:
            yield connection

    def settle_down(self) -> bool:
        """On SQLite carry what was committed from the log into the database file, once it is much; whether
        it was. PostgreSQL does so by itself.

        A commit does the same when nobody did it in time, and then takes ten times as long. Here neither who
        writes nor who reads waits for it. Raises StoreFailed.
        """
        commits = self._commits
        if self._log_of is None or commits - self._settled_commits < SETTLE_AFTER:
            return False
        try:
            with closing(sqlite3.connect(self._log_of)) as db:
                db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except sqlite3.Error as error:
            raise StoreFailed(f"the log of the database could not be carried into it: {error}") from error
        self._settled_commits = commits
        return True

    def close(self) -> None:
        with self._turn:
            self._is_open = False
            self.reader.dispose()
            self.writer.dispose()
            self._claim.release()

    def _check_open(self) -> None:
        if not self._is_open:
            raise StoreFailed("the database is closed")


@contextmanager
def _transaction(engine: Engine, begin: str) -> Iterator[Connection]:
    """A transaction of SQLAlchemy's; on SQLite begun with `begin`.

    Left alone, that driver begins one only before a write. A hook on the engine would do the same, but makes
    every statement of every transaction look for hooks, which takes as long as the statement.
    """
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            try:
                connection.connection.driver_connection.execute(begin)  # type: ignore[union-attr]
            except sqlite3.Error as error:
                raise OperationalError(begin, None, error) from error
        yield connection


@contextmanager
def _named_failures() -> Iterator[None]:
    """Turns what the driver says about the database itself into StoreFailed."""
    try:
        yield
    except DBAPIError as error:
        if is_damage(_first(error)):
            raise StoreDamaged(str(_first(error).orig)) from error
        if is_outage(error):
            raise StoreFailed(f"the database failed: {_first(error).orig}") from error
        raise
    except PoolTimeout as error:
        raise StoreFailed(f"more than {READERS} threads read the database at once; try again") from error


def _first(error: DBAPIError) -> DBAPIError:
    """What went wrong first: after it, undoing a savepoint that is gone already fails as well."""
    earlier = error.__context__
    while earlier is not None and not isinstance(earlier, DBAPIError):
        earlier = earlier.__context__
    return error if earlier is None else _first(earlier)


def parse(url: str) -> URL:
    """The parts of a database URL. Raises StoreFailed."""
    try:
        return make_url(url)
    except ArgumentError as error:
        raise StoreFailed(f"{url!r} is no database URL; it looks like sqlite:////path/hall.db") from error


def _engines(url: str) -> tuple[Engine, Engine, FileClaim | SessionClaim]:
    parsed = parse(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite_engines(parsed)
    if parsed.get_backend_name() == "postgresql":
        return _postgres_engines(parsed.set(drivername="postgresql+psycopg"))
    raise StoreFailed(f"{parsed.get_backend_name()} is not supported; use sqlite or postgresql")


def _sqlite_engines(url: URL) -> tuple[Engine, Engine, FileClaim]:
    if not url.database or url.database == ":memory:":
        raise StoreFailed("an SQLite database needs a file: sqlite:////path/hall.db")
    _touch(Path(url.database))
    writer = create_engine(
        url, poolclass=QueuePool, pool_size=1, max_overflow=0, json_serializer=to_json, **_THREADS
    )
    reader = create_engine(
        url, poolclass=QueuePool, pool_size=8, max_overflow=READERS - 8, json_serializer=to_json, **_THREADS
    )
    log_pages = f"PRAGMA wal_autocheckpoint={LOG_PAGES:d}"
    _prepare(writer, "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", log_pages)
    _prepare(reader, "PRAGMA query_only=ON")
    return writer, reader, FileClaim(Path(url.database))


_THREADS: dict[str, Any] = {"connect_args": {"check_same_thread": False}}


def _touch(path: Path) -> None:
    """Make the file readable by nobody else: it holds password hashes. Its WAL takes the same mode."""
    try:
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreFailed(f"cannot make the database {path}: {error.strerror}") from error


def _prepare(engine: Engine, *pragmas: str) -> None:
    """Set every new connection up; transactions are begun and ended by `_transaction` alone."""

    @hooks.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in (f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}", "PRAGMA foreign_keys=ON", *pragmas):
            connection.execute(pragma).close()


def _postgres_engines(url: URL) -> tuple[Engine, Engine, SessionClaim]:
    given: dict[str, Any] = {
        "pool_pre_ping": True,
        "json_serializer": to_json,
        "connect_args": {"application_name": application_name(), **_SILENCE},
    }
    try:
        writer = create_engine(url, pool_size=1, max_overflow=0, **given)
    except ModuleNotFoundError as error:
        raise StoreFailed("PostgreSQL needs the extra: install servicehall[postgres]") from error
    reader = create_engine(url, pool_size=8, max_overflow=READERS - 8, **given).execution_options(
        postgresql_readonly=True, isolation_level="REPEATABLE READ"
    )
    return writer, reader, SessionClaim(writer)


# A server that has gone without a word is noticed after this long, by libpq and by the kernel.
_SILENCE: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


def to_json(value: object) -> str:
    return msgspec.json.encode(value).decode()
