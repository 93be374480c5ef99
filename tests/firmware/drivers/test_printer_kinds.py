"""What a printer turns out to be: its wire, what it can, its paper, and characters its font lacks."""

from __future__ import annotations

import base64
import io
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from firmware import wires
from firmware.devices import Devices
from firmware.drivers import build
from firmware.drivers.escpos_talk import NoStatus, Talk
from firmware.drivers.profiles import PROFILES, BadProfile, Profile, profile_for
from firmware.drivers.roll import Roll
from firmware.drivers.slip import drawn, font_path, is_in_font, slip_bytes
from firmware.emulators.escpos import Parser, Raster, TextLine
from firmware.protocol.clock import UnitClock
from firmware.protocol.guard import Guard
from firmware.protocol.messages import (
    DeviceConfig,
    NotPrinted,
    Print,
    Printed,
    PrintUncertain,
    SlipLine,
    UnitConfig,
)
from tests.firmware.rig import Reports, rig

PRINTER: dict[str, Any] = {"kind": "printer", "device": "printer-1", "baud": 115200}
needs_font = pytest.mark.skipif(not font_path(), reason="no Chinese font on this machine")


def order(*texts: str, size: int = 1) -> Print:
    return Print(device="printer-1", press=7, lines=[SlipLine(text=text, size=size) for text in texts])


def actions(data: bytes) -> list[Any]:
    return list(Parser().feed(data))


def logo() -> str:
    """A black ring on nothing, 40 dots wide."""
    picture = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    for x in range(40):
        for y in range(40):
            if 15 <= ((x - 20) ** 2 + (y - 20) ** 2) ** 0.5 <= 19:
                picture.putpixel((x, y), (0, 0, 0, 255))
    file = io.BytesIO()
    picture.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


# --- profiles ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "font", "name", "charset"),
    [
        ("", "", "80mm", "gbk"),
        ("TP-80C", "CHINA GB18030", "80mm", "gbk"),
        ("TM-T88V", "", "80mm-ascii", "ascii"),
        ("TM-T88V", "CHINA GB2312", "80mm-ascii", "gb2312"),
        ("XP-58IIH", "", "58mm", "gbk"),
    ],
)
def test_a_printer_is_what_it_says_it_is(model: str, font: str, name: str, charset: str) -> None:
    profile = profile_for({}, model, font)
    assert (profile.name, profile.charset) == (name, charset)


def test_an_option_counts_more_than_what_the_printer_says() -> None:
    profile = profile_for({"profile": "58mm", "charset": "gb2312", "roll_m": "20"}, "TP-80C", "CHINA GB18030")
    assert (profile.dots, profile.charset, profile.roll_mm) == (384, "gb2312", 20_000)


@pytest.mark.parametrize(
    "options", [{"profile": "90mm"}, {"charset": "big5"}, {"cut": "half"}, {"roll_m": "-1"}, {"roll_m": "x"}]
)
def test_an_option_that_means_nothing_is_named(options: dict[str, str]) -> None:
    with pytest.raises(BadProfile, match=next(iter(options))):
        profile_for(options)


def test_a_bad_option_refuses_the_configuration() -> None:
    config = DeviceConfig(device="printer-1", kind="printer", wire="file:/dev/usb/lp0", options={"cut": "x"})
    with pytest.raises(wires.WireFault, match="printer-1: cut"):
        build(config, Reports())


# --- characters and pictures ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "charset", "is_in"),
    [
        ("青云镇 A023", "gbk", True),
        ("龑", "gbk", True),
        ("𠮷", "gbk", False),
        ("㙍", "gbk", False),
        ("龑", "gb2312", False),
        ("镇", "ascii", False),
    ],
)
def test_it_is_known_which_characters_a_font_has(text: str, charset: str, is_in: bool) -> None:
    assert is_in_font(text, charset) is is_in


