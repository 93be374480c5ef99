"""Somebody by the number of an identity card, without the number: what readers tell and bookings compare."""

from __future__ import annotations

import hashlib
import hmac

CHARACTERS = 32  # 128 bits


def digest(key: str, number: str) -> str:
    """A person's number as others may keep it: useless without the hall's key."""
    return hmac.new(key.encode(), number.upper().encode(), hashlib.sha256).hexdigest()[:CHARACTERS]
