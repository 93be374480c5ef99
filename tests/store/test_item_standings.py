"""Which matters are taken on a day, and clean-ups that are kept or dropped, on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from itertools import product

import pytest

from controller.item_standing import BEGINS, Change, Standing
from controller.store import Store, clean_ups, item_standings
from controller.store.clean_ups import Body, CleanUp, State
from controller.store.devices import changes
from controller.store.items import Item, put_items
from tests.store.halls import DAY, MORNING

TOMORROW = DAY + timedelta(days=1)


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    with closing(Store.open(database, MORNING)) as store:
        yield store


def standing(change: Change) -> Standing:
    return Standing("事项", "部门", change=change, decision="x")


def test_what_holds_is_the_newest_that_has_begun(store: Store) -> None:
    """Every course of two changes on three days: the set of all agrees with what is said of each."""
    kinds, days = (Change.ADD, Change.ADJUST, Change.CANCEL), [DAY + timedelta(days=n) for n in (-1, 0, 1)]
    courses = dict(enumerate(product(kinds, days, kinds, days)))
    with store.writing() as c:
        put_items(c, [Item(str(n), "事项", "部门") for n in courses])
        for n, (first, first_day, second, second_day) in courses.items():
            item_standings.put(c, str(n), first_day, standing(first), "x", MORNING)
            item_standings.put(c, str(n), second_day, standing(second), "x", MORNING)
        away = item_standings.not_taken(c, DAY)
        for n, course in courses.items():
            assert (str(n) in away) is not item_standings.is_taken(c, str(n), DAY), course
            assert (str(n) in away) is _is_away(*course), course


def test_kiosks_are_told_beforehand_from_when_on_a_matter_is_no_longer_taken(store: Store) -> None:
    with store.writing() as c:
        put_items(c, [Item(code, "事项", "部门") for code in ("ends", "stays", "kept", "gone")])
        before = changes(c)
        item_standings.put(c, "ends", TOMORROW, standing(Change.CANCEL), "x", MORNING)
        assert changes(c) > before
        item_standings.put(c, "kept", TOMORROW, standing(Change.CANCEL), "x", MORNING)
        item_standings.put(c, "kept", TOMORROW, standing(Change.TAKE_OVER), "x", MORNING)  # a correction
        item_standings.put(c, "gone", DAY, standing(Change.CANCEL), "x", MORNING)
        assert item_standings.ends(c, DAY) == {"ends": TOMORROW}


def _is_away(first: Change, first_day: object, second: Change, second_day: object) -> bool:
    """By the rule: among those begun the last day counts, then the last entry; before any, a beginning."""
    rows = sorted([(first_day, 0, first), (second_day, 1, second)])  # type: ignore[type-var]
    begun = [change for day, _, change in rows if day <= DAY]  # type: ignore[operator]
    return begun[-1] is Change.CANCEL if begun else rows[0][2] in BEGINS


def test_a_clean_up_holds_from_its_day_and_keeps_what_it_changed(store: Store) -> None:
    with store.writing() as c:
        put_items(c, [Item("1", "一", "部门"), Item("2", "二", "部门")])
        rows = {"1": Standing("一（新）", "部门"), "3": Standing("三", "部门")}
        facts = ("清理", "x", TOMORROW, True, State.PROPOSED, Body(rows), "boss", MORNING)
        id = clean_ups.propose(c, CleanUp(0, *facts))
        one = clean_ups.find(c, id)
        assert one is not None
        found = clean_ups.keep(c, one, "boss", MORNING, DAY)
        assert item_standings.not_taken(c, DAY) == {"3"}
        assert item_standings.not_taken(c, TOMORROW) == {"2"}
        assert item_standings.held(c, DAY)["1"].standing.name == "一"
        assert item_standings.apply(c, TOMORROW)
        assert not item_standings.apply(c, TOMORROW)
        assert item_standings.held(c, TOMORROW)["1"].standing.name == "一（新）"
        kept = clean_ups.find(c, id)
        assert kept is not None
        assert clean_ups.changes(c, kept, TOMORROW) == found
