"""Push buttons and lamps on the pins of a board that is not there: levels told over a socket.

A program that asks "watch 17" gets the level of pin 17 and each change of it, a line each: 0 (to ground:
pressed) or 1, and time.monotonic() of the change, as a kernel stamps its edges. firmware.wires turns
them into edges on a gpiozero pin. One that sends "drive 17 1" lights the lamp on pin 17.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from firmware.emulators.door import Door

HELD_S = 0.15  # how long a finger stays on a button
BOUNCES = ((0.0, True), (0.002, False), (0.003, True))  # of a worn contact when it closes
FAULTS = ("stuck", "bounce")


class GpioBoard:
    """The socket, and who watches which pin."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._levels: dict[int, bool] = {}
        self._watchers: dict[int, list[socket.socket]] = {}
        self._lamps: dict[int, LampEmulator] = {}
        self._lock = threading.Lock()
        self._door = Door(path, "gpio", self._receive)

    def start(self) -> None:
        self._door.start()

    def stop(self) -> None:
        self._door.stop()
        with self._lock:
            for watcher in [each for watchers in self._watchers.values() for each in watchers]:
                watcher.close()
            self._watchers.clear()

    def set_level(self, pin: int, is_down: bool) -> None:
        """Change a pin; those who watch it are told in order."""
        with self._lock:
            self._levels[pin] = is_down
            for watcher in list(self._watchers.get(pin, ())):
                if not _told(watcher, is_down):
                    self._watchers[pin].remove(watcher)
                    watcher.close()

    def add_lamp(self, pin: int, lamp: LampEmulator) -> None:
        self._lamps[pin] = lamp

    def _driven(self, driver: socket.socket, told: bytes) -> None:
        """A program drives outputs: "drive 17 1" lights the lamp on pin 17."""
        with driver:
            while not self._door.ended.is_set():
                *lines, told = told.split(b"\n")
                for line in lines:
                    self._drive(line.split())
                try:
                    heard = driver.recv(256)
                except TimeoutError:
                    continue
                except OSError:
                    return
                if not heard:
                    return
                told += heard

    def _drive(self, words: list[bytes]) -> None:
        if len(words) == 3 and words[1].isdigit() and (lamp := self._lamps.get(int(words[1]))) is not None:
            lamp.driven(words[2] == b"1")

    def is_watched(self, pin: int) -> bool:
        with self._lock:
            return bool(self._watchers.get(pin))

    def _receive(self, watcher: socket.socket) -> None:
        watcher.settimeout(1.0)
        try:
            first = watcher.recv(64)
        except OSError:
            first = b""
        words = first.split()
        if words[:1] == [b"drive"]:
            threading.Thread(
                target=self._driven, args=(watcher, first), name="gpio lamp", daemon=True
            ).start()
            return
        if len(words) != 2 or words[0] != b"watch" or not words[1].isdigit():
            watcher.close()
            return
        pin = int(words[1])
        with self._lock:
            if _told(watcher, self._levels.get(pin, False)):
                self._watchers.setdefault(pin, []).append(watcher)
            else:
                watcher.close()


def _told(watcher: socket.socket, is_down: bool) -> bool:
    try:
        watcher.sendall(b"%d %.6f\n" % (not is_down, time.monotonic()))
    except OSError:
        return False
    return True


class ButtonEmulator:
    """One button. faults: stuck (held down), bounce (a worn contact)."""

    kind = "button"

    def __init__(self, board: GpioBoard, pin: int, chance: Random, changed: Callable[[], None]) -> None:
        self.pin = pin
        self.wire_text = f"gpio:emulated:{board.path}#{pin}"
        self.presses = 0
        self.is_down = False
        self._board = board
        self._chance = chance
        self._changed = changed
        self._faults: set[str] = set()
        self._pressing = threading.Lock()

    def start(self) -> None:
        """Nothing of its own: the board holds the socket."""

    def stop(self) -> None:
        self._set(False)

    def faults(self) -> dict[str, bool]:
        return {name: name in self._faults for name in FAULTS}

    def set_fault(self, name: str, is_on: bool) -> None:
        (self._faults.add if is_on else self._faults.discard)(name)
        if name == "stuck":
            self._set(is_on)
        self._changed()

    def state(self) -> dict[str, Any]:
        is_wired = self._board.is_watched(self.pin)
        return {"pin": self.pin, "presses": self.presses, "is_down": self.is_down, "is_wired": is_wired}

    def press(self, held_s: float = HELD_S) -> None:
        """Push it and let it go; returns when it is up again. held_s: at most 30."""
        with self._pressing:
            self.presses += 1
            began_s = time.monotonic()
            if "bounce" in self._faults:
                self._bounce()
            self._set(True)
            threading.Event().wait(max(0.0, min(held_s, 30.0) - (time.monotonic() - began_s)))
            if "stuck" not in self._faults:
                self._set(False)

    def _bounce(self) -> None:
        for after_s, is_down in BOUNCES:
            threading.Event().wait(after_s * self._chance.uniform(0.5, 2.0))
            self._board.set_level(self.pin, is_down)

    def _set(self, is_down: bool) -> None:
        self.is_down = is_down
        self._board.set_level(self.pin, is_down)
        self._changed()


class LampEmulator:
    """One lamp. faults: dead (burnt out; nobody is told)."""

    kind = "lamp"

    def __init__(self, board: GpioBoard, pin: int, changed: Callable[[], None]) -> None:
        self.pin = pin
        self.wire_text = f"gpio:emulated:{board.path}#{pin}"
        self.changes = 0
        self._is_lit = False
        self._is_dead = False
        self._changed = changed
        board.add_lamp(pin, self)

    def start(self) -> None:
        """Nothing of its own: the board holds the socket."""

    def stop(self) -> None:
        """Nothing of its own."""

    def faults(self) -> dict[str, bool]:
        return {"dead": self._is_dead}

    def set_fault(self, name: str, is_on: bool) -> None:
        self._is_dead = is_on
        self._changed()

    def state(self) -> dict[str, Any]:
        return {"pin": self.pin, "is_lit": self._is_lit and not self._is_dead, "changes": self.changes}

    def driven(self, is_lit: bool) -> None:
        if is_lit != self._is_lit:
            self._is_lit = is_lit
            self.changes += 1
            self._changed()


class KeysEmulator:
    """Several keys in one housing, each on a pin. faults: stuck (the first key)."""

    kind = "keys"

    def __init__(
        self, board: GpioBoard, pins: list[int], chance: Random, changed: Callable[[], None]
    ) -> None:
        self._keys = [ButtonEmulator(board, pin, chance, changed) for pin in pins]
        self.wire_text = f"gpio:emulated:{board.path}#{','.join(map(str, pins))}"

    def start(self) -> None:
        """Nothing of its own: the board holds the socket."""

    def stop(self) -> None:
        for key in self._keys:
            key.stop()

    def faults(self) -> dict[str, bool]:
        return {"stuck": self._keys[0].faults()["stuck"]}

    def set_fault(self, name: str, is_on: bool) -> None:
        self._keys[0].set_fault(name, is_on)

    def state(self) -> dict[str, Any]:
        names = [str(at) for at in range(1, len(self._keys) + 1)]
        pushes = sum(key.presses for key in self._keys)
        is_wired = all(key.state()["is_wired"] for key in self._keys)
        return {"names": names, "pushes": pushes, "is_wired": is_wired}

    def push(self, name: str) -> None:
        """Push the key of that name. Raises KeyError."""
        if not name.isdigit() or not 1 <= int(name) <= len(self._keys):
            raise KeyError(name)
        self._keys[int(name) - 1].press()
