"""What a benchmark found, as rows of a table: a figure, and how it stands to its bar when there is one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """What was set: text of the ratio and the limit, and whether it is met."""

    text: str
    is_met: bool

    def __str__(self) -> str:
        return f"{self.text}: {'PASS' if self.is_met else 'MISS'}"


@dataclass(frozen=True, slots=True)
class Row:
    what: str
    figure: str
    bar: Bar | None = None

    def __str__(self) -> str:
        return f"| {self.what} | {self.figure} | {self.bar or ''} |"


def at_most(value: float, limit: float, unit: str = "") -> Bar:
    return Bar(f"{value:.2f} {unit} <= {limit:g}", value <= limit)


def at_least(value: float, limit: float, unit: str = "") -> Bar:
    return Bar(f"{value:.2f} {unit} >= {limit:g}", value >= limit)
