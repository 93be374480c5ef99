"""What a service day came to, per queue, window and area: sums that can be added up over any number of days.

Pure. A tally is made from how the day's tickets stand and from what happened to its windows, so the same
tickets always give the same tally. Quarters of an hour are those of UTC, counted from 00:00 and starting
anew after 24 hours: a hall's own quarters are the same ones turned by its distance from UTC.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from operator import add

from controller.hall.model import Outcome, Shift, TicketClass, TicketState, WindowState
from controller.hall.staffing import QUARTER, QUARTERS

# Upper ends of the classes of waits, in minutes; the last class is open. K.12 asks for 15, P.28 for 30.
WAIT_ENDS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 18, 20, 25, 30, 35, 40, 45, 60, 75, 90, 105, 120, 180)
WAIT_CLASSES = len(WAIT_ENDS) + 1
LEVELS = range(1, 6)  # of a rating
AT_WORK = frozenset({"ServiceStarted", "TicketResumed", "TicketReopened"})  # end a pause by themselves


@dataclass(frozen=True, slots=True)
class Visit:
    """A ticket as its row says it ended up; window: the last that called it."""

    queue: str
    klass: TicketClass
    state: TicketState
    window: int | None
    issued_at: datetime
    wait_s: float | None
    service_s: float | None
    misses: int
    legs: int
    outcome: Outcome | None
    rating: int | None


@dataclass(slots=True)
class Tally:
    """Visits in figures. wait_s and service_s: of all together; waits: how many per class of WAIT_ENDS.

    arrivals: tickets taken per quarter of the day. moved: of them, handed on to another queue or window.
    """

    issued: int = 0
    called: int = 0
    served: int = 0
    missed: int = 0
    abandoned: int = 0
    cancelled: int = 0
    expired: int = 0
    green: int = 0
    booked: int = 0
    moved: int = 0
    wait_s: float = 0.0
    longest_s: float = 0.0
    service_s: float = 0.0
    cases: int = 0
    enquiries: int = 0
    collections: int = 0
    nothings: int = 0
    rated_1: int = 0
    rated_2: int = 0
    rated_3: int = 0
    rated_4: int = 0
    rated_5: int = 0
    arrivals: list[int] = field(default_factory=lambda: [0] * QUARTERS)
    waits: list[int] = field(default_factory=lambda: [0] * WAIT_CLASSES)


FIGURES = tuple(one.name for one in fields(Tally) if one.name not in ("arrivals", "waits"))
_OUTCOMES: Mapping[Outcome, str] = {
    Outcome.CASE: "cases",
    Outcome.ENQUIRY: "enquiries",
    Outcome.COLLECTION: "collections",
    Outcome.NOTHING: "nothings",
}
_ENDS = {
    TicketState.COMPLETED: "served",
    TicketState.ABANDONED: "abandoned",
    TicketState.CANCELLED: "cancelled",
    TicketState.EXPIRED: "expired",
}
_CLASSES = {TicketClass.GREEN: "green", TicketClass.APPOINTMENT: "booked"}


# --- tickets


def by_queue(visits: Iterable[Visit]) -> dict[str, Tally]:
    """Per queue that the tickets were last in."""
    found: dict[str, Tally] = {}
    for visit in visits:
        count(found.setdefault(visit.queue, Tally()), visit)
    return found


def count(tally: Tally, visit: Visit) -> None:
    """Add one visit."""
    tally.issued += 1
    tally.arrivals[quarter_of(visit.issued_at)] += 1
    tally.missed += visit.misses > 0
    tally.moved += visit.legs > 1
    for name in _names(visit):
        setattr(tally, name, getattr(tally, name) + 1)
    tally.service_s += visit.service_s or 0.0
    if visit.wait_s is not None:
        tally.called += 1
        tally.wait_s += visit.wait_s
        tally.longest_s = max(tally.longest_s, visit.wait_s)
        tally.waits[bisect_left(WAIT_ENDS, visit.wait_s / 60)] += 1


def _names(visit: Visit) -> Iterator[str]:
    """The figures that count the visit once."""
    if name := _ENDS.get(visit.state):
        yield name
    if name := _CLASSES.get(visit.klass):
        yield name
    if visit.outcome is not None:
        yield _OUTCOMES[visit.outcome]
    if visit.rating in LEVELS:
        yield f"rated_{visit.rating}"


def quarter_of(moment: datetime) -> int:
    """The quarter of the day in UTC."""
    utc = moment.astimezone(UTC)
    return utc.hour * 4 + utc.minute // 15


def together(tallies: Iterable[Tally]) -> Tally:
    """All of them added up; the longest wait is the longest of any."""
    whole = Tally()
    for one in tallies:
        longest_s = max(whole.longest_s, one.longest_s)
        for name in FIGURES:
            setattr(whole, name, getattr(whole, name) + getattr(one, name))
        whole.longest_s = longest_s
        whole.arrivals = list(map(add, whole.arrivals, one.arrivals))
        whole.waits = list(map(add, whole.waits, one.waits))
    return whole


# --- windows


@dataclass(frozen=True, slots=True)
class Move:
    """Something that changes whether a window is staffed; kind: of the event."""

    at: datetime
    window: int
    kind: str


@dataclass(slots=True)
class WindowTally:
    """One window's day, in seconds. planned: by its times of that day; absent: of those, with nobody there.

    first_at and last_at: when somebody was there first and last. staffed: seconds per quarter of the day.
    """

    first_at: datetime | None = None
    last_at: datetime | None = None
    staffed_s: float = 0.0
    paused_s: float = 0.0
    lost_s: float = 0.0
    planned_s: float = 0.0
    absent_s: float = 0.0
    served: int = 0
    service_s: float = 0.0
    staffed: list[int] = field(default_factory=lambda: [0] * QUARTERS)


Spell = tuple[WindowState, datetime, datetime]  # what a window was, from when until when
_SPENT = {WindowState.PAUSED: "paused_s", WindowState.OFFLINE: "lost_s"}


def by_window(
    moves: Iterable[Move],
    at_opening: Mapping[int, WindowState],
    shifts: Mapping[int, Sequence[Shift]],
    opened: datetime,
    until: datetime,
) -> dict[int, WindowTally]:
    """Per window at which somebody was or should have been, from the opening of the day until `until`.

    at_opening: windows that were staffed already then; shifts: the times planned for each window.
    """
    found: dict[int, WindowTally] = {}
    of_window: dict[int, list[Move]] = {number: [] for number in (*at_opening, *shifts)}
    for move in moves:
        of_window.setdefault(move.window, []).append(move)
    for number, mine in sorted(of_window.items()):
        spells = list(_spells(mine, at_opening.get(number, WindowState.CLOSED), opened, until))
        planned = shifts.get(number, ())
        if spells or planned:
            found[number] = _window(spells, planned, until)
    return found


def _spells(moves: Sequence[Move], state: WindowState, opened: datetime, until: datetime) -> Iterator[Spell]:
    """When the window was what, leaving out when nobody was there."""
    since, former = opened, state
    for move in (*moves, Move(until, 0, "")):
        if state is not WindowState.CLOSED and move.at > since:
            yield state, since, move.at
        since, (state, former) = max(since, move.at), _after(move.kind, state, former)


def _after(kind: str, state: WindowState, former: WindowState) -> tuple[WindowState, WindowState]:
    """The state after an event, and the one to return to from being lost."""
    if kind == "WindowLost":
        return WindowState.OFFLINE, state
    if kind == "WindowRestored":
        return former, former
    if kind == "WindowPaused":
        return WindowState.PAUSED, former
    if kind in ("WindowOpened", "WindowUnpaused") or (kind in AT_WORK and state is WindowState.PAUSED):
        return WindowState.OPEN, former
    return (WindowState.CLOSED, former) if kind == "WindowClosed" else (state, former)


def _window(spells: Sequence[Spell], shifts: Sequence[Shift], until: datetime) -> WindowTally:
    tally = WindowTally()
    if spells:
        tally.first_at, tally.last_at = spells[0][1], spells[-1][2]
    for state, start, end in spells:
        name = _SPENT.get(state, "staffed_s")
        setattr(tally, name, getattr(tally, name) + (end - start).total_seconds())
        if name == "staffed_s":
            spread(tally.staffed, start, end)
    for shift in shifts:
        planned_s = max(0.0, (min(shift.end, until) - shift.start).total_seconds())
        there_s = sum(_overlap_s(shift, until, start, end) for _, start, end in spells)
        tally.planned_s += planned_s
        tally.absent_s += planned_s - there_s
    return tally


def _overlap_s(shift: Shift, until: datetime, start: datetime, end: datetime) -> float:
    return max(0.0, (min(shift.end, until, end) - max(shift.start, start)).total_seconds())


def spread(quarters: list[int], start: datetime, end: datetime) -> None:
    """Add the seconds from start to end to the quarters they lie in."""
    utc = start.astimezone(UTC)
    first = utc.replace(minute=utc.minute // 15 * 15, second=0, microsecond=0)
    while first < end:
        inside = min(end, first + QUARTER) - max(start, first)
        quarters[quarter_of(first)] += round(inside.total_seconds())
        first += QUARTER
