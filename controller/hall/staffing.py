"""How many windows a hall will need, by quarter of an hour: forecast from its own past, then queueing.

Pure arithmetic on plain figures. People per quarter are forecast by a weekday's profile, shrunk towards the
profile of all days while there are few such days, times the level of the last days. Work in service is
carried over the quarters it lasts (modified offered load, Jennings, Mandelbaum, Massey & Whitt, Management
Science 42(10), 1996). The windows of a quarter are the fewest with which the share of people who wait longer
than the target stays below the one allowed (Erlang C), for the expected load and both ends of its interval.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

QUARTER = timedelta(minutes=15)
QUARTERS = 96  # of a day
SHRINK_DAYS = 4.0  # days of all weekdays that a weekday's own profile must outweigh
LEVEL_HALF_LIFE_DAYS = 10.0
LEVEL_WORTH_DAYS = 3.0  # days of the usual level taken to have been seen besides
INTERVAL_Z = 1.2816  # 80 % interval
LEVEL_WORTH_PEOPLE = 30.0  # of a usual day taken to have come today besides
LEAST_SPREAD = 0.05  # of a day's level, however alike the days were
MOST_WINDOWS = 1000


@dataclass(frozen=True, slots=True)
class PastDay:
    """People who took a ticket of one queue in each quarter of a day (QUARTERS figures from midnight)."""

    date: date
    counts: Sequence[int]


@dataclass(frozen=True, slots=True)
class Target:
    """At most `share` of the people wait longer than `wait`."""

    wait: timedelta = timedelta(minutes=15)
    share: float = 0.2


@dataclass(frozen=True, slots=True)
class Arrivals:
    """People expected in one quarter, with the ends of an 80 % interval."""

    expected: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Need:
    """One quarter of a staffing plan. load: windows' worth of work in service; windows: how many to open."""

    quarter: int
    people: Arrivals
    load: float
    windows: int
    windows_low: int
    windows_high: int


def staffing(past: Sequence[PastDay], day: date, mean_service: timedelta, target: Target) -> list[Need]:
    """The plan of one queue, or of several whose people and clerks are shared, for a day to come."""
    people = forecast(past, day)
    expected, low, high = (
        offered_load([getattr(one, end) for one in people], mean_service)
        for end in ("expected", "low", "high")
    )
    return [
        Need(
            quarter,
            people[quarter],
            expected[quarter],
            windows_for(expected[quarter], mean_service, target),
            windows_for(low[quarter], mean_service, target),
            windows_for(high[quarter], mean_service, target),
        )
        for quarter in range(QUARTERS)
    ]


def together(pasts: Mapping[str, Sequence[PastDay]]) -> list[PastDay]:
    """The days of several queues that the same windows serve, added up."""
    sums: dict[date, list[int]] = {}
    for past in pasts.values():
        for one in past:
            row = sums.setdefault(one.date, [0] * QUARTERS)
            for quarter, count in enumerate(one.counts):
                row[quarter] += count
    return [PastDay(day, sums[day]) for day in sorted(sums)]


# --- how many will come ----------------------------------------------------------------------------


def forecast(past: Sequence[PastDay], day: date) -> list[Arrivals]:
    """People in each quarter of a day to come; nobody while there is no past. Days of no people do not count.

    The interval holds the chance of single people (Poisson) and the difference between days of one weekday.
    """
    days = [one for one in past if one.date < day and sum(one.counts) > 0]
    if not days:
        return [Arrivals(0.0, 0.0, 0.0)] * QUARTERS
    usual = _profile(days, day.weekday())
    level, spread = _level(days, day)
    return [_with_interval(level * one, spread) for one in usual]


def coming(
    pasts: Mapping[str, Sequence[PastDay]], day: date, quarter: float, so_far: int
) -> dict[str, float]:
    """People of each queue in the next hour, as on such days, more or fewer as today has begun.

    quarter: now, since midnight. so_far: who came today, of all queues together.
    """
    usual = {queue: [one.expected for one in forecast(past, day)] for queue, past in pasts.items()}
    until_now = sum(_between(each, 0.0, quarter) for each in usual.values())
    level = (LEVEL_WORTH_PEOPLE + so_far) / (LEVEL_WORTH_PEOPLE + until_now)
    return {queue: level * _between(each, quarter, quarter + 4.0) for queue, each in usual.items()}


