"""Sound as WAV files in memory: 16 bit, one channel, with the sentence written inside.

The text stands in RIFF INFO: ICMT the sentence as people read it, ILNG its language; a sink that can
read (the emulator, a log) then knows what it plays. Players skip what they do not know.
"""

from __future__ import annotations

import array
import math
import struct
import sys
from dataclasses import dataclass
from functools import cache

CHIME = ((659.3, 0.42), (523.3, 0.65))  # E5 then C5, seconds: the two-tone chime before an announcement
PAUSE_S = 0.25


@dataclass(frozen=True, slots=True)
class Clip:
    """One sentence read back from a WAV."""

    text: str
    lang: str
    seconds: float
    has_sound: bool


def wav(samples: bytes, rate_hz: int, text: str, lang: str) -> bytes:
    """samples: little-endian int16. The file as bytes."""
    info = b"INFO" + _chunk(b"ICMT", text.encode() + b"\0") + _chunk(b"ILNG", lang.encode() + b"\0")
    form = struct.pack("<HHIIHH", 1, 1, rate_hz, rate_hz * 2, 2, 16)
    body = b"WAVE" + _chunk(b"fmt ", form) + _chunk(b"LIST", info) + _chunk(b"data", samples)
    return _chunk(b"RIFF", body)


def read(data: bytes) -> Clip:
    """What a WAV says and how long it lasts. Raises ValueError when it is not one of 16 bit PCM."""
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise ValueError("not a WAV file")
    chunks = dict(_chunks(data[12:]))
    if b"fmt " not in chunks or b"data" not in chunks or len(chunks[b"fmt "]) < 16:
        raise ValueError("a WAV file without format or sound")
    bytes_per_s = struct.unpack("<I", chunks[b"fmt "][8:12])[0]
    if bytes_per_s == 0:
        raise ValueError("a WAV file of no speed")
    info = dict(_chunks(chunks.get(b"LIST", b"INFO")[4:]))
    samples = chunks[b"data"]
    return Clip(
        _text(info.get(b"ICMT", b"")), _text(info.get(b"ILNG", b"")), len(samples) / bytes_per_s, any(samples)
    )


def softer(samples: bytes, percent: int) -> bytes:
    """The samples at that much of their strength."""
    if percent >= 100:
        return samples
    sound = array.array("h", samples)
    if sys.byteorder == "big":
        sound.byteswap()
    return _little(array.array("h", (sample * percent // 100 for sample in sound)))


def silence(seconds: float, rate_hz: int) -> bytes:
    return bytes(2 * int(seconds * rate_hz))


@cache
def chime(rate_hz: int) -> bytes:
    """The two-tone chime as samples, dying away like a struck bar."""
    samples = array.array("h")
    for pitch_hz, seconds in CHIME:
        for step in range(int(seconds * rate_hz)):
            at = step / rate_hz
            swing = math.sin(math.tau * pitch_hz * at) + 0.3 * math.sin(2 * math.tau * pitch_hz * at)
            loud = min(1.0, at / 0.005) * math.exp(-4.5 * at)
            samples.append(int(11000 * loud * swing))
    return _little(samples) + silence(PAUSE_S, rate_hz)


def _little(samples: array.array[int]) -> bytes:
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def _chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    found = []
    while len(data) >= 8:
        size = struct.unpack("<I", data[4:8])[0]
        found.append((data[:4], data[8 : 8 + size]))
        data = data[8 + size + size % 2 :]
    return found


def _text(raw: bytes) -> str:
    return raw.rstrip(b"\0").decode(errors="replace")
