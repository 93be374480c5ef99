"""How LED bars are spoken to: one class per protocol; PROTOCOLS is where makers' own protocols join.

The bars of each maker have frames of their own (P.49). This is the plain one we define for text
controllers and for the emulator; an RS-485 line carries several bars, each with an address:

    host -> bar   AA 55 ADDR SEQ CMD LEN DATA.. CRC16      CMD 01 show DATA (GBK text), 00 are you there
    bar -> host   AA 55 ADDR SEQ REPLY 00 CRC16            REPLY 06 shown, 15 broken frame, 16 unknown CMD

ADDR 1-247, 0 to all (nobody answers); SEQ counts up and says which frame an answer belongs
to; LEN counts DATA, at most 240; CRC16 is CRC-CCITT (polynomial 1021, start 0000,
high byte first) over ADDR to the end of DATA. A bar shows a text only when the whole frame was good,
so it never shows half of one. Text is GBK; 0A parts lines on bars that have several.
"""

from __future__ import annotations

import binascii
import struct
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

HEAD = b"\xaa\x55"
SHOW, PING = 0x01, 0x00
ACK, NAK, UNKNOWN = 0x06, 0x15, 0x16
LONGEST = 240
ELLIPSIS = "…".encode("gbk")


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of either direction. code: CMD or REPLY."""

    address: int
    seq: int
    code: int
    data: bytes = b""

    def encode(self) -> bytes:
        body = struct.pack(">BBBB", self.address, self.seq, self.code, len(self.data)) + self.data
        return HEAD + body + struct.pack(">H", binascii.crc_hqx(body, 0))


class Reader:
    """Bytes to whole frames; noise costs one byte at a time. broken: heads whose frame was not good."""

    def __init__(self) -> None:
        self.broken: list[int] = []  # addresses, as far as they could be read
        self._rest = b""

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are complete now."""
        self._rest += data
        frames: list[Frame] = []
        while (at := self._rest.find(HEAD)) >= 0:
            self._rest = self._rest[at:]
            if len(self._rest) < 8 or len(self._rest) < 8 + self._rest[5]:
                return frames
            size = 8 + self._rest[5]
            if binascii.crc_hqx(self._rest[2:size], 0) != 0:  # a CRC over its own CRC is 0
                self.broken.append(self._rest[2])
                self._rest = self._rest[1:]
                continue
            address, seq, code = self._rest[2:5]
            frames.append(Frame(address, seq, code, self._rest[6 : size - 2]))
            self._rest = self._rest[size:]
        self._rest = self._rest[-1:] if self._rest.endswith(HEAD[:1]) else b""
        return frames

    def forget(self) -> None:
        """Drop what is half here: the line was silent for longer than a frame lasts."""
        self._rest = b""


class PlainProtocol:
    """The protocol above."""

    def show(self, address: int, seq: int, text: str) -> bytes:
        return Frame(address, seq, SHOW, encode_text(text)).encode()

    def replies(self, reader: Reader, data: bytes) -> dict[tuple[int, int], bool]:
        """(address, seq) -> was it shown, for the answers that are complete now."""
        return {(frame.address, frame.seq): frame.code == ACK for frame in reader.feed(data)}


PROTOCOLS: Mapping[str, type[PlainProtocol]] = {"plain": PlainProtocol}


def encode_text(text: str, longest: int = LONGEST) -> bytes:
    """The text in GBK, at most `longest` bytes, cut between characters with an ellipsis (F26).

    A character GBK lacks is replaced by its compatibility form, else by a question mark.
    """
    cells = [_cell(char) for char in text]
    if sum(map(len, cells)) <= longest:
        return b"".join(cells)
    kept = b""
    for cell in cells:
        if len(kept) + len(cell) + len(ELLIPSIS) > longest:
            break
        kept += cell
    return kept + ELLIPSIS


def _cell(char: str) -> bytes:
    try:
        return char.encode("gbk")
    except UnicodeEncodeError:
        return unicodedata.normalize("NFKC", char).encode("gbk", errors="replace")
