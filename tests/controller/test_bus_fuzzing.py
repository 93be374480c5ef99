"""Whatever a unit sends on any of its topics: nothing crashes, and what others say goes on (F69)."""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.protocol import codec, messages, topics
from firmware.protocol.codec import encode, raw
from firmware.protocol.messages import REPORTS, Envelope, Struct
from firmware.protocol.pictures import Picture
from tests.controller.sites import HALL, Running, desk, dispenser, running
from tests.waiting import until

LEAVES: dict[str, type[Struct]] = {
    "evt": Envelope,
    "res": messages.Result,
    "state": messages.UnitState,
    "birth": messages.Birth,
    "health": messages.Health,
    "cfg": messages.ConfigState,
    "req": messages.Request,
    "pic": Picture,
}
KNOWN = [
    "",
    "button-1",
    "keypad-1",
    "printer-1",
    "A",
    "w1",
    "e1",
    "call_next",
    "slip-1-1-1",
    "offline-1",
    "time",
]
TEXT = st.sampled_from(KNOWN) | st.text(max_size=12)
NUMBER = st.integers(-2, 6) | st.integers(-(2**70), 2**70)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBER | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
MAKERS = "report this to the makers"  # the remedy of a message this program fails on


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running("nats", tmp_path_factory.mktemp("hall")) as found:
        found.enroll("node-1", dispenser("A"))
        found.enroll("node-2", desk(1))
        yield found


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


def hear(hall: Running, leaf: str, payload: bytes, unit: str = "node-1") -> None:
    """As the session hands a message over."""
    hall.bus.guard.run("mqtt.on_message", lambda: hall.bus._on_message(topics.up(HALL, unit, leaf), payload))
    assert [what for what in hall.bus.counts() if what.startswith("failed.")] == []


def goes_on(hall: Running) -> None:
    """Another unit's press becomes a ticket, and no message was one this program fails on."""
    names = itertools.count()
    unit = hall.unit(f"other-{next(names)}-{len(hall.numbers())}", dispenser("A"))
    seq = unit.press()
    until(lambda: unit.acked() == seq)
    assert hall.numbers()
    assert [one.why for one in hall.site.devices.set_aside(HALL) if one.remedy == MAKERS] == []


def typed(kind: type[Struct]) -> st.SearchStrategy[Any]:
    """Messages of a kind whose fields are of the right types and of any value."""
    return st.builds(kind, **{name: _of(hint) for name, hint in get_type_hints(kind).items()})


def _of(hint: Any) -> st.SearchStrategy[Any]:
    if isinstance(hint, type) and issubclass(hint, Struct):
        return typed(hint)
    if get_origin(hint) is list:
        return st.lists(_of(get_args(hint)[0]), max_size=3)
    if hint == dict[str, Any]:
        return st.dictionaries(TEXT, JSON, max_size=3)
    if hint is str:
        return TEXT
    return st.integers(-2, 6) | st.integers(-(2**63), 2**63 - 1) if hint is int else st.from_type(hint)


@settings(deadline=None, max_examples=100)
@given(leaf=st.sampled_from([*LEAVES, "fault/x", "nothing", "evt/more"]), payload=st.binary(max_size=200))
def test_f69_no_bytes_on_any_topic_stop_the_controller(hall: Running, leaf: str, payload: bytes) -> None:
    hear(hall, leaf, payload)


@settings(deadline=None, max_examples=100)
@given(data=st.data(), leaf=st.sampled_from(list(LEAVES)))
def test_f69_messages_with_any_fields_are_taken_or_set_aside(
    hall: Running, data: st.DataObject, leaf: str
) -> None:
    """JSON objects of the right keys and any values; what is no message is counted as set aside."""
    fields = data.draw(st.dictionaries(st.sampled_from(sorted(get_type_hints(LEAVES[leaf]))), JSON))
    payload, before = json.dumps(fields).encode(), hall.bus.counts().get("quarantined", 0)
    try:
        codec.decode(payload, LEAVES[leaf])
    except codec.BadMessage:
        hear(hall, leaf, payload)
        assert hall.bus.counts()["quarantined"] == before + 1
    else:
        hear(hall, leaf, payload)


@settings(deadline=None, max_examples=100)
@given(data=st.data(), leaf=st.sampled_from([leaf for leaf in LEAVES if leaf != "evt"]))
def test_f69_whatever_a_unit_says_of_itself_is_survived(
    hall: Running, data: st.DataObject, leaf: str
) -> None:
    hear(hall, leaf, encode(data.draw(typed(LEAVES[leaf]))), "node-2")


@settings(deadline=None, max_examples=150)
@given(data=st.data(), kind=st.sampled_from(sorted(REPORTS)))
def test_f69_whatever_a_unit_reports_is_stored_or_set_aside(
    hall: Running, data: st.DataObject, kind: str
) -> None:
    """Each the first message of a store of its own, so that it is carried out."""
    unit = data.draw(st.sampled_from(["node-1", "node-2"]))
    epoch = f"e{next(EPOCHS)}"
    envelope = Envelope(
        t=kind,
        ep=epoch,
        seq=1,
        sess=1,
        boot=data.draw(st.integers(-1, 3)),
        mono=data.draw(st.integers(-(2**63), 2**63 - 1)),
        ts=data.draw(st.datetimes(timezones=st.none() | st.just(UTC))),
        tq=data.draw(st.sampled_from(messages.TimeQuality)),
        d=raw(data.draw(typed(REPORTS[kind]))),
    )
    hear(hall, "evt", encode(envelope), unit)
    until(lambda: hall.live.heard_up_to(unit, epoch) == 1)


EPOCHS = itertools.count()


def test_f69_after_all_that_others_are_served(hall: Running) -> None:
    hear(hall, "health", b"{}")
    goes_on(hall)
    assert hall.hall.day is not None
    assert hall.live.clock.now() > datetime(2026, 1, 1, tzinfo=UTC)
