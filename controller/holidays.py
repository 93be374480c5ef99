"""Working days of this site: the shipped lists of the State Council's notices, lists brought in since, and
what managers laid down; and changing the last two.

Hides where each comes from. The shipped files and those that are brought in have the shape of holiday-cn.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Annotated

import msgspec

from controller.clock import real_now
from controller.hall.calendar import Calendar, Special, calendar_of
from controller.hall.model import HallError
from controller.store import Store
from controller.store import calendar as rows
from controller.store.audit import audit

FIRST, LAST = 2007, 2099  # years that have a list, or will
MOST_DAYS = 120  # of a year's list
LONGEST_NAME = 20


class BadList(HallError):
    """Not a year's list of holidays and make-up days. code: its text in i18n is holidays.<code>."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Listed(msgspec.Struct):
    """One day of a list."""

    name: str
    date: date
    isOffDay: bool


class YearList(msgspec.Struct):
    """papers: the addresses of the notices it was made from; no days: the notice is not out."""

    year: Annotated[int, msgspec.Meta(ge=FIRST, le=LAST)]
    days: list[Listed]
    papers: list[str] = []

    def specials(self) -> list[Special]:
        return [Special(one.date, one.isOffDay, one.name) for one in self.days]


_decoder = msgspec.json.Decoder(YearList)


@dataclass(frozen=True, slots=True)
class Known:
    """Where a year's list comes from. by: who brought it in; None: it was shipped."""

    year: int
    by: str | None = None


class Holidays:
    """The calendar of a site. Any thread may ask; it is read again when somebody changes it here."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._turn = threading.Lock()
        self._calendar: Calendar | None = None  # until somebody asks

    @property
    def calendar(self) -> Calendar:
        return self._calendar or self._read()

    def known(self) -> list[Known]:
        """The years whose list is known, newest first."""
        with self._store.reading() as c:
            brought = {one.year: one.by for one in rows.years(c)}
        return [Known(year, brought.get(year)) for year in sorted({*shipped(), *brought}, reverse=True)]

    def laid_down(self) -> list[rows.Override]:
        """What managers laid down about single days, newest day first."""
        with self._store.reading() as c:
            return rows.overrides(c)

    def lay_down(self, day: date, is_off: bool, name: str, by: str) -> None:
        """That a day is free, or worked, whatever the notice says."""
        row = audit(by, "calendar.lay_down", day.isoformat(), real_now(), is_off=is_off, name=name)
        with self._store.writing() as c:
            rows.put(c, Special(day, is_off, name[:LONGEST_NAME]), by, real_now())
            row(c)
        self._read()

    def withdraw(self, day: date, by: str) -> None:
        """The day is again what the notice says; nothing happens when nobody said otherwise."""
        with self._store.writing() as c:
            if rows.remove(c, day):
                audit(by, "calendar.withdraw", day.isoformat(), real_now())(c)
        self._read()

    def bring_in(self, brought: YearList, by: str) -> None:
        """A year's list, instead of what was known of that year."""
        row = audit(by, "calendar.bring_in", str(brought.year), real_now(), days=len(brought.days))
        with self._store.writing() as c:
            rows.put_year(c, brought.year, brought.specials(), by, real_now())
            row(c)
        self._read()

    def supposing(self, day: date, is_off: bool | None) -> Calendar:
        """The calendar as it would be with that laid down about the day; None: what the notice says."""
        asked = [] if is_off is None else [Special(day, is_off)]
        return self._made(lambda ours: [*(one for one in ours if one.date != day), *asked])

    def supposing_list(self, brought: YearList) -> Calendar:
        """The calendar as it would be with this list of a year."""
        return self._made(lambda ours: ours, {brought.year: brought.specials()})

    def _read(self) -> Calendar:
        with self._turn:
            made = self._calendar = self._made(lambda ours: ours)
        return made

    def _made(
        self,
        changed: Callable[[list[Special]], list[Special]],
        brought: Mapping[int, Sequence[Special]] = MappingProxyType({}),
    ) -> Calendar:
        """Of all that is stored, with what managers laid down changed, and these years' lists."""
        with self._store.reading() as c:
            kept, ours = rows.years(c), rows.overrides(c)
        lists = {**shipped(), **{one.year: one.days for one in kept}, **brought}
        layers = (lists[year] for year in sorted(lists))
        return calendar_of(*layers, changed([one.special for one in ours]), years=lists)


def new_list(text: bytes) -> YearList:
    """A file of holiday-cn to be brought in. Raises BadList, also when its notice is not out."""
    found = read_list(text)
    if not found.days:
        raise BadList("empty")
    return found


def read_list(text: bytes) -> YearList:
    """A file of holiday-cn. Raises BadList when it is none, or says days far from its year."""
    try:
        found = _decoder.decode(text)
    except msgspec.DecodeError as error:
        raise BadList("shape") from error
    first, last = date(found.year - 1, 12, 1), date(found.year, 12, 31)
    if len(found.days) > MOST_DAYS or not all(first <= one.date <= last for one in found.days):
        raise BadList("days")
    return found


def shipped_calendar() -> Calendar:
    """Working days where there is no site yet: by the shipped lists alone."""
    lists = shipped()
    return calendar_of(*(lists[year] for year in sorted(lists)), years=lists)


@cache
def shipped() -> dict[int, tuple[Special, ...]]:
    """The lists this product brings, by year."""
    folder = files("controller") / "data" / "holidays"
    lists = [read_list(one.read_bytes()) for one in folder.iterdir() if one.name.endswith(".json")]
    return {one.year: tuple(one.specials()) for one in lists if one.days}
