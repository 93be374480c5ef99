"""The key figures of a report (K.01-K.19), from the tallies of one day or of many.

Pure. One definition for pages, files and prints. Counts of several days are means per day, waits and shares
are of all their visits together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from controller.hall.tallies import LEVELS, WAIT_ENDS, Tally

SOON_MIN, LONG_MIN = 15, 30  # K.12; P.28


@dataclass(frozen=True, slots=True)
class Figures:
    """Minutes, counts a day, and shares from 0 to 1; None where there is nothing to measure.

    half_wait, most_wait: half and nine of ten visits waited no longer. bad: ratings of 1 and 2.
    """

    issued: float
    served: float
    missed: float
    abandoned: float
    cancelled: float
    expired: float
    green: float
    booked: float
    moved: float
    cases: float
    enquiries: float
    collections: float
    nothings: float
    rated: float
    bad: float
    mean_wait: float | None
    half_wait: float | None
    most_wait: float | None
    longest_wait: float | None
    soon: float | None
    long: float | None
    mean_service: float | None
    no_show: float | None
    took_part: float | None
    satisfied: float | None
    strictly: float | None


COUNTS = (
    *("issued", "served", "missed", "abandoned", "cancelled", "expired", "green", "booked", "moved"),
    *("cases", "enquiries", "collections", "nothings"),
)


def figures(tally: Tally, days: int = 1) -> Figures:
    """The figures of a tally over so many days."""
    rated = [getattr(tally, f"rated_{level}") for level in LEVELS]
    counts = {name: getattr(tally, name) / days for name in COUNTS}
    return Figures(
        **counts,
        rated=sum(rated) / days,
        bad=sum(rated[:2]) / days,
        mean_wait=_share(tally.wait_s / 60, tally.called),
        half_wait=waited_at_most(tally, 0.5),
        most_wait=waited_at_most(tally, 0.9),
        longest_wait=tally.longest_s / 60 if tally.called else None,
        soon=_share(_within(tally, SOON_MIN), tally.called),
        long=_share(tally.called - _within(tally, LONG_MIN), tally.called),
        mean_service=_share(tally.service_s / 60, tally.served),
        no_show=_share(tally.abandoned, tally.issued),
        took_part=_share(sum(rated), tally.served),
        satisfied=_share(sum(rated[2:]), sum(rated)),
        strictly=_share(sum(rated[3:]), sum(rated)),
    )


def waited_at_most(tally: Tally, part: float) -> float | None:
    """Minutes within which this part of the visits was called, even within a class of waits."""
    wanted, seen, begin = part * tally.called, 0.0, 0.0
    ends = (*WAIT_ENDS, max(WAIT_ENDS[-1], tally.longest_s / 60))
    for end, count in zip(ends, tally.waits, strict=True):
        if count and seen + count >= wanted:
            return min(begin + (end - begin) * (wanted - seen) / count, tally.longest_s / 60)
        seen, begin = seen + count, end
    return None


def _within(tally: Tally, minutes: int) -> int:
    return sum(tally.waits[: WAIT_ENDS.index(minutes) + 1])


def _share(part: float, of: float) -> float | None:
    return part / of if of else None


# --- waits told apart for a chart

COARSE_ENDS = (5, 10, 15, 20, 30, 45, 60, 90)


def coarse(waits: Sequence[int]) -> list[int]:
    """How many waited up to each of COARSE_ENDS and, last, longer."""
    found, begin = [], 0
    for end in (*COARSE_ENDS, None):
        after = len(waits) if end is None else WAIT_ENDS.index(end) + 1
        found.append(sum(waits[begin:after]))
        begin = after
    return found
