"""What a hall does by itself when its hour comes: changes of its plan, the roster of the day, and what the
calendar says of a day that is open already.

`step` is called again and again beside everything else. Hides that what is refused is tried again until it
can be done or somebody withdraws it, and that a roster is taken over once, when its day is open.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, tzinfo

from controller.changes import Changes
from controller.hall.commands import PlanShifts, ReckonDay
from controller.hall.duty import kinds_from
from controller.hall.model import DayState, Refused, Shift
from controller.holidays import Holidays
from controller.live import Live
from controller.people import SYSTEM
from controller.store import rosters
from controller.store.people import People
from controller.store.planned import NotWaiting, Planned
from controller.store.rosters import Turn

COMING_S = 1.0  # real seconds between two looks for what is due
AGAIN = timedelta(minutes=1)  # of hall time, until what was refused is tried again

_logger = logging.getLogger(__name__)


class Coming:
    """What is due in one hall. One thread calls `step`."""

    def __init__(
        self, live: Live, changes: Changes, people: People, holidays: Holidays, zone: tzinfo
    ) -> None:
        self._live, self._changes, self._people, self._zone = live, changes, people, zone
        self._holidays = holidays
        self._not_before: dict[int, datetime] = {}
        self._rostered: date | None = None

    def step(self) -> None:
        now = self._live.clock.now()
        for change in self._changes.waiting():
            is_due = change.due_at is not None and change.due_at <= now
            if is_due and now >= self._not_before.get(change.id, now):
                self._try(change, now)
        self._plan_shifts()
        self._reckon()

    def _try(self, change: Planned, now: datetime) -> None:
        """In the name of who decided it, if that person still may."""
        person = self._people.get(change.by)
        try:
            if person is None or not person.is_active:
                raise Refused("planner_gone", "who decided this does not work here any more")
            self._changes.apply_due(change, person.actor)
            _logger.info("hall %s: the plan due at %s is in force", self._live.id, change.due_at)
        except NotWaiting:
            return
        except Refused as error:
            self._not_before[change.id] = now + AGAIN
            self._changes.note_refusal(change.id, error)

    def _plan_shifts(self) -> None:
        """The roster of today, once; the key makes sure of it over a restart."""
        day = self._live.hall.day
        if day is None or day.state is DayState.CLOSED or day.date == self._rostered:
            return
        with self._live.store.reading() as c:
            turns = rosters.turns(c, self._live.id, day.date, day.date)
        for window in sorted({turn.window for turn in turns} & set(self._live.hall.windows)):
            shifts = shifts_of(turns, window, self._zone)
            self._live.submit(PlanShifts(window, shifts), SYSTEM, key=f"roster:{day.date}:{window}")
        self._rostered = day.date

    def _reckon(self) -> None:
        """A calendar that was changed since the day was opened holds from now on."""
        day = self._live.hall.day
        if day is None or day.state is DayState.CLOSED or not day.kinds:
            return
        kinds = kinds_from(self._holidays.calendar, day.date)
        if kinds != day.kinds:
            self._live.submit(ReckonDay(day.date, kinds), SYSTEM)


def shifts_of(turns: list[Turn], window: int, zone: tzinfo) -> tuple[Shift, ...]:
    """When the window is to be staffed, of the turns of one day; those that touch are one shift."""
    spans: list[tuple[datetime, datetime]] = []
    for start, end in _spans(turns, window, zone):
        if spans and spans[-1][1] >= start:
            spans[-1] = spans[-1][0], max(spans[-1][1], end)
        else:
            spans.append((start, end))
    return tuple(Shift(start, end) for start, end in spans)


def _spans(turns: list[Turn], window: int, zone: tzinfo) -> Iterator[tuple[datetime, datetime]]:
    for turn in sorted(turns, key=lambda one: one.start):
        if turn.window == window:
            midnight = datetime.combine(turn.day, time(), zone)
            yield midnight + timedelta(minutes=turn.start), midnight + timedelta(minutes=turn.end)
