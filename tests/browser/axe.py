"""axe-core in a page of the browser: what it finds wrong for people who see, hear or move differently.

Hides where the script comes from (npm.py); nothing of it is shipped.
"""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

from tests import npm

SCRIPT = "axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

_RUN = """async ({ rules, isCitizens }) => {
  const found = await axe.run(document, {
    resultTypes: ["violations"],
    runOnly: { type: "tag", values: rules },
    rules: { "color-contrast-enhanced": { enabled: isCitizens } },
  });
  return found.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")}: ${failureSummary}`));
}"""


def script(folder: Path) -> str:
    """axe-core as text, kept in `folder`. Raises NotHere."""
    return npm.file(folder, SCRIPT)


def violations(page: Page, *, is_citizens: bool = False) -> list[str]:
    """What is wrong with the page as it stands, in whose context `script` runs first.

    is_citizens: it is a page for citizens, whose text needs a contrast of 7:1.
    """
    found: list[str] = page.evaluate(_RUN, {"rules": RULES, "isCitizens": is_citizens})
    return found
