"""A screen's browser: started when its page answers, watched, started again (F22)."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from firmware import wires
from firmware.drivers import build
from firmware.protocol.messages import DeviceConfig
from tests.firmware.rig import Reports, Rig, rig
from tests.waiting import until

SCREEN: dict[str, Any] = {"kind": "screen", "device": "screen-1"}


class PageServer:
    """A page that can be taken away and put back at the same address."""

    def __init__(self) -> None:
        agents = self.agents = set[str]()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                agents.add(self.headers.get("User-Agent", ""))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"<title>hall</title>")

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

        self._handler = Handler
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._address = self._server.server_address
        self.url = f"http://127.0.0.1:{self._address[1]}/pages/hall.html"
        self._start()

    def take_away(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def put_back(self) -> None:
        self._server = ThreadingHTTPServer(self._address, self._handler)  # type: ignore[arg-type]
        self._start()

    def _start(self) -> None:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()


@contextmanager
def page() -> Iterator[PageServer]:
    server = PageServer()
    try:
        yield server
    finally:
        server.take_away()


def shown(hall: Rig, url: str, **options: str) -> Any:
    """The driver of a screen, once it shows the page."""
    wanted = {"browser": "chromium", "url": url, "heartbeat_s": "0", "steady_s": "0.5", **options}
    screen = hall.driver("screen-1", options=wanted, board="z-1")
    hall.until(lambda: hall.state("screen-1")["asks"] > 0, timeout=30)
    return screen


def test_the_browser_shows_its_page(tmp_path: Path) -> None:
    with page() as server, rig(tmp_path, SCREEN) as hall:
        screen = shown(hall, server.url)
        assert hall.state("screen-1")["url"] == server.url
        assert (screen.health(), screen.counts()["starts"]) == ("ok", 1)


def test_f22_a_browser_that_crashes_is_started_again(tmp_path: Path) -> None:
    with page() as server, rig(tmp_path, SCREEN) as hall:
        screen = shown(hall, server.url)
        hall.broken("screen-1", "crash")
        hall.until(lambda: screen.health() == "screen.failed")
        hall.broken("screen-1", "crash", False)
        hall.until(lambda: screen.health() == "ok", timeout=40)
        assert screen.counts()["starts"] >= 2
        assert hall.reports.codes() == ["+screen.failed", "-screen.failed"]


def test_f22_a_page_that_asks_no_more_is_opened_anew(tmp_path: Path) -> None:
    with page() as server, rig(tmp_path, SCREEN) as hall:
        screen = shown(hall, server.url, heartbeat_s="2")
        hall.until(lambda: screen.counts()["hangs"] == 1, timeout=30)
        hall.until(lambda: (screen.seen(), screen.health() == "ok")[1], timeout=40)
        assert hall.reports.codes() == ["+screen.hung", "-screen.hung"]


def test_a_page_that_is_away_is_waited_for(tmp_path: Path) -> None:
    with page() as server, rig(tmp_path, SCREEN) as hall:
        server.take_away()
        screen = hall.driver("screen-1", options={"browser": "cog", "url": server.url})
        hall.until(lambda: screen.health() == "screen.page")
        assert screen.counts()["starts"] == 0
        server.put_back()
        hall.until(lambda: hall.state("screen-1")["asks"] > 0, timeout=30)
        assert screen.health() == "ok"


def test_a_program_that_is_not_installed_is_told() -> None:
    with page() as server:
        reports = Reports()
        options = {"browser": "/nowhere/browser", "url": server.url}
        screen = build(DeviceConfig(device="s", kind="screen", wire="screen:", options=options), reports)
        screen.start()
        try:
            until(lambda: screen.health() == "screen.failed")
        finally:
            screen.stop()


def test_a_screen_without_a_browser_is_somebody_elses() -> None:
    screen = build(DeviceConfig(device="s", kind="screen", wire="screen:east"), Reports())
    assert screen.capability().can == {"browser": False, "connector": False}


def test_a_browser_without_a_page_is_refused() -> None:
    config = DeviceConfig(device="s", kind="screen", wire="screen:", options={"browser": "cog"})
    with pytest.raises(wires.WireFault, match="url"):
        build(config, Reports())


@pytest.mark.parametrize(("status", "is_there"), [("connected", True), ("disconnected", False)])
def test_the_kernel_says_whether_a_screen_hangs_there(tmp_path: Path, status: str, is_there: bool) -> None:
    folder = tmp_path / "card1-HDMI-A-1"
    folder.mkdir()
    (folder / "status").write_text(f"{status}\n")
    assert wires.is_connected(wires.screen_wire("screen:HDMI-A-1"), tmp_path) is is_there
    assert wires.is_connected(wires.screen_wire("screen:east"), tmp_path) is True


@pytest.mark.browser
def test_chromium_itself_asks_for_the_page_and_ends_with_the_driver(tmp_path: Path) -> None:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no chromium here")
    with page() as server:
        reports = Reports()
        options = {
            "browser": program,
            "url": server.url,
            "arguments": "--headless --no-sandbox --disable-gpu",
            "steady_s": "1",
            "heartbeat_s": "0",
        }
        screen = build(DeviceConfig(device="s", kind="screen", wire="screen:", options=options), reports)
        screen.start()
        try:
            until(lambda: any("Chrome" in each for each in server.agents), timeout=60)
        finally:
            screen.stop()
        assert reports.codes() == []
