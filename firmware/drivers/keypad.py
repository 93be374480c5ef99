"""Caller and rating keypads on one serial line (P.32): keys and ratings in, digits, stars and beeps out.

Each Keypad is one address; those on the same wire share its bus. Hides framing and resynchronising,
the answer to every frame, keys that repeat because they are stuck (F27), and what must be shown again
after the line was away. How frames look stands in keypad_frames.

options of the DeviceConfig: rater = address of a separate rating device (default: the same address);
faces = how many rating keys it has, 3, 4 or 5 (4): their values from 0 mean very poor to very good, unless
`ratings` says otherwise.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping

from firmware import wires
from firmware.drivers import Reporter
from firmware.drivers.faults import Faults
from firmware.drivers.keypad_frames import (
    ASK_RATING,
    BEEP,
    PROMPT,
    RATED,
    SHOW,
    Frame,
    Reader,
    answer,
    digits_of,
    key_name,
    ratings_of,
    show,
)
from firmware.drivers.lines import Line, Shared
from firmware.protocol.messages import Board, Capability, DeviceConfig, KeyPressed, Rated

REPEAT_S = 0.6  # The same key again sooner than this is the key, not the clerk.
STUCK_AFTER = 5  # repeats in a row
REPAINT_S = 10.0  # F21: displays without read-back are written again.
NOISE_FRAMES, NOISE_S = 3, 10.0  # this many broken frames within this time are noise on the line
CUT_OFF_S = 0.25  # A frame takes 10 ms; silence this long means the rest is not coming.


class Bus:
    """One line with its keypads. Everything but add and send runs on the line's thread."""

    def __init__(self, wire: wires.LineWire) -> None:
        self.strangers = 0  # frames of addresses nobody configured
        self._reader = Reader()
        self._keypads: dict[int, Keypad] = {}
        self._outgoing: deque[bytes] = deque()
        self._bad_at: deque[float] = deque(maxlen=NOISE_FRAMES)
        self._heard_at = 0.0
        self.line = Line(wire, self)
        self._is_started = False
        self._lock = threading.Lock()

    @property
    def bad_frames(self) -> int:
        return self._reader.bad

    def add(self, address: int, keypad: Keypad) -> None:
        with self._lock:
            self._keypads[address] = keypad
            if not self._is_started:
                self._is_started = True
                self.line.start()

    def remove(self, keypad: Keypad) -> None:
        with self._lock:
            self._keypads = {at: other for at, other in self._keypads.items() if other is not keypad}

    def stop(self) -> None:
        if self._is_started:
            self.line.stop()

    def send(self, frame: Frame) -> None:
        self._outgoing.append(frame.encode())
        self.line.wake()

    def opened(self) -> None:
        self._reader = _fresh(self._reader)
        for keypad in self._all():
            keypad.line_is_back()

    def gone(self, fault: wires.WireFault) -> None:
        self._outgoing.clear()
        for keypad in self._all():
            keypad.line_is_gone(str(fault))

    def received(self, data: bytes) -> None:
        self._heard_at = time.monotonic()
        self._take(data)

    def turn(self, port: wires.Port) -> None:
        now = time.monotonic()
        if now - self._heard_at > CUT_OFF_S:
            self._take(None)
        for keypad in self._all():
            keypad.turn(now)
        if self._bad_at and now - self._bad_at[-1] > NOISE_S:
            self._bad_at.clear()
            for keypad in self._all():
                keypad.faults.cleared("keypad.noise")
        while self._outgoing:
            port.write(self._outgoing.popleft())

    def _take(self, data: bytes | None) -> None:
        bad = self._reader.bad
        frames = self._reader.quiet() if data is None else self._reader.feed(data)
        for frame in frames:
            self._dispatch(frame)
        self._count_noise(self._reader.bad - bad)

    def _dispatch(self, frame: Frame) -> None:
        keypad = self._keypads.get(frame.address)
        if keypad is None:
            self.strangers += 1
            return
        self._outgoing.append(answer(frame))
        keypad.heard(frame)

    def _count_noise(self, broken: int) -> None:
        now = time.monotonic()
        self._bad_at.extend([now] * broken)
        if broken and len(self._bad_at) == NOISE_FRAMES and now - self._bad_at[0] < NOISE_S:
            for keypad in self._all():
                keypad.faults.raised(
                    "keypad.noise",
                    f"{self._reader.bad} broken frames; check shielding and earth of the cable",
                )

    def _all(self) -> list[Keypad]:
        with self._lock:
            return list(dict.fromkeys(self._keypads.values()))


def _fresh(reader: Reader) -> Reader:
    successor = Reader()
    successor.bad = reader.bad
    return successor


_buses: Shared[Bus] = Shared(Bus)


