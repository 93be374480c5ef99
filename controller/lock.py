"""The lock on a data folder: one controller works with it at a time."""

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
    held = (folder / "lock").open("a+")
    deadline = time.monotonic() + patience_s
    while not _take(held):
        if time.monotonic() > deadline:
            held.seek(0)
            holder = held.read().strip() or "unknown"
            held.close()
            raise SiteTaken(f"{folder} is in use by process {holder}; stop that one, or set another data_dir")
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
