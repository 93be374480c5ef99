"""Where tickets stand: key times, and the arithmetic of standing behind or before somebody.

Hides how a place is encoded. Tickets of one key time (appointments of one slot) are kept apart by a
rank that leaves GAP - 1 free ranks between neighbours, so that somebody can be put between two.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from heapq import merge
from itertools import islice

from controller.hall.model import Hall, Place, Rules, Ticket, TicketClass

GAP = 1 << 24  # ranks stay below 2**53 for 500 million tickets


def first_place(
    rules: Rules, klass: TicketClass, issued_at: datetime, slot: datetime | None, ticket: int
) -> Place:
    """The place by key time (dispatch rule): of a new, transferred or chained ticket."""
    if klass is TicketClass.APPOINTMENT and slot is not None:
        return slot - rules.appointment_lead, ticket * GAP, ticket
    if klass is TicketClass.GREEN:
        return issued_at - rules.green_credit, ticket * GAP, ticket
    return issued_at, ticket * GAP, ticket


def due(rules: Rules, klass: TicketClass, place: Place) -> float:
    """Since when a wait counts, in seconds since 1970: the key time without what its class has ahead.

    So an appointment's wait counts from its slot, and whoever was let stand elsewhere waits like those there.
    """
    key = place[0]
    if klass is TicketClass.APPOINTMENT:
        key += rules.appointment_lead
    elif klass is TicketClass.GREEN:
        key += rules.green_credit
    return key.timestamp()


def again_first(hall: Hall, ticket: Ticket) -> Place:
    """The place by the ticket's first issue time, which transfer and chain keep (T10, T15)."""
    return first_place(hall.plan.rules, ticket.klass, ticket.issued_at, ticket.slot, ticket.id)


def line_of(ticket: Ticket) -> str:
    """The line it waits in: its queue's, or that of the very window it was transferred to."""
    leg = ticket.legs[-1]
    return leg.queue if leg.target is None else window_line(leg.target)


def window_line(window: int) -> str:
    return f"@{window}"


def walk(hall: Hall, line: str, after: Place | None = None) -> Iterator[Place]:
    """The places of one line through all classes, in order, from the head or behind `after`."""
    lines = [hall.lines[line, klass] for klass in TicketClass if (line, klass) in hall.lines]
    return merge(*(each if after is None else each.after(after) for each in lines))


def behind_next(hall: Hall, ticket: Ticket, n: int, after: Place | None = None) -> Place | None:
    """The place behind the next n of its line (all of them, when fewer); None when nobody is there.

    after: where counting starts; the head of the line unless told.
    """
    near = list(islice(walk(hall, line_of(ticket), after), n + 1))
    if not near or n < 1:
        return None
    last = near[min(n, len(near)) - 1]
    return _between(last, near[n] if len(near) > n else None, ticket.id)


def at_head(hall: Hall, ticket: Ticket, line: str) -> Place:
    """The place before everybody in a line (T16)."""
    head = next(walk(hall, line), None)
    if head is None or ticket.place < head:
        return ticket.place
    return head[0], head[1] - GAP, ticket.id


def _between(before: Place, behind: Place | None, ticket: int) -> Place:
    """Directly behind `before`; with no rank left between the two, as close as ranks allow."""
    key, rank, _ = before
    if behind is None or behind[0] != key:
        return key, rank + GAP, ticket
    return key, max((rank + behind[1]) // 2, rank + 1), ticket
