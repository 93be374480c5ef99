"""What might be done about long waits, what each would bring, and what it brought.

Pure. Every measure that could be taken now is tried on a copy of the hall, and the next hour is played
through with and without it (rehearsal.py) in the same courses of chance: few for all, more for the best. The
gain is the waiting saved, of all people together. `decide` carries a measure out; `effects` says afterwards
how long people waited, beside what was expected.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from heapq import nlargest, nsmallest
from itertools import pairwise

from controller.hall import days, windows
from controller.hall.commands import ChangePlan, Login, PlanShifts, TakeMeasure
from controller.hall.events import Event, MeasureTaken
from controller.hall.history import apply
from controller.hall.model import (
    Hall,
    Measure,
    MeasureKind,
    Queue,
    Refused,
    Serves,
    Taken,
    Ticket,
    TicketClass,
    Window,
    WindowState,
)
from controller.hall.paces import pace
from controller.hall.refusals import refuse
from controller.hall.rehearsal import Chance, Demand, crowd, rehearse
from controller.hall.roster import STAFFED, roster_of

AHEAD = timedelta(hours=1)
DELAY = timedelta(minutes=30)
ROUNDS = ((2, 24), (4, 8), (16, 8))  # courses of chance a measure has been tried in, and how many go on then
HELPERS = 2  # windows tried for the queues of each zone
CALLED_BACK = 12  # windows tried to be opened, and breaks to be delayed: those with most people to call


def is_needed(hall: Hall, now: datetime) -> bool:
    """Whether anybody has waited so long that help is called for (P.28)."""
    heads = (line.head[0] for line in hall.ages.values() if line.head is not None)
    return any(now - since >= hall.plan.rules.long_wait for since in heads)


def best(
    hall: Hall,
    now: datetime,
    tried: Iterable[Measure],
    chance: Chance,
    demand: Demand,
    most: int = 3,
) -> list[Measure]:
    """Of these measures those that save most, the best first; no two for the same window or clerk.

    demand: people an hour expected per queue and class.
    """
    hours = AHEAD.total_seconds() / 3600.0
    courses = [crowd(hall, now, demand, hours, chance) for _ in range(ROUNDS[-1][0])]
    halls = [(one, after) for one in tried if (after := _tried(hall, one, now)) is not None]

    def wait(place: int, course: int) -> float:
        return rehearse(halls[place][1], now, courses[course], hours).waited_s

    first = [rehearse(hall, now, each, hours).waited_s for each in courses]
    found = [_measured(halls[place][0], first, then) for place, then in race(len(halls), wait).items()]
    return _apart(sorted(found, key=lambda one: -one.saved_s), most, hall.plan.rules.least_saved)


def race(
    count: int, wait: Callable[[int, int], float], rounds: Sequence[tuple[int, int]] = ROUNDS
) -> dict[int, list[float]]:
    """The waits of the measures that come through all rounds, per course of chance.

    count: measures; wait: the wait under one of them, by its place, in one course. After each round only
    those with the least waiting so far go on, so that most work goes into telling the best ones apart.
    Source: successive halving, Karnin, Koren & Somekh, Almost Optimal Exploration, ICML 2013.
    """
    waits: dict[int, list[float]] = {place: [] for place in range(count)}
    for courses, most in rounds:
        for place, known in waits.items():
            known += [wait(place, course) for course in range(len(known), courses)]
        waits = dict(nsmallest(most, waits.items(), key=lambda one: sum(one[1])))
    return waits


def _measured(measure: Measure, first: list[float], then: list[float]) -> Measure:
    """With the waiting without it (first) and with it, in the same courses."""
    gains = [without - wait for without, wait in zip(first, then, strict=True)]
    mean = sum(gains) / len(gains)
    spread = math.sqrt(sum((gain - mean) ** 2 for gain in gains) / max(1, len(gains) - 1))
    return replace(
        measure,
        waiting_s=round(sum(first) / len(first), 1),
        saved_s=round(mean, 1),
        doubt_s=round(spread / math.sqrt(len(gains)), 1),
    )


def _apart(found: list[Measure], most: int, least: timedelta) -> list[Measure]:
    """The first ones worth a move that do not stand in each other's way."""
    kept: list[Measure] = []
    for one in found:
        is_free = all(
            one.window != other.window and (one.clerk is None or one.clerk != other.clerk) for other in kept
        )
        if is_free and one.saved_s >= least.total_seconds() and len(kept) < most:
            kept.append(one)
    return kept


