"""A chip on the SPI bus: transfers out, nothing back.

    spi:0.0                                      bus 0, chip select 0, as /dev/spidev0.0
    spi:emulated:/run/x/matrix.sock              the bench's chain of chips

Nothing tells whether the chip took what was sent.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from firmware.wires.fault import WireFault, after

SPEED_HZ = 1_000_000  # a MAX7219 takes 10 MHz; long flat cables do not
TELL_S = 1.0


@dataclass(frozen=True, slots=True)
class SpiWire:
    bus: int
    chip: int
    bench: str | None


def spi_wire(text: str) -> SpiWire:
    """What "spi:BUS.CHIP" or "spi:emulated:SOCKET" says. Raises WireFault."""
    rest = after("spi:", text)
    if rest.startswith("emulated:"):
        return SpiWire(0, 0, rest.removeprefix("emulated:"))
    bus, _, chip = rest.partition(".")
    if not (bus.isdigit() and chip.isdigit()):
        raise WireFault("text", f"wire {text!r}: write spi:0.0, bus and chip select")
    return SpiWire(int(bus), int(chip), None)


class Spi:
    """An open chip; each transfer is one pulse of its chip select."""

    def __init__(self, wire: SpiWire) -> None:
        self._wire = wire
        self._bench: socket.socket | None = None
        if wire.bench is not None:
            self._bench = _bench(wire.bench)
            return
        try:
            import spidev
        except ImportError as error:
            raise WireFault("gone", "spi: needs the package python3-spidev on the board") from error
        self._device = spidev.SpiDev()
        try:
            self._device.open(wire.bus, wire.chip)
            self._device.max_speed_hz = SPEED_HZ
        except OSError as error:
            raise WireFault(
                "gone", f"/dev/spidev{wire.bus}.{wire.chip} cannot be opened ({error}); switch SPI on"
            ) from error

    def send(self, transfers: Iterable[bytes]) -> None:
        """Raises WireFault when the bus is gone."""
        try:
            for data in transfers:
                if self._bench is not None:
                    self._bench.sendall(struct.pack(">H", len(data)) + data)
                else:
                    self._device.writebytes2(data)
        except OSError as error:
            raise WireFault("gone", f"the SPI bus does not take the picture ({error})") from error

    def close(self) -> None:
        with suppress(OSError):
            if self._bench is not None:
                self._bench.close()
            else:
                self._device.close()


def open_spi(wire: SpiWire) -> Spi:
    """The chip. Raises WireFault."""
    return Spi(wire)


def _bench(path: str) -> socket.socket:
    bench = socket.socket(socket.AF_UNIX)
    bench.settimeout(TELL_S)
    try:
        bench.connect(path)
    except OSError as error:
        bench.close()
        raise WireFault("gone", f"the bench at {path} does not answer ({error})") from error
    return bench
