"""Events and snapshots as bytes and back: every value of the hall survives the round trip unchanged.

The kind stored beside an event is its class name; its body is JSON. Fields may be added with a default;
none may be renamed, or the log of yesterday could not be read.
"""

from __future__ import annotations

import zlib
from typing import Any, get_args

import msgspec

from controller.hall.events import Event
from controller.hall.snapshot import HallSnapshot
from controller.store.errors import StoreFailed

KINDS: dict[str, Any] = {kind.__name__: kind for kind in get_args(Event)}
SNAPSHOT_FORMAT = 3
READABLE_SNAPSHOTS = (2, 3)  # 3 added fields, whose defaults are what a hall of 2 would have there

_encoder = msgspec.json.Encoder()
_decoders = {name: msgspec.json.Decoder(kind) for name, kind in KINDS.items()}
_snapshots = msgspec.json.Decoder(HallSnapshot)


def encode(event: Event) -> str:
    return _encoder.encode(event).decode()


def decode(kind: str, body: str) -> Event:
    """The event that was stored. Raises StoreFailed when this program does not know it."""
    decoder = _decoders.get(kind)
    if decoder is None:
        raise StoreFailed(f"the log has an event {kind!r} that this version does not know")
    try:
        return decoder.decode(body)  # type: ignore[no-any-return]
    except msgspec.DecodeError as error:
        raise StoreFailed(f"an event {kind} in the log cannot be read: {error}") from error


def encode_snapshot(snapshot: HallSnapshot) -> bytes:
    return zlib.compress(_encoder.encode(snapshot), 1)


def decode_snapshot(body: bytes) -> HallSnapshot | None:
    """The snapshot; None when it is of another shape or damaged: the log can do without it."""
    try:
        return _snapshots.decode(zlib.decompress(body))
    except (zlib.error, msgspec.DecodeError):
        return None
