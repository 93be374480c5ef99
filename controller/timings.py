"""How long the steps of a hall take: the last hour's percentiles, and totals since the start.

Hides how little it keeps: fixed buckets in a ring of minutes, so that a step costs the same however
many there were. One observation is a bisection and four additions.
"""

from __future__ import annotations

import threading
import time
from array import array
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate

# Upper ends in seconds, about 1.5 apart: percentiles are right to half of that, and closer where steps
# usually lie. What took longer than the last is known by its maximum.
BOUNDS_S = (
    *(0.0005, 0.00075, 0.001, 0.0015, 0.002, 0.003, 0.005, 0.0075),
    *(0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75),
    *(1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0),
)
MINUTES = 60


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of one step in the last hour, in seconds; None where nothing happened."""

    count: int
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """Since the start. buckets: how many took at most BOUNDS_S[i], the last one: all."""

    buckets: tuple[int, ...]
    sum_s: float


class Timing:
    """One step. Any thread may observe and read."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._lock = threading.Lock()
        width = len(BOUNDS_S) + 1
        self._ring = [array("L", bytes(array("L").itemsize * width)) for _ in range(MINUTES)]
        self._most = [0.0] * MINUTES
        self._minute_of = [-MINUTES] * MINUTES
        self._all = [0] * width
        self._sum_s = 0.0

    def observe(self, seconds: float) -> None:
        """It took so long; what a clock makes negative counts as nothing."""
        seconds = 0.0 if seconds < 0.0 else seconds
        bucket, minute = bisect_left(BOUNDS_S, seconds), int(self._now_s() // 60)
        slot = minute % MINUTES
        with self._lock:
            if self._minute_of[slot] != minute:
                self._begin(slot, minute)
            self._ring[slot][bucket] += 1
            if seconds > self._most[slot]:
                self._most[slot] = seconds
            self._all[bucket] += 1
            self._sum_s += seconds

    def last_hour(self) -> Percentiles:
        now = int(self._now_s() // 60)
        with self._lock:
            fresh = [slot for slot in range(MINUTES) if now - self._minute_of[slot] < MINUTES]
            counts = [sum(column) for column in zip(*(self._ring[slot] for slot in fresh), strict=True)]
            most = max((self._most[slot] for slot in fresh), default=0.0)
        total = sum(counts)
        if not total:
            return Percentiles(0)
        p50, p95, p99 = (_quantile(counts, total, part, most) for part in (0.50, 0.95, 0.99))
        return Percentiles(total, p50, p95, p99, most)

    def totals(self) -> Totals:
        with self._lock:
            counts, sum_s = list(self._all), self._sum_s
        return Totals(tuple(accumulate(counts)), sum_s)

    def _begin(self, slot: int, minute: int) -> None:
        self._ring[slot] = array("L", bytes(array("L").itemsize * (len(BOUNDS_S) + 1)))
        self._most[slot], self._minute_of[slot] = 0.0, minute


class Timings:
    """The steps of one hall."""

    def __init__(self) -> None:
        self.commit = Timing()  # a batch is taken until it is stored
        self.report_committed = Timing()  # a unit's report is here until it is stored
        self.order_sent = Timing()  # an order is stored until it is first given to the broker
        self.order_answered = Timing()  # from then until its final result
        self.slip_ordered = Timing()  # a press is here until its slip's order is given to the broker
        self.board_sent = Timing()  # a call is stored until the first board that shows it is given away
        self.voice_taken = Timing()  # an announcement is stored until the speaker's unit has it
        self.action = Timing()  # a key of the window console, as the server sees it

    def items(self) -> list[tuple[str, Timing]]:
        """Every step with its name."""
        return list(vars(self).items())


def _quantile(counts: list[int], total: int, part: float, most: float) -> float:
    """Where `part` of all lies, taken evenly spread within its bucket; never more than the longest."""
    reached, rank = list(accumulate(counts)), part * total
    bucket = bisect_left(reached, rank)
    low = BOUNDS_S[bucket - 1] if bucket else 0.0
    high = BOUNDS_S[bucket] if bucket < len(BOUNDS_S) else most
    within = (rank - (reached[bucket] - counts[bucket])) / counts[bucket]
    return min(low + (high - low) * within, most)
