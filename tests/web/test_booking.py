"""Booking on the web: from the matter to one's own page, changes, losing it to the hall, finding it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from controller.booking import Person, Wish
from controller.ended import Ended
from controller.hall.bookings import AppointmentState, Way
from controller.hall.commands import CancelSlots, CheckIn, CloseDay, OpenDay
from controller.hall.model import Press, Refused
from controller.item_standing import Change, Standing
from controller.meanings import Message, of_check_in
from controller.people import SYSTEM
from controller.store import item_standings
from controller.store.items import Item, put_items
from controller.store.message_tables import message
from controller.store.records import add_hall
from firmware.protocol.messages import DeviceConfig, Pressed, UnitConfig
from firmware.protocol.persons import digest
from tests.store.halls import DAY, MORNING, PLAN
from tests.web.desk import Browser, Desk, words

CARD, PHONE = "11010519491231002X", "139 1234 5678"
TOMORROW = "/h/hall/book/A/at/20260303T0930"


def book(browser: Browser, at: str = TOMORROW, **form: str) -> str:
    """The address of one's page; of a refusal "", after which `browser` shows why."""
    answer = browser.post(at, page=at, **{"card": CARD, "phone": PHONE, **form})
    return answer.headers.get("Location", "")


def test_a_citizen_finds_a_time_books_it_and_has_a_page(desk: Desk) -> None:
    citizen = desk.browser()
    assert "企业" in words(citizen.get("/h/hall/book"))
    times = citizen.get("/h/hall/book/A").get_data(as_text=True)
    assert TOMORROW in times
    assert "20260302T" not in times
    mine = book(citizen)
    page = citizen.get(mine)
    assert "已预约 3月3日 周二 09:30 企业" in words(page)
    assert "请在 09:00 至 09:45 之间" in words(page)
    for private in (CARD, "13912345678", "139 1234 5678", "5678"):
        assert private not in page.get_data(as_text=True)
    assert page.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert b"<svg" in citizen.get(f"{mine}/qr.svg").get_data()
    assert TOMORROW not in citizen.get("/h/hall/book/A").get_data(as_text=True)


def test_a_form_sent_twice_books_once(desk: Desk) -> None:
    citizen = desk.browser()
    form = {**citizen.hidden(TOMORROW), "card": CARD, "phone": PHONE}
    places = [citizen.client.post(TOMORROW, data=form).headers["Location"] for _ in range(2)]
    assert places[0] == places[1]
    assert len(desk.live.hall.bookings.known) == 1


def test_what_is_wrong_is_said_beside_what_was_typed(desk: Desk) -> None:
    citizen = desk.browser()
    for form, said in (
        ({"card": "123"}, "不是证件号码"),
        ({"phone": "123"}, "手机号"),
        ({"phone": ""}, "请填写证件号码和手机号码"),
    ):
        answer = citizen.post(TOMORROW, page=TOMORROW, **{"card": CARD, "phone": PHONE, **form})
        assert answer.status_code == 409
        assert said in words(answer)


def test_times_nobody_can_book_are_refused_or_not_there(desk: Desk) -> None:
    citizen = desk.browser()
    book(citizen)
    again = citizen.post(TOMORROW, page=TOMORROW, card="E1234567", phone="13900000000")
    assert "已约满" in words(again)
    sunday = "/h/hall/book/A/at/20260308T0930"
    assert "不接受预约" in words(citizen.post(sunday, page=sunday, card=CARD, phone=PHONE))
    for nowhere in ("/h/hall/book/X", "/h/hall/book/A/at/soon", "/a/no-such-token"):
        assert citizen.get(nowhere).status_code == 404


def test_the_time_is_changed_and_the_appointment_cancelled(desk: Desk) -> None:
    citizen = desk.browser()
    mine = book(citizen)
    citizen.post(f"{mine}/move", page=mine, start="20260304T1000")
    assert "3月4日 周三 10:00" in words(citizen.get(mine))
    assert citizen.post(f"{mine}/move", page=mine, start="20260308T1000").status_code == 409
    citizen.post(f"{mine}/cancel", page=mine)
    assert "已取消" in words(citizen.get(mine))
    assert citizen.post(f"{mine}/cancel", page=mine).status_code == 409


