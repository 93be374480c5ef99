"""Every rule of the contract is shown by a test that carries its number and says it in words."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

TESTS = [
    test
    for file in sorted(Path(__file__).parent.glob("test_*.py"))
    for test in ast.parse(file.read_text(encoding="utf-8")).body
    if isinstance(test, ast.FunctionDef) and re.match(r"test_r\d\d_", test.name)
]


@pytest.mark.parametrize("rule", range(1, 21))
def test_a_rule_has_its_tests(rule: int) -> None:
    shown_by = [test for test in TESTS if test.name.startswith(f"test_r{rule:02d}_")]
    assert shown_by
    assert [test.name for test in shown_by if ast.get_docstring(test) is None] == []
