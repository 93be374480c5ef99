"""What the board says of itself: supply, temperature, room on its disk, why it started, who watches it.

Hides where the kernel tells it. Everything is read from files below `root`, so that another tree can stand
for a board in another state; what a board does not tell is None and no fault.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

# Bits of the firmware's word on throttling. Source: Raspberry Pi documentation, vcgencmd get_throttled.
THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"
LOW_VOLTAGE = 1 << 0
TEMPERATURE = "sys/class/thermal/thermal_zone0/temp"
HOT_C, COOL_C = 80.0, 75.0  # a Raspberry Pi slows down from 80 degrees on
WATCHDOG = "dev/watchdog0"
MIB = 2**20
SCARCE_BYTES = 64 * MIB  # a day of tickets takes some 50 MB (17.7 KB a ticket, 3,000 of them)
SCARCE_SHARE = 1 / 20  # of a disk on which that would be much


@dataclass(frozen=True, slots=True)
class Room:
    """Space on the disk of the data."""

    size_bytes: int
    free_bytes: int
    free_files: int

    @property
    def scarce_bytes(self) -> int:
        """With less than this left, what is written beside tickets and votes has to stop."""
        return min(SCARCE_BYTES, int(self.size_bytes * SCARCE_SHARE))


class Machine:
    """One board. data_dir: on whose disk the unit's store lies."""

    def __init__(
        self,
        data_dir: Path,
        root: Path = Path("/"),
        room: Callable[[Path], Room] | None = None,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """room: how much space there is at a path; wall: what its clock says; the real ones unless given."""
        self._data_dir, self._root, self.wall = data_dir, root, wall
        self._room = room or room_at
        self._is_hot = self._is_scarce = False

    def faults(self) -> Mapping[str, str]:
        """What is wrong with the board now: code -> evidence. Remembers, so that no fault flickers."""
        found = {}
        throttled, temperature_c, room = self.throttled(), self.temperature_c(), self.room()
        if throttled is not None and throttled & LOW_VOLTAGE:
            found["node.low_power"] = f"get_throttled says {throttled:#x}"
        if temperature_c is not None:
            self._is_hot = temperature_c >= (COOL_C if self._is_hot else HOT_C)
            if self._is_hot:
                found["node.hot"] = f"{temperature_c:.0f} degrees"
        self._is_scarce = room.free_bytes < room.scarce_bytes * (2 if self._is_scarce else 1)
        if self._is_scarce or room.free_files == 0:
            found["node.disk_full"] = f"{room.free_bytes // MIB} MiB left"
        return found

    def throttled(self) -> int | None:
        """The firmware's word; None on a board without one."""
        text = self._read(THROTTLED)
        return None if text is None else int(text, 16)

    def temperature_c(self) -> float | None:
        text = self._read(TEMPERATURE)
        return None if text is None else int(text) / 1000

    def room(self) -> Room:
        return self._room(self._data_dir)

    def has_watchdog(self) -> bool:
        """Whether there is a hardware watchdog at all; whether systemd feeds it is systemd's to say."""
        return (self._root / WATCHDOG).exists()

    def _read(self, path: str) -> str | None:
        with suppress(OSError):
            text = (self._root / path).read_text(encoding="ascii").strip()
            if text:
                return text
        return None


def room_at(path: Path) -> Room:
    """What an ordinary user may still write there."""
    found = os.statvfs(path)
    # A file system without a limit on files says 0 of 0.
    free_files = found.f_favail if found.f_files else 1
    return Room(found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize, free_files)


class Reserve:
    """Room kept for the store: a file that is given back when a disk is full, so that tickets go on (F39)."""

    def __init__(self, path: Path, size: int = 8 * MIB) -> None:
        self._path, self._size = path, size

    @property
    def is_there(self) -> bool:
        with suppress(OSError):
            return self._path.stat().st_size == self._size
        return False

    def keep(self) -> None:
        """Take the room, when the disk has it; a disk that is full keeps none."""
        if self.is_there:
            return
        try:
            with self._path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, self._size)
        except OSError:
            self._path.unlink(missing_ok=True)

    def release(self) -> bool:
        """Give the room back; whether there was any."""
        if not self._path.exists():
            return False
        with suppress(OSError):
            self._path.unlink()
            return True
        return False


def hardware() -> dict[str, str]:
    """Model and serial number of the board, as far as it tells. Source: Devicetree of Raspberry Pi OS."""
    found = {"machine": platform.machine()}
    for name in ("model", "serial-number"):
        with suppress(OSError):
            text = Path(f"/proc/device-tree/{name}").read_text(encoding="utf-8", errors="replace")
            found[name] = text.strip("\0\n ")
    return found
