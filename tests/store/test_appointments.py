"""Bookings as they are stored: the last place, retries, restarts, contacts, and nothing in clear."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from controller.booking import Booking, Message, Person, Wish, book_by_message
from controller.hall.bookings import Appointment, Way
from controller.hall.commands import ChangePlan
from controller.hall.model import Refused
from controller.hall.values import replace
from controller.holidays import Holidays
from controller.live import Live
from controller.people import SYSTEM
from controller.store import contacts, log
from controller.store.contacts import Contact
from controller.store.seal import Seal
from controller.store.tables import booking_contact, event
from tests.store.halls import DAY, MORNING, PLAN, morning, running, sqlite_url

CARD = "11010519491231002X"
ONE_PLACE = replace(PLAN, queues=tuple(replace(queue, slot_places=1) for queue in PLAN.queues), rev=1)


@contextmanager
def open_hall(url: str) -> Iterator[Live]:
    with morning(url) as live:
        live.submit(ChangePlan(ONE_PLACE), SYSTEM)
        yield live


@pytest.fixture
def on_both(database: str) -> Iterator[Live]:
    with open_hall(database) as live:
        yield live


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    with open_hall(sqlite_url(tmp_path)) as live:
        yield live


def booking_of(live: Live, folder: Path) -> Booking:
    return Booking(live, Holidays(live.store), Seal(folder), ZoneInfo("Asia/Shanghai"))


def wish(n: int = 0, hours: int = 24) -> Wish:
    return Wish("A", MORNING + timedelta(hours=hours), Person(phone=f"1390000{n:04}"), Way.WEB)


def test_two_after_the_last_place_and_one_gets_it(on_both: Live, tmp_path: Path) -> None:
    booking = booking_of(on_both, tmp_path)

    def ask(n: int) -> str:
        try:
            return booking.book(wish(n)).code
        except Refused as refused:
            return refused.code

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert answers.count("slot_full") == 7


def test_a_retried_booking_is_one_booking_and_outlives_a_restart(on_both: Live, tmp_path: Path) -> None:
    booking = booking_of(on_both, tmp_path)
    first = booking.book(wish(), key="web:1")
    assert booking.book(wish(), key="web:1") == first
    with on_both.store.reading() as c:
        assert log.replay(c, "hall")[0].bookings == on_both.hall.bookings
    on_both.stop()
    with running(on_both.store) as again:
        assert booking_of(again, tmp_path).book(wish(), key="web:1").code == first.code
        assert len(again.hall.bookings.known) == 1


def test_nothing_of_a_person_stands_there_in_clear(live: Live, tmp_path: Path) -> None:
    booking = booking_of(live, tmp_path)
    made = booking.book(replace(wish(), person=Person(CARD, "139 1234-5678")))
    with live.store.reading() as c:
        events, rows = (
            c.execute(select(event.c.body)).scalars().all(),
            c.execute(select(booking_contact)).all(),
        )
        kept = contacts.of(c, "hall", [made.token])[made.token]
    said = json.dumps(events) + str(rows)
    assert CARD not in said
    assert "13912345678" not in said
    assert made.tail == "5678"
    assert booking.phone_of(kept) == "13912345678"


def test_whoever_marks_somebody_as_told_first_tells_them(on_both: Live) -> None:
    with on_both.store.writing() as c:
        contacts.put(c, "hall", Contact("t", b"x", "zh", "confirmed"), MORNING)
        assert [contacts.mark_told(c, "hall", "t", "hall_cancelled") for _ in range(2)] == [True, False]
        assert contacts.forget(c, "hall", MORNING + timedelta(seconds=1)) == 1


@pytest.mark.parametrize(
    ("person", "refused"),
    [
        (Person(phone="12345"), "bad_phone"),
        (Person(card="110105194912310021"), "bad_card"),
        (Person(), "person_needed"),
    ],
)
def test_numbers_are_looked_at_before_they_are_digested(
    live: Live, tmp_path: Path, person: Person, refused: str
) -> None:
    with pytest.raises(Refused) as said:
        booking_of(live, tmp_path).book(replace(wish(), person=person))
    assert said.value.code == refused


def test_a_card_and_a_phone_are_the_same_person_on_every_channel(live: Live, tmp_path: Path) -> None:
    booking = booking_of(live, tmp_path)
    booking.book(replace(wish(), person=Person(CARD, "13900000000")))
    for person in (Person(card=CARD), Person(phone="13900000000")):
        with pytest.raises(Refused, match="has booked"):
            booking.book(replace(wish(hours=25), person=person))


def by_sms(live: Live, folder: Path, message: Message, key: str = "1") -> Appointment:
    return book_by_message(booking_of(live, folder), live, message, key)


def test_a_message_books_the_first_free_slot_once(live: Live, tmp_path: Path) -> None:
    booking_of(live, tmp_path).book(wish(1))
    asked = Message("13900000002", "企业", DAY + timedelta(days=1), time(9))
    made = by_sms(live, tmp_path, asked)
    assert made.start == MORNING + timedelta(hours=24.5)
    assert by_sms(live, tmp_path, asked) == made
    with pytest.raises(Refused, match="no matter"):
        by_sms(live, tmp_path, Message("13900000003", "cake"), "2")
    with pytest.raises(Refused, match="no place"):
        by_sms(live, tmp_path, Message("13900000003", "A", DAY), "3")
