"""The bench's page in a real browser: what the devices do is drawn, and what is clicked is done."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Page

from firmware.drivers.lamp import Light
from firmware.drivers.reader import CardRead
from firmware.emulators.bench_http import Server
from firmware.protocol.messages import KeyPressed, Pressed, Print, Rated, Scanned, SlipLine, Speak
from tests.firmware.rig import Rig, rig
from tests.waiting import until

pytestmark = pytest.mark.browser

URL = "http://127.0.0.1:8000/h/hall/t/8fJ2kQmW0pZrT6vXc1BdYA"
DEVICES: list[dict[str, Any]] = [
    {"kind": "printer", "device": "printer-1", "baud": 115200},
    {"kind": "button", "device": "button-1", "pin": 17, "label": "综合"},
    {"kind": "keypad", "device": "keypad-3", "address": 3, "faces": 5},
    {"kind": "led", "device": "led-3", "address": 3},
    {"kind": "speaker", "device": "speaker-1"},
]


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Rig]:
    with rig(tmp_path, *DEVICES) as made:
        yield made


@pytest.fixture
def page(hall: Rig, chromium: Browser) -> Iterator[Page]:
    yield from opened(hall, chromium)


def opened(hall: Rig, chromium: Browser) -> Iterator[Page]:
    """The page at the width it has in a frame; an error on its console fails the test."""
    server = Server(hall.bench, "127.0.0.1", 0, [])
    server.start()
    page = chromium.new_page(viewport={"width": 420, "height": 900}, device_scale_factor=2)
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    page.goto(server.url)
    page.wait_for_selector(".device-speaker")
    yield page
    page.context.close()
    hall.bench.changes.close()
    server.stop()
    assert troubles == []


def test_a_slip_grows_out_of_the_printer_and_its_code_can_be_read(hall: Rig, page: Page) -> None:
    printer = hall.driver("printer-1")
    lines = [SlipLine(text="青云镇便民服务中心", align="center"), SlipLine(text="A023", size=4)]
    printer.print("c1", Print(device="printer-1", lines=lines, qr=URL))
    page.wait_for_selector(".slip.is-cut")
    assert page.locator(".slip-line").all_inner_texts()[:2] == ["青云镇便民服务中心", "A023"]
    until(lambda: page.evaluate("document.querySelector('.slip-qr').complete"))
    shot = Image.open(io.BytesIO(page.locator(".slip-shadow").screenshot()))
    assert [code.text for code in zxingcpp.read_barcodes(shot)] == [URL]


def test_buttons_keys_and_faces_on_the_page_reach_the_drivers(hall: Rig, page: Page) -> None:
    hall.driver("button-1")
    hall.driver("keypad-3", ratings={"4": 5})
    hall.until(lambda: hall.state("button-1")["is_wired"])
    page.get_by_role("button", name="综合").click()
    page.get_by_role("button", name="叫下一位").click()
    page.get_by_role("button", name="很满意").click()
    hall.until(lambda: len(hall.reports.all) == 3)
    assert hall.reports.of(Pressed) == [Pressed(input="button-1")]
    assert hall.reports.of(KeyPressed) == [KeyPressed(device="keypad-3", key="call_next")]
    assert [each.level for each in hall.reports.of(Rated)] == [5]


def test_bar_digits_and_sentences_are_drawn(hall: Rig, page: Page) -> None:
    hall.driver("led-3").show("请 A023 号")
    hall.driver("keypad-3").show(12, "A023")
    hall.driver("speaker-1").say("c1", Speak(device="speaker-1", zh="请 A023 号到 3 号窗口", chime=False))
    page.wait_for_selector("canvas[aria-label='条屏显示 请 A023 号']")
    page.wait_for_selector("[aria-label='等候 12']")
    page.wait_for_selector("[aria-label='票号 023']")
    page.wait_for_selector(".speaking.is-live >> text=请 A023 号到 3 号窗口")


def test_a_device_is_broken_by_its_switch_and_says_so(hall: Rig, page: Page) -> None:
    printer = hall.driver("printer-1")
    page.locator(".device-printer summary", has_text="弄坏它").click()
    page.locator(".device-printer label.switch", has_text="缺纸").click()
    hall.until(lambda: printer.health() == "printer.paper_out")
    page.wait_for_selector(".printer-says >> text=缺纸")


def test_raw_bytes_are_one_click_away(hall: Rig, page: Page) -> None:
    hall.driver("keypad-3")
    page.locator(".device-keypad summary", has_text="看字节").click()
    page.get_by_role("button", name="重呼").click()
    page.wait_for_selector(".raw-out >> text=FF 68 03 03 68 03 01 0D 11 16")


@pytest.mark.parametrize("width", [320, 420, 1400])
def test_nothing_is_wider_than_the_page(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


# --- readers, cameras and small things --------------------------------------------------------------

MORE: list[dict[str, Any]] = [
    {"kind": "reader", "device": "cards-1", "reads": "id_card", "label": "身份证"},
    {"kind": "reader", "device": "scanner-1", "wire": "hid"},
    {"kind": "camera", "device": "camera-1"},
    {"kind": "lamp", "device": "lamp-1", "pin": 20},
    {"kind": "keys", "device": "keys-1", "pins": [5, 6, 13]},
    {"kind": "matrix", "device": "matrix-1"},
    {"kind": "screen", "device": "screen-1"},
    {"kind": "speaker", "device": "speaker-1"},
]


@pytest.fixture
def more(tmp_path: Path) -> Iterator[Rig]:
    with rig(tmp_path, *MORE) as made:
        yield made


@pytest.fixture
def more_page(more: Rig, chromium: Browser) -> Iterator[Page]:
    yield from opened(more, chromium)


def test_cards_codes_and_loose_keys_reach_their_drivers(more: Rig, more_page: Page) -> None:
    more.driver("cards-1", options={"reads": "id_card"})
    scanner = more.driver("scanner-1")
    more.driver("keys-1")
    more.until(lambda: more.state("keys-1")["is_wired"] and scanner.counts()["reopens"] == 1)
    more_page.get_by_role("button", name="贾老人").click()
    more_page.get_by_label("要扫的码").fill(URL)
    more_page.get_by_role("button", name="扫码").click()
    more_page.locator(".device-keys").get_by_role("button", name="3", exact=True).click()
    more.until(lambda: len(more.reports.all) == 3)
    assert [each.code for each in more.reports.of(Scanned)] == [URL]
    assert [each.level for each in more.reports.of(Rated)] == [5]
    assert len(more.reports.of(CardRead)) == 1
    more_page.wait_for_selector(".id-card[aria-pressed='true'] >> text=贾老人")


def test_a_camera_is_seen_and_a_matrix_and_a_lamp_are_lit(more: Rig, more_page: Page) -> None:
    until(lambda: more_page.evaluate("document.querySelector('.camera-picture').naturalWidth") == 640)
    more.driver("matrix-1").show("88")
    more_page.wait_for_selector("canvas.matrix[aria-label='点阵 有字']")
    lamp = more.driver("lamp-1", queue="A")
    lamp.show(Light.LIT)
    more_page.wait_for_selector(".bulb.is-lit")


@pytest.mark.parametrize("width", [320, 1400])
def test_nothing_more_is_wider_than_the_page(more_page: Page, width: int) -> None:
    more_page.set_viewport_size({"width": width, "height": 900})
    assert more_page.evaluate("document.documentElement.scrollWidth") <= width
