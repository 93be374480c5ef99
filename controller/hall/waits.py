"""How many stand before a ticket, how long that may take, and whose turn is next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from controller.hall.balance import serving_windows
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
