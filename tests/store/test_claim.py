"""One controller has a database: the second is told who, and one that lost it cannot write any more."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from controller.hall.commands import TakeTicket
from controller.lock import SiteTaken
from controller.people import CITIZEN
from controller.site import Site
from controller.store import Store, StoreFailed
from controller.store.records import get_meta, put_meta
from tests.controller.brokers import settings_for
from tests.store.engines import PostgresServer
from tests.store.halls import morning, open_store
from tests.waiting import until


def test_the_second_controller_of_a_database_is_told_who_has_it(database: str) -> None:
    with closing(open_store(database)) as first, closing(open_store(database)) as second:
        first.claim()
        with pytest.raises(
            SiteTaken, match=rf"in use by .*process {os.getpid()}; stop that one, or set another store_url"
        ):
            second.claim(patience_s=0.1)


def test_a_database_is_free_when_its_controller_has_ended(database: str) -> None:
    with closing(open_store(database)) as first:
        before = first.claim()
    with closing(open_store(database)) as second:
        assert second.claim(patience_s=5) > before


def test_commands_write_beside_a_controller(database: str) -> None:
    with closing(open_store(database)) as controller, closing(open_store(database)) as command:
        controller.claim()
        paint(command)


def test_two_sites_with_folders_of_their_own_do_not_share_a_database(database: str, tmp_path: Path) -> None:
    first = Site.open(settings_for("nats", tmp_path / "first", store_url=database))
    try:
        with pytest.raises(SiteTaken, match="in use by"):
            Site.open(settings_for("nats", tmp_path / "second", store_url=database))
    finally:
        first.close()


@pytest.fixture
def cut_off(postgres: PostgresServer) -> Callable[[str], None]:
    """Ends every session of a database from the server's side, as a failover or an administrator does."""

    def cut(url: str) -> None:
        name = make_url(url).database
        with psycopg.connect(host=str(postgres.folder), user="postgres", autocommit=True) as administrator:
            administrator.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
            )

    return cut


@pytest.fixture
def shared(postgres: PostgresServer) -> Iterator[str]:
    with postgres.database() as url:
        yield url


def test_a_hall_goes_on_after_its_sessions_were_ended(shared: str, cut_off: Callable[[str], None]) -> None:
    with morning(shared) as live:
        live.store.claim()
        live.submit(TakeTicket("A", "t1"), CITIZEN)
        cut_off(shared)
        live.submit(TakeTicket("A", "t2"), CITIZEN)
        assert set(live.hall.tokens) == {"t1", "t2"}


def test_a_controller_that_was_replaced_meanwhile_cannot_write(
    shared: str, cut_off: Callable[[str], None]
) -> None:
    with closing(open_store(shared)) as first:
        first.claim()
        cut_off(shared)
        with closing(open_store(shared)) as second:
            generation = second.claim()
            with pytest.raises(StoreFailed, match="in use by"):
                paint(first)
        until(lambda: _is_told(first, f"generation {generation} has the database now; stop this one"))
        with closing(open_store(shared)) as command, command.reading() as c:
            assert get_meta(c, "colour") is None


def paint(store: Store) -> None:
    with store.writing() as c:
        put_meta(c, "colour", "red")


def _is_told(store: Store, what: str) -> bool:
    """Whether writing fails for this reason; before, the server may still be ending the other's session."""
    with pytest.raises(StoreFailed) as told:
        paint(store)
    return what in str(told.value)
