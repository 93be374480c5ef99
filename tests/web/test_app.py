"""What every page keeps to: headers, languages, protection against forged and oversized requests, errors."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from controller.hall.commands import ChangePlan
from controller.hall.model import Text
from tests.store.halls import PLAN
from tests.web.desk import Desk, words

PAGES = ("/", "/hall/hall", "/sign-in")


@pytest.mark.parametrize("address", PAGES)
def test_public_pages_open_in_both_languages(desk: Desk, address: str) -> None:
    browser = desk.browser()
    chinese, english = browser.get(address), browser.get(f"{address}?lang=en")
    assert chinese.status_code == english.status_code == 200
    assert 'lang="zh-CN"' in chinese.get_data(as_text=True)
    assert "Sign in" in words(english)


def test_every_door_of_the_start_page_opens_for_whom_it_is_shown(desk: Desk) -> None:
    boss = desk.browser("boss")
    for page in ("/", "/hall/hall"):
        places = re.findall(r'<li><a (?:class="door" )?href="([^"]+)"', boss.get(page).get_data(as_text=True))
        assert "/devices" in places
        answers = {place: boss.get(place.split("?")[0]).status_code for place in places}
        assert set(answers.values()) == {200}


def test_no_line_ends_within_a_range_of_windows(desk: Desk) -> None:
    zones = (replace(PLAN.zones[0], name=Text("东区 1-4 号窗口", "East, windows 1-4")),)
    desk.give(ChangePlan(replace(PLAN, zones=zones)))
    assert "东区 1-\u20604 号窗口" in words(desk.browser().get("/hall/hall"))


def test_every_page_has_one_first_heading_and_a_title(desk: Desk) -> None:
    boss = desk.browser("boss")
    for address in (*PAGES, "/m/hall/", "/m/hall/tickets", "/status", "/devices", "/api/", "/nowhere"):
        text = boss.get(address).get_data(as_text=True)
        assert (address, len(re.findall(r"<h1[ >]", text))) == (address, 1)
        assert re.search(r"<title>[^<\s]", text)


def test_the_language_once_chosen_is_kept(desk: Desk) -> None:
    browser = desk.browser()
    browser.get("/?lang=en")
    assert "Service hall" in words(browser.get("/"))


def test_a_look_once_chosen_is_kept_and_an_unknown_one_is_not(desk: Desk) -> None:
    browser = desk.browser()
    browser.get("/?theme=dark")
    assert 'data-theme="dark"' in browser.get("/").get_data(as_text=True)
    assert 'data-theme="dark"' in browser.get("/?theme=pink%22").get_data(as_text=True)


@pytest.mark.parametrize("address", ["//evil.example/x", "/\\evil.example/x", "///evil.example"])
def test_the_switch_of_languages_never_leads_to_another_site(desk: Desk, address: str) -> None:
    page = desk.browser().get(f"http://localhost{address}").get_data(as_text=True)
    links = re.findall(r'href="([^"]*lang=en[^"]*)"', page)
    assert links
    assert all(re.match(r"/[^/\\]", link) for link in links)


def test_the_switch_of_languages_leads_from_a_refusal_back_to_the_page_of_the_form(desk: Desk) -> None:
    page = "http://localhost/sign-in?next=%2Fm%2Fhall%2F"
    browser = desk.browser()
    form = {**browser.hidden("/sign-in"), "number": "001", "password": "no"}
    answer = browser.client.post("/sign-in", data=form, headers={"Referer": page})
    assert 'href="/sign-in?next=%2Fm%2Fhall%2F&amp;lang=en"' in answer.get_data(as_text=True)


def test_pages_run_no_inline_script_and_may_not_be_framed(desk: Desk) -> None:
    answer = desk.browser("boss").get("/m/hall/")
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    text = answer.get_data(as_text=True)
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"\s(on[a-z]+|style)=\"", text)


def test_pages_of_people_are_not_kept_by_browsers_but_versioned_files_are(desk: Desk) -> None:
    browser = desk.browser("boss")
    assert browser.get("/m/hall/").headers["Cache-Control"] == "no-store"
    text = browser.get("/m/hall/").get_data(as_text=True)
    address = re.search(r'href="(/static/staff\.css\?v=\w+)"', text)
    assert address is not None
    assert "immutable" in browser.get(address[1]).headers["Cache-Control"]


def test_cookies_are_kept_from_scripts_and_other_sites(desk: Desk) -> None:
    answer = desk.browser().get("/sign-in")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_a_form_without_its_token_is_refused(desk: Desk) -> None:
    browser = desk.browser("li")
    answer = browser.client.post("/w/hall/1/login", data={"csrf": "0" * 64})
    assert answer.status_code == 403
    assert "页面已过期" in words(answer)
    assert desk.live.hall.sessions[1].clerk is None


def test_a_form_with_somebody_elses_token_is_refused(desk: Desk) -> None:
    stolen = desk.browser("wang").hidden("/w/hall/")["csrf"]
    answer = desk.browser("li").client.post("/w/hall/1/login", data={"csrf": stolen})
    assert answer.status_code == 403


@pytest.mark.parametrize("header", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_a_form_sent_by_another_site_is_refused(desk: Desk, header: dict[str, str]) -> None:
    browser = desk.browser("li")
    hidden = browser.hidden("/w/hall/")
    answer = browser.client.post("/w/hall/1/login", data=hidden, headers=header)
    assert answer.status_code == 403
    assert "别的网站" in words(answer)


@pytest.mark.parametrize(
    ("status", "method", "address", "text"),
    [
        (404, "GET", "/nowhere", "没有这个页面"),
        (404, "GET", "/w/elsewhere/1", "没有这个页面"),
        (405, "DELETE", "/sign-in", "不能这样使用"),
    ],
)
def test_errors_are_said_in_the_halls_words(
    desk: Desk, status: int, method: str, address: str, text: str
) -> None:
    browser = desk.browser("li")
    headers = {"X-CSRF": browser.hidden("/w/hall/")["csrf"]}
    answer = browser.client.open(address, method=method, headers=headers)
    assert answer.status_code == status
    assert text in words(answer)
    assert "Traceback" not in words(answer)


def test_an_error_for_a_program_is_json_in_both_languages(desk: Desk) -> None:
    answer = desk.browser().get("/nowhere", headers={"Accept": "application/json"})
    assert answer.status_code == 404
    assert answer.json is not None
    assert answer.json["error"]["zh"] == "没有这个页面。"
    assert answer.json["error"]["en"] == "There is no such page."


def test_what_is_too_large_is_refused(desk: Desk) -> None:
    browser = desk.browser()
    answer = browser.post("/sign-in", number="x" * 100_000)
    assert answer.status_code == 413
    assert "太大" in words(answer)


def test_a_mistake_of_ours_is_said_without_its_details(desk: Desk) -> None:
    desk.app.add_url_rule("/broken", view_func=lambda: 1 // 0)
    answer = desk.browser().get("/broken")
    assert answer.status_code == 500
    assert "ZeroDivision" not in answer.get_data(as_text=True)


def test_a_store_that_fails_is_said_and_not_hidden(desk: Desk) -> None:
    browser = desk.browser("boss")
    desk.site.store.close()
    assert browser.get("/m/hall/").status_code == 503
    assert browser.get("/readyz").status_code == 503


def test_files_of_the_screens_are_served_and_nothing_beside_them(desk: Desk) -> None:
    browser = desk.browser()
    assert browser.get("/static-pages/tokens.css").status_code == 200
    assert browser.get("/static-pages/../settings.py").status_code == 404
    assert browser.get("/static-pages/%2e%2e/cli.py").status_code == 404
