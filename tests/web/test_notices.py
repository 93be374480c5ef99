"""Announcements: written for a while and some areas, seen on every screen there, ended early, and audited."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from controller.hall.commands import ChangePlan
from controller.hall.model import Text, Zone
from controller.hall.notices import Notice, shown, together
from controller.hall.values import replace
from controller.store.tables import audit
from tests.store.halls import MORNING, PLAN
from tests.web.desk import Browser, Desk, open_desk, words

PAGE = "/m/hall/notices"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(tmp_path) as desk:
        desk.give(ChangePlan(replace(PLAN, zones=(*PLAN.zones, Zone("west", Text("西区", "West"))), rev=1)))
        yield desk


def announce(boss: Browser, zh: str = "下午三点消防演练", **form: str) -> int:
    times = {"starts": "2026-03-02T09:00", "ends": "2026-03-02T12:00"}
    return boss.post(PAGE, page=PAGE, zh=zh, **{"en": "Fire drill at 3 pm", **times, **form}).status_code


def board(desk: Desk, name: str) -> tuple[str, str]:
    said = json.loads(desk.browser().get(f"/h/hall/api/board/{name}").get_data())
    return said.get("notice_zh", ""), said.get("notice_en", "")


def test_a_notice_stands_on_displays_kiosks_and_phones(desk: Desk, boss: Browser) -> None:
    ticket = desk.take("A")
    before = desk.browser().get("/h/hall/api/board/z-east").headers["ETag"]
    assert announce(boss) == 303
    assert board(desk, "z-east") == board(desk, "k-main") == ("下午三点消防演练", "Fire drill at 3 pm")
    assert board(desk, "w1") == ("", "")
    assert desk.browser().get("/h/hall/api/board/z-east").headers["ETag"] != before
    assert "下午三点消防演练" in words(desk.browser().get(f"/t/{ticket.token}"))
    assert "Fire drill at 3 pm" in words(desk.browser().get("/h/hall?lang=en"))


def test_a_notice_of_one_area_stays_there(desk: Desk, boss: Browser) -> None:
    ticket = desk.take("A")
    announce(boss, zone="west")
    assert board(desk, "z-west")[0] == "下午三点消防演练"
    assert board(desk, "z-east")[0] == board(desk, "k-main")[0] == ""
    assert "消防演练" not in words(desk.browser().get(f"/t/{ticket.token}"))


def test_a_notice_begins_and_ends_by_the_halls_clock(desk: Desk, boss: Browser) -> None:
    announce(boss, starts="2026-03-02T10:00", ends="2026-03-02T11:00")
    seen = []
    for _ in range(3):
        seen.append(board(desk, "z-east")[0] != "")
        desk.time.pass_by(minutes=61)
    assert seen == [False, True, False]
    assert "已结束" in words(boss.get(PAGE))


@pytest.mark.both_engines
def test_the_manager_ends_a_notice_early_and_both_are_audited(desk: Desk, boss: Browser) -> None:
    announce(boss)
    assert boss.post(f"{PAGE}/1/end", page=PAGE).status_code == 303
    assert board(desk, "z-east") == ("", "")
    assert "由 周* 提前结束" in words(boss.get(PAGE))
    boss.post(f"{PAGE}/1/end", page=PAGE)
    with desk.site.store.reading() as c:
        rows = c.execute(select(audit.c.what, audit.c.subject).where(audit.c.what.like("notice.%")))
        assert [tuple(row) for row in rows] == [("notice.write", "hall/1"), ("notice.end", "hall/1")]


def test_a_doubled_click_announces_once(boss: Browser) -> None:
    form = {**boss.hidden(PAGE), "zh": "一次", "starts": "2026-03-02T09:00", "ends": "2026-03-02T12:00"}
    for _ in range(2):
        assert boss.client.post(PAGE, data=form).status_code == 303
    assert words(boss.get(PAGE)).count("显示中") == 1


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"zh": " "}, "请填写中文公告"),
        ({"zh": "长" * 121}, "最多 120 个字"),
        ({"zone": "cellar"}, "区域已不存在"),
        ({"ends": "soon"}, "请填写起止时间"),
        ({"ends": "2026-03-02T08:00"}, "结束时间应晚于"),
    ],
)
def test_what_is_wrong_with_a_notice_is_said_beside_what_was_typed(
    boss: Browser, form: dict[str, str], said: str
) -> None:
    times = {"starts": "2026-03-02T09:00", "ends": "2026-03-02T12:00"}
    answer = boss.post(PAGE, page=PAGE, **{"zh": "停电通知", "en": "Power cut", **times, **form})
    assert answer.status_code == 400
    assert said in words(answer)
    assert "Power cut" in answer.get_data(as_text=True)


def test_who_only_looks_cannot_announce(desk: Desk) -> None:
    guide = desk.browser("guide")
    assert "发布公告" not in words(guide.get(PAGE))
    assert guide.post(PAGE, page="/me", zh="x").status_code == 403


def test_of_many_the_newest_three_are_shown() -> None:
    day = timedelta(days=1)
    every = [
        Notice(n, Text(f"第{n}条", ""), (), MORNING - day * (5 - n), MORNING + day, "boss", MORNING)
        for n in range(5)
    ]
    assert [one.id for one in shown(every, {"east"}, MORNING)] == [4, 3, 2]
    assert together(shown(every, {"east"}, MORNING)) == Text("第4条 ● 第3条 ● 第2条", "")
