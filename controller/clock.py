"""The clock of the hall: real time, or in a demo hall a time of its own that runs faster.

Hall time = epoch + offset + speed * (real time - epoch). A real hall has offset 0 and speed 1. The
setting is stored, so that a demo hall goes on after a restart where it stopped.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]


def real_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class ClockSetting:
    """How hall time follows real time from `epoch` on, a moment of real time."""

    epoch: datetime
    offset: timedelta = timedelta()
    speed: float = 1.0

    def hall_time(self, real: datetime) -> datetime:
        return self.epoch + self.offset + (real - self.epoch) * self.speed


class HallClock:
    """Says what time it is in the hall; any thread may ask. `real`: where real time comes from."""

    def __init__(self, setting: ClockSetting | None = None, real: Clock = real_now) -> None:
        self._real = real
        self._setting = setting or ClockSetting(real())

    def now(self) -> datetime:
        """The hall's time, aware UTC."""
        return self._setting.hall_time(self._real())

    def real_now(self) -> datetime:
        return self._real()

    @property
    def setting(self) -> ClockSetting:
        return self._setting

    @property
    def speed(self) -> float:
        return self._setting.speed

    @property
    def is_real(self) -> bool:
        return self._setting.speed == 1.0 and not self._setting.offset

    def real_seconds(self, hall: timedelta) -> float:
        """How long such a time of the hall really takes."""
        return hall.total_seconds() / self._setting.speed

    def set(self, now: datetime, speed: float = 1.0) -> ClockSetting:
        """Let it be `now` in the hall from this moment on, and time run `speed` times as fast."""
        if not (math.isfinite(speed) and speed > 0):
            raise ValueError(f"a clock cannot run at speed {speed}")
        real = self._real()
        self._setting = ClockSetting(real, now - real, speed)
        return self._setting

    def resume(self, last_event_at: datetime | None) -> ClockSetting:
        """Go on where the hall stopped: at its last event. A real hall's clock stays as it is."""
        if self.is_real or last_event_at is None:
            return self._setting
        return self.set(last_event_at, self.speed)
