"""Tells who has an appointment what became of it: booked, moved, cancelled, taken back by the hall.

As watch.py: the log itself is the list of what is to be looked at, and up to where is kept in the transaction
of the messages, so that each is told once, whatever stops in between. Who left no number reads their page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo

from sqlalchemy import Connection

from controller.hall.bookings import Appointment
from controller.hall.model import Hall
from controller.i18n import in_language
from controller.live import Live
from controller.messaging.desk import Desk, Told
from controller.messaging.templates import Event
from controller.store import Store, contacts, log
from controller.store.contacts import Contact
from controller.store.messages import Channel
from controller.store.messages import Contact as To
from controller.store.records import get_meta, put_meta

STEP_S = 1.0
TELLS = {  # kind of event -> what is told
    "AppointmentBooked": Event.BOOKED,
    "AppointmentApproved": Event.BOOKED,
    "AppointmentMoved": Event.MOVED,
    "AppointmentCancelled": Event.UNBOOKED,
    "AppointmentRejected": Event.UNBOOKED,
    "AppointmentHallCancelled": Event.HALL_CANCELLED,
}
KEEP_MARK = 5_000  # events without anything to tell, after which it is written down that they were seen


class BookedWatch:
    """One thread calls `step`. halls: asked anew each time; url: where citizens' pages are reached."""

    def __init__(self, store: Store, desk: Desk, halls: Mapping[str, Live], zone: tzinfo, url: str) -> None:
        self._store, self._desk, self._halls, self._zone, self._url = store, desk, halls, zone, url
        self._seen: dict[str, int] = {}
        self._kept: dict[str, int] = {}

    def step(self) -> None:
        """Raises StoreFailed."""
        for live in list(self._halls.values()):
            self._look(live)

    def _look(self, live: Live) -> None:
        seq, hall = live.seq, live.hall
        if live.id not in self._seen:
            self._seen[live.id] = self._kept[live.id] = self._begin(live.id, seq)
        seen = self._seen[live.id]
        if seq == seen:
            return
        with self._store.reading() as c:
            happened = log.of_kinds(c, live.id, seen, seq, TELLS)
            known = [(at, kind, hall.bookings.known.get(id)) for at, kind, id in happened]
            about = [(at, kind, one) for at, kind, one in known if one is not None and not _waits(kind, one)]
            rows = contacts.of(c, live.id, {one.token for _, _, one in about}) if about else {}
        told = [(rows[one.token], at, kind, one) for at, kind, one in about if one.token in rows]
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

    def _write(self, hall: Hall, seq: int, told: Sequence[tuple[Contact, int, str, Appointment]]) -> None:
        with self._store.writing() as c:
            for row, at, kind, one in told:
                self._tell(c, hall, row, at, kind, one)
            put_meta(c, _mark(hall.id), str(seq))
        self._kept[hall.id] = seq

    def _tell(self, c: Connection, hall: Hall, row: Contact, at: int, kind: str, one: Appointment) -> None:
        """at: number of the event, so that each is told once."""
        number = self._desk.open(row.phone)
        digest = self._desk.digest(number)
        to = To(hall.id, 0, Channel.SMS, self._desk.close(number), digest, row.lang)
        facts = facts_of(hall, one, row.lang, self._zone, self._url)
        self._desk.write(c, hall, to, Told(TELLS[kind], f"{kind}:{at}", facts, row.lang))


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


def _mark(hall: str) -> str:
    return f"booked:{hall}"
