"""Chains of MAX7219: what luma draws reaches the dots, again and again (F21)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from firmware import wires
from firmware.drivers import build
from firmware.protocol.messages import DeviceConfig
from tests.firmware.rig import Reports, Rig, rig

pytest.importorskip("luma.led_matrix", reason="dot matrices need the extra `matrix`")

MATRIX: dict[str, Any] = {"kind": "matrix", "device": "matrix-1", "chips": 4}


def lit(hall: Rig) -> list[str]:
    rows: list[str] = hall.state("matrix-1")["rows"]
    return rows


def dots(hall: Rig) -> int:
    return "".join(lit(hall)).count("#")


def test_a_number_is_drawn_in_dots_and_another_in_its_place(tmp_path: Path) -> None:
    with rig(tmp_path, MATRIX) as hall:
        matrix = hall.driver("matrix-1")
        matrix.show("1")
        hall.until(lambda: dots(hall) > 5, timeout=30)
        one = lit(hall)
        assert any("##" in row for row in one)
        matrix.show("A023")
        hall.until(lambda: lit(hall) != one and dots(hall) > 30, timeout=30)
        assert all(len(row) == 32 for row in lit(hall))
        assert hall.state("matrix-1")["intensity"] == 4


def test_what_cannot_be_drawn_is_left_out_and_too_much_loses_its_front(tmp_path: Path) -> None:
    from firmware.drivers.matrix_draw import fitting, width_of

    assert fitting("请 A023 号", 64)[0] == "A023"
    text, font = fitting("A1234567890123", 32)
    assert "A1234567890123".endswith(text)
    assert 0 < width_of(text, font) <= 32


def test_f21_interference_is_painted_over_and_unplugging_told(tmp_path: Path) -> None:
    with rig(tmp_path, MATRIX) as hall:
        matrix = hall.driver("matrix-1")
        matrix.show("88")
        hall.until(lambda: dots(hall) > 10, timeout=30)
        before = lit(hall)
        hall.broken("matrix-1", "glitch")
        assert dots(hall) == 0
        matrix.show("88")
        hall.until(lambda: lit(hall) == before, timeout=30)
        hall.broken("matrix-1", "unplug")
        matrix.show("89")
        hall.until(lambda: matrix.health() == "matrix.gone", timeout=30)
        hall.broken("matrix-1", "unplug", False)
        hall.until(lambda: matrix.health() == "ok" and lit(hall) != before, timeout=30)
        assert hall.reports.codes() == ["+matrix.gone", "-matrix.gone"]


@pytest.mark.parametrize(
    ("wire", "options"),
    [("spi:0", {}), ("spi:a.b", {}), ("spi:0.0", {"turn": "45"}), ("spi:0.0", {"chips": "0"})],
)
def test_a_wire_or_option_that_means_nothing_is_refused(wire: str, options: dict[str, str]) -> None:
    config = DeviceConfig(device="matrix-1", kind="matrix", wire=wire, options=options)
    with pytest.raises(wires.WireFault):
        build(config, Reports())
