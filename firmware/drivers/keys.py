"""Keys without a protocol of their own: rating keys on pins, keypads on USB; a key means what it is told to.

    wire gpio:5,6,13,19      contacts to ground, called 1, 2, 3, ... in this order
    wire hid:/dev/input/...  a USB keypad, its keys called by what they type or do: 7, enter, plus (hid.py)

`ratings` of the DeviceConfig says which keys rate: name -> level. The option `keys` says what others ask
for: "enter=call_next,plus=recall". Without either, contacts rate, from very poor to very good, and a USB
keypad calls. Hides debouncing, keys that repeat by being held (F27), and which key is stuck.

options of the DeviceConfig: keys, lockout_ms (300), stuck_s (10).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from firmware import wires
from firmware.drivers import Reporter, hid
from firmware.drivers.button import STUCK_S, Contact, debounce_of
from firmware.drivers.faults import Faults
from firmware.drivers.keypad_frames import LEVELS
from firmware.drivers.lines import Line
from firmware.protocol.messages import Capability, DeviceConfig, Key, KeyPressed, Rated

LOCKOUT_S = 0.3  # a second finger of the same hand
CALLER: Mapping[str, Key] = {
    "enter": Key.CALL_NEXT,
    "plus": Key.RECALL,
    "star": Key.START,
    "minus": Key.NO_SHOW,
    "slash": Key.PAUSE,
    "dot": Key.FINISH,
    "7": Key.HOLD,
    "8": Key.DELAY,
    "9": Key.CALL_BACK,
}


class Keys:
    """Reports Rated and KeyPressed."""

    def __init__(self, config: DeviceConfig, report: Reporter) -> None:
        """Raises WireFault when the wire or an option means nothing."""
        self.config = config
        self._report = report
        self._faults = Faults(config.device, report)
        self._stuck: set[str] = set()
        self._lost: set[str] = set()
        self._counts = {"keys": 0, "ratings": 0, "repeats": 0}
        self._lock = threading.Lock()
        is_usb = config.wire.startswith("hid:")
        self._keys, self._ratings = _meanings(config, is_usb)
        self._stuck_s = float(config.options.get("stuck_s", STUCK_S))
        self._line = Line(wires.line_wire(config.wire), _Strokes(self)) if is_usb else None
        self._contacts = [] if is_usb else [self._contact(name, pin) for name, pin in _pins(config).items()]

    def start(self) -> None:
        for part in self._parts():
            part.start()

    def stop(self) -> None:
        for part in self._parts():
            part.stop()

    def health(self) -> str:
        return self._faults.worst()

    def counts(self) -> dict[str, int]:
        return {**self._counts, "swallowed": sum(each.swallowed for each in self._contacts)}

    def capability(self) -> Capability:
        can = {"rating": bool(self._ratings), "calling": bool(self._keys), "digits": False}
        return Capability(device=self.config.device, kind="keys", can=can)

    # -- called by contacts and strokes, on their threads

    def pushed(self, name: str) -> None:
        level = self._ratings.get(name)
        if level is not None:
            self._counts["ratings"] += 1
            self._report(Rated(device=self.config.device, level=level, board=self.config.board))
            return
        self._counts["keys"] += 1
        key = self._keys.get(name)
        self._report(KeyPressed(device=self.config.device, key=key or f"unknown:{name}"))

    def repeated(self) -> None:
        self._counts["repeats"] += 1

    def stuck(self, name: str, is_so: bool) -> None:
        with self._lock:
            (self._stuck.add if is_so else self._stuck.discard)(name)
            names = ", ".join(sorted(self._stuck))
        if names:
            self._faults.raised("input.stuck", f"key {names} is held down; free or replace it")
        else:
            self._faults.cleared("input.stuck")

    def gone(self, name: str, why: str) -> None:
        """why: "" when it is there again."""
        with self._lock:
            (self._lost.add if why else self._lost.discard)(name)
            is_lost = bool(self._lost)
        if is_lost:
            self._faults.raised("input.gone", why)
        else:
            self._faults.cleared("input.gone")

    @property
    def stuck_s(self) -> float:
        return self._stuck_s

    def _parts(self) -> list[Contact] | list[Line]:
        return [self._line] if self._line is not None else self._contacts

    def _contact(self, name: str, wire: wires.PinWire) -> Contact:
        return Contact(
            f"{self.config.device} {name}",
            wire,
            debounce_of(self.config, LOCKOUT_S),
            on_push=lambda: self.pushed(name),
            on_stuck=lambda is_so: self.stuck(name, is_so),
            on_gone=lambda why: self.gone(name, why),
        )


class _Strokes:
    """The strokes of a USB keypad; it debounces by itself."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._events = hid.Events()
        self._held: dict[str, float] = {}

    def opened(self) -> None:
        self._events = hid.Events()
        self._keys.gone("", "")
        self._let_go()

    def gone(self, fault: wires.WireFault) -> None:
        self._keys.gone("", str(fault))
        self._let_go()

    def received(self, data: bytes) -> None:
        for stroke in self._events.feed(data):
            if stroke.value == hid.UP:
                self._held.pop(stroke.name, None)
                self._keys.stuck(stroke.name, False)
            elif stroke.value == hid.DOWN and stroke.name not in self._held:
                self._held[stroke.name] = time.monotonic()
                self._keys.pushed(stroke.name)
            else:
                self._keys.repeated()

    def turn(self, port: wires.Port) -> None:
        now = time.monotonic()
        for name, since in self._held.items():
            if now - since >= self._keys.stuck_s:
                self._keys.stuck(name, True)

    def _let_go(self) -> None:
        for name in self._held:
            self._keys.stuck(name, False)
        self._held.clear()


def _meanings(config: DeviceConfig, is_usb: bool) -> tuple[Mapping[str, str], Mapping[str, int]]:
    """What keys ask for, and which level rating keys give. Raises WireFault naming what means nothing."""
    keys: dict[str, str] = {}
    for pair in filter(None, config.options.get("keys", "").split(",")):
        name, _, meaning = (part.strip() for part in pair.partition("="))
        if meaning not in set(Key):
            raise wires.WireFault(
                "text", f"{config.device}: key {name!r} means one of {', '.join(Key)}, not {meaning!r}"
            )
        keys[name] = meaning
    if keys or config.ratings:
        return keys, config.ratings
    if is_usb:
        return CALLER, {}
    count = len(_pins(config))
    if count not in LEVELS:
        raise wires.WireFault(
            "text",
            f"{config.device}: {count} keys need `ratings` or the option `keys`; 3 to 5 rate by themselves",
        )
    return {}, {str(at): level for at, level in enumerate(LEVELS[count], start=1)}


def _pins(config: DeviceConfig) -> dict[str, wires.PinWire]:
    """The contacts of "gpio:5,6,13", by name. Raises WireFault."""
    front, sign, pins = config.wire.rpartition("#" if "#" in config.wire else ":")
    return {
        str(at): wires.pin_wire(f"{front}{sign}{pin.strip()}")
        for at, pin in enumerate(pins.split(","), start=1)
    }
