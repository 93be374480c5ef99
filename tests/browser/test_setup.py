"""Setting a hall up in a real browser: with the keyboard alone, on a phone, and under axe-core."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from controller.hall.commands import ChangePlan, Login
from controller.hall.model import Sitting
from controller.people import Role
from controller.rostering import Rosters, usual
from controller.store.people import Person
from tests.browser.conftest import PHONE, Served, looks, sign_in, size, wrong
from tests.store.halls import DAY, MORNING, PLAN
from web import times

pytestmark = pytest.mark.browser

SETUP = "/setup/hall"


@pytest.fixture
def drafted(served: Served) -> Served:
    """A hall at work with hours, a roster with somebody at two windows, a draft and a change to come."""
    desk = served.desk
    hours = tuple(Sitting(start, end) for start, end in times.spans("09:00-12:00 13:30-17:00"))
    desk.give(ChangePlan(replace(PLAN, hours=hours)), Login(1, "li"))
    for queue in "AAB":
        desk.take(queue)
    rosters = Rosters(desk.site.store, "hall")
    for window in (1, 2):
        turns = [replace(turn, clerk="li") for turn in usual(desk.live.hall.plan, window, DAY)]
        rosters.put(DAY, [window], turns, "boss")
    desk.site.people.add(Person("root", "管理", "1", None, frozenset({Role.ADMIN}), True), MORNING)
    boss = desk.browser("boss")
    boss.post(f"{SETUP}/queues/A/down", page=f"{SETUP}/queues")
    due = (desk.live.clock.now() + timedelta(hours=9)).strftime("%Y-%m-%dT%H:%M")
    boss.post(f"{SETUP}/change/later", page=f"{SETUP}/hall", due=due, note="下班后合并")
    boss.post(f"{SETUP}/queues/B/remove", page=f"{SETUP}/queues")
    return served


@looks
def test_the_pages_of_the_set_up(drafted: Served, page: Page, lang: str, theme: str) -> None:
    sign_in(drafted, page, "boss")
    addresses = (
        *(f"{SETUP}/{one}" for one in ("", "hall", "rules", "queues", "queues/new", "windows", "windows/1")),
        *(f"{SETUP}/{one}" for one in ("clerks/li", "departments/new", "change", "versions", "versions/1")),
        *("/m/hall/roster", f"/m/hall/roster/{DAY}", "/search"),
    )
    assert wrong(page, drafted, addresses, f"lang={lang}&theme={theme}") == []
    size(page, PHONE)
    assert wrong(page, drafted, (f"{SETUP}/windows", f"{SETUP}/change"), f"lang={lang}&theme={theme}") == []


@looks
def test_the_pages_of_the_first_hour(drafted: Served, page: Page, lang: str, theme: str) -> None:
    sign_in(drafted, page, "root")
    steps = ("zones", "queues", "windows", "matters", "people", "devices", "open")
    look = f"another=1&lang={lang}&theme={theme}"
    assert wrong(page, drafted, ("/start", *(f"/start/hall/{one}" for one in steps)), look) == []


def test_a_window_is_changed_with_the_keyboard_alone(drafted: Served, page: Page) -> None:
    """From the list to the form, to what it does, to the hall; and help under its key."""
    sign_in(drafted, page, "boss")
    page.goto(f"{drafted.url}{SETUP}/windows")
    page.keyboard.press("?")
    expect(page.locator(".help .menu")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".help .menu")).to_be_hidden()
    desk = drafted.desk
    desk.browser("boss").post(
        f"{SETUP}/change/discard", page=f"{SETUP}/hall"
    )  # in which somebody's queue goes
    page.get_by_role("link", name="2 号窗口").focus()
    page.keyboard.press("Enter")
    page.locator("[name=zh]").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("社保专窗")
    page.keyboard.press("Enter")
    page.locator(".draft-bar a").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("2号窗口 / Window 2 → 社保专窗 / Window 2")).to_be_visible()
    page.get_by_role("button", name="立即应用").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".draft-bar")).to_have_count(0)
    assert desk.live.hall.windows[2].name.zh == "社保专窗"
    assert desk.site.people.trail(1)[0]["actor"] == "boss"


def test_a_roster_is_written_on_a_phone(drafted: Served, page: Page) -> None:
    sign_in(drafted, page, "boss")
    size(page, PHONE)
    page.goto(f"{drafted.url}/m/hall/roster/{DAY + timedelta(days=1)}")
    page.locator("[name=start-1-0]").fill("09:00")
    page.locator("[name=end-1-0]").fill("11:30")
    page.locator("[name=clerk-1-0]").select_option("wang")
    page.get_by_role("button", name="保存").click()
    expect(page.locator(".turn", has_text="09:00–11:30 王")).to_be_visible()
