"""What time it is at a unit: its own clock until the controller's is known (R16).

Hides how the controller's time is carried on between its answers, and how far it may be believed.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from firmware.protocol.codec import utc
from firmware.protocol.messages import TimeQuality

SYNCED_FOR_S = 1800.0  # afterwards the crystal has drifted some 0.1 s (50 ppm): holdover


class UnitClock:
    """Of one unit. Monotonic milliseconds count from the start of this process, which `boot` numbers."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._at_sync: tuple[datetime, float, float] | None = None  # controller's time, mono, rtt
        self._hall: tuple[datetime, float, float] | None = None  # hall's time, mono, speed

    def mono_ms(self) -> int:
        return int((time.monotonic() - self._started) * 1000)

    def now(self) -> datetime:
        """UTC; the controller's clock carried on monotonically, once it is known."""
        if self._at_sync is None:
            return datetime.now(UTC)
        theirs, mono, _ = self._at_sync
        return theirs + timedelta(seconds=time.monotonic() - mono)

    def hall(self) -> tuple[datetime, float] | None:
        """What the clock in the hall shows, and how many of its seconds a real one has (the demo's runs
        faster); None while the controller has not said."""
        if self._hall is None:
            return None
        shown, mono, speed = self._hall
        return shown + timedelta(seconds=(time.monotonic() - mono) * speed), speed

    @property
    def is_believable(self) -> bool:
        """Whether the time may be printed."""
        return self.quality() is not TimeQuality.UNTRUSTED

    def quality(self) -> TimeQuality:
        if self._at_sync is None:
            return TimeQuality.UNTRUSTED
        age_s = time.monotonic() - self._at_sync[1]
        return TimeQuality.SYNCED if age_s < SYNCED_FOR_S else TimeQuality.HOLDOVER

    def real_s(self, moment: datetime) -> float:
        """Real seconds since `moment`; negative when it lies ahead."""
        return (self.now() - moment).total_seconds()

    def learn(
        self, theirs: datetime, rtt_s: float, *, is_first: bool, hall: tuple[datetime, float] | None = None
    ) -> None:
        """Take over the controller's time. Of one round of questions the fastest answer counts.

        hall: the hall's clock and its speed at the same moment.
        """
        if self._at_sync is None or is_first or rtt_s < self._at_sync[2]:
            now_s = time.monotonic()
            self._at_sync = (utc(theirs) + timedelta(seconds=rtt_s / 2), now_s, rtt_s)
            if hall is not None:
                shown, speed = hall
                self._hall = (utc(shown) + timedelta(seconds=rtt_s / 2 * speed), now_s, speed)