@pytest.mark.both_engines
def test_what_the_hall_takes_back_comes_with_other_times_and_is_told_once(desk: Desk) -> None:
    desk.site.messages.booked.step()
    citizen = desk.browser()
    mine = book(citizen)
    start = MORNING + timedelta(hours=23)
    for _ in range(2):
        desk.live.submit(CancelSlots(start, start + timedelta(hours=9), (), "停电检修"), SYSTEM)
        desk.site.messages.booked.step()
    page = citizen.get(mine).get_data(as_text=True)
    assert "停电检修" in page
    offer = re.findall(r'name="start" value="([^"]+)"', page)[0]
    answer = citizen.post(f"{mine}/again", page=mine, start=offer)
    assert "已预约" in words(citizen.get(answer.headers["Location"]))
    assert (
        citizen.post(f"{mine}/again", page=mine, start=offer).headers["Location"]
        == answer.headers["Location"]
    )
    desk.site.messages.booked.step()
    with desk.site.store.reading() as c:
        told = c.execute(select(message.c.event).order_by(message.c.id)).scalars().all()
    assert told == ["booked", "hall_cancelled", "booked"]


def test_who_booked_with_a_card_is_known_by_what_a_reader_tells_of_it(desk: Desk) -> None:
    mine = book(desk.browser())
    one = desk.live.hall.bookings.by_token(mine.rpartition("/")[2])
    reader = DeviceConfig(device="cards", kind="reader", wire="serial:/dev/c", options={"reads": "id_card"})
    screen = DeviceConfig(device="kiosk", kind="screen", wire="screen:x", board="k-main")
    devices, config = desk.site.devices, UnitConfig(rev=0, position="", devices=[reader, screen])
    with desk.site.store.writing() as c:
        add_hall(c, "hall", PLAN.name, MORNING)
    devices.put_position("hall", "door", PLAN.name, config, MORNING)
    devices.add_unit("hall", "node-1", MORNING, "door")
    told = devices.book.config_of("node-1")
    assert one is not None
    assert told is not None
    seen = digest(told.devices[0].options["key"], CARD)
    assert devices.person_of(seen) in one.persons
    pressed = Pressed(input="kiosk", who=seen)
    now, person = desk.live.clock.now() + timedelta(days=1), devices.person_of(seen)
    desk.give(CloseDay(), OpenDay(DAY + timedelta(days=1), now + timedelta(hours=9)))
    asked = of_check_in(desk.live.hall, Message("node-1", "e", 1), pressed, "t", now, person)
    assert asked.command == CheckIn(one.id, "t", Press("node-1", "e", 1))


def test_who_booked_a_matter_that_ends_before_is_told_once_with_what_else_there_is(desk: Desk) -> None:
    with desk.site.store.writing() as c:
        put_items(c, [Item("m1", "旧事项", "甲局", "A")])
    desk.site.messages.booked.step()
    booking, ended = desk.site.booking(desk.live), Ended(desk.live)
    late, soon = (MORNING + timedelta(days=days, minutes=30) for days in (3, 1))
    phones = ("13900000001", "13900000002")
    lost, kept = (
        booking.book(Wish("A", start, Person(phone=phone), Way.WEB, "m1"))
        for start, phone in zip((late, soon), phones, strict=True)
    )
    ended.step()
    with desk.site.store.writing() as c:
        gone = Standing("旧事项", "甲局", Change.CANCEL, "x")
        item_standings.put(c, "m1", DAY + timedelta(days=2), gone, "boss", MORNING)
    for looks in (ended, Ended(desk.live)):  # as after a restart
        looks.step()
        desk.site.messages.booked.step()
    page = words(desk.browser().get(f"/a/{lost.token}"))
    assert "该事项届时已不再办理。 现在怎么办" in page
    assert {slot.day for slot in booking.next_offers("A", "m1")} == {DAY + timedelta(days=1)}
    with pytest.raises(Refused, match="not taken"):
        booking.again(lost, late)
    assert desk.live.hall.bookings.known[kept.id].state is AppointmentState.CONFIRMED
    with desk.site.store.reading() as c:
        told = c.execute(select(message.c.event).order_by(message.c.id)).scalars().all()
    assert told == ["booked", "booked", "matter_ended"]


def test_the_page_is_found_by_code_and_the_end_of_the_phone_number(desk: Desk) -> None:
    citizen = desk.browser()
    mine = book(citizen)
    (one,) = desk.live.hall.bookings.known.values()
    assert one.state is AppointmentState.CONFIRMED
    found = citizen.post("/h/hall/booked", page="/h/hall/book", code=one.code, tail="5678")
    assert found.headers["Location"] == mine
    assert citizen.post("/h/hall/booked", page="/h/hall/book", code=one.code, tail="0000").status_code == 404


def test_codes_cannot_be_tried_out(desk: Desk) -> None:
    citizen = desk.browser()
    tries = [
        citizen.client.post("/h/hall/booked", data={"code": f"{n:08}", "tail": "1234"}) for n in range(25)
    ]
    assert tries[-1].status_code == 429
