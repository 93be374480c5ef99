"""A further slip of a ticket, for whom paper or printer failed (F14): the same number, marked as a copy.

Hides which printers there are, what became of earlier copies, and that a doubled click prints one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from flask import Blueprint, abort, redirect, request, url_for
from werkzeug.wrappers import Response

from controller.clock import real_now
from controller.hall.model import FINAL, Slip
from controller.live import Live
from controller.people import Role
from controller.presence import Status
from controller.store import orders
from controller.store.audit import audit
from firmware.protocol.messages import ResultState
from web.visit import MAX_KEY, me, place_of, role_required, the_hall, the_site

blueprint = Blueprint("copies", __name__)

COPY_ROLES = frozenset({Role.HALL_MANAGER, Role.GUIDE})
SENT = "sent"
ENDS: Mapping[ResultState | None, str] = {
    ResultState.DONE: "printed",
    **dict.fromkeys((ResultState.FAILED, ResultState.REJECTED, ResultState.EXPIRED), "failed"),
}


@dataclass(frozen=True, slots=True)
class Printer:
    """Where a copy can come out. is_here: its unit is connected."""

    unit: str
    place: str
    is_here: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A copy that was asked for. end: printed, failed or, so far, sent."""

    place: str
    at: datetime
    end: str


def printers(live: Live, ticket: int) -> list[Printer]:
    """Where who is signed in may print a slip of the ticket, connected units first; [] when nowhere."""
    found = live.hall.tickets.get(ticket)
    if found is None or found.state in FINAL or not me().roles & COPY_ROLES:
        return []
    return printers_of(live)


def printers_of(live: Live) -> list[Printer]:
    """Every place of the hall that prints slips, connected units first."""
    placed = the_site().devices.book.of_kind(live.id, "printer")
    if not placed:
        return []
    here = {unit.unit for unit in the_site().bus[live.id].units() if unit.status is Status.ONLINE}
    units = dict.fromkeys(one.unit for one in placed)
    known = [Printer(unit, place_of(unit), unit in here) for unit in units]
    return sorted(known, key=lambda printer: not printer.is_here)


def earlier(hall: str, ticket: int) -> Sequence[Shown]:
    """The copies asked for so far, oldest first."""
    with the_site().store.reading() as connection:
        found = orders.copies(connection, hall, ticket)
    return [Shown(place_of(one.unit), one.at, ENDS.get(one.state, SENT)) for one in found]


@blueprint.post("/m/<hall>/tickets/<int:ticket>/copy")
@role_required(*COPY_ROLES)
def print_copy(hall: str, ticket: int) -> Response:
    """Print one more slip at the unit in the form. The same key prints once."""
    print_for(the_hall(hall), ticket, request.form.get("unit", ""))
    return redirect(url_for("manager.ticket", hall=hall, ticket=ticket) + "#copies", HTTPStatus.SEE_OTHER)


def print_for(live: Live, ticket: int, unit: str, part: str = "") -> None:
    """Print a slip of the ticket at that unit, once for the form's key; 409 where that cannot be.

    part: of what the form asks for, when it asks for more. The first slip of a ticket is no copy.
    """
    if unit not in {printer.unit for printer in printers(live, ticket)}:
        abort(HTTPStatus.CONFLICT, "no_copy")
    is_first = live.hall.tickets[ticket].slip is Slip.NONE and not earlier(live.id, ticket)
    order = the_site().bus[live.id].copy_of(ticket, unit, is_first=is_first)
    if order is None:
        abort(HTTPStatus.CONFLICT, "no_copy")
    person, key = me(), request.form.get("key", "")[:MAX_KEY]
    number = live.hall.tickets[ticket].number
    row = audit(person.id, "PrintCopy", f"{live.id}/{number}", real_now(), ticket=ticket, unit=unit)
    once = f"web:{person.id}:{key}{part}" if key else None
    live.submit(None, person.actor, key=once, orders=[order], records=[row])
