"""The manager tries a rule on a day that was, looks at what it would have done, and switches it on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from controller.clock import real_now
from controller.hall.commands import CallNext, Finish, Login, Start, TakeTicket
from controller.hall.model import TicketClass
from controller.people import SYSTEM
from tests.browser.axe import script, violations
from tests.browser.conftest import PHONE, Served
from tests.npm import NotHere
from tests.store.halls import DAY, sqlite_url
from tests.web.desk import Desk

pytestmark = pytest.mark.browser

DESK = (1920, 1080)
PICTURES = os.environ.get("SERVICEHALL_PICTURES", "")  # where somebody wants to look at the pages


def green(desk: Desk) -> None:
    desk.give(TakeTicket("A", f"green-{desk.live.seq}", TicketClass.GREEN))


def busy_hours(desk: Desk) -> None:
    """Two clerks and a line that grows: a ticket every two minutes, every eighth of them green."""
    desk.give(Login(1, "li"), Login(2, "wang"))
    for n in range(75):
        green(desk) if n % 8 == 7 else desk.take("AB"[n % 2])
        desk.time.pass_by(minutes=2)
        window = n % 3 + 1
        if window == 3:
            continue
        if desk.live.hall.sessions[window].current is not None:
            desk.give(Finish(window))
        desk.give(CallNext(window), Start(window))
    for window in (1, 2):
        if desk.live.hall.sessions[window].current is not None:
            desk.give(Finish(window))


@pytest.fixture
def manager(served: Served, tmp_path: Path) -> Iterator[Page]:
    """The manager's page of trials, after a busy morning."""
    served.desk.site.settings = replace(served.desk.site.settings, store_url=sqlite_url(tmp_path))
    busy_hours(served.desk)
    page = served.screen(f"/in/{served.desk.site.people.link('boss', real_now())}", DESK)
    page.click("main button")
    page.goto(f"{served.url}/m/hall/trials")
    yield page
    trials = served.desk.app.extensions.get("trials")
    if trials is not None:
        trials.close()
    page.context.close()


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)


def on_a_phone(page: Page, name: str) -> None:
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    picture(page, name)
    page.set_viewport_size({"width": DESK[0], "height": DESK[1]})


def compare(page: Page, rule: str, repeats: int = 3) -> None:
    page.select_option("select[name=days]", DAY.isoformat())
    page.select_option("select[name=rule]", rule)
    page.fill("input[name=repeats]", str(repeats))
    page.click("text=与现状比较")


def called_at(desk: Desk, window: int) -> str:
    hall = desk.live.submit(CallNext(window), SYSTEM).hall
    return hall.tickets[hall.sessions[window].current or 0].number


def test_a_rule_is_tried_on_a_day_and_switched_on_for_a_window(served: Served, manager: Page) -> None:
    desk, page = served.desk, manager
    picture(page, "trials-form")
    on_a_phone(page, "trials-form-phone")
    compare(page, "oldest")
    expect(page.locator(".chart.pairs")).to_be_visible(timeout=30_000)
    heights = page.locator(".chart.pairs rect").evaluate_all("bars => bars.map(bar => bar.getBBox().height)")
    halves = page.locator(".trial .charts tbody tr").count()
    assert len(heights) == 2 * halves >= 8
    assert max(heights) > 60
    verdicts = {
        row.locator("th").inner_text().split()[0]: row.locator(".verdict").inner_text()
        for row in page.locator(".trial-rows tbody tr").all()
    }
    assert verdicts["绿色通道平均等候"] == "更差"
    picture(page, "trials-result")
    on_a_phone(page, "trials-result-phone")
    page.select_option("select[name=window]", "2")
    page.click("text=只在此窗口启用")
    expect(page.locator(".done")).to_contain_text("2 号窗口已使用此规则")
    waiting = {ticket.number for ticket in desk.live.hall.tickets.values() if ticket.state == "waiting"}
    desk.time.pass_by(minutes=1)
    green(desk)
    desk.time.pass_by(minutes=5)
    assert called_at(desk, 2) == min(waiting, key=lambda number: number_age(desk, number))
    assert is_green(desk, called_at(desk, 1))
    page.goto(f"{served.url}/m/hall/trials")
    picture(page, "trials-list")
    page.click("text=恢复使用大厅规则")
    expect(page.locator(".in-force")).to_have_count(0)
    assert desk.live.hall.windows[2].balance is None


def number_age(desk: Desk, number: str) -> int:
    return desk.live.hall.numbers["main", number]


def is_green(desk: Desk, number: str) -> bool:
    return desk.live.hall.tickets[number_age(desk, number)].klass is TicketClass.GREEN


def test_a_comparison_is_stopped(served: Served, manager: Page) -> None:
    page = manager
    page.click("summary:has-text('模拟的日子')")
    page.select_option("select[name=days]", "made_up")
    page.fill("input[name=made_up]", "60")
    page.fill("input[name=per_day]", "300")
    page.select_option("select[name=rule]", "short")
    page.click("text=与现状比较")
    expect(page.locator("progress")).to_be_visible()
    picture(page, "trials-running")
    page.click("text=停止")
    expect(page.locator(".trial-stopped")).to_be_visible()
    expect(page.locator("progress")).to_have_count(0)


def test_what_cannot_be_tried_is_said(manager: Page) -> None:
    manager.click("summary:has-text('模拟的日子')")
    manager.fill("input[name=times-1]", "nine to five")
    manager.fill("input[name=serves-2]", "A Z")
    compare(manager, "")
    expect(manager.locator("[role=alert]")).to_contain_text("没有队列“Z”")
    expect(manager.locator("input[name=times-1]")).to_have_value("nine to five")


def test_the_pages_of_trials_are_for_everybody(
    served: Served, manager: Page, pytestconfig: pytest.Config
) -> None:
    """axe-core, in both languages and every look"""
    try:
        manager.context.add_init_script(script(pytestconfig.cache.mkdir("axe")))  # type: ignore[union-attr]
    except NotHere as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    manager.reload()
    compare(manager, "oldest")
    expect(manager.locator(".chart.pairs")).to_be_visible(timeout=30_000)
    address = manager.url
    found = []
    for look in ("lang=zh&theme=light", "lang=en&theme=dark", "lang=zh&theme=contrast"):
        for page in (address, f"{served.url}/m/hall/trials"):
            manager.goto(f"{page}?{look}")
            for summary in manager.locator("main summary").all():
                summary.click()
            picture(manager, f"look-{look}-{page[-1]}")
            found += [f"{page} {look} {one}" for one in violations(manager)]
    assert found == []
