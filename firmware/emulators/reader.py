"""Readers: one for identity cards that answers as the standard says, and scanners on a line or typing.

Nobody's card lies on it: the people are made up, with a region code that was never given out.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

from firmware.drivers.id_frames import (
    BIRTH,
    FAILED,
    FIND,
    FOUND,
    MODULE,
    NOT_FOUND,
    NOT_SELECTED,
    NUMBER,
    OK,
    PICTURE_BYTES,
    READ,
    SELECT,
    STATUS,
    TEXT_BYTES,
    WEIGHTS,
    Answer,
    Reader,
)
from firmware.emulators.fifo import ENTER, FifoWire
from firmware.emulators.pty import OnCable, PtyWire

NAME = slice(0, 30)
REGION = "990000"  # of no place
MODULE_NUMBER = bytes.fromhex("05 03 20 00 D2 96 49 00 01 00 00 00 00 00 00 00".replace(" ", ""))


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody made up."""

    name: str
    birth: date

    @property
    def number(self) -> str:
        stem = f"{REGION}{self.birth:%Y%m%d}001"
        total = sum(int(digit) * weight for digit, weight in zip(stem, WEIGHTS, strict=True))
        return stem + "10X98765432"[total % 11]

    def text(self) -> bytes:
        """The 256 bytes of text on the card, as far as we fill them."""
        text = bytearray(" ".encode("utf-16-le") * (TEXT_BYTES // 2))
        for place, said in (
            (slice(0, 30), self.name),
            (BIRTH, f"{self.birth:%Y%m%d}"),
            (NUMBER, self.number),
        ):
            data = said.encode("utf-16-le")
            text[place.start : place.start + len(data)] = data
        return bytes(text)


PEOPLE = (
    Person("贾老人", date(1950, 3, 1)),
    Person("甄青年", date(1996, 7, 15)),
    Person("假小朋", date(2015, 12, 31)),
)


class CardReaderEmulator(OnCable):
    """A reader on a serial line. faults: dead (no answer), failed (its module is broken), noise, unplug."""

    kind = "reader"
    reads = "id_card"

    def __init__(self, link: Path, baud: int, chance: Random, changed: Callable[[], None]) -> None:
        super().__init__(PtyWire(link, baud, self._received, chance), ("dead", "failed", "noise"), changed)
        self.read = 0
        self._reader = Reader()
        self._card: Person | None = None
        self._is_selected = self._is_told = False
        self._lock = threading.Lock()

    def state(self) -> dict[str, Any]:
        with self._lock:
            card = self._card
        return {
            "reads": self.reads,
            "card": "" if card is None else card.name,
            "people": [{"name": each.name, "birth": each.birth.isoformat()} for each in PEOPLE],
            "read": self.read,
        }

    def lay(self, person: int | Person | None) -> None:
        """Lay a card on the reader, by its place in PEOPLE; None takes it away. Raises IndexError."""
        with self._lock:
            self._card = PEOPLE[person] if isinstance(person, int) else person
            self._is_selected = False
        self._changed()

    def _received(self, data: bytes) -> None:
        for body in self._reader.feed(data):
            if "dead" not in self._faults and len(body) >= 2:
                self.wire.send(self._answer((body[0], body[1])).encode())

    def _answer(self, command: tuple[int, int]) -> Answer:
        if "failed" in self._faults:
            return Answer(FAILED)
        with self._lock:
            card, is_selected = self._card, self._is_selected
            if command == SELECT and card is not None:
                self._is_selected = True
        if command == MODULE:
            return Answer(OK, MODULE_NUMBER)
        if command == FIND and self._is_told:  # whoever asks on has taken in what was read
            self._is_told = False
            self.read += 1
            self._changed()
        if command == FIND:  # a card that was read is found again only when it was taken away between
            return Answer(NOT_FOUND) if card is None or is_selected else Answer(FOUND, bytes(4))
        if command == SELECT:
            return Answer(NOT_SELECTED) if card is None else Answer(OK, bytes(8))
        if command == READ and card is not None and is_selected:
            self._is_told = True
            lengths = struct.pack(">HH", TEXT_BYTES, PICTURE_BYTES)
            return Answer(OK, lengths + card.text() + bytes(PICTURE_BYTES))
        return Answer(OK if command == STATUS else 0x41)


class ScannerEmulator:
    """A scanner of codes on a serial line, or as a keyboard. faults: unplug, and noise on a line."""

    kind = "reader"
    reads = "code"

    def __init__(
        self, link: Path, baud: int | None, chance: Random, changed: Callable[[], None], end: str = "\r\n"
    ) -> None:
        """baud: of its line; None for one that types. end: what it sends behind a code."""
        self.wire = FifoWire(link) if baud is None else PtyWire(link, baud, lambda data: None, chance)
        self.wire_text = self.wire.text
        self.scans = 0
        self._end = end
        self._is_noisy = False
        self._changed = changed

    def start(self) -> None:
        self.wire.plug()

    def stop(self) -> None:
        self.wire.unplug()

    def faults(self) -> dict[str, bool]:
        noise = {} if isinstance(self.wire, FifoWire) else {"noise": self._is_noisy}
        return {**noise, "unplug": not self.wire.is_plugged}

    def set_fault(self, name: str, is_on: bool) -> None:
        if name == "unplug":
            self.wire.unplug() if is_on else self.wire.plug()
        elif isinstance(self.wire, PtyWire):
            self._is_noisy = is_on
            self.wire.noise(is_on)
        self._changed()

    def state(self) -> dict[str, Any]:
        return {"reads": self.reads, "scans": self.scans}

    def scan(self, code: str) -> None:
        """Hold a code before it."""
        self.scans += 1
        if isinstance(self.wire, FifoWire):
            self.wire.type(code)
            self.wire.stroke(ENTER)
        else:
            self.wire.send(code.encode() + self._end.encode())
        self._changed()
