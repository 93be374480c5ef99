"""What of an identity card leaves the unit, and which press it counts for.

Who lays a card on the reader and presses within HAND_S asks for a ticket of the green class, if old
enough. The controller hears that, and a digest by which a later part may know the same person again;
the number, the name and the date of birth end here (P.33).
"""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from datetime import date

from msgspec.structs import replace

from firmware.drivers.id_frames import age
from firmware.drivers.reader import CardRead
from firmware.protocol.messages import CardShown, DeviceConfig, Pressed

HAND_S = 60.0  # from the card to the press
GREEN = "green"


def digest(key: str, number: str) -> str:
    """A person's number as others may keep it: useless without the hall's key."""
    return hmac.new(key.encode(), number.upper().encode(), hashlib.sha256).hexdigest()[:32]


def shown(read: CardRead, config: DeviceConfig, today: date | None) -> CardShown:
    """What the controller hears of a card. today: the business date, None when it was never told.

    options: green_from = age in years; none: cards make no class. key: of the digest; none: no digest.
    """
    from_age, key = config.options.get("green_from", ""), config.options.get("key", "")
    is_green = bool(from_age) and today is not None and age(read.birth, today) >= int(from_age)
    return CardShown(device=read.device, is_green=is_green, who=digest(key, read.number) if key else "")


class CardAtHand:
    """The card that was shown last, until it has counted for a press or was forgotten."""

    def __init__(self) -> None:
        self._green_until = float("-inf")
        self._lock = threading.Lock()

    def shown(self, card: CardShown) -> None:
        with self._lock:
            self._green_until = time.monotonic() + HAND_S if card.is_green else float("-inf")

    def apply(self, press: Pressed) -> Pressed:
        """The press, of the green class if a card says so; a card counts once."""
        with self._lock:
            is_green, self._green_until = time.monotonic() < self._green_until, float("-inf")
        return replace(press, klass=GREEN) if is_green else press
