"""Versions of a hall's plan: listed, compared, gone back to; and the hall as a file."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace

import pytest

from controller import hall_file
from controller.conduct import Kind
from controller.hall.commands import ChangePlan, Login
from controller.hall.model import Text
from controller.hall_file import HallFile, Position
from controller.store.conduct import own_kinds
from controller.store.records import add_hall
from firmware.protocol.messages import DeviceConfig, UnitConfig
from tests.store.halls import PLAN
from tests.web.desk import Desk, words
from tests.web.test_setup import SETUP, apply, codes, new_queue

PRINTER = DeviceConfig(device="printer-1", kind="printer", wire="serial:/dev/ttyUSB0?baud=9600")
DOOR = Position(
    id="door", name=Text("门口", "Door"), config=UnitConfig(rev=0, position="door", devices=[PRINTER])
)


def upload(desk: Desk, body: bytes) -> str:
    """Send a file from the page of versions; what is read then."""
    boss = desk.browser("boss")
    data = {**boss.hidden(f"{SETUP}/versions"), "file": (io.BytesIO(body), "hall.json")}
    return words(boss.client.post(f"{SETUP}/file", data=data, follow_redirects=True))


def test_every_version_says_who_why_and_what_was_different(desk: Desk) -> None:
    boss = desk.browser("boss")
    new_queue(boss)
    apply(boss, note="新业务进驻")
    page = words(boss.get(f"{SETUP}/versions"))
    assert "周* 现行 新业务进驻 新增 队列 C 不动产" in page
    assert "系统 最初的版本" in page


def test_a_version_is_compared_with_the_one_in_force_and_with_others(desk: Desk) -> None:
    boss = desk.browser("boss")
    new_queue(boss)
    apply(boss)
    assert "新增 队列 C 不动产" in words(boss.get(f"{SETUP}/versions/1"))
    assert "移除 队列 C 不动产" in words(boss.get(f"{SETUP}/versions/3?to=1"))
    assert boss.get(f"{SETUP}/versions/2").status_code == 404


def test_going_back_is_a_draft_first_and_keeps_who_works_here_now(desk: Desk) -> None:
    boss = desk.browser("boss")
    new_queue(boss)
    apply(boss)
    clerks = tuple(replace(one, skills=frozenset({"tax"})) for one in PLAN.clerks)
    desk.give(ChangePlan(replace(desk.live.hall.plan, clerks=clerks)))
    assert boss.post(f"{SETUP}/versions/1/return", page=f"{SETUP}/versions").status_code == 303
    assert codes(desk) == ["A", "B", "C"]
    assert apply(boss) == ""
    assert codes(desk) == ["A", "B"]
    assert desk.live.hall.clerks["li"].skills == {"tax"}


@pytest.mark.both_engines
def test_the_last_change_is_undone(desk: Desk) -> None:
    boss = desk.browser("boss")
    assert boss.post(f"{SETUP}/undo", page=f"{SETUP}/hall").status_code == 409
    new_queue(boss)
    apply(boss)
    boss.post(f"{SETUP}/undo", page=f"{SETUP}/")
    apply(boss)
    assert codes(desk) == ["A", "B"]


def test_the_hall_leaves_as_a_file_and_comes_back_as_it_was(desk: Desk) -> None:
    body = desk.browser("boss").get(f"{SETUP}/hall.json").get_data()
    assert hall_file.decode(body) == HallFile(
        id="hall", plan=replace(desk.live.hall.plan, clerks=()), conduct_kinds=[]
    )
    assert "没有不同" in upload(desk, body)
    assert "草稿中有" not in words(desk.browser("boss").get(f"{SETUP}/"))


def test_a_file_is_shown_with_what_it_does_before_it_changes_anything(desk: Desk) -> None:
    desk.give(Login(1, "li"))
    plan = replace(PLAN, windows=PLAN.windows[1:], clerks=())
    page = upload(desk, hall_file.encode(HallFile(id="other", plan=plan, positions=[DOOR])))
    assert "移除 1 号窗口" in page
    assert "设备位置（按文件）" in page
    assert "1 号窗口空闲，不能从方案中移除" in page
    assert len(desk.live.hall.windows) == 2


def test_places_of_devices_come_with_the_file_when_it_is_applied(desk: Desk) -> None:
    with desk.site.store.writing() as c:
        add_hall(c, "hall", Text("大厅", "Hall"), desk.time.now)
    upload(desk, hall_file.encode(HallFile(id="hall", plan=PLAN, positions=[DOOR])))
    assert apply(desk.browser("boss")) == ""
    assert desk.site.devices.book.positions["hall", "door"].config.devices == [PRINTER]


def test_kinds_of_conduct_come_with_the_file_and_an_older_file_leaves_them(desk: Desk) -> None:
    noise = Kind("noise", Text("大声喧哗", "Noise"), -1)
    upload(desk, hall_file.encode(HallFile(id="hall", plan=PLAN)))
    assert own(desk) == []
    page = upload(desk, hall_file.encode(HallFile(id="hall", plan=PLAN, conduct_kinds=[noise])))
    assert "行为种类（按文件）：大声喧哗" in page
    assert own(desk) == []
    assert apply(desk.browser("boss")) == ""
    assert own(desk)[0] == noise
    assert "没有不同" in upload(desk, hall_file.encode(HallFile(id="hall", plan=desk.live.hall.plan)))
    upload(desk, hall_file.encode(HallFile(id="hall", plan=PLAN, conduct_kinds=[])))
    apply(desk.browser("boss"))
    assert own(desk) == []


def own(desk: Desk) -> Sequence[Kind]:
    with desk.site.store.reading() as c:
        return own_kinds(c, "hall")


def test_what_is_no_hall_is_said_with_its_place(desk: Desk) -> None:
    assert "这个文件不能用" in upload(desk, b"{}")
    wrong = hall_file.encode(HallFile(id="hall", plan=replace(PLAN, zones=())))
    assert "队列 A 所在的区域 east 不存在" in upload(desk, wrong)
