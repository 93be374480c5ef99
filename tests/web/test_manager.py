"""The manager's live board, the day, windows, the list of tickets and the story of each."""

from __future__ import annotations

import csv
import re
from datetime import timedelta
from io import StringIO

from controller.hall.commands import (
    CallNext,
    CloseDay,
    Finish,
    Login,
    LoseWindow,
    NoShow,
    OpenDay,
    Pause,
    Rate,
    Start,
    Tick,
)
from controller.hall.events import TicketCalled
from controller.hall.model import DayState, PauseReason, Text, TicketState, WindowMode, WindowState
from controller.people import SYSTEM
from controller.store import log
from controller.store.devices import Fault, SetAside, raise_fault, set_aside
from controller.store.records import add_hall
from firmware.protocol.messages import DeviceConfig, UnitConfig
from tests.web.desk import Browser, Desk, words

KEYPAD = DeviceConfig(device="keypad-2", kind="keypad", wire="serial:/dev/null", address=2, board="w2")


def test_an_empty_hall_shows_what_is_empty(boss: Browser) -> None:
    page = words(boss.get("/m/hall/"))
    assert "目前没有需要处理的事" in page
    assert "今天还没有人取号" in page


def test_the_board_shows_queues_windows_and_figures(desk: Desk, boss: Browser) -> None:
    desk.give(Login(1, "li"))
    for _ in range(3):
        desk.take("A")
    desk.time.pass_by(minutes=6)
    desk.give(CallNext(1), Start(1))
    desk.time.pass_by(minutes=4)
    page = words(boss.get("/m/hall/"))
    assert re.search(r"A 企业 2 10 分钟 1 约 \d+–\d+ 分钟（粗略估计）", page)
    assert "1 办理中 A001 李 4 分钟" in page
    assert "今日取号 3" in page
    assert "平均等候 6 分钟" in page


def test_a_long_wait_is_an_alarm(desk: Desk, boss: Browser) -> None:
    desk.give(Login(1, "li"))
    for _ in range(9):
        desk.take("A")
    desk.time.pass_by(minutes=31)
    page = words(boss.get("/m/hall/"))
    assert "注意 “企业”最长已等 31 分钟，共 9 人等候。" in page


def test_a_queue_nobody_serves_comes_first(desk: Desk, boss: Browser) -> None:
    desk.take("B")
    page = words(boss.get("/m/hall/"))
    assert "紧急 “社保”有 1 人等候，没有窗口办理" in page


def test_lost_windows_and_long_pauses_are_alarms(desk: Desk, boss: Browser) -> None:
    desk.give(Login(1, "li"), Login(2, "wang"))
    desk.give(Pause(1, PauseReason.BREAK, timedelta(minutes=5)), LoseWindow(2))
    desk.time.pass_by(minutes=16)
    desk.give(Tick())
    page = words(boss.get("/m/hall/"))
    assert page.index("紧急 2 号窗口失联 16 分钟") < page.index("注意 1 号窗口暂停已 16 分钟（休息）")


def test_faults_and_messages_set_aside_are_shown(desk: Desk, boss: Browser) -> None:
    fault = Fault("node-1", "printer-1", "printer.paper_out", "citizen", "", desk.time.now)
    odd = SetAside("node-1", "t", b"?", "not JSON", "$", "update the sender", desk.time.now)
    with desk.site.store.writing() as c:
        raise_fault("hall", fault)(c)
        set_aside("hall", odd)(c)
    page = words(boss.get("/m/hall/"))
    assert "紧急 node-1：打印纸用完了（09:00 起）。 换一卷纸，合上盖子。" in page
    assert "有 1 条设备消息无法使用" in page


def test_a_fault_of_a_unit_is_told_by_where_the_unit_stands(desk: Desk, boss: Browser) -> None:
    devices, now = desk.site.devices, desk.time.now
    with desk.site.store.writing() as c:
        add_hall(c, "hall", Text("大厅", "Hall"), now)
    where = Text("1-4 号窗口", "Windows 1-4")
    devices.put_position("hall", "row-1", where, UnitConfig(rev=0, position="", devices=[KEYPAD]), now)
    devices.add_unit("hall", "node-3", now, position="row-1")
    with desk.site.store.writing() as c:
        raise_fault("hall", Fault("node-3", "unit", "unit.offline", "degraded", "", now))(c)
        raise_fault("hall", Fault("node-3", "keypad-2", "keypad.gone", "degraded", "", now))(c)
    page = words(boss.get("/m/hall/"))
    assert "1-4 号窗口：设备离线（09:00 起）。 请检查设备的电源灯和网线。" in page
    assert "2 号窗口：呼叫器的线断了（09:00 起）。" in page
    assert "Windows 1-4: the unit is offline, since 09:00." in words(boss.get("/m/hall/?lang=en"))


