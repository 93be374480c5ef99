"""A GSM modem for short messages, on a serial line or the serial side of USB; AT commands, PDU mode.

    serial:/dev/serial/by-id/usb-...?baud=115200

What it does depends on no maker: AT, ATE0, +CMEE, +CPIN?, +CMGF, +CNMI, +CMGS, +CMGL, +CMGD. What comes in
is kept on the card until somebody has it, and deleted then. Source: 3GPP TS 27.005 and 27.007.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from firmware.drivers.sms_pdu import BadPdu, Incoming, Report, read, submits
from firmware.wires.lines import Port

ANSWER_S = 5.0
SEND_S = 40.0  # 27.005 names no limit; makers' manuals say up to 40 s
ENDS = ("OK", "ERROR", "+CME ERROR", "+CMS ERROR", "NO CARRIER")
STORED_ALL = 4  # of +CMGL in PDU mode
CTRL_Z, ESC = b"\x1a", b"\x1b"
# Errors of the network that another try does not mend: unknown or barred subscriber, number or text refused.
FINAL = frozenset({1, 8, 10, 21, 27, 28, 29, 30, 50, 69, 96, 304, 305, 500})
_REFERENCE = re.compile(r"\+CMGS: ?(\d+)")
_LISTED = re.compile(r"\+CMGL: ?(\d+),")
_STATUS = re.compile(r"\+CDSI?: ?")
_CODE = re.compile(r"(\d+)\s*$")


class ModemFault(Exception):
    """It does not answer, or refuses. code: in a word; is_final: another try would not help."""

    def __init__(self, code: str, message: str, is_final: bool = False) -> None:
        super().__init__(message)
        self.code, self.is_final = code, is_final


@dataclass(frozen=True, slots=True)
class Kept:
    """A message on the card. places: what to delete once somebody has it."""

    places: tuple[int, ...]
    what: Incoming | Report


class Modem:
    """One modem on an open line. One thread at a time. Errors are ModemFault, or WireFault of the line."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self._buffer = b""
        self._reports: list[Report] = []
        self._set_up()

    def send(self, number: str, text: str, id: int) -> list[int]:
        """The references of its parts."""
        return [self._submit(one.length, one.hexadecimal) for one in submits(number, text, id & 0xFF)]

    def arrived(self) -> list[Kept]:
        """What lies on the card and is whole, and reports that came by themselves."""
        lines = self._ask(f"AT+CMGL={STORED_ALL}")
        found = list(_read_list(lines))
        reports = [Kept((), one) for one in self._reports]
        self._reports = []
        return [*reports, *_whole(found)]

    def delete(self, places: tuple[int, ...]) -> None:
        for place in places:
            self._ask(f"AT+CMGD={place}")

    # --- how it is spoken to

    def _set_up(self) -> None:
        self._port.forget_input()
        self._port.write(ESC)
        for command in ("ATE0", "AT+CMEE=1"):
            self._ask(command)
        pin = self._ask("AT+CPIN?")
        if not any("READY" in line for line in pin):
            raise ModemFault("sim", "the card asks for a PIN; take it off in a phone")
        self._ask("AT+CMGF=0")
        self._ask("AT+CNMI=2,1,0,2,0")

    def _submit(self, length: int, hexadecimal: str) -> int:
        self._port.write(f"AT+CMGS={length}\r".encode())
        self._await_prompt()
        lines = self._answer(hexadecimal.encode() + CTRL_Z, SEND_S)
        found = next((match for line in lines if (match := _REFERENCE.match(line))), None)
        if found is None:
            raise ModemFault("no_reference", "the modem did not say what it calls the message")
        return int(found[1])

    def _await_prompt(self) -> None:
        until_s = time.monotonic() + ANSWER_S
        while b"> " not in self._buffer:
            if b"ERROR" in self._buffer or time.monotonic() > until_s:
                self._port.write(ESC)
                raise _refused(self._buffer.decode("ascii", errors="replace"))
            self._buffer += self._port.read()
        self._buffer = self._buffer.partition(b"> ")[2]

    def _ask(self, command: str) -> list[str]:
        return self._answer(f"{command}\r".encode(), ANSWER_S)

    def _answer(self, data: bytes, patience_s: float) -> list[str]:
        """The lines up to OK. Raises ModemFault for any other end."""
        self._port.write(data)
        lines, until_s = list[str](), time.monotonic() + patience_s
        while time.monotonic() < until_s:
            line = self._line()
            if line is None:
                continue
            if line.startswith(ENDS):
                if line == "OK":
                    return self._without_reports(lines)
                raise _refused(line)
            lines.append(line)
        raise ModemFault("silent", "the modem does not answer; check its plug, its power and the baud rate")

    def _line(self) -> str | None:
        if b"\n" not in self._buffer:
            self._buffer += self._port.read()
        if b"\n" not in self._buffer:
            return None
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.decode("ascii", errors="replace").strip() or None

    def _without_reports(self, lines: list[str]) -> list[str]:
        """The same lines; a report that came in between (+CDS and its PDU) is kept."""
        rest, is_next = list[str](), False
        for line in lines:
            if is_next:
                is_next = False
                self._keep_report(line)
            elif line.startswith("+CDS:"):
                is_next = True
            elif not _STATUS.match(line) and not line.startswith("+CMTI"):
                rest.append(line)
        return rest

    def _keep_report(self, line: str) -> None:
        try:
            found = read(line)
        except BadPdu:
            return
        if isinstance(found, Report):
            self._reports.append(found)


def _refused(line: str) -> ModemFault:
    code = _CODE.search(line.strip())
    number = int(code[1]) if code else 0
    kind = "cms" if "+CMS" in line else "cme" if "+CME" in line else "modem"
    return ModemFault(
        f"{kind}_{number}", f"the modem refuses ({kind} {number})", kind == "cms" and number in FINAL
    )


def _read_list(lines: list[str]) -> Iterator[Kept]:
    """What +CMGL lists: a line with the place, a line with the PDU."""
    for line, pdu in pairwise(lines):
        listed = _LISTED.match(line)
        if listed is None:
            continue
        try:
            yield Kept((int(listed[1]),), read(pdu))
        except BadPdu:
            continue  # stays on the card, for a phone to show


def _whole(found: list[Kept]) -> list[Kept]:
    """Messages in one part as they are, and those in several once all of them are there."""
    done, parts = list[Kept](), dict[tuple[str, int, int], dict[int, Kept]]()
    for one in found:
        if isinstance(one.what, Incoming) and one.what.part is not None:
            part = one.what.part
            parts.setdefault((one.what.number, part.reference, part.of), {})[part.number] = one
        else:
            done.append(one)
    for (number, _, of), pieces in parts.items():
        if set(pieces) == set(range(1, of + 1)):
            ordered = [pieces[n] for n in sorted(pieces)]
            said = [one.what for one in ordered if isinstance(one.what, Incoming)]
            whole = Incoming(number, "".join(each.text for each in said), said[0].sent_at)
            done.append(Kept(tuple(place for one in ordered for place in one.places), whole))
    return done
