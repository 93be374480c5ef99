"""Requests nobody would think of, made from the API's document: every answer is one it tells of.

They are the same in every run. Checked are those things Schemathesis knows: no 5xx, no status, type or
header the document does not have, every body as its schema says, what is wrong refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode

from controller.hall.commands import CallNext, Login
from tests.web.desk import Desk, open_desk
from web.limits import Limit

EXAMPLES = 8  # of each operation and mode
SAME = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A hall where somebody waits and somebody is called; nobody is told to slow down."""
    folder: Path = tmp_path_factory.mktemp("hall")
    with open_desk(folder) as desk:
        desk.app.extensions["ticket_limit"] = Limit(burst=100_000, per_second=1000.0)
        desk.app.config["POLL_S"] = 0.01
        desk.take("A")
        desk.take("A")
        desk.give(Login(1, "li"), CallNext(1))
        yield desk


def operations(desk: Desk) -> list[Any]:
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", desk.app)
    return [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]


@pytest.mark.parametrize("mode", GenerationMode)
def test_every_answer_is_one_the_document_tells_of(served: Desk, mode: GenerationMode) -> None:
    known = [one for one in operations(served) if mode is GenerationMode.POSITIVE or _can_be_wrong(one)]
    assert len(known) >= (15 if mode is GenerationMode.POSITIVE else 3)
    asked = {one.label: _ask(one, one.as_strategy(generation_mode=mode)) for one in known}
    assert all(asked.values()), asked


def test_what_is_there_is_as_the_document_says(served: Desk) -> None:
    token = next(iter(served.live.hall.tokens))
    there = {"hall": "hall", "board": "z-east", "name": "k-main", "token": token}
    for one in operations(served):
        names = {parameter.name for parameter in one.path_parameters}
        if names:
            _ask(one, one.as_strategy(path_parameters={name: there[name] for name in names}))


def _can_be_wrong(one: Any) -> bool:
    """What takes only names of things cannot be asked wrongly: a name nobody has is a name."""
    return bool(list(one.body) or list(one.query))


def _ask(one: Any, cases: Any) -> int:
    """Ask this operation whatever comes to mind; how often."""
    count = 0

    @SAME
    @given(case=cases)
    def ask(case: Any) -> None:
        nonlocal count
        count += 1
        case.call_and_validate()

    ask()
    return count
