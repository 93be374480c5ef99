"""Copies of a database that is in use, and putting one in its place.

A backup is an SQLite file with our tables, whichever engine it comes from and goes to: from SQLite the
pages as one read transaction sees them, from PostgreSQL the rows of one snapshot. So a backup can be
opened, examined and replayed anywhere, and moves a site from one engine to the other.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Column, Connection, delete, func, insert, select, text

from controller.hall.model import HallError
from controller.store import integrity
from controller.store.claim import FileClaim
from controller.store.database import Store, parse
from controller.store.integrity import Report
from controller.store.records import GENERATION, get_meta, put_meta
from controller.store.tables import event, link, login_session, metadata

PREFIX, SUFFIX = "servicehall-", ".sqlite"
LAST = "last_backup"  # a file in data_dir: its time is that of the last backup
PAGE = 2000  # rows copied at once
PATIENCE_S = 1.0  # a controller that was just told to stop may still hold its claim

# Added to the generation when a backup takes a database's place: more starts than there can have been
# since it was made (one every two seconds would take 23 days), for units obey no lower one (R11), and an
# order's identity is made from it.
GENERATIONS_SKIPPED = 1_000_000


class BadBackup(HallError):
    """The copy cannot be made or used; the message says why, and nothing was changed."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What the database holds now, and where that which it held before is kept (None: it was empty)."""

    report: Report
    aside: Path | None


def write(url: str, target: Path, now: datetime) -> tuple[Path, Report]:
    """A backup of the database, examined, as the file `target` or under a name of its own in that folder.

    The controller may be running. Nothing is left under that name unless the copy proved whole. Raises
    BadBackup, StoreFailed and OSError.
    """
    file = target / f"{PREFIX}{_stamp(now)}{SUFFIX}" if target.is_dir() else target
    if file.exists():
        raise BadBackup(f"{file} is there already; name another file")
    with _part(file) as part:
        _copy(url, part, now)
        report = _examined(Store.existing(_url(part)))
        _keep(part, file)
    return file, report


def restore(file: Path, url: str, now: datetime, is_forced: bool = False) -> Restored:
    """Put the backup where the database is, with everybody signed out and a generation above any before.

    Raises SiteTaken while a controller has the database, and BadBackup when there is a hall in it and it
    is not forced, or when the backup is not whole.
    """
    if not file.is_file():
        raise BadBackup(f"there is no backup {file}")
    database = parse(url).database
    if parse(url).get_backend_name() == "sqlite" and database:
        return _into_file(file, Path(database), now, is_forced)
    return _into_server(file, url, now, is_forced)


def prune(folder: Path, keep: int) -> list[Path]:
    """Delete all but the newest `keep` backups in the folder; which ones."""
    gone = sorted(folder.glob(f"{PREFIX}*{SUFFIX}"))[:-keep]
    for file in gone:
        file.unlink()
    return gone


# --- copying


def _copy(url: str, part: Path, now: datetime) -> None:
    with closing(Store.existing(url)) as store, store.reading() as c:
        if c.dialect.name == "sqlite":
            _copy_pages(c, part)
        else:
            with closing(Store.open(_url(part), now)) as copy, copy.writing() as target:
                _copy_rows(c, target)


