"""Appointments for matters that have ended by their day: the hall takes them back, and says so (A10, S1.05).

`step` is called again and again beside everything else. Hides when there is anything to look for: at the
start, and whenever the catalogue has changed, whoever changed it and in whichever process.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from sqlalchemy import Connection

from controller.hall.appointments import MATTER_ENDED
from controller.hall.bookings import OPEN, Appointment
from controller.hall.commands import TakeBack
from controller.live import Live
from controller.people import SYSTEM
from controller.store import devices, item_standings

EVERY_S = 2.0  # real seconds between two looks

_logger = logging.getLogger(__name__)


class Ended:
    """Of one hall. One thread calls `step`."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._seen: int | None = None

    def step(self) -> None:
        with self._live.store.reading() as c:
            changes = devices.changes(c)
            if changes == self._seen:
                return
            gone = _ended(c, self._live.hall.bookings.known.values())
        if gone:
            self._live.submit(TakeBack(gone, MATTER_ENDED), SYSTEM)
            _logger.info("hall %s: %d appointments are for matters that end", self._live.id, len(gone))
        self._seen = changes


def _ended(c: Connection, known: Iterable[Appointment]) -> tuple[int, ...]:
    """The appointments nobody can come for: their matter is not taken on their day."""
    open_ones = [one for one in known if one.item is not None and one.state in OPEN]
    away = {day: item_standings.not_taken(c, day) for day in {one.day for one in open_ones}}
    return tuple(one.id for one in open_ones if one.item in away[one.day])
