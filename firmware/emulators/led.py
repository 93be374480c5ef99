"""LED bars on one serial line: they speak the plain protocol of drivers/led_frames, or a simple maker's."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import xor
from pathlib import Path
from random import Random
from typing import Any

from firmware.drivers.led_frames import ACK, NAK, PING, SHOW, UNKNOWN, Frame, Reader
from firmware.emulators.pty import OnCable, PtyWire

STX, ETX = b"\x02", b"\x03"


class LedLine:
    """The cable and its bars."""

    def __init__(self, link: Path, baud: int, chance: Random, speaks: str = "plain") -> None:
        """speaks: plain, stx (02 ADDR LEN text XOR 03, answered 06 or 15) or lines (text and a line end)."""
        received = {"plain": self._received, "stx": self._stx_received, "lines": self._line_received}[speaks]
        self.wire = PtyWire(link, baud, received, chance)
        self._reader = Reader()
        self._rest = b""
        self._bars: dict[int, LedEmulator] = {}

    def add(self, address: int, changed: Callable[[], None]) -> LedEmulator:
        self._bars[address] = bar = LedEmulator(self, address, changed)
        return bar

    def _received(self, data: bytes) -> None:
        for frame in self._reader.feed(data):
            for bar in self._bars.values():
                if frame.address in (0, bar.address):
                    bar.heard(frame)
        for address in self._reader.broken:
            if address in self._bars:
                self._bars[address].heard_broken()
        self._reader.broken.clear()

    def _stx_received(self, data: bytes) -> None:
        """A simple maker's bars. XOR counts ADDR to the end of the text."""
        self._rest = (self._rest + data)[-512:]
        while (at := self._rest.find(STX)) >= 0:
            self._rest = self._rest[at:]
            if len(self._rest) < 3 or len(self._rest) < 5 + self._rest[2]:
                return
            size = 5 + self._rest[2]
            frame, self._rest = self._rest[:size], self._rest[size:]
            bar = self._bars.get(frame[1])
            is_good = frame[-1:] == ETX and reduce(xor, frame[1:-1], 0) == 0
            if bar is not None and bar.told(frame[3:-2] if is_good else None):
                self.wire.send(b"\x06" if is_good else b"\x15")

    def _line_received(self, data: bytes) -> None:
        """One bar without an address: it shows each line."""
        *lines, self._rest = (self._rest + data).split(b"\r\n")
        for bar in self._bars.values():
            for line in lines:
                bar.told(line)


class LedEmulator(OnCable):
    """One bar. faults: dead (no answer, dark), nak (takes nothing); noise and unplug are the line's."""

    kind = "led"

    def __init__(self, line: LedLine, address: int, changed: Callable[[], None]) -> None:
        super().__init__(line.wire, ("dead", "nak", "noise"), changed)
        self.address = address
        self.text = ""
        self.frames = 0
        self.broken = 0

    def set_fault(self, name: str, is_on: bool) -> None:
        if name == "dead" and is_on:
            self.text = ""  # without power it is dark, and forgets
        super().set_fault(name, is_on)

    def state(self) -> dict[str, Any]:
        return {"text": self.text, "frames": self.frames, "broken": self.broken, "address": self.address}

    def heard(self, frame: Frame) -> None:
        if "dead" in self._faults:
            return
        self.frames += 1
        reply = self._reply(frame)
        if frame.address != 0:
            self.wire.send(Frame(self.address, frame.seq, reply).encode())

    def heard_broken(self) -> None:
        if "dead" not in self._faults:
            self.broken += 1
            self.wire.send(Frame(self.address, 0, NAK).encode())

    def told(self, text: bytes | None) -> bool:
        """Show GBK text, None for a broken frame; whether the bar is there to answer."""
        if "dead" in self._faults:
            return False
        self.frames += 1
        if text is None:
            self.broken += 1
        elif "nak" not in self._faults:
            self._shown(text.decode("gbk", errors="replace"))
        return "nak" not in self._faults

    def _reply(self, frame: Frame) -> int:
        if "nak" in self._faults:
            return NAK
        if frame.code == PING:
            return ACK
        if frame.code != SHOW:
            return UNKNOWN
        self._shown(frame.data.decode("gbk", errors="replace"))
        return ACK

    def _shown(self, text: str) -> None:
        if text != self.text:
            self.text = text
            self._changed()
