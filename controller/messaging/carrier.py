"""The seam to whatever carries messages: one of them is chosen in the settings, and all look like this.

A carrier is asked by one thread only. Whether it could send is an exception, because most of what goes wrong
passes by itself. What a network tells later - that a message arrived, or what somebody answered - it hands to
`take`, which stores it, before it tells the network that it has it. Nothing here or behind it may log a
number, a text or a secret.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from controller.hall.model import HallError


class NotSent(HallError):
    """It was not taken. code: why, in one word for the list of failures; is_final: trying again is no use."""

    def __init__(self, code: str, message: str, is_final: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.is_final = is_final


@dataclass(frozen=True, slots=True)
class Outgoing:
    """id: ours, the same at every try, so that a gateway that knows it sends it once. address: a number."""

    id: int
    address: str
    text: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of a part that was taken under this name."""

    reference: str
    is_delivered: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class Received:
    """Somebody has written to us."""

    address: str
    text: str


News = Delivered | Received
Take = Callable[[News], object]  # raises StoreFailed: then the network is to tell it again


class Carrier(Protocol):
    def send(self, message: Outgoing) -> Sequence[str]:
        """What the carrier calls its parts; () when it tells nothing later. Raises NotSent."""
        ...

    def listen(self) -> None:
        """Take what has come since the last time. Raises NotSent when the carrier cannot be reached, and
        StoreFailed."""
        ...

    def close(self) -> None: ...


class OnlyWritten:
    """Sends nothing: a line in the log says that there was a message."""

    def __init__(self) -> None:
        self._logger = logging.getLogger(__name__)

    def send(self, message: Outgoing) -> Sequence[str]:
        self._logger.info("message %d is only written down: no carrier is set", message.id)
        return ()

    def listen(self) -> None: ...

    def close(self) -> None: ...
