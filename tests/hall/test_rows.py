"""Every row of the state machines of tickets and windows has an example that carries its id."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROWS = [f"T{n}" for n in range(1, 19)] + [f"W{n}" for n in range(1, 9)]
EXAMPLES = ("tickets", "service", "windows", "days")


@pytest.mark.parametrize("row", ROWS)
def test_a_row_has_an_example(row: str) -> None:
    here = Path(__file__).parent
    told = "".join((here / f"test_{name}.py").read_text("utf-8") for name in EXAMPLES)
    assert re.search(rf'"""[^"\n]*\b{row}\b', told)
