"""Bars stand on a baseline of zero and never leave the drawing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from web.chart import HEIGHT, LEFT, WIDTH, bar_chart

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
