"""Bar charts as drawings: from numbers to the lengths and places of an SVG, so that templates only draw.

Server-rendered, hence there before any script runs, in the page's own colours, and printable. One
idea a chart; the table behind it has the numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, log10

WIDTH, HEIGHT = 720.0, 190.0  # user units; the page scales the drawing
LEFT, TOP, BOTTOM = 34.0, 18.0, 22.0
GAP = 0.28  # of a bar's place stays empty
WIDEST = 56.0  # a bar is no wider, however few there are
MOST_LABELS = 12


@dataclass(frozen=True, slots=True)
class Bar:
    """label: under the bar, "" to keep labels apart. value: None where there is nothing to measure."""

    x: float
    y: float
    width: float
    height: float
    middle: float
    label: str
    title: str
    value: str
    is_over: bool


@dataclass(frozen=True, slots=True)
class Line:
    y: float
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    bars: tuple[Bar, ...]
    grid: tuple[Line, ...]
    threshold: Line | None
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    base: float = HEIGHT - BOTTOM


def bar_chart(labels: Sequence[str], values: Sequence[float | None], threshold: float | None = None) -> Chart:
    """Bars from a baseline of zero. threshold: a line above which bars count as over."""
    top = _nice(max([1.0, *(value for value in values if value is not None), threshold or 0.0]))
    every = max(1, ceil(len(labels) / MOST_LABELS))
    place = (WIDTH - LEFT) / max(1, len(labels))
    bars = tuple(
        _bar(n, place, label, label if n % every == 0 else "", value, top, threshold)
        for n, (label, value) in enumerate(zip(labels, values, strict=True))
    )
    grid = tuple(Line(_y(top * part, top), f"{top * part:g}") for part in (0.5, 1.0))
    return Chart(bars, grid, None if threshold is None else Line(_y(threshold, top), f"{threshold:g}"))


def _bar(
    n: int, place: float, title: str, label: str, value: float | None, top: float, threshold: float | None
) -> Bar:
    middle, width, y = LEFT + place * (n + 0.5), min(place * (1 - GAP), WIDEST), _y(value or 0.0, top)
    return Bar(
        round(middle - width / 2, 1),
        y,
        round(width, 1),
        round(HEIGHT - BOTTOM - y, 1),
        round(middle, 1),
        label,
        title,
        "" if value is None else f"{value:.0f}",
        value is not None and threshold is not None and value >= threshold,
    )


def _y(value: float, top: float) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value / top, 1)


def _nice(value: float) -> float:
    """The next round number: 1, 2, 4, 6 or 10 times a power of ten, so that its half is round too."""
    power = 10.0 ** int(log10(value))
    return next(step * power for step in (1, 2, 4, 6, 10, 20) if step * power >= value)


# --- two ways side by side -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pair:
    """Two bars that share a place and a label."""

    first: Bar
    second: Bar
    label: str
    middle: float


@dataclass(frozen=True, slots=True)
class PairChart:
    pairs: tuple[Pair, ...]
    grid: tuple[Line, ...]
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    base: float = HEIGHT - BOTTOM


def pair_chart(
    labels: Sequence[str], first: Sequence[float | None], second: Sequence[float | None]
) -> PairChart:
    """Bars of two ways beside each other, on one scale."""
    top = _nice(max([1.0, *(value for value in (*first, *second) if value is not None)]))
    every = max(1, ceil(len(labels) / MOST_LABELS))
    place = (WIDTH - LEFT) / max(1, len(labels))
    pairs = []
    for n, (label, one, other) in enumerate(zip(labels, first, second, strict=True)):
        bar, shown = _bar(n, place, label, "", one, top, None), label if n % every == 0 else ""
        width = round(bar.width / 2 - 1, 1)
        twin = _bar(n, place, label, "", other, top, None)
        twin = replace(twin, x=round(bar.middle + 1, 1), width=width)
        pairs.append(Pair(replace(bar, width=width), twin, shown, bar.middle))
    grid = tuple(Line(_y(top * part, top), f"{top * part:g}") for part in (0.5, 1.0))
    return PairChart(tuple(pairs), grid)


@dataclass(frozen=True, slots=True)
class Whisker:
    """An interval around a point on a line with its zero in the middle, in 0..200. is_cut: goes further."""

    point: float
    low: float
    high: float
    is_cut: bool


def whiskers(changes: Sequence[tuple[float, float | None]]) -> list[Whisker]:
    """Points with their margins (half an interval; None: not known), drawn on one scale."""
    most = max([0.1, *(abs(change) + (margin or 0.0) for change, margin in changes)])
    scale = 95.0 / min(most, MOST_SHARE)
    return [_whisker(change * scale, (margin or 0.0) * scale) for change, margin in changes]


MOST_SHARE = 0.5  # a change by more than half of the whole goes to the edge


def _whisker(change: float, margin: float) -> Whisker:
    low, high = change - margin, change + margin
    is_cut = low < -100 or high > 100
    low, high, point = (round(100 + min(100.0, max(-100.0, value)), 1) for value in (low, high, change))
    return Whisker(point, low, high, is_cut)