def _copy_pages(c: Connection, part: Path) -> None:
    """All pages at once as this transaction sees them; a writer goes on meanwhile, its log only grows."""
    source = c.connection.driver_connection
    assert isinstance(source, sqlite3.Connection)
    with closing(sqlite3.connect(part)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # the copy is one file


def _copy_rows(source: Connection, target: Connection) -> None:
    """Make the target's rows those of the source."""
    for table in metadata.sorted_tables:
        target.execute(delete(table) if target.dialect.name == "sqlite" else text(f"TRUNCATE {table.name}"))
        found = source.execute(select(table), execution_options={"yield_per": PAGE})
        for page in found.mappings().partitions():
            target.execute(insert(table), [dict(row) for row in page])
        if target.dialect.name == "postgresql" and table.autoincrement_column is not None:
            _count_on(target, table.name, table.autoincrement_column)


def _count_on(c: Connection, table: str, column: Column[int]) -> None:
    """Let PostgreSQL number new rows from where the copied ones end."""
    counter = func.pg_get_serial_sequence(table, column.name)
    c.execute(select(func.setval(counter, func.max(column))).having(func.count() > 0))


def _examined(store: Store) -> Report:
    with closing(store), store.reading() as c:
        report = integrity.examine(c)
    if report.problems:
        raise BadBackup(f"what it holds is not whole: {report.problems[0]}; see: servicehall store check")
    return report


# --- putting it in place


def _into_file(file: Path, database: Path, now: datetime, is_forced: bool) -> Restored:
    database.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _claimed(database), _part(database) as part:
        shutil.copyfile(file, part)
        report = _examined(Store.open(_url(part), now))
        held, generation = _held(_url(database)) if database.exists() else ("", 0)
        _refuse(f"{database}", held, is_forced)
        with closing(Store.existing(_url(part))) as store, store.writing() as c:
            _renew(c, generation)
        aside = _set_aside(database, now) if held else None
        for rest in ("-wal", "-shm"):
            database.with_name(database.name + rest).unlink(missing_ok=True)
        _keep(part, database)
    return Restored(report, aside)


def _into_server(file: Path, url: str, now: datetime, is_forced: bool) -> Restored:
    with closing(Store.open(url, now)) as store, _part(file) as part:
        generation = store.claim(PATIENCE_S)
        shutil.copyfile(file, part)
        report = _examined(Store.open(_url(part), now))
        held, _ = _held(url)
        _refuse("the database", held, is_forced)
        aside = _copied_aside(url, file, now) if held else None
        with closing(Store.existing(_url(part))) as copy, copy.reading() as source, store.writing() as c:
            _copy_rows(source, c)
            _renew(c, generation)
    return Restored(report, aside)


def _held(url: str) -> tuple[str, int]:
    """What somebody would miss in the database ("": nothing) and its generation."""
    try:
        with closing(Store.existing(url)) as store, store.reading() as c:
            events, last = c.execute(select(func.count(), func.max(event.c.at))).one()
            generation = int(get_meta(c, GENERATION) or 0)
    except HallError as error:
        return f"something that cannot be read ({error})", 0
    return f"{events} events up to {last:%Y-%m-%d %H:%M} UTC" if events else "", generation


def _refuse(where: str, held: str, is_forced: bool) -> None:
    if held and not is_forced:
        raise BadBackup(f"{where} holds {held}; with --force it is put aside")


def _renew(c: Connection, generation: int) -> None:
    """Rank above every controller there was, and let no sign-in live again that had ended."""
    highest = max(generation, int(get_meta(c, GENERATION) or 0))
    put_meta(c, GENERATION, str(highest + GENERATIONS_SKIPPED))
    for table in (login_session, link):
        c.execute(delete(table))


def _set_aside(database: Path, now: datetime) -> Path:
    """Another name for the file, and for what its journal holds beside it."""
    aside = database.with_name(f"{database.name}.before-{_stamp(now)}")
    os.link(database, aside)
    with suppress(FileNotFoundError):
        database.with_name(f"{database.name}-wal").rename(aside.with_name(f"{aside.name}-wal"))
    return aside


def _copied_aside(url: str, file: Path, now: datetime) -> Path:
    aside = file.with_name(f"before-{_stamp(now)}{SUFFIX}")
    with _part(aside) as part:
        _copy(url, part, now)
        _keep(part, aside)
    return aside


# --- files


@contextmanager
def _part(file: Path) -> Iterator[Path]:
    """An empty file beside `file`, readable by its owner alone; gone at the end unless it was kept."""
    part = file.with_name(f"{file.name}.part")
    os.close(os.open(part, os.O_CREAT | os.O_TRUNC | os.O_RDWR, 0o600))
    try:
        yield part
    finally:
        for rest in ("", "-wal", "-shm"):
            part.with_name(part.name + rest).unlink(missing_ok=True)


def _keep(part: Path, file: Path) -> None:
    """Give it its name once its bytes are on the disk."""
    _sync(part)
    part.replace(file)
    _sync(file.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _claimed(database: Path) -> Iterator[None]:
    claim = FileClaim(database)
    claim.take(PATIENCE_S)
    try:
        yield
    finally:
        claim.release()


def _url(file: Path) -> str:
    return f"sqlite:///{file}"


def _stamp(now: datetime) -> str:
    return f"{now:%Y%m%d-%H%M%S}"
