"""Tells who has an appointment what became of it: booked, moved, cancelled, taken back by the hall.

Who left no number reads their page.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo

from sqlalchemy import Connection

from controller.hall.appointments import MATTER_ENDED
from controller.hall.bookings import Appointment
from controller.hall.model import Hall
from controller.i18n import in_language
from controller.live import Live
from controller.messaging.desk import Desk, Told
from controller.messaging.tail import Tail
from controller.messaging.templates import Event
from controller.store import Store, contacts, log
from controller.store.contacts import Contact
from controller.store.messages import Channel
from controller.store.messages import Contact as To

STEP_S = 1.0
TELLS = {  # kind of event -> what is told
    "AppointmentBooked": Event.BOOKED,
    "AppointmentApproved": Event.BOOKED,
    "AppointmentMoved": Event.MOVED,
    "AppointmentCancelled": Event.UNBOOKED,
    "AppointmentRejected": Event.UNBOOKED,
    "AppointmentHallCancelled": Event.HALL_CANCELLED,
}

Changed = tuple[Contact, int, str, Appointment]  # number and kind of the event, that each is told once


class BookedWatch:
    """One thread calls `step`. halls: asked anew each time; url: where citizens' pages are reached."""

    def __init__(self, store: Store, desk: Desk, halls: Mapping[str, Live], zone: tzinfo, url: str) -> None:
        self._desk, self._zone, self._url = desk, zone, url
        self.step = Tail(store, halls, "booked", _changed, self._tell).step

    def _tell(self, c: Connection, hall: Hall, changed: Changed) -> None:
        row, at, kind, one = changed
        number = self._desk.open(row.phone)
        digest = self._desk.digest(number)
        to = To(hall.id, 0, Channel.SMS, self._desk.close(number), digest, row.lang)
        facts = facts_of(hall, one, row.lang, self._zone, self._url)
        event = TELLS[kind]
        if event is Event.HALL_CANCELLED and one.why == MATTER_ENDED:
            event = Event.MATTER_ENDED
        self._desk.write(c, hall, to, Told(event, f"{kind}:{at}", facts, row.lang))


def _changed(c: Connection, hall: Hall, seen: int, seq: int) -> list[Changed]:
    """The appointments of people who left a number, and the event each was changed by."""
    happened = log.of_kinds(c, hall.id, seen, seq, TELLS)
    known = [(at, kind, hall.bookings.known.get(id)) for at, kind, id in happened]
    about = [(at, kind, one) for at, kind, one in known if one is not None and not _waits(kind, one)]
    rows = contacts.of(c, hall.id, {one.token for _, _, one in about}) if about else {}
    return [(rows[one.token], at, kind, one) for at, kind, one in about if one.token in rows]


def _waits(kind: str, one: Appointment) -> bool:
    """Of a special one nothing is told before somebody has decided."""
    return kind == "AppointmentBooked" and one.is_special


def facts_of(hall: Hall, one: Appointment, lang: str, zone: tzinfo, url: str) -> dict[str, str]:
    """What a message fills in."""
    queue, start = hall.queues.get(one.queue), one.start.astimezone(zone)
    return {
        "matter": in_language(lang, queue.name) if queue else one.queue,
        "day": _day(start, lang),
        "time": start.strftime("%H:%M"),
        "code": one.code,
        "url": f"{url}/a/{one.token}",
    }


def _day(start: datetime, lang: str) -> str:
    return start.strftime("%Y-%m-%d") if lang == "en" else f"{start.month}月{start.day}日"
