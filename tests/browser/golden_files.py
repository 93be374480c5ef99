"""Golden files: what a page says, as the tree that a screen reader walks."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page

GOLDEN = Path(__file__).parent / "golden"
NOT_SAID = re.compile(r":\n\s*- /url: .*$", re.MULTILINE)


def tree(page: Page, part: str = "main") -> str:
    """What stands in a part of the page; addresses of links are not said."""
    return NOT_SAID.sub("", page.locator(part).aria_snapshot()) + "\n"


def is_golden(name: str, said: str) -> bool:
    """Whether the file says the same; where there is none, it is written. What differs is printed."""
    file = GOLDEN / name
    if not file.exists():
        GOLDEN.mkdir(exist_ok=True)
        file.write_text(said, encoding="utf-8")
        print(f"{name} was written: look at it")
        return False
    golden = file.read_text(encoding="utf-8")
    if golden != said:
        print(f"{name} says something else:\n{said}")
    return golden == said
