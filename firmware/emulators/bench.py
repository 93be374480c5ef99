"""All emulated devices of one unit in one process: ptys, a GPIO socket, loudspeakers, and a page on loopback.

`servicehall bench -c bench.toml`. The node of that unit opens these wires as it would open hardware.
Hides who shares a cable with whom, and that nothing is left behind in the directory on the way out.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from firmware.emulators import bench_http
from firmware.emulators.bench_settings import (
    BenchFault,
    BenchSettings,
    ButtonSettings,
    CameraSettings,
    DeviceSettings,
    KeypadSettings,
    KeysSettings,
    LampSettings,
    LedSettings,
    MatrixSettings,
    PrinterSettings,
    ReaderSettings,
    ScreenSettings,
    SpeakerSettings,
    read_settings,
)
from firmware.emulators.browser import ScreenEmulator
from firmware.emulators.camera import CameraEmulator
from firmware.emulators.explain import explain, is_idle
from firmware.emulators.fifo import UsbKeysEmulator
from firmware.emulators.gpio import ButtonEmulator, GpioBoard, KeysEmulator, LampEmulator
from firmware.emulators.keypad import KeypadEmulator, KeypadLine
from firmware.emulators.led import LedEmulator, LedLine
from firmware.emulators.matrix import MatrixEmulator
from firmware.emulators.printer import PrinterEmulator
from firmware.emulators.pty import USB_BAUD
from firmware.emulators.reader import CardReaderEmulator, ScannerEmulator
from firmware.emulators.speaker import SpeakerEmulator

__all__ = ["Bench", "BenchFault", "BenchSettings", "UnknownDevice", "main", "read_settings"]

GPIO_SOCKET = "gpio.sock"

Emulator = (
    PrinterEmulator
    | ButtonEmulator
    | KeypadEmulator
    | LedEmulator
    | SpeakerEmulator
    | CardReaderEmulator
    | ScannerEmulator
    | CameraEmulator
    | LampEmulator
    | ScreenEmulator
    | MatrixEmulator
    | KeysEmulator
    | UsbKeysEmulator
)


class UnknownDevice(Exception):
    """The bench has no such device, or the device no such fault or key."""


# --- the bench --------------------------------------------------------------------------------------


class Changes:
    """A version that goes up whenever there is something new to see."""

    def __init__(self) -> None:
        self.version = 1
        self.is_closed = False
        self._changed = threading.Condition()

    def __call__(self) -> None:
        with self._changed:
            self.version += 1
            self._changed.notify_all()

    def after(self, version: int, timeout_s: float) -> bool:
        """True as soon as there is something newer than `version`; False after `timeout_s` or at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self.version > version or self.is_closed, timeout_s)
            return self.version > version and not self.is_closed

    def close(self) -> None:
        with self._changed:
            self.is_closed = True
            self._changed.notify_all()


