"""A small hall, a clock one sets by hand and a store in a file, for tests of what is remembered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.engine import make_url

from controller.clock import ClockSetting, HallClock
from controller.hall.commands import ChangePlan, Login, OpenDay
from controller.hall.effects import PaperTicket
from controller.hall.model import CallingDomain, Clerk, Hall, Plan, Queue, Serves, Text, Window, Zone
from controller.live import Live, PendingOrder, Told
from controller.people import SYSTEM
from controller.store import Store

MORNING = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # 09:00 in Shanghai
DAY = date(2026, 3, 2)

PLAN = Plan(
    domains=(CallingDomain("main", Text("综合", "Main")),),
    zones=(Zone("east", Text("东区", "East")),),
    queues=(
        Queue("A", Text("企业", "Business"), "main", "A", "east", timedelta(minutes=8)),
        Queue("B", Text("社保", "Insurance"), "main", "B", "east", timedelta(minutes=5)),
    ),
    windows=tuple(
        Window(n, Text(f"{n}号窗口", f"Window {n}"), "east", (Serves("A"), Serves("B"))) for n in (1, 2)
    ),
    clerks=(Clerk("li", "001", "李"), Clerk("wang", "002", "王")),
)


class Time:
    """Real time as the test would have it."""

    def __init__(self, now: datetime = MORNING) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **span: float) -> None:
        self.now += timedelta(**span)


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'hall.db'}"


def open_store(url: str) -> Store:
    return Store.open(url, MORNING)


def quick_store(url: str) -> Store:
    """The same in a few milliseconds: a SQLite file that is new is a copy of one that was migrated once."""
    path = make_url(url).database if url.startswith("sqlite") else None
    if path is not None and not Path(path).exists():
        Path(path).write_bytes(_migrated())
        Path(path).chmod(0o600)
    return open_store(url)


@cache
def _migrated() -> bytes:
    with TemporaryDirectory() as folder:
        open_store(sqlite_url(Path(folder))).close()
        assert not Path(folder, "hall.db-wal").exists()
        return Path(folder, "hall.db").read_bytes()


def slips(hall: Hall, told: Sequence[Told], now: datetime) -> list[PendingOrder]:
    """An order for each paper ticket, to the unit whose button was pressed."""
    paper = [effect for _, follows in told for effect in follows if isinstance(effect, PaperTicket)]
    return [slip(hall, effect.press.unit, f"slip-{effect.ticket}", now) for effect in paper]


def slip(hall: Hall, unit: str, cid: str, now: datetime) -> PendingOrder:
    return PendingOrder(cid, hall.id, unit, "Print", b"{}", 10_000, now)


@contextmanager
def running(store: Store, time: Time | None = None, **options: Any) -> Iterator[Live]:
    """The hall "hall" on that store; time passes only by the test's own Ticks unless told otherwise."""
    clock = HallClock(ClockSetting(MORNING), time or Time())
    live = Live("hall", store, clock, slips, **{"tick_every": None, **options})
    live.start()
    try:
        yield live
    finally:
        live.stop()


@contextmanager
def morning(url: str, time: Time | None = None, **options: Any) -> Iterator[Live]:
    """The hall with its day open and window 1 staffed."""
    store = quick_store(url)
    try:
        with running(store, time, **options) as live:
            live.submit(ChangePlan(PLAN), SYSTEM)
            live.submit(OpenDay(DAY, MORNING + timedelta(hours=8)), SYSTEM)
            live.submit(Login(1, "li"), SYSTEM)
            yield live
    finally:
        store.close()


def count(store: Store, table: Any, *where: Any) -> int:
    with store.reading() as c:
        return c.execute(select(func.count()).select_from(table).where(*where)).scalar_one()
