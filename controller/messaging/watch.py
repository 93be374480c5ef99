"""Tells citizens what they asked to be told of their ticket: that its turn is near, and to say how it was."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import Connection

from controller.hall import waits
from controller.hall.model import FINAL, Hall, Text, TicketState
from controller.i18n import in_language
from controller.live import Live
from controller.messaging.desk import Desk, Told
from controller.messaging.tail import Tail
from controller.messaging.templates import Event
from controller.slips import address
from controller.store import Store
from controller.store import messages as rows
from controller.store.messages import Channel, Contact, Stored

STEP_S = 1.0
NEAR, FINISHED = "TicketNear", "TicketFinished"
USEFUL = {Event.NEAR_TURN: timedelta(minutes=20), Event.RATING: timedelta(hours=12)}
CODES = range(10, 100)
QUIET = Text("现在不播报，请看屏幕。", " Calls are not spoken now: watch the screen.")


class Watch:
    """One thread calls `step`. halls: asked anew each time."""

    def __init__(self, store: Store, desk: Desk, halls: Mapping[str, Live]) -> None:
        self._desk, self._halls = desk, halls
        self.step = Tail(store, halls, "told", self._wanted, self._write).step

    def still(self, message: Stored) -> bool:
        """Whether what a message tells is still so: of a turn, that its ticket has not been called."""
        live = self._halls.get(message.hall)
        if message.event != Event.NEAR_TURN or live is None or message.ticket is None:
            return True
        ticket = live.hall.tickets.get(message.ticket)
        return ticket is not None and ticket.state is TicketState.WAITING

    def _wanted(self, c: Connection, hall: Hall, seen: int, seq: int) -> list[tuple[Contact, Told]]:
        happened = rows.happened(c, hall.id, seen, seq, (NEAR, FINISHED))
        wanted = rows.contacts(c, hall.id, {ticket for _, ticket in happened}) if happened else {}
        told = [
            (wanted[ticket], self.told(hall, kind, ticket, wanted[ticket]))
            for kind, ticket in happened
            if ticket in wanted and ticket in hall.tickets
        ]
        return [(contact, one) for contact, one in told if one is not None]

    def _write(self, c: Connection, hall: Hall, wanted: tuple[Contact, Told]) -> None:
        self._desk.write(c, hall, *wanted)

    def told(self, hall: Hall, kind: str, ticket: int, to: Contact) -> Told | None:
        """What there is to tell of this event of a ticket."""
        if kind == NEAR:
            return near(self._halls[hall.id], hall, ticket, to, self._desk.settings.slip_url)
        if to.channel is not Channel.SMS or hall.tickets[ticket].rating is not None:
            return None  # the phone page itself asks how it was
        facts = {"number": hall.tickets[ticket].number, "code": str(secrets.choice(CODES))}
        return _about(Event.RATING, ticket, to, facts)


def near(live: Live, hall: Hall, ticket: int, to: Contact, url: str) -> Told | None:
    """That the turn of this ticket is near; nothing once it is over."""
    held = hall.tickets[ticket]
    if held.state in FINAL:
        return None
    queue = hall.queues.get(held.queue)
    zone = next((one.name for one in hall.plan.zones if queue and one.id == queue.zone), None)
    facts = {
        "number": held.number,
        "ahead": str(waits.ahead(hall, ticket)),
        "zone": in_language(to.lang, zone) if zone else "",
        "quiet": in_language(to.lang, QUIET) if queue and _is_quiet(live, queue.zone) else "",
        "url": address(url, held),
    }
    return _about(Event.NEAR_TURN, ticket, to, facts)


def _is_quiet(live: Live, zone: str) -> bool:
    return live.shows.is_quiet({zone}, live.clock.now())


def _about(event: Event, ticket: int, to: Contact, facts: Mapping[str, str]) -> Told:
    useful = USEFUL[event]
    return Told(event, f"{event}:{ticket}", facts, to.lang, ticket, facts.get("code", ""), useful)


def tell_now(c: Connection, desk: Desk, live: Live, to: Contact) -> None:
    """Somebody asks to be told whose turn is near already: write it at once."""
    hall = live.hall
    ticket = hall.tickets[to.ticket]
    if ticket.near_told and ticket.state is TicketState.WAITING:
        told = near(live, hall, to.ticket, to, desk.settings.slip_url)
        if told is not None:
            desk.write(c, hall, to, told)
