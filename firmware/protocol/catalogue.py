"""The matters a kiosk can find by search, packed small enough to travel in its configuration.

5,000 matters are near 850 KB of JSON, over what a message may hold (messages.MAX_PAYLOAD_BYTES); packed
they are a fifth of that. What their guides say in short comes along where there is room.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import date

import msgspec

from firmware.protocol.codec import BadMessage
from firmware.protocol.messages import Struct

MOST_BYTES = 4 * 1024 * 1024  # unpacked; a larger one is no catalogue


class Matter(Struct, frozen=True, kw_only=True):
    """One thing people come for, the queue it is done in, and what its guide says in short.

    bring: the materials. days: working days promised, 0: done at once. is_sample: the guide is made up.
    until: the first day on which it is no longer taken.
    """

    code: str
    name: str
    queue: str
    bring: list[str] = msgspec.field(default_factory=list)
    fee: str = ""
    days: int | None = None
    is_sample: bool = False
    until: date | None = None

    def is_taken(self, day: date | None) -> bool:
        """Whether people may come for it on that day; None: nobody knows which it is."""
        return self.until is None or day is None or day < self.until


_matters = msgspec.json.Decoder(list[Matter])  # made by one thread: see messages.py


def pack(matters: Sequence[Matter]) -> bytes:
    """b"" when there are none."""
    return zlib.compress(msgspec.json.encode(matters), 9) if matters else b""


def unpack(packed: bytes) -> list[Matter]:
    """Raises BadMessage for what is no catalogue."""
    if not packed:
        return []
    try:
        unpacker = zlib.decompressobj()
        text = unpacker.decompress(packed, MOST_BYTES)
        if not unpacker.eof:
            raise BadMessage(f"the catalogue is cut off or over {MOST_BYTES} bytes", "catalogue")
        return _matters.decode(text)
    except (zlib.error, msgspec.DecodeError) as error:
        raise BadMessage(f"the catalogue cannot be read: {error}", "catalogue") from error
