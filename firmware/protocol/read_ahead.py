"""Sockets of which a byte can be asked for at the price of a copy.

paho reads the first byte of a packet, then each byte of its length, then the rest, every one with a call
to the system of its own, at each of which Python may let another thread go first: three turns for every
PUBACK, beside hundreds of requests a second. These read what has come in one piece and hand it out;
`pending` tells paho, as with TLS, that more is there than select knows of.
"""

from __future__ import annotations

import socket
import ssl

READ_BYTES = 65_536  # below what the C library maps and gives back each time (firmware/heap.py)


class PlainSocket(socket.socket):
    """A socket that reads ahead."""

    _ahead = b""
    _at = 0  # what of it has been handed out

    @classmethod
    def of(cls, connection: socket.socket) -> PlainSocket:
        """The same connection; the socket given is of no use afterwards."""
        timeout_s = connection.gettimeout()
        reading = cls(connection.family, connection.type, connection.proto, connection.detach())
        reading.settimeout(timeout_s)
        return reading

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """At most so many bytes, b"" at the end. Raises what any socket does, when nothing read is left."""
        if self._at == len(self._ahead):
            self._ahead, self._at = super().recv(READ_BYTES, flags), 0
        taken = self._ahead[self._at : self._at + buflen]
        self._at += len(taken)
        return taken

    def pending(self) -> int:
        """Bytes that have been read and not been handed out."""
        return len(self._ahead) - self._at


class TlsSocket(PlainSocket, ssl.SSLSocket):
    """The same with TLS; made by a context whose sslsocket_class it is."""

    def pending(self) -> int:
        """The same, with what TLS has deciphered."""
        return super().pending() + ssl.SSLSocket.pending(self)
