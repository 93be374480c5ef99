"""Appointments (预约) as values: their states, the slots they are for, and indexes over them (machine 3).

Who booked is known by keyed digests of an identity card or a phone number, handed in; neither can be read
from here. An appointment stays for a week after its day, absences as long as the rules look back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from immutables import Map

from controller.hall.line import Line
from controller.hall.values import replace

KEPT = timedelta(days=7)  # after it is over, so that its page still says what became of it


class AppointmentState(StrEnum):
    REQUESTED = "requested"  # a special one, until somebody decides (A2)
    CONFIRMED = "confirmed"
    CHECKED_IN = "checked_in"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    NO_SHOW = "no_show"
    HALL_CANCELLED = "hall_cancelled"


class Way(StrEnum):  # S3.18
    SITE = "site"
    PHONE = "phone"
    SMS = "sms"
    WEB = "web"


HELD = frozenset({AppointmentState.CONFIRMED, AppointmentState.CHECKED_IN, AppointmentState.FULFILLED})
OPEN = frozenset({AppointmentState.REQUESTED, AppointmentState.CONFIRMED})  # may still come to pass


@dataclass(frozen=True, slots=True)
class Slot:
    """A time at which so many may come for one queue. day: in the hall's own time; ahead: working days
    from the day it is booked on, 0 for that day itself."""

    day: date
    start: datetime
    end: datetime
    places: int
    ahead: int = 0


@dataclass(frozen=True, slots=True)
class Appointment:
    """code: eight digits typed at a kiosk; token: 128 bits of chance, opens the citizen's own page.

    persons: digests of who booked, of a card or a phone; tail: the last four digits of the phone. wish: why
    a special one is asked for; why: what the hall said when it changed it last. window: which a special one
    was approved for. counts: whether a cancellation came too late and counts as an absence.
    """

    id: int
    code: str
    token: str
    queue: str
    day: date
    start: datetime
    end: datetime
    persons: tuple[str, ...]
    way: Way
    state: AppointmentState
    booked_at: datetime
    changed_at: datetime
    item: str | None = None
    tail: str = ""
    wish: str = ""
    why: str = ""
    window: int | None = None
    is_special: bool = False
    counts: bool = False
    moved: int = 0
    ticket: int | None = None

    @property
    def place(self) -> tuple[datetime, int]:
        return self.start, self.id


@dataclass(frozen=True, slots=True)
class Closure:
    """A span in which the hall takes no bookings. queues: (): all."""

    id: int
    start: datetime
    end: datetime
    queues: tuple[str, ...]
    reason: str

    def covers(self, queue: str, start: datetime, end: datetime) -> bool:
        return (not self.queues or queue in self.queues) and self.start < end and start < self.end


@dataclass(frozen=True, slots=True)
class Bookings:
    """Every appointment the hall knows, and what is looked up of them.

    taken: how many hold a place, per (queue, start). ours: those of one person that are not over. due: the
    confirmed by start. came: by ticket. missed: when each person was absent, oldest first.
    """

    next: int = 1
    next_closure: int = 1
    known: Map[int, Appointment] = field(default_factory=Map)
    tokens: Map[str, int] = field(default_factory=Map)
    codes: Map[str, int] = field(default_factory=Map)
    taken: Map[tuple[str, datetime], int] = field(default_factory=Map)
    ours: Map[str, tuple[int, ...]] = field(default_factory=Map)
    due: Line = field(default_factory=Line)
    came: Map[int, int] = field(default_factory=Map)
    missed: Map[str, tuple[datetime, ...]] = field(default_factory=Map)
    closed: tuple[Closure, ...] = ()

    def by_token(self, token: str) -> Appointment | None:
        return self.known.get(self.tokens.get(token, 0))

    def by_code(self, code: str) -> Appointment | None:
        """Of those that are not over, or of this week; a code is not given twice among them."""
        return self.known.get(self.codes.get(code, 0))

    def of_person(self, person: str) -> list[Appointment]:
        """Those that may still come to pass, or hold a place, soonest first."""
        found = (self.known[id] for id in self.ours.get(person, ()))
        return sorted(found, key=lambda one: one.place)

    def left(self, queue: str, slot: Slot) -> int:
        """Places nobody has yet."""
        return max(0, slot.places - self.taken.get((queue, slot.start), 0))

    def is_closed(self, queue: str, start: datetime, end: datetime) -> bool:
        return any(one.covers(queue, start, end) for one in self.closed)


# --- changing it


def put(book: Bookings, one: Appointment) -> Bookings:
    """With this appointment as it is now, in every index."""
    former = book.known.get(one.id)
    if former is not None:
        book = _taken_out(book, former)
    known = replace(
        book,
        known=book.known.set(one.id, one),
        tokens=book.tokens.set(one.token, one.id),
        codes=book.codes.set(one.code, one.id),
    )
    return _put_in(known, one)


def without(book: Bookings, one: Appointment) -> Bookings:
    """As if it had never been; the places it took are free."""
    book = _taken_out(book, one)
    codes = book.codes.delete(one.code) if book.codes.get(one.code) == one.id else book.codes
    return replace(book, known=book.known.delete(one.id), tokens=book.tokens.delete(one.token), codes=codes)


def absent(book: Bookings, persons: tuple[str, ...], at: datetime) -> Bookings:
    missed = book.missed
    for person in persons:
        missed = missed.set(person, (*missed.get(person, ()), at))
    return replace(book, missed=missed)


def forgotten(book: Bookings, now: datetime, memory: timedelta) -> Bookings:
    """Without what is over for a week, absences older than `memory`, and closures that are past."""
    for one in [one for one in book.known.values() if one.end < now - KEPT and one.changed_at < now - KEPT]:
        book = without(book, one)
    recent = {
        person: tuple(at for at in times if at >= now - memory) for person, times in book.missed.items()
    }
    return replace(
        book,
        missed=Map({person: times for person, times in recent.items() if times}),
        closed=tuple(one for one in book.closed if one.end > now),
    )


def collected(appointments: Iterable[Appointment], book: Bookings) -> Bookings:
    """The book with all of them in its indexes."""
    for one in appointments:
        book = put(book, one)
    return book


def _put_in(book: Bookings, one: Appointment) -> Bookings:
    taken, ours, due, came = book.taken, book.ours, book.due, book.came
    if one.state in HELD:
        taken = taken.set((one.queue, one.start), taken.get((one.queue, one.start), 0) + 1)
    if one.state in HELD | OPEN:
        for person in one.persons:
            ours = ours.set(person, tuple(sorted((*ours.get(person, ()), one.id))))
    if one.state is AppointmentState.CONFIRMED:
        due = due.add(one.place)
    if one.ticket is not None:
        came = came.set(one.ticket, one.id)
    return replace(book, taken=taken, ours=ours, due=due, came=came)


def _taken_out(book: Bookings, one: Appointment) -> Bookings:
    taken, ours, due, came = book.taken, book.ours, book.due, book.came
    if one.state in HELD:
        count = taken[one.queue, one.start] - 1
        key = one.queue, one.start
        taken = taken.set(key, count) if count else taken.delete(key)
    if one.state in HELD | OPEN:
        for person in one.persons:
            left = tuple(id for id in ours[person] if id != one.id)
            ours = ours.set(person, left) if left else ours.delete(person)
    if one.state is AppointmentState.CONFIRMED:
        due = due.remove(one.place)
    if one.ticket is not None and one.ticket in came:
        came = came.delete(one.ticket)
    return replace(book, taken=taken, ours=ours, due=due, came=came)
