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

from firmware.emulators.bench_http import Server
from firmware.protocol.messages import KeyPressed, Pressed, Print, Rated, SlipLine, Speak
from tests.firmware.rig import Rig, rig

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
    """The page at the width it has in a frame; an error on its console fails the test."""
    server = Server(hall.bench, "127.0.0.1", 0, [])
    server.start()
    opened = chromium.new_page(viewport={"width": 420, "height": 900}, device_scale_factor=2)
    troubles: list[str] = []
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    opened.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    opened.goto(server.url)
    opened.wait_for_selector(".device-speaker")
    yield opened
    opened.context.close()
    hall.bench.changes.close()
    server.stop()
    assert troubles == []


def test_a_slip_grows_out_of_the_printer_and_its_code_can_be_read(hall: Rig, page: Page) -> None:
    printer = hall.driver("printer-1")
    lines = [SlipLine(text="青云镇便民服务中心", align="center"), SlipLine(text="A023", size=4)]
    printer.print("c1", Print(device="printer-1", lines=lines, qr=URL))
    page.wait_for_selector(".slip.is-cut")
    assert page.locator(".slip-line").all_inner_texts()[:2] == ["青云镇便民服务中心", "A023"]
    page.wait_for_function("document.querySelector('.slip-qr').complete")
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
