"""Bytes on the wire: what comes back as it went, what is set aside, and what is refused with its field."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.protocol import messages
from firmware.protocol.codec import MAX_PAYLOAD_BYTES, BadMessage, decode, encode, raw
from firmware.protocol.messages import (
    ORDERS,
    REPORTS,
    VERSION,
    Ack,
    Board,
    Command,
    ControllerState,
    Envelope,
    Health,
    IssuedOffline,
    OutboxState,
    Pressed,
    Print,
    Reply,
    Request,
    SlipLine,
    Struct,
    TimeQuality,
    UnitConfig,
    decode_order,
    decode_report,
)

AT = datetime(2026, 11, 23, 0, 55, tzinfo=UTC)


def envelope(report: Struct, kind: str = "", version: int = VERSION) -> Envelope:
    return Envelope(
        v=version,
        t=kind or type(report).__name__,
        ep="b3c1d2e4",
        seq=7,
        sess=3,
        boot=2,
        mono=123456,
        ts=AT,
        tq=TimeQuality.SYNCED,
        d=raw(report),
    )


def command(order: Struct, kind: str = "") -> Command:
    return Command(cid="c1", t=kind or type(order).__name__, gen=1, iss=AT, ttl_ms=3000, d=raw(order))


@pytest.mark.parametrize(
    "message",
    [
        envelope(Pressed(input="button-1")),
        Ack(ep="b3c1d2e4", hi=412, miss=[(3, 5), (9, 9)]),
        ControllerState(online=True, gen=4, ts=AT, day="2026-11-23"),
        Board(board="w3", ver=2, gen=1, ts=AT, zh="一号窗口", en="Window 1"),
        Health(sess=1, uptime_s=1.5, outbox=OutboxState(ep="e", hi=3, acked=2), devices={"led-1": "ok"}),
        UnitConfig(rev=3, position="hall-1", devices=[]),
        Reply(rid="r", t="time", ts=AT, d={"speed": 10}),
    ],
    ids=lambda message: type(message).__name__,
)
def test_a_message_comes_back_as_it_went(message):
    assert encode(decode(encode(message), type(message))) == encode(message)


def test_every_report_and_order_is_known_by_its_class_name():
    reports, orders = messages.Report.__args__, messages.Order.__args__
    assert set(REPORTS) == {kind.__name__ for kind in reports}
    assert set(ORDERS) == {kind.__name__ for kind in orders}


def test_a_report_is_found_in_its_envelope():
    report = IssuedOffline(press=3, queue="A", number="A-2-001", day="2026-11-23")
    assert decode_report(decode(encode(envelope(report)), Envelope)) == report


def test_an_order_is_found_in_its_command():
    order = Print(device="printer-1", lines=[SlipLine(text="甲001", size=4)], number="A001", press=3)
    assert decode_order(decode(encode(command(order)), Command)) == order


def test_r01_a_kind_or_version_of_the_future_is_none_and_its_bytes_are_kept():
    future = envelope(Pressed(input="x"), kind="Teleported")
    assert decode_report(future) is None
    assert decode_report(envelope(Pressed(input="x"), version=VERSION + 1)) is None
    assert bytes(decode(encode(future), Envelope).d) == bytes(raw(Pressed(input="x")))
    assert decode_order(command(Pressed(input="x"), kind="Dance")) is None


def test_r01_fields_of_the_future_are_passed_over():
    assert decode(b'{"input": "button-1", "colour": "red"}', Pressed) == Pressed(input="button-1")


@pytest.mark.parametrize(
    ("payload", "kind", "field"),
    [
        (b'{"ep": "e", "hi": "4"}', Ack, "$.hi"),
        (b'{"ep": "e"}', Ack, "$"),
        (b'{"ep": "e", "hi": 4, "miss": [[1, "2"]]}', Ack, "$.miss[0][1]"),
        (b'{"rev": 1, "position": "p", "devices": [{"device": 1}]}', UnitConfig, "$.devices[0].device"),
        (b'{"ep": "e", "hi": NaN}', Ack, "$"),
        (b'{"ep": "e", "hi": 1e999}', Ack, "$.hi"),
        (b'{"ep": "e", "hi": 4', Ack, "$"),
        (b"\xff\xfe\x00", Ack, "$"),
        (b'{"ep": "\xc3\x28", "hi": 4}', Ack, "$"),
        (b"", Ack, "$"),
        (b"null", Ack, "$"),
    ],
)
def test_r18_what_is_wrong_is_named_with_its_field(payload, kind, field):
    with pytest.raises(BadMessage) as caught:
        decode(payload, kind)
    assert caught.value.field == field
    assert caught.value.remedy


def test_f69_bytes_over_the_limit_are_neither_read_nor_sent():
    with pytest.raises(BadMessage, match="are over"):
        decode(b" " * (MAX_PAYLOAD_BYTES + 1), Ack)
    with pytest.raises(BadMessage, match="Request of"):
        encode(Request(rid="r", t="x" * MAX_PAYLOAD_BYTES))


def test_f69_nesting_without_end_is_a_bad_message():
    with pytest.raises(BadMessage):
        decode(b'{"rid": "r", "t": "x", "d": {"a": ' + b"[" * 100_000, Request)


def remark(payload: bytes, kind: type[Struct]) -> str:
    """The field a refused payload is blamed for; "" when it is a message."""
    try:
        decode(payload, kind)
    except BadMessage as error:
        return error.field
    return ""


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_bad_message(payload):
    for kind in (Envelope, Command, Ack, UnitConfig, Board):
        assert remark(payload, kind)[:1] in ("", "$")


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=10))
def test_any_json_is_a_message_or_a_bad_message(value):
    payload = msgspec.json.encode({"ep": value, "hi": value, "cid": value, "d": value})
    for kind in (Envelope, Command, Ack):
        with pytest.raises(BadMessage):
            decode(payload, kind)
