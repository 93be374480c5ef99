"""Which waiting ticket a window calls next, and why.

Pure. The rule of state machine 1: whoever has waited longer than `oldest_first_after` goes first; then
by (level of the queue at this window, key time, ticket). After `greens_in_a_row` green tickets the next
other ticket is taken. Only the heads of lines are looked at, never all who wait. Another rule may stand
here as long as it gives the same answer for the same hall.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from controller.hall.model import (
    Hall,
    Place,
    Serves,
    Session,
    Ticket,
    TicketClass,
    WindowMode,
    WindowState,
)
from controller.hall.places import window_line

STAFFED = frozenset({WindowState.OPEN, WindowState.BUSY})  # somebody sits there and calls


@dataclass(frozen=True, slots=True)
class Choice:
    """A ticket and why it goes first. facts: its number, and minutes waited or its level at the window.

    why: overdue; transfer (to this very window); or by its class turn, appointment, green.
    """

    ticket: int
    why: str
    facts: Mapping[str, object] = field(default_factory=dict)


def next_ticket(hall: Hall, window: int, now: datetime) -> Choice | None:
    """The ticket this window would call at `now`; None when nobody waits for it."""
    session = hall.sessions.get(window)
    if session is None or session.clerk is None:
        return None
    lines = lines_of(hall, session)
    oldest = min((entry for name in lines for entry in _oldest(hall, name)), default=None)
    if oldest is not None and now - oldest[0] > hall.plan.rules.oldest_first_after:
        minutes = int((now - oldest[0]).total_seconds() // 60)
        number = hall.tickets[oldest[1]].number
        return Choice(oldest[1], "overdue", {"number": number, "minutes": minutes})
    heads = _in_turn(hall, session, sorted(_heads(hall, lines)))
    return _choice(hall, heads[0]) if heads else None


def candidates(hall: Hall, window: int, now: datetime) -> list[Ticket]:
    """The heads of all lines this window may call from, in dispatch order; the first is its next ticket."""
    session = hall.sessions.get(window)
    first = next_ticket(hall, window, now)
    if session is None or first is None:
        return []
    heads = _in_turn(hall, session, sorted(_heads(hall, lines_of(hall, session))))
    others = [place[2] for _, place, _ in heads if place[2] != first.ticket]
    return [hall.tickets[id] for id in (first.ticket, *others)]


def serving_windows(hall: Hall, queue: str) -> list[int]:
    """The windows that call from this queue now: staffed, in a mode and with a clerk that fit it."""
    return [
        number
        for number in hall.servers.get(queue, ())
        if hall.sessions[number].state in STAFFED and queue in lines_of(hall, hall.sessions[number])
    ]


def lines_of(hall: Hall, session: Session) -> dict[str, int]:
    """The lines a session may call from, with their level at this window; lower levels go first."""
    window = hall.windows.get(session.window)
    if window is None:
        return {}
    levels: dict[str, int] = {}
    for serves in window.serves:
        if _takes(hall, session, serves) and not (serves.overflow and _is_covered(hall, serves.queue)):
            levels[serves.queue] = min(serves.level, levels.get(serves.queue, serves.level))
    levels[window_line(session.window)] = min((serves.level for serves in window.serves), default=0)
    return levels


def _takes(hall: Hall, session: Session, serves: Serves) -> bool:
    """Whether mode (W5, S2.16) and the clerk's skills (S3.10) let the session serve this queue."""
    queue = hall.queues.get(serves.queue)
    if queue is None or (serves.modes and session.mode not in serves.modes):
        return False
    if queue.is_bulk is not (session.mode is WindowMode.BULK):
        return False
    clerk = None if session.clerk is None else hall.clerks.get(session.clerk)
    return queue.skill is None or (clerk is not None and queue.skill in clerk.skills)


def _is_covered(hall: Hall, queue: str) -> bool:
    """Whether a staffed window serves the queue as its own and not as overflow."""
    return any(
        serves.queue == queue and not serves.overflow and _takes(hall, hall.sessions[number], serves)
        for number in hall.servers.get(queue, ())
        if hall.sessions[number].state in STAFFED
        for serves in hall.windows[number].serves
    )


_Head = tuple[int, Place, TicketClass]


def _heads(hall: Hall, lines: Mapping[str, int]) -> Iterator[_Head]:
    for name, level in lines.items():
        for klass in TicketClass:
            line = hall.lines.get((name, klass))
            if line is not None and line.head is not None:
                yield level, (line.head[0], line.head[1], line.head[2]), klass


def _oldest(hall: Hall, name: str) -> Iterator[tuple[datetime, int]]:
    line = hall.ages.get(name)
    if line is not None and line.head is not None:
        yield line.head[0], line.head[1]


def _in_turn(hall: Hall, session: Session, heads: list[_Head]) -> list[_Head]:
    """Heads with green tickets first at a green window, and behind the others after enough in a row."""
    if session.mode is WindowMode.GREEN:
        return sorted(heads, key=lambda head: head[2] is not TicketClass.GREEN)
    if session.greens >= hall.plan.rules.greens_in_a_row:
        return sorted(heads, key=lambda head: head[2] is TicketClass.GREEN)
    return heads


def _choice(hall: Hall, head: _Head) -> Choice:
    ticket = hall.tickets[head[1][2]]
    why = "transfer" if ticket.legs[-1].target is not None else _WHY[ticket.klass]
    return Choice(ticket.id, why, {"number": ticket.number, "level": head[0]})


_WHY: Mapping[TicketClass, str] = {
    TicketClass.NORMAL: "turn",
    TicketClass.APPOINTMENT: "appointment",
    TicketClass.GREEN: "green",
}
