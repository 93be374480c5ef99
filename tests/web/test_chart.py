"""Bars stand on a baseline of zero and never leave the drawing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from web.chart import HEIGHT, LEFT, WIDEST, WIDTH, bar_chart, pair_chart, whiskers

VALUES = st.lists(st.none() | st.floats(0, 1e6), max_size=60)


@given(VALUES, st.none() | st.floats(0.1, 1e3))
def test_every_bar_stands_on_the_baseline_inside_the_drawing(
    values: list[float | None], threshold: float | None
) -> None:
    chart = bar_chart([str(n) for n in range(len(values))], values, threshold)
    assert len(chart.bars) == len(values)
    for bar in chart.bars:
        assert abs(bar.y + bar.height - chart.base) < 0.2
        assert 0 <= bar.y <= HEIGHT
        assert bar.x >= LEFT
        assert bar.x + bar.width <= WIDTH + 0.2


def test_few_bars_stay_bars() -> None:
    (bar,) = bar_chart(["09:00"], [7]).bars
    assert bar.width == WIDEST
    assert abs(bar.x + bar.width / 2 - bar.middle) < 0.2


def test_twice_as_much_is_twice_as_high() -> None:
    low, high = bar_chart(["a", "b"], [10, 20]).bars
    assert abs(high.height - 2 * low.height) < 0.2


def test_nothing_measured_is_not_zero() -> None:
    nothing, zero = bar_chart(["a", "b"], [None, 0.0]).bars
    assert (nothing.value, zero.value) == ("", "0")


def test_bars_at_or_over_the_threshold_are_marked() -> None:
    assert [bar.is_over for bar in bar_chart(["a", "b", "c"], [29, 30, 31], 30).bars] == [False, True, True]


def test_labels_are_left_out_before_they_touch() -> None:
    chart = bar_chart([f"{n}" for n in range(48)], [1.0] * 48)
    assert 8 <= sum(bar.label != "" for bar in chart.bars) <= 12


def test_two_ways_stand_side_by_side_on_one_scale() -> None:
    (pair, other) = pair_chart(["09:00", "09:30"], [10.0, None], [20.0, 5.0]).pairs
    assert abs(pair.second.height - 2 * pair.first.height) < 0.2
    assert pair.first.x + pair.first.width < pair.second.x
    assert (other.first.value, other.second.value) == ("", "5")


def test_whiskers_stay_inside_and_around_their_point() -> None:
    sure, unsure, far = whiskers([(-0.1, 0.05), (0.0, None), (9.0, 1.0)])
    assert 0 < sure.low < sure.point < sure.high < 100
    assert (unsure.low, unsure.point, unsure.high) == (100, 100, 100)
    assert (far.point, far.high, far.is_cut) == (200, 200, True)
