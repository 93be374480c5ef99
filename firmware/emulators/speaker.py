"""A loudspeaker behind a socket: takes WAVs, plays them in real time, keeps the sentences they say.

The sender is held until the sound has ended, as by a sound card. The WAV knows its sentence and
language (drivers/wav), so the page can show what is being said.
"""

from __future__ import annotations

import select
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from firmware.drivers import wav
from firmware.emulators.door import LOOK_S, Door

LONGEST_WAV = 8 * 1024 * 1024  # three minutes
FAULTS = ("dead", "mute")


class SpeakerEmulator:
    """One loudspeaker. faults: dead (refuses sound), mute (plays, nobody hears: a loose cable)."""

    kind = "speaker"

    def __init__(self, path: Path, changed: Callable[[], None], speed: float = 1.0, keeps: int = 12) -> None:
        """speed: 1 plays as long as the sound lasts; a demo that runs its clock faster plays faster.

        keeps: sentences that were said, the last ones.
        """
        self.wire_text = f"sound:emulated:{path}"
        self._speed = speed
        self._changed = changed
        self._faults: set[str] = set()
        self._sentences: deque[dict[str, Any]] = deque(maxlen=keeps)
        self._last_wav = b""
        self._number = 0
        self._lock = threading.Lock()
        self._door = Door(path, "speaker", self._receive)

    def faults(self) -> dict[str, bool]:
        return {name: name in self._faults for name in FAULTS}

    def set_fault(self, name: str, is_on: bool) -> None:
        (self._faults.add if is_on else self._faults.discard)(name)
        self._changed()

    def state(self) -> dict[str, Any]:
        with self._lock:
            return {"sentences": [dict(sentence) for sentence in self._sentences], "said": self._number}

    def last_wav(self) -> bytes:
        """The sound played last, b"" before any; the page lets people listen to it."""
        return self._last_wav

    def start(self) -> None:
        self._door.start()

    def stop(self) -> None:
        self._door.stop()

    def _receive(self, sender: socket.socket) -> None:
        """One sender at a time: nothing overlaps in a loudspeaker."""
        with sender:
            self._serve_one(sender)

    def _serve_one(self, sender: socket.socket) -> None:
        try:
            sound = self._sound(sender)
            clip = wav.read(sound)
            if "dead" in self._faults or not self._play(sender, sound, clip):
                return
            sender.sendall(b"ok\n")
        except (OSError, ValueError):  # the sender left, or it was no sound: it gets no "ok"
            return

    def _sound(self, sender: socket.socket) -> bytes:
        size = struct.unpack(">I", self._exactly(sender, 4))[0]
        if size > LONGEST_WAV:
            raise ValueError(f"{size} bytes of sound are over {LONGEST_WAV}")
        return self._exactly(sender, size)

    def _exactly(self, sender: socket.socket, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            more = sender.recv(min(65536, size - len(data)))
            if not more:
                raise ConnectionResetError("the sender left")
            data += more
        return bytes(data)

    def _play(self, sender: socket.socket, sound: bytes, clip: wav.Clip) -> bool:
        """Hold on until the sound has ended; False when the speaker died or the sender left meanwhile."""
        sentence = self._begin(sound, clip)
        until_s = time.monotonic() + clip.seconds / self._speed
        is_whole = True
        while is_whole and (left_s := until_s - time.monotonic()) > 0:
            self._door.ended.wait(min(LOOK_S, left_s))
            is_whole = not (self._door.ended.is_set() or "dead" in self._faults or _has_left(sender))
        with self._lock:
            sentence["is_playing"] = False
            sentence["is_whole"] = is_whole
        self._changed()
        return is_whole

    def _begin(self, sound: bytes, clip: wav.Clip) -> dict[str, Any]:
        with self._lock:
            self._number += 1
            self._last_wav = sound
            sentence = {
                "id": self._number,
                "at": round(time.monotonic(), 1),
                "text": clip.text,
                "lang": clip.lang,
                "seconds": round(clip.seconds, 2),
                "is_playing": True,
                "is_heard": clip.has_sound and "mute" not in self._faults,
                "is_whole": True,
            }
            self._sentences.append(sentence)
        self._changed()
        return sentence


def _has_left(sender: socket.socket) -> bool:
    """True when the other end has closed: it sends nothing while it waits for the end of the sound."""
    try:
        is_readable = bool(select.select([sender], [], [], 0)[0])
        return is_readable and sender.recv(1, socket.MSG_PEEK) == b""
    except OSError:
        return True
