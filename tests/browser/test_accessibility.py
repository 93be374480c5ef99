"""Every page under axe-core (WCAG 2.2 AA and good practice): both languages, every look, no violation."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect
from pyotp import TOTP
from sqlalchemy import Connection

from controller import shows
from controller.clock import real_now
from controller.demo.matters import put_sample_matters
from controller.hall.commands import (
    CallNext,
    CloseDay,
    Finish,
    Hold,
    JumpCall,
    Login,
    NoShow,
    OpenDay,
    Pause,
    Start,
    Tick,
)
from controller.hall.model import PauseReason
from controller.people import SYSTEM
from controller.store import guides, showing
from tests.browser.axe import violations
from tests.browser.conftest import LANDSCAPE, PHONE, PORTRAIT, Served, looks, sign_in, size, wrong
from tests.store.halls import DAY, MORNING
from tests.web.test_people import ADMIN

pytestmark = pytest.mark.browser

FULL_VIEW = "/full-view?to=/audit&"
KIOSK = "/h/hall/pages/kiosk.html?board=k-main&"


@pytest.fixture
def busy(served: Served) -> Served:
    """Li serves at window 1 with one on hold and one missed, Wang pauses, two people wait."""
    desk = served.desk
    desk.give(Login(1, "li"), Login(2, "wang"), Pause(2, PauseReason.BREAK, timedelta(minutes=5)))
    for _ in range(5):
        desk.take("A")
    desk.give(CallNext(1), Start(1), Hold(1, "去复印材料"))
    desk.give(CallNext(1), NoShow(1, "人已离开"), CallNext(1), Start(1))
    desk.time.pass_by(minutes=45)
    return served


def test_what_is_wrong_is_seen(page: Page) -> None:
    page.set_content("<h1>t</h1><p style='color: #777'>4.5</p><p style='color: #666'>5.7</p><input>")
    for_staff, for_citizens = violations(page), violations(page, is_citizens=True)
    rules = [{one.split(":")[0] for one in found} for found in (for_staff, for_citizens)]
    assert {"document-title", "html-has-lang", "label", "color-contrast"} <= rules[0]
    assert rules[1] - rules[0] == {"color-contrast-enhanced"}


# --- what citizens meet


@pytest.mark.parametrize("opener", [".search-open", "[data-tool=progress]", "#tools button:last-child"])
def test_the_search_of_the_kiosk_its_keys_for_a_number_and_its_help(
    busy: Served, page: Page, opener: str
) -> None:
    size(page, PORTRAIT)
    page.goto(f"{busy.url}{KIOSK}")
    page.click(opener)
    assert violations(page, is_citizens=True) == []


@pytest.mark.parametrize("theme", ["light", "dark", "contrast"])
def test_the_displays(busy: Served, page: Page, theme: str) -> None:
    size(page, LANDSCAPE)
    busy.desk.give(Finish(1), CallNext(1))
    busy.desk.live.submit(None, SYSTEM, records=[quiet_for_an_hour])
    busy.desk.live.shows.read()
    staff = quote('{"shows": "staff", "lang": "en"}')
    pages = (("hall.html?board=z-east", ".call"), ("window.html?board=w1", "#number"))
    for name, face in (*pages, (f"display.html?board=h-staff&layout={staff}", ".staff-card")):
        page.goto(f"{busy.url}/h/hall/pages/{name}&theme={theme}")
        expect(page.locator(face).first).to_be_visible()
        expect(page.locator("#quiet")).to_be_visible()
        assert violations(page, is_citizens=True) == []


def quiet_for_an_hour(c: Connection) -> None:
    quiet = shows.kept(shows.Quiet(until=MORNING + timedelta(hours=1)))
    showing.put(c, "hall", shows.QUIET, quiet, "boss", MORNING)


@looks
def test_the_phone_page_of_each_state(busy: Served, page: Page, lang: str, theme: str) -> None:
    size(page, PHONE)
    busy.desk.give(Finish(1), CallNext(1))
    tickets = busy.desk.live.hall.tickets.values()
    assert len({ticket.state for ticket in tickets}) == len(tickets)
    for address in [f"/t/{ticket.token}" for ticket in tickets] + [
        "/t/unknown-token",
        "/h/hall",
        "/h/hall/book",
        "/h/hall/book/A",
        "/h/hall/book/A/at/20260303T0930",
        "/h/hall/hours",
        "/h/hall/ratings",
    ]:
        page.goto(f"{busy.url}{address}?lang={lang}&theme={theme}")
        assert violations(page, is_citizens=True) == []


# --- what staff meet


@looks
def test_the_pages_before_signing_in(served: Served, page: Page, lang: str, theme: str) -> None:
    link = f"/in/{served.desk.site.people.link('li', real_now())}"
    addresses = ("/", "/hall/hall", "/sign-in", link, "/in/used", "/nowhere")
    assert wrong(page, served, addresses, f"lang={lang}&theme={theme}") == []


@looks
def test_the_console(busy: Served, page: Page, lang: str, theme: str) -> None:
    sign_in(busy, page, "li")
    page.goto(f"{busy.url}/w/hall/1?lang={lang}&theme={theme}")
    expect(page.locator("body.is-live")).to_have_count(1)
    page.fill("#search", "A00")
    expect(page.locator("#found li").first).to_be_visible()
    assert violations(page) == []
    page.click("#key-transfer")
    expect(page.locator("dialog select")).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("Escape")
    busy.desk.give(Finish(1))
    expect(page.locator(".last")).to_be_visible()
    assert wrong(page, busy, ("/w/hall/1", "/w/hall/2", "/me"), f"lang={lang}&theme={theme}") == []
    page.goto(f"{busy.url}/w/hall/?choose=1")
    assert violations(page) == []


@looks
def test_the_technicians_pages_and_the_interfaces(busy: Served, page: Page, lang: str, theme: str) -> None:
    sign_in(busy, page, "boss")
    busy.desk.live.outages.begin("broker", "refused")
    busy.desk.live.timings.action.observe(0.9)
    addresses = ("/status", "/devices", "/api/", "/displays/hall", "/displays/hall/new", "/m/hall/quiet")
    assert wrong(page, busy, addresses, f"lang={lang}&theme={theme}") == []
    size(page, PHONE)
    assert wrong(page, busy, ("/status",), f"lang={lang}&theme={theme}") == []


@looks
def test_the_administrators_pages(busy: Served, page: Page, lang: str, theme: str) -> None:
    busy.desk.site.people.add(ADMIN, real_now())
    sign_in(busy, page, ADMIN.id)
    addresses = ("/centres", "/people", "/people/new", "/people/li", "/audit", "/data", FULL_VIEW)
    assert wrong(page, busy, addresses, f"lang={lang}&theme={theme}") == []
    page.goto(f"{busy.url}/people/li")
    page.click(".ask summary")
    page.click(".ask[open] button")
    expect(page.locator(".secret")).to_be_visible()
    assert violations(page) == []
    size(page, PHONE)
    assert wrong(page, busy, addresses, f"lang={lang}&theme={theme}") == []


@looks
def test_the_second_step(served: Served, page: Page, lang: str, theme: str) -> None:
    sign_in(served, page, "boss")
    page.goto(f"{served.url}/me/second-factor?lang={lang}&theme={theme}")
    assert violations(page) == []
    page.click("main button")
    secret = page.locator(".secret").inner_text().replace(" ", "")
    assert violations(page) == []
    page.fill("input[name=code]", TOTP(secret).at(real_now()))
    page.click("main button")
    expect(page.locator(".codes li")).to_have_count(10)
    assert violations(page) == []
    assert wrong(page, served, ("/me/second-factor", "/me"), f"lang={lang}&theme={theme}") == []
    page.context.clear_cookies()
    sign_in(served, page, "boss")
    expect(page).to_have_url(re.compile("/sign-in/code"))
    assert violations(page) == []


@looks
def test_the_managers_pages(busy: Served, page: Page, lang: str, theme: str) -> None:
    sign_in(busy, page, "boss")
    addresses = ("/m/hall/", "/m/hall/tickets", "/m/hall/tickets/1", "/m/hall/windows/2", "/m/hall/close")
    assert wrong(page, busy, addresses, f"lang={lang}&theme={theme}") == []


@looks
def test_the_front_desk(busy: Served, page: Page, lang: str, theme: str) -> None:
    sign_in(busy, page, "guide")
    addresses = ("/g/hall/", "/g/hall/?q=1", "/g/hall/tickets/1")
    addresses = (*addresses, "/g/hall/appointments", "/g/hall/appointments/new?for=queue:A")
    assert wrong(page, busy, addresses, f"lang={lang}&theme={theme}") == []


@looks
def test_the_guides_and_the_catalogue(busy: Served, page: Page, lang: str, theme: str) -> None:
    with busy.desk.site.store.writing() as c:
        put_sample_matters(c, real_now())
        matter = guides.listed(c, DAY)[0]
    sign_in(busy, page, "boss")
    addresses = ("/catalogue/", f"/catalogue/{matter.code}/edit", "/items/?q=社", f"/items/{matter.code}")
    addresses = (*addresses, f"/catalogue/{matter.code}/standing", "/catalogue/lists", "/catalogue/clean-ups")
    assert wrong(page, busy, addresses, f"lang={lang}&theme={theme}") == []


@looks
def test_why_what_would_help_and_what_is_planned(busy: Served, page: Page, lang: str, theme: str) -> None:
    desk = busy.desk
    desk.give(Finish(1), JumpCall(1, 5, "老年人"), Start(1), Finish(1), CloseDay())
    desk.time.pass_by(days=1)
    desk.give(Tick(), OpenDay(DAY + timedelta(days=1), desk.time.now + timedelta(hours=8)))
    for _ in range(9):
        desk.take("A")
    desk.time.pass_by(minutes=31)
    desk.live.counsel.look()
    sign_in(busy, page, "boss")
    addresses = (
        "/m/hall/",
        "/m/hall/advice",
        "/m/hall/staffing",
        "/m/hall/estimates",
        "/m/hall/jumps",
        "/m/hall/reconciliation",
    )
    assert wrong(page, busy, addresses, f"lang={lang}&theme={theme}") == []
    desk.give(CloseDay())
    period = f"from={DAY}&to={DAY}&lang={lang}&theme={theme}"
    assert wrong(page, busy, ("/m/hall/day", "/m/hall/load"), period) == []
    more = ("/m/hall/cycle", "/m/hall/notices", "/m/hall/substitutes", "/leader")
    more += ("/m/hall/messages", "/m/hall/home-tickets", "/m/hall/appointments", "/calendar")
    page.goto(f"{busy.url}/m/hall/conduct")
    page.locator("form.stack [name=person]").select_option("li")
    page.locator("[name=kind][value=late]").check()
    page.locator("form.stack button.primary").click()
    more += ("/m/hall/conduct", "/m/hall/conduct/1", "/m/hall/conduct/kinds", "/m/hall/roster")
    assert wrong(page, busy, more, f"lang={lang}&theme={theme}") == []
    sign_in(busy, page, "li")
    forms = ("/conduct/mine", "/w/hall/1/form/why", "/w/hall/1/form/jump", "/w/hall/1/form/delay")
    assert wrong(page, busy, forms, f"lang={lang}&theme={theme}") == []
