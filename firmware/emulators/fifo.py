"""A USB keyboard that is not there: input events through a named pipe, as the kernel hands them out.

Hides what pulling its plug looks like to the program at the other end: the pipe ends and its name goes.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from firmware.drivers.hid import DOWN, EVENT, KEY, NAMES, PLAIN, SHIFTED, UP
from firmware.emulators.pty import Tape

SHIFT, ENTER = 42, 28
REPEAT = 2
CODES = {char: (code, False) for code, char in reversed(list(PLAIN.items()))} | {
    char: (code, True) for code, char in SHIFTED.items() if char not in PLAIN.values()
}


class FifoWire:
    """The plug and its cable."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tape = Tape()
        self._end: int | None = None
        self._lock = threading.Lock()

    @property
    def text(self) -> str:
        """The wire as it is written in a unit's configuration."""
        return f"hid:{self.path}"

    @property
    def is_plugged(self) -> bool:
        return self._end is not None

    def plug(self) -> None:
        with self._lock:
            if self._end is None:
                self.path.unlink(missing_ok=True)
                os.mkfifo(self.path, 0o600)
                self._end = os.open(self.path, os.O_RDWR | os.O_NONBLOCK)

    def unplug(self) -> None:
        with self._lock:
            end, self._end = self._end, None
            if end is not None:
                self.path.unlink(missing_ok=True)
                os.close(end)

    def key(self, code: int, value: int) -> None:
        """One event; lost when it is unplugged or nobody reads."""
        now = time.monotonic()
        event = EVENT.pack(int(now), int(now % 1 * 1e6), KEY, code, value)
        with self._lock:
            if self._end is not None:
                try:
                    os.write(self._end, event)
                except BlockingIOError:
                    return
                self.tape.add(False, event)

    def stroke(self, code: int) -> None:
        self.key(code, DOWN)
        self.key(code, UP)

    def type(self, text: str) -> None:
        """Characters a keyboard has; others are left out."""
        for char in text:
            code, is_shifted = CODES.get(char, (0, False))
            if is_shifted:
                self.key(SHIFT, DOWN)
            if code:
                self.stroke(code)
            if is_shifted:
                self.key(SHIFT, UP)


class UsbKeysEmulator:
    """A numeric keypad on USB. faults: stuck (enter is held and repeats), unplug."""

    kind = "keys"
    names = ("enter", "plus", "star", "minus", "slash", "dot", *"0123456789")

    def __init__(self, path: Path, changed: Callable[[], None]) -> None:
        self.wire = FifoWire(path)
        self.wire_text = self.wire.text
        self.pushes = 0
        self._is_stuck = False
        self._changed = changed
        self._codes = {name: code for code, name in NAMES.items()}

    def start(self) -> None:
        self.wire.plug()

    def stop(self) -> None:
        self.wire.unplug()

    def faults(self) -> dict[str, bool]:
        return {"stuck": self._is_stuck, "unplug": not self.wire.is_plugged}

    def set_fault(self, name: str, is_on: bool) -> None:
        if name == "unplug":
            self.wire.unplug() if is_on else self.wire.plug()
        else:
            self._is_stuck = is_on
            self.wire.key(self._codes["enter"], DOWN if is_on else UP)
            if is_on:
                self.wire.key(self._codes["enter"], REPEAT)
        self._changed()

    def state(self) -> dict[str, Any]:
        return {"names": list(self.names), "pushes": self.pushes, "is_wired": self.wire.is_plugged}

    def push(self, name: str) -> None:
        """Push the key of that name. Raises KeyError."""
        self.pushes += 1
        self.wire.stroke(self._codes[name])
        self._changed()
