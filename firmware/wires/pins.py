"""Pins of the board: push buttons to ground, and lamps.

    gpio:17                                      a pin of the board: a contact to ground, or a lamp
    gpio:emulated:/run/x/gpio.sock#17            the same gpiozero device on a pin the bench drives

Edges come with the time the pin factory stamped on them, undebounced: that is the driver's to do.
"""

from __future__ import annotations

import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

from firmware.wires.fault import WireFault, after

READ_S = 0.2
OLDEST_EDGE_S = 5.0  # a push told later than that is of a clock we do not know
RETRY_S = 0.5

_opening = threading.Lock()


@dataclass(frozen=True, slots=True)
class PinWire:
    pin: int
    bench: str | None  # socket of the emulator; None: a pin of this board


def pin_wire(text: str) -> PinWire:
    """What "gpio:N" or "gpio:emulated:SOCKET#N" says. Raises WireFault."""
    rest = after("gpio:", text)
    bench = None
    if rest.startswith("emulated:"):
        bench, _, rest = rest.removeprefix("emulated:").rpartition("#")
    if not rest.isdigit() or int(rest) > 27 or bench == "":
        raise WireFault(
            "text", f"wire {text!r}: write gpio:17 or gpio:emulated:/path/gpio.sock#17 (pins 0-27)"
        )
    return PinWire(int(rest), bench)


class OutputPin:
    """A lamp on an output pin: lit, dark or blinking. On a bench the level is told to it."""

    def __init__(self, wire: PinWire, is_active_high: bool) -> None:
        from gpiozero import LED
        from gpiozero.exc import GPIOZeroError

        self._wire = wire
        self._factory = _pin_factory(wire)
        self._bench: socket.socket | None = None
        try:
            self._lamp = LED(wire.pin, active_high=is_active_high, pin_factory=self._factory)
        except GPIOZeroError as error:
            _close(wire, self._factory)
            raise WireFault("busy", f"pin {wire.pin} cannot be used: {error}") from error

    def set(self, is_lit: bool) -> None:
        """Raises WireFault when the bench is away."""
        self._lamp.value = is_lit
        if self._wire.bench is not None:
            self._tell(self._wire.bench, is_lit)

    def close(self) -> None:
        self._lamp.close()
        _close(self._wire, self._factory)
        if self._bench is not None:
            self._bench.close()

    def _tell(self, path: str, is_lit: bool) -> None:
        try:
            if self._bench is None:
                self._bench = socket.socket(socket.AF_UNIX)
                self._bench.settimeout(READ_S)
                self._bench.connect(path)
            self._bench.sendall(b"drive %d %d\n" % (self._wire.pin, is_lit))
        except OSError as error:
            if self._bench is not None:
                self._bench.close()
                self._bench = None
            raise WireFault("gone", f"the bench at {path} does not answer ({error})") from error


class Pin:
    """A button on an input pin: on_edge(at, is_down) for every raw edge, on threads of its own.

    at: time.monotonic() of the edge itself as the pin factory stamped it (lgpio: the kernel), not of the
    moment Python came to hear of it: on a busy board that may be later than the whole push took.
    """

    def __init__(self, wire: PinWire, on_edge: Callable[[float, bool], None]) -> None:
        self._stop = threading.Event()
        self._wire = wire
        self._factory = _pin_factory(wire)
        self._contact = contact = _contact(wire, self._factory)
        contact.when_activated = lambda: on_edge(_ago(contact.active_time), True)
        contact.when_deactivated = lambda: on_edge(_ago(contact.inactive_time), False)
        self._follower: threading.Thread | None = None
        if wire.bench is not None:
            self._follower = threading.Thread(
                target=self._follow, args=(wire,), name=f"pin {wire.pin}", daemon=True
            )
            self._follower.start()

    @property
    def is_down(self) -> bool:
        """The level now, read again from the pin: edges alone get lost (gpiozero #550, #1090)."""
        return bool(self._contact.is_active)

    def close(self) -> None:
        self._stop.set()
        if self._follower is not None:
            self._follower.join(timeout=3)
        self._contact.pin.when_changed = None  # else a later edge ends lgpio's thread, for all pins
        self._contact.close()
        _close(self._wire, self._factory)

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


def _contact(wire: PinWire, factory: Any) -> Any:
    """A contact to ground, without bounce_time: the mock pins ignore it and lgpio loses edges with it.

    Not a gpiozero Button: an edge that comes while one is made finds it without its hold thread and ends
    lgpio's, so that no pin of the board is ever heard again (seen on the emulated board).
    """
    from gpiozero import DigitalInputDevice
    from gpiozero.exc import GPIOZeroError

    try:
        return DigitalInputDevice(wire.pin, pull_up=True, bounce_time=None, pin_factory=factory)
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
        with _opening:
            return _board_pins(LGPIOFactory)
    except (lgpio.error, OSError) as error:
        raise WireFault("gone", f"this machine has no pins for gpio:{wire.pin} ({error})") from error


@cache
def _board_pins(factory: Callable[[], Any]) -> Any:
    """The board's pins, opened once: gpiozero's factories share them, and closing one takes them from all."""
    return factory()


def _close(wire: PinWire, factory: Any) -> None:
    if wire.bench is not None:
        factory.close()


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


def open_lamp(wire: PinWire, is_active_high: bool = True) -> OutputPin:
    """The pin as an output, dark. Raises WireFault when this machine has no such pin or it is in use."""
    return OutputPin(wire, is_active_high)


def open_button(wire: PinWire, on_edge: Callable[[float, bool], None]) -> Pin:
    """The pin, watched. Raises WireFault when this machine has no such pin or it is in use."""
    return Pin(wire, on_edge)
