"""What of an identity card leaves the unit, and which press it counts for.

Who lays a card on the reader and presses within HAND_S asks for a ticket of the green class, if old
enough; who lays it down to check in is found by a digest of its number. Only these leave the unit, and the
digest only for a check-in: the number, the name and the date of birth end here (P.33).
"""

from __future__ import annotations

import threading
import time
from datetime import date

from msgspec.structs import replace

from firmware.drivers.id_frames import age
from firmware.drivers.reader import CardRead
from firmware.protocol.messages import CardShown, DeviceConfig, Pressed
from firmware.protocol.persons import digest

HAND_S = 60.0  # from the card to the press
GREEN = "green"


def shown(read: CardRead, config: DeviceConfig, today: date | None) -> CardShown:
    """What is told of a card. today: the business date, None when it was never told.

    options: green_from = age in years; none: cards make no class. key: of the digest; none: no digest.
    """
    from_age, key = config.options.get("green_from", ""), config.options.get("key", "")
    is_green = bool(from_age) and today is not None and age(read.birth, today) >= int(from_age)
    return CardShown(device=read.device, is_green=is_green, who=digest(key, read.number) if key else "")


class CardAtHand:
    """The card that was shown last, until it has counted for a press or was forgotten."""

    def __init__(self) -> None:
        self._green_until = self._who_until = float("-inf")
        self._who, self._count = "", 0
        self._lock = threading.Lock()

    def shown(self, card: CardShown) -> None:
        until = time.monotonic() + HAND_S
        with self._lock:
            self._green_until = until if card.is_green else float("-inf")
            self._who, self._who_until = card.who, until
            self._count += bool(card.who)

    @property
    def count(self) -> int:
        """How many cards were shown of which a digest is known: the last one's number."""
        with self._lock:
            return self._count

    def who(self, number: int) -> str:
        """The digest of the card of this number; "" unless it was the last, and just now."""
        with self._lock:
            is_here = number == self._count and time.monotonic() < self._who_until
            return self._who if is_here else ""

    def apply(self, press: Pressed) -> Pressed:
        """The press, of the green class if a card says so; a card counts once."""
        with self._lock:
            is_green, self._green_until = time.monotonic() < self._green_until, float("-inf")
        return replace(press, klass=GREEN) if is_green else press
