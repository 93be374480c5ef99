"""A screen on the board's own connector, with a browser that fills it.

    screen:                                      whatever screen the desktop has
    screen:HDMI-A-1                              a connector; the kernel says whether a screen hangs on it
    screen:emulated:/run/x/screen.sock           the bench's browser, which only asks for its page

What the browser shows is its page's business; here it is started and ended with all its children.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from firmware.wires.fault import WireFault, after

CONNECTORS = Path("/sys/class/drm")
CONNECTOR = re.compile(r"(HDMI|DP|DSI|DPI|LVDS|eDP|Composite)[A-Za-z0-9-]*-\d+")
END_S = 3.0
CHROMIUM = (
    "--kiosk", "--no-first-run", "--noerrdialogs", "--disable-infobars", "--disable-session-crashed-bubble",
    "--disable-component-update", "--check-for-update-interval=31536000", "--password-store=basic",
    "--overscroll-history-navigation=0", "--autoplay-policy=no-user-gesture-required",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ScreenWire:
    connector: str  # "" = nobody asks the kernel
    bench: str | None


def screen_wire(text: str) -> ScreenWire:
    """What "screen:CONNECTOR" says; other words after the colon only name the place. Raises WireFault."""
    rest = after("screen:", text)
    if rest.startswith("emulated:"):
        return ScreenWire("", rest.removeprefix("emulated:"))
    return ScreenWire(rest if CONNECTOR.fullmatch(rest) else "", None)


def is_connected(wire: ScreenWire, connectors: Path = CONNECTORS) -> bool:
    """Whether a screen hangs on the connector; True where the kernel does not say."""
    for status in connectors.glob(f"card*-{wire.connector}/status") if wire.connector else ():
        with suppress(OSError):
            return status.read_text().strip() != "disconnected"
    return True


class Browser:
    """A browser that shows one page, and all its processes."""

    def __init__(self, command: list[str]) -> None:
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise WireFault(
                "gone", f"{command[0]} cannot be started ({error.strerror}); install it"
            ) from error

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        """Politely, then by force, with everything it started."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=END_S)


def open_browser(wire: ScreenWire, program: str, url: str, profile: str, more: list[str]) -> Browser:
    """The program with the page. profile: folder for what Chromium keeps. Raises WireFault."""
    if wire.bench is not None:
        return Browser([sys.executable, "-m", "firmware.emulators.browser", wire.bench, url])
    if "chrom" in Path(program).name:
        return Browser([program, *CHROMIUM, f"--user-data-dir={profile}", *more, f"--app={url}"])
    return Browser([program, *more, url])
