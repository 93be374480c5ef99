"""Reports over ten years: how long a page, a workbook and a print of them take.

A year of a small hall is driven through the engine, and its figures are compared with its log. Ten years of a
hall with 300 windows are loaded as the rows that closing its days would have kept; then bulletins and reports
on load are asked of the real application.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Connection, func, insert, select

from controller.clock import ClockSetting, HallClock, real_now
from controller.hall.commands import ChangePlan
from controller.hall.model import Text
from controller.hall.staffing import QUARTERS
from controller.hall.tallies import WAIT_CLASSES
from controller.live import Live
from controller.people import SYSTEM, Role
from controller.settings import Settings
from controller.site import Site
from controller.store import Store, integrity, tallies
from controller.store.people import Person
from controller.store.records import add_hall
from controller.store.tables import day_queue, day_window, day_zone, event, service_day, ticket
from tests.bench.history import Year
from tests.bench.rig import HALL, plan, zone_of
from tests.bench.table import Row, at_most
from tests.web.desk import Browser
from web.app import create_app

LARGE, WINDOWS, YEARS = "large", 300, 10
DAYS, TICKETS = 250, 100  # driven through the engine: 25,000 tickets, 150,000 events
LAST = date(2026, 2, 27)
LIMIT_S = 2.0  # the issue's: ten years of history answer within 2 s
ROUNDS = 5
TICKETS_A_DAY = 5000


def measure(folder: Path, days: int = DAYS, tickets: int = TICKETS) -> Iterator[list[Row]]:
    folder.mkdir(parents=True, exist_ok=True)
    settings = Settings(data_dir=folder, second_factor_roles=())
    with closing(Store.open(settings.database_url, real_now())) as store:
        yield [_drive(store, days, tickets)]
        yield [_load(store)]
        yield from _ask(settings, store)


# --- a year that happened


def _drive(store: Store, days: int, tickets: int) -> Row:
    """A year through the engine; its figures are what its log says."""
    with store.writing() as c:
        add_hall(c, HALL, Text("测速大厅", "Bench hall"), real_now())
    began = time.monotonic()
    Year(store, LAST - timedelta(days=days * 7 // 5 + 7)).pass_by(days, tickets)
    took = time.monotonic() - began
    with store.reading() as c:
        report = integrity.examine(c)
        kept = c.execute(select(func.count()).select_from(service_day)).scalar_one()
        events = c.execute(select(func.count()).select_from(event)).scalar_one()
        issued = c.execute(select(func.count()).select_from(ticket)).scalar_one()
    if report.problems:
        raise AssertionError(report.problems)
    return Row("a year driven", f"{kept} days, {issued} tickets, {events} events in {took:.0f} s; all agree")


# --- ten years that are loaded


def _load(store: Store) -> Row:
    chance, rows = Random(7), 0
    with store.writing() as c:
        add_hall(c, LARGE, Text("大型大厅", "Large hall"), real_now())
        for day in _working_days():
            rows += _day(c, day, chance)
    return Row("ten years loaded", f"{rows} rows of {YEARS} years, {WINDOWS} windows")


def _working_days() -> Iterator[date]:
    day = LAST.replace(year=LAST.year - YEARS)
    while day <= LAST:
        if day.weekday() < 5:
            yield day
        day += timedelta(days=1)


def _day(c: Connection, day: date, chance: Random) -> int:
    zones = sorted({zone_of(number) for number in range(1, WINDOWS + 1)})
    share = TICKETS_A_DAY // len(zones)
    c.execute(insert(service_day), [_opened(day)])
    c.execute(insert(day_queue), [_queue(day, zone, share + chance.randint(-30, 30)) for zone in zones])
    c.execute(insert(day_window), [_window(day, number) for number in range(1, WINDOWS + 1)])
    staffed = tallies.pack([9000 if 4 <= quarter < 36 else 0 for quarter in range(QUARTERS)])
    c.execute(insert(day_zone), [_key(day, zone=f"zone-{zone}", staffed=staffed) for zone in zones])
    return 1 + 2 * len(zones) + WINDOWS


def _key(day: date, **values: Any) -> dict[str, Any]:
    return {"hall": LARGE, "day": day, **values}


def _opened(day: date) -> dict[str, Any]:
    at = datetime(day.year, day.month, day.day, 1, tzinfo=UTC)
    until, by = at + timedelta(hours=8), "person/boss"
    times = {"opened_at": at, "closes_at": until, "stopped_at": until, "closed_at": until}
    by_whom = {"opened_by": by, "stopped_by": "system/system", "closed_by": by}
    happened = {"TicketIssued": TICKETS_A_DAY, "TicketRecalled": 700}
    others = {"first_seq": 1, "last_seq": 2, "staffed": {}, "zones": {}, "happened": happened, "jumps": 3}
    return _key(day, **times, **by_whom, **others)


def _queue(day: date, zone: int, issued: int) -> dict[str, Any]:
    counts = dict.fromkeys(("missed", "abandoned", "cancelled", "expired", "green", "booked", "moved"), 5)
    rated = {f"rated_{level}": level * issued // 20 for level in range(1, 6)}
    spent = {"wait_s": issued * 600.0, "longest_s": 3000.0, "service_s": issued * 400.0}
    done = {"cases": issued // 2, "enquiries": issued // 3, "collections": issued // 7, "nothings": 1}
    packed = {
        "arrivals": tallies.pack([issued // 32 if 4 <= quarter < 36 else 0 for quarter in range(QUARTERS)]),
        "waits": tallies.pack([issued // WAIT_CLASSES] * WAIT_CLASSES),
    }
    whole = {"issued": issued, "called": issued, "served": issued - 20}
    return _key(day, queue=chr(ord("A") + zone), **whole, **counts, **rated, **spent, **done, **packed)


def _window(day: date, number: int) -> dict[str, Any]:
    at = datetime(day.year, day.month, day.day, 1, tzinfo=UTC)
    spent = {"staffed_s": 27000.0, "paused_s": 1800.0, "lost_s": 0.0, "planned_s": 0.0, "absent_s": 0.0}
    there = {"first_at": at, "last_at": at + timedelta(hours=8), "served": 16, "service_s": 6400.0}
    return _key(day, window=number, zone=f"zone-{zone_of(number)}", **spent, **there)


# --- asking


def _ask(settings: Settings, store: Store) -> Iterator[list[Row]]:
    now = datetime(LAST.year, LAST.month, LAST.day + 1, 2, tzinfo=UTC)
    site = Site(settings, store, 1, ExitStack())
    site.clock = HallClock(ClockSetting(now), lambda: now)
    live = Live(LARGE, store, site.clock, lambda hall, told, at: [], tick_every=None)
    site.halls[LARGE] = live
    site.people.add(Person("boss", "周文静", "900", None, frozenset({Role.HALL_MANAGER}), True), now)
    live.start()
    try:
        live.submit(ChangePlan(plan(WINDOWS)), SYSTEM)
        browser = Browser(create_app(site).test_client())
        address = f"/in/{site.people.link('boss', real_now())}"
        browser.post(address, page=address)
        for what, where, is_held in _questions():
            yield [_row(what, _times(browser, where), is_held)]
    finally:
        live.stop()


def _questions() -> Iterator[tuple[str, str, bool]]:
    """What is asked, where, and whether it is held to the limit."""
    ten = f"from={LAST.replace(year=LAST.year - YEARS)}&to={LAST}"
    month = f"from={LAST - timedelta(days=27)}&to={LAST}"
    for name, days in (("ten years", ten), ("four weeks", month)):
        yield f"load of {name}, page", f"/m/{LARGE}/load?{days}", True
        yield f"load of {name}, workbook", f"/m/{LARGE}/load.xlsx?{days}", True
        yield f"load of {name}, print", f"/m/{LARGE}/load.pdf?{days}", False
    yield "load of ten years, one area, page", f"/m/{LARGE}/load?{ten}&zone=zone-3", True
    yield "bulletin of a day, page", f"/m/{LARGE}/day?day={LAST}", True
    yield "bulletin of a day, workbook", f"/m/{LARGE}/day.xlsx?day={LAST}", True
    yield "bulletin of a day, print", f"/m/{LARGE}/day.pdf?day={LAST}", False


def _times(browser: Browser, where: str) -> list[tuple[float, float]]:
    """Seconds by the clock and of the processor, which others do not lengthen."""
    found = []
    for _ in range(ROUNDS):
        began, worked = time.monotonic(), time.process_time()
        answer = browser.get(where)
        found.append((time.monotonic() - began, time.process_time() - worked))
        assert answer.status_code == 200, where
    return found


def _row(what: str, found: Sequence[tuple[float, float]], is_held: bool) -> Row:
    waited, worked = ([one[at] for one in found] for at in (0, 1))
    spread = f"median {statistics.median(waited):.2f} s, longest {max(waited):.2f} s"
    figure = f"{spread}, processor {statistics.median(worked):.2f} s (n={len(found)})"
    return Row(what, figure, at_most(max(waited), LIMIT_S, "s") if is_held else None)


if __name__ == "__main__":
    import sys

    for rows in measure(Path(sys.argv[1]), *map(int, sys.argv[2:4])):
        print(*rows, sep="\n", flush=True)
