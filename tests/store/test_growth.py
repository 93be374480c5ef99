"""A start and a day cost as much work with forty days behind them as with three, in steps of SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy import event as hooks

from controller.hall.commands import (
    CallNext,
    ChangePlan,
    CloseDay,
    Finish,
    Login,
    Logout,
    OpenDay,
    Start,
    TakeTicket,
)
from controller.live import Live
from controller.people import CITIZEN, SYSTEM
from controller.store import Store, devices, log, projections
from tests.store.halls import PLAN, Time, open_store, running, sqlite_url

STEPS = 10  # virtual-machine instructions per count; a row costs some ten
TICKETS = 10  # a day


class Work:
    """How many instructions databases have carried out."""

    def __init__(self) -> None:
        self.done = 0

    def count(self) -> None:
        self.done += STEPS


@contextmanager
def counting() -> Iterator[Work]:
    work = Work()

    def attach(connection: Any, _record: Any) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.set_progress_handler(work.count, STEPS)

    hooks.listen(Engine, "connect", attach)
    try:
        yield work
    finally:
        hooks.remove(Engine, "connect", attach)


def serve_a_day(live: Live, time: Time) -> None:
    live.submit(OpenDay(time.now.date(), time.now + timedelta(hours=8)), SYSTEM)
    live.submit(Login(1, "li"), SYSTEM)
    for n in range(TICKETS):
        time.pass_by(minutes=5)
        token = f"{time.now:%y%m%d}-{n}"
        live.submit(TakeTicket("A", token), CITIZEN, key=token)
        for command in (CallNext(1), Start(1), Finish(1)):
            live.submit(command, SYSTEM)
    live.submit(Logout(1), SYSTEM)
    live.submit(CloseDay(), SYSTEM)


def look(store: Store, live: Live, time: Time) -> None:
    """What pages read of a day."""
    day = time.now.date()
    with store.reading() as c:
        assert len(projections.tickets(c, "hall", day)) == TICKETS
        assert projections.day_figures(c, "hall", day).issued == TICKETS
        projections.figures_by_queue(c, "hall", day)
        projections.figures_by_window(c, "hall", day)
        projections.open_tickets(c, "hall", day)
        last = live.hall.next_ticket - 1
        log.ticket_history(c, "hall", last)
        projections.find_token(c, "hall", f"{time.now:%y%m%d}-{TICKETS - 1}")
        devices.open_faults(c, "hall")
        log.last_event_at(c)
    with store.writing() as c:
        log.prune(c, "hall", time.now)


def cost_of_a_day(folder: Path, days_before: int) -> int:
    """The work of a start and of one more day, after so many."""
    folder.mkdir()
    url, time = sqlite_url(folder), Time()
    with closing(open_store(url)) as store, running(store, time) as live:
        live.submit(ChangePlan(PLAN), SYSTEM)
        for _ in range(days_before):
            serve_a_day(live, time)
            time.pass_by(hours=24 - TICKETS * 5 / 60)
    with counting() as work, closing(open_store(url)) as store, running(store, time) as live:
        serve_a_day(live, time)
        look(store, live, time)
    return work.done


def test_a_start_and_a_day_cost_what_they_cost_at_first(tmp_path: Path) -> None:
    few, many = cost_of_a_day(tmp_path / "few", 3), cost_of_a_day(tmp_path / "many", 40)
    assert many < 1.25 * few
