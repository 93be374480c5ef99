"""Locks on what one controller works with at a time: a data folder, the file of a database."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from pathlib import Path
from typing import IO

from controller.hall.model import HallError

PATIENCE_S = 5.0  # a process that is just ending still holds the lock


class SiteTaken(HallError):
    """Another process works with the same data; the message names it."""


def lock(folder: Path, patience_s: float = PATIENCE_S) -> IO[str]:
    """The folder's lock, held until the file is closed or this process ends. Raises SiteTaken."""
    return hold(folder / "lock", str(folder), "data_dir", patience_s)


def hold(file: Path, what: str, setting: str, patience_s: float = PATIENCE_S) -> IO[str]:
    """The lock `file`. what: it stands for; setting: to change when somebody else has it, for the message."""
    held = file.open("a+")
    deadline = time.monotonic() + patience_s
    while not _take(held):
        if time.monotonic() > deadline:
            held.seek(0)
            holder = held.read().strip() or "unknown"
            held.close()
            raise SiteTaken(f"{what} is in use by process {holder}; stop that one, or set another {setting}")
        threading.Event().wait(0.05)
    held.truncate(0)
    held.write(str(os.getpid()))
    held.flush()
    return held


def _take(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