@needs_font
def test_f26_a_line_with_a_rare_character_is_drawn_as_dots() -> None:
    data, mm = slip_bytes(order("请 A023 号", "𠮷野先生"))
    kinds = [type(each) for each in actions(data) if isinstance(each, TextLine | Raster)]
    assert kinds[:2] == [TextLine, Raster]
    assert mm > 7


@needs_font
def test_drawn_lines_wrap_at_the_width_of_the_paper() -> None:
    picture = drawn("青云镇便民服务中心" * 4, 1, False, 384, font_path())
    assert picture.width <= 384
    assert picture.height == 90


def test_f26_without_a_font_a_sign_stands_for_the_character() -> None:
    data, _ = slip_bytes(order("𠮷野"), Profile(charset="gbk"), font="/nowhere.ttf")
    lines = [each.text for each in actions(data) if isinstance(each, TextLine)]
    drawings = [each for each in actions(data) if isinstance(each, Raster)]
    assert drawings or lines[0] == "〓野"


def test_a_printer_without_chinese_gets_it_drawn_and_latin_as_text() -> None:
    data, _ = slip_bytes(order("A023"), PROFILES["80mm-ascii"])
    assert b"A023\n" in data


def test_a_logo_stands_above_the_slip_in_black() -> None:
    data, mm = slip_bytes(order("A023"), Profile(), logo())
    (picture,) = [each for each in actions(data) if isinstance(each, Raster)]
    assert (picture.width, len(picture.rows)) == (40, 40)
    assert any(any(row) for row in picture.rows)
    assert data.index(b"\x1dv0") < data.index(b"A023")
    assert mm == pytest.approx((40 + 30 + 180) / 8)


def test_a_printer_without_cutter_is_told_no_cut() -> None:
    assert b"\x1dV" not in slip_bytes(order("A023"), Profile(cut="none"))[0]
    assert b"\x1dV\x01" in slip_bytes(order("A023"), Profile(cut="partial"))[0]


# --- paper ------------------------------------------------------------------------------------------


def test_tickets_left_are_what_the_roll_has_less_what_was_used() -> None:
    roll = Roll()
    assert roll.slips_left(9_000) == 100
    for _ in range(10):
        roll.take(100)
    assert roll.slips_left(9_000) == 80


def test_a_restart_does_not_make_slips_longer() -> None:
    roll = Roll()
    roll.used_mm = 7_000
    roll.take(100)
    assert roll.slips_left(9_000) == 19


def test_f03_the_near_end_sensor_knows_better() -> None:
    roll, profile = Roll(), Profile(spare_mm=4_000)
    roll.take(100)
    roll.sense(True, profile)
    assert roll.slips_left(profile.roll_mm) == 40
    roll.take(100)
    assert roll.slips_left(profile.roll_mm) == 39
    roll.sense(False, profile)
    assert roll.used_mm == 0


# --- on wires ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("wire", "scheme"), [("serial", "serial:"), ("usb", "file:"), ("tcp", "tcp:")])
def test_a_slip_comes_out_on_every_wire_and_the_printer_says_so(
    tmp_path: Path, wire: str, scheme: str
) -> None:
    with rig(tmp_path, {**PRINTER, "wire": wire}) as hall:
        assert hall.seen("printer-1")["wire"].startswith(scheme)
        printer = hall.driver("printer-1")
        outcome = printer.print("c1", order("请 A023 号"))
        assert outcome == Printed(order="c1", press=7, is_confirmed=True)
        assert hall.state("printer-1")["slips"][0]["lines"][0]["text"] == "请 A023 号"
        found = printer.capability()
        assert (found.model, found.can["status"], found.can["done"]) == ("TP-80C", True, True)


