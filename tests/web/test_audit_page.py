"""The page of the audit trail: what is found in it, by whom, and that it is proved whole."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from controller.anchors import Anchors
from controller.clock import real_now
from controller.hall.commands import Login
from controller.people import Role
from controller.store import tables
from controller.store.audit import audit
from controller.store.people import Person
from tests.web.desk import Browser, Desk, words


@pytest.fixture
def supervisor(desk: Desk) -> Browser:
    """Of every hall. Li and boss have done something today."""
    desk.site.people.add(
        Person("jian", "监察员", "600", None, frozenset({Role.SUPERVISOR}), True), real_now()
    )
    desk.browser("li").post("/w/hall/1/login", page="/w/hall/?choose=1")
    desk.browser("boss").post("/sign-out", page="/me")
    return desk.browser("jian")


def rows(browser: Browser, **asked: str) -> list[str]:
    """What stands in the table."""
    text = browser.get("/audit", query_string={"lang": "zh", **asked}).get_data(as_text=True)
    return text.partition("<tbody>")[2].partition("</tbody>")[0].split("<tr>")[1:]


def test_it_is_searched_by_person_and_action(supervisor: Browser) -> None:
    assert any("登录" in row for row in rows(supervisor))
    assert all("001" in row for row in rows(supervisor, who="李强"))
    assert all("900" in row for row in rows(supervisor, who="900"))
    assert [row for row in rows(supervisor, what="person.sign_out") if "退出登录" not in row] == []
    assert rows(supervisor, who="nobody") == []


def test_names_are_masked_on_the_page_and_in_the_file(supervisor: Browser) -> None:
    page, file = supervisor.get("/audit"), supervisor.get("/audit.csv")
    for text in (words(page).replace("监察员", ""), file.get_data(as_text=True)):
        assert "李*" in text
        assert not any(name in text for name in ("李强", "王芳", "周文静", "监察员"))


def test_taking_the_file_leaves_a_row(desk: Desk, supervisor: Browser) -> None:
    supervisor.get("/audit.csv?who=001")
    [row] = desk.site.people.trail(1, "audit.export")
    assert row["actor"] == "jian"
    assert row["details"]["who"] == "001"


def test_days_bound_what_is_found(supervisor: Browser) -> None:
    assert rows(supervisor, **{"from": "2020-01-01", "to": "2020-12-31"}) == []
    assert rows(supervisor, **{"from": "2020-01-01"})


def test_who_works_in_one_hall_sees_what_happened_there(desk: Desk) -> None:
    admin = frozenset({Role.ADMIN})
    desk.site.people.add(Person("here", "本厅", "661", "hall", admin, True), real_now())
    desk.site.people.add(Person("there", "别厅", "662", "elsewhere", admin, True), real_now())
    with desk.site.store.writing() as c:
        for subject in ("hall/window 1", "elsewhere/window 1"):
            audit("li", Login.__name__, subject, real_now())(c)
    here, there = (" ".join(rows(desk.browser(id), who="001")) for id in ("here", "there"))
    assert "hall/window 1" in here
    assert "elsewhere/window 1" not in here
    assert "elsewhere/window 1" in there


def test_a_changed_row_is_named(desk: Desk, supervisor: Browser) -> None:
    assert "记录完整" in words(supervisor.post("/audit/verify", page="/audit"))
    with desk.site.store.writing() as c:
        c.execute(update(tables.audit).where(tables.audit.c.id == 3).values(actor="wang"))
    assert "row 3 is not as it was written" in words(supervisor.post("/audit/verify", page="/audit"))


def test_an_anchor_a_day_shows_that_newer_rows_are_gone(desk: Desk, supervisor: Browser) -> None:
    anchors: Anchors = desk.site.anchors
    now = real_now()
    for moment in (now, now, now + timedelta(days=1)):
        anchors.take_for(moment)
    assert len(anchors.file.read_text().splitlines()) == 2
    assert anchors.verify().wrong is None
    with desk.site.store.writing() as c:
        newest = max(row.id for row in c.execute(tables.audit.select()))
        c.execute(tables.audit.delete().where(tables.audit.c.id == newest))
    assert "is gone" in str(anchors.verify().wrong)
