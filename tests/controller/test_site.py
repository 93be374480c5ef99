"""Opening and closing a site: one process at a time, generations, and nothing lost in between."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from controller.clock import HallClock, real_now
from controller.hall.commands import OpenDay, TakeTicket
from controller.hall.model import HallError
from controller.lock import SiteTaken, lock
from controller.people import CITIZEN, SYSTEM
from controller.settings import Settings
from controller.site import Site
from controller.store import Store
from controller.store.records import save_clock
from tests.controller.brokers import settings_for
from tests.halls import small_plan


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_for("nats", tmp_path)


def test_a_site_without_halls_runs_and_gets_its_first(settings: Settings) -> None:
    site = Site.open(settings)
    assert site.halls == {}
    assert (site.status().units, site.status().is_broker_up) == (0, True)
    live = site.add_hall("lobby", small_plan())
    assert set(live.hall.queues) == {"A", "B", "T", "G"}
    assert site.bus["lobby"].hall == "lobby"
    assert not site.status().is_broker_up  # none was started here
    for name in ("lobby", "Lobby", "lob.by"):
        with pytest.raises(HallError):
            site.add_hall(name, small_plan())
    site.close()
    site.close()


def test_what_was_decided_is_there_after_a_restart_under_the_next_generation(settings: Settings) -> None:
    first = Site.open(settings)
    live = first.add_hall("hall", small_plan())
    now = first.clock.now()
    live.submit(OpenDay(now.date(), now + timedelta(hours=8)), SYSTEM)
    live.submit(TakeTicket("A", "token"), CITIZEN)
    first.close()
    second = Site.open(settings)
    assert second.generation > first.generation
    assert second.halls["hall"].hall == live.hall
    second.close()


def test_a_second_process_is_kept_out_with_one_clear_sentence(settings: Settings) -> None:
    site = Site.open(settings)
    with pytest.raises(SiteTaken, match=f"in use by process {os.getpid()}; stop that one, or set another"):
        lock(settings.data_dir, patience_s=0.1)
    site.close()
    lock(settings.data_dir, patience_s=0.1).close()


def test_a_site_that_cannot_open_leaves_nothing_locked(settings: Settings) -> None:
    settings.data_dir.mkdir()
    (settings.data_dir / "hall.sqlite").write_bytes(b"this is no database " * 100)
    with pytest.raises(HallError):
        Site.open(settings)
    lock(settings.data_dir, patience_s=0.1).close()


def test_a_hall_with_a_clock_of_its_own_goes_on_where_it_stopped(settings: Settings) -> None:
    site = Site.open(settings)
    nine = datetime(2025, 3, 3, 1, 0, tzinfo=UTC)
    site.clock.set(nine, speed=5.0)
    live = site.add_hall("hall", small_plan())
    live.submit(OpenDay(nine.date(), nine + timedelta(hours=8)), SYSTEM)
    site.close()
    store = Store.open(settings.database_url, real_now())
    with store.writing() as c:  # as if it had been off for long
        save_clock(c, HallClock().set(nine + timedelta(days=3), speed=5.0))
    store.close()
    again = Site.open(settings)
    assert again.clock.speed == 5.0
    assert timedelta() <= again.clock.now() - nine < timedelta(minutes=30)
    again.close()


def test_a_real_hall_keeps_real_time(settings: Settings) -> None:
    site = Site.open(settings)
    before = real_now()
    assert before <= site.clock.now() <= real_now()
    site.close()
