"""A and B persons, and who stands in (S0.33)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from controller.store.rosters import Turn
from controller.substitutes import Leave, Pair, uncovered, with_substitutes
from tests.store.halls import PLAN

MONDAY = date(2026, 3, 2)
PAIRS = [Pair("A", "li", "wang")]
AWAY = [Leave(1, "li", MONDAY, MONDAY)]
TURN = Turn(MONDAY, 1, 540, 720, "li")


def test_the_b_person_has_the_turns_of_who_is_on_leave() -> None:
    assert with_substitutes([TURN], PLAN, PAIRS, AWAY) == [replace(TURN, clerk="wang")]


def test_on_other_days_the_a_person_sits_as_planned() -> None:
    tuesday = replace(TURN, day=date(2026, 3, 3))
    assert with_substitutes([tuesday], PLAN, PAIRS, AWAY) == [tuesday]


def test_a_b_person_who_sits_elsewhere_then_leaves_the_turn_to_anybody() -> None:
    other = Turn(MONDAY, 2, 600, 660, "wang")
    assert with_substitutes([TURN, other], PLAN, PAIRS, AWAY)[0].clerk is None


def test_both_away_is_an_alarm() -> None:
    both = [*AWAY, Leave(2, "wang", MONDAY, MONDAY)]
    assert uncovered(PAIRS, AWAY, MONDAY) == []
    assert uncovered(PAIRS, both, MONDAY) == PAIRS
