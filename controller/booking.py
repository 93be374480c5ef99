"""Booking in a running hall, whichever way somebody comes: web, front desk, phone, SMS.

Hides where slots come from (calendar, hours, roster), that a person becomes a digest and a phone number is
sealed, and that a code must be free. The rules themselves are the hall's (hall/appointments.py).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo

from sqlalchemy import Connection

from controller.cards import PURPOSE, person_with
from controller.hall import slots
from controller.hall.bookings import KEPT, Appointment, Slot, Way
from controller.hall.commands import ApproveAppointment, BookAppointment, Command, RequestAppointment
from controller.hall.events import AppointmentBooked
from controller.hall.model import Hall, Queue, Refused
from controller.hall.slots import Staffed
from controller.holidays import Holidays
from controller.live import Answer, Live
from controller.people import CITIZEN, Actor
from controller.store import contacts, items, log, rosters
from controller.store.audit import Record
from controller.store.contacts import Contact
from controller.store.seal import Seal

CODE_DIGITS = 8
TOKEN_BYTES = 16  # 128 bits of chance open the citizen's page
TRIES = 5  # for a code nobody has
PHONE = re.compile(r"1[3-9]\d{9}")  # mobile numbers of the mainland
CARD = re.compile(r"\d{17}[\dX]")
PAPER = re.compile(r"[A-Z0-9]{5,17}")  # of any other identity paper
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643
CHECKS = "10X98765432"
OFFERS = 3  # other times that are offered at once


@dataclass(frozen=True, slots=True)
class Offer:
    """A slot with the places nobody has yet."""

    slot: Slot
    left: int


@dataclass(frozen=True, slots=True)
class Person:
    """Who comes, as they say it. card, phone: "" when not said; one of them has to be."""

    card: str = ""
    phone: str = ""
    lang: str = "zh"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to book. why: of a special one, which any time may be asked for."""

    queue: str
    start: datetime
    person: Person
    way: Way
    item: str | None = None
    why: str = ""
    instead_of: int | None = None


