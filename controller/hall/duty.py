"""Which queues give out tickets at a moment of the day (S0.15, S3.17). Pure.

Within the usual hours all do. In a session beside them only those on duty do; those by appointment serve who
has booked. Between two spans a queue gives out tickets when it is served again later that day, and after the
last one when it was served in that. A day without a session, or one opened before its kind was noted, has no
such limits: its manager opened it for everything. One that became free while it was open gives out none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from controller.hall.calendar import Calendar
from controller.hall.commands import OpenDay
from controller.hall.model import Plan, Queue, ServiceDay, Shut
from controller.hall.sessions import DayKind, Extended, SessionKind, SessionMode, Sitting

DAY = timedelta(days=1)
DAYS_KNOWN = 15  # looked through for when a queue is served again; the longest holiday has nine
MIDNIGHT = 24 * 60
UNSAID = (Sitting(time(9), time(12)), Sitting(time(13, 30), time(17)))  # hours of a plan that says none


@dataclass(frozen=True, slots=True)
class Stretch:
    """A span of one day in minutes since its midnight. session: None for the usual hours."""

    start: int
    end: int
    session: Extended | None = None

    @property
    def is_by_appointment(self) -> bool:
        return self.session is not None and self.session.mode is SessionMode.APPOINTMENT

    def takes(self, queue: str, servers: Sequence[int]) -> bool:
        """Whether it is for this queue, which these windows serve."""
        one = self.session
        if one is None:
            return True
        return (not one.queues or queue in one.queues) and (
            not one.windows or not set(one.windows).isdisjoint(servers)
        )


def opening(calendar: Calendar, day: date, closes_at: datetime, zone: tzinfo) -> OpenDay:
    """The command that opens a day with what it is and the days after it are."""
    midnight = datetime.combine(day, time(), zone).astimezone(UTC)
    return OpenDay(day, closes_at, midnight, kinds_from(calendar, day))


def kinds_from(calendar: Calendar, day: date) -> tuple[DayKind, ...]:
    """Of a day and those after it, as far as a hall looks ahead."""
    return tuple(calendar.kind(day + n * DAY) for n in range(DAYS_KNOWN))


def keeps_hours(plan: Plan, kind: DayKind, day: date) -> bool:
    """Whether the hall keeps its usual hours on that day: its weekdays, but for holidays, and days moved."""
    if kind is DayKind.HOLIDAY:
        return False
    return kind is DayKind.MAKE_UP or day.weekday() in plan.weekdays


def stretches(plan: Plan, kind: DayKind, day: date) -> list[Stretch]:
    """The usual hours and the sessions of a day, by start."""
    is_usual = keeps_hours(plan, kind, day)
    usual = [Stretch(minutes(one.start), minutes(one.end)) for one in plan.hours or UNSAID]
    held = [one for one in plan.extended if _is_held(one, kind, is_usual)]
    found = (usual if is_usual else []) + [Stretch(minutes(one.start), minutes(one.end), one) for one in held]
    return sorted(found, key=lambda one: (one.start, one.end))


def closing(plan: Plan, kind: DayKind, day: date) -> time | None:
    """When the last of them ends; None on a day without any."""
    found = stretches(plan, kind, day)
    return clock(max(one.end for one in found)) if found else None


def shut(
    plan: Plan, day: ServiceDay | None, servers: Mapping[str, Sequence[int]]
) -> dict[str, tuple[Shut, ...]]:
    """Per queue when it gives out no tickets that day, soonest first; queues that always do are left out."""
    if day is None or day.midnight is None or not day.kinds:
        return {}
    today = stretches(plan, day.kinds[0], day.date)
    if all(one.session is None for one in today) and not day.is_called_off:
        return {}
    week = _Week(plan, day, today)
    found = {queue.code: tuple(week.shut(queue, servers.get(queue.code, ()))) for queue in plan.queues}
    return {code: times for code, times in found.items() if times}


def now_shut(times: Sequence[Shut], at: datetime) -> Shut | None:
    return next((one for one in times if one.start <= at < one.end), None)


class _Week:
    """A day and those after it, as far as their kinds are known."""

    def __init__(self, plan: Plan, day: ServiceDay, today: list[Stretch]) -> None:
        self._day, self._today = day, today
        marks = {minute for one in today for minute in (one.start, one.end)}
        self._marks = sorted({0, MIDNIGHT, *marks})
        after = ((day.date + n * DAY, kind) for n, kind in enumerate(day.kinds[1:], 1))
        self._after = [(one, stretches(plan, kind, one)) for one, kind in after]

    def shut(self, queue: Queue, servers: Sequence[int]) -> Iterator[Shut]:
        assert self._day.midnight is not None
        theirs = [one for one in self._today if one.takes(queue.code, servers)]
        duty = [one for one in theirs if not one.is_by_appointment]
        for start, end in zip(self._marks, self._marks[1:], strict=False):
            running = [one for one in self._today if one.start <= start < one.end]
            if any(one in duty for one in running) or (not running and self._between(duty, start)):
                continue
            first, last = (self._day.midnight + timedelta(minutes=n) for n in (start, end))
            is_booked = any(one in theirs and one.is_by_appointment for one in running)
            yield Shut(first, last, is_booked, self._again(queue, servers, duty, end))

    def _between(self, duty: Sequence[Stretch], minute: int) -> bool:
        """Whether tickets are given out while nothing runs: it is served next, or was served last."""
        if not self._today:  # it became a free day
            return False
        if any(one.start >= minute for one in self._today):
            return any(one.start >= minute for one in duty)
        latest = max(one.end for one in self._today)
        return any(one.end == latest for one in duty)

    def _again(
        self, queue: Queue, servers: Sequence[int], duty: Sequence[Stretch], minute: int
    ) -> tuple[date, time] | None:
        """When tickets are given out next."""
        later = next((one for one in duty if one.start >= minute or one.end > minute), None)
        if later is not None:
            return self._day.date, clock(max(later.start, minute))
        for day, found in self._after:
            for one in found:
                if not one.is_by_appointment and one.takes(queue.code, servers):
                    return day, clock(one.start)
        return None


def _is_held(one: Extended, kind: DayKind, is_usual: bool) -> bool:
    """Whether a session is held on a day of this kind; is_usual: that has the usual hours."""
    match one.kind:
        case SessionKind.WEEKEND:
            return kind is DayKind.WEEKEND and not is_usual
        case SessionKind.HOLIDAY:
            return kind is DayKind.HOLIDAY
        case _:
            return is_usual


def minutes(moment: time) -> int:
    return moment.hour * 60 + moment.minute


def clock(minute: int) -> time:
    return time(minute // 60, minute % 60)
