"""The ticket printer: printed, certainly not printed, or uncertain (F01-F11)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from firmware import wires
from firmware.drivers.escpos_status import status_of
from firmware.drivers.slip import slip_bytes
from firmware.protocol.messages import NotPrinted, Print, Printed, PrintUncertain, SlipLine
from tests.firmware.rig import rig

URL = "http://192.168.1.20:8000/h/hall/t/8fJ2kQmW0pZrT6vXc1BdYA"
PRINTER = {"kind": "printer", "device": "printer-1"}
FAST = {**PRINTER, "baud": 115200}


def slip(number: str = "A023", press: int | None = 7) -> Print:
    return Print(
        device="printer-1",
        press=press,
        number=number,
        qr=URL,
        lines=[
            SlipLine(text="青云镇便民服务中心", align="center", is_bold=True),
            SlipLine(text=number, size=4, align="center"),
            SlipLine(text="前面等待 12 人 · 约 20-35 分钟"),
        ],
    )


# --- bytes ------------------------------------------------------------------------------------------


def test_a_slip_begins_with_a_reset_and_ends_with_a_cut() -> None:
    data = slip_bytes(slip())[0]
    assert data.startswith(b"\x1b@")  # ESC @
    assert data.endswith(b"\x1dV\x00")  # GS V 0


def test_chinese_is_gb18030_and_the_number_four_times_as_large() -> None:
    data = slip_bytes(slip())[0]
    assert "青云镇便民服务中心".encode("gb18030") in data
    assert b"\x1d!\x33" in data[: data.index(b"A023")]  # GS ! 3,3: four times wide and high


def test_the_qr_code_is_stored_and_printed_by_the_printer() -> None:
    data = slip_bytes(slip())[0]
    stored = len(URL) + 3
    assert b"\x1d(k" + bytes([stored % 256, stored // 256]) + b"1P0" + URL.encode() in data
    assert b"\x1d(k\x03\x001Q0" in data


def test_a_text_cannot_command_the_printer() -> None:
    order = Print(device="printer-1", lines=[SlipLine(text="\x1b@\x10\x14\x01\x00\x05 李\n雷")])
    assert " 李雷".encode("gb18030") in slip_bytes(order)[0]
    assert b"\x10\x14" not in slip_bytes(order)[0]


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ({2: 0x16}, "printer.cover_open"),
        ({4: 0x72}, "printer.paper_out"),
        ({2: 0x32}, "printer.paper_out"),
        ({3: 0x1A}, "printer.cutter"),
        ({3: 0x32}, "printer.failed"),
        ({3: 0x52}, "printer.head_hot"),
        ({4: 0x1E}, "printer.near_end"),
        ({1: 0x1A}, "printer.failed"),
    ],
)
def test_status_bits_mean_what_the_command_guide_says(answers: dict[int, int], code: str) -> None:
    status = status_of({1: 0x12, 2: 0x12, 3: 0x12, 4: 0x12, **answers})
    assert list(status.codes) == [code]
    assert status.hindrance == (None if code == "printer.near_end" else code)


# --- on a wire --------------------------------------------------------------------------------------


def test_a_slip_comes_out_in_chinese_with_its_code_and_is_cut(tmp_path: Path) -> None:
    with rig(tmp_path, FAST) as hall:
        marks: list[int] = []
        outcome = hall.driver("printer-1").print("c1", slip(), lambda: marks.append(1))
        assert outcome == Printed(order="c1", press=7, is_confirmed=True)
        assert marks == [1]
        (paper,) = hall.state("printer-1")["slips"]
        assert paper["is_cut"]
        assert paper["qr"] == URL
        lines = [line for line in paper["lines"] if line.get("text")]
        assert [line["text"] for line in lines] == [line.text for line in slip().lines]
        assert (lines[0]["bold"], lines[0]["align"], lines[1]["size"]) == (True, "center", 4)


def test_slips_are_printed_one_after_another(tmp_path: Path) -> None:
    with rig(tmp_path, FAST) as hall:
        printer = hall.driver("printer-1")
        futures = [printer.submit(f"c{n}", slip(f"A{n:03}")) for n in range(3)]
        assert [future.result(timeout=30).order for future in futures] == ["c0", "c1", "c2"]
        numbers = [paper["lines"][1]["text"] for paper in hall.state("printer-1")["slips"]]
        assert numbers == ["A000", "A001", "A002"]


def test_a_code_drawn_as_dots_reaches_the_paper_too(tmp_path: Path) -> None:
    with rig(tmp_path, FAST) as hall:
        printer = hall.driver("printer-1", options={"qr": "raster"})
        assert isinstance(printer.print("c1", slip()), Printed)
        (paper,) = hall.state("printer-1")["slips"]
        assert any("image" in line for line in paper["lines"])


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("paper_out", "printer.paper_out"),
        ("cover_open", "printer.cover_open"),
        ("cutter", "printer.cutter"),
        ("head_hot", "printer.head_hot"),
        ("garbage", "printer.wrong_device"),
        ("no_answer", "printer.no_answer"),
        ("unplug", "printer.gone"),
    ],
)
def test_f01_f04_f05_f06_f09_a_hindered_printer_prints_nothing_but_why(
    tmp_path: Path, fault: str, code: str
) -> None:
    with rig(tmp_path, FAST) as hall:
        printer = hall.driver("printer-1")
        hall.broken("printer-1", fault)
        marks: list[int] = []
        assert printer.print("c1", slip(), lambda: marks.append(1)) == NotPrinted(
            order="c1", press=7, why=code
        )
        assert (marks, hall.state("printer-1")["slips"], printer.is_ready()) == ([], [], False)
        hall.broken("printer-1", fault, False)
        hall.until(printer.is_ready)
        assert isinstance(printer.print("c2", slip()), Printed)
        assert hall.reports.codes() == [f"+{code}", f"-{code}"]


def test_f02_the_roll_ending_in_a_slip_makes_it_uncertain_and_a_new_roll_goes_on(tmp_path: Path) -> None:
    with rig(tmp_path, {**FAST, "paper_mm": 20}) as hall:
        printer = hall.driver("printer-1")
        outcome = printer.print("c1", slip())
        assert outcome == PrintUncertain(order="c1", press=7, why="printer.paper_out")
        hall.broken("printer-1", "paper_out", False)
        hall.until(printer.is_ready)
        assert isinstance(printer.print("c2", slip()), Printed)
        torn, whole = hall.state("printer-1")["slips"]
        assert (torn["is_torn"], torn["is_cut"], whole["is_cut"]) == (True, False, True)


def test_f07_a_cable_pulled_in_mid_slip_makes_it_uncertain_and_nothing_is_sent_again(tmp_path: Path) -> None:
    with rig(tmp_path, {**PRINTER, "baud": 1200}) as hall:
        printer = hall.driver("printer-1")
        future = printer.submit("c1", slip())
        hall.until(lambda: hall.state("printer-1")["slips"])
        hall.broken("printer-1", "unplug")
        assert future.result(timeout=30) == PrintUncertain(order="c1", press=7, why="printer.gone")
        hall.broken("printer-1", "unplug", False)
        hall.until(printer.is_ready)
        assert len(hall.state("printer-1")["slips"]) == 1


def test_f10_a_printer_that_takes_no_bytes_ends_in_a_fault_not_in_waiting(tmp_path: Path) -> None:
    with rig(tmp_path, FAST) as hall:
        printer = hall.driver("printer-1", options={"status": "none"})
        hall.broken("printer-1", "blocked")
        long_slip = Print(device="printer-1", lines=[SlipLine(text="办" * 40)] * 300)
        outcome = printer.print("c1", long_slip)
        assert outcome == PrintUncertain(order="c1", press=None, why="printer.blocked")


def test_f11_a_model_without_status_prints_unconfirmed(tmp_path: Path) -> None:
    with rig(tmp_path, FAST) as hall:
        hall.broken("printer-1", "no_answer")
        printer = hall.driver("printer-1", options={"status": "none"})
        assert printer.print("c1", slip()) == Printed(order="c1", press=7, is_confirmed=False)
        assert printer.capability().can["status"] is False


def test_a_slow_answer_is_an_answer(tmp_path: Path) -> None:
    with rig(tmp_path, FAST) as hall:
        hall.broken("printer-1", "slow")
        assert isinstance(hall.driver("printer-1").print("c1", slip()), Printed)


def test_f03_a_roll_near_its_end_is_told_and_printing_goes_on(tmp_path: Path) -> None:
    with rig(tmp_path, {**FAST, "paper_mm": 1000}) as hall:
        printer = hall.driver("printer-1")
        assert isinstance(printer.print("c1", slip()), Printed)
        assert printer.health() == "printer.near_end"
        assert printer.is_ready()


def test_a_mark_that_fails_prints_nothing(tmp_path: Path) -> None:
    def full() -> None:
        raise OSError("disk full")

    with rig(tmp_path, FAST) as hall:
        printer = hall.driver("printer-1")
        with pytest.raises(OSError, match="disk full"):
            printer.print("c1", slip(), full)
        assert hall.state("printer-1")["slips"] == []
        assert isinstance(printer.print("c2", slip()), Printed)


@pytest.mark.parametrize(
    ("wire", "said"),
    [
        ("serial:ttyUSB0", "absolute"),
        ("serial:/dev/ttyUSB0?baud=9601", "9601"),
        ("serial:/dev/ttyUSB0?speed=9600", "speed"),
        ("usb:/dev/ttyUSB0", "serial:"),
    ],
)
def test_a_wrong_wire_is_told_with_what_is_wrong(wire: str, said: str) -> None:
    with pytest.raises(wires.WireFault, match=said) as fault:
        wires.serial_wire(wire)
    assert fault.value.what == "text"


def test_two_programs_cannot_share_a_port(tmp_path: Path) -> None:
    with rig(tmp_path, FAST) as hall:
        wire: Any = wires.serial_wire(hall.seen("printer-1")["wire"])
        first = wires.open_line(wire)
        with pytest.raises(wires.WireFault, match="in use") as fault:
            wires.open_line(wire)
        assert fault.value.what == "busy"
        first.close()
