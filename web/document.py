"""A report as what it says, before it is a page, a workbook or a print: titles, figures, tables, charts.

A view makes one Document in the language of the request; the template manager/_document.html, web/workbook.py
and web/paper.py each give it a form, so that all three say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import TypeAlias

from web.chart import Chart, PairChart, bar_chart, pair_chart

Value: TypeAlias = str | int | float | datetime | None
DASH = "–"
NO_FONT = 3  # what paper.py ends with on a machine without Chinese letters


@dataclass(frozen=True, slots=True)
class Fact:
    """One figure. kind: see KINDS. usual: the same on days it is compared with; note: a line beneath."""

    name: str
    value: Value
    kind: str = "text"
    usual: Value = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    title: str
    facts: Sequence[Fact]


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class Grid:
    """A table; its first column names the row. empty: what is said when it has no rows.

    is_wrapped: on paper a text too long for its cell takes more lines, where else it is cut off.
    """

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Value]]
    empty: str = ""
    is_wrapped: bool = False


@dataclass(frozen=True, slots=True)
class Bars:
    """A chart of one or two series over the same labels; its table is drawn from the same numbers.

    threshold: a line at this value, of a single series. kind: of the values.
    """

    title: str
    along: str  # what the labels are
    labels: Sequence[str]
    names: Sequence[str]
    series: Sequence[Sequence[float | None]]
    kind: str = "number"
    threshold: float | None = None

    @property
    def chart(self) -> Chart | PairChart:
        if len(self.series) == 1:
            return bar_chart(self.labels, self.series[0], self.threshold)
        return pair_chart(self.labels, self.series[0], self.series[1])


@dataclass(frozen=True, slots=True)
class Lines:
    """Sentences."""

    title: str
    lines: Sequence[str]


Block: TypeAlias = Facts | Grid | Bars | Lines


@dataclass(frozen=True, slots=True)
class Document:
    """made: when and from what, for the foot of every page."""

    title: str
    subtitle: str
    made: str
    blocks: Sequence[Block]


def _number(value: Value) -> str:
    return f"{value:,.0f}" if isinstance(value, int | float) else str(value)


def _tenths(value: Value) -> str:
    return f"{value:,.1f}" if isinstance(value, int | float) else str(value)


def _share(value: Value) -> str:
    return f"{value:.1%}" if isinstance(value, int | float) else str(value)


def _percent(value: Value) -> str:
    return f"{value:.0%}" if isinstance(value, int | float) else str(value)


KINDS: Mapping[str, Callable[[Value], str]] = {
    "text": str,
    "number": _number,  # whole
    "tenths": _tenths,
    "minutes": _tenths,
    "hours": _tenths,
    "percent": _percent,  # of a share from 0 to 1
    "share": _share,  # the same, to a tenth of a percent
}


def shown(value: Value, kind: str, zone: tzinfo) -> str:
    """The value as people read it; a moment by the hall's clock."""
    if value is None:
        return DASH
    if isinstance(value, datetime):
        return value.astimezone(zone).strftime("%H:%M")
    return KINDS[kind](value)


def minutes(length: timedelta | None) -> float | None:
    return None if length is None else length.total_seconds() / 60
