"""However many years are stored: no statement of a start, a ticket, a call or a page reads all of a table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy import event as hooks

from controller.clock import real_now
from controller.hall.commands import (
    CallNext,
    CloseDay,
    Finish,
    JumpCall,
    Login,
    OpenDay,
    Rate,
    Start,
    TakeTicket,
)
from controller.hall.model import Press
from controller.live import Heard, Live
from controller.people import CITIZEN, SYSTEM, Role, unit_actor
from controller.site import Site
from controller.store import Store, devices, log, orders, planned, projections
from controller.store.people import Person
from firmware.protocol.messages import ResultState
from tests.controller.brokers import settings_for
from tests.store.halls import PLAN, slip
from tests.web.desk import Browser
from web.app import create_app

GROWING = "event|ticket|answer|orders|audit|fault|quarantine|login_session|link"
FULL_READ = re.compile(rf"(SCAN|Seq Scan on) ({GROWING})\b")
PAGES = (
    "/",
    "/hall/hall",
    "/h/hall",
    "/t/t1",
    "/m/hall/",
    "/m/hall/close",
    "/m/hall/tickets",
    "/m/hall/tickets/1",
    "/m/hall/day",
    "/m/hall/load",
)

Statement = tuple[str, Any]


@contextmanager
def listening() -> Iterator[dict[str, Any]]:
    """Every statement that any database is asked meanwhile, with some parameters of it."""
    heard: dict[str, Any] = {}

    def hear(_c: Any, _cursor: Any, statement: str, values: Any, _context: Any, is_many: bool) -> None:
        heard[statement] = values[0] if is_many else values

    hooks.listen(Engine, "before_cursor_execute", hear)
    try:
        yield heard
    finally:
        hooks.remove(Engine, "before_cursor_execute", hear)


def plan_of(c: Connection, statement: str, values: Any) -> str:
    """How the database would do it, were its tables long."""
    how = "EXPLAIN QUERY PLAN" if c.dialect.name == "sqlite" else "EXPLAIN"
    rows = c.exec_driver_sql(f"{how} {statement}", values)
    return "\n".join(str(row[-1]) for row in rows)


def serve_a_day(site: Site, live: Live) -> None:
    """A ticket from a dispenser, one from a phone, a call, a service, a rating."""
    by, now = unit_actor("node-1"), live.clock.now()
    live.submit(OpenDay(now.date(), now + timedelta(hours=8)), SYSTEM)
    live.submit(Login(1, "li"), SYSTEM)
    pressed = TakeTicket("A", "t1", press=Press("node-1", "e1", 1))
    order = replace(slip(live.hall, "node-1", "o1", now), issued_at=now)
    live.submit(pressed, by, key="k1", heard=Heard("node-1", "e1", 1), orders=[order])
    live.submit(TakeTicket("B", "t2"), CITIZEN, key="k2")
    live.submit(TakeTicket("B", "t2"), CITIZEN, key="k2")
    for command in (JumpCall(1, 1, "first come"), Start(1), Finish(1), Rate(1, 5), CallNext(1)):
        live.submit(command, SYSTEM)
    live.submit(None, by, settle=[("o1", ResultState.DONE, "")])
    fault = devices.Fault("node-1", "printer-1", "paper", "degraded", "out", now)
    live.submit(None, by, records=[devices.raise_fault("hall", fault)])
    live.submit(None, by, records=[devices.clear_fault("hall", "node-1", "printer-1", "paper", now)])


def look_around(site: Site, live: Live) -> None:
    """What people and pages read."""
    app = create_app(site)
    browser = Browser(app.test_client())
    token = site.people.link("boss", real_now())
    browser.post(f"/in/{token}", page=f"/in/{token}")
    for page in PAGES:
        assert browser.get(page).status_code == 200, page
    assert browser.get("/devices").status_code in (200, 403)
    day = live.clock.now().date()
    with site.store.reading() as c:
        projections.find_token(c, "hall", "t1")
        projections.day_figures(c, "hall", day)
        projections.figures_by_queue(c, "hall", day)
        projections.figures_by_window(c, "hall", day)
        devices.open_faults(c, "hall")
        devices.last_faults(c, "hall")
        devices.last_set_aside(c, "hall")
        orders.pending(c, "hall", "node-1")
        log.ticket_history(c, "hall", 1)
        planned.versions(c, "hall", 3)
        planned.version(c, "hall", 1)


def test_nothing_of_a_hall_s_day_reads_all_that_ever_was(database: str, tmp_path: Path) -> None:
    settings = settings_for("nats", tmp_path, store_url=database, second_factor_roles=())
    with listening() as heard:
        site = Site.open(settings)
        site.people.add(Person("boss", "周", "900", None, frozenset({Role.HALL_MANAGER}), True), real_now())
        live = site.add_hall("hall", PLAN)
        serve_a_day(site, live)
        look_around(site, live)
        live.submit(CloseDay(), SYSTEM)
        live.keep_snapshot()
        with site.store.writing() as c:
            log.prune(c, "hall", live.clock.now())
        site.close()
        Site.open(settings).close()
    with closing(Store.existing(database)) as store, store.reading() as c:
        if c.dialect.name == "postgresql":
            c.exec_driver_sql("SET enable_seqscan = off")  # as if every table were long
        asked = {one: values for one, values in heard.items() if re.search(rf"\b({GROWING})\b", one)}
        plans = {one: plan_of(c, one, values) for one, values in asked.items() if _can_be_explained(one)}
    full = [f"{statement}\n-> {plan}" for statement, plan in plans.items() if FULL_READ.search(plan)]
    assert len(plans) > 30
    assert not full, "\n\n".join(full)


def _can_be_explained(statement: str) -> bool:
    return statement.lstrip().split()[0] in ("SELECT", "INSERT", "UPDATE", "DELETE")
