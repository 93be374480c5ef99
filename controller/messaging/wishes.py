"""Where holders of tickets want to be told, at hand for the pages of thousands of phones that ask again and
again. Hides that they are rows, read once at the start, and that only masked numbers are kept in memory."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from controller.live import Live
from controller.messaging.desk import Desk
from controller.messaging.watch import tell_now
from controller.store import Store
from controller.store import messages as rows
from controller.store.messages import Channel, Contact

MOST_A_DAY = 5  # tickets for which one number may be told: nobody is written to by strangers all day
DAY = timedelta(days=1)
MOST_KNOWN = 10_000  # then those of earlier days are let go


@dataclass(frozen=True, slots=True)
class Wish:
    """to: the number, masked; "" for a browser."""

    channel: Channel
    to: str
    digest: str


class Wishes:
    """Any thread may ask and change."""

    def __init__(self, store: Store, desk: Desk) -> None:
        self._store, self._desk = store, desk
        self._known: dict[tuple[str, int], Wish] = {}
        self._lock = threading.Lock()

    def read(self, now: datetime) -> None:
        """Those of the last day, as they stand in the store."""
        with self._store.reading() as c:
            found = rows.contacts_since(c, now - DAY)
        known = {(one.hall, one.ticket): self._wish(one) for one in found}
        with self._lock:
            self._known = known

    def of(self, hall: str, ticket: int) -> Wish | None:
        return self._known.get((hall, ticket))

    def add(self, live: Live, to: Contact, now: datetime) -> bool:
        """Whether they may be told; whoever is near already is told at once. Raises StoreFailed."""
        with self._store.writing() as c:
            if not self._may(c, to, now):
                return False
            rows.want(c, to, now)
            tell_now(c, self._desk, live, to)
        if len(self._known) >= MOST_KNOWN:
            self.read(now)
        with self._lock:
            self._known = {**self._known, (to.hall, to.ticket): self._wish(to)}
        return True

    def drop(self, hall: str, ticket: int) -> None:
        """Not any more. Raises StoreFailed."""
        with self._store.writing() as c:
            rows.unwant(c, hall, ticket)
        with self._lock:
            self._known = {key: wish for key, wish in self._known.items() if key != (hall, ticket)}

    def drop_all_of(self, digest: str) -> None:
        """They want no messages: the rows are gone already."""
        with self._lock:
            self._known = {key: wish for key, wish in self._known.items() if wish.digest != digest}

    def _may(self, c: Connection, to: Contact, now: datetime) -> bool:
        return not rows.refuses(c, to.digest) and rows.wishes(c, to.digest, now - DAY, to) < MOST_A_DAY

    def _wish(self, to: Contact) -> Wish:
        return Wish(to.channel, self._desk.shown(to.channel, to.address), to.digest)
