"""Which days are working days: the weekdays of the week, changed by the State Council's yearly notice (放假
调休) and by what the hall's manager laid down. Pure.

Counting always begins with the day after (行政许可法 and P.06): one working day from a Friday is the next
Monday. A year whose notice is not out yet counts by its weekdays alone; whatever rests on such a day is
provisional (P.39), and a deadline is refused instead of promised. The notice for a year may still move the
last days of December before it, as those for 2008 and 2019 did; until then they count by their own year's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from controller.hall.refusals import refuse
from controller.hall.sessions import DayKind as DayKind

DAY = timedelta(days=1)
SATURDAY = 5  # of date.weekday()
LONGEST = 3660  # days that are counted through; more is a mistake


@dataclass(frozen=True, slots=True)
class Special:
    """A day that is not what its weekday says, or is laid down to be. name: of the holiday, in Chinese."""

    date: date
    is_off: bool
    name: str = ""


@dataclass(frozen=True, slots=True)
class Counted:
    """A day that was counted out. is_provisional: a day on the way is of a year without a list."""

    day: date
    is_provisional: bool = False


@dataclass(frozen=True, slots=True)
class Calendar:
    """years: those whose notice is known."""

    specials: Mapping[date, Special] = field(default_factory=dict)
    years: frozenset[int] = frozenset()

    def is_working(self, day: date) -> bool:
        special = self.specials.get(day)
        return day.weekday() < SATURDAY if special is None else not special.is_off

    def kind(self, day: date) -> DayKind:
        is_weekend = day.weekday() >= SATURDAY
        if self.is_working(day):
            return DayKind.MAKE_UP if is_weekend else DayKind.WORKDAY
        return DayKind.HOLIDAY if day in self.specials else DayKind.WEEKEND

    def name(self, day: date) -> str:
        """Of the holiday a day belongs to, or is worked for; "" for any other."""
        special = self.specials.get(day)
        return "" if special is None else special.name

    def is_provisional(self, day: date) -> bool:
        """Whether the day may yet turn out to be another kind: nobody has laid it down."""
        return day.year not in self.years and day not in self.specials

    def next_working(self, day: date) -> date:
        """The day itself, or else the first working day after it."""
        return day if self.is_working(day) else self.after(day, 1).day

    def after(self, day: date, working_days: int) -> Counted:
        """The so-many-th working day after `day`; the day itself for 0. Never mind what `day` itself is."""
        return self._walk(day, working_days, DAY)

    def before(self, day: date, working_days: int) -> Counted:
        """The so-many-th working day before `day`; the day itself for 0."""
        return self._walk(day, working_days, -DAY)

    def between(self, day: date, last: date) -> int:
        """How many working days come after `day` until `last`, which counts; 0 when it is not later.

        Raises Refused for spans nobody means."""
        if (last - day).days > LONGEST:
            raise refuse("calendar_too_far", most=LONGEST)
        return sum(self.is_working(day + n * DAY) for n in range(1, (last - day).days + 1))

    def deadline(self, day: date, working_days: int) -> date:
        """Like `after`, for what is promised to somebody. Raises Refused where a year's list is missing."""
        due = self.after(day, working_days)
        if due.is_provisional:
            raise refuse("calendar_unknown", year=self._first_unknown(day, due.day))
        return due.day

    def _walk(self, day: date, working_days: int, step: timedelta) -> Counted:
        if not 0 <= working_days <= LONGEST:
            raise refuse("calendar_too_far", most=LONGEST)
        is_provisional = False
        while working_days:
            day += step
            working_days -= self.is_working(day)
            is_provisional = is_provisional or self.is_provisional(day)
        return Counted(day, is_provisional)

    def _first_unknown(self, day: date, last: date) -> int:
        return next(year for year in range(day.year, last.year + 1) if year not in self.years)


def calendar_of(*layers: Iterable[Special], years: Iterable[int]) -> Calendar:
    """A calendar in which a later layer goes before an earlier one."""
    return Calendar({one.date: one for layer in layers for one in layer}, frozenset(years))