@pytest.mark.parametrize("wire", ["usb", "tcp"])
def test_f07_a_printer_pulled_off_is_gone_and_comes_back(tmp_path: Path, wire: str) -> None:
    with rig(tmp_path, {**PRINTER, "wire": wire}) as hall:
        printer = hall.driver("printer-1")
        assert isinstance(printer.print("c1", order("A001")), Printed)
        hall.broken("printer-1", "unplug")
        hall.until(lambda: printer.health() == "printer.gone")
        hall.broken("printer-1", "unplug", False)
        hall.until(printer.is_ready)
        assert isinstance(printer.print("c2", order("A002")), Printed)
        assert hall.reports.codes() == ["+printer.gone", "-printer.gone"]


@pytest.mark.parametrize("wire", ["usb", "tcp"])
def test_f11_a_printer_that_never_speaks_prints_unconfirmed(tmp_path: Path, wire: str) -> None:
    with rig(tmp_path, {**PRINTER, "wire": wire, "model": ""}) as hall:
        hall.broken("printer-1", "no_answer")
        printer = hall.driver("printer-1")
        outcome = printer.print("c1", order("A001"))
        assert outcome == Printed(order="c1", press=7, is_confirmed=False)
        assert (printer.capability().can["status"], printer.health()) == (False, "ok")


def test_an_old_printer_that_cannot_tell_its_name_still_confirms(tmp_path: Path) -> None:
    with rig(tmp_path, {**PRINTER, "model": "", "font": ""}) as hall:
        printer = hall.driver("printer-1")
        assert printer.print("c1", order("A001")) == Printed(order="c1", press=7, is_confirmed=True)
        assert (printer.capability().model, printer.capability().can["done"]) == ("", False)


@pytest.mark.parametrize("wire", ["usb", "tcp"])
def test_f02_paper_ending_in_a_slip_is_noticed_though_the_bytes_were_taken(tmp_path: Path, wire: str) -> None:
    with rig(tmp_path, {**PRINTER, "wire": wire, "paper_mm": 5}) as hall:
        outcome = hall.driver("printer-1").print("c1", order("A001", size=4))
        assert outcome == PrintUncertain(order="c1", press=7, why="printer.paper_out")


def test_f10_a_network_printer_that_takes_no_bytes_is_a_fault(tmp_path: Path) -> None:
    with rig(tmp_path, {**PRINTER, "wire": "tcp"}) as hall:
        printer = hall.driver("printer-1")
        hall.until(lambda: printer.capability().model)
        hall.broken("printer-1", "blocked")
        hall.until(lambda: printer.health() == "printer.no_answer")
        hall.broken("printer-1", "blocked", False)
        hall.until(printer.is_ready)


@needs_font
def test_a_name_no_font_has_reaches_the_paper_as_dots(tmp_path: Path) -> None:
    with rig(tmp_path, PRINTER) as hall:
        printer = hall.driver("printer-1", options={"logo": logo()})
        assert isinstance(printer.print("c1", order("请 A023 号", "𠮷野先生")), Printed)
        (paper,) = hall.state("printer-1")["slips"]
        assert ["image" in line for line in paper["lines"]] == [True, False, True]


def test_a_refill_starts_a_new_roll(tmp_path: Path) -> None:
    with rig(tmp_path, PRINTER) as hall:
        printer = hall.driver("printer-1", options={"roll_m": "10"})
        assert isinstance(printer.print("c1", order("A001")), Printed)
        assert 0 < printer.counts()["paper_used_mm"] < 100
        hall.broken("printer-1", "paper_out")
        hall.until(lambda: printer.health() == "printer.paper_out")
        hall.broken("printer-1", "paper_out", False)
        hall.until(printer.is_ready)
        assert printer.counts()["paper_used_mm"] == 0
        assert printer.counts()["slips_left"] > 100


class Notes(dict[str, Any]):
    """A store of small values."""

    clock = UnitClock()

    def put(self, name: str, value: object) -> None:
        self[name] = value


