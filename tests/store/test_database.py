"""Transactions begin and end as they should, readers never wait, and failures are named."""

from __future__ import annotations

import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError, StatementError

from controller.store import Store, StoreFailed
from controller.store.database import SETTLE_AFTER
from controller.store.records import count_up, get_meta, put_meta
from controller.store.tables import halls, meta
from tests.store.halls import MORNING, open_store, sqlite_url


def test_sqlite_is_opened_to_lose_nothing(tmp_path: Path) -> None:
    store = open_store(sqlite_url(tmp_path))
    with store.writing() as c:
        pragmas = {
            name: c.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    store.close()
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


def test_writing_holds_the_write_lock_from_its_first_line(tmp_path: Path) -> None:
    store = open_store(sqlite_url(tmp_path))
    other = sqlite3.connect(tmp_path / "hall.db", timeout=0, isolation_level=None)
    with store.writing(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    other.execute("BEGIN IMMEDIATE")
    other.execute("ROLLBACK")
    other.close()
    store.close()


def test_what_was_committed_is_carried_into_the_file_beside_whoever_writes(tmp_path: Path) -> None:
    store = open_store(sqlite_url(tmp_path))
    store.settle_down()
    for n in range(SETTLE_AFTER):
        with store.writing() as c:
            put_meta(c, "count", n)
    with store.writing():
        assert store.settle_down()
        assert not store.settle_down()
    with closing(sqlite3.connect(f"file:{tmp_path}/hall.db?immutable=1", uri=True)) as without_log:
        (count,) = without_log.execute("SELECT value FROM meta WHERE name = 'count'").fetchone()
    store.close()
    assert str(count) == str(SETTLE_AFTER - 1)


def test_what_raises_is_rolled_back(database: str) -> None:
    store = open_store(database)
    with pytest.raises(ZeroDivisionError):
        _write_and_fail(store)
    with store.reading() as c:
        assert get_meta(c, "colour") is None
    store.close()


def _write_and_fail(store: Store) -> None:
    with store.writing() as c:
        put_meta(c, "colour", "red")
        raise ZeroDivisionError


def test_readers_do_not_wait_for_a_writer_and_keep_their_view(database: str) -> None:
    store = open_store(database)
    with store.reading() as before, ThreadPoolExecutor(1) as pool:
        assert get_meta(before, "colour") is None
        with store.writing() as c:
            put_meta(c, "colour", "red")
            assert pool.submit(_colour, store).result(5) is None
        assert pool.submit(_colour, store).result(5) == "red"
        assert get_meta(before, "colour") is None
    store.close()


def _colour(store: Store) -> str | None:
    with store.reading() as c:
        return get_meta(c, "colour")


def test_a_reader_cannot_write(database: str) -> None:
    store = open_store(database)
    with pytest.raises(StoreFailed, match=r"readonly|read-only"), store.reading() as c:
        put_meta(c, "colour", "red")
    store.close()


def test_writers_take_turns(database: str) -> None:
    store = open_store(database)

    def next_number() -> int:
        with store.writing() as c:
            return count_up(c, "generation")

    with ThreadPoolExecutor(8) as pool:
        numbers = [future.result(20) for future in [pool.submit(next_number) for _ in range(40)]]
    store.close()
    assert sorted(numbers) == list(range(1, 41))


def test_a_transaction_inside_another_is_a_mistake(database: str) -> None:
    store = open_store(database)
    with store.writing(), pytest.raises(RuntimeError, match="inside"), store.writing():
        pass
    store.close()


def test_a_row_that_is_there_already_stays_an_integrity_error(database: str) -> None:
    store = open_store(database)
    with pytest.raises(IntegrityError), store.writing() as c:
        c.execute(insert(meta), [{"name": "colour", "value": "red"}, {"name": "colour", "value": "blue"}])
    store.close()


def test_times_come_back_aware_and_in_utc(database: str) -> None:
    shanghai = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=timezone(timedelta(hours=8)))
    store = open_store(database)
    with store.writing() as c:
        c.execute(insert(halls).values(id="hall", name_zh="厅", name_en="Hall", added_at=shanghai))
        kept = c.execute(select(halls.c.added_at)).scalar_one()
    store.close()
    assert kept == shanghai
    assert kept.utcoffset() == timedelta()


def test_a_time_without_a_zone_is_refused(database: str) -> None:
    store = open_store(database)
    naive = MORNING.replace(tzinfo=None)
    with pytest.raises(StatementError, match="no time zone"), store.writing() as c:
        c.execute(insert(halls).values(id="hall", name_zh="厅", name_en="Hall", added_at=naive))
    store.close()


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    open_store(sqlite_url(tmp_path)).close()
    assert stat.S_IMODE((tmp_path / "hall.db").stat().st_mode) == 0o600


def test_a_closed_store_says_so(database: str) -> None:
    store = open_store(database)
    store.close()
    with pytest.raises(StoreFailed, match="closed"), store.reading():
        pass
    with pytest.raises(StoreFailed, match="closed"), store.writing():
        pass


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("hall.db", "is no database URL"),
        ("sqlite://", "needs a file"),
        ("mysql://there/hall", "mysql is not supported"),
        ("sqlite:////nowhere/at/all/hall.db", "cannot make the database /nowhere/at/all/hall.db"),
    ],
)
def test_an_address_that_cannot_be_opened_is_explained(address: str, message: str) -> None:
    with pytest.raises(StoreFailed, match=message):
        Store.open(address, MORNING)


def test_a_file_that_is_no_database_is_explained(tmp_path: Path) -> None:
    (tmp_path / "hall.db").write_text("this is a shopping list, and a long one at that\n" * 100)
    with pytest.raises(StoreFailed, match="not a database"):
        Store.open(sqlite_url(tmp_path), MORNING)