def test_a_fault_without_a_translation_shows_what_the_device_said(desk: Desk, boss: Browser) -> None:
    with desk.site.store.writing() as c:
        raise_fault("hall", Fault("n", "d", "odd.thing", "degraded", "smells burnt", desk.time.now))(c)
    assert "smells burnt" in words(boss.get("/m/hall/"))


def test_the_chart_has_a_table_behind_it(desk: Desk, boss: Browser) -> None:
    desk.take("A")
    desk.time.pass_by(minutes=40)
    desk.take("A")
    text = boss.get("/m/hall/").get_data(as_text=True)
    assert text.count('class="chart"') == 2
    assert "09:00 1" in words(boss.get("/m/hall/"))
    assert "09:30 1" in words(boss.get("/m/hall/"))


def test_a_script_gets_the_board_alone(boss: Browser) -> None:
    text = boss.get("/m/hall/", headers={"HX-Request": "true"}).get_data(as_text=True)
    assert "<html" not in text
    assert "queues-title" in text


def test_the_manager_closes_the_day_after_seeing_who_still_waits(desk: Desk, boss: Browser) -> None:
    desk.take("A")
    assert "还有 1 个票号未办结" in words(boss.get("/m/hall/close"))
    assert boss.post("/m/hall/close", page="/m/hall/close").status_code == 303
    assert desk.live.hall.day is not None
    assert desk.live.hall.day.state is not DayState.OPEN
    assert desk.live.hall.tickets[1].state is TicketState.EXPIRED


def test_the_manager_opens_the_next_day(desk: Desk, boss: Browser) -> None:
    desk.give(CloseDay())
    desk.time.pass_by(days=1)
    desk.give(Tick())
    answer = boss.post("/m/hall/open", page="/m/hall/", closes="17:30")
    assert answer.status_code == 303
    assert desk.live.hall.day is not None
    assert desk.live.hall.day.date.isoformat() == "2026-03-03"
    assert desk.live.hall.day.state is DayState.OPEN


def test_an_open_day_is_not_opened_again(boss: Browser) -> None:
    page = boss.post("/m/hall/open", page="/m/hall/", closes="17:30")
    assert page.status_code == 409
    assert "不能重复开始" in words(page)


def test_the_manager_changes_a_windows_mode_ends_its_pause_and_its_session(desk: Desk, boss: Browser) -> None:
    desk.give(Login(1, "li"), Pause(1, PauseReason.BREAK))
    page = "/m/hall/windows/1"
    boss.post(f"{page}/mode", page=page, mode="green")
    assert desk.live.hall.sessions[1].mode is WindowMode.GREEN
    boss.post(f"{page}/unpause", page=page)
    assert desk.live.hall.sessions[1].state is WindowState.OPEN
    boss.post(f"{page}/logout", page=page)
    assert desk.live.hall.sessions[1].state is WindowState.CLOSED
    assert boss.post(f"{page}/mode", page=page, mode="odd").status_code == 400


def test_a_guide_sees_the_board_and_changes_nothing(desk: Desk) -> None:
    guide = desk.browser("guide")
    assert guide.get("/m/hall/").status_code == 200
    answer = guide.post("/m/hall/windows/1/mode", page="/me", mode="green")
    assert answer.status_code == 403


def _busy(desk: Desk) -> None:
    desk.give(Login(1, "li"))
    for _ in range(2):
        desk.take("A")
    desk.time.pass_by(minutes=2)
    desk.give(CallNext(1), Start(1))
    desk.time.pass_by(minutes=5)
    desk.give(Finish(1), Rate(1, 5), CallNext(1), NoShow(1, "人已离开"))
    for _ in range(2):
        desk.take("B")


def _numbers(page: str) -> list[str]:
    return [word for word in page.split() if word[:1] in "AB" and word[1:].isdigit() and len(word) == 4]


