"""A unit tests itself: quickly at its start, fully when asked, one device with a person beside it.

Hides which device can be tested how. What the unit cannot see (is the slip readable, did the voice sound?) is
left open for a person to say. While the keys of a device are tested its presses are no tickets and no votes.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as NotYet
from pathlib import Path
from typing import Any

from firmware.devices import Devices
from firmware.machine import MIB, Machine
from firmware.protocol import faults
from firmware.protocol.messages import (
    Check,
    Examined,
    KeyPressed,
    Pressed,
    Print,
    Printed,
    Rated,
    SlipLine,
    Speak,
    Struct,
    TimeQuality,
)
from firmware.protocol.outbox import Outbox
from firmware.protocol.pictures import MOST_BYTES, Picture
from firmware.protocol.store_file import StoreFault, damage

KEYS_S = 20.0  # time to press each key of a device
PATTERN_S = 5.0  # a pattern stays, then the board is back
SLIP_S = 20.0
WRITES = 20
SLOW_WRITE_S = 0.25  # a healthy card commits in some 10 ms (edge-peers 3.4)
PATTERN = "8888"  # lights every segment
TEST_VOICE = ("这是语音测试", "This is a test of the loudspeaker")
SHOWING = ("led", "keypad")


class SelfTest:
    """Of one unit. One test at a time; `examine` returns when it has ended."""

    def __init__(
        self,
        outbox: Outbox,
        store: Path,
        devices: Devices,
        machine: Machine,
        silent_s: Callable[[], float],
        repaint: Callable[[str], None],
        show: Callable[[Picture], bool],
    ) -> None:
        """store: the outbox's file. silent_s: seconds since the controller was heard. repaint: shows a
        device's board again. show: sends a picture to who asked for it; whether it left."""
        self._outbox, self._store_path = outbox, store
        self._devices, self._machine = devices, machine
        self._silent_s, self._repaint, self._show = silent_s, repaint, show
        self._turn = threading.Lock()
        self._keys: tuple[str, queue.SimpleQueue[str]] | None = None

    def examine(self, what: str, device: str = "", order: str = "") -> Examined:
        """Do the test and tell what was found. An unknown one is found not to be possible."""
        with self._turn:
            checks = self._checks(what, device, order)
        return Examined(what=what, device=device, order=order, checks=checks)

    def takes(self, report: Struct) -> bool:
        """Whether a press belongs to a test of keys that runs, and is nothing else."""
        running = self._keys
        if running is None or not isinstance(report, Pressed | KeyPressed | Rated):
            return False
        device, pressed = running
        match report:
            case Pressed(input=name):
                key = "press"
            case KeyPressed(device=name, key=key):
                pass
            case Rated(device=name, level=level):
                key = f"rating {level}"
        if name == device:
            pressed.put(key)
        return name == device

    def _checks(self, what: str, device: str, order: str) -> list[Check]:
        match what:
            case "quick":
                return [*self._quick()]
            case "full":
                return [*self._quick(), *self._thorough()]
            case "print":
                return [self._print(device, order)]
            case "pattern":
                return [self._pattern(device)]
            case "keys":
                return [self._press_keys(device)]
            case "speak":
                return [self._speak(device, order)]
            case "snapshot":
                return [self._snapshot(device, order)]
            case _:
                return [Check(name=what, is_ok=False, detail="this unit does not know such a test")]

    # --- what the unit sees by itself

    def _quick(self) -> Iterator[Check]:
        yield self._store()
        room = self._machine.room()
        is_roomy = room.free_bytes >= room.scarce_bytes and room.free_files > 0
        yield Check(name="room", is_ok=is_roomy, detail=f"{room.free_bytes // MIB} MiB")
        yield from self._supply()
        silent_s = self._silent_s()
        yield Check(name="controller", is_ok=silent_s == 0, detail=f"{silent_s:.0f} s" if silent_s else "")
        quality = self._outbox.clock.quality()
        yield Check(name="clock", is_ok=quality is not TimeQuality.UNTRUSTED, detail=quality.value)
        yield Check(name="watchdog", is_ok=is_watched(), detail=os.environ.get("WATCHDOG_USEC", ""))
        for name, code in self._devices.health().items():
            is_well = code == "ok" or faults.severity(code) == "maintenance"
            yield Check(name=f"device {name}", is_ok=is_well, detail="" if code == "ok" else code)

    def _supply(self) -> Iterator[Check]:
        faults, throttled = self._machine.faults(), self._machine.throttled()
        if throttled is not None:
            yield Check(name="supply", is_ok="node.low_power" not in faults, detail=f"{throttled:#x}")
        degrees = self._machine.temperature_c()
        if degrees is not None:
            yield Check(name="temperature", is_ok="node.hot" not in faults, detail=f"{degrees:.0f} °C")

    def _store(self) -> Check:
        """Write, commit, read back."""
        told = time.monotonic_ns()
        try:
            self._outbox.put("selftest", told)
        except StoreFault as fault:
            return Check(name="store", is_ok=False, detail=str(fault))
        took_s = (time.monotonic_ns() - told) / 1e9
        return Check(
            name="store", is_ok=self._outbox.get("selftest") == told, detail=f"{took_s * 1000:.1f} ms"
        )

    def _thorough(self) -> Iterator[Check]:
        """What takes seconds: the whole store, how long its writes take, what each device can."""
        found = damage(self._store_path)
        yield Check(name="store whole", is_ok=not found, detail=found)
        slowest_s = max(self._write_s() for _ in range(WRITES))
        yield Check(
            name="write time", is_ok=slowest_s < SLOW_WRITE_S, detail=f"{slowest_s * 1000:.0f} ms at most"
        )
        yield Check(name="watchdog of the board", is_ok=self._machine.has_watchdog())
        for one in self._devices.capabilities():
            able = ", ".join(sorted(name for name, can in one.can.items() if can))
            yield Check(name=f"abilities of {one.device}", is_ok=True, detail=able or one.model)

    def _write_s(self) -> float:
        began_s = time.monotonic()
        self._outbox.put("selftest", 0)
        return time.monotonic() - began_s

    # --- what a person sees, hears or does

    def _print(self, device: str, order: str) -> Check:
        slip = Print(device=device, lines=test_lines())
        future = self._devices.submit(device, order or "test", slip, None)
        if future is None:
            return _not_here("print", device)
        outcome = _within(future, SLIP_S)
        if isinstance(outcome, Printed):
            return Check(name="print", detail="the slip came out" if outcome.is_confirmed else "")
        return Check(name="print", is_ok=False, detail=getattr(outcome, "why", "it did not end in time"))

    def _pattern(self, device: str) -> Check:
        driver = self._devices.get(device)
        if driver is None or driver.config.kind not in SHOWING:
            return _not_here("pattern", device)
        if driver.config.kind == "led":
            driver.show(PATTERN)
        else:
            driver.show(888, PATTERN[:3])
        back = threading.Timer(PATTERN_S, self._repaint, (device,))
        back.daemon = True
        back.start()
        return _seen("pattern", driver.health())

    def _press_keys(self, device: str) -> Check:
        driver = self._devices.get(device)
        if driver is None:
            return _not_here("keys", device)
        pressed: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._keys = (device, pressed)
        try:
            keys = list(_until(pressed, time.monotonic() + KEYS_S, driver.config.kind == "button"))
        finally:
            self._keys = None
        different = sorted(set(keys))
        return Check(name="keys", is_ok=None if keys else False, detail=", ".join(different) or "no key came")

    def _speak(self, device: str, order: str) -> Check:
        driver = self._devices.get(device)
        if driver is None or driver.config.kind != "speaker":
            return _not_here("speak", device)
        zh, en = TEST_VOICE
        said: Future[bool] = driver.say(f"{order or 'test'}-voice", Speak(device=device, zh=zh, en=en))
        return Check(name="speak") if _within(said, SLIP_S) else _failed("speak", driver.health())

    def _snapshot(self, device: str, order: str) -> Check:
        driver = self._devices.get(device)
        if driver is None or driver.config.kind != "camera":
            return _not_here("snapshot", device)
        jpeg: bytes | None = _within(driver.snapshot(), SLIP_S)
        if not jpeg:
            return _failed("snapshot", driver.health())
        size = f"{len(jpeg) // 1024} KiB"
        if len(jpeg) > MOST_BYTES or not self._show(Picture(device=device, order=order, jpeg=jpeg)):
            return Check(name="snapshot", is_ok=False, detail=f"{size} could not be sent")
        return Check(name="snapshot", detail=size)


