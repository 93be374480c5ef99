"""Input events of a USB keypad or scanner to keys, and keys to the characters they type.

Pure. What the kernel writes for each event: two times, type, code, value; keys are type 1, value 1 down,
0 up, 2 repeated by holding. Codes are of linux/input-event-codes.h, characters of the US layout, which
keypads and scanners in keyboard mode have. A key is named by what it types or does: "7", "enter", "plus".
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

EVENT = struct.Struct("llHHi")  # struct input_event: 24 bytes on a 64-bit kernel
KEY, UP, DOWN = 1, 0, 1
SHIFTS = frozenset({42, 54})
ENTERS = frozenset({28, 96})

_ROWS = (
    (2, "1234567890-=", "!@#$%^&*()_+"),
    (16, "qwertyuiop[]", "QWERTYUIOP{}"),
    (30, "asdfghjkl;'`", 'ASDFGHJKL:"~'),
    (43, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
)
_PAD = {71: "7", 72: "8", 73: "9", 75: "4", 76: "5", 77: "6", 79: "1", 80: "2", 81: "3", 82: "0",
        55: "*", 74: "-", 78: "+", 83: ".", 98: "/", 57: " "}  # fmt: skip
PLAIN: Mapping[int, str] = {
    **{start + at: char for start, plain, _ in _ROWS for at, char in enumerate(plain)},
    **_PAD,
}
SHIFTED: Mapping[int, str] = {
    **{start + at: char for start, _, shifted in _ROWS for at, char in enumerate(shifted)},
    **_PAD,
}
_WORDS = {"*": "star", "-": "minus", "+": "plus", ".": "dot", "/": "slash", " ": "space"}
NAMES: Mapping[int, str] = {
    **{code: _WORDS.get(char, char) for code, char in PLAIN.items()},
    **dict.fromkeys(ENTERS, "enter"),
    1: "escape", 14: "backspace", 15: "tab", 111: "delete", 69: "numlock",
    103: "up", 108: "down", 105: "left", 106: "right",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stroke:
    """A key that changed. value: UP, DOWN, or 2 when it repeats."""

    code: int
    value: int

    @property
    def name(self) -> str:
        return NAMES.get(self.code, f"code-{self.code}")


class Events:
    """Bytes as they come to strokes; what is not a key's event is left out."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Stroke]:
        self._rest += data
        whole = len(self._rest) - len(self._rest) % EVENT.size
        events, self._rest = self._rest[:whole], self._rest[whole:]
        return [Stroke(code, value) for _, _, kind, code, value in EVENT.iter_unpack(events) if kind == KEY]


class Typing:
    """Strokes to typed lines, as a scanner in keyboard mode types a code and Enter."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._line = ""
        self._shift = False

    def take(self, stroke: Stroke) -> str | None:
        """The line that Enter ended, if this stroke did."""
        if stroke.code in SHIFTS:
            self._shift = stroke.value != UP
        if stroke.value != DOWN:
            return None
        if stroke.code in ENTERS:
            line, self._line = self._line, ""
            return line
        char = (SHIFTED if self._shift else PLAIN).get(stroke.code, "")
        self._line = (self._line + char)[-self._longest :]
        return None

    def forget(self) -> None:
        self._line, self._shift = "", False
