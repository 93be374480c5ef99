"""Lines of bytes both ways: serial ports, USB device files, network connections.

    serial:/dev/serial/by-id/usb-...?baud=9600   a tty; in an emulated unit a pty behind a symlink
    serial:/dev/ttyAMA3?baud=9600&rs485=rts      the same, RTS switching the RS-485 driver on while sending
    file:/dev/usb/lp0                            a printer's USB device file (usblp), no speed to set
    tcp:192.168.1.40:9100                        a network printer, or a serial line behind a device server
    hid:/dev/input/by-id/usb-...-event-kbd       a USB keypad or scanner, ours alone

A driver gets a Port and does not learn which of the three it is. Errors are WireFault with what people
do about them, whatever the library or the kernel calls them.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import socket
import termios
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qs

import serial
import serial.rs485

from firmware.wires.fault import WireFault, after

READ_S = 0.2  # python-escpos reads a status for the whole of it (libraries.md 1)
WRITE_S = 3.0  # F10: a printer that holds its line is a fault after 3 s
CONNECT_S = 2.0
CHUNK = 256  # so that WRITE_S bounds a stall, not the length of a slip: 0.27 s at 9600 baud
QUICK_BYTES_S = 100_000.0  # USB and network are not what a slip waits for
KEEPALIVE = {"TCP_KEEPIDLE": 5, "TCP_KEEPINTVL": 2, "TCP_KEEPCNT": 3}  # F59: a dead peer is known in 11 s

# What pyserial lets through when a line goes or is closed under it.
LINE_ERRORS = (serial.SerialException, OSError, termios.error, TypeError)
BAUDS = frozenset({1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200})
RS485 = ("", "rts")
GRAB = 0x40044590  # EVIOCGRAB: keys typed here must reach no console and no browser. Source: linux/input.h


@dataclass(frozen=True, slots=True)
class SerialWire:
    path: str
    baud: int
    rs485: str = ""

    @property
    def name(self) -> str:
        return self.path

    @property
    def bytes_per_s(self) -> float:
        return self.baud / 10  # start bit, 8 data bits, stop bit

    @property
    def is_there(self) -> bool:
        return os.path.exists(self.path)

    @property
    def can_be_silent(self) -> bool:
        """Whether a device without power looks like one that is merely silent."""
        return True


@dataclass(frozen=True, slots=True)
class FileWire:
    path: str

    @property
    def name(self) -> str:
        return self.path

    @property
    def bytes_per_s(self) -> float:
        return QUICK_BYTES_S

    @property
    def is_there(self) -> bool:
        return os.path.exists(self.path)

    @property
    def can_be_silent(self) -> bool:
        return False  # without power there is no such file


@dataclass(frozen=True, slots=True)
class TcpWire:
    host: str
    port: int

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def bytes_per_s(self) -> float:
        return QUICK_BYTES_S

    @property
    def is_there(self) -> bool:
        return True  # nothing tells but trying

    @property
    def can_be_silent(self) -> bool:
        return False  # it accepted the connection


@dataclass(frozen=True, slots=True)
class HidWire(FileWire):
    """Read only; what comes are input events (linux/input.h)."""


LineWire = SerialWire | FileWire | TcpWire | HidWire


def line_wire(text: str) -> LineWire:
    """What a "serial:", "file:", "tcp:" or "hid:" text says. Raises WireFault naming what is wrong."""
    scheme = text.partition(":")[0]
    if scheme == "file":
        return FileWire(_absolute(after("file:", text), text, "/dev/usb/lp0"))
    if scheme == "hid":
        return HidWire(_absolute(after("hid:", text), text, "/dev/input/by-id/usb-...-event-kbd"))
    if scheme == "tcp":
        return _tcp_wire(text)
    return serial_wire(text)


def serial_wire(text: str) -> SerialWire:
    """What "serial:PATH?baud=N" says. Raises WireFault naming what is wrong with it."""
    path, _, query = after("serial:", text).partition("?")
    settings = parse_qs(query, keep_blank_values=True)
    unknown = sorted(set(settings) - {"baud", "rs485"})
    if unknown:
        raise WireFault(
            "text", f"wire {text!r}: {unknown[0]!r} is not a setting of a serial wire; it has: baud, rs485"
        )
    baud, rs485 = settings.get("baud", ["9600"])[-1], settings.get("rs485", [""])[-1]
    if not baud.isdigit() or int(baud) not in BAUDS:
        raise WireFault("text", f"wire {text!r}: baud {baud!r} is not one of {sorted(BAUDS)}")
    if rs485 not in RS485:
        raise WireFault("text", f"wire {text!r}: rs485 is rts or not there, not {rs485!r}")
    return SerialWire(_absolute(path, text, "/dev/serial/by-id/..."), int(baud), rs485)


def _tcp_wire(text: str) -> TcpWire:
    host, _, port = after("tcp:", text).rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise WireFault("text", f"wire {text!r}: write tcp:HOST:PORT, like tcp:192.168.1.40:9100")
    return TcpWire(host.strip("[]"), int(port))


def _absolute(path: str, text: str, example: str) -> str:
    if not path.startswith("/"):
        raise WireFault("text", f"wire {text!r}: the path must be absolute, like {example}")
    return path


class Port(Protocol):
    """An open line, ours alone. Errors are WireFault: gone, or blocked when nothing is taken."""

    def read(self, size: int = 512) -> bytes:
        """What has come, at most `size` bytes; b"" after READ_S without any."""

    def write(self, data: bytes) -> None:
        """Hand over all of `data`; WireFault("blocked") when the device takes none of it for WRITE_S."""

    def wake(self) -> None:
        """Make a read() that waits in another thread return now."""

    def forget_input(self) -> None:
        """Drop what came in unasked, so that the next answer belongs to the next question."""

    def forget_output(self) -> None:
        """Drop what the device has not taken; a line that is gone has nothing to drop."""

    def close(self) -> None: ...


def open_line(wire: LineWire) -> Port:
    """The line, locked for us. Raises WireFault gone or busy with what to do about it."""
    match wire:
        case SerialWire():
            return _SerialPort(wire)
        case HidWire():
            return _HidPort(wire)
        case FileWire():
            return _FilePort(wire)
        case TcpWire():
            return _TcpPort(wire)


class _SerialPort:
    def __init__(self, wire: SerialWire) -> None:
        self.wire = wire
        try:
            self._line = serial.Serial(
                wire.path, wire.baud, timeout=READ_S, write_timeout=WRITE_S, exclusive=True
            )
            if wire.rs485:
                self._line.rs485_mode = serial.rs485.RS485Settings()
        except ValueError as error:
            raise WireFault("gone", f"{wire.path} cannot switch an RS-485 driver; leave rs485 out") from error
        except LINE_ERRORS as error:
            raise _unopened(wire, error) from error

    def read(self, size: int = 512) -> bytes:
        try:
            return bytes(self._line.read(min(size, max(1, self._line.in_waiting))))
        except LINE_ERRORS as error:
            raise self._gone(error) from error

    def write(self, data: bytes) -> None:
        try:
            for start in range(0, len(data), CHUNK):
                self._line.write(data[start : start + CHUNK])
        except serial.SerialTimeoutException as error:
            raise WireFault("blocked", f"{self.wire.path} took no bytes for {WRITE_S:.0f} s") from error
        except LINE_ERRORS as error:
            raise self._gone(error) from error

    def wake(self) -> None:
        with suppress(*LINE_ERRORS, AttributeError):
            self._line.cancel_read()

    def forget_input(self) -> None:
        try:
            self._line.reset_input_buffer()
        except LINE_ERRORS as error:
            raise self._gone(error) from error

    def forget_output(self) -> None:
        with suppress(*LINE_ERRORS):
            self._line.reset_output_buffer()

    def close(self) -> None:
        with suppress(*LINE_ERRORS):
            self._line.close()

    def _gone(self, error: Exception) -> WireFault:
        return WireFault("gone", f"{self.wire.path} went away ({error}); check its plug and its power")


class _Descriptor:
    """A line that is a file descriptor: read and written without blocking longer than said."""

    def __init__(self, name: str, fd: int, *, ends: bool) -> None:
        """ends: reading nothing means that the other end has closed (a connection), not that it is silent."""
        self._name, self._fd, self._ends = name, fd, ends
        os.set_blocking(fd, False)
        self._bell = os.eventfd(0, os.EFD_NONBLOCK)

    def read(self, size: int = 512) -> bytes:
        until_s = time.monotonic() + READ_S
        while (left_s := until_s - time.monotonic()) > 0:
            ready, _, _ = select.select([self._fd, self._bell], [], [], left_s)
            if self._bell in ready:
                os.eventfd_read(self._bell)
                return b""
            if ready and (data := self._read_now(size)):
                return data
            if ready:  # usblp is readable without having anything to say
                select.select([self._bell], [], [], min(left_s, READ_S / 10))
        return b""

    def _read_now(self, size: int) -> bytes:
        try:
            data = os.read(self._fd, size)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise self._gone(error.strerror) from error
        if not data and self._ends:
            raise self._gone("it closed the connection")
        return data

    def write(self, data: bytes) -> None:
        while data:
            if not select.select([], [self._fd], [], WRITE_S)[1]:
                raise WireFault("blocked", f"{self._name} took no bytes for {WRITE_S:.0f} s")
            try:
                data = data[os.write(self._fd, data[:CHUNK]) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise self._gone(error.strerror) from error

    def wake(self) -> None:
        with suppress(OSError):
            os.eventfd_write(self._bell, 1)

    def forget_input(self) -> None:
        while select.select([self._fd], [], [], 0)[0] and self._read_now(512):
            pass

    def forget_output(self) -> None:
        """What was handed over is the kernel's; closing drops it."""

    def close(self) -> None:
        with suppress(OSError):
            os.close(self._fd)
        with suppress(OSError):
            os.close(self._bell)

    def _gone(self, why: str | None) -> WireFault:
        return WireFault("gone", f"{self._name} went away ({why}); check its plug and its power")


