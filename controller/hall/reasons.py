"""Why a ticket was called, as numbers and codes that others put into words.

Three readers: the clerk gets one code with its facts, the manager every number of every candidate, the
citizen what he could count himself: who stands before him and how many windows may call him.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from heapq import nlargest
from typing import TypeAlias

from controller.hall.balance import Choice, Scored, scored
from controller.hall.model import Hall, Ticket, TicketState
from controller.hall.places import due, line_of
from controller.hall.roster import roster_of
from controller.hall.waits import ahead
from controller.hall.weighing import MOST_WEIGHED, Reasons, Weighed

Facts: TypeAlias = Mapping[str, str | int | float]


def of_choice(hall: Hall, choice: Choice, now: datetime) -> Reasons:
    """The reasons of a choice, seen from the hall before the call."""
    pool = scored(hall, choice, now) if choice.pool else []
    best = [one for one in pool if -one.lowness == choice.ticket]
    others = nlargest(MOST_WEIGHED - 1, (one for one in pool if -one.lowness != choice.ticket))
    weighed = tuple(_weighed(one) for one in (*best, *others)) if best else ()
    return Reasons(choice.why, choice.facts, *_around(hall, hall.tickets[choice.ticket]), weighed)


def of_jump(hall: Hall, ticket: Ticket) -> Reasons:
    """The reasons kept with a jump call; why it was made stands in the clerk's own words beside them."""
    return Reasons("jump", {"number": ticket.number}, *_around(hall, ticket))


def for_clerk(reasons: Reasons) -> tuple[str, Facts]:
    """One code with what its sentence mentions."""
    return reasons.code, reasons.facts


def for_citizen(hall: Hall, ticket: int) -> Iterator[tuple[str, Facts]]:
    """What somebody who waits may know, line by line; nothing once he does not wait any more.

    before: people before him in his queue. windows: how many of the staffed windows may call him, or
    no_window. passed: how often a later one was called before him, of his section and of all; only if so.
    """
    known = hall.tickets.get(ticket)
    if known is None or known.state is not TicketState.WAITING:
        return
    before, windows, staffed = _around(hall, known)
    yield "before", {"count": before}
    yield ("windows" if windows else "no_window"), {"count": windows, "staffed": staffed}
    near, far = passed_so_far(hall, known)
    if far:
        yield "passed", {"near": near, "far": far, "most": _most_passed(hall, known)}


def passed_so_far(hall: Hall, ticket: Ticket) -> tuple[int, int]:
    """How often a waiting ticket was passed by later ones of its section, and of all sections."""
    since = due(hall.plan.rules, ticket.klass, ticket.place)
    seen = [is_near for at, is_near in hall.passes.get((line_of(ticket), ticket.klass), ()) if at > since]
    return sum(seen), len(seen)


def _most_passed(hall: Hall, ticket: Ticket) -> int:
    """How often later ones of its section may be called first at any window that may call the ticket."""
    roster, target = roster_of(hall), ticket.legs[-1].target
    windows = roster.serving(ticket.queue) if target is None else (target,)
    usual = hall.plan.rules.balance.passed_in_section
    return max((roster.balance(window).passed_in_section for window in windows), default=usual)


def _weighed(one: Scored) -> Weighed:
    front = one.head[0]
    return Weighed(front.ticket, one.wait_s, *one.terms, one.score, front.near, front.far)


def _around(hall: Hall, ticket: Ticket) -> tuple[int, int, int]:
    """Tickets before it in its queue, windows that may call it, and windows staffed."""
    roster, target = roster_of(hall), ticket.legs[-1].target
    windows = len(roster.serving(ticket.queue)) if target is None else int(target in roster.staffed)
    return ahead(hall, ticket.id), windows, len(roster.staffed)
