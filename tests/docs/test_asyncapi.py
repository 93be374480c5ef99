"""The document of the wire: AsyncAPI as its makers define it, and true of what units and controller say."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import jsonschema
import msgspec
import pytest

from controller.hall.commands import CallNext
from controller.people import SYSTEM
from firmware.protocol import codec, messages, topics
from firmware.protocol.codec import encode
from firmware.protocol.messages import Struct
from tests import npm
from tests.controller.brokers import client
from tests.controller.sites import HALL, Running, desk, dispenser, running
from tests.docs.wire import DOCUMENT, channel_of, check
from tests.waiting import until
from web import asyncapi

PARTS = {
    "Check",
    "Envelope",
    "Command",
    "Call",
    "Layout",
    "QueueLine",
    "ShutTime",
    "WindowBoard",
    "Capability",
    "OutboxState",
    "SlipLine",
}
NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def definition(pytestconfig: pytest.Config) -> Any:
    """The meta-schema that AsyncAPI's makers publish."""
    try:
        folder = pytestconfig.cache.mkdir("npm")  # type: ignore[union-attr]
        return json.loads(npm.file(folder, "@asyncapi/specs/schemas/3.0.0.json"))
    except npm.NotHere as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


# --- the document


def test_the_document_is_asyncapi(definition: Any) -> None:
    jsonschema.Draft7Validator(definition).validate(DOCUMENT)


def test_every_kind_of_message_is_in_the_document() -> None:
    kinds = {
        name
        for name, kind in inspect.getmembers(messages, inspect.isclass)
        if issubclass(kind, Struct) and kind is not Struct
    }
    assert set(DOCUMENT["components"]["schemas"]) >= kinds
    assert set(DOCUMENT["components"]["messages"]) >= kinds - PARTS - {"DeviceConfig"}


def test_every_leaf_of_the_topics_is_in_the_document() -> None:
    for function, way in ((topics.up, "up"), (topics.down, "down")):
        doc = (inspect.getdoc(function) or "").removeprefix("leaf: ").strip(".")
        leaves = doc.replace(",", "").replace(" or ", " ").split()
        told = {one.topic.partition(f"/{way}/")[2] for one in asyncapi.CHANNELS if f"/{way}/" in one.topic}
        assert set(leaves) == told


def test_who_may_publish_is_who_sends() -> None:
    unit, controller = topics.unit_rights("{hall}", "{unit}"), topics.controller_rights()
    for one in asyncapi.CHANNELS:
        rights = unit if one.sender == asyncapi.UNIT else controller
        assert any(_covers(pattern, one.topic) for pattern in rights.publish), one.name


def _covers(pattern: str, topic: str) -> bool:
    head, is_tree, _ = pattern.partition("/#")
    parts = topic.split("/")
    wanted = head.split("/")
    fits = all(w in ("+", p) for w, p in zip(wanted, parts, strict=False))
    return fits and (len(parts) > len(wanted) if is_tree else len(parts) == len(wanted))


def test_every_reference_leads_somewhere() -> None:
    for reference in _references(DOCUMENT):
        place: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for part in value.values():
            yield from _references(part)
    elif isinstance(value, list):
        for part in value:
            yield from _references(part)


# --- what is said


def example(kind: Any) -> Any:
    """Some value of a type, with every field given."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind(**{field.name: example(field.type) for field in msgspec.structs.fields(kind)})
    if kind is msgspec.Raw:
        return msgspec.Raw(b"{}")
    known: dict[Any, Any] = {str: "x", int: 3, float: 1.5, bool: True, bytes: b"x", datetime: NOW, Any: 1}
    if kind in known:
        return known[kind]
    arguments = get_args(kind)
    match getattr(kind, "__origin__", None):
        case origin if origin is list:
            return [example(arguments[0])]
        case origin if origin is dict:
            return {"x": example(arguments[1])}
        case origin if origin is tuple:
            return tuple(example(one) for one in arguments)
    return example(arguments[0]) if arguments else next(iter(kind))


@pytest.mark.parametrize("channel", asyncapi.CHANNELS, ids=lambda one: one.name)
def test_every_message_as_it_is_sent_is_as_documented(channel: asyncapi.Channel) -> None:
    for carrier in channel.kinds:
        for name, kind in (channel.wraps or {"": carrier}).items():
            message = example(carrier)
            if channel.wraps:
                message = msgspec.structs.replace(message, t=name, d=codec.raw(example(kind)))
            check(channel, encode(message), name)


def test_what_is_no_such_message_is_found_out() -> None:
    channel = next(one for one in asyncapi.CHANNELS if one.name == "acks")
    with pytest.raises(jsonschema.ValidationError):
        check(channel, b'{"ep": "e1", "hi": "seven"}')
    with pytest.raises(jsonschema.ValidationError):
        check(channel, b'{"ep": "e1"}')


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Running]:
    with running("nats", tmp_path) as found:
        yield found


def test_what_a_running_hall_says_is_as_documented(hall: Running) -> None:
    """A press, its slip, a call, boards, configurations, acks, presence: all that crossed the broker."""
    front, back = hall.unit("front", dispenser("A", "B")), hall.unit("back", desk(1, 2))
    with client(hall.settings, "controller", "", topics.up(HALL, "+", "#")) as tap:
        for unit in (front, back):
            unit.birth()
            unit.beat()
            unit.send("req", encode(messages.Request(rid="r1", t="time")))
        front.press(1)
        slip = until(lambda: next(iter(front.commands(messages.Print)), None))
        front.answer(slip)
        hall.live.submit(CallNext(1), SYSTEM)
        until(lambda: back.commands(messages.Speak))
        until(lambda: (board := front.board("w1")) and board.window and board.window.ticket)
        until(lambda: front.told("cfg"))
        until(lambda: any(topic.endswith("/res") for topic, _ in tap.got))
    heard = [one for each in (tap, front.client, back.client) for one in list(each.got) if one[1]]
    for topic, payload in heard:
        check(channel_of(topic), payload)
    told = {channel_of(topic).name for topic, _ in heard}
    assert told >= {"reports", "results", "birth", "health", "requests"}
    assert told >= {"acks", "orders", "replies", "config", "boards"}
