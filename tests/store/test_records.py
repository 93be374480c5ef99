"""The few plain rows about the site: halls, counters, named values, the clock."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from controller.clock import ClockSetting
from controller.hall.model import Text
from controller.store import records
from tests.store.halls import MORNING, open_store


def test_a_hall_gets_another_name_and_keeps_its_place(database: str) -> None:
    store = open_store(database)
    with store.writing() as c:
        records.add_hall(c, "old", Text("旧", "Old"), MORNING)
        records.add_hall(c, "new", Text("新", "New"), MORNING + timedelta(days=1))
        records.add_hall(c, "old", Text("老", "Older"), MORNING + timedelta(days=2))
        found = records.all_halls(c)
    store.close()
    assert list(found.items()) == [("old", Text("老", "Older")), ("new", Text("新", "New"))]


def test_a_counter_goes_on_after_a_restart(database: str) -> None:
    numbers = []
    for _ in range(3):
        store = open_store(database)
        with store.writing() as c:
            numbers.append(records.count_up(c, "generation"))
        store.close()
    assert numbers == [1, 2, 3]


def test_two_programs_are_never_given_the_same_number(database: str) -> None:
    stores = [open_store(database) for _ in range(2)]

    def next_number(n: int) -> int:
        with stores[n % 2].writing() as c:
            return records.count_up(c, "changes")

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(next_number, range(40))) == list(range(1, 41))
    for store in stores:
        store.close()


def test_a_named_value_is_overwritten(database: str) -> None:
    store = open_store(database)
    with store.writing() as c:
        records.put_meta(c, "colour", "red")
        records.put_meta(c, "colour", "blue")
        assert records.get_meta(c, "colour") == "blue"
    store.close()


def test_the_clock_is_remembered(database: str) -> None:
    setting = ClockSetting(MORNING, timedelta(days=3, microseconds=7), 10.0)
    store = open_store(database)
    with store.writing() as c:
        assert records.load_clock(c) is None
        records.save_clock(c, ClockSetting(MORNING))
        records.save_clock(c, setting)
        assert records.load_clock(c) == setting
    store.close()