def recent(hall: Hall, now: datetime) -> dict[tuple[str, TicketClass], float]:
    """People an hour who took a ticket in the last hour (or since opening), per queue and class."""
    since = now - AHEAD if hall.day is None else max(now - AHEAD, hall.day.opened_at)
    hours = max(0.25, (now - since).total_seconds() / 3600.0)
    counts: dict[tuple[str, TicketClass], float] = {}
    for ticket in hall.tickets.values():
        if ticket.issued_at >= since:
            key = ticket.legs[0].queue, ticket.klass
            counts[key] = counts.get(key, 0.0) + 1.0 / hours
    return counts


def expected(last: Demand, coming: Mapping[str, float]) -> dict[tuple[str, TicketClass], float]:
    """People in the next hour per queue and class: of a queue with a past as many as then, else as lately.

    Their classes are those of the last hour.
    """
    of_queue: dict[str, float] = {}
    for (queue, _), rate in last.items():
        of_queue[queue] = of_queue.get(queue, 0.0) + rate
    found = {
        (queue, klass): rate * coming.get(queue, of_queue[queue]) / of_queue[queue]
        for (queue, klass), rate in last.items()
    }
    new = {queue: rate for queue, rate in coming.items() if queue not in of_queue}
    return found | {(queue, TicketClass.NORMAL): rate for queue, rate in new.items()}


# --- what could be done ----------------------------------------------------------------------------


def measures(hall: Hall, now: datetime) -> Iterator[Measure]:
    """Every measure that could be taken now, for queues people wait in."""
    zones: dict[str, list[str]] = {}
    for queue in hall.plan.queues:
        zones.setdefault(queue.zone, []).append(queue.code)
    crowded = [zone for zone in zones if hall.crowds.get(zone, 0)]
    yield from _openings(hall, {zone: zones[zone] for zone in crowded})
    for zone in crowded:
        yield from _takings(hall, zones[zone])
    yield from _delays(hall, now)


def _openings(hall: Hall, zones: Mapping[str, list[str]]) -> Iterator[Measure]:
    """Each closed window with the clerk at hand who is fastest there."""
    busy = {session.clerk for session in hall.sessions.values()}
    spare = [clerk for clerk in hall.plan.clerks if clerk.id not in busy]
    seen = {leg.window for ticket in hall.tickets.values() for leg in ticket.legs}
    closed = [one for one in hall.plan.windows if hall.sessions[one.number].state is WindowState.CLOSED]
    for window in nlargest(CALLED_BACK, closed, key=lambda one: _called_for(hall, one)) if spare else ():
        queues = {serves.queue for serves in window.serves}
        helped = [zone for zone, codes in zones.items() if queues & set(codes)]
        if not helped:
            continue
        able = [clerk for clerk in spare if _skilled(hall, clerk.skills, queues)] or spare
        clerk = max(able, key=lambda one: (sum(pace(hall.figures, one.id, zone) for zone in helped), one.id))
        kind = MeasureKind.OPEN if window.number in seen else MeasureKind.RESERVE
        yield Measure(kind, window.number, clerk.id, tuple(sorted(queues)))


def _skilled(hall: Hall, skills: frozenset[str], queues: set[str]) -> bool:
    return all(hall.queues[code].skill in (None, *skills) for code in queues if code in hall.queues)


def _takings(hall: Hall, codes: list[str]) -> Iterator[Measure]:
    """The staffed windows with least to do that could take the queues of a zone they do not serve yet."""
    lacking, roster = [], roster_of(hall)
    for number, session in sorted(hall.sessions.items()):
        clerk = hall.clerks.get(session.clerk or "")
        if session.state not in STAFFED or clerk is None or number not in hall.windows:
            continue
        serves = {post.line for post in roster.posts(number)}
        skills = (None, *clerk.skills)
        new = tuple(code for code in codes if code not in serves and _fits(hall.queues[code], skills))
        if new:
            lacking.append((_load(hall, number), number, new))
    for _, number, new in sorted(lacking)[:HELPERS]:
        yield Measure(MeasureKind.TAKE, number, queues=new)


def _fits(queue: Queue, skills: tuple[str | None, ...]) -> bool:
    return queue.skill in skills and not queue.is_bulk


def _load(hall: Hall, window: int) -> float:
    """People waiting for each window of the zones a window works for."""
    roster = roster_of(hall)
    zones = {post.section for post in roster.posts(window)[:-1]}
    return sum(hall.crowds.get(zone, 0) / roster.capacity(zone) for zone in zones) / max(1, len(zones))


