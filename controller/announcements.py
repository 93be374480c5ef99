"""The announcements of one running hall, kept at hand for whoever draws a screen or a page.

Hides that they are rows: they are read once, and again when somebody has changed them.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from controller.hall import notices
from controller.hall.model import Text
from controller.hall.notices import Notice
from controller.store import Store
from controller.store import notices as rows

NOTHING = Text("", "")


class Announcements:
    """Any thread may ask."""

    def __init__(self, store: Store, hall: str, now: datetime) -> None:
        self._store, self._hall = store, hall
        self._known: tuple[Notice, ...] = ()
        self.read(now)

    def read(self, now: datetime) -> None:
        """Read them anew: one was written or ended."""
        with self._store.reading() as c:
            self._known = tuple(rows.not_over(c, self._hall, now))

    def shown(self, zones: Collection[str], now: datetime) -> list[Notice]:
        """Those to be shown to people of these areas, the newest first."""
        return notices.shown(self._known, zones, now)

    def said(self, zones: Collection[str], now: datetime) -> Text:
        """The same as one text for a screen with a line for it."""
        return notices.together(self.shown(zones, now)) if zones else NOTHING
