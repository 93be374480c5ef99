"""Where a ticket stands, asked by the number on its slip: what a kiosk asks, and what it is told.

Question: the `d` of a Request "ticket" is an Asked; answer: the `d` of its Reply is a Progress. Numbers are
on every screen of the hall, so the answer says what the screens and the slip's own page say, and nothing of
a person. Hides how people type a number: "a 23" is A023.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import msgspec

from firmware.protocol.codec import BadMessage, look_over
from firmware.protocol.messages import Struct

MOST_ASKED = 64  # letters of a question's parts; the rest is nobody's number and no token
MOST_LETTERS = 16  # of a number; the longest are those of a dispenser's own series
UNKNOWN = "unknown"  # Progress.look of a number that is none of today's
AWAY = "away"  # of an answer that the controller did not give
_ZEROS = re.compile(r"(?<![0-9])0+(?=[0-9]+[^0-9]*$)")  # of the count, not of what a number begins with


class Asked(Struct, frozen=True, kw_only=True):
    """A number, or the token of the slip's code. board: of the kiosk, whose own numbers come first where
    several domains give out the same."""

    number: str = ""
    token: str = ""
    board: str = ""


class Told(Struct, frozen=True, kw_only=True):
    """What its holder is told, in one language; "" of what there is nothing to say about."""

    headline: str
    wait: str = ""
    where: str = ""
    tip: str = ""


class Progress(Struct, frozen=True, kw_only=True):
    """Where a ticket stands. look: a Look of its phone page, unknown, or away. window: where it is called to
    or served. can_come_back: its slip's own page, or the guide desk, can still give its place back."""

    number: str
    look: str
    zh: Told
    en: Told
    window: int | None = None
    can_come_back: bool = False


def tidy(number: str) -> str:
    """The number in plain capitals, without blanks."""
    return "".join(unicodedata.normalize("NFKC", number).split()).upper()[:MOST_LETTERS]


def plain(number: str) -> str:
    """The number without what people add or leave out as they type: the same for A023, a23 and "A 23"."""
    return _ZEROS.sub("", tidy(number))


def asked_in(told: dict[str, Any]) -> Asked:
    """What a question about a ticket holds. Raises BadMessage."""
    try:
        return msgspec.convert(told, Asked)
    except msgspec.ValidationError as error:
        raise BadMessage(str(error), "d", "send {number, token, board}") from error


def progress_in(told: dict[str, Any]) -> Progress:
    """What the answer to it holds. Raises BadMessage."""
    try:
        return msgspec.convert(told, Progress)
    except msgspec.ValidationError as error:
        raise BadMessage(str(error), "d", "update the controller") from error


look_over([Asked, Progress])
