"""The manager is told what would help, does it with one click, and sees what it brought."""

from __future__ import annotations

import csv
from datetime import timedelta
from io import StringIO

import pytest
from sqlalchemy import select

from controller.counsel import Counsel
from controller.hall.commands import Login
from controller.hall.model import WindowState
from controller.store import tables
from tests.web.desk import Browser, Desk, words
from web.app import create_app

OPEN_2 = {"kind": "reserve", "window": "2", "queues": "A,B"}


@pytest.fixture
def boss(desk: Desk) -> Browser:
    """Nine have waited for 31 minutes at the only window; another clerk is at hand."""
    desk.give(Login(1, "li"))
    for _ in range(9):
        desk.take("A")
    desk.time.pass_by(minutes=31)
    desk.live.counsel.look()
    return desk.browser("boss")


def audited(desk: Desk) -> list[str]:
    with desk.site.store.reading() as c:
        return [row.what for row in c.execute(select(tables.audit).order_by(tables.audit.c.id))]


def test_the_board_says_what_would_help_by_how_much_and_why(boss: Browser) -> None:
    page = words(boss.get("/m/hall/"))
    assert "建议 请备勤人员王来开 2 号窗口 “企业”有 9 人等候，最长已等 31 分钟。 预计一小时内合计少等" in page
    assert "Call in 王 to open window 2" in words(boss.get("/m/hall/advice?lang=en"))


def test_one_click_does_it_and_afterwards_its_effect_is_told(desk: Desk, boss: Browser) -> None:
    assert boss.post("/m/hall/advice/take", page="/m/hall/advice", **OPEN_2).status_code == 303
    session = desk.live.hall.sessions[2]
    assert (session.state, session.clerk) == (WindowState.OPEN, "wang")
    assert "TakeMeasure" in audited(desk)
    desk.time.pass_by(minutes=20)
    page = words(boss.get("/m/hall/advice"))
    assert "09:31 请备勤人员王来开 2 号窗口" in page
    assert "至今" in page
    desk.time.pass_by(minutes=41)
    assert "至今" not in words(boss.get("/m/hall/advice"))
    rows = list(csv.DictReader(StringIO(boss.get("/m/hall/advice.csv").get_data(as_text=True)[1:])))
    assert [row["状态"] for row in rows] == ["已满一小时"]
    assert int(rows[0]["实际（分钟）"]) > 0


def test_advice_put_aside_stays_away_for_a_while(desk: Desk, boss: Browser) -> None:
    boss.post("/m/hall/advice/aside", page="/m/hall/advice", **OPEN_2)
    assert "PutAdviceAside" in audited(desk)
    desk.time.pass_by(minutes=29)
    desk.live.counsel.look()
    assert "来开 2 号窗口" not in words(boss.get("/m/hall/"))
    desk.time.pass_by(minutes=2)
    assert "来开 2 号窗口" in words(boss.get("/m/hall/"))


def test_advice_put_aside_stays_away_over_a_restart(desk: Desk, boss: Browser) -> None:
    boss.post("/m/hall/advice/aside", page="/m/hall/advice", **OPEN_2)
    desk.live.counsel = Counsel(lambda: desk.live.hall, desk.live.clock.now)
    desk.live.counsel.look()
    assert [one.window for one in desk.live.counsel.latest()] == [2]
    create_app(desk.site)
    assert not desk.live.counsel.latest()
    desk.time.pass_by(minutes=31)
    assert [one.window for one in desk.live.counsel.latest()] == [2]


def test_advice_that_no_longer_stands_is_not_carried_out(desk: Desk, boss: Browser) -> None:
    form = {**OPEN_2, "queues": "A"}
    answer = boss.post("/m/hall/advice/take", page="/m/hall/advice", **form)
    assert answer.status_code == 409
    assert "这条建议已不适用" in words(answer)
    assert desk.live.hall.sessions[2].state is WindowState.CLOSED


def test_the_manager_says_when_to_ask_for_help(desk: Desk, boss: Browser) -> None:
    form = {"long_wait": "45", "least_saved": "60"}
    boss.post("/m/hall/advice/thresholds", page="/m/hall/advice", **form)
    rules = desk.live.hall.plan.rules
    assert (rules.long_wait, rules.least_saved) == (timedelta(minutes=45), timedelta(minutes=60))
    desk.live.counsel.look()
    assert "没有人等候超过 45 分钟" in words(boss.get("/m/hall/advice"))
    answer = boss.post("/m/hall/advice/thresholds", page="/m/hall/advice", long_wait="1", least_saved="x")
    assert answer.status_code == 400


def test_a_guide_reads_advice_and_does_nothing(desk: Desk, boss: Browser) -> None:
    guide = desk.browser("guide")
    assert "来开 2 号窗口" in words(guide.get("/m/hall/advice"))
    assert guide.post("/m/hall/advice/take", page="/me", **OPEN_2).status_code == 403
