"""The last picture each camera was asked for, in memory alone: it shows people and is needed once."""

from __future__ import annotations

import threading

from controller.devices import Devices
from firmware.protocol.codec import BadMessage
from firmware.protocol.pictures import Picture, read


class Pictures:
    """Of one hall's units. Any thread may use it."""

    def __init__(self, devices: Devices) -> None:
        self._devices = devices
        self._lock = threading.Lock()
        self._last: dict[tuple[str, str], Picture] = {}

    def keep(self, unit: str, payload: bytes) -> None:
        """Take in what a unit sent. Raises BadMessage for what is no picture of a camera of its own."""
        picture = read(payload)
        device = self._devices.book.device(unit, picture.device)
        if device is None or device.kind != "camera":
            raise BadMessage(f"{unit} has no camera {picture.device}", "device")
        with self._lock:
            self._last[unit, picture.device] = picture

    def of(self, unit: str, device: str, order: str) -> bytes | None:
        """The JPEG file that an order asked for; None when it is not there, or no more."""
        with self._lock:
            found = self._last.get((unit, device))
        return found.jpeg if found is not None and found.order == order else None