class Bench:
    """The devices of one unit. start() makes ptys and sockets, stop() removes them."""

    def __init__(self, settings: BenchSettings) -> None:
        self.settings = settings
        self.changes = Changes()
        self._dir = Path(settings.dir).absolute()
        self._chance = Random(settings.seed)  # noqa: S311 - noise on a wire, not a secret
        self._board = GpioBoard(self._dir / GPIO_SOCKET)
        self._lines: dict[str, KeypadLine | LedLine] = {}
        self._devices = {each.device: (each, self._make(each)) for each in settings.device}

    def start(self) -> None:
        self._board.start()
        for _, emulator in self._devices.values():
            emulator.start()

    def stop(self) -> None:
        self.changes.close()
        for _, emulator in self._devices.values():
            emulator.stop()
        self._board.stop()

    def device(self, name: str) -> Emulator:
        """Raises UnknownDevice."""
        if name not in self._devices:
            raise UnknownDevice(f"no device {name!r}; this bench has {', '.join(self._devices)}")
        return self._devices[name][1]

    def state(self) -> dict[str, Any]:
        """Everything the page draws."""
        version = self.changes.version  # read first: what changes meanwhile is told again, never missed
        return {
            "ver": version,
            "unit": self.settings.unit,
            "label": self.settings.label or self.settings.unit,
            "label_en": self.settings.label_en,
            "now": round(time.monotonic(), 1),
            "devices": [self._seen(each, emulator) for each, emulator in self._devices.values()],
        }

    def set_fault(self, name: str, fault: str, is_on: bool) -> None:
        """Raises UnknownDevice for a fault the device cannot have."""
        emulator = self.device(name)
        if fault not in emulator.faults():
            raise UnknownDevice(f"{name} cannot have {fault!r}; it has {', '.join(emulator.faults())}")
        emulator.set_fault(fault, is_on)

    def raw(self, name: str) -> list[dict[str, Any]]:
        """The last bytes on the device's wire, oldest first; nothing for a device without bytes."""
        emulator = self.device(name)
        wire = getattr(emulator, "wire", None)
        if wire is None:
            return []
        return [
            {
                "at": round(chunk.at, 2),
                "is_in": chunk.is_in,
                "hex": chunk.data.hex(" ").upper(),
                "words": explain(emulator.kind, chunk.is_in, chunk.data),
                "is_idle": is_idle(emulator.kind, chunk.is_in, chunk.data),
            }
            for chunk in wire.tape.chunks()
        ]

    def _seen(self, settings: DeviceSettings, emulator: Emulator) -> dict[str, Any]:
        seen: dict[str, Any] = {
            "device": settings.device,
            "kind": emulator.kind,
            "label": settings.label,
            "faults": emulator.faults(),
            "wire": emulator.wire_text,
            emulator.kind: emulator.state(),
        }
        if isinstance(settings, LedSettings):
            seen["led"]["columns"] = settings.columns
        return seen

    def _make(self, settings: DeviceSettings) -> Emulator:
        match settings:
            case PrinterSettings():
                return self._printer(settings)
            case KeypadSettings(address=address, faces=faces):
                return self._keypads(settings).add(address, faces, self.changes)
            case LedSettings(address=address):
                return self._leds(settings).add(address, self.changes)
            case ButtonSettings(pin=pin):
                return ButtonEmulator(self._board, pin, self._chance, self.changes)
            case SpeakerSettings(speed=speed, keeps=keeps):
                return SpeakerEmulator(self._dir / f"{settings.device}.sock", self.changes, speed, keeps)
            case MatrixSettings(chips=chips):
                return MatrixEmulator(
                    self._dir / f"{settings.device}.sock", chips, self._chance, self.changes
                )
            case ScreenSettings():
                return ScreenEmulator(self._dir / f"{settings.device}.sock", self.changes)
            case LampSettings(pin=pin):
                return LampEmulator(self._board, pin, self.changes)
            case KeysSettings(pins=[]):
                return UsbKeysEmulator(self._dir / settings.device, self.changes)
            case KeysSettings(pins=pins):
                return KeysEmulator(self._board, pins, self._chance, self.changes)
            case CameraSettings(clip=clip, port=port, fps=fps):
                film = Path(clip) if clip else None
                return CameraEmulator(self._chance, self.changes, film, port=port, fps=fps)
            case ReaderSettings():
                return self._reader(settings)

    def _printer(self, settings: PrinterSettings) -> PrinterEmulator:
        link = self._dir / (settings.link or settings.device)
        baud = USB_BAUD if settings.wire == "usb" else settings.baud
        printer = PrinterEmulator(
            link, baud, self._chance, self.changes, is_on_network=settings.wire == "tcp"
        )
        printer.paper_mm, printer.model, printer.font = settings.paper_mm, settings.model, settings.font
        return printer

    def _reader(self, settings: ReaderSettings) -> CardReaderEmulator | ScannerEmulator:
        link = self._dir / (settings.link or settings.device)
        if settings.reads == "id_card":
            return CardReaderEmulator(link, settings.baud, self._chance, self.changes)
        baud = None if settings.wire == "hid" else settings.baud
        return ScannerEmulator(link, baud, self._chance, self.changes)

    def _keypads(self, settings: KeypadSettings) -> KeypadLine:
        name = settings.link or settings.device
        line = self._lines.setdefault(name, KeypadLine(self._dir / name, settings.baud, self._chance))
        if not isinstance(line, KeypadLine):
            raise BenchFault(f"{settings.device}: link {name!r} is the cable of another kind of device")
        return line

    def _leds(self, settings: LedSettings) -> LedLine:
        name = settings.link or settings.device
        line = self._lines.setdefault(
            name, LedLine(self._dir / name, settings.baud, self._chance, settings.speaks)
        )
        if not isinstance(line, LedLine):
            raise BenchFault(f"{settings.device}: link {name!r} is the cable of another kind of device")
        return line


# --- the command ------------------------------------------------------------------------------------


def main(argv: Sequence[str]) -> int:
    """Emulate the hardware of one unit, with a page that shows and breaks it."""
    words = argparse.ArgumentParser(prog="servicehall bench", description=main.__doc__)
    words.add_argument("-c", "--config", type=Path, required=True, help="bench.toml")
    try:
        return _run(read_settings(words.parse_args(argv).config))
    except BenchFault as fault:
        print(f"servicehall bench: {fault}", file=sys.stderr)
        return 1


def _run(settings: BenchSettings) -> int:
    end = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: end.set())
    directory = Path(settings.dir).absolute()
    is_ours = not directory.exists()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = _locked(directory)
    bench = Bench(settings)
    server = _served(bench)
    note = directory / "bench.json"
    try:
        bench.start()
        note.write_text(json.dumps({"unit": settings.unit, "url": server.url, "pid": os.getpid()}))
        print(f"bench {settings.unit}: {server.url}", flush=True)
        end.wait()
    finally:
        bench.stop()
        server.stop()
        note.unlink(missing_ok=True)
        os.close(lock)
        if is_ours and not any(directory.iterdir()):
            directory.rmdir()
    return 0


def _served(bench: Bench) -> bench_http.Server:
    settings = bench.settings
    try:
        server = bench_http.Server(bench, settings.host, settings.port, settings.frames)
    except OSError as error:
        raise BenchFault(
            f"{settings.host}:{settings.port} cannot be used ({error.strerror}); set port"
        ) from error
    server.start()
    return server


def _locked(directory: Path) -> int:
    """Hold the directory: two benches would take each other's sockets. The kernel lets go when we die."""
    held = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(held)
        raise BenchFault(f"{directory} is in use by another bench; stop it or set dir") from error
    return held
