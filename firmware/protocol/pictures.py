"""A picture that a person asked a camera for (topic up/pic): said once and not again, stored nowhere.

It shows people, so it is no event of the outbox and no retained message: who asked and who looked at it sees
whether the camera looks where it shall, and that is all.
"""

from __future__ import annotations

import msgspec

from firmware.protocol.codec import BadMessage, decode
from firmware.protocol.messages import Struct

JPEG = b"\xff\xd8\xff"  # how such a file begins. Source: ITU-T T.81, B.1.1.3, and the marker after it.
MOST_BYTES = 180_000  # of a picture: as text it is a third longer, and a message may have 256 KiB


class Picture(Struct, frozen=True, kw_only=True):
    """What a camera saw. order: which asked for it; jpeg: the file, in Base64."""

    device: str
    order: str
    jpeg: bytes


def read(payload: bytes) -> Picture:
    """The picture in a message. Raises BadMessage for what is none."""
    found = decode(payload, Picture)
    if not found.jpeg.startswith(JPEG) or len(found.jpeg) > MOST_BYTES:
        raise BadMessage(f"{len(found.jpeg)} bytes are no picture of {found.device}", "jpeg")
    return found


_looked_over = msgspec.json.Decoder(Picture)  # by the one thread that imports this: see messages.py
