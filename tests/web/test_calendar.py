"""The page of working days: what it shows, what a manager lays down, lists brought in, and the trail."""

from __future__ import annotations

from datetime import date, timedelta
from io import BytesIO

import msgspec
import pytest
from sqlalchemy import select

from controller.boards import kiosk_queues
from controller.booking import Person, Wish
from controller.hall.bookings import AppointmentState, Way
from controller.hall.commands import CloseDay
from controller.hall.duty import opening
from controller.holidays import Holidays
from controller.store.tables import audit
from tests.store.halls import DAY, MORNING
from tests.web.desk import Browser, Desk, coming, words

PAGE = "/calendar"
LAID_DOWN = date(2026, 3, 3)
NEXT = {"year": 2027, "papers": [], "days": [{"name": "元旦", "date": "2027-01-01", "isOffDay": True}]}


def bring_in(boss: Browser, text: bytes) -> tuple[int, str]:
    data = {**boss.hidden(PAGE), "file": (BytesIO(text), "2027.json")}
    answer = boss.client.post(f"{PAGE}/year", data=data)
    return answer.status_code, words(answer)


def confirm(boss: Browser, year: object, **form: str) -> int:
    body = msgspec.json.encode(year).decode()
    return boss.post(f"{PAGE}/year", page=PAGE, list=body, sure="yes", **form).status_code


def test_a_year_is_shown_and_deadlines_are_counted(desk: Desk) -> None:
    boss = desk.browser("boss")
    page = boss.get(f"{PAGE}?year=2026&from=2026-02-14&days=5").get_data(as_text=True)
    assert "2026-02-28" in page
    assert 'title="春节"' in page
    provisional = words(boss.get(f"{PAGE}?year=2027&from=2026-12-31&days=1"))
    assert "尚无该年放假安排" in provisional
    assert "届满日 2027-01-01 周五 暂定" in provisional
    assert "最多推算" in words(boss.get(f"{PAGE}?days=99999"))


def test_a_manager_lays_a_day_down_and_takes_it_back(desk: Desk) -> None:
    boss = desk.browser("boss")
    boss.post(f"{PAGE}/day", page=PAGE, day=LAID_DOWN.isoformat(), what="off", name="停电", sure="yes")
    assert not desk.site.holidays.calendar.is_working(LAID_DOWN)
    assert not Holidays(desk.site.store).calendar.is_working(LAID_DOWN)
    assert "停电 周*" in words(boss.get(PAGE))
    boss.post(f"{PAGE}/day", page=PAGE, day=LAID_DOWN.isoformat(), what="as_notice", sure="yes")
    assert desk.site.holidays.calendar.is_working(LAID_DOWN)
    with desk.site.store.reading() as c:
        rows = c.execute(select(audit.c.what, audit.c.subject).where(audit.c.what.like("calendar.%")))
        said = [("calendar.lay_down", "2026-03-03"), ("calendar.withdraw", "2026-03-03")]
        assert [tuple(row) for row in rows] == said


def test_what_a_change_of_today_means_is_said_before_and_holds_at_once_after(desk: Desk) -> None:
    boss, today = desk.browser("boss"), DAY.isoformat()
    zone, holidays = desk.site.settings.zone, desk.site.holidays
    desk.give(CloseDay(), opening(holidays.calendar, DAY, MORNING + timedelta(hours=8), zone))
    desk.take()
    booked = desk.site.booking(desk.live).book(
        Wish("A", MORNING + timedelta(days=1), Person(phone="13900000001"), Way.SITE)
    )
    asked = words(boss.post(f"{PAGE}/day", page=PAGE, day=today, what="off"))
    assert "等候的 1 人继续办理" in asked
    assert holidays.calendar.is_working(DAY)
    boss.post(f"{PAGE}/day", page=PAGE, day=today, what="off", sure="yes")
    coming(desk).step()
    line = next(one for one in kiosk_queues(desk.live.hall, "main", desk.live.clock.now()))
    assert "3月3日09:00起取号" in line.why_zh
    tomorrow = LAID_DOWN.isoformat()
    assert "当天有 1 个预约" in words(boss.post(f"{PAGE}/day", page=PAGE, day=tomorrow, what="off"))
    boss.post(f"{PAGE}/day", page=PAGE, day=tomorrow, what="off", sure="yes", take_back="yes")
    assert desk.live.hall.bookings.known[booked.id].state is AppointmentState.HALL_CANCELLED


@pytest.mark.both_engines
def test_a_new_years_list_is_brought_in(desk: Desk) -> None:
    boss = desk.browser("boss")
    status, asked = bring_in(boss, msgspec.json.encode(NEXT))
    assert (status, "改为休息 1 元旦 01-01 周五" in asked) == (200, True)
    assert 2027 not in desk.site.holidays.calendar.years
    assert confirm(boss, NEXT) == 303
    assert 2027 in desk.site.holidays.calendar.years
    assert "本处导入" in words(boss.get(f"{PAGE}?year=2027"))


def test_whom_a_years_list_concerns_is_said_before_and_they_can_be_given_other_times(desk: Desk) -> None:
    boss, holidays = desk.browser("boss"), desk.site.holidays
    holidays.lay_down(date(2026, 10, 1), True, "国庆", "boss")
    booked = desk.site.booking(desk.live).book(
        Wish("A", MORNING + timedelta(days=1), Person(phone="13900000001"), Way.SITE)
    )
    days = [{"name": "停电", "date": LAID_DOWN.isoformat(), "isOffDay": True}]
    year = {"year": 2026, "days": [*days, {"name": "国庆节", "date": "2026-10-01", "isOffDay": False}]}
    _, asked = bring_in(boss, msgspec.json.encode(year))
    assert "停电 03-03 周二" in asked
    assert "2026-03-03 周二 政务服务大厅 09:00-12:00, 13:30-17:00 → 不开放 当天有 1 个预约" in asked
    assert "仍按本处规定 10-01 周四" in asked
    assert holidays.calendar.is_working(LAID_DOWN)
    assert confirm(boss, year, take_back="yes") == 303
    assert not holidays.calendar.is_working(LAID_DOWN)
    assert desk.live.hall.bookings.known[booked.id].state is AppointmentState.HALL_CANCELLED


def test_what_is_no_list_or_no_day_is_said_and_changes_nothing(desk: Desk) -> None:
    boss = desk.browser("boss")
    for text, said in (
        (b"{}", "不是 holiday-cn"),
        (msgspec.json.encode({**NEXT, "days": []}), "尚未发布"),
        (msgspec.json.encode({**NEXT, "year": 2031}), "不属于该年"),
    ):
        status, page = bring_in(boss, text)
        assert status == 400
        assert said in page
    assert 2027 not in desk.site.holidays.calendar.years
    assert boss.post(f"{PAGE}/day", page=PAGE, day="soon", what="off").status_code == 400
    assert boss.post(f"{PAGE}/day", page=PAGE, day=LAID_DOWN.isoformat(), what="perhaps").status_code == 400


def test_who_only_looks_changes_nothing(desk: Desk) -> None:
    guide = desk.browser("guide")
    assert 'name="what"' not in guide.get(PAGE).get_data(as_text=True)
    assert guide.post(f"{PAGE}/day", page=PAGE, day=LAID_DOWN.isoformat(), what="off").status_code == 403
