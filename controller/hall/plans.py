"""A hall's plan taken into use: the indexes read from it, and whether it holds together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from controller.hall.model import FINAL, Hall, Plan, Queue, Session, Window, WindowState
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
        servers={queue.code: tuple(_servers(plan, queue)) for queue in plan.queues},
    )
    return reindexed(changed)


def check_plan(plan: Plan) -> None:
    """Raises Refused("bad_plan") with the first thing in the plan that contradicts the rest."""
    for what in _contradictions(plan):
        raise refuse("bad_plan", what=what)


def check_change(hall: Hall, plan: Plan) -> None:
    """Raises Refused when the plan drops a queue, window or clerk that is in use now."""
    queues = {queue.code for queue in plan.queues}
    for ticket in hall.tickets.values():
        for queue in (ticket.queue, *ticket.chain):
            if ticket.state not in FINAL and queue not in queues:
                raise refuse("queue_in_use", queue=queue, number=ticket.number)
    windows, clerks = {window.number for window in plan.windows}, {clerk.id for clerk in plan.clerks}
    for session in hall.sessions.values():
        if session.window not in windows and session.state is not WindowState.CLOSED:
            raise refuse("window_in_use", window=session.window, state=session.state.value)
        if session.clerk is not None and session.clerk not in clerks:
            raise refuse("clerk_in_use", clerk=hall.clerks[session.clerk].name, window=session.window)


def _servers(plan: Plan, queue: Queue) -> Iterator[int]:
    for window in plan.windows:
        if any(serves.queue == queue.code for serves in window.serves):
            yield window.number


def _contradictions(plan: Plan) -> Iterator[str]:
    yield from _twice("calling domain", (domain.id for domain in plan.domains))
    yield from _twice("zone", (zone.id for zone in plan.zones))
    yield from _twice("queue", (queue.code for queue in plan.queues))
    yield from _twice("window", (window.number for window in plan.windows))
    yield from _twice("clerk", (clerk.id for clerk in plan.clerks))
    domains, zones = {domain.id for domain in plan.domains}, {zone.id for zone in plan.zones}
    for queue in plan.queues:
        yield from _queue_faults(queue, domains, zones)
    for window in plan.windows:
        yield from _window_faults(window, {queue.code for queue in plan.queues}, zones)


def _twice(what: str, names: Iterable[object]) -> Iterator[str]:
    return (f"{what} {name} is there {count} times" for name, count in Counter(names).items() if count > 1)


def _queue_faults(queue: Queue, domains: set[str], zones: set[str]) -> Iterator[str]:
    if not queue.code or queue.code.startswith("@"):
        yield f"a queue cannot be called {queue.code!r}"
    if queue.domain not in domains:
        yield f"queue {queue.code} names calling domain {queue.domain!r}, which is not there"
    if queue.zone not in zones:
        yield f"queue {queue.code} names zone {queue.zone!r}, which is not there"


def _window_faults(window: Window, queues: set[str], zones: set[str]) -> Iterator[str]:
    if window.zone not in zones:
        yield f"window {window.number} names zone {window.zone!r}, which is not there"
    for serves in window.serves:
        if serves.queue not in queues:
            yield f"window {window.number} serves queue {serves.queue!r}, which is not there"
