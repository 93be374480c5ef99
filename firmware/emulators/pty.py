"""A serial cable with a device at its far end: a pty behind a symlink, paced to the baud rate both ways.

Hides that a pty moves bytes at once (a real line needs 10 bits a byte), and what pulling the plug looks
like to the program at the other end: the master is closed and the symlink removed; plugging in again
is a new pty behind the same symlink.
"""

from __future__ import annotations

import os
import pty
import queue
import select
import threading
import time
import tty
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

USB_BAUD = 8_000_000  # as fast as a pty
BITS = 10  # of a byte on the line: start, 8 data, stop
PIECE = 8  # bytes handed on at a time: 8 ms at 9600 baud
LOOK_S = 0.1
KEPT_BYTES = 6000
NOISE_EVERY_S = 0.15


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes that passed in one direction. at: seconds of the monotonic clock; is_in: towards the device."""

    at: float
    is_in: bool
    data: bytes


class Tape:
    """The last bytes on a wire, for the raw view."""

    def __init__(self) -> None:
        self._chunks: deque[Chunk] = deque()
        self._bytes = 0
        self._lock = threading.Lock()

    def add(self, is_in: bool, data: bytes) -> None:
        with self._lock:
            last = self._chunks[-1] if self._chunks else None
            now = time.monotonic()
            if last is not None and last.is_in == is_in and now - last.at < 0.5 and len(last.data) < 512:
                self._chunks[-1] = Chunk(last.at, is_in, last.data + data)
            else:
                self._chunks.append(Chunk(now, is_in, data))
            self._bytes += len(data)
            while self._bytes > KEPT_BYTES:
                self._bytes -= len(self._chunks.popleft().data)

    def chunks(self) -> list[Chunk]:
        with self._lock:
            return list(self._chunks)


class PtyWire:
    """The cable. received(data) is called with what arrives, when it would have arrived."""

    def __init__(self, link: Path, baud: int, received: Callable[[bytes], None], chance: Random) -> None:
        """baud: USB_BAUD for a device file, which has no speed of its own."""
        self.link = link
        self.baud = baud
        self.tape = Tape()
        self.bytes_in = 0
        self.is_blocked = False  # the device takes no bytes: XOFF, CTS for ever (F10)
        self._received = received
        self._chance = chance
        self._outgoing: queue.Queue[bytes] = queue.Queue()
        self._is_noisy = False
        self._session: _Session | None = None
        self._lock = threading.Lock()

    @property
    def text(self) -> str:
        """The wire as it is written in a unit's configuration."""
        return f"file:{self.link}" if self.baud == USB_BAUD else f"serial:{self.link}?baud={self.baud}"

    @property
    def is_plugged(self) -> bool:
        return self._session is not None

    def plug(self) -> None:
        """A new pty behind the symlink; nothing when it is plugged in."""
        with self._lock:
            if self._session is None:
                self._outgoing = queue.Queue()
                self._session = _Session(self, self._outgoing)

    def unplug(self) -> None:
        """Pull the cable; bytes under way are lost."""
        with self._lock:
            session, self._session = self._session, None
        if session is not None:
            session.end()

    def send(self, data: bytes) -> None:
        """Send from the device to the host at the line's speed; lost when unplugged."""
        self._outgoing.put(data)

    def noise(self, is_on: bool) -> None:
        """Random bytes now and then towards the host."""
        self._is_noisy = is_on

    def arrive(self, data: bytes) -> None:
        self.bytes_in += len(data)
        self.tape.add(True, data)
        self._received(data)

    def leave(self, data: bytes) -> None:
        self.tape.add(False, data)

    def crackle(self) -> bytes:
        return self._chance.randbytes(self._chance.randint(1, 12)) if self._is_noisy else b""


class _Session:
    """One plugging-in: the pty, its symlink and two threads."""

    def __init__(self, wire: PtyWire, outgoing: queue.Queue[bytes]) -> None:
        self._wire = wire
        self._outgoing = outgoing
        self._end = threading.Event()
        self._master, self._slave = pty.openpty()
        for end in (self._master, self._slave):
            tty.setraw(end)
        os.set_blocking(self._master, False)
        wire.link.unlink(missing_ok=True)
        wire.link.symlink_to(os.ttyname(self._slave))
        self._threads = [
            threading.Thread(target=work, name=f"{wire.link.name} {way}", daemon=True)
            for way, work in (("in", self._carry_in), ("out", self._carry_out))
        ]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._end.set()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(timeout=2)
        self._wire.link.unlink(missing_ok=True)
        os.close(self._slave)
        os.close(self._master)

    def _carry_in(self) -> None:
        """From the host to the device, not faster than the line."""
        free_at = time.monotonic()
        while not self._end.is_set():
            if self._wire.is_blocked:
                self._end.wait(LOOK_S)
                continue
            data = self._read()
            if not data:
                continue
            free_at = max(free_at, time.monotonic()) + self._lasts_s(data)
            if self._end.wait(max(0.0, free_at - time.monotonic())):
                return
            self._wire.arrive(data)

    def _read(self) -> bytes:
        if not select.select([self._master], [], [], LOOK_S)[0]:
            return b""
        try:
            return os.read(self._master, PIECE)
        except OSError:
            self._end.wait(LOOK_S)
            return b""

    def _carry_out(self) -> None:
        """From the device to the host likewise, with noise when the line is noisy."""
        noise_at = time.monotonic()
        while not self._end.is_set():
            try:
                data = self._outgoing.get(timeout=LOOK_S)
            except queue.Empty:
                data = b""
            if time.monotonic() >= noise_at:
                noise_at = time.monotonic() + NOISE_EVERY_S
                data = self._wire.crackle() + data
            self._emit(data)

    def _emit(self, data: bytes) -> None:
        for start in range(0, len(data), PIECE):
            piece = data[start : start + PIECE]
            if self._end.wait(self._lasts_s(piece)):
                return
            try:
                os.write(self._master, piece)
            except OSError:  # nobody reads: a real line would lose them too
                return
            self._wire.leave(piece)

    def _lasts_s(self, data: bytes) -> float:
        return len(data) * BITS / self._wire.baud


class OnCable:
    """A device at the far end of a cable: plugged in and pulled out, and broken by switches.

    switches: what it can have of its own, noise on the cable with it; unplug every one has.
    """

    def __init__(self, wire: PtyWire, switches: Sequence[str], changed: Callable[[], None]) -> None:
        self.wire = wire
        self.wire_text = wire.text
        self._switches = switches
        self._faults: set[str] = set()
        self._changed = changed

    def start(self) -> None:
        self.wire.plug()

    def stop(self) -> None:
        self.wire.unplug()

    def faults(self) -> dict[str, bool]:
        return {**{name: name in self._faults for name in self._switches}, "unplug": not self.wire.is_plugged}

    def set_fault(self, name: str, is_on: bool) -> None:
        if name == "unplug":
            self.wire.unplug() if is_on else self.wire.plug()
        else:
            (self._faults.add if is_on else self._faults.discard)(name)
        if name == "noise":
            self.wire.noise(is_on)
        self._changed()
