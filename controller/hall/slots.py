"""Which times can be booked for a queue on a day: from the calendar, the hours, the roster and the rules.

Pure. A working day has the hall's usual hours, any other day none, unless an extended session says otherwise
(S0.15, S3.17). How many a slot takes is what the windows that are to be there can do of it, for the share
that is given to bookings; a queue may have a number of its own instead.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from controller.hall.bookings import Slot
from controller.hall.calendar import Calendar
from controller.hall.duty import UNSAID, Stretch, keeps_hours, minutes, stretches
from controller.hall.model import Plan, Queue, Rules, Serves

MOST_DAYS = 60  # looked through for bookable ones; a holiday is shorter
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Staffed:
    """A window that is to be staffed for a while, in minutes since midnight of the day."""

    window: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Span:
    """When bookings are taken: minutes since midnight. windows, queues: None for all."""

    start: int
    end: int
    windows: frozenset[int] | None = None
    queues: frozenset[str] | None = None


def is_open(plan: Plan, calendar: Calendar, day: date) -> bool:
    """Whether the hall keeps its usual hours on that day."""
    return keeps_hours(plan, calendar.kind(day), day)


def bookable_days(plan: Plan, calendar: Calendar, today: date) -> dict[date, int]:
    """The days that may be booked now, each with how many working days it is ahead; a free day on which
    there is a session by appointment counts as the working day before it."""
    rules, found, ahead = plan.rules, dict[date, int](), 0
    for n in range(1, MOST_DAYS):
        day = today + timedelta(days=n)
        ahead += calendar.is_working(day)
        if ahead > rules.book_until:
            break
        if ahead >= rules.book_from and spans_of(plan, calendar, day):
            found[day] = ahead
    return found


def usual_spans(plan: Plan) -> list[Span]:
    """The hours of a usual day."""
    return [Span(minutes(one.start), minutes(one.end)) for one in plan.hours or UNSAID]


def spans_of(plan: Plan, calendar: Calendar, day: date) -> list[Span]:
    """When bookings are taken on that day: the usual hours, and sessions by appointment."""
    found = stretches(plan, calendar.kind(day), day)
    return [_span(one) for one in found if one.session is None or one.is_by_appointment]


def _span(one: Stretch) -> Span:
    if one.session is None:
        return Span(one.start, one.end)
    windows, queues = frozenset(one.session.windows) or None, frozenset(one.session.queues) or None
    return Span(one.start, one.end, windows, queues)


def slots(
    plan: Plan,
    queue: Queue,
    day: date,
    ahead: int,
    spans: Sequence[Span],
    turns: Sequence[Staffed],
    zone: tzinfo,
) -> list[Slot]:
    """The slots of a queue on a day, soonest first; those without a place are left out.

    turns: of that day's roster; without any every window is taken to be there all the time."""
    found: dict[int, Slot] = {}
    for span in spans:
        if span.queues is not None and queue.code not in span.queues:
            continue
        for start in _starts(plan.rules, span):
            end = start + _length(plan.rules)
            places = _places(plan, queue, _there(plan, span, start, end, turns))
            if places:
                times = (_moment(day, start, zone), _moment(day, end, zone))
                found.setdefault(start, Slot(day, *times, places, ahead))
    return [found[start] for start in sorted(found)]


def _starts(rules: Rules, span: Span) -> Iterator[int]:
    length = _length(rules)
    return iter(range(span.start, span.end - length + 1, length))


def _length(rules: Rules) -> int:
    return max(1, round(rules.slot_length / MINUTE))


def _there(plan: Plan, span: Span, start: int, end: int, turns: Sequence[Staffed]) -> set[int]:
    """The windows that are staffed all through."""
    rostered = {one.window for one in turns if one.start <= start and end <= one.end}
    windows = rostered if turns else {one.number for one in plan.windows}
    return windows if span.windows is None else windows & span.windows


def _places(plan: Plan, queue: Queue, windows: set[int]) -> int:
    """How many bookings a slot takes with these windows there: one at least where any of them serves."""
    there = [one.serves for one in plan.windows if one.number in windows]
    share = sum(1 / len(serves) for serves in there if _serves(serves, queue))
    if not share or queue.slot_places == 0:
        return 0
    if queue.slot_places is not None:
        return queue.slot_places
    served = share * (plan.rules.slot_length / queue.mean_service)
    return max(1, math.floor(served * plan.rules.booked_share + 1e-9))


def _serves(serves: Iterable[Serves], queue: Queue) -> bool:
    return any(one.queue == queue.code for one in serves)


def _moment(day: date, minute: int, zone: tzinfo) -> datetime:
    """minute: since midnight; 24:00 is the next day's."""
    return datetime.combine(day, time(), zone).astimezone(UTC) + minute * MINUTE


def working_time(plan: Plan, calendar: Calendar, zone: tzinfo, start: datetime, end: datetime) -> timedelta:
    """How much of the hall's usual hours lies between the two moments; at most MOST_DAYS are looked at."""
    day, total = start.astimezone(zone).date(), timedelta()
    for _ in range(MOST_DAYS):
        if is_open(plan, calendar, day):
            for span in usual_spans(plan):
                first, last = (_moment(day, minute, zone) for minute in (span.start, span.end))
                total += max(timedelta(), min(end, last) - max(start, first))
        day += timedelta(days=1)
        if _moment(day, 0, zone) >= end:
            break
    return total
