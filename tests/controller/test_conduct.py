"""Who may do what to an entry of the register of conduct, and what a month comes to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from controller.conduct import Entry, Step, What, check_enters, check_may, deciders, possible, summed
from controller.hall.model import Refused
from controller.people import NotAllowed, Role
from controller.store.people import Person
from tests.store.halls import DAY, MORNING


def person(id: str, *roles: Role, hall: str | None = None, unit: str | None = None) -> Person:
    return Person(id, id, None, hall, frozenset(roles), True, home_unit=unit)


LI = person("li", Role.CLERK, Role.WINDOW_LEAD, hall="hall", unit="甲局")
BOSS, OTHER = person("boss", Role.HALL_MANAGER), person("other", Role.HALL_MANAGER)
FAR = person("far", Role.HALL_MANAGER, Role.DIRECTOR, Role.SUPERVISOR, hall="elsewhere")
DIRECTOR, ADMIN = person("chief", Role.DIRECTOR), person("root", Role.ADMIN)
LEAD = person("lead", Role.WINDOW_LEAD, hall="hall", unit="甲局")
STRANGER = person("stranger", Role.DEPARTMENT_ADMIN, unit="乙局")
EVERYBODY = (LI, BOSS, OTHER, FAR, DIRECTOR, ADMIN, LEAD, STRANGER)
NEW, FIX, AWAY, NO, SAID, READ = (What(one) for one in What)


def entry(*steps: tuple[What, Person], points: int = -1) -> Entry:
    made = [Step(MORNING, by.id, what, "late", 0 if what is AWAY else points, "") for what, by in steps]
    return Entry(1, "hall", "li", "甲局", DAY, made)


@pytest.mark.parametrize(
    ("made", "by", "may"),
    [
        ([(NEW, BOSS)], BOSS, {FIX, AWAY}),
        ([(NEW, BOSS)], DIRECTOR, set()),
        ([(NEW, BOSS)], FAR, set()),
        ([(NEW, BOSS)], ADMIN, set()),
        ([(NEW, BOSS)], LEAD, {READ}),
        ([(NEW, BOSS)], STRANGER, set()),
        ([(NEW, BOSS)], LI, {READ, NO}),
        ([(NEW, BOSS), (READ, LI)], LI, {NO}),
        ([(NEW, BOSS), (READ, LEAD), (FIX, BOSS)], LEAD, {READ}),
        ([(NEW, BOSS), (NO, LI)], BOSS, {FIX, AWAY}),
        ([(NEW, BOSS), (NO, LI)], OTHER, {FIX, AWAY, SAID}),
        ([(NEW, BOSS), (NO, LI)], DIRECTOR, {SAID}),
        ([(NEW, BOSS), (NO, LI)], LI, set()),
        ([(NEW, BOSS), (NO, LI), (SAID, OTHER)], LI, {READ}),
        ([(NEW, BOSS), (NO, LI), (SAID, OTHER), (FIX, OTHER)], LI, {READ, NO}),
        ([(NEW, BOSS), (AWAY, BOSS)], BOSS, set()),
        ([(NEW, BOSS), (AWAY, BOSS)], LI, {READ}),
    ],
)
def test_each_may_do_what_is_theirs(made: Iterable[tuple[What, Person]], by: Person, may: set[What]) -> None:
    one = entry(*made)
    assert possible(one, by, EVERYBODY) == may
    for what in set(What) - may:
        with pytest.raises(Refused):
            check_may(one, what, by, EVERYBODY)


@pytest.mark.parametrize(
    ("there", "who"),
    [
        ([LI, BOSS, OTHER, DIRECTOR, LEAD], [OTHER, DIRECTOR]),
        ([LI, BOSS, FAR, LEAD, STRANGER, ADMIN], [LEAD]),
        ([LI, BOSS, replace(OTHER, is_active=False)], []),
    ],
)
def test_an_objection_goes_to_others_of_the_hall_else_to_the_home_unit(
    there: list[Person], who: list[Person]
) -> None:
    one = entry((NEW, BOSS), (NO, LI))
    assert deciders(one, there) == who
    assert [by for by in there if SAID in possible(one, by, there)] == who


def test_only_the_managers_of_a_hall_enter_and_never_about_themselves() -> None:
    check_enters(BOSS, LI, "hall")
    for by, about in ((DIRECTOR, LI), (LEAD, LI), (FAR, LI), (BOSS, FAR)):
        with pytest.raises(NotAllowed):
            check_enters(by, about, "hall")
    both = person("both", Role.HALL_MANAGER, Role.CLERK)
    with pytest.raises(NotAllowed):
        check_enters(both, both, "hall")


def test_a_score_is_a_hundred_less_deductions_and_at_most_five_more() -> None:
    month = [entry((NEW, BOSS), points=points) for points in (-3, -2, 4, 4)]
    month.append(entry((NEW, BOSS), (AWAY, BOSS), points=-20))
    found = summed(month)
    assert (found.entries, found.people, found.deducted, found.added) == (4, 1, 5, 8)
    assert found.score == 100
