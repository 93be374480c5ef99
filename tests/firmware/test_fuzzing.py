"""Whatever bytes come: nothing crashes, nobody is heard who said nothing, and the next frame is heard."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from firmware.drivers import escpos_status, hid, id_frames, keypad_frames, led_frames
from firmware.protocol import topics
from firmware.protocol.clock import UnitClock
from firmware.protocol.codec import BadMessage, decode, encode, raw
from firmware.protocol.guard import Guard
from firmware.protocol.link import Broker, Callbacks, Identity, Link, Received
from firmware.protocol.messages import Beep, Board, Command, ControllerState, Struct, UnitConfig
from firmware.protocol.outbox import Outbox

NOISE = st.binary(max_size=64)
HALL, UNIT = "hall", "node-1"
LEAVES = [topics.down(HALL, UNIT, leaf) for leaf in ("ack", "cmd", "cfg", "rep")]
TOPICS = [*LEAVES, topics.controller_state(HALL), topics.board(HALL, "w3")]


# --- lines


@settings(deadline=None)
@given(NOISE, st.integers(1, 40), st.sampled_from(sorted(set(range(1, 20)) - {0x16})))
def test_f29_a_keypad_is_heard_again_with_the_frame_after_noise(noise: bytes, address: int, key: int) -> None:
    reader, frame = keypad_frames.Reader(), keypad_frames.Frame(address, 1, bytes([key]))
    reader.feed(noise)
    reader.quiet()
    assert reader.feed(frame.encode()) == [frame]


@settings(deadline=None)
@given(st.lists(NOISE, max_size=8))
def test_f29_no_noise_is_a_key(pieces: list[bytes]) -> None:
    """Frames that noise makes up have a right sum by chance only: one that has none is never a key."""
    reader, line = keypad_frames.Reader(), b"".join(pieces)
    assume(keypad_frames.HEAD not in line)
    assert [frame for piece in pieces for frame in reader.feed(piece)] == []


@settings(deadline=None)
@given(NOISE, st.integers(1, 247), st.integers(0, 255), st.binary(max_size=40))
def test_f20_an_led_bar_is_heard_again_with_the_frame_after_noise(
    noise: bytes, address: int, seq: int, data: bytes
) -> None:
    reader, frame = led_frames.Reader(), led_frames.Frame(address, seq, led_frames.ACK, data)
    reader.feed(noise)
    reader.forget()  # as after a silence longer than a frame
    assert reader.feed(frame.encode()) == [frame]


@settings(deadline=None)
@given(NOISE, st.binary(min_size=3, max_size=40))
def test_f29_a_card_reader_is_heard_again_with_the_frame_after_noise(noise: bytes, data: bytes) -> None:
    reader, answer = id_frames.Reader(), id_frames.Answer(0x90, data)
    reader.feed(noise)
    reader.forget()
    assert id_frames.answers(reader.feed(answer.encode())) == [answer]


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_f29_no_bytes_are_a_card_without_a_valid_number(data: bytes) -> None:
    try:
        card = id_frames.card_in(data)
    except id_frames.BadCard:
        return
    assert id_frames.is_number(card.number)


@settings(deadline=None)
@given(st.binary(max_size=200), st.integers(1, 7))
def test_f29_a_scanner_that_types_rubbish_ends_no_line(data: bytes, size: int) -> None:
    """Without Enter there is no code, however the bytes are cut; what is kept of it has an end."""
    events, typing = hid.Events(), hid.Typing(longest=32)
    strokes = [stroke for at in range(0, len(data), size) for stroke in events.feed(data[at : at + size])]
    lines = [typing.take(stroke) for stroke in strokes if stroke.code not in hid.ENTERS]
    assert set(lines) <= {None}


def test_f09_only_bytes_with_the_fixed_bits_of_the_manual_are_a_printers_status() -> None:
    known = [answer for answer in range(256) if escpos_status.is_status(answer)]
    assert known == [answer for answer in range(256) if answer & 0x93 == 0x12]


@settings(deadline=None)
@given(st.tuples(*[st.integers(0, 255)] * 4))
def test_f09_any_four_status_bytes_have_a_meaning(answers: tuple[int, int, int, int]) -> None:
    status = escpos_status.status_of(dict(enumerate(answers, start=1)))
    assert status.hindrance is None or status.hindrance in status.codes


# --- messages


class Ear:
    """A unit's link that was never connected, and what reached the unit through it."""

    def __init__(self, folder: Path) -> None:
        self.orders: list[Received] = []
        self.configs: list[UnitConfig] = []
        self.boards: list[Board] = []
        self.guard = Guard(logging.getLogger("ear"))
        self.outbox = Outbox.open(folder / "outbox.sqlite")
        callbacks = Callbacks(
            on_order=self.orders.append, on_config=self.configs.append, on_board=self.boards.append
        )
        broker = Broker("127.0.0.1", 9, UNIT, "secret")
        self.link = Link(broker, Identity(HALL, UNIT, "0.1"), self.outbox, callbacks, self.guard)

    def hear(self, topic: str, payload: bytes) -> None:
        self.guard.run("mqtt.on_message", lambda: self.link._on_message(topic, payload))


@pytest.fixture(scope="module")
def ear(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ear]:
    found = Ear(tmp_path_factory.mktemp("ear"))
    yield found
    found.outbox.close()


def _known(topic: str, payload: bytes) -> bool:
    """Whether the bytes are a message of that topic after all."""
    kinds: dict[str, type[Struct]] = {
        "cmd": Command, "cfg": UnitConfig, "state": ControllerState, "w3": Board
    }  # fmt: skip
    kind = kinds.get(topic.rpartition("/")[2])
    try:
        return kind is not None and decode(payload, kind) is not None
    except BadMessage:
        return False


@settings(deadline=None)
@given(st.sampled_from(TOPICS), st.binary(max_size=200))
def test_f69_no_bytes_on_any_topic_move_a_unit(ear: Ear, topic: str, payload: bytes) -> None:
    assume(not _known(topic, payload))
    ear.hear(topic, payload)
    assert (ear.orders, ear.configs, ear.boards, ear.outbox.last) == ([], [], [], 0)
    assert [what for what in ear.guard.counts() if what.startswith("failed.")] == []


BEEP = encode(
    Command(cid="c1", t="Beep", gen=1, iss=UnitClock().now(), ttl_ms=1000, d=raw(Beep(device="keypad-1")))
)


@settings(deadline=None)
@given(st.integers(0, len(BEEP) - 1), st.binary(max_size=6), st.integers(0, 6))
def test_f69_an_order_that_was_damaged_is_no_order(ear: Ear, at: int, instead: bytes, of: int) -> None:
    damaged = BEEP[:at] + instead + BEEP[at + of :]
    assume(not _known(LEAVES[1], damaged))
    ear.hear(LEAVES[1], damaged)
    assert ear.orders == []
    assert [what for what in ear.guard.counts() if what.startswith("failed.")] == []


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    )
)
def test_f69_any_json_is_a_message_or_says_what_is_wrong(value: object) -> None:
    import json

    payload = json.dumps(value).encode()
    for kind in (Command, UnitConfig, ControllerState, Board):
        assert _fault_of(kind, payload)[:1] in ("", "$")


def _fault_of(kind: type[Struct], payload: bytes) -> str:
    """The field that is wrong; "" when it is a message after all."""
    try:
        decode(payload, kind)
    except BadMessage as error:
        return error.field if error.remedy else "no remedy"
    return ""