def test_used_paper_outlives_a_restart_and_the_model_is_told_once(tmp_path: Path) -> None:
    with rig(tmp_path, PRINTER) as hall:
        config = DeviceConfig(device="printer-1", kind="printer", wire=hall.seen("printer-1")["wire"])
        unit = UnitConfig(rev=1, position="p", devices=[config])
        notes = Notes({"paper.printer-1": 7000})
        devices = Devices(Reports(), Guard(logging.getLogger("test")), notes)
        try:
            assert devices.configure(unit, print) == []
            assert devices.capabilities()[0].model == ""
            hall.until(devices.tend)
            assert devices.capabilities()[0].model == "TP-80C"
            assert devices.tend() is False
            printer = devices.printer()
            assert printer is not None
            assert printer.counts()["paper_used_mm"] == 7000
            printer.roll.take(3000)
            devices.tend()
            assert notes["paper.printer-1"] == 10000
            printer.roll.renew()
            devices.tend()
            assert notes["paper.printer-1"] == 0
        finally:
            devices.stop()


def test_a_logo_that_is_no_picture_is_refused_and_a_broken_one_left_out(tmp_path: Path) -> None:
    config = DeviceConfig(
        device="printer-1", kind="printer", wire="file:/dev/usb/lp0", options={"logo": "not base64"}
    )
    with pytest.raises(wires.WireFault, match="logo"):
        build(config, Reports())
    broken = base64.b64encode(base64.b64decode(logo())[:40]).decode()
    data, _ = slip_bytes(order("A023"), Profile(), broken)
    assert not [each for each in actions(data) if isinstance(each, Raster)]


def test_f08_a_printer_configured_on_a_bars_cable_prints_nothing_there(tmp_path: Path) -> None:
    with rig(tmp_path, {"kind": "led", "device": "led-3", "address": 3, "baud": 115200}) as hall:
        config = DeviceConfig(device="printer-1", kind="printer", wire=hall.seen("led-3")["wire"])
        printer = build(config, hall.reports)
        printer.start()
        try:
            outcome = printer.submit("c1", order("A001")).result(timeout=30)
            assert outcome == NotPrinted(order="c1", press=7, why="printer.no_answer")
            sent = b"".join(bytes.fromhex(each["hex"]) for each in hall.bench.raw("led-3"))
            assert set(sent[0::3]) == {0x10}  # DLE EOT questions alone
        finally:
            printer.stop()


def test_f45_a_helper_that_was_killed_is_started_again(tmp_path: Path) -> None:
    with rig(tmp_path, PRINTER) as hall:
        printer = hall.driver("printer-1")
        assert isinstance(printer.print("c1", order("A001")), Printed)
        for child in psutil.Process().children():
            if "firmware.drivers.slip" in " ".join(child.cmdline()):
                child.kill()
                child.wait(5)
        outcomes = [printer.print(f"c{n}", order("A002")) for n in (2, 3)]
        hall.until(printer.is_ready)
        assert isinstance(printer.print("c4", order("A003")), Printed)
        assert printer.counts()["helper_starts"] == 2
        assert all(isinstance(each, Printed | NotPrinted) for each in outcomes)


@settings(deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=24), max_size=12))
def test_whatever_a_printer_answers_ends_in_a_word_about_it(pieces: list[bytes]) -> None:
    with suppress(NoStatus, wires.WireFault):
        assert Talk(Babble(pieces)).discover().tells_status


class Babble:
    """A line on which some bytes come, whatever is asked, and which then goes away."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def read(self, size: int = 512) -> bytes:
        if not self._pieces:
            raise wires.WireFault("gone", "no more")
        return self._pieces.pop(0)[:size]

    def write(self, data: bytes) -> None:
        """Nobody hears it."""

    def wake(self) -> None:
        """Nobody waits."""

    def forget_input(self) -> None:
        """What comes is still to come."""

    def forget_output(self) -> None:
        """Nothing is under way."""

    def close(self) -> None:
        """Nothing is open."""
