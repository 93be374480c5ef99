"""How many people came by quarter of an hour and weekday, and how many windows that asked for (R-X4).

Pure. Windows needed are those of hall/staffing.py, for the people that came; beside them stands how many were
staffed. What differs by a window or more for a while is said in words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from controller.hall.staffing import QUARTERS, Target, offered_load, windows_for

QUARTER_S = 900.0
LEAST_SHORT, LEAST_SPARE = 2, 4  # quarters; a shorter gap is not worth a word
GAP = 1.0  # windows


@dataclass(frozen=True, slots=True)
class Load:
    """A mean day. people, needed, staffed: per quarter of the hall's own day; staffed in windows."""

    days: int
    people: Sequence[float]
    needed: Sequence[int]
    staffed: Sequence[float]


@dataclass(frozen=True, slots=True)
class Gap:
    """Quarters from first up to before last in which windows lacked (is_short) or were too many."""

    first: int
    last: int
    needed: int
    staffed: float
    is_short: bool


def load(
    arrivals: Sequence[int],
    staffed_s: Sequence[int],
    days: int,
    mean_service: timedelta,
    target: Target,
) -> Load:
    """arrivals, staffed_s: of so many days together, per quarter of the hall's own day."""
    people = [count / days for count in arrivals] if days else [0.0] * QUARTERS
    loads = offered_load(people, mean_service)
    needed = [
        windows_for(one, mean_service, target) if came >= 0.05 or one >= 0.5 else 0
        for one, came in zip(loads, people, strict=True)
    ]
    staffed = [seconds / QUARTER_S / days for seconds in staffed_s] if days else [0.0] * QUARTERS
    return Load(days, people, needed, staffed)


def turned(quarters: Sequence[int], offset: timedelta) -> list[int]:
    """Quarters of UTC as those of a hall that is so far ahead of it."""
    by = int(offset.total_seconds() // QUARTER_S) % QUARTERS
    return [*quarters[QUARTERS - by :], *quarters[: QUARTERS - by]]


def busy(rows: Iterable[Sequence[float]]) -> range:
    """From the first place at which any of the rows has something to the last."""
    used = [at for row in rows for at, value in enumerate(row) if value]
    return range(min(used), max(used) + 1) if used else range(0)


def gaps(one: Load) -> list[Gap]:
    """Where windows lacked and where they were too many, while anybody came."""
    found: list[Gap] = []
    kinds = [_kind(one, quarter) for quarter in range(QUARTERS)]
    begin = 0
    for quarter in range(1, QUARTERS + 1):
        if quarter < QUARTERS and kinds[quarter] == kinds[begin]:
            continue
        if kinds[begin] and quarter - begin >= (LEAST_SHORT if kinds[begin] > 0 else LEAST_SPARE):
            found.append(_gap(one, begin, quarter))
        begin = quarter
    return found


def _kind(one: Load, quarter: int) -> int:
    """1: too few windows, -1: too many, 0: neither, or nobody came."""
    difference = one.needed[quarter] - one.staffed[quarter]
    if not one.needed[quarter] or abs(difference) < GAP:
        return 0
    return 1 if difference > 0 else -1


def _gap(one: Load, begin: int, end: int) -> Gap:
    needed, staffed = max(one.needed[begin:end]), sum(one.staffed[begin:end]) / (end - begin)
    return Gap(begin, end, needed, staffed, one.needed[begin] > one.staffed[begin])
