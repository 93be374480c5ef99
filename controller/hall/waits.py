"""How many stand before a ticket, how long that may take, and whose turn is next.

Waits are told by fast-forwarding the hall (forward.py) and correcting what comes out by how earlier ones
turned out in this hall (hindsight.py). `expect` answers for one who takes a ticket, and is stored with it;
`forecast` answers for everybody who waits and might join, from one look at the hall.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from controller.hall.balance import rank_idle, serving_windows
from controller.hall.forward import Joiner, Outlook, can_call, look
from controller.hall.hindsight import Error, Expected, expected
from controller.hall.model import Hall, TicketClass, TicketState
from controller.hall.places import line_of, walk


@dataclass(frozen=True, slots=True)
class Estimate:
    """A wait as it is shown to people: somewhere from `low` to `high`, both whole steps."""

    low: timedelta
    high: timedelta


def ahead(hall: Hall, ticket_id: int) -> int:
    """Tickets that stand before this one in its line, through all classes; 0 when it does not wait."""
    ticket = hall.tickets.get(ticket_id)
    if ticket is None or ticket.state is not TicketState.WAITING:
        return 0
    lines = (hall.lines.get((line_of(ticket), klass)) for klass in TicketClass)
    return sum(line.ahead_of(ticket.place) for line in lines if line is not None)


def waiting(hall: Hall, queue: str) -> int:
    """Tickets waiting in a queue; those transferred to one window are waiting for that window instead."""
    line = hall.ages.get(queue)
    return 0 if line is None else len(line)


def estimate(hall: Hall, queue: str, ahead: int) -> Estimate | None:
    """The wait of somebody with `ahead` before him; None while no window serves the queue.

    ahead x mean service time / windows open for the queue (state machine 1), between whole steps.
    """
    windows = len(serving_windows(hall, queue))
    if not windows:
        return None
    step = hall.plan.rules.estimate_step
    low = (ahead * mean_service(hall, queue) / windows) // step * step
    return Estimate(low, low + step)


def mean_service(hall: Hall, queue: str) -> timedelta:
    """Mean of the last finished services of the queue; the configured mean until there are any."""
    times = hall.finished.get(queue, ())
    return sum(times, timedelta()) / len(times) if times else hall.queues[queue].mean_service


def next_numbers(hall: Hall, queue: str, n: int) -> list[str]:
    """The next n numbers of a queue by key time, without knowing which window will call."""
    return [hall.tickets[place[2]].number for place in islice(walk(hall, queue), n)]


def longest_wait(hall: Hall, queue: str, now: datetime) -> timedelta | None:
    """How long the one who waits longest has waited; None when nobody waits."""
    line = hall.ages.get(queue)
    return None if line is None or line.head is None else now - line.head[0]


def waiting_by_class(hall: Hall, queue: str) -> Mapping[TicketClass, int]:
    return {klass: len(hall.lines.get((queue, klass), ())) for klass in TicketClass}


# --- told from a fast-forward ----------------------------------------------------------------------

CALLS_AT_ISSUE = (
    150  # looked ahead for one; the error with 300 was 1 % less on crowded days, for twice the work
)
FEW = 3  # calls of one zone say little about its pace
ANY_MOMENT = timedelta(minutes=2)  # an upper end of so little is told as "any moment now"
LONGEST_TOLD = timedelta(minutes=90)
LOOK_EVERY = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What everybody in a hall has to expect, seen at one moment.

    left: until the call, per waiting ticket; who is missing has no window that would call him, or none within
    the calls looked at. joining: per queue and class, of somebody who takes a ticket now, or whose slot is
    now; none where no window is to call.
    """

    at: datetime
    left: Mapping[int, Expected] = field(default_factory=dict)
    joining: Mapping[tuple[str, TicketClass], Expected] = field(default_factory=dict)


def forecast(hall: Hall, now: datetime) -> Forecast:
    """One look at the hall for all tickets and queues."""
    start = now.timestamp()
    joiners = [Joiner(queue, klass, start) for queue in hall.queues for klass in TicketClass]
    outlook = look(hall, now, joiners)
    joins = {one: at for one in joiners if (at := _called_at(hall, now, one, outlook)) is not None}
    hindsight = hall.hindsight
    return Forecast(
        now,
        {id: expected(hindsight, at - start) for id, at in outlook.calls.items()},
        {(one.queue, one.klass): expected(hindsight, at - start) for one, at in joins.items()},
    )


def expect(
    hall: Hall,
    now: datetime,
    queue: str,
    klass: TicketClass = TicketClass.NORMAL,
    *,
    since: datetime | None = None,
    item: str | None = None,
) -> Expected | None:
    """The wait (K.12) of somebody who takes a ticket now; None while no window is to call from the queue.

    since: when his wait begins to count, when it is later than now: the slot of an appointment.
    """
    due_at = now if since is None else since
    if not waiting(hall, queue) and rank_idle(hall, queue):
        return expected(hall.hindsight, 0.0)
    joiner = Joiner(queue, klass, due_at.timestamp(), item)
    outlook = look(hall, now, [joiner], tickets=(), most_calls=CALLS_AT_ISSUE)
    called_at = _called_at(hall, now, joiner, outlook)
    return None if called_at is None else expected(hall.hindsight, called_at - joiner.due)


def _called_at(hall: Hall, now: datetime, joiner: Joiner, outlook: Outlook) -> float | None:
    """When somebody asked about is called; None when no window is to call him."""
    called_at = outlook.joins.get(joiner)
    if called_at is None and outlook.is_cut and can_call(hall, joiner.queue, outlook):
        return _beyond(hall, now, joiner.queue, outlook)
    return called_at


def _beyond(hall: Hall, now: datetime, queue: str, outlook: Outlook) -> float:
    """When the last of the queue's zone is called, if calls go on at the pace of those looked at."""
    zone, start = hall.queues[queue].zone, now.timestamp()
    before = hall.crowds.get(zone, 0)
    gone = before - outlook.crowds.get(zone, before)
    if gone < FEW:
        before, gone = sum(hall.crowds.values()), len(outlook.calls)
    return start + (outlook.until - start) * (before + 1) / max(1, gone)


def errors(hall: Hall) -> Mapping[tuple[str, int], Error]:
    """How good the waits told have been, per queue and hour of the day (UTC), for those who run the hall."""
    return hall.hindsight.errors


@dataclass(frozen=True, slots=True)
class Words:
    """A wait as it is said to people: a code, whole minutes, and whether this hall's estimates are proven.

    code: any_moment; about (low to high minutes); longer (than low minutes); none (no window is to call).
    """

    code: str
    low: int = 0
    high: int = 0
    is_calibrated: bool = True


def in_words(wait: Expected | None) -> Words:
    """A wait in steps no finer than it is known: 5 minutes, 10 from half an hour on, 15 from an hour on."""
    if wait is None:
        return Words("none")
    longest = LONGEST_TOLD.total_seconds()
    if wait.middle_s > longest:
        return Words("longer", int(longest // 60), is_calibrated=wait.is_calibrated)
    if wait.high_s <= ANY_MOMENT.total_seconds():
        return Words("any_moment", is_calibrated=wait.is_calibrated)
    low, high = _stepped(wait.low_s, up=False), _stepped(min(wait.high_s, 2 * longest), up=True)
    return Words("about", low, max(high, low + 5), wait.is_calibrated)


def _stepped(seconds: float, *, up: bool) -> int:
    minutes = seconds / 60.0
    step = 5 if minutes <= 30 else 10 if minutes <= 60 else 15
    return int(-(-minutes // step) * step) if up else int(minutes // step * step)