class Keypad:
    """One address of a keypad bus. Reports KeyPressed and Rated."""

    def __init__(self, config: DeviceConfig, report: Reporter) -> None:
        self.config = config
        self.faults = Faults(config.device, report)
        self._wire = wires.line_wire(config.wire)
        self._address = 1 if config.address is None else config.address
        self._rater = int(config.options.get("rater", self._address))
        self._ratings = config.ratings or _ratings(config)
        self._report = report
        self._bus: Bus | None = None
        self._shown: Frame | None = None
        self._painted_at = 0.0
        self._asked: tuple[str, str] = ("", "")
        self._repeats = _Repeats()
        self._counts = {"keys": 0, "ratings": 0, "repeats": 0}

    def start(self) -> None:
        self._bus = _buses.take(self._wire)
        for address in {self._address, self._rater}:
            self._bus.add(address, self)

    def stop(self) -> None:
        if self._bus is not None:
            self._bus.remove(self)
            self._bus = None
            _buses.leave(self._wire)

    def health(self) -> str:
        return self.faults.worst()

    def counts(self) -> dict[str, int]:
        bus = self._bus
        line = {} if bus is None else {"bad_frames": bus.bad_frames, "reopens": bus.line.reopens}
        return {**self._counts, **line}

    def capability(self) -> Capability:
        return Capability(
            device=self.config.device, kind="keypad", can={"digits": True, "rating": True, "letters": False}
        )

    def show(self, waiting: int | None, number: str) -> None:
        """People waiting and the number being served on the small display; None and "" leave it blank."""
        self._shown = show(self._address, waiting, number)
        self._painted_at = time.monotonic()
        self._send(self._shown)

    def paint(self, board: Board) -> None:
        """The window's board on the small display."""
        if board.window is not None:
            self.show(board.window.waiting, board.window.ticket)

    def ask_rating(self, board: str = "", ticket: str = "") -> None:
        """Start the rating prompt; a rating that follows carries `board` and `ticket`."""
        self._asked = (board, ticket)
        self._send(Frame(self._rater, PROMPT, bytes([ASK_RATING])))

    def thank(self, level: int = 5) -> None:
        """Stars on the rating device. The notes document 05; fewer stars are its plain reading."""
        self._send(Frame(self._rater, SHOW, bytes([max(1, min(level, 5))])))

    def beep(self) -> None:
        self._send(Frame(self._address, BEEP))

    def _send(self, frame: Frame) -> None:
        if self._bus is not None:
            self._bus.send(frame)

    # -- called by the bus, on the line's thread

    def line_is_back(self) -> None:
        self.faults.cleared("keypad.gone")
        self._painted_at = 0.0

    def line_is_gone(self, why: str) -> None:
        self.faults.raised("keypad.gone", why)

    def turn(self, now_s: float) -> None:
        """Repaint when due; a key that fell silent is no longer stuck."""
        if self._shown is not None and now_s - self._painted_at >= REPAINT_S:
            self._painted_at = now_s
            self._send(self._shown)
        if self._repeats.ended(now_s):
            self.faults.cleared("keypad.stuck")

    def heard(self, frame: Frame) -> None:
        if not self._repeats.is_new(frame, time.monotonic()):
            self._counts["repeats"] += 1
            if self._repeats.is_stuck:
                self.faults.raised(
                    "keypad.stuck", f"key {frame.data.hex()} repeats by itself; free or replace it"
                )
            return
        if frame.func == RATED:
            self._rated(frame.data[0])
        else:
            self._counts["keys"] += 1
            key, digits = key_name(frame.data), digits_of(frame.data)
            self._report(KeyPressed(device=self.config.device, key=key, digits=digits))

    def _rated(self, value: int) -> None:
        level = self._ratings.get(str(value))
        if level is None:
            self._report(KeyPressed(device=self.config.device, key=f"unknown:{value:02X}"))
            return
        board, ticket = self._asked
        self._counts["ratings"] += 1
        self._report(
            Rated(device=self.config.device, level=level, board=board or self.config.board, ticket=ticket)
        )


def _ratings(config: DeviceConfig) -> Mapping[str, int]:
    faces = config.options.get("faces", "4")
    try:
        return ratings_of(int(faces))
    except (KeyError, ValueError) as error:
        raise wires.WireFault("text", f"{config.device}: faces is 3, 4 or 5, not {faces!r}") from error


class _Repeats:
    """Tells a key pressed from a key that is stuck: each repeat sooner than REPEAT_S prolongs the first."""

    def __init__(self) -> None:
        self._last: dict[Frame, tuple[float, int]] = {}

    @property
    def is_stuck(self) -> bool:
        return any(times >= STUCK_AFTER for _, times in self._last.values())

    def is_new(self, frame: Frame, now_s: float) -> bool:
        at, times = self._last.get(frame, (float("-inf"), 0))
        is_new = now_s - at >= REPEAT_S
        self._last[frame] = (now_s, 0 if is_new else times + 1)
        return is_new

    def ended(self, now_s: float) -> bool:
        """True once, when a stuck key has been silent."""
        was_stuck = self.is_stuck
        self._last = {frame: seen for frame, seen in self._last.items() if now_s - seen[0] < REPEAT_S}
        return was_stuck and not self.is_stuck
