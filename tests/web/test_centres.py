"""Centres above halls: whose people work where (S0.01, S0.04, S4.03)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.clock import real_now
from controller.hall.model import Refused, Text
from controller.network import Level, Network, Point, check_point
from controller.people import Role
from controller.store.people import Person
from tests.web.desk import Desk, words

COUNTY = Point("c", Text("县中心", "County"), Level.COUNTY)
TOWN = Point("t", Text("乡中心", "Town"), Level.TOWNSHIP, "c")
VILLAGE = Point("v", Text("村站", "Village"), Level.VILLAGE, "t")
GROUP = Point("g", Text("代办点", "Agent"), Level.GROUP, "v")
TREE = Network({one.id: one for one in (COUNTY, TOWN, VILLAGE, GROUP)}, {"hall": "t", "other": "c"})


def test_a_group_agent_point_shows_its_full_path() -> None:
    assert [one.level.value for one in TREE.path("g")] == ["group", "village", "township", "county"]


def test_a_hall_counts_once_in_every_point_above_it() -> None:
    assert [TREE.halls_of(id) for id in ("g", "t", "c")] == [set(), {"hall"}, {"hall", "other"}]


def test_three_levels_are_a_network_as_well() -> None:
    check_point(Network({"c": COUNTY}), replace(VILLAGE, parent="c"))


def test_no_point_reports_to_one_below_it() -> None:
    with pytest.raises(Refused):
        check_point(TREE, replace(COUNTY, parent="g"))


def test_who_works_for_a_centre_works_in_its_halls_and_nowhere_else() -> None:
    of_town = Person("a", "某", None, None, frozenset(), True, centre="t", halls_of_centre=TREE.halls_of("t"))
    assert [of_town.works_in(hall) for hall in ("hall", "other")] == [True, False]


@pytest.mark.both_engines
def test_an_administrator_makes_a_centre_and_its_manager_opens_the_board(desk: Desk) -> None:
    desk.site.people.add(Person("root", "系管", "01", None, frozenset({Role.ADMIN}), True), real_now())
    root = desk.browser("root")
    root.post("/centres", page="/centres", zh="彭阳县中心", level="county")
    with desk.site.store.reading() as c:
        [id] = [row.id for row in c.exec_driver_sql("SELECT id FROM service_point")]
    root.post("/centres/halls/hall", page="/centres", centre=id)
    form = {
        "name": "县管理员",
        "number": "77",
        "hall": f"centre:{id}",
        "role": "hall_manager",
        "home_unit": "人社局",
    }
    root.post("/people/new", page="/people/new", **form)
    manager = desk.browser("p77")
    assert manager.get("/m/hall/").status_code == 200
    assert "彭阳县中心" in words(manager.get("/centres"))
    assert "人社局" in root.get("/people").get_data(as_text=True)
    root.post(
        "/people/p77", page="/people/p77", **{**form, "role": "guide"}
    )  # the role goes, the person stays
    assert manager.get("/m/hall/close").status_code == 403
    assert "县管理员" in words(root.get("/people"))


def test_a_centre_that_is_used_is_not_removed(desk: Desk) -> None:
    desk.site.people.add(Person("root", "系管", "01", None, frozenset({Role.ADMIN}), True), real_now())
    root = desk.browser("root")
    root.post("/centres", page="/centres", zh="县中心", level="county")
    with desk.site.store.reading() as c:
        [id] = [row.id for row in c.exec_driver_sql("SELECT id FROM service_point")]
    root.post("/centres/halls/hall", page="/centres", centre=id)
    assert root.post(f"/centres/{id}/remove", page="/centres").status_code == 409
    root.post("/centres/halls/hall", page="/centres")
    assert root.post(f"/centres/{id}/remove", page="/centres").status_code == 303


def test_a_unit_sees_its_own_people_and_no_others(desk: Desk) -> None:
    boss = Person("unit", "部门", "02", "hall", frozenset({Role.DEPARTMENT_ADMIN}), True, home_unit="人社局")
    sent = Person("sent", "派驻员", "03", "hall", frozenset({Role.CLERK}), True, home_unit="人社局")
    for one in (boss, sent):
        desk.site.people.add(one, real_now())
    shown = words(desk.browser("unit").get("/unit"))
    assert "03" in shown
    assert "001" not in shown
