"""A screen hung on the unit, and the browser that fills it with a page.

Without the option `browser` somebody else shows the page and nothing is done here. With it a browser is
started when its page answers, watched, and started again with growing pauses (F22). Hides that a browser
may run and show nothing: a page of this unit asks for its board all the time, and one that has not for
heartbeat_s is taken for hung.

options of the DeviceConfig: browser (chromium, cog, or a program's path), url (of the page), arguments (more
for the program, space between), heartbeat_s (90 for a page of this unit, else 0 = nobody listens),
steady_s (30: running so long it is well again).
"""

from __future__ import annotations

import shlex
import shutil
import tempfile
import threading
import time
from http.client import HTTPException
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

from firmware import wires
from firmware.drivers import Reporter
from firmware.drivers.faults import Faults
from firmware.protocol.messages import Capability, DeviceConfig

LOOK_S = 0.5
PAGE_S = 10.0  # between questions whether the page is there
ANSWER_S = 3.0
HEARTBEAT_S = 90.0  # pages ask at least every 25 s
STEADY_S = 30.0
RETRY_S = (1.0, 60.0)
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Screen:
    """One screen."""

    def __init__(self, config: DeviceConfig, report: Reporter) -> None:
        """Raises WireFault when the wire or an option means nothing, ValueError for no number."""
        self.config = config
        options = config.options
        self._wire = wires.screen_wire(config.wire)
        self._program, self._url = options.get("browser", ""), options.get("url", "")
        address = urlsplit(self._url)
        if self._program and (address.scheme not in ("http", "https") or not address.hostname):
            raise wires.WireFault("text", f"{config.device}: a browser needs the url of its page")
        usual_s = HEARTBEAT_S if address.hostname in LOOPBACK else 0.0
        self._heartbeat_s = float(options.get("heartbeat_s", usual_s))
        self._steady_s = float(options.get("steady_s", STEADY_S))
        self._faults = Faults(config.device, report)
        self._counts = {"starts": 0, "hangs": 0}
        self._asked_at = 0.0
        self._page_at = 0.0
        self._is_page_there = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=config.device, daemon=True)

    def start(self) -> None:
        if self._program or self._wire.connector:
            self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=8)

    def health(self) -> str:
        return self._faults.worst()

    def counts(self) -> dict[str, int]:
        return dict(self._counts) if self._program else {}

    def capability(self) -> Capability:
        can = {"browser": bool(self._program), "connector": bool(self._wire.connector)}
        return Capability(device=self.config.device, kind="screen", can=can)

    def seen(self) -> None:
        """Its page has asked for the board just now."""
        self._asked_at = time.monotonic()

    # -- on the screen's thread

    def _run(self) -> None:
        profile = tempfile.mkdtemp(prefix="servicehall-screen-") if self._program else ""
        retry_s = RETRY_S[0]
        while not self._stop.wait(LOOK_S):
            self._watch_connector()
            if self._program and self._page_answers():
                started_s = time.monotonic()
                self._show(profile)
                lasted_s = time.monotonic() - started_s
                retry_s = RETRY_S[0] if lasted_s >= self._steady_s else min(2 * retry_s, RETRY_S[1])
                self._stop.wait(retry_s)
        if profile:
            shutil.rmtree(profile, ignore_errors=True)

    def _show(self, profile: str) -> None:
        """Keep a browser until it dies, hangs, or is wanted no more."""
        more = shlex.split(self.config.options.get("arguments", ""))
        self._counts["starts"] += 1
        try:
            browser = wires.open_browser(self._wire, self._program, self._url, profile, more)
        except wires.WireFault as fault:
            self._faults.raised("screen.failed", str(fault))
            return
        self._asked_at = started_s = time.monotonic()
        try:
            while not self._stop.wait(LOOK_S) and browser.is_running and not self._is_hung():
                self._watch_connector()
                self._page_answers()
                if time.monotonic() - started_s >= self._steady_s:
                    self._faults.cleared("screen.failed")
                    self._faults.cleared("screen.hung")
        finally:
            if not self._stop.is_set() and not browser.is_running:
                self._faults.raised("screen.failed", f"{self._program} ended by itself")
            browser.end()

    def _is_hung(self) -> bool:
        """Its page is there and does not ask any more."""
        if not self._heartbeat_s or not self._is_page_there:
            self._asked_at = time.monotonic()
            return False
        is_hung = time.monotonic() - self._asked_at > self._heartbeat_s
        if is_hung:
            self._counts["hangs"] += 1
            self._faults.raised("screen.hung", f"its page was silent for {self._heartbeat_s:.0f} s")
        return is_hung

    def _page_answers(self) -> bool:
        """Whether the page can be had; asked for now and then."""
        now = time.monotonic()
        if now < self._page_at:
            return self._is_page_there
        try:
            with urlopen(self._url, timeout=ANSWER_S) as page:  # noqa: S310 - http(s) alone, see __init__
                self._is_page_there = page.status == 200
                why = f"{self._url} answers {page.status}"
        except (URLError, HTTPException, OSError) as error:
            self._is_page_there, why = False, f"{self._url} cannot be had: {error}"
        self._page_at = now + (PAGE_S if self._is_page_there else RETRY_S[0])
        self._faults.only({} if self._is_page_there else {"screen.page": why}, frozenset({"screen.page"}))
        return self._is_page_there

    def _watch_connector(self) -> None:
        if wires.is_connected(self._wire):
            self._faults.cleared("screen.unplugged")
        else:
            self._faults.raised("screen.unplugged", f"nothing hangs on {self._wire.connector}")
