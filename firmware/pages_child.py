"""The process that serves a unit's pages, kept alive beside the agent."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
import time
from pathlib import Path

from firmware.settings import BadSettings

RETRY_S = (1.0, 30.0)

log = logging.getLogger(__name__)


class PagesChild:
    """The process that serves the pages; started again with back-off when it ends."""

    def __init__(self, agent: Path, listener: socket.socket) -> None:
        self._agent, self._listener = agent, listener
        self._retry_s, self._start_at = RETRY_S[0], 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self.keep()

    def keep(self) -> None:
        """Start it if it does not run and its pause is over."""
        if self._process is not None and self._process.poll() is None:
            return
        now = time.monotonic()
        if self._process is not None:
            log.error("the pages ended (exit code %s); starting them again", self._process.returncode)
            self._close()
            self._start_at, self._retry_s = now + self._retry_s, min(2 * self._retry_s, RETRY_S[1])
        if now >= self._start_at:
            descriptor = self._listener.fileno()
            command = [sys.executable, "-m", "firmware.pages_server", str(self._agent), str(descriptor)]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[descriptor])

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._close()

    def _close(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        self._process = None


def listen(address: tuple[str, int] | None) -> socket.socket | None:
    """A socket at host and port; None for no address. Raises BadSettings when it cannot be had."""
    if address is None:
        return None
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    try:
        return socket.create_server(address, family=family, backlog=64)
    except OSError as error:
        raise BadSettings(f"pages cannot be served at {address[0]}:{address[1]}: {error.strerror}") from error
