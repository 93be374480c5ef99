"""The faults of a unit's devices on their way to the controller: each told when it begins and when it ends.

Hides hysteresis: what comes and goes is told as over when it has stayed away for a while.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from firmware.protocol import faults
from firmware.protocol.flaps import Flaps
from firmware.protocol.logs import Outages
from firmware.protocol.messages import Faulted, Recovered
from firmware.protocol.outbox import Outbox

FLAPS = 3  # a fault that begins so often within a minute comes and goes


class Troubles:
    """Of one unit. store: makes a report durable and sends it. Safe from any thread."""

    def __init__(
        self, outbox: Outbox, outages: Outages, store: Callable[[Faulted | Recovered], None]
    ) -> None:
        self._outbox, self._outages, self._store = outbox, outages, store
        self._flaps: Flaps[tuple[str, str]] = Flaps(FLAPS)

    def began(self, report: Faulted) -> None:
        self._outages.begin(f"{report.device} {report.code}", report.detail)
        if self._flaps.began((report.device, report.code), time.monotonic()):
            self._store(report)

    def ended(self, report: Recovered) -> None:
        """Told at once, unless it comes and goes: then by `calm`."""
        self._outages.end(f"{report.device} {report.code}")
        key = (report.device, report.code)
        if self._flaps.ended(key, time.monotonic()):
            self._store(report)
        elif self._flaps.count(key) == FLAPS:
            detail = f"comes and goes: {FLAPS} times within a minute"
            severity = faults.severity(report.code)
            self._store(Faulted(device=report.device, code=report.code, detail=detail, severity=severity))

    def calm(self, now_s: float) -> None:
        """Tell the end of what came and went and has stayed away."""
        for device, code in self._flaps.calm(now_s):
            self._store(Recovered(device=device, code=code))

    def forget(self, device: str) -> None:
        """A device that was taken away has no faults; its successor reports its own."""
        for fault in self._outbox.faults():
            if fault.device == device:
                self._flaps.forget((device, fault.code))
                self._store(Recovered(device=device, code=fault.code))
