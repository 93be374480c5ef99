"""Anchors of the audit trail, taken once a day and kept outside the database (docs/howto/audit.md).

Hides the file: a line per day, number and hash of the newest row and the day, appended and never changed. The
same goes to the log, which a site may send to another machine.
"""

from __future__ import annotations

import logging
import os
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from controller.clock import real_now
from controller.store import Store, audit
from controller.store.audit import Anchor, BadAnchor, Verdict

LOOK_S = 60.0
NAME = "audit.anchors"

_logger = logging.getLogger(__name__)


class Anchors:
    """The anchors of one store in `file`."""

    def __init__(self, store: Store, file: Path, zone: ZoneInfo) -> None:
        self._store, self.file, self._zone = store, file, zone

    def take_daily(self) -> None:
        """An anchor, unless today has one. Raises OSError when it cannot be kept."""
        self.take_for(real_now())

    def take_for(self, now: datetime) -> None:
        today = now.astimezone(self._zone).date()
        if self.last() is not None and self.last() == today:
            return
        with self._store.reading() as c:
            head = audit.head(c)
        line = f"{head} {today}"
        descriptor = os.open(self.file, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o640)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{line}\n")
            file.flush()
            os.fsync(file.fileno())
        _logger.info("anchor of the audit trail: %s", line)

    def last(self) -> date | None:
        """The day of the newest anchor."""
        *_, last = ["", *self._lines()]
        try:
            return date.fromisoformat(last.partition(" ")[2])
        except ValueError:
            return None

    def verify(self) -> Verdict:
        """Whether the trail is as it was written, as far as chain and kept anchors can tell."""
        with self._store.reading() as c:
            return audit.verify(c, list(self._all()))

    def _all(self) -> list[Anchor]:
        """Those in the file; a line cut off by a power cut tells nothing."""
        found = []
        for line in self._lines():
            try:
                found.append(audit.anchor_of(line))
            except BadAnchor:
                _logger.warning("%s holds a line that is no anchor: %r", self.file, line)
        return found

    def _lines(self) -> list[str]:
        try:
            return [line for line in self.file.read_text(encoding="utf-8").splitlines() if line.strip()]
        except FileNotFoundError:
            return []
