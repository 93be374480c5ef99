"""Appointments as staff handle them: at the desk, by phone, and the manager's days, requests and closures."""

from __future__ import annotations

import re
from datetime import time, timedelta
from typing import Any

from controller.booking import Person, Wish
from controller.hall.bookings import Appointment, AppointmentState, Way
from controller.hall.commands import ChangePlan
from controller.hall.model import Sitting, TicketClass
from controller.hall.sessions import Extended, SessionKind, SessionMode
from controller.hall.values import replace
from controller.people import SYSTEM
from tests.store.halls import MORNING, PLAN
from tests.web.desk import Browser, Desk, words

DESK, DAYS = "/g/hall/appointments", "/m/hall/appointments"
NEW = f"{DESK}/new?for=queue:A"


def booked(desk: Desk, hours: float = 24, phone: str = "13900000001", why: str = "") -> Appointment:
    start = MORNING + timedelta(hours=hours)
    return desk.site.booking(desk.live).book(Wish("A", start, Person(phone=phone), Way.WEB, why=why))


def now(desk: Desk, one: Appointment) -> Appointment:
    return desk.live.hall.bookings.known[one.id]


def today(desk: Desk) -> Appointment:
    """One for half past nine of this very day."""
    desk.live.submit(ChangePlan(replace(PLAN, rules=replace(PLAN.rules, book_from=0), rev=1)), SYSTEM)
    return booked(desk, 0.5)


def book_at_desk(guide: Browser, **form: str) -> str:
    told = {"for": "queue:A", "start": "20260303T0930", "phone": "13912345678", **form}
    return guide.post(f"{DESK}/new", page=NEW, **told).headers.get("Location", "")


def test_the_desk_books_for_who_phones_and_the_page_has_a_code_for_their_phone(desk: Desk) -> None:
    guide = desk.browser("guide")
    assert "余 13 个" in words(guide.get(NEW))
    page = guide.get(book_at_desk(guide))
    assert "3月3日 周二 09:30–10:00" in words(page)
    assert "尾号 5678" in words(page)
    assert "13912345678" not in page.get_data(as_text=True)
    (one,) = desk.live.hall.bookings.known.values()
    assert one.way is Way.PHONE
    assert "导办台" in words(guide.get(DESK))


def test_a_doubled_click_at_the_desk_books_once(desk: Desk) -> None:
    guide = desk.browser("guide")
    form = {**guide.hidden(NEW), "for": "queue:A", "start": "20260303T0930", "phone": "13912345678"}
    for _ in range(2):
        assert guide.client.post(f"{DESK}/new", data=form).status_code == 303
    assert len(desk.live.hall.bookings.known) == 1


def test_what_is_missing_is_said(desk: Desk) -> None:
    guide = desk.browser("guide")
    for form, status, said in (
        ({"start": ""}, 400, "请选择时间"),
        ({"phone": ""}, 409, "证件号码或手机号"),
        ({"special": "1", "wished": "2026-03-03T19:00"}, 409, "原因"),
    ):
        told = {"for": "queue:A", "start": "20260303T0930", "phone": "13912345678", **form}
        answer = guide.post(f"{DESK}/new", page=NEW, **told)
        assert answer.status_code == status
        assert said in words(answer)


def test_who_is_here_gets_an_appointment_ticket_once(desk: Desk) -> None:
    guide, one = desk.browser("guide"), today(desk)
    assert "0001" in words(guide.get(f"{DESK}?q=0001"))
    answers = [guide.post(f"{DESK}/{one.id}/come", page=DESK).headers["Location"] for _ in range(2)]
    assert answers[0] == answers[1] == "/g/hall/tickets/1"
    (ticket,) = desk.live.hall.tickets.values()
    assert ticket.klass is TicketClass.APPOINTMENT
    assert "A001" in words(guide.get(DESK))


def check_in(desk: Desk, code: str, key: str = "tap-00000001") -> tuple[int, dict[str, Any]]:
    answer = desk.browser().client.post(
        "/h/hall/api/check-in", json={"code": code}, headers={"Idempotency-Key": key}
    )
    return answer.status_code, answer.json


def test_a_kiosk_checks_in_by_code_or_digits_and_again_shows_the_same_number(desk: Desk) -> None:
    one = today(desk)
    status, ticket = check_in(desk, one.code)
    assert (status, ticket["number"]) == (201, "A001")
    assert check_in(desk, one.code)[1]["number"] == "A001"
    assert check_in(desk, "0001", "tap-00000002")[1]["number"] == "A001"
    assert check_in(desk, "9999", "tap-00000003")[1]["error"]["zh"] == "今天没有与此号码相符的预约"
    assert check_in(desk, "my code")[0] == 400
    assert "我的号码 A001" in words(desk.browser().get(f"/a/{one.token}"))


