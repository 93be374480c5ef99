"""A short message as networks carry it: UCS-2, in parts that say to which message they belong.

Source: 3GPP TS 23.040, 9.2.3.24.1 (concatenated short messages) and 23.038 (UCS2).
"""

from __future__ import annotations

ONE_PART = 70  # UTF-16 units of a message in one part: 140 octets
OF_MANY = 67  # of each part of a longer one, whose header takes 6 octets
MOST_PARTS = 10  # a message of more than 670 characters is a letter
ENCODING = "utf-16-be"


def parts(text: str) -> list[str]:
    """The text cut so that each piece fits into a part; no character is cut in two."""
    if _units(text) <= ONE_PART:
        return [text]
    pieces, piece, length = list[str](), "", 0
    for character in text:
        units = _units(character)
        if length + units > OF_MANY:
            pieces.append(piece)
            piece, length = "", 0
        piece, length = piece + character, length + units
    return [*pieces, piece]


def payloads(text: str, reference: int) -> list[bytes]:
    """The user data of each part, with the header that joins them when there are several.

    reference: the same for all parts of one message, 0 to 255.
    """
    pieces = parts(text)
    if len(pieces) == 1:
        return [text.encode(ENCODING)]
    return [
        bytes((5, 0, 3, reference & 0xFF, len(pieces), n)) + piece.encode(ENCODING)
        for n, piece in enumerate(pieces, start=1)
    ]


def _units(text: str) -> int:
    return len(text.encode(ENCODING)) // 2
