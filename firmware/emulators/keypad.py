"""Caller and rating keypads on one serial line: small displays, stars, beeps, keys, rating faces.

They speak the frames of drivers/keypad_frames. A key sends its frame once; the host's answer to it is
told apart from an order of the same bytes because it comes first.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

from firmware.drivers.keypad_frames import (
    ASK_RATING,
    BEEP,
    BLANK,
    FROM_HOST,
    KEYS,
    PROMPT,
    RATED,
    SHOW,
    Frame,
    Reader,
    answer,
)
from firmware.emulators.pty import OnCable, PtyWire

KEY_FUNC = 0x01  # the notes leave open which FUNC keys have; only 11 is told apart
DATA: Mapping[str, bytes] = {key.value: data for data, key in KEYS.items()}
STUCK_EVERY_S = 0.2
LINE_FAULTS = ("noise", "unplug")


class UnknownKey(Exception):
    """The keypad has no such key."""


class KeypadLine:
    """The cable and its keypads."""

    def __init__(self, link: Path, baud: int, chance: Random) -> None:
        self.wire = PtyWire(link, baud, self._received, chance)
        self._reader = Reader(FROM_HOST)
        self._keypads: dict[int, KeypadEmulator] = {}

    def add(self, address: int, faces: int, changed: Callable[[], None]) -> KeypadEmulator:
        """faces: rating keys, 4 as in the notes (values 0-3) or 5 (values 0-4); 0 for none."""
        self._keypads[address] = keypad = KeypadEmulator(self, address, faces, changed)
        return keypad

    def _received(self, data: bytes) -> None:
        for frame in self._reader.feed(data):
            keypad = self._keypads.get(frame.address)
            if keypad is not None:
                keypad.heard(frame)


class KeypadEmulator(OnCable):
    """One keypad. faults: stuck (the last key repeats), broken (frames with a wrong sum), noise, unplug."""

    kind = "keypad"

    def __init__(self, line: KeypadLine, address: int, faces: int, changed: Callable[[], None]) -> None:
        super().__init__(line.wire, ("stuck", "broken", "noise"), changed)
        self.address = address
        self.faces = faces
        self.left = self.right = "   "
        self.stars = self.beeps = self.keys = self.answered = 0
        self.is_asking = False
        self.last_key = ""
        self._sent: deque[bytes] = deque(maxlen=64)  # answers still to come
        self._stuck: _Repeater | None = None

    def set_fault(self, name: str, is_on: bool) -> None:
        if name == "unplug":
            self._sent.clear()
        if name == "stuck":
            self._stick(is_on)
        super().set_fault(name, is_on)

    def state(self) -> dict[str, Any]:
        return {
            "address": self.address,
            "left": self.left,
            "right": self.right,
            "stars": self.stars,
            "beeps": self.beeps,
            "keys": self.keys,
            "answered": self.answered,
            "last_key": self.last_key,
            "is_asking": self.is_asking,
            "faces": self.faces,
        }

    def stop(self) -> None:
        self._stick(False)
        super().stop()

    def press(self, key: str) -> None:
        """Press a key by the name of its meaning, or by its bytes as "hex:1A". Raises UnknownKey."""
        self.last_key = key
        self.keys += 1
        self._send(Frame(self.address, KEY_FUNC, _data_of(key)))

    def rate(self, value: int) -> None:
        """Press the rating key with this value. Raises UnknownKey."""
        if value not in range(self.faces):
            raise UnknownKey(f"rating keys of this keypad send 0 to {self.faces - 1}, not {value}")
        self.is_asking = False
        self.last_key = f"rate {value}"
        self.keys += 1
        self._send(Frame(self.address, RATED, bytes([value])))

    def _send(self, frame: Frame) -> None:
        data = frame.encode()
        if "broken" in self._faults:
            data = data[:-2] + bytes([data[-2] ^ 0x55]) + data[-1:]
        else:
            self._sent.append(answer(frame))
        self.wire.send(data)
        self._changed()

    def heard(self, frame: Frame) -> None:
        """An answer to a key, or an order."""
        if frame.encode() in self._sent:
            self._sent.remove(frame.encode())
            self.answered += 1
        elif frame.func == SHOW and len(frame.data) == 6:
            self._shown(_digits(frame.data[:3]), _digits(frame.data[3:]))
        elif frame.func == SHOW and len(frame.data) == 1:
            self.stars = frame.data[0]
            self.is_asking = False
        elif frame.func == PROMPT and frame.data == bytes([ASK_RATING]):
            self.is_asking = True
            self.stars = 0
        elif frame.func == BEEP and not frame.data:
            self.beeps += 1
        self._changed()

    def _shown(self, left: str, right: str) -> None:
        """New digits; the stars of the last citizen go with his number."""
        if right != self.right:
            self.stars = 0
        self.left, self.right = left, right

    def _stick(self, is_on: bool) -> None:
        if self._stuck is not None:
            self._stuck.stop()
            self._stuck = None
        if is_on:
            self._stuck = _Repeater(lambda: self.press(self.last_key or "call_next"))


class _Repeater:
    """Presses again and again, as a jammed key does."""

    def __init__(self, press: Callable[[], None]) -> None:
        self._press = press
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stuck key", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._end.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        while not self._end.wait(STUCK_EVERY_S):
            self._press()


def _data_of(key: str) -> bytes:
    if key in DATA:
        return DATA[key]
    try:
        data = bytes.fromhex(key.removeprefix("hex:")) if key.startswith("hex:") else b""
    except ValueError:
        data = b""
    if not 1 <= len(data) <= 3:
        raise UnknownKey(f"no key {key!r}; it has {', '.join(DATA)}, or bytes like hex:1A")
    return data


def _digits(cells: bytes) -> str:
    return "".join(" " if cell == BLANK else str(cell) if cell < 10 else "-" for cell in cells)
