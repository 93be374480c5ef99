"""Start of a controller with a year behind it, beside one with a morning.

The year is made by the hall's own engine, command by command, on a clock set by hand:
python -m tests.bench.history FOLDER [DAYS] [TICKETS] leaves such a hall to look at.
"""

from __future__ import annotations

import statistics
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select

from controller.clock import ClockSetting, HallClock, real_now
from controller.hall.commands import (
    CallNext,
    ChangePlan,
    CloseDay,
    Command,
    Finish,
    Login,
    Logout,
    OpenDay,
    Rate,
    Start,
    TakeTicket,
)
from controller.hall.model import Refused, Text
from controller.live import Answer, Live
from controller.people import CITIZEN, SYSTEM
from controller.store import Store
from controller.store.records import add_hall
from controller.store.tables import event, ticket
from tests.bench.rig import HALL, Controller, plan, wait_for
from tests.bench.table import Row, at_most

DAYS, TICKETS = 250, 1000  # working days of a year, and a busy hall's day: 1.25 million events
WINDOWS = 8
OPENS = timedelta(hours=1)  # 09:00 in Shanghai
ROUNDS = 48  # of ten minutes each
STARTS = 5


class Year:
    """A hall whose days pass as fast as they can be decided and stored."""

    def __init__(self, store: Store, first: date) -> None:
        self._now = datetime.combine(first, datetime.min.time(), UTC) + OPENS
        self._clock = HallClock(ClockSetting(self._now), lambda: self._now)
        self._live = Live(HALL, store, self._clock, lambda hall, told, now: [], tick_every=None)

    def pass_by(self, days: int, tickets: int) -> None:
        self._live.start()
        self._do(ChangePlan(plan(WINDOWS)))
        for _ in range(days):
            self._day(tickets)
            self._now += timedelta(days=3 if self._now.weekday() == 4 else 1)
        self._live.stop()

    def _day(self, tickets: int) -> None:
        opened = self._now
        self._do(OpenDay(opened.date(), opened + timedelta(hours=8)))
        self._do(*(Login(n, f"clerk-{n}") for n in range(1, WINDOWS + 1)))
        for begin in range(0, tickets, -(-tickets // ROUNDS)):
            self._round(range(begin, min(tickets, begin + -(-tickets // ROUNDS))))
        self._do(*(Logout(n) for n in range(1, WINDOWS + 1)), CloseDay())
        self._now = opened

    def _round(self, numbers: range) -> None:
        """So many citizens come, are called, served and asked how it was, at every window in turn."""
        first = self._live.hall.next_ticket
        self._do(*(TakeTicket("A", f"{self._now:%y%m%d}-{n}") for n in numbers))
        for turn in range(0, len(numbers), WINDOWS):
            windows = range(1, min(WINDOWS, len(numbers) - turn) + 1)
            self._now += timedelta(minutes=1)
            self._do(*(CallNext(n) for n in windows), *(Start(n) for n in windows))
            self._now += timedelta(minutes=2)
            self._do(*(Finish(n) for n in windows))
            self._do(*(Rate(first + turn + n - 1, 5) for n in windows))

    def _do(self, *asked: Command) -> None:
        """All of them, in one commit or few; what the rules refuse does not happen."""
        by = CITIZEN if isinstance(asked[0], TakeTicket) else SYSTEM
        posted: Sequence[Future[Answer]] = [
            self._live.post(one, by, key=one.token if isinstance(one, TakeTicket) else None) for one in asked
        ]
        for one in posted:
            error = one.exception(60)
            if error is not None and not isinstance(error, Refused):
                raise error


class AgedController(Controller):
    """A controller whose hall has been open for so many days before."""

    def __init__(self, folder: Path, days: int, tickets: int) -> None:
        self._days, self._tickets = days, tickets
        super().__init__(folder, 100, windows=WINDOWS)

    def _prepare(self, waiting: int) -> None:
        self.settings.data_dir.mkdir(parents=True, exist_ok=True)
        with closing(Store.open(self.settings.database_url, real_now())) as store:
            with store.writing() as c:
                add_hall(c, HALL, Text("测速大厅", "Bench hall"), real_now())
            first = real_now().date() - timedelta(days=self._days * 7 // 5 + 7)
            Year(store, first).pass_by(self._days, self._tickets)
        super()._prepare(waiting)

    def counts(self) -> tuple[int, int]:
        """Events and tickets in the store."""
        with closing(Store.existing(self.settings.database_url)) as store, store.reading() as c:
            events = c.execute(select(func.count()).select_from(event)).scalar_one()
            return events, c.execute(select(func.count()).select_from(ticket)).scalar_one()


def measure(folder: Path, days: int = DAYS, tickets: int = TICKETS) -> Iterator[list[Row]]:
    """Rows about a start with a morning of history, and about one with so many days."""
    fresh = _starts(Controller(folder / "fresh", 100, windows=WINDOWS))
    yield [Row("start to first page, a morning of history", _text(fresh), at_most(fresh[0], 1.5, "s"))]
    began = time.monotonic()
    aged = AgedController(folder / "aged", days, tickets)
    events, issued = aged.counts()
    took = time.monotonic() - began
    yield [Row("history made", f"{events} events of {issued} tickets in {took:.0f} s")]
    year = _starts(aged)
    ratio = year[0] / fresh[0]
    yield [Row("start to first page, with that history", _text(year), at_most(ratio, 2, "x a morning's"))]


def _starts(hall: Controller) -> tuple[float, float]:
    """Median and longest of STARTS, in seconds until the first page is there."""
    seconds = []
    for _ in range(STARTS):
        began = time.monotonic()
        hall.start()
        try:
            wait_for(
                lambda: b"</html>" in urllib.request.urlopen(hall.settings.web_url, timeout=5).read(), 60
            )
            seconds.append(time.monotonic() - began)
        finally:
            hall.stop()
    return statistics.median(seconds), max(seconds)


def _text(found: tuple[float, float]) -> str:
    return f"median {found[0]:.2f} s, longest {found[1]:.2f} s (n={STARTS})"


if __name__ == "__main__":
    for rows in measure(Path(sys.argv[1]), *map(int, sys.argv[2:4])):
        print(*rows, sep="\n", flush=True)
