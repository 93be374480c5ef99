"""Holds what travels between units and controller to the document of the wire."""

from __future__ import annotations

import json

import jsonschema

from web import asyncapi

DOCUMENT = asyncapi.document()


def check(channel: asyncapi.Channel, payload: bytes, name: str = "") -> None:
    """Raises when what travels on the channel is not as one of its messages is documented."""
    told = DOCUMENT["channels"][channel.name]["messages"]
    value = json.loads(payload)
    name = name or (value["t"] if channel.wraps else next(iter(told)))
    assert name in told
    schema = DOCUMENT["components"]["messages"][name]["payload"]
    whole = {**schema, "components": DOCUMENT["components"]}
    jsonschema.Draft7Validator(whole).validate(value)


def channel_of(topic: str) -> asyncapi.Channel:
    """The channel of a real topic."""
    found = [one for one in asyncapi.CHANNELS if _fits(one.topic, topic)]
    assert len(found) == 1, topic
    return found[0]


def _fits(pattern: str, topic: str) -> bool:
    parts = list(zip(pattern.split("/"), topic.split("/"), strict=False))
    return pattern.count("/") == topic.count("/") and all(a == b or a[0] == "{" for a, b in parts)
