"""Who lays an identity card on a reader, and who booked with its number: the same digest, without the number.

A unit hashes the number with the key of readers and says only that (P.33); here it is hashed once more with a
key that no unit has. What units hold and say, and what is stored, give a number away neither alone nor both.
"""

from __future__ import annotations

from controller.store.seal import Seal
from firmware.protocol.persons import digest

PURPOSE = "booking"  # of the digests by which persons are compared


def reader_key(seal: Seal) -> str:
    """The key with which every unit of the site hashes the numbers of cards."""
    return seal.digest("id_card", "readers")


def person_of(seal: Seal, told: str) -> str:
    """The person whose card a unit told of."""
    return seal.digest(f"reader:{told}", PURPOSE)


def person_with(seal: Seal, number: str) -> str:
    """The person who has a card of this number."""
    return person_of(seal, digest(reader_key(seal), number))
