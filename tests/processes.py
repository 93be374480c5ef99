"""Processes as tests see them, some of which die while they are looked at."""

from __future__ import annotations

from contextlib import suppress

import psutil


def below(pid: int) -> list[tuple[psutil.Process, list[str]]]:
    """The living descendants of a process, each with its command line; those just ending are left out."""
    found = []
    for child in psutil.Process(pid).children(recursive=True):
        with suppress(psutil.Error):
            found.append((child, child.cmdline()))
    return found
