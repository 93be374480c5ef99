"""Who is to sit at which window when: weeks and days, filled, copied, checked and kept.

Hides where turns are kept. A roster becomes the shifts of its day when the day is opened (coming.py); what is
changed about a day that is open already is given to the hall by who changes it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import combinations, pairwise

from controller.clock import real_now
from controller.hall.calendar import Calendar, DayKind
from controller.hall.duty import keeps_hours, stretches
from controller.hall.model import Hall, Plan, Refused
from controller.store import Store, rosters, substitutes
from controller.store.audit import audit
from controller.store.rosters import Turn
from controller.substitutes import with_substitutes

STEP = 15  # minutes, in which times of a roster go
DAYS = 7


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something in a roster that may be so and probably should not. code: double, unskilled, gone,
    away or off_duty."""

    code: str
    turn: Turn
    other: Turn | None = None


class Rosters:
    """The rosters of one hall."""

    def __init__(self, store: Store, hall: str) -> None:
        self._store, self._hall = store, hall

    def week(self, monday: date) -> list[Turn]:
        return self.between(monday, monday + timedelta(days=DAYS - 1))

    def between(self, first: date, last: date) -> list[Turn]:
        with self._store.reading() as c:
            return rosters.turns(c, self._hall, first, last)

    def in_force(self, first: date, last: date, plan: Plan) -> list[Turn]:
        """The turns as they will be, with those of clerks on leave taken by who stands in for them."""
        with self._store.reading() as c:
            turns = rosters.turns(c, self._hall, first, last)
            leaves = substitutes.leaves(c, self._hall, first, last)
            return (
                with_substitutes(turns, plan, substitutes.pairs(c, self._hall), leaves) if leaves else turns
            )

    def put(self, day: date, windows: Collection[int], turns: Sequence[Turn], by: str) -> None:
        """What these windows do on that day, instead of what was there. Raises Refused when two turns of a
        window overlap or one ends before it begins."""
        check(turns)
        self._put([day], windows, turns, by, "put")

    def fill(self, monday: date, plan: Plan, calendar: Calendar, by: str) -> None:
        """Every window at the usual hours, on those days that the hall keeps and that have nothing yet."""
        busy = {turn.day for turn in self.week(monday)}
        kept = (day for day in week_of(monday) if keeps_hours(plan, calendar.kind(day), day))
        days = [day for day in kept if day not in busy]
        turns = [turn for day in days for window in plan.windows for turn in usual(plan, window.number, day)]
        self._put(days, [window.number for window in plan.windows], turns, by, "fill")

    def copy(self, monday: date, plan: Plan, calendar: Calendar, by: str) -> None:
        """What was a week before, on days that have nothing yet and are no holidays, for windows and clerks
        there still are."""
        busy = {turn.day for turn in self.week(monday)}
        busy |= {day for day in week_of(monday) if calendar.kind(day) is DayKind.HOLIDAY}
        windows, clerks = {one.number for one in plan.windows}, {one.id for one in plan.clerks}
        turns = [
            replace(
                turn, day=turn.day + timedelta(days=DAYS), clerk=turn.clerk if turn.clerk in clerks else None
            )
            for turn in self.week(monday - timedelta(days=DAYS))
            if turn.window in windows and turn.day + timedelta(days=DAYS) not in busy
        ]
        self._put([turn.day for turn in turns], windows, turns, by, "copy")

    def _put(
        self, days: Collection[date], windows: Collection[int], turns: Sequence[Turn], by: str, how: str
    ) -> None:
        if not days:
            return
        subject = f"{self._hall}/{min(days).isoformat()}"
        row = audit(by, f"roster.{how}", subject, real_now(), windows=sorted(windows), turns=len(turns))
        with self._store.writing() as c:
            rosters.put(c, self._hall, sorted(set(days)), sorted(windows), turns)
            row(c)


def week_of(monday: date) -> list[date]:
    return [monday + timedelta(days=n) for n in range(DAYS)]


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def usual(plan: Plan, window: int, day: date) -> Iterator[Turn]:
    """A window staffed whenever the hall is open, by anybody."""
    for one in plan.hours:
        yield Turn(day, window, one.start.hour * 60 + one.start.minute, one.end.hour * 60 + one.end.minute)


def check(turns: Sequence[Turn]) -> None:
    """Raises Refused for what no window can do."""
    for turn in turns:
        if not 0 <= turn.start < turn.end <= 24 * 60:
            message = f"at window {turn.window} a turn ends before it begins"
            raise Refused("roster_order", message, window=turn.window)
        if turn.start % STEP or turn.end % STEP:
            raise Refused("roster_step", f"times go in steps of {STEP} minutes", step=STEP)
    for one, other in pairwise(sorted(turns, key=lambda turn: (turn.day, turn.window, turn.start))):
        if (one.day, one.window) == (other.day, other.window) and other.start < one.end:
            raise Refused("roster_overlap", f"two turns at window {one.window} overlap", window=one.window)


def doubts(turns: Sequence[Turn], hall: Hall) -> Iterator[Doubt]:
    """Clerks at two windows at once, who can do nothing their window takes, or are here no more."""
    for turn in turns:
        clerk = hall.clerks.get(turn.clerk or "")
        if turn.clerk is not None and clerk is None:
            yield Doubt("gone", turn)
        elif clerk is not None and not _can_serve(hall, turn.window, clerk.skills):
            yield Doubt("unskilled", turn)
    for mine in _by_clerk(turns).values():
        for one, other in combinations(mine, 2):
            if other.start < one.end and one.start < other.end:
                yield Doubt("double", one, other)


def off_duty(turns: Sequence[Turn], plan: Plan, calendar: Calendar) -> Iterator[Doubt]:
    """Windows on duty in a session at which somebody is missing, on days that have a roster.

    What the plan says of its sessions is published and kept to (S3.17), whoever is rostered.
    """
    for day in sorted({turn.day for turn in turns}):
        for one in stretches(plan, calendar.kind(day), day):
            if one.session is None or one.is_by_appointment:
                continue
            for window in one.session.windows:
                theirs = [turn for turn in turns if (turn.day, turn.window) == (day, window)]
                steps = range(one.start, one.end, STEP)
                if not all(any(turn.start <= step < turn.end for turn in theirs) for step in steps):
                    yield Doubt("off_duty", Turn(day, window, one.start, one.end))


def _by_clerk(turns: Sequence[Turn]) -> dict[tuple[date, str], list[Turn]]:
    """The turns of each clerk on each day."""
    found: dict[tuple[date, str], list[Turn]] = {}
    for turn in turns:
        if turn.clerk is not None:
            found.setdefault((turn.day, turn.clerk), []).append(turn)
    return found


def _can_serve(hall: Hall, window: int, skills: frozenset[str]) -> bool:
    at = hall.windows.get(window)
    codes = [] if at is None else [serves.queue for serves in at.serves if serves.queue in hall.queues]
    needed = [hall.queues[code].skill for code in codes]
    return not needed or any(skill is None or skill in skills for skill in needed)
