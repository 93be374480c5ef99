"""The staffing plan: from the days that are over to windows by quarters of the days to come."""

from __future__ import annotations

import csv
from io import StringIO

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
