"""How messages become bytes and back: UTF-8 JSON without NaN (R18), and what is wrong with what is not."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

MAX_PAYLOAD_BYTES = 256 * 1024  # of anything; brokers refuse 1 MiB and loop (edge-peers 3.2)


class BadMessage(Exception):
    """Bytes from the wire are not a message we know. field: where decoding stopped; remedy: what to do."""

    def __init__(self, message: str, field: str = "$", remedy: str = "update the sender") -> None:
        super().__init__(message)
        self.field = field
        self.remedy = remedy


M = TypeVar("M", bound=msgspec.Struct)

_encoder = msgspec.json.Encoder()
_decoders: dict[type[msgspec.Struct], msgspec.json.Decoder[Any]] = {}
_making = threading.Lock()


def encode(message: msgspec.Struct) -> bytes:
    """The message as UTF-8 JSON. Raises BadMessage when it would exceed MAX_PAYLOAD_BYTES."""
    payload = _encoder.encode(message)
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise BadMessage(f"{type(message).__name__} of {len(payload)} bytes is over {MAX_PAYLOAD_BYTES}")
    return payload


def _decoder_of(kind: type[msgspec.Struct]) -> msgspec.json.Decoder[Any]:
    """msgspec looks a class over at its first use; a second thread meanwhile would end the whole process."""
    decoder = _decoders.get(kind)
    if decoder is None:
        with _making:
            decoder = _decoders.setdefault(kind, msgspec.json.Decoder(kind))
    return decoder


def decode(payload: bytes, kind: type[M]) -> M:
    """The message in `payload`. Raises BadMessage naming the field that is wrong."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise BadMessage(f"{len(payload)} bytes are over {MAX_PAYLOAD_BYTES}", remedy="send less at once")
    try:
        return _decoder_of(kind).decode(payload)  # type: ignore[no-any-return]
    except msgspec.ValidationError as error:
        text = str(error)
        field = text.rpartition(" - at `")[2].rstrip("`") if " - at `" in text else "$"
        raise BadMessage(f"{kind.__name__}: {text}", field) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadMessage(f"{kind.__name__}: not JSON ({error})") from error
    except RecursionError as error:
        raise BadMessage(f"{kind.__name__}: nested too deeply") from error


def raw(message: msgspec.Struct) -> msgspec.Raw:
    return msgspec.Raw(_encoder.encode(message))


def utc(moment: datetime) -> datetime:
    """The moment in UTC, as all wire and stored times are."""
    return moment.astimezone(UTC)


def look_over(kinds: Sequence[type[msgspec.Struct]]) -> None:
    """Make what decodes them, by the one thread that imports their module."""
    for kind in kinds:
        _decoder_of(kind)
