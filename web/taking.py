"""Taking a ticket over HTTP: once for each tap, whichever address it came by.

Hides the checks of the tap's key, and that the answer to a key asked again is the first one.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from http import HTTPStatus

from flask import request, url_for

from controller.hall import waits
from controller.hall.appointments import arriving
from controller.hall.commands import CheckIn, TakeTicket
from controller.hall.events import Event, TicketIssued
from controller.hall.model import Hall, Ticket, TicketClass
from controller.live import Live
from controller.people import CITIZEN
from controller.slips import address
from controller.store import items
from controller.told import at_issue
from web.guides import today
from web.shapes import TakenTicket
from web.visit import the_site

KEY = "Idempotency-Key"
KEY_LENGTHS = range(8, 101)  # characters
KEY_FORM = {"type": "string", "minLength": 8, "maxLength": 100, "pattern": "^[!-~]([ -~]*[!-~])?$"}
TOKEN_BYTES = 16  # 128 bits of chance open a phone page
NOT_TAKEN = (  # how a request for a ticket can end otherwise
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.CONFLICT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
)


class BadRequest(Exception):
    """What was sent cannot be a request for a ticket. field: which part; code: its text in i18n."""

    def __init__(self, field: str, code: str) -> None:
        super().__init__(f"{field}: {code}")
        self.field = field
        self.code = code


class KeyUsed(BadRequest):
    """The key of this tap has given a ticket of another queue."""

    def __init__(self) -> None:
        super().__init__(KEY, "key_used")


def key_of_tap() -> str:
    """The idempotency key of this request. Raises BadRequest."""
    key = request.headers.get(KEY, "")
    if len(key) not in KEY_LENGTHS or not key.isascii() or not key.isprintable():
        raise BadRequest(KEY, "key_needed")
    return key


def take(live: Live, queue: str, item: str | None, key: str) -> tuple[Hall, Ticket]:
    """A ticket, and the hall just after it. key: of the tap, with where it came from.

    Raises Refused, and KeyUsed when the key gave a ticket of another queue.
    """
    items.check_taken(live.store, item, today())
    told = live.lookout.now().joining.get((queue, TicketClass.NORMAL))
    asked = TakeTicket(queue, secrets.token_urlsafe(TOKEN_BYTES), item=item, expected=told)
    answer = live.submit(asked, CITIZEN, key=key)
    ticket = issued(answer.hall, answer.events)
    if ticket is None or ticket.legs[0].queue != queue:
        raise KeyUsed
    return answer.hall, ticket


def come(live: Live, said: str, key: str) -> tuple[Hall, Ticket]:
    """The ticket of who has an appointment and is here, given now or before. key: of the tap.

    Raises Refused, and KeyUsed when the key was of another tap."""
    one = arriving(live.hall, said, live.clock.now())
    answer = live.submit(CheckIn(one.id, secrets.token_urlsafe(TOKEN_BYTES)), CITIZEN, key=key)
    ticket = issued(answer.hall, answer.events)
    held = answer.hall.tickets.get(answer.hall.bookings.known[one.id].ticket or 0)
    if held is None or (ticket is not None and ticket.id != held.id):
        raise KeyUsed
    return answer.hall, held


def taken(hall: Hall, ticket: Ticket) -> TakenTicket:
    """What is shown of a new ticket; this server has no printer."""
    ahead = waits.ahead(hall, ticket.id)
    wait = at_issue(ticket)
    url = address(the_site().settings.slip_url, ticket)
    return TakenTicket(
        number=ticket.number,
        queue=ticket.queue,
        ahead=ahead,
        wait_min=None if wait.code == "none" else wait.low,
        wait_max=None if wait.code in ("none", "longer") else wait.high,
        wait=wait.code,
        is_rough=not wait.is_calibrated,
        url=url,
        qr=url_for("citizen.code", token=ticket.token),
    )


def issued(hall: Hall, events: Sequence[Event]) -> Ticket | None:
    issued = next((event for event in events if isinstance(event, TicketIssued)), None)
    return hall.tickets.get(issued.ticket) if issued else None
