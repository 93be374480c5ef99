"""How a process keeps its memory, on boards that run for months with 512 MB.

glibc gives every thread an arena of its own, and learns from the first large piece that is freed (a sentence
of sound, a picture) to carve the next out of the heap, where they leave holes: a unit that announces grew by
a MiB in half an hour. Two arenas, and every piece from 128 KiB on given back when freed. Python looks for
cyclic garbage among all there is only when a quarter as much has come since: some MiB of a unit. So what the
program is made of is left out of those looks, and they come once a minute.
Sources: mallopt(3), malloc_trim(3), gc.freeze.
"""

from __future__ import annotations

import ctypes
import gc
import threading
from contextlib import suppress

M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8
LARGE_BYTES = 128 * 1024  # glibc's own first value; setting it keeps it from growing
ARENAS = 2
SETTLED_S, TIDY_S = 30.0, 60.0


def keep_small(settled_s: float = SETTLED_S, tidy_s: float = TIDY_S) -> None:
    """For as long as this process lives; once, before threads begin. The C library's part is left out where
    it is another.

    settled_s: until all that stays has been made; tidy_s: between two looks for garbage.
    """
    _tell("mallopt", M_MMAP_THRESHOLD, LARGE_BYTES)
    _tell("mallopt", M_ARENA_MAX, ARENAS)
    threading.Thread(target=_tidy, args=(settled_s, tidy_s), name="heap", daemon=True).start()


def _tidy(settled_s: float, tidy_s: float) -> None:
    pause = threading.Event()
    pause.wait(settled_s)
    gc.collect()
    gc.freeze()
    while not pause.wait(tidy_s):
        gc.collect()
        _tell("malloc_trim", 0)


def _tell(function: str, *values: int) -> None:
    with suppress(OSError, AttributeError):
        getattr(ctypes.CDLL(None), function)(*values)
