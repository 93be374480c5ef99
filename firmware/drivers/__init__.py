"""The drivers of a unit: one file per kind of peripheral, all with the same small surface.

`build` gives the driver of one DeviceConfig, not yet started. Every driver has

    start()            opens its wire in the background and keeps it open; returns at once
    stop()             ends its threads and children within seconds; the wire is free afterwards
    health() -> str    "ok", or the code of its worst fault
    counts() -> dict   what a technician counts: bad frames, resends, reopens, swallowed presses
    capability()       messages.Capability for the birth document

and what its kind can do:

    button    nothing more: it reports Pressed
    printer   submit(cid, order, mark) -> Future[Printed | PrintUncertain | NotPrinted]; is_ready()
              mark() is called once, after the status was good and before the first byte
    keypad    show(waiting, number); paint(board); ask_rating(); thank(level); beep()
    led       show(text); paint(board)
    speaker   say(cid, order, good_for_s=None) -> Future[bool]; reports Spoken as well
    screen    nothing more: the unit's pages draw it
    camera    snapshot() -> Future[bytes]; spare(is_scarce)
    keys      nothing more: it reports Rated and KeyPressed
    lamp      paint(board)
    matrix    show(text); paint(board)
    reader    nothing more: it reports Scanned, and CardRead, which is for the node alone

A driver raises nothing into its caller's thread and calls `report` from threads of its own: with
Pressed, KeyPressed, Rated, Spoken, and with Faulted and Recovered, once each. What is asked of a
device that is away is kept (displays: the newest text) or answered with a failure (slips).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Protocol

from firmware.protocol.messages import Capability, DeviceConfig, Struct

Reporter = Callable[[Struct], None]

# Imported when asked for: a unit without a printer does not pay for the printer's library.
KINDS: Mapping[str, tuple[str, str]] = {
    "button": ("firmware.drivers.button", "ButtonDriver"),
    "printer": ("firmware.drivers.printer", "Printer"),
    "keypad": ("firmware.drivers.keypad", "Keypad"),
    "led": ("firmware.drivers.led", "LedBar"),
    "speaker": ("firmware.drivers.audio", "Speaker"),
    "screen": ("firmware.drivers.screen", "Screen"),
    "camera": ("firmware.drivers.camera", "Camera"),
    "keys": ("firmware.drivers.keys", "Keys"),
    "lamp": ("firmware.drivers.lamp", "Lamp"),
    "matrix": ("firmware.drivers.matrix", "Matrix"),
    "reader": ("firmware.drivers.reader", "Reader"),
}


class UnknownKind(Exception):
    """The configuration names a kind of device this version has no driver for."""


class Driver(Protocol):
    """What all drivers share; what a kind can do besides stands in the module's docstring."""

    config: DeviceConfig

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def health(self) -> str: ...
    def counts(self) -> dict[str, int]: ...
    def capability(self) -> Capability: ...
    def __getattr__(self, name: str) -> Any: ...


def build(config: DeviceConfig, report: Reporter) -> Driver:
    """The driver of one device, not started.

    Raises UnknownKind, and wires.WireFault when the wire's text cannot be understood; a device that
    is merely absent raises nothing here and is reported as a fault after start().
    """
    if config.kind not in KINDS:
        raise UnknownKind(f"{config.device}: kind {config.kind!r} is not one of {', '.join(KINDS)}")
    module, name = KINDS[config.kind]
    driver: Driver = getattr(import_module(module), name)(config, report)
    return driver
