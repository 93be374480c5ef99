"""Tickets from home within fair limits, what is open to everybody, and kiosks that stand in the hall."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, time, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from controller.hall.commands import ChangePlan, CloseDay, OpenDay, Tick
from controller.hall.model import Rules, Sitting
from controller.store import home_tickets, tables
from tests.store.halls import DAY, MORNING, PLAN
from tests.web.desk import Browser, Desk, open_desk, words

HOME = "/h/hall/home-ticket"


def allow(desk: Desk, **rules: int) -> None:
    """Let tickets be taken from home: three of ten who wait, unless it is said otherwise."""
    known = desk.live.hall.plan
    wanted = Rules(**{"home_share": 30, **rules})  # type: ignore[arg-type]
    desk.give(ChangePlan(replace(PLAN, rules=wanted, rev=known.rev, hours=(Sitting(time(9), time(17)),))))


def take(phone: Browser, queue: str = "A") -> str:
    """Where the phone is led, or the sentence that refuses it."""
    answer = phone.post(HOME, page=HOME, queue=queue)
    return answer.headers.get("Location") or words(answer)


def test_a_hall_gives_none_out_unless_it_says_so(desk: Desk) -> None:
    assert desk.browser().get(HOME).status_code == 404
    allow(desk)
    assert "在家取号" in words(desk.browser().get("/h/hall"))
    assert desk.browser().get(HOME).status_code == 200


def test_a_phone_has_one_at_a_time_and_is_led_to_it(desk: Desk) -> None:
    allow(desk)
    phone = desk.browser()
    form = {**phone.hidden(HOME), "queue": "A"}
    answers = [phone.client.post(HOME, data=form).headers["Location"] for _ in range(2)]
    assert answers[0] == answers[1]
    assert "本机已取号 A001" in words(phone.get(HOME))
    assert len(desk.live.hall.tickets) == 1


def test_a_phone_takes_so_many_a_day_and_all_phones_so_many_of_a_line(desk: Desk) -> None:
    allow(desk, home_a_day=1)
    phone = desk.browser()
    token = take(phone)
    phone.client.post(f"{token}/cancel", data={"key": "x"})
    assert "已达上限" in take(phone)
    for _ in range(3):
        assert take(desk.browser()).startswith("/t/")
    assert "较多" in take(desk.browser())
    assert take(desk.browser(), "B").startswith("/t/")


@pytest.mark.both_engines
def test_a_phone_whose_tickets_nobody_came_for_gets_no_more(desk: Desk) -> None:
    allow(desk, home_a_day=3)
    phone = desk.browser()
    for _ in range(2):
        assert take(phone).startswith("/t/")
        desk.give(CloseDay())
        desk.time.pass_by(days=1)
        day = desk.live.hall.day
        assert day is not None
        desk.give(Tick(), OpenDay(day.date + timedelta(days=1), desk.time.now + timedelta(hours=8)))
    assert "2 次取号未到" in take(phone)
    with desk.site.store.reading() as c:
        found = home_tickets.origins(c, "hall", MORNING, 2, 5)
    assert [(one.tickets, one.phones, one.unused) for one in found] == [(2, 1, 2)]
    assert found[0].digest[:8] not in words(desk.browser("boss").get("/m/hall/home-tickets"))


def test_neither_phone_nor_address_stands_in_the_store(desk: Desk) -> None:
    allow(desk)
    phone = desk.browser()
    take(phone)
    chance = phone.client.get_cookie("vid")
    assert chance is not None
    with desk.site.store.reading() as c:
        rows = str([tuple(row) for one in tables.metadata.sorted_tables for row in c.execute(select(one))])
    assert chance.value not in rows
    assert "127.0.0.1" not in rows


@pytest.fixture
def walled(tmp_path: Path) -> Iterator[Desk]:
    """Its kiosks stand in a network of their own."""
    with open_desk(tmp_path, kiosk_networks=("10.1.0.0/16",)) as desk:
        yield desk


def test_a_kiosks_tickets_are_for_kiosks(walled: Desk) -> None:
    client, headers = walled.app.test_client(), {"Idempotency-Key": "0123456789"}
    for address in ("/h/hall/api/tickets", "/api/v1/halls/hall/tickets"):
        assert client.post(address, json={"queue": "A"}, headers=headers).status_code == 403
    inside = {"REMOTE_ADDR": "10.1.2.3"}
    answer = client.post("/h/hall/api/tickets", json={"queue": "A"}, headers=headers, environ_base=inside)
    assert answer.status_code == 201


# --- open to everybody


def test_open_data_says_who_waits_when_it_is_open_and_how_it_may_be_used(desk: Desk) -> None:
    allow(desk)
    desk.take()
    answer = desk.browser().get("/h/hall/open-data.json")
    told = answer.get_json()
    assert told["licence"] == "CC-BY-4.0"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert [(one["line"]["code"], one["line"]["waiting"]) for one in told["queues"]] == [("A", 1), ("B", 0)]
    assert told["hours"][0] == {"date": DAY.isoformat(), "open": ["09:00-17:00"], "holiday": ""}
    assert told["satisfied"] is None
    again = desk.browser().get("/h/hall/open-data.json", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_the_hours_know_holidays(desk: Desk) -> None:
    allow(desk)
    desk.site.holidays.lay_down(date(2026, 3, 3), True, "停电检修", "boss")
    shown = words(desk.browser().get("/h/hall/hours"))
    assert "03-02 周一 09:00–17:00 03-03 周二 停电检修 不开放" in shown
