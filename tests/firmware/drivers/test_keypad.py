"""The keypad bus (P.32): bytes against the notes, noise (F29), stuck keys (F27)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from firmware.drivers.keypad_frames import (
    FROM_HOST,
    HEAD,
    KEYS,
    RATED,
    Frame,
    Reader,
    answer,
    digits_of,
    key_name,
    show,
)
from firmware.protocol.messages import Board, KeyPressed, Rated, WindowBoard
from tests.firmware.rig import Rig, rig

KEYPADS: list[dict[str, Any]] = [
    {"kind": "keypad", "device": f"keypad-{at}", "link": "keypads", "address": at, "faces": 5}
    for at in (3, 4)
]
FACES = {str(value): value + 1 for value in range(5)}


# --- frames -----------------------------------------------------------------------------------------


def test_a_key_frame_has_the_bytes_of_the_notes() -> None:
    assert Frame(3, 1, b"\x0c").encode() == bytes.fromhex("FF 68 03 03 68 03 01 0C 10 16")


def test_the_display_takes_three_digits_waiting_and_three_of_the_number() -> None:
    assert show(5, 12, "A023").encode() == bytes.fromhex("FF 68 08 08 68 05 02 0A 01 02 00 02 03 19 16")


@pytest.mark.parametrize(
    ("waiting", "number", "cells"),
    [
        (None, "", "0A 0A 0A 0A 0A 0A"),
        (0, "B7", "0A 0A 00 00 00 07"),
        (1250, "A1234", "09 09 09 02 03 04"),
    ],
)
def test_what_does_not_fit_on_the_display(waiting: int | None, number: str, cells: str) -> None:
    assert show(1, waiting, number).data == bytes.fromhex(cells)


def test_the_host_answers_a_key_with_its_own_frame_and_a_rating_with_func_01_and_cs_less_16() -> None:
    key, rating = Frame(3, 1, b"\x06\x0f"), Frame(3, RATED, b"\x02")
    assert answer(key) == key.encode()
    sent, back = rating.encode(), answer(rating)
    assert back[6] == 0x01
    assert back[-2] == (sent[-2] - 16) % 256


@pytest.mark.parametrize(("data", "key"), KEYS.items())
def test_every_key_has_its_meaning(data: bytes, key: str) -> None:
    assert key_name(data) == key


@pytest.mark.parametrize(("data", "key"), [(b"\x1a", "unknown:1A"), (b"\x04\x0f", "unknown:040F")])
def test_an_unknown_key_is_named_by_its_bytes(data: bytes, key: str) -> None:
    assert key_name(data) == key


@pytest.mark.parametrize(
    ("data", "digits"), [(b"\x02\x03\x0c", "23"), (b"\x04\x13", "4"), (b"\x06\x0f", ""), (b"\x0c", "")]
)
def test_digits_before_a_key_are_said_with_it(data: bytes, digits: str) -> None:
    assert digits_of(data) == digits


FRAMES = st.builds(
    Frame,
    address=st.integers(1, 40),
    func=st.sampled_from([0x01, RATED]),
    data=st.binary(min_size=1, max_size=3).filter(lambda data: max(data) <= 0x13),
)


def frames_in(data: bytes) -> list[Frame]:
    reader = Reader()
    return [*reader.feed(data), *reader.quiet()]


@settings(deadline=None)
@given(st.lists(st.tuples(st.binary(max_size=24), FRAMES), max_size=6), st.binary(max_size=24), st.data())
def test_f29_noise_between_frames_hides_none_and_makes_none(
    pieces: list[tuple[bytes, Frame]], tail: bytes, data: st.DataObject
) -> None:
    for noise in [*(noise for noise, _ in pieces), tail]:
        assume(not frames_in(noise))  # noise that is a whole frame is a frame
    line = b"".join(noise + frame.encode() for noise, frame in pieces) + tail
    reader, found, rest = Reader(), list[Frame](), line
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        found += reader.feed(rest[:size])
        rest = rest[size:]
    assert [*found, *reader.quiet()] == [frame for _, frame in pieces]


@settings(deadline=None)
@given(FRAMES, st.binary(min_size=1, max_size=12))
def test_f29_a_frame_behind_a_false_start_is_found(frame: Frame, after: bytes) -> None:
    false_start = HEAD + bytes([5, 5, 0x68]) + after
    assume(not frames_in(false_start))
    assert frames_in(false_start + frame.encode()) == [frame]


@settings(deadline=None)
@given(FRAMES, st.integers(0, 40))
def test_f29_a_frame_with_a_flipped_byte_is_no_key(frame: Frame, at: int) -> None:
    data = bytearray(frame.encode())
    data[at % len(data)] ^= 0x55
    assert frames_in(bytes(data)) == []


def test_a_cut_off_frame_is_counted_once_the_line_is_silent() -> None:
    reader = Reader()
    assert reader.feed(Frame(3, 1, b"\x0c").encode()[:7]) == []
    assert reader.quiet() == []
    assert reader.bad == 1


@pytest.mark.parametrize("length", [0, 1, 2, 6, 8, 255])
def test_lengths_the_deployed_host_drops_are_dropped(length: int) -> None:
    body = bytes(length)
    assert frames_in(HEAD + bytes([length, length, 0x68]) + body + bytes([0, 0x16])) == []


def test_a_device_reads_what_the_host_may_send() -> None:
    orders = [show(3, 1, "A001"), Frame(3, 3), Frame(3, 1, b"\x0b"), Frame(3, 2, b"\x05")]
    assert Reader(FROM_HOST).feed(b"".join(order.encode() for order in orders)) == orders


# --- the driver on a line -------------------------------------------------------------------------


def press(hall: Rig, device: str, key: str) -> None:
    hall.bench.device(device).press(key)  # type: ignore[union-attr, call-arg, arg-type]


def rate(hall: Rig, device: str, value: int) -> None:
    hall.bench.device(device).rate(value)  # type: ignore[union-attr]


def test_every_key_of_two_keypads_on_one_line_is_reported_and_answered(tmp_path: Path) -> None:
    with rig(tmp_path, *KEYPADS) as hall:
        for device in ("keypad-3", "keypad-4"):
            hall.driver(device)
        keys = [*KEYS.values(), "hex:1A"]
        for key in keys:
            press(hall, "keypad-3", str(key))
            press(hall, "keypad-4", str(key))
        hall.until(lambda: len(hall.reports.of(KeyPressed)) == 2 * len(keys))
        named = [*(key.value for key in KEYS.values()), "unknown:1A"]
        for device in ("keypad-3", "keypad-4"):
            assert [each.key for each in hall.reports.of(KeyPressed) if each.device == device] == named
            hall.until(lambda device=device: hall.state(device)["answered"] == len(keys))


def test_a_rating_after_the_prompt_carries_window_and_ticket(tmp_path: Path) -> None:
    with rig(tmp_path, *KEYPADS) as hall:
        keypad = hall.driver("keypad-3", ratings=FACES, board="w3")
        keypad.ask_rating("w3", "A023")
        hall.until(lambda: hall.state("keypad-3")["is_asking"])
        rate(hall, "keypad-3", 4)
        hall.until(lambda: hall.reports.of(Rated))
        assert hall.reports.all == [Rated(device="keypad-3", level=5, board="w3", ticket="A023")]
        keypad.thank(5)
        hall.until(lambda: hall.state("keypad-3")["stars"] == 5)


def test_without_a_table_the_four_keys_of_the_notes_count(tmp_path: Path) -> None:
    with rig(tmp_path, *KEYPADS) as hall:
        hall.driver("keypad-4")
        for value in range(5):
            rate(hall, "keypad-4", value)
        hall.until(lambda: len(hall.reports.all) == 5)
        assert [each.level for each in hall.reports.of(Rated)] == [1, 3, 4, 5]
        assert hall.reports.of(KeyPressed) == [KeyPressed(device="keypad-4", key="unknown:04")]


def test_the_window_board_stands_on_the_small_display_again_after_the_line_was_away(tmp_path: Path) -> None:
    with rig(tmp_path, *KEYPADS) as hall:
        keypad = hall.driver("keypad-3")
        keypad.paint(board_of("A023", 12))
        hall.until(
            lambda: (hall.state("keypad-3")["left"], hall.state("keypad-3")["right"]) == (" 12", "023")
        )
        hall.broken("keypad-3", "unplug")
        hall.until(lambda: keypad.health() == "keypad.gone")
        keypad.paint(board_of("A024", 11))
        hall.broken("keypad-3", "unplug", False)
        hall.until(lambda: hall.state("keypad-3")["right"] == "024")
        assert hall.reports.codes() == ["+keypad.gone", "-keypad.gone"]
        keypad.beep()
        hall.until(lambda: hall.state("keypad-3")["beeps"] == 1)


def board_of(ticket: str, waiting: int) -> Board:
    from datetime import UTC, datetime

    window = WindowBoard(number=3, zh="综合", en="General", state="serving", ticket=ticket, waiting=waiting)
    return Board(board="w3", ver=1, gen=1, ts=datetime(2026, 11, 23, 1, 5, tzinfo=UTC), window=window)


def test_broken_frames_are_counted_and_become_a_fault(tmp_path: Path) -> None:
    with rig(tmp_path, *KEYPADS) as hall:
        keypad = hall.driver("keypad-3")
        hall.broken("keypad-3", "broken")
        for _ in range(3):
            press(hall, "keypad-3", "call_next")
        hall.until(lambda: keypad.health() == "keypad.noise")
        assert keypad.counts()["bad_frames"] >= 3
        assert hall.reports.of(KeyPressed) == []


def test_f29_keys_come_through_noise_and_none_that_was_not_pressed(tmp_path: Path) -> None:
    with rig(tmp_path, *KEYPADS) as hall:
        hall.driver("keypad-3")
        hall.broken("keypad-3", "noise")
        for key in ("call_next", "recall", "no_show"):
            press(hall, "keypad-3", key)
        hall.until(lambda: len(hall.reports.of(KeyPressed)) == 3)
        assert [each.key for each in hall.reports.of(KeyPressed)] == ["call_next", "recall", "no_show"]


def test_f27_a_stuck_key_is_one_key_then_a_fault_and_other_keys_work(tmp_path: Path) -> None:
    with rig(tmp_path, *KEYPADS) as hall:
        keypad = hall.driver("keypad-3")
        press(hall, "keypad-3", "pause")
        hall.broken("keypad-3", "stuck")
        hall.until(lambda: keypad.health() == "keypad.stuck")
        hall.broken("keypad-3", "stuck", False)
        hall.until(lambda: keypad.health() == "ok")
        press(hall, "keypad-3", "recall")
        hall.until(lambda: len(hall.reports.of(KeyPressed)) == 2)
        assert [each.key for each in hall.reports.of(KeyPressed)] == ["pause", "recall"]
