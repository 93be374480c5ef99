"""How the C library keeps a process's memory, on boards that run for months with 512 MB.

glibc gives every thread an arena of its own, and learns from the first large piece that is freed (a sentence
of sound, a picture) to carve the next out of the heap, where they leave holes: a unit that announces grew by
a MiB in half an hour. Two arenas, and every piece from 128 KiB on given back when freed. Source: mallopt(3).
"""

from __future__ import annotations

import ctypes
from contextlib import suppress

M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8
LARGE_BYTES = 128 * 1024  # glibc's own first value; setting it keeps it from growing
ARENAS = 2


def keep_small() -> None:
    """Once, before threads begin. Does nothing where the C library is another."""
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
        libc.mallopt(M_ARENA_MAX, ARENAS)
