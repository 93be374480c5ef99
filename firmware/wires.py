"""Opened wires for the drivers: serial ports, input pins, a sound output; named as in the configuration.

The only file that imports gpiozero and serial. A driver gets a port, edges or a sink and never learns
whether hardware or an emulator stands at the other end: on an emulated unit the same text names the
emulator's end of the wire.

    serial:/dev/serial/by-id/usb-...?baud=9600   a tty; in an emulated unit a pty behind a symlink
    gpio:17                                      a pin of the board, button to ground, pull-up
    gpio:emulated:/run/x/gpio.sock#17            the same gpiozero Button on a pin the bench drives
    sound:default                                an ALSA device, through aplay
    sound:emulated:/run/x/sound.sock             the bench's loudspeaker
"""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import tempfile
import termios
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import serial

READ_S = 0.2  # python-escpos reads a status for the whole of it (libraries.md 1)
WRITE_S = 3.0  # F10: a printer that holds its line is a fault after 3 s
CHUNK = 256  # so that WRITE_S bounds a stall, not the length of a slip: 0.27 s at 9600 baud
OLDEST_EDGE_S = 5.0  # a push told later than that is of a clock we do not know
RETRY_S = 0.5
PLAY_SLACK_S = 5.0  # beyond the sound's own length, before a player counts as dead

# What pyserial lets through when a line goes or is closed under it.
LINE_ERRORS = (serial.SerialException, OSError, termios.error, TypeError)
BAUDS = frozenset({1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200})


class WireFault(Exception):
    """A wire cannot be opened or has stopped working. what: gone, busy, blocked or text (configuration)."""

    def __init__(self, what: str, message: str) -> None:
        super().__init__(message)
        self.what = what


@dataclass(frozen=True, slots=True)
class SerialWire:
    path: str
    baud: int


@dataclass(frozen=True, slots=True)
class PinWire:
    pin: int
    bench: str | None  # socket of the emulator; None: a pin of this board


@dataclass(frozen=True, slots=True)
class SoundWire:
    device: str
    bench: str | None


def serial_wire(text: str) -> SerialWire:
    """What "serial:PATH?baud=N" says. Raises WireFault naming what is wrong with it."""
    path, _, query = _after("serial:", text).partition("?")
    settings = parse_qs(query, keep_blank_values=True)
    unknown = sorted(set(settings) - {"baud"})
    if unknown:
        raise WireFault(
            "text", f"wire {text!r}: {unknown[0]!r} is not a setting of a serial wire; it has: baud"
        )
    baud = settings.get("baud", ["9600"])[-1]
    if not baud.isdigit() or int(baud) not in BAUDS:
        raise WireFault("text", f"wire {text!r}: baud {baud!r} is not one of {sorted(BAUDS)}")
    if not path.startswith("/"):
        raise WireFault("text", f"wire {text!r}: the path must be absolute, like /dev/serial/by-id/...")
    return SerialWire(path, int(baud))


def pin_wire(text: str) -> PinWire:
    """What "gpio:N" or "gpio:emulated:SOCKET#N" says. Raises WireFault."""
    rest = _after("gpio:", text)
    bench = None
    if rest.startswith("emulated:"):
        bench, _, rest = rest.removeprefix("emulated:").rpartition("#")
    if not rest.isdigit() or int(rest) > 27 or bench == "":
        raise WireFault(
            "text", f"wire {text!r}: write gpio:17 or gpio:emulated:/path/gpio.sock#17 (pins 0-27)"
        )
    return PinWire(int(rest), bench)


def sound_wire(text: str) -> SoundWire:
    """What "sound:DEVICE" or "sound:emulated:SOCKET" says. Raises WireFault."""
    rest = _after("sound:", text)
    if rest.startswith("emulated:"):
        return SoundWire("emulated", rest.removeprefix("emulated:"))
    return SoundWire(rest or "default", None)


def _after(scheme: str, text: str) -> str:
    if not text.startswith(scheme):
        raise WireFault("text", f"wire {text!r} should begin with {scheme!r}")
    return text.removeprefix(scheme)


# --- serial -----------------------------------------------------------------------------------------


