"""A Unix socket at which an emulated device receives the programs that use it, one after another."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

LOOK_S = 0.2


class Door:
    """receive: takes each visitor on the thread of the door, and closes its socket (time-out: LOOK_S)."""

    def __init__(self, path: Path, name: str, receive: Callable[[socket.socket], None]) -> None:
        self.path = path
        self.ended = threading.Event()
        self._receive = receive
        self._server: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)

    def start(self) -> None:
        self.path.unlink(missing_ok=True)
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(self.path))
        os.chmod(self.path, 0o600)
        self._server.listen(16)
        self._server.settimeout(LOOK_S)
        self._thread.start()

    def stop(self) -> None:
        self.ended.set()
        if self._server is not None:
            self._thread.join(timeout=3)
            self._server.close()
            self.path.unlink(missing_ok=True)

    def _serve(self) -> None:
        assert self._server is not None
        while not self.ended.is_set():
            with suppress(TimeoutError):
                visitor, _ = self._server.accept()
                visitor.settimeout(LOOK_S)
                self._receive(visitor)