class Booking:
    """The bookings of one hall. Any thread may ask."""

    def __init__(self, live: Live, holidays: Holidays, seal: Seal, zone: tzinfo) -> None:
        self._live, self._holidays, self._seal, self._zone = live, holidays, seal, zone

    # --- what can be had

    def today(self) -> date:
        return self._live.clock.now().astimezone(self._zone).date()

    def clock_of(self, slot: Slot) -> time:
        """When it begins, by the hall's clock."""
        return slot.start.astimezone(self._zone).time()

    def days(self, queue: str, item: str | None = None) -> dict[date, list[Offer]]:
        """Every day that may be booked for a queue, with all its slots, full ones too; of a matter those on
        which it is taken."""
        plan, today = self._live.hall.plan, self.today()
        bookable = slots.bookable_days(plan, self._holidays.calendar, today)
        taken = items.days_taken(self._live.store, item, bookable)
        ahead = {day: n for day, n in bookable.items() if day in taken}
        turns = self._turns(list(ahead))
        return {day: self._offers(queue, day, n, turns.get(day, ())) for day, n in ahead.items()}

    def offers(self, queue: str, day: date) -> list[Offer]:
        """The slots of one day, bookable or not, as a manager sees them."""
        ahead = self._holidays.calendar.between(self.today(), day)
        return self._offers(queue, day, ahead, self._turns([day]).get(day, ()))

    def table(self, queues: Sequence[str], days: Sequence[date]) -> dict[tuple[str, date], list[Offer]]:
        """The slots of these queues on these days."""
        calendar, today, turns = self._holidays.calendar, self.today(), self._turns(days)
        return {
            (queue, day): self._offers(queue, day, calendar.between(today, day), turns.get(day, ()))
            for day in days
            for queue in queues
        }

    def next_offers(self, queue: str, item: str | None = None, most: int = OFFERS) -> list[Slot]:
        """The soonest slots with a place left, one a day first."""
        free = [[one.slot for one in day if one.left] for day in self.days(queue, item).values()]
        firsts = [day[0] for day in free if day]
        others = [slot for day in free for slot in day[1:]]
        return (firsts + others)[:most]

    def slot_at(self, queue: str, start: datetime, item: str | None = None) -> Slot:
        """The slot of the queue that begins then. Raises Refused when there is none to be booked, or the
        matter is not taken on that day."""
        if queue not in self._live.hall.queues:
            raise Refused("unknown_queue", f"there is no queue {queue}", queue=queue)
        day = start.astimezone(self._zone).date()
        found = next((one.slot for one in self.offers(queue, day) if one.slot.start == start), None)
        if found is None:
            raise Refused("slot_closed", "the hall takes no bookings at this time")
        items.check_taken(self._live.store, item, day)
        return found

    def _offers(self, code: str, day: date, ahead: int, turns: Sequence[Staffed]) -> list[Offer]:
        hall = self._live.hall
        queue = hall.queues.get(code)
        if queue is None:
            return []
        spans = slots.spans_of(hall.plan, self._holidays.calendar, day)
        found = slots.slots(hall.plan, queue, day, ahead, spans, turns, self._zone)
        return [Offer(one, self._left(hall, queue, one)) for one in found]

    def _left(self, hall: Hall, queue: Queue, slot: Slot) -> int:
        book = hall.bookings
        is_closed = book.is_closed(queue.code, slot.start, slot.end) or slot.start <= self._live.clock.now()
        return 0 if is_closed else book.left(queue.code, slot)

    def _turns(self, days: Sequence[date]) -> dict[date, list[Staffed]]:
        """Of the roster, by day."""
        if not days:
            return {}
        with self._live.store.reading() as c:
            rows = rosters.turns(c, self._live.id, min(days), max(days))
        found: dict[date, list[Staffed]] = {}
        for one in rows:
            found.setdefault(one.day, []).append(Staffed(one.window, one.start, one.end))
        return found

    # --- having it

    def book(
        self, wish: Wish, by: Actor = CITIZEN, key: str | None = None, records: Sequence[Record] = ()
    ) -> Appointment:
        """A booking (A1), or a request for a special one (A2). Raises Refused; asked again with the same
        key it is the first booking."""
        if key is not None and (earlier := self.booked_before(key)) is not None:
            return earlier
        phone, persons = self._identified(wish.person)
        slot = self._special(wish) if wish.why else self.slot_at(wish.queue, wish.start, wish.item)

        def asked(code: str, token: str) -> Command:
            facts = (wish.queue, slot, code, token, persons, wish.way)
            if wish.why:
                return RequestAppointment(*facts, wish.why, wish.item, phone[-4:])
            return BookAppointment(*facts, wish.item, phone[-4:], wish.instead_of)

        token = secrets.token_urlsafe(TOKEN_BYTES)
        kept = [*records, self._keeping(token, phone, wish.person.lang, slot)] if phone else list(records)
        submit = self._live.submit
        answer = self._with_code(lambda code: submit(asked(code, token), by, key=key, records=kept))
        return _booked(answer)

    def again(self, lost: Appointment, start: datetime, key: str | None = None) -> Appointment:
        """Another time instead of one the hall took back, for the same person (A10). Raises Refused."""
        if key is not None and (earlier := self.booked_before(key)) is not None:
            return earlier
        slot, token, hall = (
            self.slot_at(lost.queue, start, lost.item),
            secrets.token_urlsafe(TOKEN_BYTES),
            self._live.id,
        )

        def move(c: Connection) -> None:
            row = contacts.of(c, hall, [lost.token]).get(lost.token)
            if row is not None:
                contacts.put(c, hall, replace(row, token=token), slot.end + KEPT)

        def ask(code: str) -> Answer:
            facts = (lost.queue, slot, code, token, lost.persons, lost.way, lost.item, lost.tail, lost.id)
            return self._live.submit(BookAppointment(*facts), CITIZEN, key=key, records=[move])

        return _booked(self._with_code(ask))

    def booked_before(self, key: str) -> Appointment | None:
        """What this key booked, though its time be over or its slot be full by now."""
        with self._live.store.reading() as c:
            found = log.answered(c, self._live.id, [key]).get(key, range(0))
            events = log.answer_events(c, self._live.id, found)
        made = (event.appointment for event in events if isinstance(event, AppointmentBooked))
        return self._live.hall.bookings.known.get(next(made, 0))

    def _with_code(self, ask: Callable[[str], Answer]) -> Answer:
        """Ask with a code nobody has; of eight digits few are given out at a time."""
        for _ in range(TRIES - 1):
            try:
                return ask(_new_code())
            except Refused as refused:
                if refused.code != "code_taken":
                    raise
        return ask(_new_code())

    def _special(self, wish: Wish) -> Slot:
        """The time that is wished for, whether the hall is open then or not. Raises Refused for a matter that
        is not taken on that day."""
        day = wish.start.astimezone(self._zone).date()
        items.check_taken(self._live.store, wish.item, day)
        end = wish.start + self._live.hall.plan.rules.slot_length
        return Slot(day, wish.start, end, places=1)

    def _keeping(self, token: str, phone: str, lang: str, slot: Slot) -> Record:
        sealed = self._seal.close(phone)
        row = Contact(token, sealed, lang, "confirmed")
        return lambda c: contacts.put(c, self._live.id, row, slot.end + KEPT)

    def approval(self, appointment: Appointment, start: datetime, window: int | None) -> ApproveAppointment:
        """The command that agrees to a special one (A3). Raises Refused where nobody is rostered then, or its
        matter is not taken."""
        slot = Slot(
            start.astimezone(self._zone).date(),
            start,
            start + self._live.hall.plan.rules.slot_length,
            places=1,
        )
        items.check_taken(self._live.store, appointment.item, slot.day)
        midnight = datetime.combine(slot.day, time(), self._zone)
        first, last = ((moment - midnight) // timedelta(minutes=1) for moment in (slot.start, slot.end))
        turns = self._turns([slot.day]).get(slot.day, [])
        there = {one.window for one in turns if one.start <= first and last <= one.end}
        if turns and not (there if window is None else there & {window}):
            raise Refused("nobody_rostered", "nobody is rostered at that time")
        return ApproveAppointment(appointment.id, slot, window)

    # --- who

    def persons(self, person: Person) -> tuple[str, ...]:
        """Their digests. Raises Refused for what is no number of a card or phone."""
        return self._identified(person)[1]

    def phone_of(self, row: Contact) -> str:
        """The number in clear, for whoever tells them. Raises BadSeal."""
        return self._seal.open(row.phone)

    def _identified(self, person: Person) -> tuple[str, tuple[str, ...]]:
        phone, card = tidy(person.phone), tidy(person.card)
        if phone and not PHONE.fullmatch(phone):
            raise Refused("bad_phone", "this is no mobile phone number")
        if card and not is_card(card):
            raise Refused("bad_card", "this is no number of an identity paper")
        found = [f"card:{card}"] * bool(card) + [f"phone:{phone}"] * bool(phone)
        at_reader = (person_with(self._seal, card),) if CARD.fullmatch(card) else ()
        return phone, (*(self._seal.digest(one, PURPOSE) for one in found), *at_reader)


def is_card(text: str) -> bool:
    """Whether it can be the number of an identity card (GB 11643, checked) or of another paper."""
    if CARD.fullmatch(text):
        total = sum(int(digit) * weight for digit, weight in zip(text, WEIGHTS, strict=False))
        return CHECKS[total % 11] == text[-1]
    return PAPER.fullmatch(text) is not None


def tidy(text: str) -> str:
    """A number as people write it, without spaces and dashes."""
    return re.sub(r"[\s\-—－]+", "", text).upper().removeprefix("+86")


def _new_code() -> str:
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"


def _booked(answer: Answer) -> Appointment:
    made = next(event for event in answer.events if isinstance(event, AppointmentBooked))
    return answer.hall.bookings.known[made.appointment]


# --- by message (S3.18)


@dataclass(frozen=True, slots=True)
class Message:
    """A booking as it was read from an SMS. matter: code or name of a queue or matter; day, at: None for the
    soonest there is."""

    phone: str
    matter: str
    day: date | None = None
    at: time | None = None


def book_by_message(booking: Booking, live: Live, message: Message, key: str) -> Appointment:
    """The booking somebody asked for by SMS: the first free slot at that time or after it. Raises Refused.

    key: of the message, so that one delivered twice books once."""
    key = f"sms:{key}"
    if (earlier := booking.booked_before(key)) is not None:
        return earlier
    queue, item = matter_of(live, message.matter, booking.today())
    free = [
        one.slot
        for day, offers in booking.days(queue, item).items()
        if message.day in (None, day)
        for one in offers
        if one.left and (message.at is None or booking.clock_of(one.slot) >= message.at)
    ]
    if not free:
        raise Refused("slot_full", "no place is left at this time")
    wish = Wish(queue, free[0].start, Person(phone=message.phone), Way.SMS, item)
    return booking.book(wish, CITIZEN, key)


def matter_of(live: Live, said: str, day: date) -> tuple[str, str | None]:
    """Queue and matter by what somebody calls it. Raises Refused."""
    words, hall = said.strip().casefold(), live.hall
    for queue in hall.plan.queues:
        if words in (queue.code.casefold(), queue.name.zh.casefold(), queue.name.en.casefold()):
            return queue.code, None
    for one in items.matters(live.store, day):
        if one.queue in hall.queues and words in (one.code.casefold(), one.name.casefold()):
            return one.queue, one.code
    raise Refused("unknown_matter", f"there is no matter {said!r}", matter=said)
