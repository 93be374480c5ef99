"""Card and code readers: frames of GA 467, lines, typed codes; what of a card leaves the unit."""

from __future__ import annotations

import logging
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware import wires
from firmware.cards import CardAtHand, shown
from firmware.devices import Devices
from firmware.drivers import build, hid
from firmware.drivers.id_frames import (
    FIND,
    READ,
    SELECT,
    Answer,
    BadCard,
    Reader,
    age,
    answers,
    card_in,
    is_number,
    question,
)
from firmware.drivers.reader import CARD_BYTES, CardRead
from firmware.emulators.reader import PEOPLE
from firmware.protocol.clock import UnitClock
from firmware.protocol.codec import encode
from firmware.protocol.guard import Guard
from firmware.protocol.messages import CardShown, DeviceConfig, Pressed, Scanned, UnitConfig
from firmware.protocol.persons import digest
from tests.firmware.rig import Reports, Rig, rig
from tests.waiting import until

CARDS: dict[str, Any] = {"kind": "reader", "device": "cards-1", "reads": "id_card"}
SCANNER: dict[str, Any] = {"kind": "reader", "device": "scanner-1", "baud": 115200}
TYPING: dict[str, Any] = {"kind": "reader", "device": "scanner-1", "wire": "hid"}
SLIP = "http://192.168.1.20:8000/h/hall/t/8fJ2kQmW0pZrT6vXc1BdYA"
TODAY = date(2026, 11, 23)


def cards_of(hall: Rig) -> Any:
    return hall.bench.device("cards-1")


# --- frames -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "frame"),
    [(FIND, "AA AA AA 96 69 00 03 20 01 22"), (SELECT, "AA AA AA 96 69 00 03 20 02 21"),
     (READ, "AA AA AA 96 69 00 03 30 01 32")],
)  # fmt: skip
def test_questions_have_the_bytes_of_the_standard(command: tuple[int, int], frame: str) -> None:
    assert question(command) == bytes.fromhex(frame)


def test_an_answer_has_the_bytes_of_the_standard() -> None:
    assert Answer(0x9F, bytes(4)).encode() == bytes.fromhex("AA AA AA 96 69 00 08 00 00 9F 00 00 00 00 97")


@settings(deadline=None)
@given(st.binary(max_size=40).filter(lambda noise: b"\xaa" not in noise), st.binary(max_size=60))
def test_an_answer_behind_noise_is_found(noise: bytes, data: bytes) -> None:
    answer = Answer(0x90, data)
    assert answers(Reader().feed(noise + answer.encode())) == [answer]


@settings(deadline=None)
@given(st.lists(st.binary(max_size=50), max_size=8))
def test_no_bytes_break_the_frames_or_a_card(pieces: list[bytes]) -> None:
    reader = Reader()
    for piece in pieces:
        for answer in answers(reader.feed(piece)):
            with pytest.raises(BadCard):
                card_in(answer.data)


def test_of_a_card_only_number_and_birth_are_taken() -> None:
    card = card_in(bytes(4) + PEOPLE[0].text() + bytes(1024))
    assert (card.number, card.birth) == (PEOPLE[0].number, date(1950, 3, 1))


@pytest.mark.parametrize("number", ["", "99000019500301001", "990000195003010019", "１" * 18])
def test_a_wrong_check_digit_is_no_card(number: str) -> None:
    assert not is_number(number)
    assert is_number("11010519491231002X")  # the example of GB 11643


def test_age_counts_whole_years() -> None:
    assert (age(date(1966, 11, 23), TODAY), age(date(1966, 11, 24), TODAY)) == (60, 59)


def test_codes_are_typed_with_capitals_and_signs() -> None:
    typing = hid.Typing(100)
    strokes = [hid.Stroke(42, 1), hid.Stroke(30, 1), hid.Stroke(42, 0), hid.Stroke(30, 1), hid.Stroke(82, 1)]
    assert [typing.take(stroke) for stroke in strokes] == [None] * 5
    assert typing.take(hid.Stroke(28, 1)) == "Aa0"


# --- on wires ---------------------------------------------------------------------------------------


def test_a_card_is_read_once_while_it_lies_there_and_again_when_laid_again(tmp_path: Path) -> None:
    with rig(tmp_path, CARDS) as hall:
        reader = hall.driver("cards-1", options={"reads": "id_card"})
        hall.until(lambda: reader.capability().model)
        for person in (0, 1):
            cards_of(hall).lay(person)
            hall.until(lambda n=person: len(hall.reports.of(CardRead)) == n + 1)
        assert [read.birth for read in hall.reports.of(CardRead)] == [PEOPLE[0].birth, PEOPLE[1].birth]
        hall.until(lambda: hall.state("cards-1")["read"] == 2)


@pytest.mark.parametrize(
    ("fault", "code"),
    [("dead", "reader.no_answer"), ("failed", "reader.failed"), ("unplug", "reader.gone")],
)
def test_a_card_reader_in_trouble_says_so_and_reads_again(tmp_path: Path, fault: str, code: str) -> None:
    with rig(tmp_path, CARDS) as hall:
        reader = hall.driver("cards-1", options={"reads": "id_card"})
        hall.until(lambda: reader.capability().model)
        hall.broken("cards-1", fault)
        hall.until(lambda: reader.health() == code)
        hall.broken("cards-1", fault, False)
        hall.until(lambda: reader.health() == "ok")
        cards_of(hall).lay(1)
        hall.until(lambda: hall.reports.of(CardRead))
        assert hall.reports.codes() == [f"+{code}", f"-{code}"]


