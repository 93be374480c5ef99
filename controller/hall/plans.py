"""A hall's plan taken into use: the indexes read from it, and whether it holds together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import pairwise
from typing import NamedTuple

from controller.hall import duty
from controller.hall.bookings import OPEN
from controller.hall.model import FINAL, Hall, Plan, Queue, Refused, Session, Window, WindowState
from controller.hall.refusals import refuse
from controller.hall.standing import reindexed
from controller.hall.values import replace


def new_hall(id: str, plan: Plan) -> Hall:
    """A hall before its first day: every window closed, nobody waiting. Raises Refused on a bad plan."""
    check_plan(plan)
    return with_plan(Hall(id), plan)


def with_plan(hall: Hall, plan: Plan) -> Hall:
    """The hall under another plan: indexes rebuilt, a closed session for each window it did not have."""
    windows = {window.number: window for window in plan.windows}
    sessions = hall.sessions
    for number in set(sessions) - set(windows):
        if sessions[number].state is WindowState.CLOSED:
            sessions = sessions.delete(number)
    for number in sorted(set(windows) - set(sessions)):
        sessions = sessions.set(number, Session(number, WindowState.CLOSED, windows[number].mode))
    changed = replace(
        hall,
        plan=plan,
        sessions=sessions,
        queues={queue.code: queue for queue in plan.queues},
        windows=windows,
        clerks={clerk.id: clerk for clerk in plan.clerks},
        servers=_servers(plan),
    )
    return reindexed(with_duty(changed))


def with_duty(hall: Hall) -> Hall:
    """The hall with what its sessions say of its day."""
    return replace(hall, shut=duty.shut(hall.plan, hall.day, hall.servers))


def check_plan(plan: Plan) -> None:
    """Raises Refused with the first thing in the plan that contradicts the rest."""
    for fault in faults(plan):
        raise fault


def check_change(hall: Hall, plan: Plan) -> None:
    """Raises Refused when the plan drops a queue, window or clerk that is in use now."""
    for obstacle in obstacles(hall, plan):
        raise obstacle


def obstacles(hall: Hall, plan: Plan) -> Iterator[Refused]:
    """What is in use now and not in the plan: one refusal for each queue, window and clerk."""
    queues, told = {queue.code for queue in plan.queues}, set[str]()
    for ticket in hall.tickets.values():
        for queue in (ticket.queue, *ticket.chain):
            if ticket.state not in FINAL and queue not in queues and queue not in told:
                told.add(queue)
                yield refuse("queue_in_use", queue=queue, number=ticket.number)
    for one in hall.bookings.known.values():
        if one.state in OPEN and one.queue not in queues and one.queue not in told:
            told.add(one.queue)
            yield refuse("queue_booked", queue=one.queue, day=one.day.isoformat())
    windows, clerks = {window.number for window in plan.windows}, {clerk.id for clerk in plan.clerks}
    for session in hall.sessions.values():
        if session.window not in windows and session.state is not WindowState.CLOSED:
            yield refuse("window_in_use", window=session.window, state=session.state.value)
        if session.clerk is not None and session.clerk not in clerks:
            yield refuse("clerk_in_use", clerk=hall.clerks[session.clerk].name, window=session.window)


def _servers(plan: Plan) -> dict[str, tuple[int, ...]]:
    """The windows that serve each queue, in the plan's order."""
    servers: dict[str, dict[int, None]] = {queue.code: {} for queue in plan.queues}
    for window in plan.windows:
        for serves in window.serves:
            if serves.queue in servers:
                servers[serves.queue][window.number] = None
    return {code: tuple(numbers) for code, numbers in servers.items()}


def faults(plan: Plan) -> Iterator[Refused]:
    """Everything in the plan that contradicts the rest of it."""
    yield from _twice("plan_twice_domain", (domain.id for domain in plan.domains))
    yield from _twice("plan_twice_department", (department.id for department in plan.departments))
    yield from _twice("plan_twice_zone", (zone.id for zone in plan.zones))
    yield from _twice("plan_twice_queue", (queue.code for queue in plan.queues))
    yield from _twice("plan_twice_window", (window.number for window in plan.windows))
    yield from _twice("plan_twice_clerk", (clerk.id for clerk in plan.clerks))
    yield from _twice("plan_twice_reason", (reason.id for reason in plan.rating_reasons))
    named = _Named(
        {domain.id for domain in plan.domains},
        {zone.id for zone in plan.zones},
        {queue.code for queue in plan.queues},
        {department.id for department in plan.departments} | {None},
    )
    for queue in plan.queues:
        yield from _queue_faults(queue, named)
    for window in plan.windows:
        yield from _window_faults(window, named)
    for clerk in plan.clerks:
        if clerk.department not in named.departments:
            yield refuse("plan_clerk_department", clerk=clerk.name, department=clerk.department)
    if any(one.end <= one.start for one in plan.hours) or any(
        after.start < before.end for before, after in pairwise(plan.hours)
    ):
        yield refuse("plan_hours")
    yield from _session_faults(plan, named)


class _Named(NamedTuple):
    """What a plan has, for those who name it."""

    domains: set[str]
    zones: set[str]
    queues: set[str]
    departments: set[str | None]


def _twice(code: str, names: Iterable[object]) -> Iterator[Refused]:
    return (refuse(code, name=name, count=count) for name, count in Counter(names).items() if count > 1)


def _session_faults(plan: Plan, named: _Named) -> Iterator[Refused]:
    windows = {window.number for window in plan.windows}
    for one in plan.extended:
        if one.end <= one.start:
            yield refuse("plan_session_hours", start=f"{one.start:%H:%M}")
        for number in sorted(set(one.windows) - windows):
            yield refuse("plan_session_window", start=f"{one.start:%H:%M}", window=number)
        for queue in sorted(set(one.queues) - named.queues):
            yield refuse("plan_session_queue", start=f"{one.start:%H:%M}", queue=queue)


def _queue_faults(queue: Queue, named: _Named) -> Iterator[Refused]:
    code = queue.code
    if not code or code.startswith("@"):
        yield refuse("plan_queue_code", queue=code)
    if queue.domain not in named.domains:
        yield refuse("plan_queue_domain", queue=code, domain=queue.domain)
    if queue.zone not in named.zones:
        yield refuse("plan_queue_zone", queue=code, zone=queue.zone)
    if queue.department not in named.departments:
        yield refuse("plan_queue_department", queue=code, department=queue.department)
    if queue.mean_service <= timedelta():
        yield refuse("plan_queue_mean", queue=code)
    if queue.slot_places is not None and queue.slot_places < 0:
        yield refuse("plan_queue_places", queue=code)
    if queue.daily_quota is not None and queue.daily_quota < 1:
        yield refuse("plan_queue_quota", queue=code)


def _window_faults(window: Window, named: _Named) -> Iterator[Refused]:
    if window.zone not in named.zones:
        yield refuse("plan_window_zone", window=window.number, zone=window.zone)
    if window.department not in named.departments:
        yield refuse("plan_window_department", window=window.number, department=window.department)
    for serves in window.serves:
        if serves.queue not in named.queues:
            yield refuse("plan_window_queue", window=window.number, queue=serves.queue)
