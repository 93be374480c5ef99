"""What a printer is asked on its line, and how its answers are told apart.

Hides that one answer may come for another question: real-time status (DLE EOT), what it is (GS I) and
"everything before this is printed" (GS r) look different on the wire, so each is waited for by its look.
Sources: ESC/POS application programming guide, DLE EOT, GS I, GS r.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from firmware import wires
from firmware.drivers.escpos_status import QUERIES, RECOVER, Status, is_status, status_of

ANSWER_S = 1.0  # for one status byte; a printer that is busy feeding answers late
IDENTITY_S = 0.5  # for what only some printers answer
ASKS = 2  # F05, F09: once more before a fault
DONE = b"\x1dr\x01"  # GS r 1: answered when what came before it was printed
MODEL, FONT = b"\x1dI\x43", b"\x1dI\x45"  # GS I 67: name of the model; GS I 69: language of its font
LONGEST_NAME = 80


class NoStatus(Exception):
    """The printer did not say how it is. code: the fault that makes."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True, slots=True)
class Found:
    """What a printer turned out to be. tells_status: it answers DLE EOT; tells_done: it answers GS r."""

    tells_status: bool
    tells_done: bool = False
    model: str = ""
    font: str = ""


class Talk:
    """Questions and answers on one open line."""

    def __init__(self, port: wires.Port) -> None:
        self._port = port
        self._undone = 0  # GS r asked and not answered yet

    def discover(self) -> Found:
        """Ask the printer what it is. Raises WireFault, and NoStatus when it is silent or no printer.

        Nothing but a status question is sent to a device that has not answered one like a printer (F08, F09).
        """
        self.status()
        self._port.write(DONE)
        self._undone = 1
        tells_done = self.is_done_within(IDENTITY_S)
        self._undone = 0
        return Found(True, tells_done, self._name(MODEL), self._name(FONT))

    def status(self, answer_s: float = ANSWER_S) -> Status:
        """How the printer is. answer_s: for the first answer, which may come behind a slip.

        Raises WireFault, and NoStatus.
        """
        self._forget()
        answers = {}
        for n, question in QUERIES.items():
            answers[n] = self._status_byte(question, answer_s)
            answer_s = ANSWER_S
        return status_of(answers)

    def write(self, slip: bytes, asks_done: bool) -> None:
        """Hand over a slip, and the question whether it is printed behind it. Raises WireFault."""
        self._undone = 0
        self._port.write(slip + (DONE if asks_done else b""))
        self._undone = int(asks_done)

    def is_done_within(self, wait_s: float) -> bool:
        """Whether everything written is printed, as soon as that is known. Raises WireFault."""
        until_s = time.monotonic() + wait_s
        while self._undone > 0 and time.monotonic() < until_s:
            self._read()
        return self._undone <= 0

    def recover(self) -> None:
        """Free a jammed cutter, if it can be. Raises WireFault."""
        self._undone = 0
        self._port.write(RECOVER)

    def _status_byte(self, question: bytes, answer_s: float) -> int:
        heard = b""
        for _ in range(ASKS):
            self._port.write(question)
            until_s = time.monotonic() + answer_s
            while time.monotonic() < until_s:
                heard = self._read()
                if len(heard) == 1 and is_status(heard[0]):
                    return heard[0]
                if heard:
                    break
            self._forget()
        if heard:
            raise NoStatus("printer.wrong_device", f"answered {heard.hex()}: not a printer, or another speed")
        raise NoStatus("printer.no_answer", "no answer to DLE EOT; check its power and cable")

    def _read(self) -> bytes:
        """What came, without the answers to GS r, which are counted."""
        heard = self._port.read(16)
        if self._undone <= 0:
            return heard
        others = bytes(byte for byte in heard if not is_done(byte))
        self._undone -= len(heard) - len(others)
        return others

    def _forget(self) -> None:
        """Drop stray input; not while the answer to a slip may be in it."""
        if self._undone <= 0:
            self._port.forget_input()

    def _name(self, question: bytes) -> str:
        """What it says of itself: "_", text, NUL; "" for a printer that says nothing."""
        self._port.forget_input()
        self._port.write(question)
        heard, until_s = b"", time.monotonic() + IDENTITY_S
        while time.monotonic() < until_s and b"\0" not in heard and len(heard) < LONGEST_NAME:
            heard += self._port.read(LONGEST_NAME)
        start, end = heard.find(b"_"), heard.find(b"\0")
        return heard[start + 1 : end].decode("ascii", errors="replace").strip() if 0 <= start < end else ""


def is_done(answer: int) -> bool:
    """The answer to GS r 1: paper sensors in bits 0-3, the others 0."""
    return answer & 0xF0 == 0