class Port:
    """An open serial line, ours alone. Its errors are WireFault, whatever pyserial calls them."""

    def __init__(self, wire: SerialWire) -> None:
        self.wire = wire
        try:
            self._line = serial.Serial(
                wire.path, wire.baud, timeout=READ_S, write_timeout=WRITE_S, exclusive=True
            )
        except LINE_ERRORS as error:
            raise _unopened(wire, error) from error

    def read(self, size: int = 512) -> bytes:
        """What has come, at most `size` bytes; b"" after READ_S without any."""
        try:
            return bytes(self._line.read(min(size, max(1, self._line.in_waiting))))
        except LINE_ERRORS as error:
            raise self._gone(error) from error

    def write(self, data: bytes) -> None:
        """Hand over all of `data`; WireFault("blocked") when the device takes none of it for WRITE_S."""
        try:
            for start in range(0, len(data), CHUNK):
                self._line.write(data[start : start + CHUNK])
        except serial.SerialTimeoutException as error:
            raise WireFault("blocked", f"{self.wire.path} took no bytes for {WRITE_S:.0f} s") from error
        except LINE_ERRORS as error:
            raise self._gone(error) from error

    def wake(self) -> None:
        """Make a read() that waits in another thread return now."""
        with suppress(*LINE_ERRORS, AttributeError):
            self._line.cancel_read()

    def forget_input(self) -> None:
        """Drop what came in unasked, so that the next answer belongs to the next question."""
        try:
            self._line.reset_input_buffer()
        except LINE_ERRORS as error:
            raise self._gone(error) from error

    def forget_output(self) -> None:
        """Drop what the device has not taken; a line that is gone has nothing to drop."""
        with suppress(*LINE_ERRORS):
            self._line.reset_output_buffer()

    def close(self) -> None:
        with suppress(*LINE_ERRORS):
            self._line.close()

    def _gone(self, error: Exception) -> WireFault:
        return WireFault("gone", f"{self.wire.path} went away ({error}); check its plug and its power")


def open_serial(wire: SerialWire) -> Port:
    """The port, locked for us. Raises WireFault gone or busy with what to do about it."""
    return Port(wire)


def _unopened(wire: SerialWire, error: Exception) -> WireFault:
    if not os.path.exists(wire.path):
        return WireFault(
            "gone", f"{wire.path} is not there; check the plug, or the path in the configuration"
        )
    if "lock" in str(error):
        return WireFault(
            "busy", f"{wire.path} is in use by another program; stop it or correct the configuration"
        )
    return WireFault("gone", f"{wire.path} cannot be opened: {error}")


# --- pins -------------------------------------------------------------------------------------------


class Pin:
    """A button on an input pin: on_edge(at, is_down) for every raw edge, on threads of its own.

    at: time.monotonic() of the edge itself as the pin factory stamped it (lgpio: the kernel), not of the
    moment Python came to hear of it: on a busy board that may be later than the whole push took.
    """

    def __init__(self, wire: PinWire, on_edge: Callable[[float, bool], None]) -> None:
        self._stop = threading.Event()
        self._factory = _pin_factory(wire)
        self._button = button = _button(wire, self._factory)
        button.when_pressed = lambda: on_edge(_ago(button.active_time), True)
        button.when_released = lambda: on_edge(_ago(button.inactive_time), False)
        self._follower: threading.Thread | None = None
        if wire.bench is not None:
            self._follower = threading.Thread(
                target=self._follow, args=(wire,), name=f"pin {wire.pin}", daemon=True
            )
            self._follower.start()

    @property
    def is_down(self) -> bool:
        """The level now, read again from the pin: edges alone get lost (gpiozero #550, #1090)."""
        return bool(self._button.is_pressed)

    def close(self) -> None:
        self._stop.set()
        if self._follower is not None:
            self._follower.join(timeout=3)
        self._button.close()
        self._factory.close()

    def _follow(self, wire: PinWire) -> None:
        """Drive the emulated pin with the levels the bench sends; look for the bench until closed."""
        pin = self._factory.pin(wire.pin)
        while not self._stop.is_set():
            with suppress(OSError):
                self._follow_once(wire, pin)
            if not self._stop.is_set():
                pin.drive_at(time.monotonic(), True)  # a pull-up and nothing connected: released
                self._stop.wait(RETRY_S)

    def _follow_once(self, wire: PinWire, pin: Any) -> None:
        with socket.socket(socket.AF_UNIX) as bench:
            bench.settimeout(READ_S)
            bench.connect(str(wire.bench))
            bench.sendall(b"watch %d\n" % wire.pin)
            told = b""
            while not self._stop.is_set():
                try:
                    heard = bench.recv(1024)
                except TimeoutError:
                    continue
                if not heard:
                    return
                *levels, told = (told + heard).split(b"\n")
                for level in levels:
                    _drive(pin, level)


def _drive(pin: Any, line: bytes) -> None:
    """b"0 12.345": to ground (button down) at second 12.345 of time.monotonic(); b"1 ...": let go."""
    level, _, at = line.partition(b" ")
    with suppress(ValueError):
        pin.drive_at(float(at), level != b"0")


