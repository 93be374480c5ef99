"""How long steps take: the last hour alone counts, in memory that does not grow."""

from __future__ import annotations

import random
from dataclasses import dataclass
from statistics import quantiles

import pytest

from controller.timings import BOUNDS_S, Timing, Timings


@dataclass
class Clock:
    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_nothing_happened_has_no_percentiles() -> None:
    assert Timing().last_hour().p50 is None
    assert Timing().last_hour().count == 0


@pytest.mark.parametrize("scale", [0.001, 0.02, 0.4])
def test_percentiles_are_those_of_the_samples_to_within_a_bucket(scale: float) -> None:
    chance, timing = random.Random(7), Timing()
    samples = [chance.lognormvariate(0.0, 0.6) * scale for _ in range(5000)]
    for sample in samples:
        timing.observe(sample)
    cut = quantiles(samples, n=100)
    found = timing.last_hour()
    for shown, real in ((found.p50, cut[49]), (found.p95, cut[94]), (found.p99, cut[98])):
        assert shown == pytest.approx(real, rel=0.35)
    assert found.most == max(samples)


def test_what_is_older_than_an_hour_counts_no_more() -> None:
    clock = Clock()
    timing = Timing(clock)
    timing.observe(5.0)
    clock.now_s += 30 * 60
    timing.observe(0.01)
    assert timing.last_hour().count == 2
    clock.now_s += 31 * 60
    found = timing.last_hour()
    assert (found.count, found.most) == (1, 0.01)
    assert timing.totals().buckets[-1] == 2


def test_a_minute_that_comes_round_again_begins_empty() -> None:
    clock = Clock()
    timing = Timing(clock)
    for _ in range(3 * 60):
        timing.observe(0.2)
        clock.now_s += 60
    assert timing.last_hour().count == 59


def test_what_took_longer_than_every_bucket_is_known_by_its_length() -> None:
    timing = Timing()
    timing.observe(1234.0)
    assert timing.last_hour().p99 is not None
    assert timing.last_hour().most == 1234.0
    assert timing.totals().buckets == (0,) * len(BOUNDS_S) + (1,)


def test_a_step_that_took_less_than_nothing_took_nothing() -> None:
    timing = Timing()
    timing.observe(-0.5)
    assert timing.last_hour().p99 == 0.0
    assert timing.totals().sum_s == 0.0


def test_every_step_has_its_own_timing() -> None:
    timings = Timings()
    timings.commit.observe(0.1)
    assert {
        name: timing.last_hour().count for name, timing in timings.items() if timing.last_hour().count
    } == {"commit": 1}
