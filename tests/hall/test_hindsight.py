"""What earlier estimates teach: calibration of the next ones, and their errors per queue and hour."""

from __future__ import annotations

from random import Random

import pytest

from controller.hall.hindsight import Expected, Hindsight, expected, learn


def taught(forecast_s: float, waits: list[float], queue: str = "A", hour: int = 9) -> Hindsight:
    hindsight = Hindsight()
    for waited_s in waits:
        hindsight = learn(hindsight, expected(hindsight, forecast_s), queue, hour, waited_s)
    return hindsight


def test_before_anything_is_learned_the_forecast_itself_is_told_and_not_called_calibrated() -> None:
    told = expected(Hindsight(), 600.0)
    assert told.middle_s == pytest.approx(600.0, rel=0.05)
    assert told.low_s < told.middle_s < told.high_s
    assert not told.is_calibrated


def test_forecasts_that_are_always_half_the_wait_are_doubled() -> None:
    told = expected(taught(600.0, [1260.0] * 200), 600.0)
    assert told.middle_s == pytest.approx(1260.0, rel=0.06)
    assert told.is_calibrated


def test_other_lengths_of_forecast_are_not_moved() -> None:
    hindsight = taught(600.0, [1260.0] * 200)
    assert expected(hindsight, 3000.0) == expected(Hindsight(), 3000.0)


def test_the_told_range_comes_to_hold_four_of_five_waits() -> None:
    chance = Random(7)
    waits = [600.0 * chance.lognormvariate(0.2, 0.6) for _ in range(3000)]
    hindsight = taught(600.0, waits[:1500])
    told = expected(hindsight, 600.0)
    held = sum(told.low_s <= waited_s <= told.high_s for waited_s in waits[1500:]) / 1500
    assert 0.76 <= held <= 0.84


def test_a_change_of_the_hall_is_learned_although_the_past_was_long() -> None:
    hindsight = taught(600.0, [600.0] * 3000 + [1800.0] * 800)
    assert expected(hindsight, 600.0).middle_s > 1500.0


def test_what_is_told_is_in_order_and_never_negative() -> None:
    chance = Random(3)
    hindsight = Hindsight()
    for _ in range(500):
        told = expected(hindsight, chance.expovariate(1 / 900))
        assert 0.0 <= told.low_s <= told.middle_s <= told.high_s
        hindsight = learn(hindsight, told, "A", 9, chance.expovariate(1 / 900))


def test_errors_are_kept_per_queue_and_hour() -> None:
    told = Expected(600.0, 300.0, 600.0, 900.0, is_calibrated=True)
    hindsight = Hindsight()
    for queue, hour, waited_s in (("A", 9, 500.0), ("A", 9, 1000.0), ("B", 9, 600.0), ("A", 10, 0.0)):
        hindsight = learn(hindsight, told, queue, hour, waited_s)
    error = hindsight.errors["A", 9]
    assert (error.count, error.off_s, error.bias_s, error.held) == (2.0, 250.0, 150.0, 0.5)
    assert hindsight.errors["B", 9].held == 1.0
    assert hindsight.errors["A", 10].bias_s == -600.0
