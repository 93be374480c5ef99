"""A line kept open: one thread reads and writes it, and looks for it again when it goes.

Hides re-opening with back-off, and that several devices hang on one line (RS-485): drivers of the
same wire share one Line. A line that comes back is used again within LOOK_S of its return, because
looking for a missing path costs nothing; an opening that fails otherwise backs off from 1 s to 30 s.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from firmware import wires

LOOK_S = 0.5
BACK_OFF_S = (1.0, 30.0)  # F07
STOP_S = 5.0

log = logging.getLogger(__name__)


class Talk(Protocol):
    """What a bus does with its line, always on the line's own thread."""

    def opened(self) -> None: ...
    def received(self, data: bytes) -> None: ...
    def turn(self, port: wires.Port) -> None:
        """Called after every read, at least every 0.2 s: write what is to be written."""

    def gone(self, fault: wires.WireFault) -> None: ...


class Line:
    """Opens `text`, feeds `talk`, and reopens until stopped."""

    def __init__(self, wire: wires.LineWire, talk: Talk) -> None:
        self.reopens = 0
        self._wire = wire
        self._talk = talk
        self._port: wires.Port | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"line {wire.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Take the next turn at once: there is something to write."""
        if (port := self._port) is not None:
            port.wake()

    def stop(self) -> None:
        self._stop.set()
        self.wake()
        self._thread.join(timeout=STOP_S)

    def _run(self) -> None:
        waits = Waiting(self._wire, self._stop)
        was_told = False
        while not self._stop.is_set():
            try:
                port = wires.open_line(self._wire)
            except wires.WireFault as fault:
                was_told = self._told(fault, was_told)
                waits.pause()
                continue
            waits.reset()
            self.reopens += 1
            was_told = self._use(port)

    def _use(self, port: wires.Port) -> bool:
        """Talk until stopped or the line goes; whether its going was told."""
        try:
            self._port = port
            self._talk.opened()
            while not self._stop.is_set():
                if data := port.read():
                    self._talk.received(data)
                self._talk.turn(port)
        except wires.WireFault as fault:
            return self._told(fault, False)
        finally:
            self._port = None
            port.close()
        return False

    def _told(self, fault: wires.WireFault, was_told: bool) -> bool:
        if not was_told:
            log.warning("%s", fault)
            self._talk.gone(fault)
        return True


class Waiting:
    """Pauses between openings: short while its path is missing, backing off while it is there but fails."""

    def __init__(self, wire: wires.LineWire, stop: threading.Event) -> None:
        self._wire = wire
        self._stop = stop
        self._next_s = BACK_OFF_S[0]

    def reset(self) -> None:
        self._next_s = BACK_OFF_S[0]

    def pause(self) -> None:
        """Return when it is worth trying again, or at once when stopped."""
        if self._wire.is_there:
            until_s = time.monotonic() + self._next_s
            self._next_s = min(self._next_s * 2, BACK_OFF_S[1])
            while self._wire.is_there and time.monotonic() < until_s and not self._stop.wait(LOOK_S):
                pass
            return
        self._stop.wait(LOOK_S)
        self._next_s = BACK_OFF_S[0]


class SharedBus(Protocol):
    def stop(self) -> None: ...


B = TypeVar("B", bound=SharedBus)


class Shared(Generic[B]):
    """Buses by their wire: the first driver that takes one opens it, the last that leaves closes it."""

    def __init__(self, make: Callable[[wires.LineWire], B]) -> None:
        self._make = make
        self._buses: dict[wires.LineWire, tuple[B, int]] = {}
        self._lock = threading.Lock()

    def take(self, wire: wires.LineWire) -> B:
        with self._lock:
            bus, users = self._buses.get(wire) or (self._make(wire), 0)
            self._buses[wire] = (bus, users + 1)
            return bus

    def leave(self, wire: wires.LineWire) -> None:
        with self._lock:
            bus, users = self._buses[wire]
            if users > 1:
                self._buses[wire] = (bus, users - 1)
                return
            del self._buses[wire]
        bus.stop()
