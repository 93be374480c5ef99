"""The desks in a real browser: keys, doubled clicks, a cut link, and pages that follow the hall."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from controller.clock import real_now
from controller.hall.commands import CallNext, Finish, Login, Start
from controller.hall.model import TicketState
from controller.people import Role
from controller.store.people import Person
from tests.browser.conftest import PHONE, Served, size
from tests.waiting import until
from tests.web.test_people import ADMIN

pytestmark = pytest.mark.browser

DESK = (1366, 768)


@pytest.fixture
def console(served: Served) -> Iterator[Page]:
    """Li at window 1, with two people waiting."""
    for _ in range(2):
        served.desk.take("A")
    page = served.screen(f"/in/{served.desk.site.people.link('li', real_now())}", DESK)
    page.click("main button")
    page.click("text=在此登录 >> nth=0")
    expect(page.locator("#key-big")).to_be_enabled()
    expect(page.locator("body.is-live")).to_have_count(1)
    yield page
    page.context.close()


def test_on_a_phone_the_top_is_one_line_and_its_pages_are_a_menu_without_scripts(served: Served) -> None:
    path = f"/in/{served.desk.site.people.link('boss', real_now())}"
    page = served.screen(path, PHONE, java_script_enabled=False)
    page.click("main button")
    page.goto(f"{served.url}/m/hall/?lang=en")
    top, roster = page.locator("header"), page.get_by_role("link", name="Roster")
    box = top.bounding_box()
    assert box is not None
    assert box["height"] < 60
    expect(roster).to_be_hidden()
    page.get_by_role("button", name="Pages").press("Enter")
    expect(roster).to_be_visible()
    page.keyboard.press("Escape")
    expect(roster).to_be_hidden()
    size(page, DESK)
    expect(roster).to_be_visible()


def states(served: Served) -> dict[str, TicketState]:
    return {ticket.number: ticket.state for ticket in served.desk.live.hall.tickets.values()}


def test_the_space_bar_does_what_comes_next(served: Served, console: Page) -> None:
    big = console.locator("#key-big .key-name")
    for wanted in ("开始办理", "办结并叫下一位", "开始办理"):
        console.keyboard.press(" ")
        expect(big).to_have_text(wanted)
        expect(console.locator("#console.is-resting")).to_have_count(0)  # sooner, it is the same press
    assert states(served) == {"A001": TicketState.COMPLETED, "A002": TicketState.CALLED}


def test_a_doubled_click_finishes_one_and_calls_one(served: Served, console: Page) -> None:
    served.desk.take("A")
    served.desk.give(CallNext(1), Start(1))
    expect(console.locator("#key-big .key-name")).to_have_text("办结并叫下一位")
    console.dblclick("#key-big")
    expect(console.locator("#key-big .key-name")).to_have_text("开始办理")
    found = states(served)
    assert (found["A001"], found["A002"], found["A003"]) == (
        TicketState.COMPLETED,
        TicketState.CALLED,
        TicketState.WAITING,
    )


def test_a_key_pressed_while_the_link_is_cut_says_so_and_is_sent_once(served: Served, console: Page) -> None:
    console.context.set_offline(True)
    console.keyboard.press(" ")
    expect(console.locator("#key-big .key-name")).to_have_text("未发送")
    expect(console.locator(".link-lost")).to_be_visible()
    console.context.set_offline(False)
    expect(console.locator("#key-big .key-name")).to_have_text("开始办理")
    expect(console.locator(".link-lost")).to_be_hidden()
    assert states(served) == {"A001": TicketState.CALLED, "A002": TicketState.WAITING}


def test_escape_takes_an_unsent_key_back(served: Served, console: Page) -> None:
    console.context.set_offline(True)
    console.keyboard.press(" ")
    expect(console.locator("#key-big .key-name")).to_have_text("未发送")
    console.keyboard.press("Escape")
    console.context.set_offline(False)
    expect(console.locator("#key-big .key-name")).to_have_text("叫下一位")
    assert set(states(served).values()) == {TicketState.WAITING}


def test_an_error_beside_its_key_outlives_a_redraw(served: Served, console: Page) -> None:
    console.keyboard.press(" ")
    expect(console.locator("#key-recall")).to_be_enabled()
    console.keyboard.press("r")
    error = console.locator("[data-error=recall]")
    expect(error).to_contain_text("A001 刚呼叫过")
    served.desk.take("B")
    expect(console.locator(".queue-table tbody tr").nth(1).locator(".big")).to_have_text("1")
    expect(error).to_contain_text("A001 刚呼叫过")


def test_a_transfer_is_asked_for_and_given_by_keyboard_alone(served: Served, console: Page) -> None:
    console.keyboard.press(" ")
    expect(console.locator("#key-transfer")).to_have_attribute("role", "button")
    console.keyboard.press("t")
    expect(console.locator("dialog select")).to_be_focused()
    console.keyboard.press("ArrowDown")
    console.keyboard.press("Tab")
    console.keyboard.type("应到其他队列办理")
    console.keyboard.press("Enter")
    expect(console.locator("dialog")).to_be_hidden()
    until(lambda: served.desk.live.hall.tickets[1].queue == "B")


def test_the_search_is_a_key_and_escape_leaves_it(console: Page) -> None:
    console.keyboard.press("/")
    console.keyboard.type("A00")
    expect(console.locator("#found li")).to_have_count(2)
    console.keyboard.press("Escape")
    expect(console.locator("#found li")).to_have_count(0)


def test_a_console_whose_person_was_shut_out_asks_to_sign_in(served: Served, console: Page) -> None:
    served.desk.site.people.set_active("li", False, real_now())
    served.desk.take("A")
    console.wait_for_url(re.compile(r"/sign-in"))


def test_the_board_follows_the_hall_and_keeps_open_what_was_opened(served: Served) -> None:
    served.desk.take("A")
    page = served.screen(f"/in/{served.desk.site.people.link('boss', real_now())}", DESK)
    page.click("main button")
    page.click("#day-table summary")
    served.desk.take("A")
    expect(page.locator(".figure dd").first).to_have_text("2")
    expect(page.locator("#day-table table")).to_be_visible()
    page.context.close()


def test_a_person_is_added_changed_and_shut_out_by_keyboard_alone(served: Served) -> None:
    people = served.desk.site.people
    people.add(ADMIN, real_now())
    page = served.screen(f"/in/{people.link(ADMIN.id, real_now())}", DESK)
    expect(page.get_by_role("button", name="是我，登录")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).not_to_have_url(re.compile("/in/"))
    page.goto(f"{served.url}/people/new")
    go_to(page, "input[name=name]")
    page.keyboard.type("陈晨")
    go_to(page, "input[name=number]")
    page.keyboard.type("017")
    go_to(page, "input[value=guide]")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.locator(".told")).to_contain_text("已新增")
    assert people.find("017").roles == {Role.CLERK, Role.GUIDE}
    go_to(page, ".ask summary")
    page.keyboard.press("Enter")
    go_to(page, ".ask[open] button")
    page.keyboard.press("Enter")
    expect(page.locator(".secret")).to_be_visible()
    go_to(page, "form[action$=disable] button")
    page.keyboard.press("Enter")
    expect(page.locator(".told")).to_contain_text("已停用")
    go_to(page, ".told button")
    page.keyboard.press("Enter")
    expect(page.locator(".told")).to_contain_text("已恢复使用")


def go_to(page: Page, wanted: str) -> None:
    """Tab on until this has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("wanted => document.activeElement.matches(wanted)", wanted):
            return
    raise AssertionError(f"{wanted} cannot be reached by keyboard")


