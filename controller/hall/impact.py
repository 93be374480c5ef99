"""What another plan would do to the hall as it is now: what is in its way, and what changes for people.

Pure. A consequence is a code with the facts of its sentence; pages say it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from controller.hall.model import (
    DayState,
    Hall,
    Plan,
    Queue,
    Refused,
    Serves,
    Ticket,
    TicketClass,
    TicketState,
    WindowState,
)
from controller.hall.plans import faults, obstacles, with_plan
from controller.hall.waits import forecast, waiting

AT_WINDOW = (TicketState.CALLED, TicketState.SERVING, TicketState.HELD)
CODES = (
    *("queue_goes", "queue_unserved", "quota_used_up", "numbers_stay", "wait_changes"),
    *("window_goes", "window_loses", "window_gains", "finishes_there"),
)


@dataclass(frozen=True, slots=True)
class Consequence:
    """What a plan would do to the hall as it is now. facts: what its sentence mentions."""

    code: str
    is_warning: bool = False
    facts: Mapping[str, object] = field(default_factory=dict)


def refusals(hall: Hall, plan: Plan) -> list[Refused]:
    """Why the plan cannot be taken into use now; none when it can."""
    found = list(faults(plan))
    return found or list(obstacles(hall, plan))


def consequences(hall: Hall, plan: Plan, now: datetime) -> list[Consequence]:
    """What changes for those who wait and for the windows at work; of a plan that may be taken into use."""
    after = with_plan(hall, plan)
    found = [*_of_queues(hall, after), *_of_windows(hall, after), *_of_waits(hall, after, now)]
    return sorted(found, key=lambda one: not one.is_warning)


def _of_queues(hall: Hall, after: Hall) -> Iterator[Consequence]:
    for queue in hall.plan.queues:
        people = waiting(hall, queue.code)
        facts: dict[str, object] = {"queue": queue, "n": people}
        kept = after.queues.get(queue.code)
        if kept is None:
            yield Consequence("queue_goes", facts=facts)
        elif hall.servers[queue.code] and not after.servers[queue.code]:
            yield Consequence("queue_unserved", True, facts)
        elif kept.daily_quota is not None and kept.daily_quota != queue.daily_quota:
            yield from _of_quota(hall, kept)
        if kept is not None and (kept.domain, kept.prefix) != (queue.domain, queue.prefix) and people:
            yield Consequence("numbers_stay", facts=facts)
    for queue in after.plan.queues:
        if queue.code not in hall.queues and not after.servers[queue.code]:
            yield Consequence("queue_unserved", True, {"queue": queue, "n": 0})


def _of_quota(hall: Hall, queue: Queue) -> Iterator[Consequence]:
    issued = hall.issued.get(queue.code, 0)
    if queue.daily_quota is not None and issued >= queue.daily_quota:
        yield Consequence("quota_used_up", True, {"queue": queue, "n": issued})


def _of_windows(hall: Hall, after: Hall) -> Iterator[Consequence]:
    for window in hall.plan.windows:
        session = hall.sessions[window.number]
        kept = after.windows.get(window.number)
        if kept is None:
            yield Consequence("window_goes", facts={"window": window.number})
            continue
        is_open = session.state is not WindowState.CLOSED
        for code in _codes(window.serves) - _codes(kept.serves):
            if code in after.queues and is_open:
                yield from _of_lost_queue(hall, window.number, code)
        for code in sorted(_codes(kept.serves) - _codes(window.serves)):
            if code in hall.queues and is_open:
                facts = {"window": window.number, "queue": hall.queues[code], "n": waiting(hall, code)}
                yield Consequence("window_gains", facts=facts)


def _codes(serves: tuple[Serves, ...]) -> set[str]:
    return {one.queue for one in serves}


def _of_lost_queue(hall: Hall, window: int, queue: str) -> Iterator[Consequence]:
    at_window = [one.number for one in hall.tickets.values() if _is_at(one, window, queue)]
    facts = {"window": window, "queue": hall.queues[queue], "n": waiting(hall, queue)}
    yield Consequence("window_loses", facts=facts)
    if at_window:
        yield Consequence("finishes_there", facts={**facts, "numbers": at_window})


def _is_at(ticket: Ticket, window: int, queue: str) -> bool:
    return ticket.window == window and ticket.queue == queue and ticket.state in AT_WINDOW


def _of_waits(hall: Hall, after: Hall, now: datetime) -> Iterator[Consequence]:
    """Queues in which somebody who comes now waits otherwise: what is expected before and after."""
    if hall.day is None or hall.day.state is DayState.CLOSED or not _staffed(hall):
        return
    old, new = forecast(hall, now).joining, forecast(after, now).joining
    step_s = hall.plan.rules.estimate_step.total_seconds()
    for queue in after.plan.queues:
        one, other = (found.get((queue.code, TicketClass.NORMAL)) for found in (old, new))
        if one is None or other is None or queue.code not in hall.queues:
            continue
        if abs(other.middle_s - one.middle_s) >= step_s / 2:
            minutes = {"before": round(one.middle_s / 60), "after": round(other.middle_s / 60)}
            yield Consequence("wait_changes", other.middle_s > one.middle_s, {"queue": queue, **minutes})


def _staffed(hall: Hall) -> bool:
    return any(session.state is not WindowState.CLOSED for session in hall.sessions.values())
