"""Phone numbers: as people type them, as networks want them, and as pages may show them."""

from __future__ import annotations

import re

from controller.hall.model import HallError

MOBILE = {"86": re.compile(r"1[3-9]\d{9}")}  # of a country: what can get a short message
OTHER = re.compile(r"\d{6,14}")  # E.164 has at most 15 digits with the country's
NOISE = re.compile(r"[\s()\-.]+")
HIDDEN = "****"


class BadNumber(HallError):
    """Not a number that a message can be sent to."""


def normal(typed: str, country: str) -> str:
    """The number in full, like +8613800138000. country: of a number without one. Raises BadNumber."""
    digits = NOISE.sub("", typed).translate(FULL_WIDTH)
    if digits.startswith("00"):
        digits = f"+{digits[2:]}"
    if not digits.startswith("+"):
        bare = digits.removeprefix(country) if len(digits) > 11 else digits
        digits = f"+{country}{bare}"
    home = MOBILE.get(country) if digits.startswith(f"+{country}") else None
    rest = digits[1 + len(country) :] if home else digits[1:]
    if not (home or OTHER).fullmatch(rest) or not digits[1:].isascii():
        raise BadNumber("this is no number that a message can be sent to")
    return digits


def masked(number: str) -> str:
    """Enough to recognise one's own: +86 138****8000 -> 138****8000."""
    bare = number.removeprefix("+86")
    return f"{bare[:3]}{HIDDEN}{bare[-4:]}" if len(bare) >= 9 else HIDDEN


FULL_WIDTH = {ord("０") + n: ord("0") + n for n in range(10)} | {ord("＋"): ord("+")}
