"""Frames of the caller and rating keypad bus: FF 68 L L 68 ADDR FUNC DATA.. CS 16 (P.32).

9600 baud 8N1, several devices with a one-byte address. L, given twice, counts ADDR to the end of
DATA; CS is (ADDR + FUNC + sum of DATA) mod 256. Devices send L of 3 to 5, the host also 2 and 8.
Source: requirements, hardware notes; the deployed program github.com/JackQChen/QueueSystem.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from firmware.protocol.messages import Key

HEAD = b"\xff\x68"
TAIL = 0x16
FROM_DEVICE = range(3, 6)  # lengths L the deployed host takes; others it drops
FROM_HOST = range(2, 9)
BLANK = 0x0A

RATED = 0x11  # device -> host, DATA[0] is the key
SHOW = 0x02  # host -> device: six digits, or one byte of stars
BEEP = 0x03
PROMPT = 0x01
ASK_RATING = 0x0B

KEYS: Mapping[bytes, Key] = {  # by DATA
    b"\x0c": Key.CALL_NEXT,
    b"\x0d": Key.RECALL,
    b"\x0b": Key.FINISH,
    b"\x0e": Key.CANCEL,
    b"\x0f": Key.START,
    b"\x11": Key.LINE,
    b"\x12": Key.PAUSE,
    b"\x13": Key.TRANSFER,
    b"\x06\x0f": Key.NO_SHOW,
    b"\x00\x0f": Key.HOLD,
    b"\x03\x0f": Key.CALL_BACK,
    b"\x05\x0f": Key.DELAY,  # ours: the source has no such function
}
# Rating keys of a device -> their levels (P.13). The four of that product: dissatisfied, none (its
# default), satisfied, very satisfied.
LEVELS: Mapping[int, tuple[int, ...]] = {3: (1, 3, 5), 4: (1, 3, 4, 5), 5: (1, 2, 3, 4, 5)}


@dataclass(frozen=True, slots=True)
class Frame:
    address: int
    func: int
    data: bytes = b""

    def encode(self) -> bytes:
        body = bytes([self.address, self.func]) + self.data
        return HEAD + bytes([len(body), len(body), 0x68]) + body + bytes([sum(body) % 256, TAIL])


def answer(frame: Frame) -> bytes:
    """What the host sends back for a device's frame: the frame; for a rating FUNC 01 and CS less 16."""
    if frame.func == RATED:
        return Frame(frame.address, PROMPT, frame.data).encode()
    return frame.encode()


def ratings_of(faces: int) -> Mapping[str, int]:
    """Value a device with that many rating keys sends -> level. Raises KeyError."""
    return {str(value): level for value, level in enumerate(LEVELS[faces])}


def key_name(data: bytes) -> str:
    """The meaning of a key frame's DATA: a Key value, or "unknown:XX" with its bytes in hex."""
    known = KEYS.get(data)
    if known is None and len(data) > 1 and data[-1] != 0x0F:
        known = KEYS.get(data[-1:])  # the last byte is the key
    return known.value if known is not None else f"unknown:{data.hex().upper()}"


def digits_of(data: bytes) -> str:
    """What was typed before the key, of a key that is not made by a digit itself."""
    typed = b"" if data in KEYS else data[:-1]
    return "".join(str(digit) for digit in typed if digit < 10)


def show(address: int, waiting: int | None, number: str) -> Frame:
    """The small display: three digits of people waiting, three of the ticket number, None and "" blank.

    Only digits fit: a prefix is left out, of a long number the last three stay; over 999 shows 999.
    """
    left = "" if waiting is None else str(min(max(waiting, 0), 999))
    right = "".join(digit for digit in number if digit in "0123456789")[-3:]
    if right:
        right = right.zfill(3)
    return Frame(address, SHOW, _cells(left) + _cells(right))


def _cells(digits: str) -> bytes:
    return bytes([BLANK] * (3 - len(digits)) + [int(digit) for digit in digits])


class Reader:
    """Bytes as they come to whole frames, finding its feet within one frame after noise (F29).

    What looks like a frame but is not costs one byte, not its whole length, so a frame behind noise
    is never lost. A frame is refused when another one begins inside it: no key or address is FF 68.
    """

    def __init__(self, lengths: range = FROM_DEVICE) -> None:
        self.bad = 0  # frames begun and broken: wrong length, sum or end, cut off
        self._lengths = lengths
        self._rest = b""

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are complete now."""
        self._rest += data
        frames: list[Frame] = []
        while (at := self._rest.find(HEAD)) >= 0:
            self._rest = self._rest[at:]
            size = self._size()
            if size is not None and len(self._rest) < size:
                return frames
            frame = None if size is None else _decode(self._rest[:size])
            if size is None or frame is None:
                self._skip()
                continue
            frames.append(frame)
            self._rest = self._rest[size:]
        self._rest = self._rest[-1:] if self._rest.endswith(HEAD[:1]) else b""
        return frames

    def quiet(self) -> list[Frame]:
        """The line fell silent: what is half here will not be completed, but may hide a whole frame."""
        frames: list[Frame] = []
        while len(self._rest) >= len(HEAD):
            self._skip()
            frames += self.feed(b"")
        self._rest = b""
        return frames

    def _size(self) -> int | None:
        """Bytes the frame at the front will have; None when its head is no head. Short heads may grow."""
        head = self._rest[2:5]
        if len(head) >= 1 and head[0] not in self._lengths:
            return None
        if len(head) >= 2 and head[1] != head[0]:
            return None
        if len(head) >= 3 and head[2] != 0x68:
            return None
        return 7 + head[0] if head else 7 + self._lengths.start

    def _skip(self) -> None:
        self.bad += 1
        self._rest = self._rest[1:]


def _decode(whole: bytes) -> Frame | None:
    body, check, tail = whole[5:-2], whole[-2], whole[-1]
    if tail != TAIL or sum(body) % 256 != check or HEAD in whole[2:]:
        return None
    return Frame(body[0], body[1], body[2:])