class _FilePort(_Descriptor):
    def __init__(self, wire: FileWire) -> None:
        try:
            fd = os.open(wire.path, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError as error:
            raise _unopened(wire, error) from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(fd)
            raise _unopened(wire, error) from error
        super().__init__(wire.path, fd, ends=False)


class _HidPort(_Descriptor):
    def __init__(self, wire: HidWire) -> None:
        try:
            fd = os.open(wire.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise _unopened(wire, error) from error
        try:
            fcntl.ioctl(fd, GRAB, 1)
        except OSError as error:
            if error.errno != errno.ENOTTY:  # the emulator's end cannot be grabbed; nobody else reads it
                os.close(fd)
                raise _unopened(wire, error) from error
        super().__init__(wire.path, fd, ends=True)


class _TcpPort(_Descriptor):
    def __init__(self, wire: TcpWire) -> None:
        try:
            with socket.create_connection((wire.host, wire.port), timeout=CONNECT_S) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                for name, value in KEEPALIVE.items():
                    connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
                fd = connection.detach()
        except OSError as error:
            raise WireFault(
                "gone", f"{wire.name} does not answer ({error}); check its power, network cable and address"
            ) from error
        super().__init__(wire.name, fd, ends=True)


def _unopened(wire: SerialWire | FileWire, error: Exception) -> WireFault:
    if not os.path.exists(wire.path):
        return WireFault(
            "gone", f"{wire.path} is not there; check the plug, or the path in the configuration"
        )
    if "lock" in str(error) or getattr(error, "errno", None) in (errno.EBUSY, errno.EAGAIN):
        return WireFault(
            "busy", f"{wire.path} is in use by another program; stop it or correct the configuration"
        )
    return WireFault("gone", f"{wire.path} cannot be opened: {error}")