def test_a_bad_rating_goes_from_the_phone_to_its_end(served: Served) -> None:
    """G2-G10 as people do it: on the phone, then the unit, then the supervisor."""
    people, desk = served.desk.site.people, served.desk
    for id, role in (("lead", Role.WINDOW_LEAD), ("sup", Role.SUPERVISOR)):
        people.add(Person(id, f"{id}某", id, None, frozenset({role}), True), real_now())
    ticket = desk.take()
    desk.give(Login(1, "li"), CallNext(1), Start(1), Finish(1))
    phone = served.screen(f"/t/{ticket.token}", (390, 844))
    phone.get_by_role("button", name="不满意", exact=True).click()
    phone.get_by_label("等候时间").check()
    phone.get_by_label("电话号码").fill("139 0000 1111")
    phone.get_by_role("button", name="提交").click()
    expect(phone.get_by_text("您的评价：不满意")).to_be_visible()
    expect(phone.get_by_role("button", name="提交")).to_have_count(0)
    unit = served.screen(f"/in/{people.link('lead', real_now())}", DESK)
    unit.click("main button")
    unit.goto(served.url)
    unit.get_by_role("link", name="1 件待您办理").click()
    unit.get_by_role("link", name=ticket.number).click()
    unit.get_by_role("button", name="显示号码以便回访").click()
    expect(unit.get_by_text("13900001111")).to_be_visible()
    call(unit, "等了一小时")
    unit.get_by_label("整改措施").fill("增开窗口")
    unit.get_by_label("责任人").fill("负责人")
    unit.get_by_label("给群众的答复").fill("已答复")
    unit.get_by_role("button", name="整改").click()
    supervisor = served.screen(f"/in/{people.link('sup', real_now())}", DESK)
    supervisor.click("main button")
    supervisor.goto(f"{served.url}/m/hall/ratings")
    supervisor.get_by_role("link", name=ticket.number).click()
    call(supervisor, "满意")
    supervisor.get_by_label("审核情况").fill("属实")
    supervisor.get_by_role("button", name="审核通过，办结").click()
    expect(supervisor.get_by_text("已办结。")).to_be_visible()


def call(page: Page, said: str) -> None:
    """Note a call back that reached somebody."""
    page.get_by_label("是", exact=True).check()
    page.get_by_label("回访情况").fill(said)
    page.get_by_role("button", name="记录回访").click()
