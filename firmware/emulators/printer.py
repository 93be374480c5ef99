"""A thermal printer: reads ESC/POS bytes, keeps the slips, answers its status, can be broken.

It hangs on a serial line, on USB (a device file without a speed) or on the network.

What it prints grows line by line as the bytes arrive. Without paper, or with its cover open, what
arrives is lost, as from a printer whose buffer is cleared when it is opened.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from firmware import picture
from firmware.emulators.escpos import (
    Action,
    Ask,
    AskDone,
    AskName,
    Cut,
    Feed,
    Parser,
    QrCode,
    Raster,
    Reset,
    Style,
    TextLine,
)
from firmware.emulators.pty import PtyWire
from firmware.emulators.tcp import TcpWire

LINE_MM = 3.75  # 30 dots at 8 dots a mm
QR_MODULES = 33  # of the codes that addresses make, for the paper they take
KEPT_SLIPS = 16
NEAR_END_MM = 4000.0
ROLL_MM = 50_000.0
SLOW_S = 0.4
MODEL = "TP-80C"
FONT = "CHINA GB18030"
FAULTS = (
    "paper_out",
    "near_end",
    "cover_open",
    "cutter",
    "head_hot",
    "garbage",
    "no_answer",
    "slow",
    "blocked",
)


class PrinterEmulator:
    """One printer at the end of one cable. changed() is called when there is something new to see."""

    kind = "printer"

    def __init__(
        self,
        link: Path,
        baud: int,
        chance: Random,
        changed: Callable[[], None],
        *,
        is_on_network: bool = False,
    ) -> None:
        self.wire: PtyWire | TcpWire = PtyWire(link, baud, self._received, chance)
        if is_on_network:
            self.wire = TcpWire(self._received)
        self.wire_text = self.wire.text
        self.model, self.font = MODEL, FONT
        self.paper_mm = ROLL_MM
        self._parser = Parser()
        self._faults: set[str] = set()
        self._slips: deque[dict[str, Any]] = deque(maxlen=KEPT_SLIPS)
        self._number = 0
        self._style = Style(size=1, is_bold=False, align="left")
        self._changed = changed
        self._lock = threading.RLock()
        self._is_cutter_stuck = False

    # -- what people do with it

    def faults(self) -> dict[str, bool]:
        on = self._faults | ({"paper_out"} if self.paper_mm <= 0 else set())
        return {**{name: name in on for name in FAULTS}, "unplug": not self.wire.is_plugged}

    def set_fault(self, name: str, is_on: bool) -> None:
        """Break or mend it. Mending paper_out puts in a new roll."""
        if name == "unplug":  # not under the lock: the cable waits for its thread, which may want the lock
            self.wire.unplug() if is_on else self.wire.plug()
            self._changed()
            return
        with self._lock:
            (self._faults.add if is_on else self._faults.discard)(name)
            if name == "paper_out" and not is_on:
                self.new_roll()
            self.wire.is_blocked = "blocked" in self._faults
        self._changed()

    def new_roll(self, mm: float = ROLL_MM) -> None:
        """mm: length of the roll; a short one ends in the middle of a slip."""
        with self._lock:
            self.paper_mm = mm
            self._faults.discard("paper_out")
            self._tear()

    def state(self) -> dict[str, Any]:
        with self._lock:
            slips = [{**slip, "lines": list(slip["lines"])} for slip in self._slips]
        return {
            "slips": slips,
            "paper_mm": round(max(self.paper_mm, 0)),
            "bytes": self.wire.bytes_in,
            "unknown": self._parser.unknown,
            "is_printing": bool(slips) and not slips[-1]["is_cut"] and not slips[-1]["is_torn"],
        }

    def start(self) -> None:
        self.wire.plug()

    def stop(self) -> None:
        self.wire.unplug()

    # -- what its bytes do

    def _received(self, data: bytes) -> None:
        with self._lock:
            actions = list(self._parser.feed(data))
            for action in actions:
                self._do(action)
        if any(not isinstance(action, Ask | AskName | AskDone | Style | Reset) for action in actions):
            self._changed()

    def _do(self, action: Action) -> None:
        match action:
            case Ask(n=n):
                self._answer(n)
            case AskName(n=n):
                self._tell_name(n)
            case AskDone():
                self._tell_done()
            case Reset():
                self._style = Style(size=1, is_bold=False, align="left")
                self._tear()
            case Style():
                self._restyle(action)
            case Cut():
                self._cut()
            case TextLine(text=text):
                self._text(text)
            case Feed(lines=lines, dots=dots):
                self._advance(lines * LINE_MM + dots / 8)
            case QrCode(text=text, dots=dots):
                if self._advance(QR_MODULES * dots / 8):
                    self._slip()["qr"] = text
                    self._slip()["lines"].append({"qr": text, "align": self._style.align})
            case Raster():
                self._image(action)

    def _restyle(self, style: Style) -> None:
        now = self._style
        self._style = Style(
            size=now.size if style.size is None else style.size,
            is_bold=now.is_bold if style.is_bold is None else style.is_bold,
            align=style.align or now.align,
        )

    def _text(self, text: str) -> None:
        size = self._style.size or 1
        if self._advance(LINE_MM * size) and (text or self._has_slip()):
            line = {"text": text, "size": size, "bold": self._style.is_bold, "align": self._style.align}
            self._slip()["lines"].append(line)

    def _image(self, raster: Raster) -> None:
        if self._advance(len(raster.rows) / 8):
            svg = picture.dots_svg([picture.bits(row) for row in raster.rows])
            self._slip()["lines"].append({"image": svg, "dots": raster.width, "align": self._style.align})

    def _advance(self, mm: float) -> bool:
        """Move paper; False when there is none, or the printer cannot print."""
        if self._hindered():
            return False
        self.paper_mm -= mm
        if self._has_slip():
            self._slip()["mm"] = round(self._slip()["mm"] + mm, 1)
        return True

    def _hindered(self) -> bool:
        return self.paper_mm <= 0 or bool(self._faults & {"paper_out", "cover_open", "head_hot"})

    def _cut(self) -> None:
        if self._hindered() or not self._has_slip():
            return
        if "cutter" in self._faults:
            self._is_cutter_stuck = True
            return
        self._slip()["is_cut"] = True

    def _tear(self) -> None:
        """A slip that was begun and not cut stays behind as a torn piece."""
        if self._has_slip():
            self._slip()["is_torn"] = True

    def _has_slip(self) -> bool:
        return bool(self._slips) and not self._slips[-1]["is_cut"] and not self._slips[-1]["is_torn"]

    def _slip(self) -> dict[str, Any]:
        if not self._has_slip():
            self._number += 1
            self._slips.append(
                {
                    "id": self._number,
                    "at": round(time.monotonic(), 1),
                    "lines": [],
                    "qr": "",
                    "mm": 0.0,
                    "is_cut": False,
                    "is_torn": False,
                }
            )
        return self._slips[-1]

    # -- status

    def _answer(self, n: int) -> None:
        if n == 0:
            self._is_cutter_stuck = False
        elif "garbage" in self._faults:
            self.wire.send(b"\xf7\x00\x8d")
        elif "slow" in self._faults:
            threading.Timer(SLOW_S, self.wire.send, [bytes([self.status(n)])]).start()
        elif "no_answer" not in self._faults:
            self.wire.send(bytes([self.status(n)]))

    def _tell_name(self, n: int) -> None:
        """GS I 67 and 69; an old model, or one that is silent, says nothing."""
        name = {67: self.model, 69: self.font}.get(n, "")
        if name and not self._faults & {"no_answer", "garbage"}:
            self.wire.send(b"_" + name.encode() + b"\0")

    def _tell_done(self) -> None:
        """GS r 1, once all before it is on paper: not while printing stands still."""
        if self.model and not self._hindered() and not self._faults & {"no_answer", "garbage", "cutter"}:
            self.wire.send(bytes([0x03 if self._is_near_end() else 0]))

    def status(self, n: int) -> int:
        """The byte it answers to DLE EOT n. Source: ESC/POS application programming guide."""
        is_out = self.paper_mm <= 0 or "paper_out" in self._faults
        is_open = "cover_open" in self._faults
        bits = {
            1: 0x08 if is_out or is_open or "cutter" in self._faults or "head_hot" in self._faults else 0,
            2: (0x04 if is_open else 0) | (0x20 if is_out else 0) | (0x40 if "cutter" in self._faults else 0),
            3: (0x08 if "cutter" in self._faults else 0) | (0x40 if "head_hot" in self._faults else 0),
            4: (0x60 if is_out else 0) | (0x0C if self._is_near_end() else 0),
        }
        return 0x12 | bits.get(n, 0)

    def _is_near_end(self) -> bool:
        return "near_end" in self._faults or self.paper_mm < NEAR_END_MM
