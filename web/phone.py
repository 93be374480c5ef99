"""What a ticket's phone page says, worked out from the hall's value. Pure.

The page is for whoever holds the slip: it names the ticket, the place and the wait, and nobody's person.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from controller.hall import balance, waits
from controller.hall.model import Hall, Text, Ticket, TicketState, WindowState
from controller.hall.tickets import is_rated
from controller.hall.waits import Forecast, Words
from controller.told import left

MOST_ON_MAP = 60  # windows of an area; of a larger one only those that may call


class Look(StrEnum):
    """How the page looks; each has its sentence and its colour."""

    WAITING = "waiting"
    NEAR = "near"  # waiting, and its turn comes soon
    CALLED = "called"
    SERVING = "serving"
    HELD = "held"
    MISSED = "missed"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    ABANDONED = "abandoned"
    EXPIRED = "expired"


LOOKS = {
    TicketState.CALLED: Look.CALLED,
    TicketState.SERVING: Look.SERVING,
    TicketState.HELD: Look.HELD,
    TicketState.NO_SHOW: Look.MISSED,
    TicketState.COMPLETED: Look.COMPLETED,
    TicketState.CANCELLED: Look.CANCELLED,
    TicketState.ABANDONED: Look.ABANDONED,
    TicketState.EXPIRED: Look.EXPIRED,
}


@dataclass(frozen=True, slots=True)
class Page:
    """Everything on the page. key: the same for as long as pressing a button would mean the same."""

    number: str
    matter: Text
    look: Look
    key: str
    zone: Text | None
    window: int | None
    target: int | None  # the only window that may call it
    calls: int
    ahead: int
    wait: Words  # from now on; code "none" when it cannot be known
    can_let_pass: bool
    behind: int  # how many go first after letting pass or returning
    can_cancel: bool
    can_return: bool
    return_until: datetime | None
    can_rate: bool
    rating: int | None


@dataclass(frozen=True, slots=True)
class Place:
    """A window on the map. is_mine: it may call the ticket, or has called it."""

    number: int
    is_open: bool
    is_mine: bool
    is_target: bool


def places(hall: Hall, ticket: Ticket) -> list[tuple[Text, list[Place]]]:
    """The areas with a window for this ticket, and all windows there in the order they stand in."""
    mine = set(hall.servers.get(ticket.queue, ()))
    target = ticket.window or ticket.legs[-1].target
    if target is not None:
        mine = {target}
    found = []
    for zone in hall.plan.zones:
        windows = [one.number for one in hall.plan.windows if one.zone == zone.id]
        if len(windows) > MOST_ON_MAP:
            windows = [number for number in windows if number in mine][:MOST_ON_MAP]
        if mine.intersection(windows):
            found.append((zone.name, [_place(hall, number, mine, target) for number in windows]))
    return found


def _place(hall: Hall, number: int, mine: set[int], target: int | None) -> Place:
    session = hall.sessions.get(number)
    is_open = session is not None and session.state not in (WindowState.CLOSED, WindowState.OFFLINE)
    return Place(number, is_open, number in mine, number == target)


def find(hall: Hall, token: str) -> Ticket | None:
    """The ticket this token opens; None when it is not one of today's."""
    number = hall.tokens.get(token)
    return None if number is None else hall.tickets.get(number)


def see(hall: Hall, ticket: Ticket, now: datetime, forecast: Forecast) -> Page:
    """The page of a ticket as it stands."""
    queue, rules = hall.queues.get(ticket.queue), hall.plan.rules
    ahead = waits.ahead(hall, ticket.id)
    until = ticket.missed_at + rules.return_within if ticket.missed_at else None
    is_waiting = ticket.state is TicketState.WAITING
    is_missed = ticket.state is TicketState.NO_SHOW
    may_return = is_missed and ticket.misses < rules.misses_allowed and until is not None and now <= until
    return Page(
        number=ticket.number,
        matter=queue.name if queue else Text("", ""),
        look=_look(hall, ticket, ahead),
        key=_key(ticket),
        zone=_zone(hall, ticket),
        window=ticket.window,
        target=ticket.legs[-1].target if is_waiting else None,
        calls=ticket.calls,
        ahead=ahead,
        wait=left(hall, forecast, ticket, now),
        can_let_pass=is_waiting and waits.waiting(hall, ticket.queue) > ahead + 1,
        behind=rules.return_behind if is_missed else rules.let_pass_behind,
        can_cancel=is_waiting or is_missed,
        can_return=may_return,
        return_until=until if may_return else None,
        can_rate=ticket.state is TicketState.COMPLETED and not is_rated(ticket),
        rating=ticket.rating,
    )


def _look(hall: Hall, ticket: Ticket, ahead: int) -> Look:
    if ticket.state is not TicketState.WAITING:
        return LOOKS[ticket.state]
    is_served = bool(balance.serving_windows(hall, ticket.queue))
    return Look.NEAR if is_served and ahead < hall.plan.rules.near_turn else Look.WAITING


def _zone(hall: Hall, ticket: Ticket) -> Text | None:
    """Where the window is that calls the ticket, or else where its queue waits."""
    window = hall.windows.get(ticket.window) if ticket.window is not None else None
    queue = hall.queues.get(ticket.queue)
    zone = window.zone if window else queue.zone if queue else None
    return next((each.name for each in hall.plan.zones if each.id == zone), None)


def _key(ticket: Ticket) -> str:
    """A second press of the same page asks for the same thing; after a change it asks anew."""
    what = (ticket.token, ticket.state.value, ticket.misses, ticket.place, len(ticket.legs))
    return hashlib.blake2b(repr(what).encode(), digest_size=12).hexdigest()
