"""Staffing plans: forecasts from past days, and Erlang C against its closed forms."""

from __future__ import annotations

import math
from datetime import date, timedelta

import pytest

from controller.hall.staffing import (
    QUARTERS,
    PastDay,
    Target,
    coming,
    erlang_c,
    forecast,
    late_share,
    mean_wait,
    offered_load,
    square_root_windows,
    staffing,
    together,
    windows_for,
)

MONDAY = date(2025, 3, 3)
SERVICE = timedelta(minutes=10)
TARGET = Target(timedelta(minutes=15), 0.2)


def day(at: date, people: int) -> PastDay:
    """A day with that many people in each quarter from 9 to 17 h."""
    return PastDay(at, [people if 36 <= quarter < 68 else 0 for quarter in range(QUARTERS)])


def weeks(mondays: int, others: int, n: int) -> list[PastDay]:
    days = [MONDAY - timedelta(days=back) for back in range(7 * n, 0, -1)]
    return [day(one, mondays if one.weekday() == 0 else others) for one in days if one.weekday() < 5]


def by_definition(load: float, windows: int) -> float:
    below = sum(load**k / math.factorial(k) for k in range(windows))
    full = load**windows / math.factorial(windows) * windows / (windows - load)
    return full / (below + full)


@pytest.mark.parametrize(("load", "windows"), [(0.7, 1), (2.4, 3), (7.2, 8), (18.0, 20), (45.0, 50)])
def test_erlang_c_is_what_its_definition_says(load: float, windows: int) -> None:
    assert erlang_c(load, windows) == pytest.approx(by_definition(load, windows), rel=1e-12)


def test_one_window_is_the_single_server_queue() -> None:
    """M/M/1: everybody waits with probability rho, on average rho / (1 - rho) services"""
    assert erlang_c(0.7, 1) == pytest.approx(0.7)
    assert mean_wait(0.7, 1, SERVICE) == pytest.approx(SERVICE * (0.7 / 0.3), abs=timedelta(microseconds=5))
    assert late_share(0.7, 1, SERVICE, timedelta()) == pytest.approx(0.7)


def test_erlang_c_does_not_overflow() -> None:
    assert 0.0 < erlang_c(950.0, 1000) < 0.2


def test_the_windows_are_the_fewest_that_keep_the_target() -> None:
    for load in (0.05, 0.9, 3.3, 12.0, 40.0):
        windows = windows_for(load, SERVICE, TARGET)
        assert late_share(load, windows, SERVICE, TARGET.wait) <= TARGET.share
        assert late_share(load, windows - 1, SERVICE, TARGET.wait) > TARGET.share or windows == 1
    assert windows_for(0.0, SERVICE, TARGET) == 0


def test_the_square_root_rule_is_near_the_exact_number_when_nobody_shall_wait_long() -> None:
    target = Target(timedelta(), 0.2)  # Halfin & Whitt: beta is about 1.06 for P(wait) = 0.2
    for load in (5.0, 20.0, 80.0):
        assert abs(square_root_windows(load, 1.06) - windows_for(load, SERVICE, target)) <= 1


def test_the_offered_load_of_an_even_stream_is_rate_times_service() -> None:
    loads = offered_load([12.0] * 20, SERVICE)
    assert loads[-1] == pytest.approx(12.0 * 10 / 15)
    assert loads[0] == pytest.approx(8.0 * (1 - math.exp(-0.75)))


def test_work_goes_on_after_the_last_arrival() -> None:
    loads = offered_load([12.0, 0.0, 0.0], timedelta(minutes=30))
    assert loads[1] > loads[2] > 1.0


def test_a_forecast_of_even_weeks_is_what_those_weeks_were() -> None:
    people = forecast(weeks(10, 10, 6), MONDAY)
    assert people[40].expected == pytest.approx(10.0)
    assert people[40].low < 10.0 < people[40].high
    assert people[10].expected == 0.0


def test_mondays_come_to_differ_from_other_days_as_there_are_more_of_them() -> None:
    few, many = forecast(weeks(20, 10, 2), MONDAY), forecast(weeks(20, 10, 30), MONDAY)
    assert 12.0 < few[40].expected < many[40].expected < 20.5
    assert many[40].expected > 18.0
    assert forecast(weeks(20, 10, 30), MONDAY + timedelta(days=1))[40].expected < 11.5


def test_a_rising_level_is_followed() -> None:
    past = weeks(10, 10, 8)
    grown = [day(one.date, 13) if (MONDAY - one.date).days <= 10 else one for one in past]
    assert 11.0 < forecast(grown, MONDAY)[40].expected < 13.5


def test_nothing_is_forecast_without_a_past_and_a_day_does_not_know_its_own_future() -> None:
    assert forecast([], MONDAY)[40].high == 0.0
    assert forecast([day(MONDAY, 10)], MONDAY)[40].expected == 0.0


def test_a_plan_needs_windows_while_people_come_and_more_at_the_upper_end() -> None:
    plan = staffing(weeks(10, 10, 6), MONDAY, SERVICE, TARGET)
    assert len(plan) == QUARTERS
    assert plan[20].windows == 0
    assert plan[50].windows_low <= plan[50].windows <= plan[50].windows_high
    assert plan[50].windows == windows_for(plan[50].load, SERVICE, TARGET) >= 7


def test_pooled_queues_need_fewer_windows_than_apart() -> None:
    past = weeks(4, 4, 6)
    both = staffing(together({"A": past, "B": past}), MONDAY, SERVICE, TARGET)
    alone = staffing(past, MONDAY, SERVICE, TARGET)
    assert both[50].windows < 2 * alone[50].windows
    assert both[50].people.expected == pytest.approx(2 * alone[50].people.expected)


def test_the_next_hour_is_that_of_such_days_at_the_level_of_today() -> None:
    pasts = {"A": weeks(10, 10, 4), "B": weeks(5, 5, 4)}
    usual = coming(pasts, MONDAY, 44.0, 8 * 15)
    assert usual == {"A": pytest.approx(40.0), "B": pytest.approx(20.0)}
    assert coming(pasts, MONDAY, 66.0, 30 * 15)["A"] == pytest.approx(20.0)  # closed from quarter 68 on
    assert coming(pasts, MONDAY, 44.0, 2 * 8 * 15 + 30)["A"] == pytest.approx(80.0)
    assert coming({}, MONDAY, 44.0, 120) == {}
