"""The staffing plan: from the days that are over to windows by quarters of the days to come."""

from __future__ import annotations

import csv
from io import StringIO

import pytest

from controller.hall.commands import CloseDay, OpenDay, Tick
from tests.store.halls import DAY, MORNING
from tests.web.desk import Desk, words


def past_day(desk: Desk) -> None:
    """Two come each minute from nine to ten, and the next morning is there."""
    for _ in range(60):
        desk.take("A"), desk.take("B")
        desk.time.pass_by(minutes=1)
    desk.give(CloseDay())
    desk.time.pass_by(hours=23)
    desk.give(Tick())


def test_a_hall_without_a_past_says_when_it_will_have_one(desk: Desk) -> None:
    assert "还没有可依据的历史" in words(desk.browser("boss").get("/m/hall/staffing"))


def test_tomorrow_and_the_week_are_planned_by_quarters(desk: Desk) -> None:
    past_day(desk)
    answer = desk.browser("boss").get("/m/hall/staffing")
    page = words(answer)
    assert "依据本厅 1 个有人办事的日子推算" in page
    assert "东区 · 2026-03-04 周三" in page
    assert 'class="chart"' in answer.get_data(as_text=True)
    assert "2026-03-10 周二" in page


def test_the_week_leaves_as_a_file_with_enough_windows_for_the_load(desk: Desk) -> None:
    past_day(desk)
    answer = desk.browser("boss").get("/m/hall/staffing.csv?wait=5&share=5")
    rows = list(csv.DictReader(StringIO(answer.get_data(as_text=True)[1:])))
    tomorrow = [row for row in rows if row["日期"] == "2026-03-04"]
    assert [row["时段"] for row in tomorrow[:4]] == ["09:00", "09:15", "09:30", "09:45"]
    busiest = max(tomorrow, key=lambda row: float(row["预计人数"]))
    minutes_each = (8 + 5) / 2
    assert int(busiest["窗口"]) >= float(busiest["预计人数"]) * minutes_each / 15 / 2
    assert int(busiest["窗口下限"]) <= int(busiest["窗口"]) <= int(busiest["窗口上限"])


def test_what_a_plan_cannot_be_asked_for_is_left_out(desk: Desk) -> None:
    past_day(desk)
    page = words(desk.browser("boss").get("/m/hall/staffing?zone=moon&day=x&wait=-1&share=99"))
    assert "使等候超过 15 分钟的人不多于 20%" in page


def test_today_is_no_past_until_it_is_over(desk: Desk) -> None:
    past_day(desk)
    desk.give(OpenDay(DAY.replace(day=3), MORNING.replace(day=3, hour=9)))
    desk.take("A")
    assert "依据本厅 1 个有人办事的日子推算" in words(desk.browser("boss").get("/m/hall/staffing"))


def test_todays_times_of_a_window_are_what_waits_count_on(desk: Desk) -> None:
    boss = desk.browser("boss")
    form = {"window": "1", "times": "09:00-11:30, 13:30–17:00"}
    assert boss.post("/m/hall/staffing/today", page="/m/hall/staffing", **form).status_code == 303
    spans = [(shift.end - shift.start).total_seconds() / 3600 for shift in desk.live.hall.shifts[1]]
    assert spans == [2.5, 3.5]
    assert 'value="09:00-11:30 13:30-17:00"' in boss.get("/m/hall/staffing").get_data(as_text=True)
    boss.post("/m/hall/staffing/today", page="/m/hall/staffing", window="1", times="")
    assert desk.live.hall.shifts[1] == ()


def test_times_that_cannot_be_are_refused_with_the_reason(desk: Desk) -> None:
    boss = desk.browser("boss")
    for times, status, said in (
        ("from nine", 400, "请按 09:00-12:00"),
        ("9:00-25:00", 400, "请按 09:00-12:00"),
        ("12:00-09:00", 409, "班次须先后相接"),
    ):
        answer = boss.post("/m/hall/staffing/today", page="/m/hall/staffing", window="1", times=times)
        assert (answer.status_code, said in words(answer)) == (status, True)
    assert not desk.live.hall.shifts


def test_a_guide_sees_the_times_and_changes_none(desk: Desk) -> None:
    guide = desk.browser("guide")
    assert "今天各窗口的在岗时间" in words(guide.get("/m/hall/staffing"))
    answer = guide.post("/m/hall/staffing/today", page="/me", window="1", times="09:00-12:00")
    assert answer.status_code == 403


def test_as_many_are_expected_in_the_next_hour_as_came_in_it_before(desk: Desk) -> None:
    past_day(desk)
    coming = desk.site.pasts.coming(desk.live.hall, desk.time.now, desk.site.settings.zone)
    assert coming == {"A": pytest.approx(60.0, rel=0.1), "B": pytest.approx(60.0, rel=0.1)}
