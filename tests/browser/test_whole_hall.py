"""One citizen's visit through every face of a hall in real processes, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from controller.demo import benches
from controller.demo.hall import MANAGER, VISITOR, VISITOR_WINDOW
from tests.hall_process import HallProcess, running_hall
from tests.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.system, pytest.mark.timeout(240)]

PATIENCE_MS = 20_000
SIZES = {"kiosk": (1080, 1920), "display": (1920, 1080), "desk": (1366, 768), "phone": (390, 844)}


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HallProcess]:
    with running_hall(tmp_path_factory.mktemp("hall")) as running:
        yield running


class Screens:
    """Browsers of different people, each with its own cookies."""

    def __init__(self, chromium: Browser) -> None:
        self._chromium = chromium
        self._open: list[BrowserContext] = []

    def open(self, url: str, size: str) -> Page:
        width, height = SIZES[size]
        context = self._chromium.new_context(viewport={"width": width, "height": height})
        context.set_default_timeout(PATIENCE_MS)
        self._open.append(context)
        page = context.new_page()
        page.goto(url)
        return page

    def close(self) -> None:
        for context in self._open:
            context.close()


@pytest.fixture
def screens(chromium: Browser) -> Iterator[Screens]:
    made = Screens(chromium)
    yield made
    made.close()


def sign_in(hall: HallProcess, screens: Screens, person: str) -> Page:
    """The person's first page, reached by a one-time link."""
    page = screens.open(hall.sign_in_link(person), "desk")
    page.click("main button")
    return page


def test_a_visit_through_every_face_of_the_hall(hall: HallProcess, screens: Screens) -> None:
    window = VISITOR_WINDOW
    console = sign_in(hall, screens, VISITOR.id)
    console.locator("li.window-card", has=console.locator(f".window-no:text-is('{window}')")).locator(
        "button"
    ).click()
    expect(console.locator("#key-big")).to_be_visible()
    display = screens.open(f"{hall.works.pages_url('node-4')}/hall.html?board=z-west", "display")
    face = screens.open(f"{hall.url}/h/hall/pages/window.html?board=w{window}", "display")
    board = sign_in(hall, screens, MANAGER.id)

    number = take_at_kiosk(hall, screens)
    phone = screens.open(scan_the_slip(hall, screens, number), "phone")
    expect(phone.locator("body")).to_contain_text(number)

    console.locator("#key-big:enabled").click()
    expect(face.locator("#number")).to_have_text(number, timeout=PATIENCE_MS)
    expect(display.locator("#calls")).to_contain_text(number, timeout=PATIENCE_MS)
    expect(phone.locator("body")).to_contain_text(str(window), timeout=30_000)
    until(lambda: hall.bar(window) == f"请{number}号到{window}号窗口", 10)
    until(lambda: [said for said in hall.sentences("west") if spoken(number, said)], 30, what="it was said")

    expect(console.locator("#key-big .key-name")).to_have_text("开始办理", timeout=PATIENCE_MS)
    console.keyboard.press(" ")
    until(lambda: hall.bar(window) == f"{number} 正在办理", 10)
    expect(board.locator("body")).to_contain_text(number, timeout=PATIENCE_MS)
    until(lambda: console.evaluate("!document.querySelector('.is-sending')"))
    console.wait_for_timeout(500)  # a second press sooner is the same press
    console.keyboard.press("f")

    until(lambda: hall.keypad(window)["is_asking"], 20, what="the keypad asks for a rating")
    hall.rate(window, 3)
    until(lambda: (hall.ticket(number) or (0,) * 5)[4] == 5, 10, what="the rating is stored")
    board.goto(re.sub(r"\?.*", "", board.url).rstrip("/") + "/tickets")
    expect(board.locator("body")).to_contain_text(number, timeout=PATIENCE_MS)


def take_at_kiosk(hall: HallProcess, screens: Screens) -> str:
    """Choose and take at the dispenser's own kiosk page; the number, as the slip has it as well."""
    kiosk = screens.open(f"{hall.works.pages_url('node-1')}/kiosk.html?board=k-main", "kiosk")
    kiosk.locator('[data-queue="F"]').click()
    kiosk.locator("[data-take]").click()
    (number,) = until(hall.numbers, 20, what="a slip")
    expect(kiosk.locator("main")).to_contain_text(number, timeout=PATIENCE_MS)
    return number


def scan_the_slip(hall: HallProcess, screens: Screens, number: str) -> str:
    """Photograph the paper on the bench and read its code, as a phone does."""
    bench = screens.open(f"{hall.works.bench_url('node-1')}/", "desk")
    expect(bench.locator("body")).to_contain_text(number, timeout=PATIENCE_MS)

    code = bench.locator("img.slip-qr").first

    def read() -> list[str]:
        picture = Image.open(BytesIO(code.screenshot()))
        nearer = picture.resize((3 * picture.width, 3 * picture.height))  # a phone is held closer than this
        return [code.text for code in zxingcpp.read_barcodes(nearer)]

    codes = until(read, 20, what="the code on the slip can be read")
    assert codes[0].startswith(f"{hall.url}/t/")
    return codes[0]


def spoken(number: str, sentence: str) -> bool:
    """The loudspeaker's text names the number, whole or digit by digit."""
    return number in sentence.replace(" ", "")


def test_the_wires_page_shows_every_bench(hall: HallProcess, screens: Screens) -> None:
    wires = screens.open(f"{hall.url}/wires", "desk")
    frames = wires.locator("iframe")
    expect(frames).to_have_count(4, timeout=PATIENCE_MS)
    for n in range(4):
        frames.nth(n).scroll_into_view_if_needed()
        expect(frames.nth(n).content_frame.locator("#devices > *").first).to_be_visible(timeout=PATIENCE_MS)
    expect(wires.locator("#states .lamp-green")).to_have_count(4, timeout=PATIENCE_MS)


def test_breaking_a_device_on_the_bench_is_told_on_the_units_page(
    hall: HallProcess, screens: Screens
) -> None:
    units = sign_in(hall, screens, MANAGER.id)
    units.goto(f"{hall.url}/devices")
    expect(units.locator("#unit-node-1")).to_contain_text("一切正常", timeout=PATIENCE_MS)
    broken = {"device": "printer-1", "fault": "paper_out", "on": True}
    benches.ask(f"{hall.works.bench_url('node-1')}/break", broken)
    expect(units.locator("#unit-node-1 .trouble")).to_contain_text("换一卷纸", timeout=40_000)
    benches.ask(f"{hall.works.bench_url('node-1')}/break", {**broken, "on": False})
    expect(units.locator("#unit-node-1 .trouble")).to_have_count(0, timeout=40_000)
