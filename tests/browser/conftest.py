from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from werkzeug.serving import WSGIRequestHandler, make_server

from controller.clock import real_now
from tests.browser.axe import script, violations
from tests.npm import NotHere
from tests.web.desk import Desk, open_desk

PATIENCE_MS = 15_000
expect.set_options(timeout=PATIENCE_MS)
PORTRAIT = (1080, 1920)  # a kiosk
LANDSCAPE = (1920, 1080)  # a hall display
PHONE = (390, 844)
DESK = (1366, 768)
LOOKS = [("zh", "light"), ("en", "dark"), ("zh", "contrast")]

looks = pytest.mark.parametrize(("lang", "theme"), LOOKS)


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


# --- under axe-core


@pytest.fixture(scope="session")
def axe(pytestconfig: pytest.Config) -> str:
    """axe-core; without it the tests are skipped, and in CI they fail."""
    try:
        return script(pytestconfig.cache.mkdir("axe"))  # type: ignore[union-attr]
    except NotHere as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@pytest.fixture
def page(served: Served, axe: str) -> Iterator[Page]:
    """A browser with axe, in which nothing moves, so that colours are what they will stay."""
    context = served.context(DESK, reduced_motion="reduce")
    context.add_init_script(axe)
    yield context.new_page()
    context.close()


def size(page: Page, wanted: tuple[int, int]) -> None:
    page.set_viewport_size({"width": wanted[0], "height": wanted[1]})


def sign_in(served: Served, page: Page, person: str) -> None:
    page.goto(f"{served.url}/in/{served.desk.site.people.link(person, real_now())}")
    page.click("main button")


def wrong(page: Page, served: Served, addresses: tuple[str, ...], look: str) -> list[str]:
    """What is wrong at each of the addresses."""
    found = []
    for address in addresses:
        page.goto(f"{served.url}{address}?{look}")
        found += [f"{address} {one}" for one in violations(page)]
    return found
