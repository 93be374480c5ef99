"""The roster: written by day, copied by week, checked, and taken over by the hall when a day is opened."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date, time, timedelta
from io import StringIO

import pytest

from controller.hall.commands import ChangePlan, CloseDay, OpenDay, Tick
from controller.hall.model import Sitting
from controller.hall.sessions import Extended, SessionKind, SessionMode
from tests.store.halls import DAY, MORNING, PLAN
from tests.web.desk import Browser, Desk, coming, words
from web import times

ROSTER = "/m/hall/roster"
TOMORROW = DAY + timedelta(days=1)
NEXT_WEEK = DAY + timedelta(days=7)


def write(browser: Browser, day: date, window: int, *turns: tuple[str, str, str]) -> str:
    """Send the form of a day with these turns of one window; what is read then."""
    form = {"window": str(window)}
    for n, (start, end, clerk) in enumerate(turns):
        form |= {f"start-{window}-{n}": start, f"end-{window}-{n}": end, f"clerk-{window}-{n}": clerk}
    answer = browser.post(f"{ROSTER}/{day}", page=f"{ROSTER}/{day}", **form)
    return "" if answer.status_code == 303 else words(answer)


def hours(desk: Desk, window: int) -> list[str]:
    """The shifts the hall knows, by its own clock."""
    zone = desk.site.settings.zone
    return [
        times.written([(one.start.astimezone(zone).time(), one.end.astimezone(zone).time())])
        for one in desk.live.hall.shifts.get(window, ())
    ]


def rows(browser: Browser, week: date) -> list[list[str]]:
    text = browser.get(f"{ROSTER}.csv?week={week}").get_data(as_text=True)
    return list(csv.reader(StringIO(text)))[1:]


def test_a_day_is_written_and_the_week_shows_it(desk: Desk) -> None:
    boss = desk.browser("boss")
    assert write(boss, TOMORROW, 1, ("09:00", "12:00", "li"), ("13:30", "17:00", "")) == ""
    assert "09:00–12:00 李 13:30–17:00" in words(boss.get(ROSTER))
    assert rows(boss, TOMORROW)[0] == ["2026-03-03", "1", "09:00", "12:00", "001 李*"]


def test_a_window_on_duty_that_the_roster_leaves_empty_is_said(desk: Desk) -> None:
    boss, noon = desk.browser("boss"), (time(12), time(13, 30))
    session = Extended(SessionKind.NOON, SessionMode.DUTY, *noon, windows=(1,))
    desk.give(ChangePlan(replace(PLAN, extended=(session,))))
    write(boss, TOMORROW, 1, ("09:00", "12:00", "li"))
    said = "2026-03-03：12:00–13:30 的值班时段要求 1 号窗口在岗"
    assert said in words(boss.get(ROSTER))
    write(boss, TOMORROW, 1, ("09:00", "12:30", "li"), ("12:30", "13:30", ""))
    assert said not in words(boss.get(ROSTER))


def test_the_roster_of_a_day_is_its_shifts_once_the_day_is_opened(desk: Desk) -> None:
    boss = desk.browser("boss")
    write(boss, TOMORROW, 1, ("09:00", "12:00", "li"), ("12:00", "12:30", "wang"))
    desk.give(CloseDay())
    desk.time.pass_by(days=1)
    desk.give(Tick(), OpenDay(TOMORROW, MORNING + timedelta(days=1, hours=8)))
    clerk = coming(desk)
    clerk.step()
    assert hours(desk, 1) == ["09:00-12:30"]
    write(boss, TOMORROW, 1)
    coming(desk).step()  # as after a restart: what was changed since stays
    assert hours(desk, 1) == []


def test_what_is_changed_about_today_holds_at_once(desk: Desk) -> None:
    write(desk.browser("boss"), DAY, 2, ("10:00", "11:15", ""))
    assert hours(desk, 2) == ["10:00-11:15"]


def test_what_cannot_be_is_refused_and_what_was_there_stays(desk: Desk) -> None:
    boss = desk.browser("boss")
    write(boss, TOMORROW, 1, ("09:00", "12:00", "li"))
    assert "两段重叠" in write(boss, TOMORROW, 1, ("09:00", "12:00", ""), ("11:00", "13:00", ""))
    assert "15 分钟为一格" in write(boss, TOMORROW, 1, ("09:10", "12:00", ""))
    assert "结束不晚于开始" in write(boss, TOMORROW, 1, ("12:00", "09:00", ""))
    assert "时间请写成 09:00" in write(boss, TOMORROW, 1, ("nine", "", ""))
    assert len(rows(boss, TOMORROW)) == 1


def test_nobody_is_at_two_windows_and_skills_are_minded(desk: Desk) -> None:
    queues = tuple(replace(one, skill="tax") for one in PLAN.queues)
    desk.give(ChangePlan(replace(PLAN, queues=queues)))
    boss = desk.browser("boss")
    write(boss, TOMORROW, 1, ("09:00", "12:00", "li"))
    write(boss, TOMORROW, 2, ("11:00", "13:00", "li"))
    page = words(boss.get(ROSTER))
    assert "李同时排在 1 号和 2 号窗口" in page
    assert "李没有 1 号窗口任何队列所需的技能" in page


@pytest.mark.both_engines
def test_a_week_is_copied_where_the_next_has_nothing(desk: Desk) -> None:
    boss = desk.browser("boss")
    write(boss, DAY, 1, ("09:00", "12:00", "li"))
    write(boss, TOMORROW, 1, ("09:00", "12:00", "wang"))
    write(boss, NEXT_WEEK, 2, ("13:00", "14:00", ""))
    boss.post(f"{ROSTER}/copy", page=f"{ROSTER}?week={NEXT_WEEK}", week=str(NEXT_WEEK))
    assert [row[:3] for row in rows(boss, NEXT_WEEK)] == [
        ["2026-03-09", "2", "13:00"],
        ["2026-03-10", "1", "09:00"],
    ]


def test_everybody_comes_at_the_usual_hours_of_the_days_the_hall_is_open(desk: Desk) -> None:
    (morning,) = times.spans("09:00-12:00")
    desk.give(ChangePlan(replace(PLAN, hours=(Sitting(*morning),), weekdays=(0, 2))))
    desk.site.holidays.lay_down(NEXT_WEEK + timedelta(days=2), True, "县庆", "boss")
    desk.site.holidays.lay_down(NEXT_WEEK + timedelta(days=5), False, "补班", "boss")
    boss = desk.browser("boss")
    boss.post(f"{ROSTER}/fill", page=ROSTER, week=str(NEXT_WEEK))
    assert [row[:2] for row in rows(boss, NEXT_WEEK)] == [
        ["2026-03-09", "1"],
        ["2026-03-09", "2"],
        ["2026-03-14", "1"],
        ["2026-03-14", "2"],
    ]


def test_a_clerk_reads_where_to_sit_and_a_guide_may_only_look(desk: Desk) -> None:
    write(desk.browser("boss"), DAY, 2, ("09:00", "12:00", "li"))
    assert "按排班您在此：09:00–12:00" in words(desk.browser("li").get("/w/hall/"))
    guide = desk.browser("guide")
    assert guide.get(ROSTER).status_code == 200
    assert guide.get(f"{ROSTER}/{DAY}").status_code == 403
