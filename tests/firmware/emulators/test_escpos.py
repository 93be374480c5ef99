"""The emulated printer reads real ESC/POS, in whatever pieces it comes."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.drivers.slip import slip_bytes
from firmware.emulators.escpos import Ask, Cut, Parser, QrCode, Raster, Style, TextLine
from firmware.emulators.explain import explain, is_idle
from firmware.picture import dots_svg, qr_svg
from firmware.protocol.messages import Print, SlipLine

SLIP = slip_bytes(
    Print(device="p", lines=[SlipLine(text="社保业务 B108", size=2, align="center")], qr="http://x/t/1")
)[0]


@settings(deadline=None)
@given(st.lists(st.integers(1, 30), max_size=40))
def test_pieces_change_nothing(sizes: list[int]) -> None:
    parser, actions, rest = Parser(), [], SLIP
    for size in sizes:
        actions += list(parser.feed(rest[:size]))
        rest = rest[size:]
    actions += list(parser.feed(rest))
    assert actions == list(Parser().feed(SLIP))


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_break_it(data: bytes) -> None:
    for action in Parser().feed(data):
        assert action is not None


def test_a_slip_is_text_code_and_cut() -> None:
    actions = list(Parser().feed(SLIP))
    assert TextLine("社保业务 B108") in actions
    assert Style(size=2) in actions
    assert QrCode("http://x/t/1", 6) in actions
    assert actions[-1] == Cut()


def test_a_status_question_in_the_middle_of_a_line_does_not_end_it() -> None:
    assert list(Parser().feed(b"A0\x10\x04\x0423\n")) == [Ask(4), TextLine("A023")]


def test_dots_are_kept_by_rows() -> None:
    (raster,) = Parser().feed(b"\x1dv0\x00\x01\x00\x02\x00\xf0\x0f")
    assert raster == Raster(8, (b"\xf0", b"\x0f"))


def test_unknown_commands_are_counted_and_skipped() -> None:
    parser = Parser()
    assert list(parser.feed(b"\x1b\x7fA\n")) == [TextLine("A")]
    assert parser.unknown == 1


def test_bytes_are_explained_in_words() -> None:
    assert "“社保业务 B108”" in explain("printer", True, SLIP)
    assert explain("keypad", False, bytes.fromhex("FF68030368 03 01 0C 10 16")) == "#3 key call_next"
    assert explain("led", True, bytes.fromhex("AA5503010102C7EBBFE3")) == "#3 seq 1 show “请”"
    assert explain("keypad", False, bytes.fromhex("FF6803036803010C0016")) == "broken"
    assert is_idle("printer", True, b"\x10\x04\x01")
    assert not is_idle("printer", True, SLIP)


def test_pictures_are_svg() -> None:
    assert qr_svg("http://x/t/1").startswith("<svg")
    assert dots_svg([[True, False, True]]).count("M") == 3