@pytest.mark.parametrize("asked", [SELECT, READ])
def test_a_card_of_which_an_answer_is_lost_is_read_without_being_lifted(
    tmp_path: Path, asked: tuple[int, int]
) -> None:
    """GA 467: a card that was selected is found again only when it is laid again."""
    with rig(tmp_path, CARDS) as hall:
        emulator, lost = cards_of(hall), list[bytes]()
        send, length = emulator.wire.send, {SELECT: 19, READ: CARD_BYTES}[asked]

        def lose_one(data: bytes) -> None:
            (lost.append if len(data) == length and not lost else send)(data)

        emulator.wire.send = lose_one
        hall.driver("cards-1", options={"reads": "id_card"})
        emulator.lay(1)
        hall.until(lambda: hall.reports.of(CardRead))
        assert len(lost) == 1


def test_cards_are_read_through_noise(tmp_path: Path) -> None:
    with rig(tmp_path, CARDS) as hall:
        hall.broken("cards-1", "noise")
        hall.driver("cards-1", options={"reads": "id_card"})
        cards_of(hall).lay(2)
        hall.until(lambda: hall.reports.of(CardRead))


@pytest.mark.parametrize("kind", [SCANNER, TYPING])
def test_a_code_is_told_once_whatever_the_scanner_hangs_on(tmp_path: Path, kind: dict[str, Any]) -> None:
    with rig(tmp_path, kind) as hall:
        reader = hall.driver("scanner-1")
        hall.until(lambda: reader.counts()["reopens"] == 1)
        scanner: Any = hall.bench.device("scanner-1")
        scanner.scan(SLIP)
        scanner.scan(SLIP)
        scanner.scan("A-1?b_2")
        hall.until(lambda: len(hall.reports.of(Scanned)) == 2)
        assert [each.code for each in hall.reports.of(Scanned)] == [SLIP, "A-1?b_2"]


@pytest.mark.parametrize("kind", [SCANNER, TYPING])
def test_a_scanner_pulled_off_is_gone_and_comes_back(tmp_path: Path, kind: dict[str, Any]) -> None:
    with rig(tmp_path, kind) as hall:
        reader = hall.driver("scanner-1")
        hall.until(lambda: reader.counts()["reopens"] == 1)
        hall.broken("scanner-1", "unplug")
        hall.until(lambda: reader.health() == "reader.gone")
        hall.broken("scanner-1", "unplug", False)
        hall.until(lambda: reader.health() == "ok")
        hall.bench.device("scanner-1").scan("B007")  # type: ignore[union-attr]
        hall.until(lambda: hall.reports.of(Scanned))


def test_cards_cannot_be_read_by_a_keyboard() -> None:
    config = DeviceConfig(device="r", kind="reader", wire="hid:/dev/input/x", options={"reads": "id_card"})
    with pytest.raises(wires.WireFault, match="id_card"):
        build(config, Reports())


# --- what leaves the unit ---------------------------------------------------------------------------


def reader_config(**options: str) -> DeviceConfig:
    return DeviceConfig(device="cards-1", kind="reader", wire="serial:/dev/x", options=options)


def read(person: int) -> CardRead:
    return CardRead(device="cards-1", number=PEOPLE[person].number, birth=PEOPLE[person].birth)


def test_neither_number_nor_birth_leaves_the_unit() -> None:
    told = encode(shown(read(0), reader_config(green_from="60", key="hall"), TODAY)).decode()
    assert PEOPLE[0].number not in told
    assert "1950" not in told
    assert f'"who":"{digest("hall", PEOPLE[0].number)}"' in told


@pytest.mark.parametrize(
    ("person", "options", "today", "is_green"),
    [
        (0, {"green_from": "60"}, TODAY, True),
        (1, {"green_from": "60"}, TODAY, False),
        (0, {}, TODAY, False),
        (0, {"green_from": "60"}, None, False),
    ],
)
def test_green_is_who_is_old_enough_on_the_business_date(
    person: int, options: dict[str, str], today: date | None, is_green: bool
) -> None:
    assert shown(read(person), reader_config(**options), today).is_green is is_green


def test_a_card_counts_for_one_press() -> None:
    card = CardAtHand()
    card.shown(CardShown(device="cards-1", is_green=True))
    presses = [card.apply(Pressed(input="button-1")).klass for _ in range(2)]
    assert presses == ["green", ""]


def test_the_next_card_takes_the_place_of_the_last() -> None:
    card = CardAtHand()
    card.shown(CardShown(device="cards-1", is_green=True))
    card.shown(CardShown(device="cards-1", is_green=False))
    assert card.apply(Pressed(input="button-1")).klass == ""


class Day:
    """A store that knows the business date."""

    clock = UnitClock()

    def get(self, name: str) -> str | None:
        return TODAY.isoformat() if name == "day" else None

    def put(self, name: str, value: object) -> None:
        """Nothing is kept."""


def test_a_unit_turns_a_card_into_a_green_press_and_keeps_its_digest_for_a_check_in(tmp_path: Path) -> None:
    with rig(tmp_path, CARDS) as hall:
        reports = Reports()
        devices = Devices(reports, Guard(logging.getLogger("test")), Day())
        config = DeviceConfig(
            device="cards-1",
            kind="reader",
            wire=hall.seen("cards-1")["wire"],
            options={"reads": "id_card", "green_from": "60", "key": "hall"},
        )
        try:
            assert devices.configure(UnitConfig(rev=1, position="p", devices=[config]), print) == []
            assert devices.card() == (True, 0)
            cards_of(hall).lay(0)
            until(lambda: reports.of(CardShown))
            assert reports.of(CardShown) == [CardShown(device="cards-1", is_green=True)]
            assert devices.with_card(Pressed(input="button-1")).klass == "green"
            assert devices.card() == (True, 1)
            assert [devices.who(n) for n in (0, 1)] == ["", digest("hall", PEOPLE[0].number)]
        finally:
            devices.stop()
