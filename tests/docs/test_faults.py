"""Every fault of the catalogue is shown by a test that bears its id, or is said not to be."""

from __future__ import annotations

import runpy
import tomllib
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
CATALOGUE = tomllib.loads((DOCS / "faults.toml").read_text(encoding="utf-8"))["fault"]
SHOWN = runpy.run_path(str(DOCS / "generate.py"))["_shown_by"]("F")


@pytest.mark.parametrize("fault", CATALOGUE, ids=lambda fault: fault["id"])
def test_a_fault_is_shown_or_said_not_to_be(fault: dict[str, str]) -> None:
    assert (fault["id"] in SHOWN) != ("later" in fault)


def test_no_test_bears_the_id_of_a_fault_that_is_not_in_the_catalogue() -> None:
    assert SHOWN.keys() <= {fault["id"] for fault in CATALOGUE}


def test_the_catalogue_counts_without_gaps() -> None:
    assert [fault["id"] for fault in CATALOGUE] == [f"F{n:02d}" for n in range(1, 83)]
