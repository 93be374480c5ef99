"""A step that is done again and again beside everything else, for what is worth little of a processor's time.

Hides the thread and its pace, which counts in real seconds whatever the speed of the hall's clock, and that a
mistake in the step ends neither: it is told once when it begins and once when a step succeeds again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from controller.draft import raised
from firmware.protocol.logs import Outages

SHARE = 0.02  # of a processor's time that steps may take; one that is long is done less often

_logger = logging.getLogger(__name__)


class Paced:
    """Does one step every `every_s` seconds, or less often when that takes more than its share."""

    def __init__(
        self, name: str, step: Callable[[], object], every_s: float, outages: Outages, share: float = SHARE
    ) -> None:
        """name: of the thread, and of the part that is out while the step fails.

        share: more than SHARE for a step that mostly waits for another process.
        """
        self._name, self._step, self._every_s, self._outages = name, step, every_s, outages
        self._share = share
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End, after the step under way."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        pause_s = self._every_s
        while not self._stopping.wait(pause_s):
            began_s = time.monotonic()
            self._note(raised(self._step))
            pause_s = max(self._every_s, (time.monotonic() - began_s) / self._share)

    def _note(self, error: BaseException | None) -> None:
        if error is None:
            self._outages.end(self._name)
        elif self._outages.begin(self._name, f"{type(error).__name__}: {error}"):
            _logger.error("%s fails like this:", self._name, exc_info=error)
