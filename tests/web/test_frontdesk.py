"""The front desk: the right ticket with what was found, the green channel with its reason, leading."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from datetime import time
from io import StringIO
from xml.etree import ElementTree

import pytest
from sqlalchemy import insert

from controller.guide import Guide
from controller.hall.commands import CallNext, ChangePlan, CloseDay, Login, NoShow, Start
from controller.hall.model import PreCheck, TicketClass, TicketState
from controller.hall.sessions import Extended, SessionKind, SessionMode
from controller.store import guides
from controller.store.tables import item
from tests.store.halls import DAY, MORNING
from tests.web.desk import Browser, Desk, words

PAGE = "/g/hall/"


@pytest.fixture
def guide(desk: Desk) -> Browser:
    return desk.browser("guide")


def give(guide: Browser, **form: str) -> str:
    """Give a ticket; the address of its page."""
    answer = guide.post("/g/hall/tickets", page=PAGE, **form)
    assert answer.status_code == 303, words(answer)
    return str(answer.headers["Location"])


def test_the_window_sees_what_the_desk_found(guide: Browser, desk: Desk) -> None:
    page = give(guide, **{"for": "queue:A"}, papers="lacking", note="缺照片")
    assert "A001" in words(guide.get(page))
    ticket = desk.live.hall.tickets[1]
    assert ticket.precheck == PreCheck(is_complete=False, note="缺照片")
    desk.give(Login(1, "li"), CallNext(1))
    assert "导办台 材料不齐: 缺照片" in words(desk.browser("li").get("/w/hall/1"))


def test_the_green_channel_needs_a_reason_and_goes_before_ordinary_tickets(
    guide: Browser, desk: Desk
) -> None:
    desk.take("A")
    without = guide.post("/g/hall/tickets", page=PAGE, **{"for": "queue:A"}, klass="green")
    assert without.status_code == 400
    assert "绿色通道需要原因" in words(without)
    assert len(desk.live.hall.tickets) == 1
    give(guide, **{"for": "queue:A"}, klass="green", green_why="elderly", green_words="推轮椅")
    ticket = desk.live.hall.tickets[2]
    assert (ticket.klass, ticket.why) == (TicketClass.GREEN, "老年人: 推轮椅")
    desk.time.pass_by(minutes=1)
    desk.give(Login(1, "li"), CallNext(1))
    assert desk.live.hall.sessions[1].current == 2


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({}, "请先选择事项或队列"),
        ({"for": "queue:none"}, "请先选择事项或队列"),
        ({"for": "queue:A", "papers": "lacking"}, "请写明缺什么"),
        ({"for": "queue:A", "klass": "green", "green_why": "other"}, "绿色通道需要原因"),
        ({"for": "queue:A", "cases": "two"}, "件数应是数字"),
    ],
)
def test_what_a_form_lacks_is_said_and_the_form_comes_back(
    guide: Browser, desk: Desk, form: dict[str, str], said: str
) -> None:
    answer = guide.post("/g/hall/tickets", page=PAGE, **form, note="" if "papers" in form else "带好原件")
    assert answer.status_code == 400
    assert said in words(answer)
    assert ("带好原件" in answer.get_data(as_text=True)) == ("papers" not in form)
    assert not desk.live.hall.tickets


def test_a_doubled_click_gives_one_ticket(guide: Browser, desk: Desk) -> None:
    hidden = guide.hidden(PAGE)
    for _ in range(2):
        answer = guide.client.post("/g/hall/tickets", data={**hidden, "for": "queue:A"})
        assert answer.headers["Location"].endswith("/g/hall/tickets/1")
    assert len(desk.live.hall.tickets) == 1


def test_what_is_typed_is_looked_for_among_queues_and_numbers(guide: Browser, desk: Desk) -> None:
    desk.take("B")
    part = guide.get(PAGE + "?part=found&q=b001", headers={"HX-Request": "true"})
    assert "B001" in words(part)
    offers = re.findall(r'value="(queue:\w+)"', guide.get(PAGE + "?q=企业").get_data(as_text=True))
    assert "queue:A" in offers
    assert "queue:B" not in offers
    assert "没有事项或队列含有这些字" in words(guide.get(PAGE + "?q=zzz"))


def test_who_was_missed_comes_back_from_the_desk(guide: Browser, desk: Desk) -> None:
    ticket = desk.take("A")
    desk.give(Login(1, "li"), CallNext(1))
    desk.time.pass_by(minutes=5)
    desk.give(NoShow(1, "left"))
    assert ticket.number in words(guide.get(PAGE + "?part=side", headers={"HX-Request": "true"}))
    answer = guide.post(f"/g/hall/tickets/{ticket.id}/return", page=PAGE)
    assert answer.status_code == 303
    assert desk.live.hall.tickets[ticket.id].state is TicketState.WAITING
    again = guide.post(f"/g/hall/tickets/{ticket.id}/return", page=PAGE)
    assert again.status_code == 409
    assert "A001" in words(again)


@pytest.mark.both_engines
def test_a_lead_order_has_a_reason_steps_and_a_length(guide: Browser, desk: Desk) -> None:
    page = give(guide, **{"for": "queue:A"})
    assert guide.post(page + "/lead", page=page).status_code == 400
    for _ in range(2):  # a doubled click begins one
        guide.post(page + "/lead", page=page, lead_why="elderly")
    desk.time.pass_by(minutes=3)
    guide.post("/g/hall/leads/1/step", page=page, step="form")
    assert "✓ 填表" in words(guide.get(page))
    assert guide.post("/g/hall/leads/1/step", page=page, step="dance").status_code == 400
    desk.time.pass_by(minutes=9)
    assert guide.post("/g/hall/leads/1/end", page=page).status_code == 303
    assert guide.post("/g/hall/leads/1/end", page=page).status_code == 404
    assert "已结束 1 单，平均 12 分钟" in words(guide.get(PAGE))
    rows = list(csv.DictReader(StringIO(guide.get("/g/hall/leads.csv").get_data(as_text=True)[1:])))
    assert [(row["票号"], row["原因"], row["领办人"], row["分钟"], row["环节"]) for row in rows] == [
        ("A001", "老年人", "何*", "12", "填表")
    ]
    assert [row["what"] for row in desk.site.people.trail(3)] == ["LeadEnded", "LeadStep", "LeadBegun"]


def test_a_ticket_that_is_served_offers_nothing_to_change(guide: Browser, desk: Desk) -> None:
    ticket = desk.take("A")
    desk.give(Login(1, "li"), CallNext(1), Start(1))
    page = words(guide.get(f"/g/hall/tickets/{ticket.id}"))
    assert "退号" not in page
    assert "下一位" in page
    assert guide.get("/g/hall/tickets/99").status_code == 404


def test_a_clerk_has_no_front_desk(desk: Desk) -> None:
    assert desk.browser("li").get(PAGE).status_code == 403


def test_the_code_on_the_page_is_a_picture_on_its_own(guide: Browser) -> None:
    page = guide.get(give(guide, **{"for": "queue:A"})).get_data(as_text=True)
    match = re.search(r'<img src="([^"]+)"', page)
    assert match is not None
    picture = guide.get(match[1])
    assert picture.mimetype == "image/svg+xml"
    assert ElementTree.fromstring(picture.get_data(as_text=True)).tag == "{http://www.w3.org/2000/svg}svg"


def test_a_matter_is_found_by_its_words_and_named_wherever_its_ticket_is_shown(
    guide: Browser, desk: Desk
) -> None:
    row = {"code": "510-1", "name": "养老保险参保登记", "department": "人社局", "queue": "B"}
    with desk.site.store.writing() as c:
        c.execute(insert(item), row)
    assert "养老保险参保登记" in words(guide.get(PAGE + "?q=保险 登记"))
    page = give(guide, **{"for": "item:510-1"})
    ticket = desk.live.hall.tickets[1]
    assert (ticket.queue, ticket.item) == ("B", "510-1")
    desk.give(Login(1, "li"), CallNext(1))
    for shown in (guide.get(page), desk.browser("li").get("/w/hall/1"), guide.get("/m/hall/tickets/1")):
        assert "养老保险参保登记" in words(shown)


def test_what_the_guide_asks_for_is_ticked_and_told_to_the_window(guide: Browser, desk: Desk) -> None:
    row = {"code": "510-1", "name": "养老保险参保登记", "department": "人社局", "queue": "B"}
    with desk.site.store.writing() as c:
        c.execute(insert(item), row)
        guides.save(c, "510-1", Guide(materials=("身份证原件", "申请表")), "boss", MORNING)
        guides.submit(c, "510-1", "boss", MORNING)
        guides.publish(c, "510-1", DAY, "boss", MORNING)
    part = guide.get(PAGE + "?part=papers&for=item:510-1", headers={"HX-Request": "true"})
    assert "身份证原件 申请表" in words(part)
    give(guide, **{"for": "item:510-1"}, lacks="申请表", note="下午补")
    assert desk.live.hall.tickets[1].precheck == PreCheck(is_complete=False, note="申请表；下午补")


def test_at_noon_the_desk_sees_what_is_off_duty_and_when_it_is_served_again(
    guide: Browser, desk: Desk
) -> None:
    noon = Extended(SessionKind.NOON, SessionMode.DUTY, time(12), time(13, 30), queues=("A",))
    desk.give(CloseDay(), ChangePlan(replace(desk.live.hall.plan, extended=(noon,), rev=1)))
    boss = desk.browser("boss")
    assert 'name="closes" value="17:00"' in boss.get("/m/hall/cycle").get_data(as_text=True)
    opened = boss.post("/m/hall/open", page="/m/hall/", closes="17:30")
    assert opened.status_code == 303
    desk.time.pass_by(hours=3)
    assert "现在不办理，13:30起取号；可预约 帮他预约" in words(guide.get(PAGE))
    refused = guide.post("/g/hall/tickets", page=PAGE, **{"for": "queue:B"})
    assert (refused.status_code, "现在不办理，13:30 起取号" in words(refused)) == (409, True)
    assert "A001" in words(guide.get(give(guide, **{"for": "queue:A"})))
    assert "现在不办理，13:30起取号；可预约" in words(guide.get("/h/hall"))
