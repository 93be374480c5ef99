"""公告: what the hall tells everybody for a while, on displays, kiosks and phones.

Pure. A notice is shown from its beginning to its end, in the whole hall or in some areas, unless somebody
ended it before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from controller.hall.model import Text

LONGEST = 120  # characters in one language: two lines of a hall display
MOST_AT_ONCE = 3  # on one screen; the newest


class When(StrEnum):
    """Where a notice stands in its time."""

    COMING = "coming"
    SHOWN = "shown"
    OVER = "over"
    ENDED = "ended"  # by somebody, before its time


@dataclass(frozen=True, slots=True)
class Notice:
    """zones: of the hall, none for all of it. written_by and ended_by: persons."""

    id: int
    text: Text
    zones: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    written_by: str
    written_at: datetime
    ended_by: str | None = None
    ended_at: datetime | None = None

    def when(self, now: datetime) -> When:
        if self.ended_at is not None:
            return When.ENDED
        if now < self.starts_at:
            return When.COMING
        return When.SHOWN if now < self.ends_at else When.OVER


def shown(notices: Iterable[Notice], zones: Collection[str], now: datetime) -> list[Notice]:
    """What stands now where people of these areas look, the newest first."""
    found = [
        one
        for one in notices
        if one.when(now) is When.SHOWN and (not one.zones or not set(one.zones).isdisjoint(zones))
    ]
    return sorted(found, key=lambda one: (one.starts_at, one.id), reverse=True)[:MOST_AT_ONCE]


def together(notices: Iterable[Notice]) -> Text:
    """All of them as one text for a screen with a line for it."""
    texts = [one.text for one in notices]
    return Text(" ● ".join(text.zh for text in texts), " ● ".join(text.en for text in texts if text.en))
