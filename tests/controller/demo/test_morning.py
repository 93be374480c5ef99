"""Preparing a day of the sample hall: what is made once, what goes on, what begins anew."""

from __future__ import annotations

import tomllib
from datetime import timedelta
from pathlib import Path

import pytest

from controller.clock import real_now
from controller.demo.hall import HALL, PEOPLE, QUEUES
from controller.demo.matters import sample_items
from controller.demo.morning import OPENS, Morning, hall_clock, prepare
from controller.demo.nodes import at_windows, bench_toml, button_of, sample_nodes
from controller.devices import Devices, check_config
from controller.hall.model import DayState, Hall
from controller.holidays import Holidays, shipped_calendar
from controller.item_standing import ItemList
from controller.settings import Settings
from controller.store import Store, log, publications
from controller.store.items import all_items
from controller.store.people import People
from firmware.protocol.messages import UnitConfig


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", demo=True)


def morning(settings: Settings, is_day_over: bool = False, speed: float = 8.0) -> Morning:
    folder = settings.data_dir.parent
    nodes = sample_nodes(folder / "run")
    return prepare(settings, nodes, folder / "units", speed, is_day_over=is_day_over)


def stored_hall(settings: Settings) -> Hall:
    store = Store.open(settings.database_url, real_now())
    try:
        with store.reading() as c:
            return log.load(c, HALL)[0]
    finally:
        store.close()


def test_a_fresh_folder_becomes_a_hall_about_to_open(settings: Settings):
    made = morning(settings)
    hall = stored_hall(settings)
    assert made.is_new_day
    assert shipped_calendar().is_working(made.date)
    assert hall.day is not None
    assert (hall.day.date, hall.day.state) == (made.date, DayState.OPEN)
    assert hall.day.opened_at.astimezone(settings.zone).time().replace(second=0, microsecond=0) == OPENS
    assert {queue.code for queue in hall.plan.queues} == {queue.code for queue in QUEUES}


def test_people_items_and_units_are_there(settings: Settings):
    morning(settings)
    store = Store.open(settings.database_url, real_now())
    try:
        assert {person.id for person in People(store).all()} == {one.id for one in PEOPLE}
        with store.reading() as c:
            items = all_items(c)
        assert len(items) == len(list(sample_items()))
        assert all(item.is_sample for item in items)
        assert set(Devices(store, settings).book.units) == {"node-1", "node-2", "node-3", "node-4"}
    finally:
        store.close()


def test_a_second_start_goes_on_with_the_same_day_and_secrets(settings: Settings):
    first = morning(settings)
    file = settings.data_dir.parent / "units" / "node-1.toml"
    secret, stopped_at = tomllib.loads(file.read_text())["token"], hall_clock(settings).now()
    second = morning(settings, speed=2.0)
    assert (second.date, second.is_new_day) == (first.date, False)
    assert tomllib.loads(file.read_text())["token"] == secret
    assert file.stat().st_mode & 0o777 == 0o600
    assert abs(hall_clock(settings).now() - stopped_at) < timedelta(minutes=10)
    assert hall_clock(settings).speed == 2.0


def test_a_lost_unit_file_gets_a_new_secret(settings: Settings):
    morning(settings)
    file = settings.data_dir.parent / "units" / "node-2.toml"
    secret = tomllib.loads(file.read_text())["token"]
    file.unlink()
    morning(settings)
    assert tomllib.loads(file.read_text())["token"] not in ("", secret)


def test_after_a_finished_day_comes_the_next_working_day(settings: Settings):
    first = morning(settings)
    second = morning(settings, is_day_over=True)
    assert second.is_new_day
    assert second.date > first.date
    day = stored_hall(settings).day
    assert day is not None
    assert (day.date, day.state) == (second.date, DayState.OPEN)


def test_the_hall_stays_shut_on_a_day_laid_down_as_free(settings: Settings):
    first = morning(settings)
    store = Store.open(settings.database_url, real_now())
    try:
        holidays = Holidays(store)
        free = holidays.calendar.after(first.date, 1).day
        holidays.lay_down(free, True, "县庆", "manager")
    finally:
        store.close()
    assert morning(settings, is_day_over=True).date > free


def test_the_sample_belongs_to_a_centre_and_has_published_lists(settings: Settings):
    morning(settings)
    store = Store.open(settings.database_url, real_now())
    try:
        director = People(store).get("director")
        assert director is not None
        assert director.halls == {HALL}
        with store.reading() as c:
            lists = publications.newest(c)
        assert lists is not None
        assert len(lists.members) == len(list(sample_items()))
        assert {kind for one in lists.members for kind in one.lists} == set(ItemList)
    finally:
        store.close()


# --- what hangs at the nodes

CAMERA_PORT = 8123


def test_every_node_has_a_configuration_that_holds_together():
    for node in sample_nodes(Path("/run/x"), CAMERA_PORT):
        config = UnitConfig(rev=1, position=node.name, devices=list(node.devices))
        check_config(node.name, config)


def test_both_ends_of_every_wire_are_named_alike():
    for node in sample_nodes(Path("/run/x"), CAMERA_PORT):
        bench = tomllib.loads(bench_toml(node, Path("/run/x"), 0, 1.0))
        drawn = {device["device"]: device for device in bench["device"]}
        assert set(drawn) == {one.device for one in node.devices if one.kind != "screen"}
        for one in node.devices:
            if one.kind in ("keypad", "led"):
                assert one.wire == f"serial:/run/x/{node.name}/{drawn[one.device]['link']}?baud=9600"
                assert one.address == drawn[one.device]["address"]
            if one.kind == "camera":
                assert drawn[one.device]["port"] == CAMERA_PORT


def test_every_queue_has_a_button_and_every_window_a_keypad_and_a_bar():
    nodes = sample_nodes(Path("/run/x"))
    assert all(button_of(nodes, queue.code) for queue in QUEUES)
    assert button_of(nodes, "A", is_green=True) != button_of(nodes, "A")
    assert button_of(nodes, "B", is_green=True) is None
    assert set(at_windows(nodes, "keypad")) == set(at_windows(nodes, "led")) == set(range(1, 9))
