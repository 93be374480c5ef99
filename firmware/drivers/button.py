"""A push button at a ticket dispenser: one Pressed for one push.

Hides the contact's bounce. Debounced by our own monotonic timestamps from raw edges, and the level
is read again before a push counts: gpiozero's mock pins ignore bounce_time, and its lgpio pins lose
edges with it (gpiozero #550, #1090).

options of the DeviceConfig: lockout_ms (800), stuck_s (10).
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum

from firmware import wires
from firmware.drivers import Reporter
from firmware.drivers.faults import Faults
from firmware.protocol.messages import Capability, DeviceConfig, Pressed

LOCKOUT_S = 0.8  # F12: one ticket per 800 ms per button
STEADY_S = (
    0.02  # A push is a level that stays; switches bounce for 1-10 ms, bursts (IEC 61000-4-4) last 15 ms.
)
QUIET_S = 0.05  # And it begins from a contact at rest: letting go bounces too.
STUCK_S = 10.0  # F13
RETRY_S = (1.0, 30.0)  # between tries to open a pin that is in use or not there


class Verdict(Enum):
    PRESSED = "pressed"
    SWALLOWED = "swallowed"  # a push inside the lockout
    STUCK = "stuck"
    FREED = "freed"


@dataclass(slots=True)
class Debounce:
    """Raw edges to pushes. Times are seconds of one monotonic clock, handed in."""

    lockout_s: float = LOCKOUT_S
    stuck_s: float = STUCK_S
    _down_at: float | None = None  # start of the level now down
    _last_edge: float = float("-inf")
    _last_press: float = float("-inf")
    _is_candidate: bool = False
    _is_stuck: bool = False

    def edge(self, at: float, is_down: bool) -> Verdict | None:
        """The contact changed to `is_down` at time `at`; what that made certain.

        On a busy board both edges of a push are heard together, when it is long over.
        """
        verdict = None
        if is_down and self._down_at is None:
            self._down_at = at
            self._is_candidate = self._is_candidate or at - self._last_edge >= QUIET_S
        elif not is_down:
            if self._is_candidate and self._down_at is not None and at - self._last_edge >= STEADY_S:
                verdict = self._pushed()
            self._down_at = None
        self._last_edge = at
        return verdict

    def check(self, at: float, is_down: bool) -> Verdict | None:
        """What has become certain by time `at`, when the level reads `is_down`; call until None."""
        if not is_down:
            return self._released(at)
        if self._down_at is None:  # the edge was lost
            self.edge(at, True)
        assert self._down_at is not None
        if self._is_candidate and at - self._last_edge >= STEADY_S:
            return self._pushed()
        if not self._is_stuck and at - self._down_at >= self.stuck_s:
            self._is_stuck = True
            return Verdict.STUCK
        return None

    def _pushed(self) -> Verdict:
        assert self._down_at is not None
        self._is_candidate = False
        if self._down_at - self._last_press < self.lockout_s:
            return Verdict.SWALLOWED
        self._last_press = self._down_at
        return Verdict.PRESSED

    def _released(self, at: float) -> Verdict | None:
        self._down_at = None
        if at - self._last_edge >= QUIET_S:
            self._is_candidate = False
            if self._is_stuck:
                self._is_stuck = False
                return Verdict.FREED
        return None

    def wait_s(self) -> float:
        """How long nothing can become certain without a new edge."""
        if self._is_candidate or self._down_at is None:
            return STEADY_S if self._is_candidate else QUIET_S if self._is_stuck else 1.0
        return 0.25


class Contact:
    """One contact to ground on a pin, watched by a thread: on_push() for each push, on_stuck(is_so)."""

    def __init__(
        self,
        name: str,
        wire: wires.PinWire,
        debounce: Debounce,
        *,
        on_push: Callable[[], None],
        on_stuck: Callable[[bool], None],
        on_gone: Callable[[str], None],
        open_pin: Callable[..., wires.Pin] = wires.open_button,
    ) -> None:
        """on_gone: why the pin cannot be read, "" when it can again. open_pin: takes the wire and who hears
        its edges, and raises WireFault when it has none, now."""
        self.swallowed = 0
        self._wire, self._debounce, self._open_pin = wire, debounce, open_pin
        self._on_push, self._on_stuck, self._on_gone = on_push, on_stuck, on_gone
        self._edges: queue.Queue[tuple[float, bool] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._is_stopped = False

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._is_stopped = True
        self._edges.put(None)
        if self._thread.ident is not None:
            self._thread.join(timeout=5)

    def _run(self) -> None:
        retry_s = RETRY_S[0]
        while not self._is_stopped:
            try:
                pin = self._open_pin(self._wire, lambda at, is_down: self._edges.put((at, is_down)))
            except wires.WireFault as fault:
                self._on_gone(str(fault))
                with suppress(queue.Empty):  # stop() puts something
                    self._edges.get(timeout=retry_s)
                retry_s = min(2 * retry_s, RETRY_S[1])
            else:
                self._watch(pin)

    def _watch(self, pin: wires.Pin) -> None:
        self._on_gone("")
        try:
            while not self._is_stopped:
                self._take_edge()
                self._judge(pin)
        finally:
            pin.close()

    def _take_edge(self) -> None:
        try:
            edge = self._edges.get(timeout=self._debounce.wait_s())
        except queue.Empty:
            return
        verdict = self._debounce.edge(*edge) if edge is not None else None
        if verdict is not None:
            self._tell(verdict)

    def _judge(self, pin: wires.Pin) -> None:
        if not self._edges.empty():
            return
        while (verdict := self._debounce.check(time.monotonic(), pin.is_down)) is not None:
            self._tell(verdict)

    def _tell(self, verdict: Verdict) -> None:
        match verdict:
            case Verdict.PRESSED:
                self._on_push()
            case Verdict.SWALLOWED:
                self.swallowed += 1
            case Verdict.STUCK:
                self._on_stuck(True)
            case Verdict.FREED:
                self._on_stuck(False)


class ButtonDriver:
    """Reports Pressed(input=device); counts what it swallowed."""

    def __init__(
        self, config: DeviceConfig, report: Reporter, open_pin: Callable[..., wires.Pin] = wires.open_button
    ) -> None:
        self.config = config
        self._report = report
        self._faults = Faults(config.device, report)
        self._presses = 0
        self._contact = Contact(
            config.device,
            wires.pin_wire(config.wire),
            debounce_of(config, LOCKOUT_S),
            on_push=self._pushed,
            on_stuck=self._stuck,
            on_gone=self._gone,
            open_pin=open_pin,
        )

    def start(self) -> None:
        self._contact.start()

    def stop(self) -> None:
        self._contact.stop()

    def health(self) -> str:
        return self._faults.worst()

    def counts(self) -> dict[str, int]:
        return {"presses": self._presses, "swallowed": self._contact.swallowed}

    def capability(self) -> Capability:
        return Capability(device=self.config.device, kind="button")

    def _pushed(self) -> None:
        self._presses += 1
        self._report(Pressed(input=self.config.device))

    def _stuck(self, is_so: bool) -> None:
        if is_so:
            self._faults.raised("input.stuck", "held down; look for a jammed key or a short in the cable")
        else:
            self._faults.cleared("input.stuck")

    def _gone(self, why: str) -> None:
        if why:
            self._faults.raised("input.gone", why)
        else:
            self._faults.cleared("input.gone")


def debounce_of(config: DeviceConfig, lockout_s: float) -> Debounce:
    """As the options lockout_ms and stuck_s say. Raises ValueError."""
    return Debounce(
        lockout_s=float(config.options.get("lockout_ms", lockout_s * 1000)) / 1000,
        stuck_s=float(config.options.get("stuck_s", STUCK_S)),
    )