def _delays(hall: Hall, now: datetime) -> Iterator[Measure]:
    """Windows whose break begins within the next hour."""
    leaving = []
    for number, shifts in sorted(hall.shifts.items()):
        session = hall.sessions.get(number)
        ends = [shift.end for shift in shifts[:-1] if now < shift.end <= now + AHEAD]
        if session is not None and session.state in STAFFED and ends:
            leaving.append(hall.windows[number])
    for window in nlargest(CALLED_BACK, leaving, key=lambda one: _called_for(hall, one)):
        queues = tuple(serves.queue for serves in window.serves)
        yield Measure(MeasureKind.DELAY, window.number, hall.sessions[window.number].clerk, queues, DELAY)


def _called_for(hall: Hall, window: Window) -> float:
    """People waiting for each window of the zones a window serves by its plan, together."""
    roster = roster_of(hall)
    known = (hall.queues.get(serves.queue) for serves in window.serves)
    zones = {queue.zone for queue in known if queue is not None}
    return sum(hall.crowds.get(zone, 0) / roster.capacity(zone) for zone in zones)


# --- carrying it out -------------------------------------------------------------------------------


def decide(hall: Hall, command: TakeMeasure, now: datetime) -> list[Event]:
    """What follows from the measure by the rules of what it consists of, and that it was taken."""
    return [*_steps(hall, command.measure, now), MeasureTaken(now, command.measure)]


def _steps(hall: Hall, measure: Measure, now: datetime) -> list[Event]:
    match measure.kind:
        case MeasureKind.OPEN | MeasureKind.RESERVE:
            return windows.decide(hall, Login(measure.window, measure.clerk or ""), now)
        case MeasureKind.TAKE:
            return days.decide(hall, _taking(hall, measure), now)
        case MeasureKind.DELAY:
            return windows.decide(hall, _delayed(hall, measure, now), now)


def _taking(hall: Hall, measure: Measure) -> ChangePlan:
    """The plan with the queues served at the window too, on the level of those it serves already."""
    window = hall.windows.get(measure.window)
    if window is None:
        raise refuse("unknown_window", window=measure.window)
    level = min((serves.level for serves in window.serves), default=0)
    kept = tuple(serves for serves in window.serves if serves.queue not in measure.queues)
    more = tuple(Serves(queue, level) for queue in measure.queues)
    changed = replace(window, serves=(*kept, *more))
    everywhere = tuple(changed if one.number == window.number else one for one in hall.plan.windows)
    return ChangePlan(replace(hall.plan, windows=everywhere, rev=hall.plan.rev + 1))


def _delayed(hall: Hall, measure: Measure, now: datetime) -> PlanShifts:
    """The shifts with the next break moved; the time after it begins later too."""
    shifts = list(hall.shifts.get(measure.window, ()))
    for place, (shift, following) in enumerate(pairwise(shifts)):
        if now < shift.end:
            start = min(following.start + measure.delay, following.end - timedelta(minutes=1))
            shifts[place] = replace(shift, end=min(shift.end + measure.delay, start))
            shifts[place + 1] = replace(following, start=start)
            return PlanShifts(measure.window, tuple(shifts))
    raise refuse("no_break", window=measure.window)


def _tried(hall: Hall, measure: Measure, now: datetime) -> Hall | None:
    """The hall after the measure; None when its rules do not allow it."""
    try:
        events = _steps(hall, measure, now)
    except Refused:
        return None
    for event in events:
        hall = apply(hall, event)
    return hall


# --- what it brought -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Effect:
    """Waiting of all together in the hour after a measure: as it was, as expected with it, and without it.

    is_over: whether that hour is past; before, all three are for its part so far.
    """

    taken: Taken
    waited_s: float
    with_s: float
    without_s: float
    is_over: bool


def effects(hall: Hall, now: datetime) -> list[Effect]:
    """What each measure of today brought."""
    return [_effect(hall, taken, now) for taken in hall.taken]


def _effect(hall: Hall, taken: Taken, now: datetime) -> Effect:
    until = min(now, taken.at + AHEAD)
    share = max(0.0, (until - taken.at) / AHEAD)
    waited_s = sum(_waited_s(ticket, taken.at, until) for ticket in hall.tickets.values())
    without_s = taken.measure.waiting_s
    with_s = without_s - taken.measure.saved_s
    return Effect(taken, waited_s, with_s * share, without_s * share, now >= taken.at + AHEAD)


def _waited_s(ticket: Ticket, since: datetime, until: datetime) -> float:
    """Waiting of one ticket between two moments, through all its legs."""
    total = timedelta()
    for leg in ticket.legs:
        ended = leg.called_at or leg.ended_at or ticket.finished_at or until
        total += max(timedelta(), min(ended, until) - max(leg.began_at, since))
    return total.total_seconds()
