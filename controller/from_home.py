"""Tickets taken from home, within limits that keep the line fair for who comes to the hall.

A phone is known by chance its browser keeps, an address by a keyed hash; neither by a name or a number.
Hides the limits: one ticket at a time and some a day for a phone, some a day for an address that many may
share, a share of those who wait, and none for a phone whose tickets nobody came for.
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

from controller.hall import waits
from controller.hall.commands import TakeTicket
from controller.hall.model import FINAL, Hall, Refused, Ticket, TicketClass, TicketState
from controller.live import Live
from controller.people import CITIZEN
from controller.store import home_tickets as rows
from controller.store.seal import Seal

PHONES = 10  # that may share an address: a family, an office, the exit of a mobile network
FEW = 10  # waiting, below which a share would be less than one ticket
REMEMBERED = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: digests of the phone and of the address."""

    device: str
    origin: str


class FromHome:
    """All halls of a site. Any thread may ask; one at a time is answered, so that no limit is passed."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal
        self._turn = threading.Lock()

    def caller(self, hall: str, chance: str, address: str) -> Caller:
        """chance: what the browser keeps; address: of the network."""
        device = self._seal.digest(f"{hall}\0{chance}", "device")
        return Caller(device, self._seal.digest(f"{hall}\0{address}", "origin"))

    def held(self, live: Live, who: Caller) -> Ticket | None:
        """The ticket of this phone that is still in use."""
        hall = live.hall
        if hall.day is None:
            return None
        with live.store.reading() as c:
            mine = rows.by_device(c, live.id, hall.day.date, who.device)
        known = (hall.tickets[id] for id in mine if id in hall.tickets)
        return next((ticket for ticket in known if ticket.state not in FINAL), None)

    def take(self, live: Live, who: Caller, queue: str, token: str) -> str:
        """The token of a new ticket, or of the one this phone has already. Raises Refused."""
        with self._turn:
            held = self.held(live, who)
            if held is not None:
                return held.token
            day = self._check(live, who, queue)
            told = live.lookout.now().joining.get((queue, TicketClass.NORMAL))
            asked = TakeTicket(queue, token, person=who.device, expected=told)
            hall = live.submit(asked, CITIZEN).hall
            with live.store.writing() as c:
                rows.add(c, live.id, hall.tokens[token], day, who.device, who.origin, live.clock.now())
        return token

    def _check(self, live: Live, who: Caller, queue: str) -> date:
        """The service day. Raises Refused when this phone can take no ticket of the queue from home now."""
        hall, now = live.hall, live.clock.now()
        rules, day = hall.plan.rules, hall.day
        if not rules.home_share:
            raise Refused("home_shut", "this hall gives no tickets out from home")
        if day is None:
            raise Refused("day_closed", "the hall is closed: no service day is open")
        with live.store.reading() as c:
            mine = len(rows.by_device(c, live.id, day.date, who.device))
            here = rows.from_origin(c, live.id, day.date, who.origin)
            unused = rows.unused(c, live.id, who.device, now - REMEMBERED)
            known = rows.of_day(c, live.id, day.date)
        if unused >= rules.home_unused:
            raise Refused("home_unused", "nobody came for earlier tickets of this phone", n=unused)
        if mine >= rules.home_a_day or here >= rules.home_a_day * PHONES:
            raise Refused("home_enough", "enough tickets were taken here today", n=rules.home_a_day)
        if _share(hall, queue, known) >= rules.home_share:
            raise Refused("home_crowd", "enough of those who wait took their ticket from home")
        return day.date


def _share(hall: Hall, queue: str, known: Collection[int]) -> float:
    """Of a hundred who wait in the queue, how many took their ticket from home."""
    tickets = (hall.tickets[id] for id in known if id in hall.tickets)
    there = sum(one.state is TicketState.WAITING and one.queue == queue for one in tickets)
    return 100 * there / max(FEW, waits.waiting(hall, queue))