def test_lines() -> list[SlipLine]:
    """A slip that shows at a glance what a printer can: sizes, both scripts, every column."""
    return [
        SlipLine(text="测试 TEST", size=4, align="center", is_bold=True),
        SlipLine(text="排队叫号 取号 窗口 办理", size=2, align="center"),
        SlipLine(text="0123456789 ABCDEFGHIJKLMNOPQRSTU"),
        SlipLine(text="-" * 32),
        SlipLine(text="这张不是号票 This is no ticket", align="center"),
    ]


def is_watched() -> bool:
    """Whether systemd wants to hear from this process regularly. Source: sd_watchdog_enabled(3)."""
    return bool(os.environ.get("NOTIFY_SOCKET")) and bool(os.environ.get("WATCHDOG_USEC"))


def _within(future: Future[Any], seconds: float) -> Any:
    """What came of it; None when nothing did in time."""
    try:
        return future.result(seconds)
    except (NotYet, CancelledError, OSError):
        return None


def _until(pressed: queue.SimpleQueue[str], until_s: float, is_one_key: bool) -> Iterator[str]:
    """The keys that come until then; of a button one is enough."""
    while (left_s := until_s - time.monotonic()) > 0:
        try:
            yield pressed.get(timeout=left_s)
        except queue.Empty:
            return
        if is_one_key:
            return


def _seen(what: str, health: str) -> Check:
    return Check(name=what) if health == "ok" else _failed(what, health)


def _failed(what: str, health: str) -> Check:
    return Check(name=what, is_ok=False, detail="" if health == "ok" else health)


def _not_here(what: str, device: str) -> Check:
    return Check(name=what, is_ok=False, detail=f"{device or 'nothing here'} cannot do that")
