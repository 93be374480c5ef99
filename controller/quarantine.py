"""Messages nobody can use: kept with the reason for somebody to look at, and not for ever.

Hides how few of them are kept of a unit that sends nothing else, and when what is old is forgotten.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import timedelta

from controller.clock import HallClock
from controller.settings import Settings
from controller.store.devices import Record, SetAside, forget, set_aside
from firmware.protocol.codec import BadMessage

A_MINUTE = 20  # rows kept of one unit; all are counted
FORGET_EVERY_S = 3600.0

_logger = logging.getLogger(__name__)


class Quarantine:
    """Of one hall. record: stores a row, soon."""

    def __init__(
        self, hall: str, settings: Settings, clock: HallClock, record: Callable[[Record], None]
    ) -> None:
        self._hall, self._clock, self._record = hall, clock, record
        self._keep = timedelta(days=settings.set_aside_days)
        self._keep_marks = timedelta(days=settings.marks_days)
        self._kept: dict[tuple[str, int], int] = {}  # (unit, minute) -> rows
        self._forget_at_s = 0.0

    def keep(self, unit: str, topic: str, payload: bytes, error: BadMessage) -> None:
        """Set a message aside, unless the unit had so many this minute that they would fill a disk."""
        minute = int(time.monotonic() // 60)
        kept = self._kept.get((unit, minute), 0)
        self._kept = {key: rows for key, rows in self._kept.items() if key[1] == minute}
        self._kept[unit, minute] = kept + 1
        if kept >= A_MINUTE:
            return
        _logger.error("hall %s: set aside a message on %s: %s", self._hall, topic, error)
        now = self._clock.now()
        found = SetAside(unit, topic, payload, str(error), error.field, error.remedy, now)
        self._record(set_aside(self._hall, found))

    def forget(self, now_s: float) -> None:
        """Every hour: forget what was set aside long ago, and stores of units that are long gone."""
        if now_s >= self._forget_at_s:
            self._forget_at_s = now_s + FORGET_EVERY_S
            now = self._clock.now()
            self._record(forget(self._hall, now - self._keep, now - self._keep_marks))
