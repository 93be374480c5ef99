"""The loop helper: runs a callback so that its mistake is seen, counted and survived (F70).

An exception in a paho callback kills paho's thread while `is_connected()` stays true, and one in a
worker's loop would silently end that device's work. So every loop of a node, and every callback of
its MQTT session, runs its steps through one of these.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from threading import Lock


class Guard:
    """Runs steps, logs what they raise with its traceback, and counts it per step name."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._lock = Lock()
        self._counts: Counter[str] = Counter()

    def run(self, what: str, step: Callable[[], object]) -> bool:
        """Whether `step` ended without an exception."""
        try:
            step()
        except Exception:
            self._log.exception("%s failed and goes on", what)
            self.count(f"failed.{what}")
            return False
        return True

    def count(self, what: str, by: int = 1) -> None:
        with self._lock:
            self._counts[what] += by

    def counts(self) -> dict[str, int]:
        """What was counted since the start, a copy."""
        with self._lock:
            return dict(self._counts)
