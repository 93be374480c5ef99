"""What the reference says is what the product does."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

GENERATE = runpy.run_path(str(Path(__file__).parents[2] / "docs" / "generate.py"))


@pytest.mark.parametrize(("name", "text"), GENERATE["pages"](), ids=lambda value: value[:12])
def test_the_reference_is_what_the_product_says(name: str, text: str) -> None:
    written = (GENERATE["HERE"] / name).read_text(encoding="utf-8")
    assert written == text, "run python docs/generate.py"
