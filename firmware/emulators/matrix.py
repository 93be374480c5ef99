"""A chain of MAX7219 with 8x8 dots each: transfers in over a socket, registers, dots.

Each transfer is one pulse of chip select: its 16-bit words are shifted through the chain, and the last
ones stay, one in each chip, the first of them in the farthest. Source: MAX7219 data sheet, tables 1 to 10.
faults: glitch (interference has put the chips to sleep and scrambled them), unplug.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

NO_OP, DIGIT_0, DIGIT_7, DECODE, INTENSITY, SCAN_LIMIT, SHUTDOWN, TEST = 0, 1, 8, 9, 10, 11, 12, 15
LOOK_S = 0.2


class Chip:
    """One chip as it is after power-on: asleep."""

    def __init__(self) -> None:
        self.digits = bytearray(8)
        self.intensity = 0
        self.scan_limit = 0
        self.is_awake = self.is_testing = self.decodes = False

    def take(self, register: int, value: int) -> None:
        match register & 0x0F:
            case digit if DIGIT_0 <= digit <= DIGIT_7:
                self.digits[digit - DIGIT_0] = value
            case 0x09:
                self.decodes = value != 0
            case 0x0A:
                self.intensity = value & 0x0F
            case 0x0B:
                self.scan_limit = value & 0x07
            case 0x0C:
                self.is_awake = bool(value & 1)
            case 0x0F:
                self.is_testing = bool(value & 1)
            case _:
                return  # no-op

    def column(self, at: int) -> int:
        """The eight dots of a column, bit 0 uppermost."""
        if self.is_testing:
            return 0xFF
        return self.digits[at] if self.is_awake and at <= self.scan_limit and not self.decodes else 0


class MatrixEmulator:
    """One chain."""

    kind = "matrix"

    def __init__(self, path: Path, chips: int, chance: Random, changed: Callable[[], None]) -> None:
        self.path = path
        self.wire_text = f"spi:emulated:{path}"
        self.transfers = 0
        self._chips = [Chip() for _ in range(chips)]
        self._chance, self._changed = chance, changed
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._thread is None:
            self._end.clear()
            self.path.unlink(missing_ok=True)
            server = socket.socket(socket.AF_UNIX)
            server.bind(str(self.path))
            os.chmod(self.path, 0o600)
            server.listen(1)
            server.settimeout(LOOK_S)
            self._thread = threading.Thread(target=self._serve, args=(server,), name="matrix", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        thread, self._thread = self._thread, None
        self._end.set()
        if thread is not None:
            thread.join(timeout=3)
            self.path.unlink(missing_ok=True)

    def faults(self) -> dict[str, bool]:
        return {"glitch": not any(chip.is_awake for chip in self._chips), "unplug": self._thread is None}

    def set_fault(self, name: str, is_on: bool) -> None:
        if name == "unplug":
            self.stop() if is_on else self.start()
        elif is_on:
            self._glitch()
        self._changed()

    def state(self) -> dict[str, Any]:
        """rows: eight texts of # and ., as they are lit."""
        with self._lock:
            columns = [chip.column(at) for chip in self._chips for at in range(8)]
        rows = ["".join("#" if column >> y & 1 else "." for column in columns) for y in range(8)]
        return {"rows": rows, "transfers": self.transfers, "intensity": self._chips[0].intensity}

    def _glitch(self) -> None:
        with self._lock:
            for chip in self._chips:
                chip.is_awake = False
                chip.digits[:] = self._chance.randbytes(8)

    def _serve(self, server: socket.socket) -> None:
        with server:
            while not self._end.is_set():
                with suppress(TimeoutError):
                    sender, _ = server.accept()
                    with sender:
                        sender.settimeout(LOOK_S)
                        self._receive(sender)

    def _receive(self, sender: socket.socket) -> None:
        held = b""
        while not self._end.is_set():
            try:
                heard = sender.recv(4096)
            except TimeoutError:
                continue
            except OSError:
                return
            if not heard:
                return
            held += heard
            while len(held) >= 2 and len(held) >= (size := 2 + struct.unpack(">H", held[:2])[0]):
                self._transfer(held[2:size])
                held = held[size:]
            self._changed()

    def _transfer(self, data: bytes) -> None:
        self.transfers += 1
        words = [data[at : at + 2] for at in range(0, len(data) - 1, 2)][-len(self._chips) :]
        with self._lock:
            for chip, word in zip(self._chips, reversed(words), strict=False):
                chip.take(word[0], word[1])
