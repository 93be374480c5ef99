"""How loud a loudspeaker speaks at what time of day.

Pure. Options of a speaker's DeviceConfig: `volume` in per cent (100), and `quiet`, times with a volume of
their own: "12:00-14:00=40,20:00-07:30=0". At 0 nothing is said: the displays call alone. Of several times
that hold, the first counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time


class BadVolume(ValueError):
    """An option that says no volume; the message names it."""


@dataclass(frozen=True, slots=True)
class _Quiet:
    start: time
    end: time
    percent: int


def is_within(at: time, start: time, end: time) -> bool:
    """Whether a time of day lies in a span; one that ends before it starts goes over midnight."""
    if start <= end:
        return start <= at < end
    return at >= start or at < end


def volume_at(options: Mapping[str, str], at: time) -> int:
    """Per cent, 0 to 100. at: the hall's local time. Raises BadVolume."""
    usual = _percent(options.get("volume", "100"))
    quiet = [_quiet(text) for text in options.get("quiet", "").split(",") if text.strip()]
    return next((one.percent for one in quiet if is_within(at, one.start, one.end)), usual)


def _quiet(text: str) -> _Quiet:
    times, _, percent = text.strip().partition("=")
    start, _, end = times.partition("-")
    try:
        return _Quiet(time.fromisoformat(start.strip()), time.fromisoformat(end.strip()), _percent(percent))
    except ValueError as error:
        raise BadVolume(f"quiet: write 12:00-14:00=40, not {text.strip()!r}") from error


def _percent(text: str) -> int:
    if not text.strip().isdecimal() or int(text) > 100:
        raise BadVolume(f"volume is 0 to 100, not {text!r}")
    return int(text)
