"""Displays and quiet times: chosen on the web, in force at once, kept over a restart, taken back."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any

import pytest
from sqlalchemy import select

from controller.hall.model import Text
from controller.shows import Shows
from controller.store.records import add_hall
from controller.store.tables import audit
from firmware.protocol.messages import DeviceConfig, UnitConfig
from tests.store.halls import MORNING
from tests.web.desk import Browser, Desk, words

PAGE, NEW = "/displays/hall", "/displays/hall/new"
QUIET = "/m/hall/quiet"


def choose(boss: Browser, address: str = NEW, **form: str) -> Any:
    usual = {"zh": "入口大屏", "en": "Lobby", "shows": "zone", "where": "z-east", "lang": "en", "rows": "4"}
    return boss.post(address, page=NEW, **{**usual, **form})


def board(desk: Desk, name: str) -> dict[str, Any]:
    return json.loads(desk.browser().get(f"/h/hall/api/board/{name}").get_data())  # type: ignore[no-any-return]


def done(desk: Desk, family: str) -> list[str]:
    mine = audit.c.what.like(f"{family}.%")
    with desk.live.store.reading() as c:
        return [row.what for row in c.execute(select(audit.c.what).where(mine).order_by(audit.c.id))]


def test_a_display_shows_what_was_chosen_and_the_former_again(desk: Desk, boss: Browser) -> None:
    assert choose(boss).status_code == 303
    shown = board(desk, "d-lobby")
    layout = {"shows": "zone", "columns": 0, "rows": 4, "order": "", "lang": "en", "turn": 0}
    assert (shown["board"], shown["layout"]) == ("d-lobby", layout)
    assert [line["code"] for line in shown["queues"]] == ["A", "B"]
    choose(boss, f"{PAGE}/d-lobby", shows="window", where="w2")
    assert board(desk, "d-lobby")["window"]["number"] == 2
    boss.post(f"{PAGE}/d-lobby/undo", page=PAGE)
    assert board(desk, "d-lobby")["layout"]["shows"] == "zone"
    assert Shows(desk.live.store, "hall", UTC).displays == desk.live.shows.displays
    boss.post(f"{PAGE}/d-lobby/remove", page=PAGE)
    assert desk.browser().get("/h/hall/api/board/d-lobby").status_code == 404
    assert done(desk, "display") == ["display.put", "display.put", "display.undo", "display.remove"]


def test_a_screen_of_a_unit_becomes_a_display_and_shows_the_same(desk: Desk, boss: Browser) -> None:
    url = "http://127.0.0.1:8090/pages/hall.html?board=z-east&theme=dark"
    options = {"browser": "chromium", "url": url}
    screen = DeviceConfig(device="screen-1", kind="screen", wire="screen:", board="z-east", options=options)
    config = UnitConfig(rev=0, position="", devices=[screen])
    with desk.site.store.writing() as c:
        add_hall(c, "hall", Text("大厅", "Hall"), MORNING)
    desk.site.devices.put_position("hall", "lobby", Text("门厅", "Lobby"), config, MORNING)
    boss.post(f"{PAGE}/screens/lobby/screen-1", page=PAGE)
    (hung,) = desk.site.devices.book.positions["hall", "lobby"].config.devices
    assert (hung.board, hung.options["url"]) == (
        "d-lobby-screen-1",
        "http://127.0.0.1:8090/pages/display.html?board=d-lobby-screen-1&theme=dark",
    )
    assert [line["code"] for line in board(desk, "d-lobby-screen-1")["queues"]] == ["A", "B"]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"zh": ""}, "请填写中文名称"),
        ({"shows": "window"}, "窗口屏要选一个窗口"),
        ({"where": "w1"}, "只有窗口屏才用于一个窗口"),
        ({"where": "h-hall"}, "等候区屏要选一个等候区"),
        ({"where": "z-gone"}, "已不存在"),
        ({"rows": "9"}, "行数为 1 到 8"),
    ],
)
def test_what_does_not_go_together_is_said(boss: Browser, form: dict[str, str], said: str) -> None:
    answer = choose(boss, **form)
    assert answer.status_code == 400
    assert said in words(answer)


def test_the_leader_on_duty_stands_on_displays_through_the_day(desk: Desk, boss: Browser) -> None:
    boss.post(f"{PAGE}/leader", page=PAGE, zh="周主任", en="Director Zhou", through="2026-03-02")
    assert (board(desk, "z-east")["leader_zh"], board(desk, "w1")["leader_zh"]) == ("周主任", "")
    desk.time.pass_by(days=1)
    assert board(desk, "z-east")["leader_zh"] == ""


def test_at_a_quiet_time_screens_and_phones_say_so(desk: Desk, boss: Browser) -> None:
    ticket = desk.take("A")
    assert boss.post(QUIET, page=QUIET, **{"at-0": "09:30-10:00", "zone-0": "east"}).status_code == 303
    assert not board(desk, "w1")["is_quiet"]
    desk.time.pass_by(minutes=45)
    assert all(board(desk, name)["is_quiet"] for name in ("w1", "z-east", "k-main"))
    assert "不播报叫号" in words(desk.browser().get(f"/t/{ticket.token}"))
    desk.time.pass_by(minutes=30)
    assert not board(desk, "z-east")["is_quiet"]
    boss.post(f"{QUIET}/now", page=QUIET, minutes="30")
    assert board(desk, "z-east")["is_quiet"]
    boss.post(f"{QUIET}/now", page=QUIET, minutes="0")
    assert not board(desk, "z-east")["is_quiet"]
    assert boss.post(QUIET, page=QUIET, **{"at-0": "noon"}).status_code == 400
    assert done(desk, "quiet") == ["quiet.put"] * 3
