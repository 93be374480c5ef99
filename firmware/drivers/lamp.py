"""A lamp on a pin: over a window, or in a dispenser's button.

At a window it is lit while the window serves and blinks while it calls; in a button (with a queue) it is
lit while a ticket of that queue can be taken. Hides blinking, and a pin that is in use or not there.

options of the DeviceConfig: active (high | low), lit (open | called | busy: what a window's lamp is lit for).
"""

from __future__ import annotations

import threading
from enum import Enum

from firmware import wires
from firmware.drivers import Reporter
from firmware.drivers.faults import Faults
from firmware.protocol.messages import Board, Capability, DeviceConfig, WindowBoard

BLINK_S = 0.5  # on, then off: 1 Hz, well below what disturbs people
RETRY_S = 5.0
REPEAT_S = 10.0  # F21: an output is set again
CLOSED = frozenset({"closed", "paused", "offline"})
LIT_FOR = ("open", "called", "busy")


class Light(Enum):
    DARK = "dark"
    LIT = "lit"
    BLINKING = "blinking"


class Lamp:
    """One lamp. Dark until its board was seen."""

    def __init__(self, config: DeviceConfig, report: Reporter) -> None:
        """Raises WireFault when the wire or an option means nothing."""
        self.config = config
        self._wire = wires.pin_wire(config.wire)
        self._lit_for = config.options.get("lit", "open")
        active = config.options.get("active", "high")
        if self._lit_for not in LIT_FOR or active not in ("high", "low"):
            said = f"{config.device}: lit is {', '.join(LIT_FOR)} and active high or low"
            raise wires.WireFault("text", said)
        self._is_active_high = active == "high"
        self._faults = Faults(config.device, report)
        self._light = Light.DARK
        self._changed = threading.Event()
        self._is_stopped = False
        self._thread = threading.Thread(target=self._run, name=config.device, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._is_stopped = True
        self._changed.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=5)

    def health(self) -> str:
        return self._faults.worst()

    def counts(self) -> dict[str, int]:
        return {}

    def capability(self) -> Capability:
        return Capability(device=self.config.device, kind="lamp", can={"blink": True})

    def paint(self, board: Board) -> None:
        """What the board says of this lamp's window, or queue."""
        self.show(self._of_queue(board) if self.config.queue else self._of_window(board.window))

    def show(self, light: Light) -> None:
        if light is not self._light:
            self._light = light
            self._changed.set()

    def _of_queue(self, board: Board) -> Light:
        is_open = any(line.code == self.config.queue and line.is_open for line in board.queues)
        return Light.LIT if is_open else Light.DARK

    def _of_window(self, window: WindowBoard | None) -> Light:
        if window is None or window.state in CLOSED:
            return Light.DARK
        if window.is_called:
            return Light.BLINKING
        is_lit = self._lit_for == "open" or (self._lit_for == "busy" and bool(window.ticket))
        return Light.LIT if is_lit else Light.DARK

    # -- on the lamp's thread

    def _run(self) -> None:
        while not self._is_stopped:
            try:
                pin = wires.open_lamp(self._wire, self._is_active_high)
            except wires.WireFault as fault:
                self._faults.raised("lamp.gone", str(fault))
                self._changed.wait(RETRY_S)
                continue
            try:
                self._drive(pin)
            finally:
                pin.close()

    def _drive(self, pin: wires.OutputPin) -> None:
        is_lit = False
        while not self._is_stopped:
            self._changed.clear()
            is_lit = not is_lit if self._light is Light.BLINKING else self._light is Light.LIT
            try:
                pin.set(is_lit)
                self._faults.cleared("lamp.gone")
            except wires.WireFault as fault:
                self._faults.raised("lamp.gone", str(fault))
            self._changed.wait(BLINK_S if self._light is Light.BLINKING else REPEAT_S)
