"""How many came for what and when, on the days before today: what staffing and advice are planned from.

Days that are over do not change, so their counts are read once and kept: 8 weeks of them, a few numbers per
queue and quarter of an hour.
"""

from __future__ import annotations

import threading
from datetime import date, datetime, timedelta, tzinfo

from controller.hall.model import Hall
from controller.hall.staffing import PastDay, coming
from controller.store import Store, counts

PAST_DAYS = 56  # planned from


class Pasts:
    """The counts of the last PAST_DAYS days of every hall. Any thread may ask."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._known: dict[tuple[str, date], counts.Day] = {}

    def of(self, hall: str, today: date, zone: tzinfo) -> dict[str, list[PastDay]]:
        """Per queue the days before today on which anybody came."""
        days = [today - timedelta(days=back) for back in range(PAST_DAYS, 0, -1)]
        with self._lock:
            self._known = {key: row for key, row in self._known.items() if key[1] >= days[0]}
            with self._store.reading() as c:
                for day in days:
                    if (hall, day) not in self._known:
                        self._known[hall, day] = counts.day_counts(c, hall, day, zone)
            rows = [(day, self._known[hall, day]) for day in days]
        found: dict[str, list[PastDay]] = {}
        for day, queues in rows:
            for queue, row in queues.items():
                found.setdefault(queue, []).append(PastDay(day, row))
        return found

    def coming(self, hall: Hall, now: datetime, zone: tzinfo) -> dict[str, float]:
        """People of each queue expected in the next hour; empty while the hall has no past."""
        local = now.astimezone(zone)
        quarter = local.hour * 4 + local.minute / 15
        pasts = self.of(hall.id, local.date(), zone)
        is_today = hall.day is not None and hall.day.date == local.date()
        return coming(pasts, local.date(), quarter, sum(hall.issued.values()) if is_today else 0)
