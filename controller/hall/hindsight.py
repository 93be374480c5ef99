"""What became of earlier estimates: how far off they were, and what is therefore told next time.

Pure bookkeeping, kept in the hall and its snapshots. The first call of a ticket that was given an estimate
moves a histogram of log((waited + OFFSET_S) / (forecast + OFFSET_S)), one per length of the forecast. Its
quantiles turn the next forecast of a fast-forward (forward.py) into P10, P50 and P90: forecasts that are too
short in this hall become longer, uncertain ones become wide. Older tickets fade.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from immutables import Map

OFFSET_S = 60.0  # waits far below a minute are all alike
EDGES_S = (15.0, 60.0, 180.0, 420.0, 900.0, 1500.0, 2400.0, 3600.0, 5400.0)  # lengths of forecast set apart
STEPS = 49  # of a histogram, over log ratios from -SPAN to SPAN
SPAN = 2.4  # a wait e^2.4 = 11 times as long as forecast
MEMORY = 500.0  # tickets after which older ones of the same length fade
PRIOR = (0.4, 0.7, 1.0, 1.3, 2.0)  # ratios taken to have been seen before any were
LONG_S = 1500.0  # from this length of a forecast on chance evens out, and these are:
LONG_PRIOR = (0.6, 0.8, 1.0, 1.25, 1.75)
QUANTILES = (0.1, 0.5, 0.9)
ENOUGH = 30.0  # tickets of that length before an estimate counts as calibrated
ERROR_MEMORY = 200.0  # tickets of one queue and hour after which their errors fade


class Expected(NamedTuple):
    """A wait as it was told, in seconds. forecast_s: before calibration, which is what is learned from."""

    forecast_s: float
    low_s: float  # P10
    middle_s: float  # P50
    high_s: float  # P90
    is_calibrated: bool


@dataclass(frozen=True, slots=True)
class Error:
    """How good the estimates of one queue were in one hour; older tickets weigh less.

    count: tickets. off_s: mean of |waited - P50|; bias_s: mean of waited - P50. held: share of the waits
    that lay from P10 to P90.
    """

    count: float = 0.0
    off_s: float = 0.0
    bias_s: float = 0.0
    held: float = 0.0


@dataclass(frozen=True, slots=True)
class Hindsight:
    """seen: per length of forecast (index into EDGES_S), how many log ratios fell into each step.

    errors: per (queue, hour of the day in UTC).
    """

    seen: Map[int, tuple[float, ...]] = field(default_factory=Map)
    errors: Map[tuple[str, int], Error] = field(default_factory=Map)


def expected(hindsight: Hindsight, forecast_s: float) -> Expected:
    """A forecast with what this hall's earlier forecasts of that length were worth."""
    forecast_s = max(0.0, forecast_s)
    seen = hindsight.seen.get(bisect_right(EDGES_S, forecast_s))
    counts = _prior(forecast_s) if seen is None else seen
    low, middle, high = (max(0.0, (forecast_s + OFFSET_S) * ratio - OFFSET_S) for ratio in _ratios(counts))
    is_calibrated = sum(counts) - len(PRIOR) >= ENOUGH
    return Expected(round(forecast_s, 1), round(low, 1), round(middle, 1), round(high, 1), is_calibrated)


def learn(hindsight: Hindsight, told: Expected, queue: str, hour: int, waited_s: float) -> Hindsight:
    """The hindsight after one more ticket was called."""
    waited_s = max(0.0, waited_s)
    length, step = bisect_right(EDGES_S, told.forecast_s), _step(told.forecast_s, waited_s)
    counts = hindsight.seen.get(length) or _prior(told.forecast_s)
    fade = min(1.0, MEMORY / (sum(counts) + 1.0))
    counts = tuple(count * fade + (i == step) for i, count in enumerate(counts))
    key = queue, hour
    error = _moved(hindsight.errors.get(key, Error()), told, waited_s)
    return Hindsight(hindsight.seen.set(length, counts), hindsight.errors.set(key, error))


def _moved(error: Error, told: Expected, waited_s: float) -> Error:
    count = min(ERROR_MEMORY, error.count + 1.0)
    off = waited_s - told.middle_s
    held = told.low_s - 1.0 <= waited_s <= told.high_s + 1.0
    return Error(
        count,
        error.off_s + (abs(off) - error.off_s) / count,
        error.bias_s + (off - error.bias_s) / count,
        error.held + (held - error.held) / count,
    )


def _step(forecast_s: float, waited_s: float) -> int:
    ratio = math.log((waited_s + OFFSET_S) / (forecast_s + OFFSET_S))
    return min(STEPS - 1, max(0, int((ratio + SPAN) / (2.0 * SPAN) * STEPS)))


@lru_cache(4 * len(EDGES_S))
def _ratios(counts: tuple[float, ...]) -> tuple[float, ...]:
    """The ratios of QUANTILES; kept, because one look at a hall asks for the same ones hundreds of times."""
    return tuple(math.exp(_quantile(counts, share)) for share in QUANTILES)


def _quantile(counts: tuple[float, ...], share: float) -> float:
    """The log ratio below which that share lies, between two steps in proportion."""
    left = share * sum(counts)
    for step, count in enumerate(counts):
        if count and left <= count:
            return (step + left / count) / STEPS * 2.0 * SPAN - SPAN
        left -= count
    return SPAN


def _prior(forecast_s: float) -> tuple[float, ...]:
    return LONG_PRIOR_COUNTS if forecast_s >= LONG_S else PRIOR_COUNTS


def _counts(ratios: tuple[float, ...]) -> tuple[float, ...]:
    steps = [_step(0.0, OFFSET_S * (ratio - 1.0)) for ratio in ratios]
    return tuple(float(steps.count(step)) for step in range(STEPS))


PRIOR_COUNTS, LONG_PRIOR_COUNTS = _counts(PRIOR), _counts(LONG_PRIOR)
