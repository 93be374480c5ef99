"""The document of what units and controller say to each other (AsyncAPI 3.0), made from the wire's types.

Every kind of message is a message of the document with the topic it travels on, who sends it, and its
schema: a report is the `d` of an Envelope, an order that of a Command.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import msgspec

from firmware.protocol import messages as m
from firmware.protocol import topics
from firmware.protocol.pictures import Picture

ASYNCAPI = "3.0.0"
SCHEMAS = "#/components/schemas/{name}"
UNIT, CONTROLLER = "unit", "controller"
PARAMETERS = {
    "hall": "Id of the hall.",
    "unit": "Id of the unit.",
    "board": "Name of the board, like w3.",
    "code": "Code of the fault catalogue, like printer.paper_out.",
}


@dataclass(frozen=True, slots=True)
class Channel:
    """One kind of topic: who sends what on it. qos: of who subscribes; all publish at QoS 1."""

    name: str
    topic: str
    sender: str
    kinds: tuple[type[m.Struct], ...]
    meaning: str
    is_retained: bool = False
    wraps: Mapping[str, type[m.Struct]] | None = None  # kinds that travel inside, by name


def _up(leaf: str) -> str:
    return topics.up("{hall}", "{unit}", leaf)


def _down(leaf: str) -> str:
    return topics.down("{hall}", "{unit}", leaf)


CHANNELS = (
    Channel("reports", _up("evt"), UNIT, (m.Envelope,), "What happened at a unit.", wraps=m.REPORTS),
    Channel("results", _up("res"), UNIT, (m.Result,), "What became of an order."),
    Channel("unitState", _up("state"), UNIT, (m.UnitState,), "Presence, and the last will.", True),
    Channel("birth", _up("birth"), UNIT, (m.Birth,), "What a unit is.", True),
    Channel("health", _up("health"), UNIT, (m.Health,), "How a unit is.", True),
    Channel("configState", _up("cfg"), UNIT, (m.ConfigState,), "Which configuration is in force.", True),
    Channel(
        "faults",
        _up("fault/{code}"),
        UNIT,
        (m.OpenFault,),
        "What is wrong with a unit now, a code each.",
        True,
    ),
    Channel("requests", _up("req"), UNIT, (m.Request,), "Questions of a unit."),
    Channel("pictures", _up("pic"), UNIT, (Picture,), "What a camera saw when a person asked."),
    Channel("acks", _down("ack"), CONTROLLER, (m.Ack,), "What the controller has stored."),
    Channel("orders", _down("cmd"), CONTROLLER, (m.Command,), "What a unit shall do.", wraps=m.ORDERS),
    Channel("replies", _down("rep"), CONTROLLER, (m.Reply,), "Answers to a unit's questions."),
    Channel("config", _down("cfg"), CONTROLLER, (m.UnitConfig,), "What a unit's devices are.", True),
    Channel(
        "boards", topics.board("{hall}", "{board}"), CONTROLLER, (m.Board,), "What a screen shows.", True
    ),
    Channel(
        "controllerState",
        topics.controller_state("{hall}"),
        CONTROLLER,
        (m.ControllerState,),
        "The controller's presence, and its last will.",
        True,
    ),
)


def document() -> dict[str, Any]:
    """The whole document as plain values."""
    return {
        "asyncapi": ASYNCAPI,
        "info": {
            "title": "servicehall units",
            "version": f"{version('servicehall')}+wire.{m.VERSION}",
            "description": inspect.getdoc(m) or "",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {one.name: _channel(one) for one in CHANNELS},
        "operations": {f"{_verb(one)}-{one.name}": _operation(one) for one in CHANNELS},
        "components": {
            "schemas": schemas(),
            "messages": {name: made for one in CHANNELS for name, made in _messages(one)},
        },
    }


def schemas() -> dict[str, Any]:
    """The schema of every kind on the wire, by its name; JSON Schema draft 7, as AsyncAPI has it."""
    carried = [kind for one in CHANNELS for kind in (*one.kinds, *(one.wraps or {}).values())]
    _, found = msgspec.json.schema_components(map(_open, carried), ref_template=SCHEMAS)
    return {name: _draft_7(schema) for name, schema in sorted(found.items())}


def _open(kind: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """The kind, with any value where it carries another kind undecoded: for such msgspec has no schema."""
    fields = msgspec.structs.fields(kind)
    if all(field.type is not msgspec.Raw for field in fields):
        return kind
    looser = [
        (field.name, dict[str, Any] if field.type is msgspec.Raw else field.type, _default(field))
        for field in fields
    ]
    return msgspec.defstruct(kind.__name__, looser, namespace={"__doc__": kind.__doc__}, kw_only=True)


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if isinstance(field.default, msgspec.Raw):
        return msgspec.field(default_factory=dict)
    return msgspec.field(default=field.default)


def _channel(one: Channel) -> dict[str, Any]:
    names = [name for name in PARAMETERS if f"{{{name}}}" in one.topic]
    return {
        "address": one.topic,
        "description": one.meaning,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name, _ in _messages(one)},
        "parameters": {name: {"description": PARAMETERS[name]} for name in names},
    }


def _operation(one: Channel) -> dict[str, Any]:
    """What the controller does on the channel, as AsyncAPI tells it from one side."""
    bindings = {"mqtt": {"qos": 1 if one.sender is CONTROLLER else 0, "bindingVersion": "0.2.0"}}
    if one.is_retained:
        bindings["mqtt"]["retain"] = True
    return {
        "action": "receive" if one.sender is UNIT else "send",
        "channel": {"$ref": f"#/channels/{one.name}"},
        "summary": one.meaning,
        "messages": [{"$ref": f"#/channels/{one.name}/messages/{name}"} for name, _ in _messages(one)],
        "bindings": bindings,
    }


def _verb(one: Channel) -> str:
    return "receive" if one.sender is UNIT else "send"


def _messages(one: Channel) -> Iterable[tuple[str, dict[str, Any]]]:
    carriers = [_reference(kind.__name__) for kind in one.kinds]
    if one.wraps is None:
        for kind, carrier in zip(one.kinds, carriers, strict=True):
            yield kind.__name__, _message(kind, carrier)
        return
    for name, kind in one.wraps.items():
        inside = {"properties": {"t": {"const": name}, "d": _reference(name)}}
        yield name, _message(kind, {"allOf": [carriers[0], inside]})


def _message(kind: type[m.Struct], payload: dict[str, Any]) -> dict[str, Any]:
    doc = inspect.getdoc(kind) or ""
    made = {"name": kind.__name__, "contentType": "application/json", "payload": payload}
    return made if "Struct" in doc[:12] else {**made, "description": doc}


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": SCHEMAS.format(name=name)}


def _draft_7(schema: Any) -> Any:
    """The schema in words of draft 7, which has tuples in `items`."""
    if isinstance(schema, list):
        return [_draft_7(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _draft_7(part) for name, part in schema.items()}
    if "prefixItems" in found:
        found["items"] = found.pop("prefixItems")
        found["additionalItems"] = False
    return found
