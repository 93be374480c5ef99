"""What staff see of a hall with three hundred windows: how soon, how smoothly, and beside how many others.

The board and the console are real pages in a real Chromium. Then three hundred consoles and twenty boards
hold their streams while thirty calls a second are made, and another request is timed (streams.py does the
same for a thousand consoles).
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from controller.clock import real_now
from tests.bench.clerk import Clerk, calling, connect, looks
from tests.bench.rig import HALL, Controller, Crew, Spread, controller, wait_for
from tests.bench.streams import open_streams
from tests.bench.table import Row, at_least, at_most
from tests.conftest import ARGUMENTS

WINDOWS, BOARDS = 300, 20
CALLS, SECONDS = 30.0, 15.0
EVENTS, PAINTS, SLOWER = 20, 9, 4
SCROLLS, SCROLL_MS = 9, 3000
SETUP = ("", "windows", "queues", "clerks")
MORE = "http_threads = 800\nhttp_connections = 1600\nsecond_factor_roles = []\n"

_WATCH = """number => {
  const found = [...document.querySelectorAll(".tile")];
  const tile = () => found.find((one) => one.querySelector(".tile-no").textContent === String(number));
  const before = tile().querySelector(".tile-ticket").textContent;
  window.changedAt = 0;
  const observer = new MutationObserver(() => {
    if (!window.changedAt && tile().querySelector(".tile-ticket").textContent !== before) {
      window.changedAt = performance.timeOrigin + performance.now();
      observer.disconnect();
    }
  });
  observer.observe(document.getElementById("board"), { subtree: true, childList: true, characterData: true });
}"""
_SCROLL = """length => new Promise((done) => {
  const began = performance.now(), gaps = [];
  let last = began;
  const step = (now) => {
    gaps.push(now - last);
    last = now;
    const part = (now - began) / length;
    window.scrollTo(0, (1 - Math.abs(1 - 2 * part)) * (document.documentElement.scrollHeight - innerHeight));
    if (part < 1) { requestAnimationFrame(step); } else { done(gaps.slice(1)); }
  };
  requestAnimationFrame(step);
})"""
_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"


def measure(folder: Path) -> Iterator[list[Row]]:
    with controller(folder, 3000, "mosquitto", WINDOWS, MORE) as hall:
        link = _manager(hall)
        clerks = [Clerk(hall, window) for window in range(1, WINDOWS + 1)]
        with _chromium() as browser:
            yield list(_board(browser, hall, link, clerks))
            yield list(_console(browser, hall, clerks[0]))
        yield list(_setup(hall))
        yield list(_beside_others(hall, clerks))


@contextmanager
def _chromium() -> Iterator[Browser]:
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


# --- the manager


def _manager(hall: Controller) -> str:
    """A manager who also looks after the site, and a link for them."""
    _person(hall, "add", "管理", "--id", "boss", "--role", "hall_manager", "--role", "admin")
    return _link(hall)


def _link(hall: Controller) -> str:
    return _person(hall, "link", "boss").strip().rpartition("/in/")[2]


def _person(hall: Controller, *words: str) -> str:
    command = [sys.executable, "-m", "firmware.cli", "person", "-c", str(hall.config), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _sign_in(page: Page, hall: Controller, link: str) -> None:
    page.goto(f"{hall.settings.web_url}/in/{link}")
    page.click("main button")


# --- the board


def _board(browser: Browser, hall: Controller, link: str, clerks: list[Clerk]) -> Iterator[Row]:
    page = browser.new_page(viewport={"width": 1920, "height": 1080})
    _sign_in(page, hall, link)
    page.goto(f"{hall.settings.web_url}/m/{HALL}/")
    page.wait_for_selector("body.is-live")
    page.wait_for_timeout(2000)
    seen = [_seen_after(page, clerks[n * 7], n * 7 + 1) for n in range(EVENTS)]
    size = len(page.content())
    scrolls = [_scrolled(page, clerks[(EVENTS + n) * 7], (EVENTS + n) * 7 + 1) for n in range(SCROLLS)]
    page.close()
    yield Row(
        f"board with {WINDOWS} windows: from a key to its tile, p50 of {EVENTS}",
        f"{statistics.median(seen):.0f} ms, most {max(seen):.0f} ms; page {size / 1024:.0f} KiB",
        at_most(statistics.median(seen), 200, "ms"),
    )
    frames = [1000 * len(gaps) / sum(gaps) for gaps in scrolls]
    middle, longest = statistics.median(frames), max(map(max, scrolls))
    yield Row(
        f"the same board, scrolled from top to end and back after a call: frames a second, p50 of {SCROLLS}",
        f"{middle:.1f}, least {min(frames):.1f}, longest gap {longest:.0f} ms",
        at_least(middle, 59, "/s"),
    )


def _scrolled(page: Page, clerk: Clerk, window: int) -> list[float]:
    """Milliseconds from each frame to the next, while the board is brought up to date as well."""
    _seen_after(page, clerk, window)
    gaps: list[float] = page.evaluate(_SCROLL, SCROLL_MS)
    return gaps


def _seen_after(page: Page, clerk: Clerk, window: int) -> float:
    """Milliseconds from the clerk's key to the page that shows it."""
    page.evaluate(_WATCH, window)
    page.wait_for_timeout(1200)
    clerk.renew()
    began = real_now().timestamp() * 1000
    clerk.call()
    wait_for(lambda: page.evaluate("window.changedAt"), 20)
    clerk.start()
    return float(page.evaluate("window.changedAt")) - began


