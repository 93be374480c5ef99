from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.web.desk import Desk, open_desk

PATIENCE_MS = 15_000
PORTRAIT = (1080, 1920)  # a kiosk
LANDSCAPE = (1920, 1080)  # a hall display
PHONE = (390, 844)


@dataclass
class Served:
    """A desk behind a real server, and screens that look at it."""

    desk: Desk
    url: str
    browser: Browser

    def context(self, size: tuple[int, int] = PORTRAIT, **options: object) -> BrowserContext:
        width, height = size
        context = self.browser.new_context(viewport={"width": width, "height": height}, **options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        return context

    def screen(self, path: str, size: tuple[int, int] = PORTRAIT, **options: object) -> Page:
        """A page of the hall, as opened on a screen of this size."""
        page = self.context(size, **options).new_page()
        page.goto(f"{self.url}{path}")
        return page


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:
        """Requests are no news in a test."""


@pytest.fixture
def served(tmp_path: Path, chromium: Browser) -> Iterator[Served]:
    """The small hall behind a real HTTP server on a port of its own."""
    with open_desk(tmp_path) as desk:
        server = make_server("127.0.0.1", 0, desk.app, threaded=True, request_handler=_Quiet)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Served(desk, f"http://127.0.0.1:{server.server_port}", chromium)
        finally:
            for context in chromium.contexts:
                context.close()
            desk.app.extensions["boards"].close()
            desk.app.extensions["feed"].close()
            server.shutdown()
            thread.join()
            server.server_close()
