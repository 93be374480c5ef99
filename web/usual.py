"""What is usual on such a weekday: beside it stands today, on the live board and on the leaders' page.

Days that are over hardly change, so what is worked out of them is kept for the day.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import cast

from flask import current_app

from controller.hall.figures import Figures, figures
from controller.hall.loads import turned
from controller.hall.tallies import together
from controller.store import Store, spans

WEEKDAYS_BEFORE = 4
HALVES = 48  # half hours of a day
HALF_S = 1800.0


@dataclass(frozen=True, slots=True)
class Usual:
    """Of so many earlier days: figures of the whole day, and tickets taken per half hour from midnight."""

    days: int
    figures: Figures
    halves: Sequence[float]

    def taken_by(self, now: datetime) -> float:
        """Tickets usually taken by this time of day. now: by the hall's clock."""
        seconds = now.hour * 3600 + now.minute * 60 + now.second
        half, rest = divmod(seconds, int(HALF_S))
        return sum(self.halves[:half]) + self.halves[half] * rest / HALF_S


class Usuals:
    """Of every hall. Any thread may ask."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._known: dict[str, tuple[date, Usual | None]] = {}

    def of(self, hall: str, today: date, zone: tzinfo) -> Usual | None:
        """None while no such weekday lies behind."""
        with self._lock:
            known = self._known.get(hall)
            if known is None or known[0] != today:
                known = self._known[hall] = today, self._read(hall, today, zone)
            return known[1]

    def _read(self, hall: str, today: date, zone: tzinfo) -> Usual | None:
        with self._store.reading() as c:
            earlier = spans.same_weekdays(c, hall, today, WEEKDAYS_BEFORE)
            whole = together(spans.queues_of(c, hall, earlier).values())
        if not earlier:
            return None
        offset = datetime.combine(today, time(12), zone).utcoffset() or timedelta()
        return Usual(len(earlier), figures(whole, len(earlier)), halves(whole.arrivals, offset, len(earlier)))


def halves(arrivals: Sequence[int], offset: timedelta, days: int = 1) -> list[float]:
    """Arrivals per quarter of UTC, of so many days, as those of a mean day by the hall's half hours."""
    quarters = turned(arrivals, offset)
    return [(quarters[at] + quarters[at + 1]) / days for at in range(0, len(quarters), 2)]


def usual(hall: str, now: datetime) -> Usual | None:
    """What is usual in a hall on a weekday such as that of `now`, by the hall's clock."""
    usuals = cast(Usuals, current_app.extensions["usuals"])
    return usuals.of(hall, now.date(), cast(tzinfo, now.tzinfo))
