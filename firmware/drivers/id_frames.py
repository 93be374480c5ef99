"""Frames of readers for residents' identity cards, and the two things of a card that are used.

Pure. AA AA AA 96 69 L L then, to the reader, CMD PARA DATA.. CHK; from it SW1 SW2 SW3 DATA.. CHK. L counts
what follows, high byte first; CHK is the exclusive or of everything after the head but itself. 115200
baud 8N1 unless changed. A card's text is 256 bytes of UTF-16LE in fixed fields, its picture 1024 bytes.
Source: GA 467-2012, interface of the security module of readers for second-generation identity cards.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import xor

HEAD = b"\xaa\xaa\xaa\x96\x69"
STATUS, MODULE = (0x11, 0xFF), (0x12, 0xFF)
FIND, SELECT, READ = (0x20, 0x01), (0x20, 0x02), (0x30, 0x01)
OK, FOUND, NOT_FOUND, NOT_SELECTED = 0x90, 0x9F, 0x80, 0x81
FAILED, UNAUTHORISED = 0x60, 0x66
TEXT_BYTES, PICTURE_BYTES = 256, 1024
LONGEST = 3 + 4 + TEXT_BYTES + PICTURE_BYTES + 1024 + 1  # with fingerprints
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643-1999, ISO 7064 MOD 11-2
BIRTH, NUMBER = slice(36, 52), slice(122, 158)  # of the text


class BadCard(Exception):
    """What was read is not a resident's card with a valid number."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One frame from a reader. code: SW3, how it went."""

    code: int
    data: bytes = b""

    def encode(self) -> bytes:
        return _frame(bytes([0, 0, self.code]) + self.data)


@dataclass(frozen=True, slots=True)
class Card:
    """What is taken from a card; everything else on it is dropped where it is decoded."""

    number: str
    birth: date


def question(command: tuple[int, int]) -> bytes:
    return _frame(bytes(command))


def _frame(body: bytes) -> bytes:
    counted = struct.pack(">H", len(body) + 1) + body
    return HEAD + counted + bytes([reduce(xor, counted, 0)])


class Reader:
    """Bytes as they come to frames' bodies, CHK checked; noise costs one byte at a time."""

    def __init__(self) -> None:
        self.broken = 0
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The bodies of the frames that are complete now, without length and CHK."""
        self._rest += data
        bodies: list[bytes] = []
        while (at := self._rest.find(HEAD)) >= 0:
            self._rest = self._rest[at:]
            size = self._size()
            if size is None or len(self._rest) < size:
                return bodies
            if not 7 + 2 < size <= 7 + LONGEST or reduce(xor, self._rest[5:size], 0) != 0:
                self.broken += 1
                self._rest = self._rest[1:]
                continue
            bodies.append(self._rest[7 : size - 1])
            self._rest = self._rest[size:]
        self._rest = self._rest[-len(HEAD) + 1 :]
        return bodies

    def forget(self) -> None:
        self._rest = b""

    def _size(self) -> int | None:
        if len(self._rest) < 7:
            return None
        size = 7 + int(struct.unpack(">H", self._rest[5:7])[0])
        return size if size <= 7 + LONGEST else 0  # a length no reader sends: refused at once


def answers(bodies: list[bytes]) -> list[Answer]:
    return [Answer(body[2], body[3:]) for body in bodies if len(body) >= 3]


def card_in(data: bytes) -> Card:
    """The card that READ gave. Raises BadCard."""
    if len(data) < 4 + TEXT_BYTES:
        raise BadCard(f"{len(data)} bytes are no card")
    text = data[4 : 4 + TEXT_BYTES]
    number, born = _field(text, NUMBER), _field(text, BIRTH)
    if not is_number(number):
        raise BadCard("the card's number is not a resident's")
    try:
        return Card(number, date(int(born[:4]), int(born[4:6]), int(born[6:8])))
    except ValueError as error:
        raise BadCard("the card has no date of birth") from error


def is_number(number: str) -> bool:
    """Whether the check digit of a resident's number is right."""
    if len(number) != 18 or not (number[:17].isascii() and number[:17].isdigit()):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(number[:17], WEIGHTS, strict=True))
    return number[17].upper() == "10X98765432"[total % 11]


def age(birth: date, today: date) -> int:
    """Whole years."""
    return today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))


def _field(text: bytes, place: slice) -> str:
    return text[place].decode("utf-16-le", errors="replace").strip(" \0")
