"""What tests of every part share: one Chromium, because a process can hold only one Playwright, and
the databases."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests import deadlines
from tests.store.engines import bare_database, database, postgres

__all__ = ["bare_database", "database", "postgres"]

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


FAULT = re.compile(r"_f\d\d_")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With a hall's own deadlines, show the faults of the catalogue alone: the rest says no more for it."""
    if deadlines.IS_REAL:
        others = [item for item in items if not FAULT.search(item.name)]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if FAULT.search(item.name)]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One real Chromium for all tests; $CHROMIUM names it, else the one of the system.

    Without one the tests that need it are skipped, but not where every change is checked.
    """
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        missing = "Chromium is not installed: sudo apt install chromium"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()