def _between(people: Sequence[float], start: float, end: float) -> float:
    """People from one moment of the day to another, both in quarters."""
    return sum(
        count * max(0.0, min(end, place + 1.0) - max(start, place)) for place, count in enumerate(people)
    )


def _with_interval(expected: float, spread: float) -> Arrivals:
    half = INTERVAL_Z * math.sqrt(expected + (spread * expected) ** 2)
    return Arrivals(expected, max(0.0, expected - half), expected + half)


def _profile(days: Sequence[PastDay], weekday: int) -> list[float]:
    """People per quarter on a usual such weekday: its own mean, shrunk to that of all days."""
    own = [one for one in days if one.date.weekday() == weekday]
    weight = len(own) / (len(own) + SHRINK_DAYS)
    everyday = _mean(days)
    if not own:
        return everyday
    return [weight * mine + (1.0 - weight) * alls for mine, alls in zip(_mean(own), everyday, strict=True)]


def _mean(days: Sequence[PastDay]) -> list[float]:
    return [sum(one.counts[quarter] for one in days) / len(days) for quarter in range(QUARTERS)]


def _level(days: Sequence[PastDay], day: date) -> tuple[float, float]:
    """How busy days lately were beside usual ones of their weekday, and how much single days differ."""
    usual = {weekday: sum(_profile(days, weekday)) for weekday in {one.date.weekday() for one in days}}
    total, weights, squares = LEVEL_WORTH_DAYS, LEVEL_WORTH_DAYS, 0.0
    for one in days:
        weight = 0.5 ** ((day - one.date).days / LEVEL_HALF_LIFE_DAYS)
        ratio = sum(one.counts) / usual[one.date.weekday()]
        total += weight * ratio
        weights += weight
        squares += (ratio - 1.0) ** 2
    return total / weights, max(LEAST_SPREAD, math.sqrt(squares / len(days)))


# --- how many windows that takes -------------------------------------------------------------------


def offered_load(people: Sequence[float], mean_service: timedelta) -> list[float]:
    """Windows' worth of work in service in the middle of each quarter.

    Exponential services, arrivals even within a quarter: m' = rate - m / mean service, solved exactly.
    """
    mean_s, quarter_s = mean_service.total_seconds(), QUARTER.total_seconds()
    half = math.exp(-quarter_s / 2.0 / mean_s)
    loads, now = [], 0.0
    for count in people:
        level = count / quarter_s * mean_s
        middle = level + (now - level) * half
        now = level + (middle - level) * half
        loads.append(middle)
    return loads


def windows_for(load: float, mean_service: timedelta, target: Target) -> int:
    """The fewest windows that keep the target under this load; 0 without any."""
    if load < 1e-6:
        return 0
    windows = max(1, math.floor(load) + 1)
    while windows < MOST_WINDOWS and late_share(load, windows, mean_service, target.wait) > target.share:
        windows += 1
    return windows


def square_root_windows(load: float, beta: float) -> int:
    """The square-root rule, to compare with: load + beta x sqrt(load); more beta, shorter waits."""
    return math.ceil(load + beta * math.sqrt(load))


def late_share(load: float, windows: int, mean_service: timedelta, wait: timedelta) -> float:
    """Share of the people who wait longer than `wait` with M/M/windows; 1 when the load is too great."""
    if load >= windows:
        return 1.0
    rate = (windows - load) / mean_service.total_seconds()
    return erlang_c(load, windows) * math.exp(-rate * wait.total_seconds())


def mean_wait(load: float, windows: int, mean_service: timedelta) -> timedelta | None:
    """Mean wait with M/M/windows; None when the line would grow without end."""
    if load >= windows:
        return None
    return mean_service * (erlang_c(load, windows) / (windows - load))


def erlang_c(load: float, windows: int) -> float:
    """Share of the people who have to wait with M/M/windows, for a load below the number of windows.

    By the recursion of Erlang B, which does not overflow. Source: Gross et al., Fundamentals of Queueing
    Theory, 4th ed., sections 2.3-2.4.
    """
    blocked = 1.0
    for number in range(1, windows + 1):
        blocked = load * blocked / (number + load * blocked)
    return blocked / (1.0 - load / windows * (1.0 - blocked))
