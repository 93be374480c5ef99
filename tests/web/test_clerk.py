"""The window console: every key is one command, happens once, and says what went wrong beside itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from controller.guide import Guide
from controller.hall.commands import CallNext, Finish, Login, LoseWindow, NoShow, Start, TakeTicket
from controller.hall.events import TicketCalled
from controller.hall.model import PauseReason, TicketState, WindowState
from controller.hall.waits import next_numbers
from controller.store import guides, log, tables
from controller.store.tables import item
from tests.store.halls import DAY, MORNING
from tests.web.desk import Browser, Desk, words


@pytest.fixture
def clerk(desk: Desk) -> Browser:
    """Li, signed in at window 1."""
    browser = desk.browser("li")
    browser.post("/w/hall/1/login", page="/w/hall/")
    return browser


State = Callable[[str], TicketState]


@pytest.fixture
def state(desk: Desk) -> State:
    def of(number: str) -> TicketState:
        return desk.live.hall.tickets[desk.live.hall.numbers["main", number]].state

    return of


def test_a_clerk_signs_in_at_a_window_and_sees_the_console(desk: Desk) -> None:
    browser = desk.browser("li")
    answer = browser.post("/w/hall/1/login", page="/w/hall/")
    assert answer.status_code == 303
    assert desk.live.hall.sessions[1].clerk == "li"
    assert browser.get("/w/hall/").headers["Location"] == "/w/hall/1"


def test_a_taken_window_says_by_whom(desk: Desk, clerk: Browser) -> None:
    other = desk.browser("wang")
    answer = other.post("/w/hall/1/login", page="/w/hall/")
    assert answer.status_code == 409
    assert "由 李 登录" in words(answer)


def test_the_big_key_says_who_comes_next_and_why(desk: Desk, clerk: Browser) -> None:
    desk.take("A")
    desk.time.pass_by(minutes=12)
    assert "叫下一位 A001 企业 轮到 · 已等 12 分钟" in words(clerk.get("/w/hall/1"))


def test_the_space_bar_calls_starts_and_finishes_with_the_next(
    desk: Desk, clerk: Browser, state: State
) -> None:
    desk.take("A")
    desk.take("A")
    assert "开始办理 A001" in words(clerk.press(1, "next"))
    assert "办结并叫下一位 A002" in words(clerk.press(1, "start"))
    assert "开始办理 A002" in words(clerk.press(1, "next"))
    assert state("A001") is TicketState.COMPLETED


def test_a_doubled_click_acts_once(desk: Desk, clerk: Browser, state: State) -> None:
    desk.take("A")
    desk.take("A")
    desk.give(CallNext(1), Start(1))
    form = clerk.hidden("/w/hall/1")
    for _ in range(2):
        answer = clerk.client.post("/w/hall/1/do/next", data=form, headers={"HX-Request": "true"})
        assert answer.status_code == 200
    assert state("A002") is TicketState.CALLED


def test_every_drawn_form_has_a_key_of_its_own(clerk: Browser) -> None:
    keys = re.findall(r'name="key" value="([^"]+)"', clerk.get("/w/hall/1").get_data(as_text=True))
    assert len(keys) == len(set(keys)) > 4


def test_a_refusal_stands_beside_the_key_that_caused_it(desk: Desk, clerk: Browser) -> None:
    desk.take("A")
    desk.give(CallNext(1))
    answer = clerk.press(1, "recall")
    assert answer.status_code == 409
    slot = re.search(r'data-error="recall" role="alert">([^<]*)<', answer.get_data(as_text=True))
    assert slot is not None
    assert slot[1] == "A001 刚呼叫过，请隔 5 秒"


def test_a_refusal_is_also_said_in_english(desk: Desk, clerk: Browser) -> None:
    clerk.get("/w/hall/1?lang=en")
    assert "Nobody waits for window 1" in words(clerk.press(1, "next"))


def test_hold_resume_and_return_bring_people_back(desk: Desk, clerk: Browser, state: State) -> None:
    first, second = desk.take("A"), desk.take("A")
    desk.give(CallNext(1), Start(1))
    clerk.press(1, "hold", reason="去复印材料")
    assert "A001 企业 去复印材料" in words(clerk.get("/w/hall/1"))
    clerk.press(1, "next")
    clerk.press(1, "noshow", reason="人已离开")
    assert "A002 企业 0 分钟前过号" in words(clerk.get("/w/hall/1"))
    clerk.press(1, "resume", ticket=str(first.id))
    assert state("A001") is TicketState.SERVING
    desk.take("A")
    clerk.press(1, "return", ticket=str(second.id))
    assert state("A002") is TicketState.WAITING


def test_a_delayed_visitor_goes_behind_the_chosen_number_of_people(desk: Desk, clerk: Browser) -> None:
    for _ in range(4):
        desk.take("A")
    desk.give(CallNext(1))
    assert "向后排" in words(clerk.get("/w/hall/1/form/delay"))
    clerk.press(1, "delay", by="people:2", reason="去复印材料")
    assert next_numbers(desk.live.hall, "A", 3) == ["A002", "A003", "A001"]


def test_the_guide_of_the_visitors_matter_is_a_checklist(desk: Desk, clerk: Browser) -> None:
    with desk.site.store.writing() as c:
        c.execute(insert(item).values(code="m1", name="社保卡", department="人社局", queue="A"))
        guides.save(c, "m1", Guide(materials=("身份证", "照片")), "x", MORNING)
        guides.submit(c, "m1", "x", MORNING)
        guides.publish(c, "m1", DAY, "x", MORNING)
    desk.give(TakeTicket("A", "t-1", item="m1"), CallNext(1))
    shown = words(clerk.get("/w/hall/1/form/guide"))
    assert "身份证 照片" in shown


def test_a_no_show_asks_for_a_reason_only_while_it_is_too_soon(desk: Desk, clerk: Browser) -> None:
    desk.take("A")
    desk.give(CallNext(1))
    asks = 'href="/w/hall/1/form/noshow"'
    assert asks in clerk.get("/w/hall/1").get_data(as_text=True)
    desk.time.pass_by(seconds=61)
    assert asks not in clerk.get("/w/hall/1").get_data(as_text=True)
    assert clerk.press(1, "noshow").status_code == 200


def test_a_transfer_names_a_queue_or_a_window_and_a_reason(desk: Desk, clerk: Browser, state: State) -> None:
    desk.take("A")
    desk.give(CallNext(1), Start(1))
    assert "请填写原因" in words(clerk.press(1, "transfer", to="queue:B"))
    clerk.press(1, "transfer", to="queue:B", reason="应到其他队列办理")
    ticket = desk.live.hall.tickets[1]
    assert (ticket.queue, ticket.state) == ("B", TicketState.WAITING)
    desk.give(CallNext(1), Login(2, "wang"))
    clerk.press(1, "transfer", to="window:2", reason="需专人办理")
    assert desk.live.hall.tickets[1].legs[-1].target == 2


def test_a_pause_has_a_reason_and_a_length_and_ends(desk: Desk, clerk: Browser) -> None:
    clerk.press(1, "pause", why="meeting", minutes="10")
    session = desk.live.hall.sessions[1]
    assert session.pause_reason is PauseReason.MEETING
    assert session.pause_until == desk.time.now + timedelta(minutes=10)
    desk.time.pass_by(minutes=4)
    assert "已暂停 4 分钟 会议 · 至 09:10" in words(clerk.get("/w/hall/1"))
    clerk.press(1, "unpause")
    assert desk.live.hall.sessions[1].state is WindowState.OPEN


def test_a_jump_call_takes_the_number_on_the_slip(desk: Desk, clerk: Browser, state: State) -> None:
    desk.take("A")
    desk.take("A")
    clerk.press(1, "jump", number="a002", reason="老年人")
    assert state("A002") is TicketState.CALLED
    assert state("A001") is TicketState.WAITING


def test_a_jump_call_needs_a_reason_of_the_list_or_in_words(desk: Desk, clerk: Browser, state: State) -> None:
    desk.take("A")
    answer = clerk.press(1, "jump", number="A001", why="other")
    assert answer.status_code == 409
    assert "请填写原因" in words(answer)
    clerk.press(1, "jump", number="A001", why="elderly", reason="腿脚不便")
    assert state("A001") is TicketState.CALLED
    with desk.site.store.reading() as c:
        called = log.ticket_history(c, "hall", 1)[-1].event
    assert isinstance(called, TicketCalled)
    assert (called.jump, called.reason) == (True, "老年人: 腿脚不便")


def test_why_the_next_is_next_and_no_other_is_told_on_demand(desk: Desk, clerk: Browser) -> None:
    assert "没有人等候" in words(clerk.get("/w/hall/1/form/why"))
    desk.take("A")
    desk.time.pass_by(minutes=12)
    desk.take("B")
    shown = words(clerk.get("/w/hall/1/form/why"))
    assert "为什么下一位是 A001" in shown
    assert "A001 12 分钟 先叫： 轮到 B001 0 分钟 等得没有那么久" in shown


def test_a_jump_call_of_nobody_is_refused(clerk: Browser) -> None:
    answer = clerk.press(1, "jump", number="Z9", reason="老年人")
    assert answer.status_code == 409
    assert "今天没有这个票号" in words(answer)


def test_a_finish_with_another_outcome_is_kept_and_may_be_reopened(desk: Desk, clerk: Browser) -> None:
    desk.take("A")
    desk.give(CallNext(1), Start(1))
    clerk.press(1, "finish", outcome="collection")
    assert desk.live.hall.tickets[1].outcome == "collection"
    assert "刚刚办结 A001" in words(clerk.get("/w/hall/1"))
    clerk.press(1, "reopen", ticket="1", reason="还有遗漏")
    assert desk.live.hall.tickets[1].state is TicketState.SERVING


def test_leaving_a_window_closes_it(desk: Desk, clerk: Browser) -> None:
    answer = clerk.press(1, "logout")
    assert answer.headers["HX-Redirect"] == "/w/hall/?choose=1"
    assert desk.live.hall.sessions[1].state is WindowState.CLOSED


def test_search_finds_todays_tickets_by_number(desk: Desk, clerk: Browser) -> None:
    for _ in range(3):
        desk.take("B")
    desk.give(CallNext(1), NoShow(1, "x"))
    found = words(clerk.get("/w/hall/1/search?q=b00", headers={"HX-Request": "true"}))
    assert "B001 社保 过号" in found
    assert "B003 社保 等候" in found
    assert "没有包含" in words(clerk.get("/w/hall/1/search?q=Q7", headers={"HX-Request": "true"}))


def test_another_clerk_may_look_but_not_call(desk: Desk, clerk: Browser) -> None:
    desk.take("A")
    other = desk.browser("wang")
    assert "您可以查看，不能叫号" in words(other.get("/w/hall/1"))
    answer = other.press(1, "next")
    assert answer.status_code == 409
    assert "您没有在这个窗口登录" in words(answer)
    assert desk.live.hall.sessions[1].current is None


def test_a_lost_window_says_so(desk: Desk, clerk: Browser) -> None:
    desk.give(LoseWindow(1))
    assert "本窗口刚才失联" in words(clerk.get("/w/hall/1"))


def test_the_keys_work_without_any_script(desk: Desk, clerk: Browser, state: State) -> None:
    desk.take("A")
    answer = clerk.client.post("/w/hall/1/do/next", data=clerk.hidden("/w/hall/1"))
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/w/hall/1"
    assert "转移 A001" in words(clerk.get("/w/hall/1/form/transfer"))


def test_a_visitor_with_earlier_stations_brings_their_story(desk: Desk, clerk: Browser) -> None:
    desk.take("A")
    desk.give(CallNext(1), Start(1))
    desk.time.pass_by(minutes=3)
    clerk.press(1, "transfer", to="queue:B", reason="下一环节")
    desk.give(CallNext(1))
    page = words(clerk.get("/w/hall/1"))
    assert "转来原因 下一环节" in page
    assert "此前办理 企业 1 号窗口 · 3 分钟" in page


@pytest.mark.parametrize(
    ("action", "form"),
    [("resume", {"ticket": "x"}), ("finish", {"outcome": "gold"}), ("pause", {"why": "no", "minutes": "1"})],
)
def test_a_form_no_page_ever_offered_is_a_bad_request(
    clerk: Browser, action: str, form: dict[str, str]
) -> None:
    assert clerk.press(1, action, **form).status_code == 400


def test_keys_and_windows_nobody_knows_are_not_found(clerk: Browser) -> None:
    assert clerk.press(1, "dance").status_code == 404
    assert clerk.get("/w/hall/77").status_code == 404
    assert clerk.get("/w/hall/1/form/dance").status_code == 404


def test_what_a_person_did_is_in_the_log_and_in_the_audit_trail(desk: Desk, clerk: Browser) -> None:
    desk.take("A")
    clerk.press(1, "next")
    trail = desk.site.people.trail()
    assert (trail[0]["actor"], trail[0]["what"], trail[0]["subject"]) == ("li", "CallNext", "hall/window 1")
    with desk.site.store.reading() as c:
        who = c.execute(select(tables.event.c.actor_id).where(tables.event.c.kind == "TicketCalled")).scalar()
    assert who == "li"


def test_what_was_refused_leaves_no_audit_row(desk: Desk, clerk: Browser) -> None:
    before = len(desk.site.people.trail())
    clerk.press(1, "finish")
    assert len(desk.site.people.trail()) == before


def test_finishing_twice_from_two_screens_finishes_once(desk: Desk, clerk: Browser) -> None:
    desk.take("A")
    desk.give(CallNext(1), Start(1), Finish(1))
    assert "没有正在办理的号" in words(clerk.press(1, "finish"))
