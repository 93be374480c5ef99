"""How long what names or ties to a person is kept, and that it goes when its time is over (P.33).

Hides that it goes in small steps beside everything else, by the hall's clock for what happened in a hall,
and that each deletion leaves a row in the audit trail, which is the proof of it: what, how many, up to when.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum

from controller.clock import real_now
from controller.hall.model import Refused
from controller.live import Live
from controller.settings import Settings
from controller.store import Store, conduct, contacts, erasure, home_tickets, messages, ratings
from controller.store.audit import Record, audit

STEP_S = 60.0
RETENTION, PERSON, VISIT = "data.retention", "data.erase_person", "data.erase_visit"  # rows of the trail


class DataClass(StrEnum):
    """What is kept of persons. The audit trail is none of it: it holds ids, and is kept for ever."""

    VISITS = (
        "visits"  # what ties a ticket to its holder: digest of a card, note of the desk, code of the slip
    )
    BOOKINGS = "bookings"  # digests and codes of appointments; their phone numbers go a week after the day
    SIGN_INS = "sign_ins"  # sessions, links, used recovery codes
    CONTACTS = "contacts"  # phone numbers left with bad ratings
    WORDS = "words"  # what visitors wrote with a rating
    SET_ASIDE = "set_aside"  # messages of units nobody could use; deleted by quarantine.py
    MESSAGES = "messages"  # numbers and texts of messages and answers, and where somebody wants to be told
    CONDUCT = "conduct"  # the register of daily conduct
    STAFF = "staff"  # name and number of who works or worked here: until erased on request


@dataclass(frozen=True, slots=True)
class Kept:
    """One class as it is now. days: None, until somebody asks. oldest: of what is held, if that is known."""

    kind: DataClass
    days: float | None
    oldest: datetime | None = None


class Keeping:
    """Deletes what is too old. hall_now: by the halls' clock; halls: asked anew at each step."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        hall_now: Callable[[], datetime],
        halls: Mapping[str, Live],
        at_once: int = erasure.AT_ONCE,
    ) -> None:
        """at_once: tickets in one step."""
        self._store, self._settings, self._hall_now, self._halls = store, settings, hall_now, halls
        self._at_once = at_once

    def step(self) -> None:
        """Delete some of what is too old now. Raises StoreFailed."""
        before = self._midnight(self._hall_now(), self._settings.visitor_days)
        for live in list(self._halls.values()):
            self._forget_visitors(live, before)
            self._forget_bookings(live)
        self._forget_ratings(self._hall_now())
        self._forget_conduct(self._hall_now())
        self.delete_sign_ins(real_now())
        self.delete_messages(real_now())
        with self._store.writing() as c:
            home_tickets.forget(c, before)

    def _forget_visitors(self, live: Live, before: datetime) -> None:
        """A few tickets, so that no command waits for long; those the hall still knows stay."""
        known = list(live.hall.tickets)
        with self._store.writing() as c:
            below = min(known, default=None)
            done = erasure.forget_visitors(c, live.id, before, below, self._at_once)
            if done.is_last and done.rows:
                erasure.forget_in_snapshots(c, live.id, known)
                erasure.proven(c, live.id)
                _proof(DataClass.VISITS, live.id, before, done.rows)(c)

    def _booking_days(self) -> float:
        """How long a hall looks back at who stayed away, and visits are kept at least."""
        rules = [live.hall.plan.rules for live in self._halls.values()]
        days = [(one.absences_within + one.blocked_for) / timedelta(days=1) for one in rules]
        return max([*days, self._settings.visitor_days])

    def _forget_bookings(self, live: Live) -> None:
        """Phone numbers of appointments that are over, and who booked what nobody looks back at any more."""
        now = self._hall_now()
        before = self._midnight(now, self._booking_days())
        with self._store.writing() as c:
            rows = contacts.forget(c, live.id, now) + erasure.forget_bookings(c, live.id, before)
            if rows:
                _proof(DataClass.BOOKINGS, live.id, before, rows)(c)

    def _forget_ratings(self, now: datetime) -> None:
        """Numbers whose case has been over for long enough, and words that are old."""
        steps = (
            (DataClass.CONTACTS, self._settings.contact_days, ratings.forget_contacts),
            (DataClass.WORDS, self._settings.words_days, ratings.forget_words),
        )
        for kind, days, forget in steps:
            before = self._midnight(now, days)
            with self._store.writing() as c:
                if rows := forget(c, before):
                    _proof(kind, "", before, rows)(c)

    def _forget_conduct(self, now: datetime) -> None:
        before = self._midnight(now, self._settings.conduct_days)
        with self._store.writing() as c:
            if rows := conduct.forget(c, before.date()):
                _proof(DataClass.CONDUCT, "", before, rows)(c)

    def delete_sign_ins(self, now: datetime) -> None:
        before = self._midnight(now, self._settings.sign_in_days)
        with self._store.writing() as c:
            if rows := erasure.forget_sign_ins(c, before):
                _proof(DataClass.SIGN_INS, "", before, rows)(c)

    def delete_messages(self, now: datetime) -> None:
        before = self._midnight(now, self._settings.message_days)
        with self._store.writing() as c:
            if rows := messages.forget(c, before):
                _proof(DataClass.MESSAGES, "", before, rows)(c)

    def _midnight(self, now: datetime, days: float) -> datetime:
        """When what is too old ends: whole days, so that a day leaves one proof and not one a minute."""
        day = (now - timedelta(days=days)).astimezone(self._settings.zone).date()
        return datetime.combine(day, time(), self._settings.zone)

    def erase_visit(self, hall: str, ticket: int, number: str, by: str, reason: str) -> None:
        """What ties one ticket to its holder, at their request. Raises Refused."""
        need_reason(reason)
        with self._store.writing() as c:
            erasure.forget_visitor(c, hall, ticket)
            messages.forget_ticket(c, hall, ticket)
            home_tickets.forget_ticket(c, hall, ticket)
            ratings.forget_visit(c, hall, ticket)
            audit(by, VISIT, f"{hall}/ticket {number}", real_now(), ticket=ticket, reason=reason)(c)

    def held(self) -> list[Kept]:
        """Every class, with how long it is kept and since when there is something."""
        with self._store.reading() as c:
            oldest = [at for hall in self._halls if (at := erasure.held_visitors(c, hall)) is not None]
            signed_in, rated = erasure.held_sign_ins(c), ratings.held(c)
            written, noted = messages.oldest(c), conduct.oldest(c)
        settings = self._settings
        since = None if noted is None else datetime.combine(noted, time(), settings.zone)
        return [
            Kept(DataClass.VISITS, settings.visitor_days, min(oldest, default=None)),
            Kept(DataClass.SIGN_INS, settings.sign_in_days, signed_in),
            Kept(DataClass.BOOKINGS, self._booking_days()),
            Kept(DataClass.MESSAGES, settings.message_days, written),
            Kept(DataClass.CONTACTS, settings.contact_days, rated["contacts"]),
            Kept(DataClass.WORDS, settings.words_days, rated["words"]),
            Kept(DataClass.SET_ASIDE, settings.set_aside_days),
            Kept(DataClass.CONDUCT, settings.conduct_days, since),
            Kept(DataClass.STAFF, None),
        ]


def _proof(kind: DataClass, hall: str, before: datetime, rows: int) -> Record:
    facts = {"kind": kind.value, "before": before.isoformat(), "rows": rows}
    return audit("system", RETENTION, hall, real_now(), **facts)


def need_reason(reason: str) -> None:
    """Raises Refused("reason_needed")."""
    if len(reason.strip()) < 2:
        raise Refused("reason_needed", "a reason is needed")