def test_the_desk_moves_and_takes_a_good_reason(desk: Desk) -> None:
    guide, one = desk.browser("guide"), today(desk)
    assert "不记爽约" in words(guide.get(f"{DESK}/{one.id}"))
    guide.post(f"{DESK}/{one.id}/cancel", page=NEW, reason="住院", accepted="1")
    assert now(desk, one).state is AppointmentState.CANCELLED
    assert not desk.live.hall.bookings.missed
    other = booked(desk, phone="13900000002")
    guide.post(f"{DESK}/{other.id}/move", page=NEW, start="20260304T1000")
    assert now(desk, other).moved == 1
    assert guide.post(f"{DESK}/{other.id}/come", page=NEW).status_code == 409


def test_the_manager_decides_special_requests(desk: Desk) -> None:
    boss = desk.browser("boss")
    first, second = (booked(desk, 33, f"1390000000{n}", "下班后来") for n in (1, 2))
    assert "待答复的特约 2" in words(boss.get(DAYS))
    desk.time.pass_by(hours=24)
    assert "超时" in words(boss.get(DAYS))
    desk.time.pass_by(hours=-24)
    boss.post(f"{DAYS}/{first.id}/approve", page=DAYS, start="2026-03-03T18:00", window="1")
    boss.post(f"{DAYS}/{second.id}/reject", page=DAYS, reason="周五上午可以")
    assert now(desk, first).window == 1
    assert now(desk, second).why == "周五上午可以"
    assert boss.post(f"{DAYS}/{first.id}/approve", page=DAYS, start="soon").status_code == 400
    assert boss.post(f"{DAYS}/{first.id}/reject", page=DAYS, reason="x").status_code == 409


def test_closing_a_day_shows_what_it_takes_back_before_it_does(desk: Desk) -> None:
    boss, one = desk.browser("boss"), booked(desk)
    span = {"starts": "2026-03-03T08:00", "ends": "2026-03-03T18:00", "reason": "停电检修"}
    asked = boss.post(f"{DAYS}/close", page=DAYS, **span)
    assert "将取消 1 个预约" in words(asked)
    assert now(desk, one).state is AppointmentState.CONFIRMED
    boss.post(f"{DAYS}/close", page=DAYS, sure="yes", **span)
    assert now(desk, one).state is AppointmentState.HALL_CANCELLED
    assert "停电检修" in words(boss.get(DAYS))
    assert "0 / 0" in words(boss.get(DAYS))
    boss.post(f"{DAYS}/closed/1/reopen", page=DAYS)
    assert "没有停约时段" in words(boss.get(DAYS))
    assert boss.post(f"{DAYS}/close", page=DAYS, **{**span, "ends": "2026-03-01T08:00"}).status_code == 409
    assert boss.post(f"{DAYS}/close", page=DAYS, **{**span, "ends": "soon"}).status_code == 400


def test_extended_sessions_are_set_up_booked_and_told_to_everybody(desk: Desk) -> None:
    boss, page = desk.browser("boss"), "/setup/hall/hall"
    noon = {
        "kind-0": "noon",
        "at-0": "12:00-13:00",
        "how-0": "appointment",
        "windows-0": "1",
        "queues-0": "a",
    }
    form = {"zh": "大厅", "hours": "09:00-12:00 13:30-17:00", "weekday": "0", **noon}
    assert "不存在的窗口 99" in words(boss.post(page, page=page, **{**form, "windows-0": "99"}))
    boss.post(page, page=page, **form)
    assert "工作日中午 12:00-13:00 预约办理 (1; A)" in words(boss.get("/setup/hall/change"))
    session = Extended(SessionKind.NOON, SessionMode.APPOINTMENT, time(12), time(13), (1,), ("A",))
    hours = (Sitting(time(9), time(12)), Sitting(time(13, 30), time(17)))
    desk.live.submit(ChangePlan(replace(PLAN, extended=(session,), hours=hours, rev=1)), SYSTEM)
    citizen = desk.browser()
    assert "20260303T1200" in citizen.get("/h/hall/book/A").get_data(as_text=True)
    assert "20260303T1200" not in citizen.get("/h/hall/book/B").get_data(as_text=True)
    published = words(citizen.get("/h/hall/hours"))
    assert "03-02 周一 09:00–12:00、13:30–17:00 工作日中午 12:00–13:00 预约办理" in published
    assert "工作日中午 12:00–13:00 预约办理 东区 · 1 号窗口 企业" in published


def test_who_looks_does_not_decide_and_a_file_names_nobody(desk: Desk) -> None:
    guide, one = desk.browser("guide"), booked(desk)
    assert "暂停预约" not in re.sub("暂停预约的人", "", words(guide.get(DAYS)))
    assert guide.post(f"{DAYS}/{one.id}/lift", page=DESK).status_code == 403
    rows = guide.get(f"{DAYS}.csv").get_data(as_text=True)
    assert "2026-03-03" in rows
    assert "0001" not in rows
