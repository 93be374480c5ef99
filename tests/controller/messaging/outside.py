"""What stands at the other end of the wires of messages: a gateway, and a short message centre."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

BIND, BIND_RESP, SUBMIT, SUBMIT_RESP = 0x9, 0x80000009, 0x4, 0x80000004
DELIVER, DELIVER_RESP, ENQUIRE, ENQUIRE_RESP = 0x5, 0x80000005, 0x15, 0x80000015


class Gateway:
    """Takes messages over HTTP, and answers what it is told to: a status and a body."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str], Any]] = []  # path, headers, body
        self.answer: Callable[[], tuple[int, Any]] = lambda: (200, {"id": f"g{len(self.asked)}"})

    def ids(self) -> list[str]:
        return [headers["Idempotency-Key"] for _, headers, _ in self.asked]


@contextmanager
def gateway() -> Iterator[tuple[Gateway, str]]:
    """A running one, and its address."""
    state = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            is_json = self.headers["Content-Type"] == "application/json"
            state.asked.append((self.path, dict(self.headers), json.loads(body) if is_json else body))
            status, said = state.answer()
            data = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *about: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield state, f"http://127.0.0.1:{server.server_port}/send?v=1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Centre:
    """An SMSC that takes one bind at a time. status: what the next submit_sm is answered with."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self.bound: list[tuple[str, str]] = []
        self.taken: list[tuple[str, int, bytes]] = []  # number, esm_class, user data
        self.acked: list[int] = []  # sequences of what was delivered to the client
        self.status = 0
        self._connection: socket.socket | None = None
        self._sequence = 0

    def serve(self) -> None:
        """Until the listener is shut down."""
        while True:
            try:
                self._connection, _ = self._listener.accept()
            except OSError:
                return
            try:
                self._talk(self._connection)
            except (OSError, struct.error):
                pass
            finally:
                self._connection.close()

    def cut(self) -> None:
        assert self._connection is not None
        self._connection.shutdown(socket.SHUT_RDWR)

    def deliver(self, number: str, text: bytes, esm_class: int = 0, coding: int = 0) -> None:
        """Somebody answers, or what became of a message (esm_class 4)."""
        body = b"\0\x01\x01" + number.encode() + b"\0" + b"\0\0\0" + bytes((esm_class, 0, 0)) + b"\0\0\0\0"
        body += bytes((coding, 0, len(text))) + text
        self._sequence += 1
        assert self._connection is not None
        self._connection.sendall(_pdu(DELIVER, 0, self._sequence, body))

    def _talk(self, connection: socket.socket) -> None:
        while True:
            length, command, _, sequence = struct.unpack(">LLLL", _exactly(connection, 16))
            body = _exactly(connection, length - 16)
            if command == BIND:
                self.bound.append(tuple(part.decode() for part in body.split(b"\0")[:2]))  # type: ignore[arg-type]
                connection.sendall(_pdu(BIND_RESP, 0, sequence, b"centre\0"))
            elif command == SUBMIT:
                connection.sendall(self._submit(sequence, body))
            elif command == DELIVER_RESP:
                self.acked.append(sequence)
            elif command == ENQUIRE:
                connection.sendall(_pdu(ENQUIRE_RESP, 0, sequence, b""))

    def _submit(self, sequence: int, body: bytes) -> bytes:
        if self.status:
            status, self.status = self.status, 0
            return _pdu(SUBMIT_RESP, status, sequence, b"")
        _, _, rest = body.partition(b"\0")
        _, _, rest = rest[2:].partition(b"\0")  # the sender
        number, _, rest = rest[2:].partition(b"\0")
        esm_class, rest = rest[0], rest[3:]
        _, _, rest = rest.partition(b"\0")
        _, _, rest = rest.partition(b"\0")
        self.taken.append((number.decode(), esm_class, rest[5 : 5 + rest[4]]))
        return _pdu(SUBMIT_RESP, 0, sequence, f"m{len(self.taken)}\0".encode())


@contextmanager
def centre() -> Iterator[tuple[Centre, str]]:
    listener = socket.create_server(("127.0.0.1", 0))
    state = Centre(listener)
    thread = threading.Thread(target=state.serve)
    thread.start()
    try:
        yield state, f"smpp://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _pdu(command: int, status: int, sequence: int, body: bytes) -> bytes:
    return struct.pack(">LLLL", 16 + len(body), command, status, sequence) + body


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise OSError("the client went away")
        data += more
    return data
