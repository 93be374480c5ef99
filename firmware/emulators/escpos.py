"""ESC/POS bytes taken apart into what a printer does with them, piece by piece as they arrive.

Pure. The commands are those of the ESC/POS application programming guide that python-escpos and other
ticket programs use; of others the length is guessed (prefix and one byte) and they are counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

ESC, FS, GS, DLE, LF, CR = 0x1B, 0x1C, 0x1D, 0x10, 0x0A, 0x0D

# Parameter bytes after the two bytes of a command that is only skipped or has a fixed length.
LENGTHS: dict[bytes, int] = {
    b"\x1b@": 0, b"\x1b!": 1, b"\x1bE": 1, b"\x1bG": 1, b"\x1ba": 1, b"\x1bd": 1, b"\x1bJ": 1, b"\x1b-": 1,
    b"\x1bM": 1, b"\x1b{": 1, b"\x1bt": 1, b"\x1bR": 1, b"\x1b3": 1, b"\x1b2": 0, b"\x1bV": 1, b"\x1b ": 1,
    b"\x1b=": 1, b"\x1b$": 2, b"\x1b\\": 2, b"\x1bp": 3, b"\x1bi": 0, b"\x1bm": 0, b"\x1bc": 2,
    b"\x1d!": 1, b"\x1dB": 1, b"\x1db": 1, b"\x1dh": 1, b"\x1dw": 1, b"\x1dH": 1, b"\x1df": 1, b"\x1dL": 2,
    b"\x1dW": 2, b"\x1dP": 2, b"\x1dr": 1, b"\x1da": 1, b"\x1dI": 1,
    b"\x1c&": 0, b"\x1c.": 0, b"\x1c!": 1, b"\x1c-": 1, b"\x1cS": 2, b"\x1cC": 1,
    b"\x10\x04": 1, b"\x10\x05": 1, b"\x10\x14": 3,
}  # fmt: skip
LONGEST_QR = 4096


@dataclass(frozen=True, slots=True)
class Ask:
    """DLE EOT n, or the cutter recovery DLE ENQ 2 as n = 0."""

    n: int


@dataclass(frozen=True, slots=True)
class AskName:
    """GS I n: what the printer is."""

    n: int


@dataclass(frozen=True, slots=True)
class AskDone:
    """GS r n: answered when everything before it is printed."""

    n: int


@dataclass(frozen=True, slots=True)
class Reset:
    """ESC @."""


@dataclass(frozen=True, slots=True)
class Style:
    """size: magnification 1-8. None: unchanged."""

    size: int | None = None
    is_bold: bool | None = None
    align: str | None = None


@dataclass(frozen=True, slots=True)
class TextLine:
    text: str


@dataclass(frozen=True, slots=True)
class Feed:
    """Blank paper: lines of the normal height, and dots."""

    lines: int = 0
    dots: int = 0


@dataclass(frozen=True, slots=True)
class QrCode:
    """A code printed by the printer itself. dots: size of one module."""

    text: str
    dots: int


@dataclass(frozen=True, slots=True)
class Raster:
    """GS v 0: rows of dots, most significant bit left, 1 is black."""

    width: int
    rows: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Cut:
    """GS V or ESC i/m."""


Action = Ask | AskName | AskDone | Reset | Style | TextLine | Feed | QrCode | Raster | Cut


class Parser:
    """Bytes in, actions out. unknown: commands it had to guess."""

    def __init__(self) -> None:
        self.unknown = 0
        self._rest = b""
        self._line = b""
        self._qr = b""
        self._qr_dots = 3

    def feed(self, data: bytes) -> Iterator[Action]:
        """The actions that are complete now, in order."""
        self._rest += data
        while self._rest:
            size = self._size()
            if size is None or len(self._rest) < size:
                return
            command, self._rest = self._rest[:size], self._rest[size:]
            yield from self._act(command)

    def _size(self) -> int | None:
        """Bytes of the command at the front; None while its own length is still to come."""
        rest = self._rest
        if rest[0] not in (ESC, FS, GS, DLE):
            return 1
        if len(rest) < 2:
            return None
        name = rest[:2]
        if name == b"\x1dV":
            return None if len(rest) < 3 else 4 if rest[2] in (65, 66) else 3
        if name in (b"\x1d(", b"\x1b("):
            return None if len(rest) < 5 else 5 + rest[3] + 256 * rest[4]
        if name == b"\x1dv":
            return None if len(rest) < 8 else 8 + (rest[4] + 256 * rest[5]) * (rest[6] + 256 * rest[7])
        if name not in LENGTHS:
            self.unknown += 1
            return 2
        return 2 + LENGTHS[name]

    def _act(self, command: bytes) -> Iterator[Action]:
        name, rest = command[:2], command[2:]
        if command[0] not in (ESC, FS, GS, DLE):
            yield from self._text(command[0])
        elif name == b"\x10\x04":
            yield Ask(rest[0])
        elif name == b"\x10\x05":
            yield Ask(0)
        elif name == b"\x1dI":
            yield AskName(rest[0])
        elif name == b"\x1dr":
            yield from self._ended_line()
            yield AskDone(rest[0])
        elif name == b"\x1d(":
            yield from self._qr_command(command)
        elif name in (b"\x1dV", b"\x1bi", b"\x1bm"):
            yield from self._ended_line()
            yield Cut()
        elif name == b"\x1dv":
            yield from self._ended_line()
            yield _raster(command)
        else:
            yield from self._layout(name, rest)

    def _text(self, byte: int) -> Iterator[Action]:
        if byte == LF:
            line, self._line = self._line, b""
            yield TextLine(_in_font(line.decode("gb18030", errors="replace")))
        elif byte != CR and byte >= 0x20:
            self._line += bytes([byte])

    def _ended_line(self) -> Iterator[Action]:
        if self._line:
            yield from self._text(LF)

    def _layout(self, name: bytes, rest: bytes) -> Iterator[Action]:
        match name:
            case b"\x1b@":
                self._line = self._qr = b""
                yield Reset()
            case b"\x1d!":
                yield Style(size=max(rest[0] >> 4, rest[0] & 7) + 1)
            case b"\x1b!" | b"\x1c!":
                yield Style(size=2 if rest[0] & 0x3C & ~0x08 else 1)
            case b"\x1bE":
                yield Style(is_bold=bool(rest[0] & 1))
            case b"\x1ba":
                yield Style(align=("left", "center", "right")[rest[0] % 48 % 3])
            case b"\x1bd":
                yield from self._ended_line()
                yield Feed(lines=rest[0])
            case b"\x1bJ":
                yield from self._ended_line()
                yield Feed(dots=rest[0])
            case _:
                pass

    def _qr_command(self, command: bytes) -> Iterator[Action]:
        """GS ( k with cn = 49: functions 67 size, 80 store, 81 print."""
        if command[2:3] != b"k" or len(command) < 7 or command[5] != 49:
            return
        function, values = command[6], command[7:]
        if function == 67 and values:
            self._qr_dots = values[0]
        elif function == 80:
            self._qr = values[1:][:LONGEST_QR]
        elif function == 81 and self._qr:
            yield from self._ended_line()
            yield QrCode(self._qr.decode("utf-8", errors="replace"), self._qr_dots)


def _in_font(text: str) -> str:
    """As the paper shows it: what takes four bytes in GB18030 is not in the font of such printers."""
    return "".join(char if len(char.encode("gb18030")) <= 2 else "□" for char in text)


def _raster(command: bytes) -> Raster:
    width_bytes = command[4] + 256 * command[5]
    data = command[8:]
    rows = tuple(data[at : at + width_bytes] for at in range(0, len(data), max(1, width_bytes)))
    return Raster(width_bytes * 8, rows)
