"""A whole controller on PostgreSQL: tickets and calls, a killed worker, a second controller, a move."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from controller.clock import HallClock, real_now
from controller.hall.commands import ChangePlan, OpenDay
from controller.live import Live
from controller.people import SYSTEM
from controller.store import Store, log
from controller.store.backup_command import back_up, restore
from controller.store.records import add_hall
from tests.controller.test_serve import SLOW, Serving, serving
from tests.store.engines import PostgresServer
from tests.store.halls import PLAN, sqlite_url
from tests.waiting import until

pytestmark = pytest.mark.system


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    """A database with the hall "hall", whose day is open."""
    with postgres.database() as address:
        furnish(address)
        yield address


def furnish(url: str) -> None:
    """A hall "hall" whose day has just begun."""
    with closing(Store.open(url, real_now())) as store:
        with store.writing() as c:
            add_hall(c, "hall", PLAN.name, real_now())
        live = Live("hall", store, HallClock(), lambda hall, told, now: [], tick_every=None)
        live.start()
        now = live.clock.now()
        live.submit(ChangePlan(PLAN), SYSTEM)
        live.submit(OpenDay(now.date(), now + timedelta(hours=8)), SYSTEM)
        live.stop()


def take(found: Serving, key: str) -> str:
    """The number of a ticket taken over HTTP; the same for the same key."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{found.http_port}/h/hall/api/tickets",
        json.dumps({"queue": "A"}).encode(),
        {"Content-Type": "application/json", "Idempotency-Key": key},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(json.load(answer)["number"])


def numbers(store: Store) -> list[str]:
    with store.reading() as c:
        hall, _ = log.load(c, "hall")
    return sorted(ticket.number for ticket in hall.tickets.values())


def test_a_killed_worker_loses_nothing_that_was_answered(url: str, tmp_path: Path) -> None:
    with serving(tmp_path, more=f'store_url = "{url}"\n') as found:
        before = [take(found, f"tap-before-{n}") for n in range(5)]
        worker = found.children()["worker"]
        worker.kill()
        until(lambda: found.answers() and found.children().get("worker") != worker, SLOW)
        assert [take(found, f"tap-before-{n}") for n in range(5)] == before
        after = [take(found, f"tap-after-{n}") for n in range(5)]
        with closing(Store.existing(url)) as store:
            assert numbers(store) == sorted(before + after)
            with store.reading() as c:
                assert log.load(c, "hall") == log.replay(c, "hall")
                assert log.differing_tickets(c, "hall") == []


def test_a_second_controller_is_refused_with_a_clear_sentence(url: str, tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    with serving(tmp_path, more=f'store_url = "{url}"\n') as found:
        other = Serving(tmp_path / "second", "nats", f'store_url = "{url}"\n')
        assert other.process.wait(SLOW) == 1
        assert "the database is in use by servicehall on" in other.said()
        assert "stop that one, or set another store_url" in other.said()
        assert take(found, "tap-of-the-first")
        other.log.close()


def test_a_hall_moves_from_sqlite_to_postgresql_by_its_backup(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    furnish(sqlite_url(tmp_path))
    assert back_up(["--url", sqlite_url(tmp_path), str(tmp_path / "copy.sqlite")]) == 0
    with postgres.database("template0") as url:
        assert restore(["--url", url, str(tmp_path / "copy.sqlite")]) == 0
        with serving(tmp_path, more=f'store_url = "{url}"\n') as found:
            assert take(found, "tap-after-the-move") == "A001"
