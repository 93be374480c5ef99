"""Looks through what has happened in the halls for what citizens asked to be told, and writes it down.

The log itself is the list of what is to be looked at: where a hall was looked at up to is kept in the same
transaction as the messages, so that nothing is lost when the program ends, and a message that was written
is not written again. Nothing of it is in the way of who commits.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import Connection

from controller.hall import waits
from controller.hall.model import FINAL, Hall, TicketState
from controller.i18n import in_language
from controller.live import Live
from controller.messaging.desk import Desk, Told
from controller.messaging.templates import Event
from controller.slips import address
from controller.store import Store
from controller.store import messages as rows
from controller.store.messages import Channel, Contact, Stored
from controller.store.records import get_meta, put_meta

STEP_S = 1.0
NEAR, FINISHED = "TicketNear", "TicketFinished"
USEFUL = {Event.NEAR_TURN: timedelta(minutes=20), Event.RATING: timedelta(hours=12)}
KEEP_MARK = 5_000  # events without anything to tell, after which it is written down that they were seen
CODES = range(10, 100)


class Watch:
    """One thread calls `step`. halls: asked anew each time."""

    def __init__(self, store: Store, desk: Desk, halls: Mapping[str, Live]) -> None:
        self._store, self._desk, self._halls = store, desk, halls
        self._seen: dict[str, int] = {}
        self._kept: dict[str, int] = {}

    def step(self) -> None:
        """Raises StoreFailed."""
        for live in list(self._halls.values()):
            self._look(live)

    def still(self, message: Stored) -> bool:
        """Whether what a message tells is still so: of a turn, that its ticket has not been called."""
        live = self._halls.get(message.hall)
        if message.event != Event.NEAR_TURN or live is None or message.ticket is None:
            return True
        ticket = live.hall.tickets.get(message.ticket)
        return ticket is not None and ticket.state is TicketState.WAITING

    def _look(self, live: Live) -> None:
        seq, hall = live.seq, live.hall
        if live.id not in self._seen:
            self._seen[live.id] = self._kept[live.id] = self._begin(live.id, seq)
        seen = self._seen[live.id]
        if seq == seen:
            return
        with self._store.reading() as c:
            happened = rows.happened(c, live.id, seen, seq, (NEAR, FINISHED))
            wanted = rows.contacts(c, live.id, {ticket for _, ticket in happened}) if happened else {}
        told = [
            (wanted[ticket], self.told(hall, kind, ticket, wanted[ticket]))
            for kind, ticket in happened
            if ticket in wanted and ticket in hall.tickets
        ]
        if told or seq - self._kept[live.id] >= KEEP_MARK:
            self._write(hall, seq, told)
        self._seen[live.id] = seq

    def _begin(self, hall: str, seq: int) -> int:
        """Where an earlier program stopped; a hall that was never looked at begins now."""
        with self._store.writing() as c:
            kept = get_meta(c, _mark(hall))
            if kept is None:
                put_meta(c, _mark(hall), str(seq))
        return seq if kept is None else int(kept)

    def _write(self, hall: Hall, seq: int, told: Sequence[tuple[Contact, Told | None]]) -> None:
        with self._store.writing() as c:
            for contact, one in told:
                if one is not None:
                    self._desk.write(c, hall, contact, one)
            put_meta(c, _mark(hall.id), str(seq))
        self._kept[hall.id] = seq

    def told(self, hall: Hall, kind: str, ticket: int, to: Contact) -> Told | None:
        """What there is to tell of this event of a ticket."""
        if kind == NEAR:
            return near(hall, ticket, to, self._desk.settings.slip_url)
        if to.channel is not Channel.SMS or hall.tickets[ticket].rating is not None:
            return None  # the phone page itself asks how it was
        facts = {"number": hall.tickets[ticket].number, "code": str(secrets.choice(CODES))}
        return _about(Event.RATING, ticket, to, facts)


def near(hall: Hall, ticket: int, to: Contact, url: str) -> Told | None:
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
        "url": address(url, held),
    }
    return _about(Event.NEAR_TURN, ticket, to, facts)


def _about(event: Event, ticket: int, to: Contact, facts: Mapping[str, str]) -> Told:
    useful = USEFUL[event]
    return Told(event, f"{event}:{ticket}", facts, to.lang, ticket, facts.get("code", ""), useful)


def _mark(hall: str) -> str:
    return f"told:{hall}"


def tell_now(c: Connection, desk: Desk, hall: Hall, to: Contact) -> None:
    """Somebody asks to be told whose turn is near already: write it at once."""
    ticket = hall.tickets[to.ticket]
    if ticket.near_told and ticket.state is TicketState.WAITING:
        told = near(hall, to.ticket, to, desk.settings.slip_url)
        if told is not None:
            desk.write(c, hall, to, told)
