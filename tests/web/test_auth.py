"""Signing in by a link that works once, by password, and being signed out."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import update

from controller.clock import real_now
from controller.store import tables
from tests.web.desk import Desk, words
from web.limits import Limit


def test_opening_a_link_asks_and_does_not_use_it_up(desk: Desk) -> None:
    token = desk.site.people.link("li", real_now())
    preview, browser = desk.browser(), desk.browser()
    assert "李强" in words(preview.get(f"/in/{token}"))
    answer = browser.post(f"/in/{token}", page=f"/in/{token}")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/w/hall/"


def test_a_link_works_once(desk: Desk) -> None:
    token = desk.site.people.link("li", real_now())
    first, second = desk.browser(), desk.browser()
    hidden = second.hidden(f"/in/{token}")
    first.post(f"/in/{token}", page=f"/in/{token}")
    answer = second.client.post(f"/in/{token}", data=hidden)
    assert answer.status_code == 410
    assert "已失效" in words(answer)


def test_a_link_is_too_old_after_fifteen_minutes(desk: Desk) -> None:
    token = desk.site.people.link("li", real_now() - timedelta(minutes=16))
    assert desk.browser().get(f"/in/{token}").status_code == 410


def test_a_link_that_was_never_given_says_no_more_than_that(desk: Desk) -> None:
    assert desk.browser().get("/in/guessed").status_code == 410


def test_a_manager_starts_at_the_board(desk: Desk) -> None:
    token = desk.site.people.link("boss", real_now())
    answer = desk.browser().post(f"/in/{token}", page=f"/in/{token}")
    assert answer.headers["Location"] == "/m/hall/"


def test_signing_out_ends_the_session_and_not_only_the_cookie(desk: Desk) -> None:
    browser = desk.browser("li")
    cookie = browser.client.get_cookie("sid")
    assert cookie is not None
    browser.post("/sign-out", page="/me")
    browser.client.set_cookie("sid", cookie.value)
    assert browser.get("/me").status_code == 302


def test_an_idle_desk_goes_on_showing_its_board_and_asks_before_anything_else(desk: Desk) -> None:
    browser = desk.browser("boss")
    csrf = browser.hidden("/me")["csrf"]
    with desk.site.store.writing() as c:
        c.execute(update(tables.login_session).values(seen_at=real_now() - timedelta(minutes=31)))
    assert browser.get("/m/hall/").status_code == 200
    assert browser.client.post("/m/hall/close", data={"csrf": csrf}).status_code == 401
    asked = browser.get("/m/hall/tickets").headers["Location"]
    assert "长时间未操作" in words(browser.get(asked))


def test_somebody_disabled_is_out_at_once(desk: Desk) -> None:
    browser = desk.browser("li")
    desk.site.people.set_active("li", False, real_now())
    assert browser.get("/me").status_code == 302


def test_a_password_signs_in_and_leads_back_to_where_one_was_going(desk: Desk) -> None:
    desk.site.people.set_password("li", "correct horse 7", real_now())
    browser = desk.browser()
    wanted = browser.get("/w/hall/").headers["Location"]
    answer = browser.post("/sign-in", page=wanted, number="001", password="correct horse 7", next="/w/hall/")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/w/hall/"


def test_an_address_that_tries_one_password_after_another_has_to_wait(desk: Desk) -> None:
    desk.app.extensions["sign_in_limit"] = Limit(burst=2, per_second=0.001)
    browser = desk.browser()
    tries = [browser.post("/sign-in", number=number, password="no") for number in ("001", "001", "002")]
    assert [answer.status_code for answer in tries] == [403, 403, 429]
    assert int(tries[-1].headers["Retry-After"]) >= 1


def test_who_signs_in_again_ends_the_session_before(desk: Desk) -> None:
    browser = desk.browser("li")
    before = browser.client.get_cookie("sid")
    token = desk.site.people.link("wang", real_now())
    browser.post(f"/in/{token}", page=f"/in/{token}")
    assert before is not None
    assert desk.site.people.signed_in(before.value, real_now()) is None
    assert "王芳" in words(browser.get("/me"))


def test_a_wrong_password_is_said_beside_the_form(desk: Desk) -> None:
    answer = desk.browser().post("/sign-in", number="001", password="no")
    assert answer.status_code == 403
    assert "工号或密码不对" in words(answer)


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "x"])
def test_signing_in_never_leads_to_another_site(desk: Desk, elsewhere: str) -> None:
    desk.site.people.set_password("li", "correct horse 7", real_now())
    answer = desk.browser().post("/sign-in", number="001", password="correct horse 7", next=elsewhere)
    assert answer.headers["Location"] == "/"


def test_who_was_given_a_password_sets_another_before_anything_else(desk: Desk) -> None:
    desk.site.people.set_password("boss", "correct horse 7", real_now())
    browser = desk.browser()
    browser.post("/sign-in", number="900", password="correct horse 7")
    assert browser.get("/m/hall/").headers["Location"] == "/me"
    assert browser.post("/m/hall/close", page="/me").status_code == 403
    assert "别人设置" in words(browser.get("/me"))
    assert browser.post("/me/password", page="/me", password="correct horse 7").status_code == 409
    done = browser.post("/me/password", page="/me", password="another horse 8")
    assert done.headers["Location"] == "/m/hall/"
    assert browser.get("/m/hall/").status_code == 200


def test_one_may_set_a_password_and_a_weak_one_is_refused(desk: Desk) -> None:
    browser = desk.browser("li")
    assert browser.post("/me/password", page="/me", password="short").status_code == 409
    assert browser.post("/me/password", page="/me", password="long enough 1").status_code == 302
    assert "已设置" in words(browser.get("/me"))


def test_one_sees_where_one_is_signed_in_and_signs_out_there(desk: Desk) -> None:
    here, first, second = (desk.browser("li") for _ in range(3))
    assert words(here.get("/me")).count("让其退出") == 2
    [session, _] = re.findall(r'name="session" value="(\w+)"', here.get("/me").get_data(as_text=True))
    here.post("/me/sessions/end", page="/me", session=session)
    assert words(here.get("/me")).count("让其退出") == 1
    here.post("/me/sessions/end", page="/me")
    assert "除本机外" not in words(here.get("/me"))
    assert [browser.get("/me").status_code for browser in (here, first, second)] == [200, 302, 302]


def test_who_has_another_role_is_told_so(desk: Desk) -> None:
    answer = desk.browser("guide").get("/w/hall/")
    assert answer.status_code == 403
    assert "不是您岗位" in words(answer)


def test_who_belongs_to_another_hall_is_told_so(desk: Desk) -> None:
    answer = desk.browser("far").get("/m/hall/")
    assert answer.status_code == 403
    assert "不归您管" in words(answer)
