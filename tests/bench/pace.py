"""Fifty devices that press: at an even pace, or as fast as they can. The same for the bare pipeline and ours."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from tests.bench.rig import wait_for

DEVICES = 50


class Device(Protocol):
    def press(self, began: float) -> None:
        """Store a press and send it on. began: time.monotonic() from which its time counts."""

    def wait(self) -> None:
        """Until what was pressed last is shown."""


def paced(devices: Sequence[Device], rate: float, seconds: float) -> None:
    """`rate` presses a second, spread evenly over the devices and over time.

    A press that could not be made in its turn, because the one before was not shown yet, counts from when
    its turn was: a path that stalls is not measured as if nobody had waited.
    """
    every_s, start = len(devices) / rate, time.monotonic() + 0.1
    turns = [
        threading.Thread(target=_press_in_turn, args=(device, start + n / rate, every_s, start + seconds))
        for n, device in enumerate(devices)
    ]
    _run(turns)


def _press_in_turn(device: Device, turn: float, every_s: float, end: float) -> None:
    while turn < end:
        late = time.monotonic() - turn
        if late < 0:
            time.sleep(-late)
        device.press(turn if late > 0 else time.monotonic())
        device.wait()
        turn += every_s


def flood(devices: Sequence[Device], each: int, shown: Callable[[], int]) -> float:
    """Presses a second, from the first press until `each` of every device are shown."""
    began = time.monotonic()
    _run([threading.Thread(target=_press_all, args=(device, each)) for device in devices])
    wait_for(lambda: shown() >= each * len(devices), 60)
    return each * len(devices) / (time.monotonic() - began)


def _press_all(device: Device, each: int) -> None:
    for _ in range(each):
        device.press(time.monotonic())


def _run(threads: Sequence[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
