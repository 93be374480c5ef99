"""One comparison carried out: days made ready, each played both ways, the result put together.

`run` is all of it; as a program (`python -m controller.trials.work FOLDER`) it does so for shelf.py in a
process of its own that gives way to everything else and ends when its pipe does, so that the hall is not
disturbed and nothing is left behind.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from controller.hall.calendar import Calendar
from controller.hall.engine import new_hall, with_plan
from controller.hall.model import Hall, HallError
from controller.holidays import Holidays
from controller.simulate import clock_time
from controller.store import Store, log, past
from controller.trials.compare import (
    Difference,
    differences,
    figures_of_play,
    merged,
    waits_by_half_hour,
)
from controller.trials.day import Day, dealt_again
from controller.trials.made_up import made_up
from controller.trials.past import recover
from controller.trials.play import play
from controller.trials.variant import BadVariant, Variant, changed_day, changed_plan

MOST_DAYS = 62
MOST_REPEATS = 20
DEFAULT_HOURS = "09:00-17:00"  # of a made-up day
LOWEST_PRIORITY = 19

Progress = Callable[[int, int], None]


class NothingToPlay(HallError):
    """There is no day to play: the hall has none of those asked for."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be compared: the hall as it is, and with `variant`.

    days: dates of past days; none: `made_up` days of about `per_day` citizens. repeats: how often each
    day is played, its service times dealt anew from the second time on.
    """

    hall: str
    variant: Variant = field(default_factory=Variant)
    days: tuple[date, ...] = ()
    made_up: int = 0
    per_day: float = 0.0
    repeats: int = 1
    seed: int = 1


@dataclass(frozen=True, slots=True)
class HalfHour:
    """Mean wait, in minutes, of those who took a ticket in this half hour, under both ways."""

    label: str
    first: float | None
    second: float | None


@dataclass(frozen=True, slots=True)
class Result:
    """days: one row of figures per day, both ways. recorded: mean of what the log says, if it says.

    tickets: citizens of all days, each counted once.
    """

    differences: tuple[Difference, ...]
    half_hours: tuple[HalfHour, ...]
    names: tuple[str, ...]
    first: tuple[dict[str, float | None], ...]
    second: tuple[dict[str, float | None], ...]
    recorded: dict[str, float | None]
    tickets: int
    repeats: int


def run(hall: Hall, days: Sequence[Day], request: Request, zone: tzinfo, progress: Progress) -> Result:
    """The days played both ways. Raises BadVariant, or Refused, when the variant cannot be.

    hall: with its plan and what it has learned; the other way starts from the same.
    """
    if not days:
        raise NothingToPlay("there is no such day to play")
    base = replace(new_hall(hall.id, hall.plan), paces=hall.paces, hindsight=hall.hindsight)
    other = with_plan(base, changed_plan(hall.plan, request.variant))
    changed_day(days[0], other, request.variant, zone)  # says what is wrong before the work begins
    done, first, second = 0, _Side(base, zone), _Side(other, zone)
    for number, day in enumerate(days):
        for repeat in range(request.repeats):
            dealt = dealt_again(day, _chance(request, number, repeat)) if repeat else day
            first.play(dealt)
            second.play(changed_day(dealt, other, request.variant, zone))
            done += 1
            progress(done, len(days) * request.repeats)
        first.end_day()
        second.end_day()
    return _result(days, request, first, second)


class _Side:
    """One of the two ways, and what came of it so far."""

    def __init__(self, hall: Hall, zone: tzinfo) -> None:
        self._hall, self._zone = hall, zone
        self._today: list[dict[str, float | None]] = []
        self.plays: list[dict[str, float | None]] = []
        self.days: list[dict[str, float | None]] = []
        self.waits: dict[str, list[float]] = {}

    def play(self, day: Day) -> None:
        played = play(self._hall, day)
        self._today.append(figures_of_play(played, day.closes_at))
        for label, waits in waits_by_half_hour(played.hall, self._zone).items():
            self.waits.setdefault(label, []).extend(waits)

    def end_day(self) -> None:
        self.plays += self._today
        self.days.append(merged(self._today))
        self._today = []


def _result(days: Sequence[Day], request: Request, first: _Side, second: _Side) -> Result:
    """Days are what chance differs by; of a single day its repeats are."""
    by = (first.days, second.days) if len(days) > 1 else (first.plays, second.plays)
    labels = sorted(set(first.waits) | set(second.waits))
    return Result(
        tuple(differences(*by)),
        tuple(HalfHour(label, _mean(first.waits, label), _mean(second.waits, label)) for label in labels),
        tuple(day.name for day in days),
        tuple(first.days),
        tuple(second.days),
        merged([day.recorded for day in days if day.recorded]),
        sum(len(day.citizens) for day in days),
        request.repeats,
    )


def _mean(waits: dict[str, list[float]], label: str) -> float | None:
    return fmean(waits[label]) if label in waits else None


# --- the days -----------------------------------------------------------------------------------------


def days_of(store: Store, hall: Hall, request: Request, zone: tzinfo) -> list[Day]:
    """The past days asked for, read from the log; days on which nothing was opened are left out."""
    found = []
    for day in request.days:
        since = datetime(day.year, day.month, day.day, tzinfo=zone)
        with store.reading() as c:
            events = list(past.happened(c, hall.id, since, since + timedelta(days=1)))
        base = replace(new_hall(hall.id, hall.plan), paces=hall.paces)
        recovered = recover(base, day, events, _chance(request, day))
        if recovered is not None and recovered.citizens:
            found.append(recovered)
    return found


def made_up_days(hall: Hall, request: Request, after: date, zone: tzinfo, calendar: Calendar) -> list[Day]:
    """As many working days after `after` as asked for, drawn by chance."""
    opens, closes = (clock_time(text) for text in DEFAULT_HOURS.split("-"))
    days = enumerate(calendar.after(after, n).day for n in range(1, request.made_up + 1))
    return [made_up(hall, day, opens, closes, request.per_day, zone, _chance(request, n)) for n, day in days]


def _chance(request: Request, *what: object) -> Random:
    """Chance of its own for each thing drawn, so that more of one does not change another."""
    return Random("/".join(map(str, (request.seed, *what))))  # noqa: S311 - a seed names a day


def prepared(store: Store, request: Request, zone: tzinfo) -> tuple[Hall, list[Day]]:
    """The hall as it stands, and the days asked for. Raises NothingToPlay when there is no such hall."""
    with store.reading() as c:
        if request.hall not in log.halls(c):
            raise NothingToPlay(f"there is no hall {request.hall!r} here")
        hall, _ = log.load(c, request.hall)
    if request.days:
        return hall, days_of(store, hall, request, zone)
    after = date(2026, 1, 2) if hall.day is None else hall.day.date
    return hall, made_up_days(hall, request, after, zone, Holidays(store).calendar)


# --- as a program -------------------------------------------------------------------------------------


class Failure(msgspec.Struct, frozen=True):
    """Why there is no result. code and given: of a BadVariant, for the translation."""

    message: str
    code: str = ""
    given: str = ""


def write(path: Path, value: object) -> None:
    """The file as a whole or not at all."""
    part = path.with_suffix(".part")
    part.write_bytes(msgspec.json.encode(value))
    part.replace(path)


def main(argv: list[str]) -> int:
    """Carry out the request in FOLDER; the first line of standard input says where the hall's store is."""
    os.nice(LOWEST_PRIORITY)
    folder = Path(argv[0])
    where: dict[str, Any] = msgspec.json.decode(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    request = msgspec.json.decode((folder / "request.json").read_bytes(), type=Request)
    zone = ZoneInfo(where["zone"])
    try:
        with closing(Store.existing(where["url"])) as store:
            hall, days = prepared(store, request, zone)
        result = run(hall, days, request, zone, lambda n, of: write(folder / "progress.json", [n, of]))
        write(folder / "result.json", result)
    except BadVariant as error:
        write(folder / "failure.json", Failure(str(error), error.code, error.given))
        return 1
    except HallError as error:
        write(folder / "failure.json", Failure(str(error)))
        return 1
    return 0


def _end_with_parent() -> None:
    """Nobody waits for the result any more when the other end of the pipe is gone."""
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
