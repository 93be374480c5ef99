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
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "refuse":
                facts = {keyword.arg for keyword in node.keywords if keyword.arg}
                for code in _codes(node.args[0]):
                    calls.setdefault(code, set()).update(facts)
    return calls


def _codes(argument: ast.expr) -> set[str]:
    """The literal code, or the two codes check_desk chooses from."""
    if isinstance(argument, ast.Constant):
        return {str(argument.value)}
    return {"window_serving", "window_has_called"}


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
