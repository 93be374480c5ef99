"""A statement made ready writes the very bytes that SQLAlchemy writes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, insert, text
from sqlalchemy.exc import IntegrityError

from controller.store import Store, prepared, tables

NOW = datetime(2025, 3, 3, 9, 30, 15, 1234, tzinfo=timezone(timedelta(hours=8)))
EVENT = {
    "hall": "h",
    "seq": 1,
    "at": NOW,
    "kind": "TicketIssued",
    "ticket": None,
    "window": 3,
    "actor_kind": "unit",
    "actor_id": "node-1",
    "body": '{"名": "号"}',
}
ORDER = {
    "cid": "c1",
    "hall": "h",
    "unit": "u",
    "kind": "Print",
    "body": b"\x00\xff",
    "ttl_ms": 5,
    "issued_at": NOW,
}


@pytest.fixture
def store(tmp_path: Path) -> Any:
    store = Store.open(f"sqlite:///{tmp_path}/hall.db", NOW.astimezone(UTC))
    yield store
    store.close()


@pytest.mark.parametrize(("table", "row"), [(tables.event, EVENT), (tables.orders, ORDER)])
def test_the_same_is_stored(store: Store, table: Table, row: dict[str, Any]) -> None:
    stored = []
    for write in (
        lambda c: prepared.execute(c, insert(table), [row]),
        lambda c: c.execute(insert(table), row),
    ):
        with store.writing() as c:
            write(c)
            stored.append(c.execute(text(f"SELECT * FROM {table.name}")).all())
            c.execute(table.delete())
    assert stored[0] == stored[1]
    assert len(stored[0]) == 1


def test_all_rows_are_written_in_order(store: Store) -> None:
    rows = [{**EVENT, "seq": n, "ticket": n * 2} for n in (3, 1, 2)]
    with store.writing() as c:
        prepared.execute(c, insert(tables.event), rows)
        found = c.execute(text("SELECT seq, ticket FROM event ORDER BY seq")).all()
    assert [tuple(row) for row in found] == [(1, 2), (2, 4), (3, 6)]


def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    with store.writing() as c, pytest.raises(ValueError, match="has no time zone"):
        prepared.execute(c, insert(tables.event), [{**EVENT, "at": datetime(2025, 3, 3)}])


def test_a_row_that_is_there_already_is_named_as_by_the_library(store: Store) -> None:
    with pytest.raises(IntegrityError), store.writing() as c:
        prepared.execute(c, insert(tables.event), [EVENT, EVENT])
    with store.reading() as c:
        assert c.execute(text("SELECT count(*) FROM event")).scalar() == 0


def test_nothing_to_write_is_nothing(store: Store) -> None:
    with store.reading() as c:  # which could not write
        prepared.execute(c, insert(tables.event), [])
