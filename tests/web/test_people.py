"""The administrator's pages of people: adding, changing, shutting out, giving ways in - each in its hall."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from controller.clock import real_now
from controller.hall.commands import Login
from controller.people import Role
from controller.policy import TRIES
from controller.store.people import BadPassword, Person
from tests.web.desk import Browser, Desk, words

ADMIN = Person("admin", "管理员", "990", None, frozenset({Role.ADMIN}), True)
LOCAL = Person("local", "本厅管理员", "991", "hall", frozenset({Role.ADMIN}), True)
NEW = {"name": "陈晨", "number": "017", "hall": "hall", "role": "clerk"}


@pytest.fixture
def admin(desk: Desk) -> Iterator[Browser]:
    """A browser of the administrator of every hall."""
    desk.site.people.add(ADMIN, real_now())
    return desk.browser("admin")


@pytest.fixture
def local(desk: Desk, admin: Browser) -> Browser:
    """A browser of the administrator of the hall "hall"."""
    desk.site.people.add(LOCAL, real_now())
    return desk.browser("local")


def test_a_person_is_added_and_can_work_at_a_window(desk: Desk, admin: Browser) -> None:
    answer = admin.post("/people/new", page="/people/new", **NEW)
    assert answer.headers["Location"] == "/people/p017?done=added"
    assert desk.site.people.find("017").roles == {Role.CLERK}
    desk.give(Login(1, "p017"))
    [row] = desk.site.people.trail(1, "person.add")
    assert (row["actor"], row["subject"]) == ("admin", "p017")


def test_a_staff_number_is_given_once_and_what_was_typed_stays(desk: Desk, admin: Browser) -> None:
    answer = admin.post("/people/new", page="/people/new", **{**NEW, "number": "001"})
    assert answer.status_code == 409
    assert "已经是李强的" in words(answer)
    assert 'value="陈晨"' in answer.get_data(as_text=True)


def test_the_list_is_searched_filtered_and_exported(desk: Desk, admin: Browser) -> None:
    desk.site.people.set_active("wang", False, real_now())
    assert "李强" in words(admin.get("/people?q=李"))
    assert "王芳" not in words(admin.get("/people?q=李"))
    assert "王芳" in words(admin.get("/people?state=disabled"))
    assert "没有符合" in words(admin.get("/people?q=nobody"))
    text = admin.get("/people.csv?role=hall_manager&lang=zh").get_data(as_text=True)
    assert [line.split(",")[0] for line in text.splitlines()[1:]] == ["远*", "周*"]


def test_a_change_is_undone_with_one_key(desk: Desk, admin: Browser) -> None:
    answer = admin.post("/people/li", page="/people/li", name="李力", number="001", hall="", role="guide")
    assert desk.site.people.find("li").name == "李力"
    form = answer.get_data(as_text=True).partition("撤销")[0].rpartition("<form")[2]
    back = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
    admin.client.post("/people/li", data=back)
    li = desk.site.people.find("li")
    assert (li.name, li.roles) == ("李强", {Role.CLERK})
    changes = [row["details"] for row in desk.site.people.trail(2, "person.change")]
    assert changes[1] == {"words": ["name"], "roles": [["clerk"], ["guide"]]}


def test_a_shut_account_is_out_at_once_and_let_in_again(desk: Desk, admin: Browser) -> None:
    browser = desk.browser("li")
    admin.post("/people/li/disable", page="/people/li")
    assert browser.get("/me").status_code == 302
    assert "li" not in desk.live.hall.clerks
    admin.post("/people/li/enable", page="/people/li")
    assert desk.site.people.find("li").is_active
    assert "li" in desk.live.hall.clerks


def test_who_is_at_a_window_stays_its_clerk_while_it_is_staffed(desk: Desk, admin: Browser) -> None:
    desk.give(Login(1, "li"))
    admin.post("/people/li/disable", page="/people/li")
    assert "li" in desk.live.hall.clerks


def test_a_new_password_is_shown_once_and_has_to_be_replaced(desk: Desk, admin: Browser) -> None:
    answer = admin.post("/people/li/password", page="/people/li")
    [password] = re.findall(r'class="secret"[^>]*>([^<]+)<', answer.get_data(as_text=True))
    browser = desk.browser()
    browser.post("/sign-in", number="001", password=password)
    assert browser.get("/w/hall/").headers["Location"] == "/me"
    assert password not in words(admin.get("/people/li"))
    assert password not in str(desk.site.people.trail())


def test_a_link_made_on_the_page_signs_in(desk: Desk, admin: Browser) -> None:
    answer = admin.post("/people/li/link", page="/people/li")
    [link] = re.findall(r"http://[^<\s]+(/in/[\w-]+)", answer.get_data(as_text=True))
    assert desk.browser().post(link, page=link).headers["Location"] == "/w/hall/"


def test_somebody_locked_out_is_shown_and_unlocked(desk: Desk, admin: Browser) -> None:
    people = desk.site.people
    people.set_password("li", "correct horse 7", real_now())
    for _ in range(TRIES):
        with pytest.raises(BadPassword):
            people.sign_in("001", "wrong", real_now())
    assert "李强" in words(admin.get("/people?state=locked"))
    admin.post("/people/li/unlock", page="/people/li")
    assert people.sign_in("001", "correct horse 7", real_now() + timedelta(seconds=1))


def test_somebodys_sessions_are_ended(desk: Desk, admin: Browser) -> None:
    browser = desk.browser("li")
    admin.post("/people/li/sessions_end", page="/people/li")
    assert browser.get("/me").status_code == 302


def test_nobody_takes_the_own_right_away(desk: Desk, admin: Browser) -> None:
    for address, form in (("/people/admin/disable", {}), ("/people/admin", {"name": "x", "role": "guide"})):
        answer = admin.post(address, page="/people/admin", **form)
        assert answer.status_code == 409
        assert "只能由别的管理员" in words(answer)
    assert desk.site.people.find("admin").actor == ADMIN.actor


def test_the_last_administrator_of_every_hall_stays_one(desk: Desk, local: Browser) -> None:
    """Also on the command line; the administrator of one hall does not count for all."""
    with pytest.raises(Exception, match="last administrator"):
        desk.site.people.set_active("admin", False, real_now())
    desk.site.people.change(replace(LOCAL, hall=None), real_now())
    desk.site.people.set_active("admin", False, real_now())


def test_an_administrator_of_one_hall_sees_and_changes_its_people_only(desk: Desk, local: Browser) -> None:
    assert "远方" not in words(local.get("/people"))
    assert "本厅管理员" in words(local.get("/people"))
    assert local.get("/people/li").status_code == 403  # li works in every hall
    assert local.post("/people/far/disable", page="/people").status_code == 403
    assert local.post("/people/new", page="/people/new", **{**NEW, "hall": ""}).status_code == 409
    assert local.post("/people/new", page="/people/new", **NEW).status_code == 303


def test_a_person_nobody_knows_is_not_found(admin: Browser) -> None:
    assert admin.get("/people/nobody").status_code == 404
