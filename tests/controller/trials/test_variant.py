"""What may be different: read as people write it, and in force where it was meant to be."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.hall import engine
from controller.hall.balance import next_ticket
from controller.hall.model import Rules, Serves, TicketClass
from controller.trials.variant import (
    RULES,
    BadVariant,
    Variant,
    changed_plan,
    rule_of,
    ruled_at,
    served,
    settings_of,
)
from tests.halls import Told, after, go, small, small_plan, take


def green_behind() -> Told:
    """Somebody waits longer than a green ticket does; windows 1 and 2 serve both."""
    state = small()
    state = go(state, take(state, "A"), after(minutes=5))
    state = go(state, take(state, "A", klass=TicketClass.GREEN), after(minutes=5))
    return state


def choice(state: Told, window: int) -> int | None:
    found = next_ticket(state.hall, window, state.now)
    return None if found is None else found.ticket


def test_a_window_with_a_rule_of_its_own_follows_it_and_the_others_do_not() -> None:
    state = green_behind()
    assert (choice(state, 1), choice(state, 2)) == (2, 2)
    hall = engine.with_plan(state.hall, ruled_at(state.hall.plan, "oldest", 2))
    state = replace(state, hall=hall)
    assert (choice(state, 1), choice(state, 2)) == (2, 1)
    back = engine.with_plan(hall, ruled_at(hall.plan, "", 2))
    assert choice(replace(state, hall=back), 2) == 2


def test_a_rule_for_all_is_in_force_everywhere() -> None:
    state = green_behind()
    hall = engine.with_plan(state.hall, changed_plan(state.hall.plan, Variant(rule="oldest")))
    assert [choice(replace(state, hall=hall), window) for window in (1, 2)] == [1, 1]


@pytest.mark.parametrize("name", RULES)
def test_every_rule_knows_its_name(name: str) -> None:
    assert rule_of(changed_plan(small_plan(), Variant(rule=name)).rules.balance) == name


def test_settings_are_read_as_they_are_written() -> None:
    settings = {
        "close_grace": "45m",
        "call_every": "off",
        "misses_allowed": "3",
        "balance.short_first": "0.5",
    }
    rules = changed_plan(small_plan(), Variant(settings=settings)).rules
    assert (rules.close_grace, rules.call_every, rules.misses_allowed) == (timedelta(minutes=45), None, 3)
    assert rules.balance.short_first == 0.5
    assert changed_plan(small_plan(), Variant(settings=settings_of(Rules()))).rules == Rules()


def test_windows_serve_what_is_written() -> None:
    plan = changed_plan(small_plan(), Variant(windows={"1": "B A@2 T@1!"}))
    assert plan.windows[0].serves == (Serves("B"), Serves("A", 2), Serves("T", 1, overflow=True))
    assert served(plan.windows[0]) == "B A@2 T@1!"


@pytest.mark.parametrize(
    ("variant", "where", "code"),
    [
        (Variant(rule="fastest"), "rule", "unknown_rule"),
        (Variant(rule="oldest", rule_at=9), "rule_at", "unknown_window"),
        (Variant(settings={"colour": "red"}), "settings", "unknown_setting"),
        (Variant(settings={"balance": "1"}), "settings", "unknown_setting"),
        (Variant(settings={"close_grace": "soon"}), "settings", "bad_setting"),
        (Variant(settings={"close_grace": "off"}), "settings", "bad_setting"),
        (Variant(settings={"balance.pressure": "nan"}), "settings", "bad_setting"),
        (Variant(windows={"9": "A"}), "windows", "unknown_window"),
        (Variant(windows={"1": "Z"}), "windows", "unknown_queue"),
        (Variant(windows={"1": "A@high"}), "windows", "bad_serves"),
    ],
)
def test_what_cannot_be_tried_is_refused(variant: Variant, where: str, code: str) -> None:
    with pytest.raises(BadVariant) as caught:
        changed_plan(small_plan(), variant)
    assert (caught.value.where, caught.value.code) == (where, code)
