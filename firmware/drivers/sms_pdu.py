"""Short messages as a modem takes and gives them: hexadecimal PDUs, out in UCS-2, in as whatever was sent.

Pure. Source: 3GPP TS 23.040 (SMS-SUBMIT 9.2.2.2, SMS-DELIVER 9.2.2.1, SMS-STATUS-REPORT 9.2.2.3), 23.038
(coding schemes, the 7-bit alphabet); the octets of the service centre before it: 27.005, 4.4.
"""

from __future__ import annotations

from dataclasses import dataclass

from firmware.protocol.short_text import ENCODING, payloads

SUBMIT, WITH_REPORT, WITH_HEADER = 0x01, 0x20, 0x40
VALIDITY_RELATIVE = 0x10
ONE_DAY = 167  # validity: 12 hours + (n - 143) x 30 minutes
UCS2 = 0x08
INTERNATIONAL, NATIONAL, LETTERS = 0x91, 0x81, 0x50
DELIVER, REPORT = 0x00, 0x02
ALPHABET = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = {0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~", 0x3E: "]"} | {
    0x40: "|",
    0x65: "€",
}


class BadPdu(ValueError):
    """These are not the octets of a short message."""


@dataclass(frozen=True, slots=True)
class Part:
    """Of a message in several parts: what all of them have, which one, of how many."""

    reference: int
    number: int
    of: int


@dataclass(frozen=True, slots=True)
class Incoming:
    """SMS-DELIVER. sent_at: as the centre wrote it, only good for telling two apart."""

    number: str
    text: str
    sent_at: str
    part: Part | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """SMS-STATUS-REPORT. is_final: nothing more comes; reference: what the modem called the message."""

    reference: int
    is_delivered: bool
    is_final: bool
    status: int


# --- out


@dataclass(frozen=True, slots=True)
class Submit:
    """length: octets after those of the service centre, as AT+CMGS wants to know it."""

    length: int
    hexadecimal: str


def submits(number: str, text: str, reference: int) -> list[Submit]:
    """The PDUs of a message, with a report asked for. number: with its plus; reference: of all its parts."""
    pieces = payloads(text, reference)
    first = SUBMIT | VALIDITY_RELATIVE | WITH_REPORT | (WITH_HEADER if len(pieces) > 1 else 0)
    made = []
    for piece in pieces:
        octets = bytes((first, 0)) + _address(number) + bytes((0, UCS2, ONE_DAY, len(piece))) + piece
        made.append(Submit(len(octets), (b"\x00" + octets).hex().upper()))
    return made


def _address(number: str) -> bytes:
    digits = number.removeprefix("+")
    kind = INTERNATIONAL if number.startswith("+") else NATIONAL
    return bytes((len(digits), kind)) + swapped(digits)


def swapped(digits: str) -> bytes:
    """Two digits an octet, the first in its lower half."""
    padded = digits + "F" * (len(digits) % 2)
    return bytes.fromhex("".join(padded[n + 1] + padded[n] for n in range(0, len(padded), 2)))


# --- in


def read(hexadecimal: str) -> Incoming | Report:
    """What a modem hands over. Raises BadPdu."""
    try:
        octets = bytes.fromhex(hexadecimal)
        body = octets[1 + octets[0] :]
        kind = body[0] & 0x03
        if kind == DELIVER:
            return _incoming(body)
        if kind == REPORT:
            return _report(body)
    except (ValueError, IndexError) as error:
        raise BadPdu(f"{len(hexadecimal)} characters that are no short message") from error
    raise BadPdu(f"a short message of kind {kind}")


def _incoming(body: bytes) -> Incoming:
    number, at = _sender(body, 1)
    coding, stamp = body[at + 1], body[at + 2 : at + 9]
    length, user = body[at + 9], body[at + 10 :]
    header = user[: 1 + user[0]] if body[0] & WITH_HEADER else b""
    if coding & 0x0C == UCS2:
        text = user[len(header) : length].decode(ENCODING)
    elif coding & 0x0C == 0x04:
        text = user[len(header) : length].decode("latin-1")
    else:
        text = _seven_bit(user, length)[-(-len(header) * 8 // 7) :]
    return Incoming(number, text, _digits(stamp), _part(header))


def _report(body: bytes) -> Report:
    _, at = _sender(body, 2)
    status = body[at + 14]
    return Report(body[1], status < 0x20, not 0x20 <= status < 0x40, status)


def _sender(body: bytes, at: int) -> tuple[str, int]:
    """The address that begins there, and where it ends."""
    length, kind = body[at], body[at + 1]
    end = at + 2 + (length + 1) // 2
    octets = body[at + 2 : end]
    if kind & 0x70 == LETTERS:
        return _seven_bit(octets, length * 4 // 7), end
    plus = "+" if kind == INTERNATIONAL else ""
    return plus + _digits(octets)[:length], end


def _digits(octets: bytes) -> str:
    return "".join(f"{octet & 0x0F:X}{octet >> 4:X}" for octet in octets)


def _part(header: bytes) -> Part | None:
    """Of several, when an element of the header says so: 8-bit or 16-bit reference."""
    at = 1
    while at + 1 < len(header):
        kind, length = header[at], header[at + 1]
        value = header[at + 2 : at + 2 + length]
        if (kind, length) in ((0x00, 3), (0x08, 4)):
            return Part(int.from_bytes(value[:-2]), value[-1], value[-2])
        at += 2 + length
    return None


def _seven_bit(octets: bytes, septets: int) -> str:
    bits = int.from_bytes(octets, "little")
    codes = [bits >> (7 * n) & 0x7F for n in range(septets)]
    text, is_extended = "", False
    for code in codes:
        if is_extended:
            text, is_extended = text + EXTENDED.get(code, " "), False
        elif code == 0x1B:
            is_extended = True
        else:
            text += ALPHABET[code]
    return text
