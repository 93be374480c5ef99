"""LED bars that show a line of text, several on one serial or RS-485 line (P.49).

Each LedBar is one address; those on the same wire share its bus. Hides sequence numbers, acks, three
repeats (F20), the newest text winning over older ones, the repaint every 10 s and after the line or a
bar was away (F19, F21). How frames look stands in led_frames.

options of the DeviceConfig: protocol (plain | template | one that a package brings: led_frames), and its
own options; columns = half-width cells a text may have (no limit).
"""

from __future__ import annotations

import threading
import time
from collections import deque

from firmware import wires
from firmware.drivers import Reporter
from firmware.drivers.faults import Faults
from firmware.drivers.led_frames import BadOption, Protocol, encode_text, protocol_named
from firmware.drivers.lines import Line, Shared
from firmware.protocol.messages import Board, Capability, DeviceConfig

TRIES = 4  # once and three repeats
REPLY_S = 0.4  # beyond the time the frame itself takes on the line
GAP_S = 0.05  # between frames to bars that never answer
REPAINT_S = 10.0
RETRY_S = 1.0  # A bar that did not answer is tried again this soon, for repaint within 2 s of its return.


class Bus:
    """One line with its bars, asked one after another. Everything but add runs on the line's thread."""

    def __init__(self, wire: wires.LineWire) -> None:
        self.line = Line(wire, self)
        self._bytes_per_s = wire.bytes_per_s
        self._bars: list[LedBar] = []
        self._asked: _Asked | None = None
        self._waiting: deque[LedBar] = deque()
        self._lock = threading.Lock()
        self._is_started = False

    def add(self, bar: LedBar) -> None:
        with self._lock:
            self._bars.append(bar)
            if not self._is_started:
                self._is_started = True
                self.line.start()

    def remove(self, bar: LedBar) -> None:
        with self._lock:
            self._bars.remove(bar)

    def stop(self) -> None:
        if self._is_started:
            self.line.stop()

    def opened(self) -> None:
        self._asked = None
        for bar in self._all():
            bar.line_is_back()

    def gone(self, fault: wires.WireFault) -> None:
        self._asked = None
        for bar in self._all():
            bar.line_is_gone(str(fault))

    def received(self, data: bytes) -> None:
        asked = self._asked
        if asked is None:  # noise
            return
        for (address, seq), is_shown in asked.bar.protocol.replies(data).items():
            if (address, seq) == (asked.bar.address, asked.seq):
                self._answered(asked, is_shown)

    def turn(self, port: wires.Port) -> None:
        now = time.monotonic()
        if self._asked is not None and now >= self._asked.until:
            self._ran_out(self._asked)
        if self._asked is None:
            self._next(now)
        if self._asked is not None and self._asked.is_unsent:
            self._asked.is_unsent = False
            patience_s = REPLY_S if self._asked.bar.protocol.answers else GAP_S
            self._asked.until = now + patience_s + len(self._asked.data) / self._bytes_per_s
            port.write(self._asked.data)

    def _next(self, now_s: float) -> None:
        """Ask the bar that has been due longest; every bar gets its turn."""
        bars = self._all()
        due = [bar for bar in bars if bar.is_due(now_s)]
        if due:
            bar = min(due, key=lambda bar: bar.asked_at)
            self._asked = bar.ask(now_s)

    def _ran_out(self, asked: _Asked) -> None:
        """No answer in time; of a bar that never answers none was to be had."""
        if asked.is_unsent:
            return
        if asked.bar.protocol.answers:
            self._again(asked)
        else:
            self._answered(asked, True)

    def _answered(self, asked: _Asked, is_shown: bool) -> None:
        if not is_shown:
            asked.bar.refusals += 1
            self._again(asked)
            return
        self._asked = None
        asked.bar.shown(asked, time.monotonic())

    def _again(self, asked: _Asked) -> None:
        asked.bar.protocol.forget()
        asked.tries += 1
        if asked.tries < asked.bar.patience():
            asked.bar.resends += 1
            asked.is_unsent = True
            return
        self._asked = None
        asked.bar.not_shown(time.monotonic())

    def _all(self) -> list[LedBar]:
        with self._lock:
            return list(self._bars)


