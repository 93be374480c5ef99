"""The register of conduct on both engines: entered once, corrected by new rows, gone in time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from controller.conduct import USUAL, What
from controller.hall.model import Refused, Text
from controller.people import Role
from controller.store import Store, conduct
from controller.store.conduct import Wanted
from controller.store.people import People, Person
from tests.store.halls import DAY, MORNING

LI = Person("li", "李强", "001", "hall", frozenset({Role.CLERK}), True, home_unit="甲局")
BOSS = Person("boss", "周", "900", None, frozenset({Role.HALL_MANAGER}), True)
DIRECTOR = Person("chief", "郑", "901", None, frozenset({Role.DIRECTOR}), True)
MONTH = Wanted(DAY, DAY + timedelta(days=30), ["hall"])


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    with closing(Store.open(database, MORNING)) as store:
        for one in (LI, BOSS, DIRECTOR):
            People(store).add(one, MORNING)
        yield store


def test_an_entry_goes_its_way_in_rows_that_stay(store: Store) -> None:
    with store.writing() as c:
        twice = [
            conduct.enter(c, "hall", LI, "late", DAY, "9:10", BOSS, MORNING, DAY, key="k") for _ in range(2)
        ]
        id = twice[0]
        assert twice == [id, id]
        conduct.take(c, id, What.CORRECTED, "其实脱岗", BOSS, MORNING, kind="away")
        conduct.take(c, id, What.OBJECTED, "在复印", LI, MORNING)
        conduct.answer(c, id, True, "属实", DIRECTOR, MORNING)
    with store.reading() as c:
        [entry] = conduct.listed(c, MONTH)
    steps = [What.ENTERED, What.CORRECTED, What.OBJECTED, What.ANSWERED, What.WITHDRAWN]
    assert [step.what for step in entry.steps] == steps
    assert [step.points for step in entry.steps] == [-1, -3, -3, -3, 0]
    assert entry.home_unit == "甲局"


def test_entries_keep_the_name_and_the_points_they_were_made_with(store: Store) -> None:
    new = [replace(one, points=-9, name=Text("晚到", "Late")) for one in USUAL if one.code != "phone"]
    with store.writing() as c:
        id = conduct.enter(c, "hall", LI, "late", DAY, "", BOSS, MORNING, DAY)
        conduct.put_kinds(c, "hall", new, "boss", MORNING)
        found = conduct.find(c, id)
        assert found is not None
        assert (found.fact.points, found.fact.name) == (-1, USUAL[0].name)
        with pytest.raises(Refused, match="not used any more"):
            conduct.enter(c, "hall", LI, "phone", DAY, "", BOSS, MORNING, DAY)
        assert conduct.kinds(c, "elsewhere") == USUAL
        assert {one.code for one in conduct.kinds(c, "hall") if not one.is_used} == {"phone"}


def test_what_is_old_goes_and_words_go_with_the_person(store: Store) -> None:
    with store.writing() as c:
        for day in (DAY - timedelta(days=9), DAY):
            conduct.enter(c, "hall", LI, "late", day, "雨天", BOSS, MORNING, DAY)
        assert conduct.forget(c, DAY) == 1
        assert conduct.oldest(c) == DAY
        assert conduct.forget_words(c, "li") == 1
        [entry] = conduct.listed(c, MONTH)
        assert entry.fact.words == ""