def _ago(age_s: float | None) -> float:
    """time.monotonic() of an edge `age_s` ago; now, when the factory's stamps are of another clock."""
    age_s = age_s if age_s is not None and 0.0 <= age_s <= OLDEST_EDGE_S else 0.0
    return time.monotonic() - age_s


def _button(wire: PinWire, factory: Any) -> Any:
    """A gpiozero Button without bounce_time: the mock pins ignore it and lgpio loses edges with it."""
    from gpiozero import Button
    from gpiozero.exc import GPIOZeroError

    try:
        return Button(wire.pin, pull_up=True, bounce_time=None, pin_factory=factory)
    except GPIOZeroError as error:
        raise WireFault("busy", f"pin {wire.pin} cannot be used: {error}") from error


def _pin_factory(wire: PinWire) -> Any:
    """Never gpiozero's default: off a board that is a chain of warnings, on one it may be the wrong one."""
    if wire.bench is not None:
        return _bench_pins()
    os.environ.setdefault("LG_WD", tempfile.gettempdir())  # lgpio makes its pipe in the working directory
    try:
        import lgpio
        from gpiozero.pins.lgpio import LGPIOFactory
    except ImportError as error:
        raise WireFault(
            "gone", f"gpio:{wire.pin} needs lgpio: install servicehall[node] on the board"
        ) from error
    try:
        return LGPIOFactory()
    except (lgpio.error, OSError) as error:
        raise WireFault("gone", f"this machine has no pins for gpio:{wire.pin} ({error})") from error


def _bench_pins() -> Any:
    """gpiozero's mock pins, driven by a bench that says when a level changed, as a kernel does."""
    from gpiozero.pins.mock import MockFactory, MockPin

    class BenchPin(MockPin):  # type: ignore[misc]
        def drive_at(self, at: float, is_high: bool) -> None:
            """The level is `is_high` since time.monotonic() was `at`."""
            if self._change_state(is_high):
                self._last_change = at
                if self._when_changed is not None:
                    self._call_when_changed()

    return MockFactory(pin_class=BenchPin)


def open_button(wire: PinWire, on_edge: Callable[[float, bool], None]) -> Pin:
    """The pin, watched. Raises WireFault when this machine has no such pin or it is in use."""
    return Pin(wire, on_edge)


# --- sound ------------------------------------------------------------------------------------------


class Sound:
    """Plays one WAV after another, each to its end. stop() from another thread cuts it off."""

    def __init__(self, wire: SoundWire) -> None:
        self.wire = wire
        self._playing: subprocess.Popen[bytes] | socket.socket | None = None

    def play(self, wav: bytes, seconds: float) -> None:
        """Play `wav`, which lasts `seconds`, and return when it has been heard. Raises WireFault."""
        if self.wire.bench is None:
            self._play_here(wav, seconds)
        else:
            self._play_at_bench(self.wire.bench, wav, seconds)

    def stop(self) -> None:
        match self._playing:
            case subprocess.Popen() as player:
                player.kill()
            case socket.socket() as bench:
                with suppress(OSError):
                    bench.shutdown(socket.SHUT_RDWR)
            case None:
                pass

    def _play_here(self, wav: bytes, seconds: float) -> None:
        words = ["aplay", "-q", "-D", self.wire.device, "-"]
        try:
            player = subprocess.Popen(words, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        except FileNotFoundError as error:
            raise WireFault("gone", "aplay is not installed; install the package alsa-utils") from error
        with player:
            self._playing = player
            try:
                _, said = player.communicate(wav, timeout=seconds + PLAY_SLACK_S)
            except subprocess.TimeoutExpired as error:
                player.kill()
                raise WireFault("blocked", f"aplay did not finish {seconds:.1f} s of sound") from error
            finally:
                self._playing = None
        if player.returncode != 0:
            reason = said.decode(errors="replace").strip().rpartition("\n")[2]
            raise WireFault("gone", f"sound device {self.wire.device!r}: {reason or 'aplay failed'}")

    def _play_at_bench(self, path: str, wav: bytes, seconds: float) -> None:
        with socket.socket(socket.AF_UNIX) as bench:
            bench.settimeout(seconds + PLAY_SLACK_S)
            self._playing = bench
            try:
                bench.connect(path)
                bench.sendall(struct.pack(">I", len(wav)) + wav)
                answer = bench.recv(64)
            except OSError as error:
                raise WireFault("gone", f"the loudspeaker at {path} does not answer ({error})") from error
            finally:
                self._playing = None
        if answer != b"ok\n":
            raise WireFault("gone", f"the loudspeaker at {path} stopped in the middle of a sentence")


def open_sound(wire: SoundWire) -> Sound:
    """The output; it is looked for at each sentence, so one that comes back needs no restart."""
    return Sound(wire)
