"""A GSM modem that answers AT commands, with a network behind it in which everybody can be reached.

What was sent stands in `sent`, as numbers and texts; `receive` lets somebody write to it. faults: dead (no
answer), no_network (+CMS ERROR 38), refuses (the number is unknown), noise, unplug.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from firmware.drivers.sms_pdu import INTERNATIONAL, UCS2, WITH_HEADER, swapped
from firmware.emulators.pty import OnCable, PtyWire
from firmware.protocol.short_text import ENCODING, payloads

STAMP = bytes.fromhex("62302190000023")  # 2026-03-12 09:00:00, eastern China
DELIVERED = 0x00
_SEND = re.compile(r"AT\+CMGS=(\d+)")
_DELETE = re.compile(r"AT\+CMGD=(\d+)")


class ModemEmulator(OnCable):
    """The modem and its card."""

    kind = "modem"

    def __init__(self, link: Path, baud: int, chance: Random, changed: Callable[[], None]) -> None:
        super().__init__(
            PtyWire(link, baud, self._received, chance), ("dead", "no_network", "refuses", "noise"), changed
        )
        self.sent: list[tuple[str, str]] = []
        self._card: dict[int, str] = {}
        self._parts: dict[tuple[str, int], dict[int, str]] = {}
        self._line = b""
        self._awaits_pdu = False
        self._reference = 0
        self._lock = threading.Lock()

    def state(self) -> dict[str, Any]:
        return {"sent": len(self.sent), "card": len(self._card)}

    def receive(self, number: str, text: str) -> None:
        """Somebody writes."""
        with self._lock:
            for pdu in delivers(number, text):
                self._card[max(self._card, default=0) + 1] = pdu
        self._changed()

    def _received(self, data: bytes) -> None:
        self._line += data.replace(b"\x1b", b"")
        end = b"\x1a" if self._awaits_pdu else b"\r"
        while end in self._line:
            line, _, self._line = self._line.partition(end)
            if "dead" not in self._faults:
                self._take_pdu(line) if self._awaits_pdu else self._take_command(line)
            end = b"\x1a" if self._awaits_pdu else b"\r"

    def _take_command(self, line: bytes) -> None:
        command = line.decode("ascii", errors="replace").strip()
        if _SEND.match(command):
            self._awaits_pdu = True
            self.wire.send(b"\r\n> ")
        elif command == "AT+CPIN?":
            self._say("+CPIN: READY", "OK")
        elif command.startswith("AT+CMGL"):
            with self._lock:
                listed = [
                    (f"+CMGL: {place},1,,{len(pdu) // 2 - 1}", pdu) for place, pdu in self._card.items()
                ]
            self._say(*(line for pair in listed for line in pair), "OK")
        elif (found := _DELETE.match(command)) is not None:
            with self._lock:
                self._card.pop(int(found[1]), None)
            self._say("OK")
        elif command.startswith("AT"):
            self._say("OK")

    def _take_pdu(self, line: bytes) -> None:
        self._awaits_pdu = False
        if "no_network" in self._faults or "refuses" in self._faults:
            self._say(f"+CMS ERROR: {38 if 'no_network' in self._faults else 1}")
            return
        octets = bytes.fromhex(line.decode("ascii").strip())
        self._reference = (self._reference + 1) % 256
        number = self._keep(octets[1 + octets[0] :])
        self._say(f"+CMGS: {self._reference}", "OK")
        with self._lock:
            self._card[max(self._card, default=0) + 1] = report(number, self._reference)
        self._changed()

    def _keep(self, body: bytes) -> str:
        """Put the parts together; the number it goes to."""
        length = body[2]
        end = 4 + (length + 1) // 2
        digits = "".join(f"{octet & 0x0F:X}{octet >> 4:X}" for octet in body[4:end])[:length]
        number, user = f"+{digits}" if body[3] == INTERNATIONAL else digits, body[end + 4 :]
        if not body[0] & WITH_HEADER:
            self.sent.append((number, user.decode(ENCODING)))
            return number
        _, _, _, reference, of, part = user[:6]
        pieces = self._parts.setdefault((number, reference), {})
        pieces[part] = user[6:].decode(ENCODING)
        if len(pieces) == of:
            del self._parts[number, reference]
            self.sent.append((number, "".join(pieces[n] for n in sorted(pieces))))
        return number

    def _say(self, *lines: str) -> None:
        self.wire.send("".join(f"\r\n{line}\r\n" for line in lines).encode())


def delivers(number: str, text: str) -> list[str]:
    """SMS-DELIVER in UCS-2, one for each part."""
    digits = number.removeprefix("+")
    sender = bytes((len(digits), INTERNATIONAL)) + swapped(digits)
    pieces = payloads(text, 77)
    first = WITH_HEADER if len(pieces) > 1 else 0
    head = b"\x00" + bytes((first,)) + sender + bytes((0, UCS2)) + STAMP
    return [(head + bytes((len(piece),)) + piece).hex().upper() for piece in pieces]


def report(number: str, reference: int) -> str:
    """SMS-STATUS-REPORT: it arrived."""
    digits = number.removeprefix("+")
    address = bytes((len(digits), INTERNATIONAL)) + swapped(digits)
    body = bytes((0x02, reference)) + address + STAMP + STAMP + bytes((DELIVERED,))
    return (b"\x00" + body).hex().upper()
