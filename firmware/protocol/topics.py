"""The topic tree, root `sh/v1`, and who may touch which part of it.

Ids are [a-z0-9-]{1,32}: a dot, space or capital would change meaning or drop the client on one of
the brokers (edge-peers 4.1). The unit of a message is always taken from its topic, never its payload.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

ROOT = "sh/v1"
NOT_UNITS = ("board", "ctl")  # stand where the id of a unit does
FAULT = "fault/"  # leaf of a unit's open faults; the controller hears of them as events
ID = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")


def is_id(text: str) -> bool:
    return ID.fullmatch(text) is not None


def up(hall: str, unit: str, leaf: str) -> str:
    """leaf: state birth cfg health evt res req pic, or fault/{code}."""
    return f"{ROOT}/{hall}/{unit}/up/{leaf}"


def down(hall: str, unit: str, leaf: str) -> str:
    """leaf: cfg ack cmd rep."""
    return f"{ROOT}/{hall}/{unit}/down/{leaf}"


def board(hall: str, name: str) -> str:
    return f"{ROOT}/{hall}/board/{name}"


def controller_state(hall: str) -> str:
    return f"{ROOT}/{hall}/ctl/state"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an upward message came from."""

    hall: str
    unit: str
    leaf: str


def origin(topic: str) -> Origin | None:
    """Who sent a message on `topic`; None when it is not an upward topic."""
    parts = topic.split("/", 5)
    if len(parts) != 6 or f"{parts[0]}/{parts[1]}" != ROOT or parts[4] != "up":
        return None
    if not (is_id(parts[2]) and is_id(parts[3])):
        return None
    return Origin(parts[2], parts[3], parts[5])


@dataclass(frozen=True, slots=True)
class Rights:
    """An allow-list: topic filters one client may publish and subscribe to. Everything else is denied."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


def unit_rights(hall: str, unit: str) -> Rights:
    return Rights(
        publish=(f"{ROOT}/{hall}/{unit}/up/#",),
        subscribe=(f"{ROOT}/{hall}/{unit}/down/#", board(hall, "#"), controller_state(hall)),
    )


def controller_rights() -> Rights:
    return Rights(
        publish=(f"{ROOT}/+/+/down/#", f"{ROOT}/+/board/#", f"{ROOT}/+/ctl/state", f"{ROOT}/+/+/up/fault/+"),
        subscribe=(f"{ROOT}/+/+/up/#", f"{ROOT}/+/ctl/state"),
    )
