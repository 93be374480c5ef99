"""Every reason for a refusal is in the table, and every reason in the table can be met."""

from __future__ import annotations

import ast
from pathlib import Path
from string import Formatter

import pytest

from controller.hall import engine
from controller.hall.refusals import REFUSALS, refuse
from tests.halls import refusal, small, take

HALL = Path(engine.__file__).parent


def raised() -> dict[str, set[str]]:
    """Code -> names of the facts given, of every refuse(...) in the hall."""
    calls: dict[str, set[str]] = {}
    for path in HALL.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                for code, facts in _codes(node):
                    calls.setdefault(code, set()).update(facts)
    return calls


def _codes(call: ast.Call) -> list[tuple[str, set[str]]]:
    """The literal code of a refusal, one that the plan's check of doubles is given, or the two codes that
    check_desk chooses from; with the facts."""
    name, first = getattr(call.func, "id", ""), call.args[0] if call.args else None
    facts = {keyword.arg for keyword in call.keywords if keyword.arg}
    if name == "_twice" and isinstance(first, ast.Constant) and str(first.value).startswith("plan_"):
        return [(str(first.value), {"name", "count"})]
    if name != "refuse":
        return []
    if isinstance(first, ast.Constant):
        return [(str(first.value), facts)]
    return [] if "count" in facts else [(code, facts) for code in ("window_serving", "window_has_called")]


def test_every_code_that_is_raised_is_listed_and_the_other_way_round() -> None:
    assert set(raised()) == set(REFUSALS)


@pytest.mark.parametrize("code", sorted(REFUSALS))
def test_a_sentence_mentions_only_the_facts_it_is_given(code: str) -> None:
    mentioned = {name for _, name, _, _ in Formatter().parse(REFUSALS[code]) if name}
    assert mentioned == raised()[code]


def test_a_refusal_carries_code_sentence_and_facts() -> None:
    refused = refuse("window_serving", window=3, number="B017")
    assert (refused.code, str(refused)) == ("window_serving", "window 3 is still serving B017")
    assert refused.facts == {"window": 3, "number": "B017"}


def test_a_refused_command_changes_nothing() -> None:
    state = small("A A")
    before = state.hall
    refusal(state, take(state, "X"))
    assert state.hall == before