def test_the_list_is_filtered_and_sorted(desk: Desk, boss: Browser) -> None:
    _busy(desk)
    everything = words(boss.get("/m/hall/tickets?sort=number&dir=up"))
    assert _numbers(everything) == ["A001", "A002", "B001", "B002"]
    assert _numbers(words(boss.get("/m/hall/tickets?queue=B&sort=number&dir=down"))) == ["B002", "B001"]
    assert _numbers(words(boss.get("/m/hall/tickets?state=no_show"))) == ["A002"]
    assert _numbers(words(boss.get("/m/hall/tickets?q=a001"))) == ["A001"]
    assert "没有符合条件的票号" in words(boss.get("/m/hall/tickets?q=Z"))


def test_a_list_asked_for_nonsense_shows_everything(desk: Desk, boss: Browser) -> None:
    _busy(desk)
    page = boss.get("/m/hall/tickets?sort=%27&state=x&window=y&page=-3&dir=z")
    assert len(_numbers(words(page))) == 4


def test_the_list_leaves_as_a_file_for_a_spreadsheet(desk: Desk, boss: Browser) -> None:
    _busy(desk)
    answer = boss.get("/m/hall/tickets.csv?queue=A&sort=number&dir=up")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="tickets-hall-2026-03-02.csv"'
    text = answer.get_data(as_text=True)
    assert text.startswith("\ufeff")
    rows = list(csv.DictReader(StringIO(text[1:])))
    assert [row["票号"] for row in rows] == ["A001", "A002"]
    assert rows[0]["状态"] == "已办结"
    assert rows[0]["等候（分钟）"] == "2.0"
    assert "评价" not in rows[0]  # D.07
    assert "token" not in text


def test_the_story_of_a_ticket_names_every_step_and_who_did_it(desk: Desk, boss: Browser) -> None:
    clerk = desk.browser("li")
    clerk.post("/w/hall/1/login", page="/w/hall/")
    desk.take("A")
    clerk.press(1, "next")
    clerk.press(1, "noshow", reason="人已离开")
    page = words(boss.get("/m/hall/tickets/1"))
    assert "09:00:00 取号 A001，“企业” 系统" in page
    assert "09:00:00 1 号窗口叫号 李*" in page
    assert "在 1 号窗口过号 人已离开 李*" in page


def test_a_call_is_explained_with_the_numbers_it_was_made_of(desk: Desk, boss: Browser) -> None:
    desk.give(Login(1, "li"))
    desk.take("A"), desk.take("B")
    desk.time.pass_by(minutes=9)
    called = desk.live.submit(CallNext(1), SYSTEM).hall.sessions[1].current
    page = words(boss.get(f"/m/hall/tickets/{called}"))
    event = _called(desk, called or 0)
    assert event.reasons is not None
    first, second = event.reasons.candidates
    assert "1 个开着的窗口中有 1 个可办" in page
    for term in (first.length, first.pressure, second.claim_s / 60, second.advantage):
        assert f" {term:.2f} " in page
    assert f"{second.score / first.score:.0%}" in page


def _called(desk: Desk, ticket: int) -> TicketCalled:
    with desk.site.store.reading() as c:
        events = [one.event for one in log.ticket_history(c, "hall", ticket)]
    return next(one for one in events if isinstance(one, TicketCalled))


def test_a_ticket_nobody_took_is_not_found(boss: Browser) -> None:
    assert boss.get("/m/hall/tickets/99").status_code == 404
    assert boss.get("/m/hall/windows/99").status_code == 404


def test_tickets_of_another_day_are_found_by_day_and_number(desk: Desk, boss: Browser) -> None:
    _busy(desk)
    desk.give(CloseDay())
    desk.time.pass_by(days=1)
    desk.give(OpenDay(desk.time.now.date(), desk.time.now + timedelta(hours=8)))
    desk.take("A")
    assert _numbers(words(boss.get("/m/hall/tickets"))) == ["A001"]
    page = boss.get("/m/hall/tickets?day=2026-03-02&q=a00&sort=number&dir=up")
    assert _numbers(words(page)) == ["A001", "A002"]
    assert "day=2026-03-02" in page.get_data(as_text=True).partition("tickets.csv")[2][:60]
    assert "2026-03-02" in words(boss.get("/m/hall/tickets/1"))
    text = boss.get("/m/hall/tickets.csv?day=2026-03-02").get_data(as_text=True)
    assert len(list(csv.DictReader(StringIO(text[1:])))) == 4
