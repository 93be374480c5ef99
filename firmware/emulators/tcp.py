"""A device on the network: one connection at a time on a port of loopback, like a printer's port 9100.

Hides what pulling its cable looks like to the program at the other end: the connection ends and no new
one is accepted; the port stays its own meanwhile, as an address does.
"""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from firmware.emulators.pty import Tape

LOOK_S = 0.1
PIECE = 512


class TcpWire:
    """The cable. received(data) is called with what arrives, on a thread of its own."""

    def __init__(self, received: Callable[[bytes], None], host: str = "127.0.0.1") -> None:
        self.tape = Tape()
        self.bytes_in = 0
        self.is_blocked = False  # the device takes no bytes (F10)
        self._received = received
        with socket.create_server((host, 0)) as first:
            self.address: tuple[str, int] = first.getsockname()[:2]
        self._end = threading.Event()
        self._thread: threading.Thread | None = None
        self._peer: socket.socket | None = None

    @property
    def text(self) -> str:
        """The wire as it is written in a unit's configuration."""
        return f"tcp:{self.address[0]}:{self.address[1]}"

    @property
    def is_plugged(self) -> bool:
        return self._thread is not None

    def plug(self) -> None:
        if self._thread is None:
            self._end.clear()
            server = socket.create_server(self.address)
            server.settimeout(LOOK_S)
            self._thread = threading.Thread(target=self._serve, args=(server,), name="tcp wire", daemon=True)
            self._thread.start()

    def unplug(self) -> None:
        """Pull the cable; bytes under way are lost."""
        thread, self._thread = self._thread, None
        self._end.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=2)

    def send(self, data: bytes) -> None:
        peer = self._peer
        if peer is not None:
            with suppress(OSError):
                peer.sendall(data)
                self.tape.add(False, data)

    def noise(self, is_on: bool) -> None:
        """A network has none: its frames are checked."""

    def _serve(self, server: socket.socket) -> None:
        with server:
            while not self._end.is_set():
                with suppress(TimeoutError):
                    peer, _ = server.accept()
                    with peer:
                        self._peer = peer
                        self._carry(peer)
                        self._peer = None

    def _carry(self, peer: socket.socket) -> None:
        while not self._end.is_set():
            if self.is_blocked or not select.select([peer], [], [], LOOK_S)[0]:
                self._end.wait(LOOK_S if self.is_blocked else 0)
                continue
            try:
                data = peer.recv(PIECE)
            except OSError:
                return
            if not data:
                return
            self.bytes_in += len(data)
            self.tape.add(True, data)
            self._received(data)
