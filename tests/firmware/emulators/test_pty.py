"""The emulated cable: as slow as its baud rate, and really gone when unplugged."""

from __future__ import annotations

import time
from pathlib import Path
from random import Random

import pytest

from firmware import wires
from firmware.emulators.pty import PtyWire
from tests.waiting import until

BAUD = 9600
BYTES = 480  # half a second at 9600 baud


class Device:
    """Keeps what it receives, with the time of the last byte."""

    def __init__(self, directory: Path) -> None:
        self.received = b""
        self.last_at = 0.0
        self.wire = PtyWire(directory / "tty", BAUD, self._take, Random(1))
        self.wire.plug()

    def _take(self, data: bytes) -> None:
        self.received += data
        self.last_at = time.monotonic()

    def port(self) -> wires.Port:
        return wires.open_line(wires.SerialWire(str(self.wire.link), BAUD))


def test_bytes_take_ten_bits_each_towards_the_device(tmp_path: Path) -> None:
    device = Device(tmp_path)
    port = device.port()
    began = time.monotonic()
    port.write(bytes(BYTES))
    until(lambda: len(device.received) == BYTES)
    assert device.last_at - began >= BYTES * 10 / BAUD * 0.98
    port.close()
    device.wire.unplug()


def test_and_towards_the_host(tmp_path: Path) -> None:
    device = Device(tmp_path)
    port = device.port()
    began = time.monotonic()
    device.wire.send(bytes(BYTES))
    heard = b""
    while len(heard) < BYTES:
        heard += port.read()
    assert time.monotonic() - began >= BYTES * 10 / BAUD * 0.98
    port.close()
    device.wire.unplug()


def test_unplugging_is_noticed_by_the_reader_and_plugging_in_works_again(tmp_path: Path) -> None:
    device = Device(tmp_path)
    port = device.port()
    device.wire.unplug()
    assert not device.wire.link.is_symlink()
    with pytest.raises(wires.WireFault) as fault:
        until(port.read)
    assert fault.value.what == "gone"
    port.close()
    with pytest.raises(wires.WireFault, match="not there"):
        device.port()
    device.wire.plug()
    again = device.port()
    again.write(b"hello")
    until(lambda: device.received == b"hello")
    again.close()
    device.wire.unplug()


def test_a_device_that_takes_nothing_holds_the_writer_until_the_timeout(tmp_path: Path) -> None:
    device = Device(tmp_path)
    device.wire.is_blocked = True
    port = device.port()
    with pytest.raises(wires.WireFault) as fault:
        port.write(bytes(200_000))
    assert fault.value.what == "blocked"
    port.close()
    device.wire.unplug()


def test_the_tape_keeps_the_last_bytes_of_both_directions(tmp_path: Path) -> None:
    device = Device(tmp_path)
    port = device.port()
    port.write(b"question")
    until(lambda: device.received == b"question")
    device.wire.send(b"answer")
    until(port.read)
    until(lambda: sum(len(chunk.data) for chunk in device.wire.tape.chunks()) == 14)
    said = {
        is_in: b"".join(chunk.data for chunk in device.wire.tape.chunks() if chunk.is_in is is_in)
        for is_in in (True, False)
    }
    assert said == {True: b"question", False: b"answer"}
    port.close()
    device.wire.unplug()
