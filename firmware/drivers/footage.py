"""A bounded ring of recordings in a folder: segments of a camera, the oldest gone first (F37, F38).

Hides names, the segment that a power cut left behind, and how much room is taken. A segment is named by
its number, the boot and the monotonic second it began, so that its time can be repaired as that of any
event; a file NAME.keep beside it protects it. What cannot be played is set aside, not deleted.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SUFFIX, OPEN, BROKEN, KEEP = ".mkv", ".open.mkv", ".broken", ".keep"
BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes the ring may take, and bytes that stay free on the disk whatever it would like."""

    most: int
    spare: int


class Ring:
    """The folder. is_playable: tells whether a file left by a power cut holds anything."""

    def __init__(self, folder: Path, room: Room, is_playable: Callable[[Path], bool]) -> None:
        self.folder, self._room = folder, room
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.mended = self.broken = 0
        self._boot = BOOT.read_text().strip()[:8] if BOOT.exists() else "0"
        self._next = 1 + max((_number(path) for path in self._all()), default=0)
        for left in sorted(folder.glob(f"*{OPEN}")):
            self._mend(left, is_playable)

    def begin(self, now_s: float) -> Path:
        """Where the next segment is written; room is made for it."""
        name = f"{self._next:08d}_{self._boot}_{int(now_s)}"
        self._next += 1
        self.make_room()
        return self.folder / f"{name}{OPEN}"

    def end(self, path: Path) -> Path:
        """The segment is whole: it takes its place in the ring."""
        with path.open("rb") as whole:
            os.fsync(whole.fileno())
        return path.rename(_closed(path))

    def make_room(self) -> int:
        """Delete the oldest segments that nobody protects until the ring fits; how many."""
        gone = 0
        for path in sorted(self._all()):
            if self._fits():
                break
            if not path.name.endswith((OPEN, KEEP)) and not path.with_suffix(KEEP).exists():
                path.unlink(missing_ok=True)
                gone += 1
        return gone

    def has_room(self) -> bool:
        return shutil.disk_usage(self.folder).free > self._room.spare

    def segments(self) -> list[Path]:
        """Whole segments, oldest first."""
        return sorted(path for path in self.folder.glob(f"*{SUFFIX}") if not path.name.endswith(OPEN))

    def size(self) -> int:
        """Bytes of everything in the folder."""
        return sum(path.stat().st_size for path in self.folder.iterdir())

    def _fits(self) -> bool:
        return self.size() <= self._room.most and self.has_room()

    def _mend(self, left: Path, is_playable: Callable[[Path], bool]) -> None:
        if is_playable(left):
            left.rename(_closed(left))
            self.mended += 1
        else:
            left.rename(left.with_name(left.name + BROKEN))
            self.broken += 1

    def _all(self) -> list[Path]:
        return [path for path in self.folder.iterdir() if path.name[:8].isdigit()]


def _closed(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(OPEN) + SUFFIX)


def _number(path: Path) -> int:
    return int(path.name[:8])
