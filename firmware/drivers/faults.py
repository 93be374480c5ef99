"""What is wrong with one device now: each fault is told once when it starts and once when it ends.

The codes, how bad they are and what to do about them stand in firmware/protocol/faults.py.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from firmware.protocol.faults import SEVERITIES, severity
from firmware.protocol.messages import Faulted, Recovered, Struct


class Faults:
    """The open faults of one device. Safe to use from any thread."""

    def __init__(self, device: str, report: Callable[[Struct], None]) -> None:
        self._device = device
        self._report = report
        self._open: dict[str, str] = {}
        self._lock = threading.Lock()

    def raised(self, code: str, detail: str = "") -> None:
        """Report Faulted, unless it is already open."""
        with self._lock:
            if code in self._open:
                return
            self._open[code] = detail
        self._report(Faulted(device=self._device, code=code, detail=detail, severity=severity(code)))

    def cleared(self, code: str) -> None:
        """Report Recovered, when it was open."""
        with self._lock:
            if self._open.pop(code, None) is None:
                return
        self._report(Recovered(device=self._device, code=code))

    def only(self, codes: Mapping[str, str], among: frozenset[str]) -> None:
        """Of the codes `among`, exactly `codes` (code -> detail) are open: raise and clear accordingly."""
        for code in sorted(among - codes.keys()):
            self.cleared(code)
        for code, detail in codes.items():
            self.raised(code, detail)

    def has(self, code: str) -> bool:
        return code in self._open

    def worst(self) -> str:
        """ "ok", or the open code people notice first."""
        with self._lock:
            codes = sorted(self._open, key=lambda code: SEVERITIES.index(severity(code)))
        return codes[0] if codes else "ok"
