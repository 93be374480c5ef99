"""Times of day as people type and read them: 09:00-12:00 13:30-17:00."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import time

SPAN = re.compile(r"(\d{1,2})[:：](\d{2})\s*[-–—~至]\s*(\d{1,2})[:：](\d{2})")  # of times somebody types
BETWEEN = re.compile(r"[\s,;，；、]")
LONGEST = 200  # characters

Span = tuple[time, time]


def spans(text: str) -> list[Span]:
    """The spans of time in a text. Raises ValueError for what is no time of day or nothing we know."""
    text = text[:LONGEST]
    if BETWEEN.sub("", SPAN.sub("", text)):
        raise ValueError(text)
    return [
        (time(int(hour), int(minute)), time(int(to_hour), int(to_minute)))
        for hour, minute, to_hour, to_minute in SPAN.findall(text)
    ]


def written(found: Iterable[Span]) -> str:
    """As they are typed."""
    return " ".join(f"{start:%H:%M}-{end:%H:%M}" for start, end in found)
