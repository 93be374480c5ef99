"""What stands for a machine's disk and clock, so that one can be full and the other be set.

A disk is a small tmpfs, which only root may mount; for others, processes may write no more. A clock is
wall_clock.c, built when it is needed and preloaded into the processes of a machine: it is off by what a
file says and leaves the monotonic clock alone, as `date -s` does.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

BALLAST = "ballast"
BLOCK = 4096
SOURCE = Path(__file__).with_name("wall_clock.c")
OFF_BY = struct.Struct("q")  # seconds, as wall_clock.c reads them


class Disk:
    """A disk of its own for a folder, as large as `mib`. Raises OSError when it cannot be had."""

    def __init__(self, folder: Path, mib: int) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        options = f"size={mib}m,mode=0700"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "chaos", str(folder)], check=True)

    @staticmethod
    def is_possible() -> bool:
        return os.geteuid() == 0 and shutil.which("mount") is not None

    def fill(self) -> None:
        """Not a byte more fits."""
        with (self._folder / BALLAST).open("ab", buffering=0) as ballast, suppress(OSError):
            while True:
                ballast.write(bytes(BLOCK))

    def free(self) -> None:
        (self._folder / BALLAST).unlink(missing_ok=True)

    def close(self) -> None:
        """Take the disk out; what was on it stays in the folder. Nobody may use it."""
        kept = self._folder.with_name(f"{self._folder.name}.kept")
        # A unit that was killed leaves the sockets of its pages behind.
        shutil.copytree(self._folder, kept, ignore=shutil.ignore_patterns("*.sock"))
        subprocess.run(["umount", str(self._folder)], check=True)
        self._folder.rmdir()
        kept.rename(self._folder)


class Quota:
    """Stands for a full disk where none can be mounted: the process that writes there may write no more.

    writer: the one of now. One started while it lasts is not kept from writing.
    """

    def __init__(self, writer: Callable[[], psutil.Process]) -> None:
        self._writer = writer
        self._before: list[tuple[psutil.Process, tuple[int, int]]] = []

    def fill(self) -> None:
        process = self._writer()
        before = process.rlimit(psutil.RLIMIT_FSIZE)
        self._before.append((process, before))
        process.rlimit(psutil.RLIMIT_FSIZE, (0, before[1]))

    def free(self) -> None:
        limited, self._before = self._before, []
        for process, before in limited:
            with suppress(psutil.Error):
                process.rlimit(psutil.RLIMIT_FSIZE, before)

    def close(self) -> None:
        """Nothing to take out."""


class WallClock:
    """The wall clock of the processes that get `environment`."""

    def __init__(self, file: Path) -> None:
        self._file = file
        file.write_bytes(OFF_BY.pack(0))
        self._library = file.with_name("wall_clock.so")
        if not self._library.exists():
            command = ["cc", "-shared", "-fPIC", "-O2", "-o", str(self._library), str(SOURCE)]
            subprocess.run(command, check=True)

    @staticmethod
    def is_possible() -> bool:
        return shutil.which("cc") is not None

    @property
    def environment(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(self._library), "WALL_CLOCK": str(self._file)}

    def set(self, by_s: float) -> None:
        """Let it differ from the true time by so much."""
        with self._file.open("r+b", buffering=0) as shared:  # in place: the processes have it mapped
            shared.write(OFF_BY.pack(round(by_s)))
