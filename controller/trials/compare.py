"""What came of a day in figures, and how two ways differ over many days, with how sure that is.

Two ways are played on the same days with the same citizens, so each day gives one difference; their mean
and its 95 % interval (Student's t) say what to expect of the next day (paired comparison with common
random numbers: Law, Simulation Modeling and Analysis, 5th ed., section 10.2.1).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from statistics import NormalDist, fmean, stdev

from controller.hall.model import Hall, Ticket, TicketClass, TicketState
from controller.hall.reports import LONG_WAIT, wait_of
from controller.trials.play import Played

HALF_HOUR = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Measure:
    """A key figure. unit: min, share or count; better: -1 less is better, 1 more is, 0 neither."""

    code: str
    unit: str
    better: int


MEASURES = (
    Measure("mean_wait", "min", -1),
    Measure("p90_wait", "min", -1),
    Measure("longest_wait", "min", -1),
    Measure("long_waits", "share", -1),
    Measure("normal_wait", "min", -1),
    Measure("appointment_wait", "min", -1),
    Measure("green_wait", "min", -1),
    Measure("served", "count", 1),
    Measure("unserved", "count", -1),
    Measure("missed", "count", -1),
    Measure("turned_away", "count", -1),
    Measure("busy", "share", 0),
    Measure("overtime", "min", -1),
)
Figures = Mapping[str, float | None]


def figures_of(hall: Hall, closes_at: datetime) -> dict[str, float | None]:
    """Key figures of the tickets of a hall's day; waits in minutes, from ticket to first call (K.12).

    unserved: still waiting when the hall closed, or left before. overtime: until the last service ended.
    """
    tickets = list(hall.tickets.values())
    waits = sorted(_waits(tickets))
    ends = [ticket.finished_at for ticket in tickets if ticket.finished_at is not None]
    late = (max(ends) - closes_at).total_seconds() / 60 if ends else None
    return {
        "mean_wait": fmean(waits) if waits else None,
        "p90_wait": quantile(waits, 0.9),
        "longest_wait": waits[-1] if waits else None,
        "long_waits": _share(waits),
        **{f"{klass}_wait": _mean_of(tickets, klass) for klass in TicketClass},
        "served": float(sum(ticket.state is TicketState.COMPLETED for ticket in tickets)),
        "unserved": float(sum(_is_unserved(ticket) for ticket in tickets)),
        "missed": float(sum(ticket.misses > 0 for ticket in tickets)),
        "overtime": None if late is None else max(0.0, late),
    }


def figures_of_play(played: Played, closes_at: datetime) -> dict[str, float | None]:
    """The same of a played day, with what the log does not tell: who was turned away, how busy all were."""
    busy = played.served_s / played.staffed_s if played.staffed_s else None
    found = figures_of(played.hall, closes_at)
    return {**found, "turned_away": float(played.turned_away), "busy": busy}


def waits_by_half_hour(hall: Hall, zone: tzinfo) -> dict[str, list[float]]:
    """Minutes waited by those who took a ticket in each half hour, "09:30" in the hall's time."""
    found: dict[str, list[float]] = {}
    for ticket in hall.tickets.values():
        wait = wait_of(ticket)
        if wait is not None:
            local = ticket.issued_at.astimezone(zone)
            found.setdefault(f"{local:%H}:{local.minute // 30 * 30:02d}", []).append(
                wait.total_seconds() / 60
            )
    return found


def _waits(tickets: Sequence[Ticket], klass: TicketClass | None = None) -> list[float]:
    waits = (wait_of(ticket) for ticket in tickets if klass is None or ticket.klass is klass)
    return [wait.total_seconds() / 60 for wait in waits if wait is not None]


def _mean_of(tickets: Sequence[Ticket], klass: TicketClass) -> float | None:
    waits = _waits(tickets, klass)
    return fmean(waits) if waits else None


def _share(waits: Sequence[float]) -> float | None:
    limit = LONG_WAIT.total_seconds() / 60
    return sum(wait >= limit for wait in waits) / len(waits) if waits else None


def _is_unserved(ticket: Ticket) -> bool:
    return not ticket.misses and ticket.state in (TicketState.EXPIRED, TicketState.CANCELLED)


def quantile(ordered: Sequence[float], part: float) -> float | None:
    """The value below which `part` of the ordered ones lie, between neighbours by their distance."""
    if not ordered:
        return None
    place = part * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


# --- two ways side by side ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Difference:
    """One key figure under both ways. change: second minus first; margin: half its 95 % interval.

    margin is None when fewer than two days tell; days: how many had the figure under both.
    """

    code: str
    first: float
    second: float
    change: float
    margin: float | None
    days: int

    @property
    def is_sure(self) -> bool:
        """Whether the interval leaves out that nothing changes."""
        return self.margin is not None and abs(self.change) > self.margin

    def verdict(self) -> str:
        """better, worse, or unsure; neutral for what is neither good nor bad."""
        better = next((one.better for one in MEASURES if one.code == self.code), 0)
        if not self.is_sure:
            return "unsure"
        if not better:
            return "neutral"
        return "better" if self.change * better > 0 else "worse"


def differences(first: Sequence[Figures], second: Sequence[Figures]) -> list[Difference]:
    """Each key figure over the days on which both ways have it; first[n] and second[n] are the same day."""
    found = (_difference(measure.code, first, second) for measure in MEASURES)
    return [one for one in found if one is not None]


def _difference(code: str, first: Sequence[Figures], second: Sequence[Figures]) -> Difference | None:
    pairs = [
        (one, other)
        for a, b in zip(first, second, strict=True)
        if (one := a.get(code)) is not None and (other := b.get(code)) is not None
    ]
    if not pairs:
        return None
    changes = [other - one for one, other in pairs]
    return Difference(
        code,
        fmean(one for one, _ in pairs),
        fmean(other for _, other in pairs),
        fmean(changes),
        margin(changes),
        len(pairs),
    )


def margin(values: Sequence[float]) -> float | None:
    """Half the 95 % interval of the mean of independent values; None for fewer than two."""
    if len(values) < 2:
        return None
    return t_quantile(len(values) - 1) * stdev(values) / math.sqrt(len(values))


_FEW = (12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281)


def t_quantile(freedom: int) -> float:
    """The 97.5 % point of Student's t; beyond 10 degrees of freedom by Cornish and Fisher's expansion.

    Source: Abramowitz & Stegun, Handbook of Mathematical Functions, 26.7.5 and table 26.10.
    """
    if freedom <= len(_FEW):
        return _FEW[freedom - 1]
    x = NormalDist().inv_cdf(0.975)
    return (
        x
        + (x**3 + x) / (4 * freedom)
        + (5 * x**5 + 16 * x**3 + 3 * x) / (96 * freedom**2)
        + (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / (384 * freedom**3)
    )


def merged(days: Sequence[Figures]) -> dict[str, float | None]:
    """Several plays of one day as one: the mean of each figure over those that have it."""
    found: dict[str, float | None] = {}
    for code in dict.fromkeys(code for day in days for code in day):
        values = [value for day in days if (value := day.get(code)) is not None]
        found[code] = fmean(values) if values else None
    return found
