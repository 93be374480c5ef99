"""Child processes that end with us, and the ports they listen on."""

from __future__ import annotations

import ctypes
import signal
import socket

PR_SET_PDEATHSIG = 1  # prctl(2)
_libc = ctypes.CDLL(None)


def die_with_parent() -> None:
    """For a child between fork and exec: end when the thread that started it ends."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def accepts(host: str, port: int) -> bool:
    try:
        with socket.create_connection((here(host), port), timeout=1.0):
            return True
    except OSError:
        return False


def is_free(host: str, port: int) -> bool:
    """Whether a listener of ours could be opened there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), port))
        except OSError:
            return False
    return True


def here(host: str) -> str:
    """Where a client on this machine finds a listener that is bound to `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host.strip("[]"))  # noqa: S104 - a comparison
