"""A modem at the end of a serial line: parts, reports, answers, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from controller.messaging.carrier import Received
from controller.messaging.modem import Modem
from controller.messaging.templates import Event
from controller.store import messages as rows
from controller.store.messages import State
from firmware.drivers.sms_pdu import BadPdu, Incoming, Part, read, submits
from firmware.emulators.modem import ModemEmulator, delivers
from tests.controller.messaging.writing import FULL, Post, post
from tests.waiting import until


@pytest.fixture
def far(tmp_path: Path) -> Iterator[ModemEmulator]:
    emulator = ModemEmulator(tmp_path / "modem", 115_200, Random(1), lambda: None)
    emulator.start()
    yield emulator
    emulator.stop()


@pytest.fixture
def made(tmp_path: Path, far: ModemEmulator) -> Iterator[Post]:
    with post(tmp_path, sms_carrier="modem", sms_address=far.wire_text) as made:
        carrier = next(iter(made.office.messenger._carriers.values()))
        assert isinstance(carrier, Modem)
        carrier._listen_s = 0.05
        yield made


def test_what_is_sent_arrives_whole_and_what_is_answered_is_taken_off_the_card(
    made: Post, far: ModemEmulator
) -> None:
    made.write(Event.RATING, number="A001", code="37")
    one = made.step()
    assert (one.state, one.parts) == (State.SENT, 2)
    assert far.sent == [(FULL, made.text(one))]
    far.receive(FULL, "预约" + "户口" * 40)
    far.receive(FULL, "退订")
    until(lambda: made.step().state is State.DELIVERED)
    until(lambda: made.step() and far.state()["card"] == 0)
    with made.store.reading() as c:
        assert {one.meaning for one in rows.answers(c, "hall", 5)} == {"stop", "words"}


def test_a_number_the_network_does_not_know_fails_and_a_network_that_is_away_is_tried_again(
    made: Post, far: ModemEmulator
) -> None:
    far.set_fault("no_network", True)
    made.write()
    assert (made.step().state, made.all()[0].why) == (State.WAITING, "cms_38")
    far.set_fault("no_network", False)
    far.set_fault("refuses", True)
    made.write(key="next")
    assert (made.step().state, made.all()[0].why) == (State.FAILED, "cms_1")


def test_pdus_are_as_the_standard_says() -> None:
    """The 7-bit example is of 3GPP TS 23.038's packing; the rest is worked out by hand from 23.040."""
    said = read("07911326040000F0040B911346610089F60000208062917314080CC8F71D14969741F977FD07")
    assert said == Incoming("+31641600986", "How are you?", "02082619374180")
    one = submits("+8613812345678", "好", 1)[0]
    assert one.hexadecimal == "0031000D91683118325476F80008A702597D"
    assert one.length == len(one.hexadecimal) // 2 - 1
    parts = [read(pdu) for pdu in delivers(FULL, "字" * 80)]
    assert [one.part for one in parts if isinstance(one, Incoming)] == [Part(77, 1, 2), Part(77, 2, 2)]
    for wrong in ("", "00", "zz", "0704"):
        with pytest.raises(BadPdu):
            read(wrong)


def test_the_whole_office_hears_a_citizen_by_their_number(made: Post) -> None:
    made.office.take(Received("13812345678", "恢复"))
    with made.store.reading() as c:
        assert rows.answers(c, "hall", 1)[0].meaning == "start"