# --- the console


def _console(browser: Browser, hall: Controller, clerk: Clerk) -> Iterator[Row]:
    """Painted anew again and again, with nothing kept, on a slower processor."""
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    for part in clerk.cookie.split("; "):
        name, _, value = part.partition("=")
        context.add_cookies([{"name": name, "value": value, "url": hall.settings.web_url}])
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    devtools.send("Network.enable")
    devtools.send("Network.setCacheDisabled", {"cacheDisabled": True})
    paints = []
    for _ in range(PAINTS):
        page.goto(f"{hall.settings.web_url}/w/{HALL}/1")
        wait_for(lambda: page.evaluate(_PAINT), 20)
        paints.append(float(page.evaluate(_PAINT)))
    context.close()
    yield Row(
        f"console, first paint on a processor slowed {SLOWER} times, nothing cached, p50 of {PAINTS}",
        f"{statistics.median(paints):.0f} ms, most {max(paints):.0f} ms",
        at_most(statistics.median(paints), 1000, "ms"),
    )


# --- the set-up


def _setup(hall: Controller) -> Iterator[Row]:
    connection, cookie = connect(hall.settings.web_url), _cookie_of(hall)
    for section in SETUP:
        times, size = [], 0
        for _ in range(7):
            began = time.monotonic()
            connection.request("GET", f"/setup/{HALL}/{section}", headers={"Cookie": cookie})
            size = len(connection.getresponse().read())
            times.append(time.monotonic() - began)
        spread = Spread.of(times)
        name = f"set-up of {WINDOWS} windows: {section or 'overview'}"
        yield Row(name, f"{spread.p50:.0f} ms, {size / 1024:.0f} KiB", at_most(spread.p50, 500, "ms"))


def _cookie_of(hall: Controller) -> str:
    """Of the manager, signed in anew."""
    hall.links[0] = _link(hall)
    return Clerk(hall, 0, page="/me").cookie


# --- beside three hundred consoles and twenty boards


def _beside_others(hall: Controller, clerks: list[Clerk]) -> Iterator[Row]:
    views = [(f"w{n}", f"/w/{HALL}/{n}", clerk.cookie) for n, clerk in enumerate(clerks, start=1)]
    boards = [("board", f"/m/{HALL}/", _cookie_of(hall))] * BOARDS
    screens = Crew(open_streams, [(hall.settings.web_url, [*views, *boards])])
    try:
        with calling(clerks[:: WINDOWS // 30], CALLS, SECONDS) as calls:
            times = looks(hall, SECONDS)
        told, asked = screens.ask("count")[0]
    finally:
        screens.stop()
    yield Row(
        f"{WINDOWS} consoles and {BOARDS} boards told, parts of pages fetched",
        f"{told / SECONDS:.0f}/s, {asked / SECONDS:.0f}/s",
    )
    yield Row(
        f"beside them, {len(calls) / SECONDS:.0f} calls a second ({CALLS:.0f} wanted): another request, p99",
        f"{times.p99:.1f} ms, p50 {times.p50:.1f} ms; the calls {Spread.of(calls)}",
        at_most(times.p99, 50, "ms"),
    )
