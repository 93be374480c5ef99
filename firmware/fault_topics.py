"""The retained topic of each open fault: there while the fault is, deleted when it ends (R18).

For whoever looks at the broker alone: up/fault/{code} with the devices that have the fault. The controller
learns of faults from events, which cannot be lost; here the newest state wins.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from firmware.protocol import topics
from firmware.protocol.codec import encode
from firmware.protocol.messages import OpenFault
from firmware.protocol.outbox import Outbox


class FaultTopics:
    """Of one unit. publish: a leaf and its payload, retained; false when it could not be sent."""

    def __init__(self, outbox: Outbox, publish: Callable[[str, bytes], bool]) -> None:
        self._outbox, self._publish = outbox, publish
        self._lock = threading.Lock()
        self._told: dict[str, bytes] = dict.fromkeys(self._open(), b"")  # by the process before this one

    def again(self) -> None:
        """A connection is new: say everything once more."""
        with self._lock:
            self._told = dict.fromkeys(self._told, b"")
        self.tell()

    def tell(self) -> None:
        """Publish what is new or different, delete what is over. What cannot be sent is said by again()."""
        with self._lock:
            now = self._open()
            for leaf in self._told.keys() - now.keys():
                if self._publish(leaf, b""):
                    del self._told[leaf]
            for leaf, payload in now.items():
                if self._told.get(leaf) != payload and self._publish(leaf, payload):
                    self._told[leaf] = payload

    def _open(self) -> dict[str, bytes]:
        devices: dict[str, dict[str, str]] = {}
        for fault in self._outbox.faults():
            devices.setdefault(fault.code, {})[fault.device] = fault.severity
        return {
            topic_of(code): encode(OpenFault(code=code, devices=found)) for code, found in devices.items()
        }


def topic_of(code: str) -> str:
    """The leaf of a fault. A dot changes its meaning on one of the brokers (edge-peers 4.1)."""
    return topics.FAULT + code.replace(".", "-")
