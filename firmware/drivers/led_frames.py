"""How LED bars are spoken to: one class per protocol; makers' own join by name, as entry points.

The bars of each maker have frames of their own (P.49). `plain` is the one we define for text controllers
and for the emulator; an RS-485 line carries several bars, each with an address:

    host -> bar   AA 55 ADDR SEQ CMD LEN DATA.. CRC16      CMD 01 show DATA (GBK text), 00 are you there
    bar -> host   AA 55 ADDR SEQ REPLY 00 CRC16            REPLY 06 shown, 15 broken frame, 16 unknown CMD

ADDR 1-247, 0 to all (nobody answers); SEQ counts up and says which frame an answer belongs
to; LEN counts DATA, at most 240; CRC16 is CRC-CCITT (polynomial 1021, start 0000,
high byte first) over ADDR to the end of DATA. A bar shows a text only when the whole frame was good,
so it never shows half of one. Text is GBK; 0A parts lines on bars that have several.

`template` speaks to simple bars as its options say. What is left is a maker's package with a Protocol.
"""

from __future__ import annotations

import binascii
import struct
import typing
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from importlib.metadata import entry_points
from operator import xor

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


class Protocol(typing.Protocol):
    """How one bar is spoken to. A maker's own joins as a class with these, under its name in the entry-point
    group GROUP; it is made with the options of the bar's DeviceConfig. Raises BadOption for wrong ones."""

    answers: bool  # whether a bar says that it shows a text

    def show(self, address: int, seq: int, text: str) -> bytes:
        """The frame that shows `text`. seq: 1 to 255, one up for each frame."""

    def replies(self, data: bytes) -> dict[tuple[int, int], bool]:
        """(address, seq) -> was it shown, for the answers that are complete now."""

    def forget(self) -> None:
        """Drop what is half here: the line was silent for longer than an answer lasts."""


class BadOption(ValueError):
    """An option that means nothing to a protocol; the message names it."""


class PlainProtocol:
    """The protocol above."""

    answers = True

    def __init__(self, options: Mapping[str, str] | None = None) -> None:
        self._reader = Reader()

    def show(self, address: int, seq: int, text: str) -> bytes:
        return Frame(address, seq, SHOW, encode_text(text)).encode()

    def replies(self, data: bytes) -> dict[tuple[int, int], bool]:
        return {(frame.address, frame.seq): frame.code == ACK for frame in self._reader.feed(data)}

    def forget(self) -> None:
        self._reader.forget()


class TemplateProtocol:
    """Frames of simple bars, written as a template: bytes in hex, and fields in brackets.

    options: frame, like "02 [addr] [len] [text] [xor] 03"; default "[text] 0D 0A", a line of text. Fields
    are addr, seq, len (of the text), text (GBK), and sum, xor, crc over the bytes from number `check_from`
    (0) on. reply: the bytes of a bar that shows it, like "06"; without it bars are taken to have shown it.
    """

    def __init__(self, options: Mapping[str, str] | None = None) -> None:
        options = options or {}
        self._parts = options.get("frame", "[text] 0D 0A").split()
        self._check_from = int(options.get("check_from", "0"))
        self._reply = _hex(options.get("reply", ""), "reply")
        self.answers = bool(self._reply)
        self._asked = (0, 0)
        self._heard = b""
        for part in self._parts:
            if part not in FIELDS:
                _hex(part, "frame")

    def show(self, address: int, seq: int, text: str) -> bytes:
        self._asked, self._heard = (address, seq), b""
        data, frame = encode_text(text), b""
        for part in self._parts:
            known = {"[addr]": address, "[seq]": seq, "[len]": len(data)}
            if part in known:
                frame += bytes([known[part] % 256])
            elif part == "[text]":
                frame += data
            elif part in CHECKS:
                frame += CHECKS[part](frame[self._check_from :])
            else:
                frame += bytes.fromhex(part)
        return frame

    def replies(self, data: bytes) -> dict[tuple[int, int], bool]:
        self._heard = (self._heard + data)[-64:]
        if self._reply and self._reply in self._heard:
            self._heard = b""
            return {self._asked: True}
        return {}

    def forget(self) -> None:
        self._heard = b""


CHECKS: Mapping[str, Callable[[bytes], bytes]] = {
    "[sum]": lambda data: bytes([sum(data) % 256]),
    "[xor]": lambda data: bytes([reduce(xor, data, 0)]),
    "[crc]": lambda data: struct.pack(">H", binascii.crc_hqx(data, 0)),
}
FIELDS = frozenset({"[addr]", "[seq]", "[len]", "[text]", *CHECKS})
PROTOCOLS: Mapping[str, Callable[[Mapping[str, str]], Protocol]] = {
    "plain": PlainProtocol,
    "template": TemplateProtocol,
}
GROUP = "servicehall.led_protocols"


def protocol_named(name: str, options: Mapping[str, str]) -> Protocol:
    """One of ours, or one that another package brings. Raises BadOption for a name or option nobody knows."""
    if name in PROTOCOLS:
        return PROTOCOLS[name](options)
    brought = {each.name: each for each in entry_points(group=GROUP)}
    if name not in brought:
        known = ", ".join([*PROTOCOLS, *sorted(brought)])
        raise BadOption(f"LED protocol {name!r} is not one of {known}")
    made: Protocol = brought[name].load()(options)
    return made


def _hex(text: str, option: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise BadOption(
            f"{option}: {text!r} is neither bytes in hex nor one of {', '.join(FIELDS)}"
        ) from error


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
