"""A disk with a volatile write cache, as a network block device (NBD) for a virtual machine.

What was written since the last flush is in the cache: `cut` takes the power away, and of that a random
part survives, in any combination, as on a real disk that writes its cache in an order of its own.
Source: the NBD protocol, github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md (fixed newstyle).
"""

from __future__ import annotations

import os
import random
import socket
import struct
import threading
from dataclasses import dataclass
from pathlib import Path

SECTOR = 512  # what a disk writes whole

FIXED_NEWSTYLE, NO_ZEROES = 1, 2
OPTION_EXPORT_NAME, OPTION_ABORT, OPTION_GO = 1, 2, 7
REPLY_ACK, REPLY_INFO, REPLY_UNSUPPORTED = 1, 3, 2**31 + 1
HAS_FLAGS, SEND_FLUSH = 1, 4
READ, WRITE, DISCONNECT, FLUSH = range(4)
INVALID = 22  # EINVAL


@dataclass(frozen=True, slots=True)
class Unflushed:
    offset: int
    before: bytes
    data: bytes


class Disk:
    """The image file and what of it only the cache knows."""

    def __init__(self, image: Path) -> None:
        self._file = os.open(image, os.O_RDWR)
        self.size = os.fstat(self._file).st_size
        self._cache: list[Unflushed] = []
        self._lock = threading.Lock()

    def read(self, offset: int, length: int) -> bytes:
        return os.pread(self._file, length, offset)

    def write(self, offset: int, data: bytes) -> None:
        with self._lock:
            self._cache.append(Unflushed(offset, os.pread(self._file, len(data), offset), data))
            os.pwrite(self._file, data, offset)

    def flush(self) -> None:
        with self._lock:
            self._cache.clear()

    def cut(self, chance: random.Random) -> tuple[int, int]:
        """The power is gone: about half of the cached sectors stay as they were. (lost, cached) writes."""
        with self._lock:
            for write in reversed(self._cache):
                os.pwrite(self._file, write.before, write.offset)
            lost = sum(self._survive(write, chance) for write in self._cache)
            cached = len(self._cache)
            self._cache.clear()
        return lost, cached

    def _survive(self, write: Unflushed, chance: random.Random) -> bool:
        """Whether something of the write was lost: all of it, nothing, or its end."""
        kept = chance.choice((0, len(write.data), chance.randrange(len(write.data) // SECTOR) * SECTOR))
        os.pwrite(self._file, write.data[:kept], write.offset)
        return kept < len(write.data)

    def close(self) -> None:
        os.close(self._file)


class Server:
    """Serves the disk on a Unix socket to one machine at a time."""

    def __init__(self, disk: Disk, path: Path) -> None:
        self._disk = disk
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._run, name="disk", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # closed
            with connection:
                try:
                    self._serve(_Wire(connection))
                except ConnectionError:
                    pass  # the machine was killed

    def _serve(self, wire: _Wire) -> None:
        if self._negotiate(wire):
            while self._answer(wire):
                pass

    def _negotiate(self, wire: _Wire) -> bool:
        """Agree on the one export; True when the machine goes on to read and write."""
        wire.send(b"NBDMAGIC", b"IHAVEOPT", struct.pack(">H", FIXED_NEWSTYLE | NO_ZEROES))
        wire.take(4)
        flags = HAS_FLAGS | SEND_FLUSH
        while True:
            _, option, length = struct.unpack(">8sII", wire.take(16))
            wire.take(length)
            if option == OPTION_GO:
                export = struct.pack(">HQH", 0, self._disk.size, flags)
                wire.send(_reply(option, REPLY_INFO, export), _reply(option, REPLY_ACK))
                return True
            if option == OPTION_EXPORT_NAME:
                wire.send(struct.pack(">QH", self._disk.size, flags))
                return True
            if option == OPTION_ABORT:
                return False
            wire.send(_reply(option, REPLY_UNSUPPORTED))

    def _answer(self, wire: _Wire) -> bool:
        _, _, kind, handle, offset, length = struct.unpack(">IHHQQI", wire.take(28))
        data, error = b"", 0
        if kind == DISCONNECT:
            return False
        if kind == WRITE:
            self._disk.write(offset, wire.take(length))
        elif kind == READ:
            data = self._disk.read(offset, length)
        elif kind == FLUSH:
            self._disk.flush()
        else:
            error = INVALID
        wire.send(struct.pack(">IIQ", 0x67446698, error, handle), data)
        return True


class _Wire:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def take(self, length: int) -> bytes:
        found = bytearray()
        while len(found) < length:
            part = self._connection.recv(length - len(found))
            if not part:
                raise ConnectionResetError
            found += part
        return bytes(found)

    def send(self, *parts: bytes) -> None:
        self._connection.sendall(b"".join(parts))


def _reply(option: int, kind: int, data: bytes = b"") -> bytes:
    return struct.pack(">QIII", 0x3E889045565A9, option, kind, len(data)) + data
