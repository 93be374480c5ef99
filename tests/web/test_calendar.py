"""The page of working days: what it shows, what a manager lays down, lists brought in, and the trail."""

from __future__ import annotations

from datetime import date
from io import BytesIO

import msgspec
from sqlalchemy import select

from controller.holidays import Holidays
from controller.store.tables import audit
from tests.web.desk import Browser, Desk, words

PAGE = "/calendar"
LAID_DOWN = date(2026, 3, 3)
NEXT = {"year": 2027, "papers": [], "days": [{"name": "元旦", "date": "2027-01-01", "isOffDay": True}]}


def bring_in(boss: Browser, text: bytes) -> tuple[int, str]:
    data = {**boss.hidden(PAGE), "file": (BytesIO(text), "2027.json")}
    answer = boss.client.post(f"{PAGE}/year", data=data)
    return answer.status_code, words(answer)


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
    boss.post(f"{PAGE}/day", page=PAGE, day=LAID_DOWN.isoformat(), what="off", name="停电")
    assert not desk.site.holidays.calendar.is_working(LAID_DOWN)
    assert not Holidays(desk.site.store).calendar.is_working(LAID_DOWN)
    assert "停电 周*" in words(boss.get(PAGE))
    boss.post(f"{PAGE}/day", page=PAGE, day=LAID_DOWN.isoformat(), what="as_notice")
    assert desk.site.holidays.calendar.is_working(LAID_DOWN)
    with desk.site.store.reading() as c:
        rows = c.execute(select(audit.c.what, audit.c.subject).where(audit.c.what.like("calendar.%")))
        said = [("calendar.lay_down", "2026-03-03"), ("calendar.withdraw", "2026-03-03")]
        assert [tuple(row) for row in rows] == said


def test_a_new_years_list_is_brought_in(desk: Desk) -> None:
    boss = desk.browser("boss")
    assert bring_in(boss, msgspec.json.encode(NEXT))[0] == 303
    assert 2027 in desk.site.holidays.calendar.years
    assert "本处导入" in words(boss.get(f"{PAGE}?year=2027"))


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
