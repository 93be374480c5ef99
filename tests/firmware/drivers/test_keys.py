"""Keys without a protocol, on pins and on USB, and lamps (F13, F27)."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from firmware import wires
from firmware.devices import Devices
from firmware.drivers import build, hid
from firmware.drivers.keypad_frames import ratings_of
from firmware.protocol.guard import Guard
from firmware.protocol.messages import (
    Board,
    DeviceConfig,
    KeyPressed,
    QueueLine,
    Rated,
    UnitConfig,
    WindowBoard,
)
from tests.firmware.rig import Reports, Rig, rig

PINS: dict[str, Any] = {"kind": "keys", "device": "keys-1", "pins": [5, 6, 13]}
USB: dict[str, Any] = {"kind": "keys", "device": "keys-1"}
LAMP: dict[str, Any] = {"kind": "lamp", "device": "lamp-1", "pin": 20}


def keys_of(hall: Rig) -> Any:
    return hall.bench.device("keys-1")


def board(**window: Any) -> Board:
    facts = {"number": 3, "zh": "三号", "en": "3", "state": "open", **window}
    now = datetime(2026, 11, 23, tzinfo=UTC)
    lines = [QueueLine(code="A", zh="综合", en="General", waiting=0, windows=1)]
    return Board(board="w3", ver=1, gen=1, ts=now, window=WindowBoard(**facts), queues=lines)


# --- meanings ---------------------------------------------------------------------------------------


def test_three_four_and_five_keys_go_from_very_poor_to_very_good() -> None:
    assert ratings_of(3) == {"0": 1, "1": 3, "2": 5}
    assert ratings_of(4) == {"0": 1, "1": 3, "2": 4, "3": 5}
    assert ratings_of(5) == {"0": 1, "1": 2, "2": 3, "3": 4, "4": 5}


@pytest.mark.parametrize(
    ("wire", "options", "said"),
    [
        ("gpio:5,6", {}, "2 keys"),
        ("gpio:5,x,7", {}, "gpio"),
        ("gpio:5,6,7", {"keys": "1=dance"}, "dance"),
        ("hid:input/x", {}, "absolute"),
    ],
)
def test_a_wire_or_key_that_means_nothing_is_named(wire: str, options: dict[str, str], said: str) -> None:
    config = DeviceConfig(device="keys-1", kind="keys", wire=wire, options=options)
    with pytest.raises(wires.WireFault, match=said):
        build(config, Reports())


def test_a_keypad_with_six_faces_is_refused() -> None:
    config = DeviceConfig(device="k", kind="keypad", wire="serial:/dev/x", options={"faces": "6"})
    with pytest.raises(wires.WireFault, match="faces is 3, 4 or 5"):
        build(config, Reports())


@given(st.lists(st.binary(max_size=60), max_size=6))
def test_any_bytes_are_strokes_or_nothing(pieces: list[bytes]) -> None:
    events = hid.Events()
    for piece in pieces:
        for stroke in events.feed(piece):
            assert stroke.name


# --- on wires ---------------------------------------------------------------------------------------


def test_keys_on_pins_rate_in_their_order(tmp_path: Path) -> None:
    with rig(tmp_path, PINS) as hall:
        hall.driver("keys-1", board="w3", options={"lockout_ms": "0"})
        hall.until(lambda: hall.state("keys-1")["is_wired"])
        for name in ("1", "2", "3"):
            keys_of(hall).push(name)
        hall.until(lambda: len(hall.reports.of(Rated)) == 3)
        assert sorted(each.level for each in hall.reports.of(Rated)) == [1, 3, 5]
        assert {each.board for each in hall.reports.of(Rated)} == {"w3"}


def test_f27_a_stuck_key_is_one_rating_and_the_others_work(tmp_path: Path) -> None:
    with rig(tmp_path, PINS) as hall:
        keys = hall.driver("keys-1", options={"stuck_s": "0.5"})
        hall.until(lambda: hall.state("keys-1")["is_wired"])
        hall.broken("keys-1", "stuck")
        hall.until(lambda: keys.health() == "input.stuck")
        keys_of(hall).push("3")
        hall.until(lambda: len(hall.reports.of(Rated)) == 2)
        assert [each.level for each in hall.reports.of(Rated)] == [1, 5]
        hall.broken("keys-1", "stuck", False)
        hall.until(lambda: keys.health() == "ok")


def test_a_usb_keypad_calls_and_can_be_given_other_keys(tmp_path: Path) -> None:
    with rig(tmp_path, USB) as hall:
        keys = hall.driver("keys-1", board="w3")
        hall.until(lambda: keys.health() == "ok")
        for name in ("enter", "plus", "5"):
            keys_of(hall).push(name)
        hall.until(lambda: len(hall.reports.of(KeyPressed)) == 3)
        assert [each.key for each in hall.reports.of(KeyPressed)] == ["call_next", "recall", "unknown:5"]
        assert keys.capability().can == {"rating": False, "calling": True, "digits": False}


def test_a_usb_keypad_may_rate(tmp_path: Path) -> None:
    with rig(tmp_path, USB) as hall:
        hall.driver("keys-1", ratings={"1": 1, "5": 5}, options={"keys": "enter=call_next"})
        for name in ("5", "enter"):
            keys_of(hall).push(name)
        hall.until(lambda: len(hall.reports.all) == 2)
        assert [each.level for each in hall.reports.of(Rated)] == [5]
        assert [each.key for each in hall.reports.of(KeyPressed)] == ["call_next"]


def test_f27_a_key_held_on_usb_is_one_press_and_a_fault(tmp_path: Path) -> None:
    with rig(tmp_path, USB) as hall:
        keys = hall.driver("keys-1", options={"stuck_s": "0.5"})
        hall.broken("keys-1", "stuck")
        hall.until(lambda: keys.health() == "input.stuck")
        assert (len(hall.reports.of(KeyPressed)), keys.counts()["repeats"]) == (1, 1)
        hall.broken("keys-1", "stuck", False)
        hall.until(lambda: keys.health() == "ok")


def test_a_usb_keypad_pulled_off_is_gone_and_comes_back(tmp_path: Path) -> None:
    with rig(tmp_path, USB) as hall:
        keys = hall.driver("keys-1")
        hall.broken("keys-1", "unplug")
        hall.until(lambda: keys.health() == "input.gone")
        hall.broken("keys-1", "unplug", False)
        hall.until(lambda: keys.health() == "ok")


# --- lamps ------------------------------------------------------------------------------------------


def test_a_windows_lamp_is_lit_while_it_serves_and_blinks_while_it_calls(tmp_path: Path) -> None:
    with rig(tmp_path, LAMP) as hall:
        lamp = hall.driver("lamp-1")
        lamp.paint(board())
        hall.until(lambda: hall.state("lamp-1")["is_lit"])
        lamp.paint(board(is_called=True, ticket="A001"))
        hall.until(lambda: hall.state("lamp-1")["changes"] >= 5)
        lamp.paint(board(state="paused"))
        hall.until(lambda: not hall.state("lamp-1")["is_lit"])


def test_a_buttons_lamp_says_that_its_queue_is_open(tmp_path: Path) -> None:
    with rig(tmp_path, LAMP) as hall:
        lamp = hall.driver("lamp-1", queue="A")
        lamp.paint(board(state="closed"))
        hall.until(lambda: hall.state("lamp-1")["is_lit"])


def test_a_buttons_lamp_needs_no_board_of_its_own(tmp_path: Path) -> None:
    with rig(tmp_path, LAMP) as hall:
        wire = str(hall.seen("lamp-1")["wire"])
        lamp = DeviceConfig(device="lamp-1", kind="lamp", wire=wire, queue="A")
        devices = Devices(Reports(), Guard(logging.getLogger("test")))
        assert devices.configure(UnitConfig(rev=1, position="p", devices=[lamp]), lambda name: None) == []
        try:
            devices.paint(board())
            hall.until(lambda: hall.state("lamp-1")["is_lit"])
            devices.paint(replace(board(), queues=[replace(board().queues[0], is_open=False)]))
            hall.until(lambda: not hall.state("lamp-1")["is_lit"])
        finally:
            devices.stop()


def test_a_lamp_without_its_bench_is_told_and_lit_again(tmp_path: Path) -> None:
    reports = Reports()
    config = DeviceConfig(device="lamp-1", kind="lamp", wire=f"gpio:emulated:{tmp_path}/gpio.sock#20")
    lamp = build(config, reports)
    lamp.start()
    try:
        with rig(tmp_path, LAMP) as hall:
            hall.until(lambda: lamp.health() == "ok")
            lamp.paint(board())
            hall.until(lambda: hall.state("lamp-1")["is_lit"])
        lamp.paint(board(is_called=True))
        hall.until(lambda: lamp.health() == "lamp.gone")
    finally:
        lamp.stop()
