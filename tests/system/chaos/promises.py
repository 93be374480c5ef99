"""What people were told, each as they were told it; the auditor holds the hall to it."""

from __future__ import annotations

import threading
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Numbered:
    """An HTTP answer gave a number. key: of the tap, which may be repeated; token: opens the phone page."""

    key: str
    number: str
    token: str


@dataclass(frozen=True, slots=True)
class Paper:
    """A slip came out of a printer and was cut. token: of its QR code; "" on one the unit numbered itself."""

    unit: str
    number: str
    token: str


@dataclass(frozen=True, slots=True)
class Called:
    """The console's answer, or the window's display, says the number is called to the window."""

    by: str
    window: int
    number: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The console's answer to the key says that the visit is over."""

    by: str
    window: int
    number: str


@dataclass(frozen=True, slots=True)
class Voted:
    """The citizen was thanked for a rating of this level."""

    by: str
    number: str
    level: int


@dataclass(frozen=True, slots=True)
class Pressed:
    """A unit holds this press durably: somebody stands there and waits for a slip."""

    unit: str
    epoch: str
    seq: int


Promise = Numbered | Paper | Called | Finished | Voted | Pressed


class Ledger:
    """Every promise of a run, in the order they were heard of. Any thread may add and read."""

    def __init__(self) -> None:
        self._promises: dict[Promise, int] = {}  # how often the very same was heard; papers count
        self._lock = threading.Lock()

    def add(self, promise: Promise) -> None:
        with self._lock:
            self._promises[promise] = self._promises.get(promise, 0) + 1

    def all(self) -> list[Promise]:
        """Each promise as often as it was made."""
        with self._lock:
            return [promise for promise, times in self._promises.items() for _ in range(times)]
