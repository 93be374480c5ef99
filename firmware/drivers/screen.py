"""A screen hung on the unit: its pages draw the boards themselves, so nothing is sent here."""

from __future__ import annotations

from firmware.drivers import Reporter
from firmware.protocol.messages import Capability, DeviceConfig


class Screen:
    """Stands in the unit's device list; the pages keep it alive."""

    def __init__(self, config: DeviceConfig, report: Reporter) -> None:
        self.config = config

    def start(self) -> None:
        """Nothing to open: the page reads the board by itself."""

    def stop(self) -> None:
        """Nothing to close."""

    def health(self) -> str:
        return "ok"

    def counts(self) -> dict[str, int]:
        return {}

    def capability(self) -> Capability:
        return Capability(device=self.config.device, kind="screen")