class _Asked:
    """A text on its way to a bar."""

    def __init__(self, bar: LedBar, seq: int, text: str, data: bytes) -> None:
        self.bar, self.seq, self.text, self.data = bar, seq, text, data
        self.tries = 0
        self.until = 0.0
        self.is_unsent = True


_buses: Shared[Bus] = Shared(Bus)


class LedBar:
    """One LED bar. What was shown last stays wanted until something newer is."""

    def __init__(self, config: DeviceConfig, report: Reporter) -> None:
        self.config = config
        self.address = 1 if config.address is None else config.address
        self.protocol: Protocol = _protocol(config)
        self.resends = 0
        self.refusals = 0
        self.asked_at = 0.0
        self._columns = int(config.options.get("columns", "0"))
        self._wire = wires.line_wire(config.wire)
        self._faults = Faults(config.device, report)
        self._bus: Bus | None = None
        self._wanted: str | None = None
        self._due_at = 0.0
        self._seq = 0

    def start(self) -> None:
        self._bus = _buses.take(self._wire)
        self._bus.add(self)

    def stop(self) -> None:
        if self._bus is not None:
            self._bus.remove(self)
            self._bus = None
            _buses.leave(self._wire)

    def health(self) -> str:
        return self._faults.worst()

    def counts(self) -> dict[str, int]:
        reopens = 0 if self._bus is None else self._bus.line.reopens
        return {"resends": self.resends, "refusals": self.refusals, "reopens": reopens}

    def capability(self) -> Capability:
        return Capability(
            device=self.config.device, kind="led", can={"text": True, "confirms": self.protocol.answers}
        )

    def show(self, text: str) -> None:
        """Show `text` as soon as the bar takes it; a newer text replaces one still waiting."""
        if self._columns:
            text = encode_text(text, self._columns).decode("gbk")
        self._wanted = text
        if not self._faults.has("led.no_answer"):
            self._due_at = 0.0
        if self._bus is not None:
            self._bus.line.wake()

    def paint(self, board: Board) -> None:
        """The line the controller made of the window's board."""
        if board.window is not None:
            self.show(board.window.line)

    # -- called by the bus, on the line's thread

    def line_is_back(self) -> None:
        self._faults.cleared("led.gone")
        self._due_at = 0.0

    def line_is_gone(self, why: str) -> None:
        self._faults.raised("led.gone", why)

    def is_due(self, now_s: float) -> bool:
        return self._wanted is not None and now_s >= self._due_at

    def patience(self) -> int:
        """Tries before giving up; one for a bar known to be dead, so that its neighbours go on."""
        return 1 if self._faults.has("led.no_answer") else TRIES

    def ask(self, now_s: float) -> _Asked:
        assert self._wanted is not None
        self.asked_at = now_s
        self._seq = self._seq % 255 + 1
        return _Asked(
            self, self._seq, self._wanted, self.protocol.show(self.address, self._seq, self._wanted)
        )

    def shown(self, asked: _Asked, now_s: float) -> None:
        self._faults.cleared("led.no_answer")
        self._due_at = now_s + REPAINT_S if asked.text == self._wanted else 0.0

    def not_shown(self, now_s: float) -> None:
        detail = f"address {self.address} gave no good answer {TRIES} times; check its power and address"
        self._faults.raised("led.no_answer", detail)
        self._due_at = now_s + RETRY_S


def _protocol(config: DeviceConfig) -> Protocol:
    try:
        return protocol_named(config.options.get("protocol", "plain"), config.options)
    except BadOption as error:
        raise wires.WireFault("text", f"{config.device}: {error}") from error
