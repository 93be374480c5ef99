"""A browser on a screen that is not there: asks for its page as a screen does, and may crash or hang.

Run by the screen's driver as `python -m firmware.emulators.browser SOCKET URL`; it tells the bench behind
SOCKET what it shows and hears from it how it shall behave.
"""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from firmware.emulators.door import Door

ASK_S = 0.3
FAULTS = ("crash", "hang")


class ScreenEmulator:
    """The bench's end: which page the screen shows. faults: crash (it ends at once), hang (asks no more)."""

    kind = "screen"

    def __init__(self, path: Path, changed: Callable[[], None]) -> None:
        self.wire_text = f"screen:emulated:{path}"
        self._changed = changed
        self._faults: set[str] = set()
        self._shown: dict[str, Any] = {}
        self._door = Door(path, "screen", self._receive)

    def start(self) -> None:
        self._door.start()

    def stop(self) -> None:
        self._door.stop()

    def faults(self) -> dict[str, bool]:
        return {name: name in self._faults for name in FAULTS}

    def set_fault(self, name: str, is_on: bool) -> None:
        (self._faults.add if is_on else self._faults.discard)(name)
        self._changed()

    def state(self) -> dict[str, Any]:
        return {"url": self._shown.get("url", ""), "asks": self._shown.get("asks", 0)}

    def _receive(self, browser: socket.socket) -> None:
        with suppress(OSError), browser:  # it may die
            self._talk(browser)

    def _talk(self, browser: socket.socket) -> None:
        """A browser says a line whenever it has asked for its page, and is told its faults."""
        told = b""
        while not self._door.ended.is_set():
            browser.sendall(json.dumps(sorted(self._faults)).encode() + b"\n")
            with suppress(TimeoutError):
                heard = browser.recv(4096)
                if not heard:
                    break
                *lines, told = (told + heard).split(b"\n")
                if lines:
                    self._shown = json.loads(lines[-1])
                    self._changed()
        self._shown = {}
        self._changed()


def main(argv: list[str]) -> int:
    """Show a page until the bench goes; 1 when told to crash."""
    path, url = argv
    asks = 0
    with socket.socket(socket.AF_UNIX) as bench:
        bench.connect(path)
        bench.settimeout(ASK_S)
        while True:
            faults = _told(bench)
            if faults is None:
                return 0
            if "crash" in faults:
                return 1
            if "hang" not in faults:
                with suppress(OSError), urlopen(url, timeout=2) as page:  # noqa: S310 - what the driver was given
                    asks += page.status == 200
                bench.sendall(json.dumps({"url": url, "asks": asks}).encode() + b"\n")


def _told(bench: socket.socket) -> list[str] | None:
    """The newest word of the bench; [] for none in time, None when it has gone."""
    try:
        heard = bench.recv(4096)
    except TimeoutError:
        return []
    lines = heard.strip().split(b"\n")
    with suppress(ValueError):
        return list(json.loads(lines[-1])) if heard else None
    return []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
