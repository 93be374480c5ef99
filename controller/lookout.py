"""The waits to come in one hall, for every screen that shows them: one look ahead, shared and paced.

A look costs a few milliseconds, so nobody who decides or draws boards makes one: `latest` only reads. Web
pages ask with `now`, and `look_and_tell` is called every few seconds beside them while the hall changes.
Hides the pace, which counts in real seconds whatever the speed of the hall's clock.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from controller.hall.model import Hall
from controller.hall.waits import LOOK_EVERY, Forecast, forecast
from controller.paced import SHARE

LOOK_S = 2.0  # real seconds between two looks


class Lookout:
    """The last forecast of one hall. Any thread may ask."""

    def __init__(
        self, read: Callable[[], Hall], now: Callable[[], datetime], every_s: float = LOOK_S
    ) -> None:
        """every_s: 0.0 looks again whenever the hall has changed."""
        self._read, self._now, self._every_s = read, now, every_s
        self._turn = threading.Lock()
        self._last: tuple[Hall, Forecast] | None = None
        self._told: Forecast | None = None
        self._next_s = 0.0  # monotonic, before which nobody looks again

    def latest(self) -> Forecast:
        """The forecast as last made, without looking; of a hall nobody looked at, none is known."""
        last = self._last
        return Forecast(self._now()) if last is None else last[1]

    def now(self) -> Forecast:
        """The forecast, looked at anew when it is due and the hall or its clock has moved on."""
        if self._is_due() and self._turn.acquire(blocking=self._last is None):
            try:
                if self._is_due():
                    self._look()
            finally:
                self._turn.release()
        return self.latest()

    def _is_due(self) -> bool:
        last = self._last
        if last is None:
            return True
        if time.monotonic() < self._next_s:
            return False
        return last[0] is not self._read() or not timedelta() <= self._now() - last[1].at < LOOK_EVERY

    def _look(self) -> None:
        began_s, hall = time.monotonic(), self._read()
        self._last = hall, forecast(hall, self._now())
        took_s = time.monotonic() - began_s
        self._next_s = began_s + (max(self._every_s, took_s / SHARE) if self._every_s else 0.0)

    def look_and_tell(self, told: Callable[[], None]) -> None:
        """Look when it is due, and call `told` when the forecast is not the one that was told last."""
        known = self.now()
        if known is not self._told:
            self._told = known
            told()
