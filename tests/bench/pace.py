"""Fifty devices that press: at an even pace, or as fast as they can. The same for the bare pipeline and ours.

In a hall every device has a processor of its own; here ten processes of five share two cores with the
controller and the broker. A shorter switch interval keeps the five from waiting for each other as they
never would.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from tests.bench.rig import wait_for

DEVICES = 50
OF_A_PROCESS = 5
SWITCH_S = 0.0005
AHEAD_S = 0.2  # until all processes have heard when a round begins


class Device(Protocol):
    number: int

    def press(self, began: float) -> None:
        """Store a press and send it on. began: time.monotonic() from which its time counts."""

    def wait(self) -> None:
        """Until what was pressed last is shown."""


def groups() -> list[range]:
    """The numbers of the devices of each process."""
    return [range(first, first + OF_A_PROCESS) for first in range(0, DEVICES, OF_A_PROCESS)]


def begin() -> None:
    """To be called by each process of devices."""
    sys.setswitchinterval(SWITCH_S)


def soon() -> float:
    return time.monotonic() + AHEAD_S


def paced(devices: Sequence[Device], start: float, rate: float, seconds: float) -> None:
    """Press so that all devices of all processes together make `rate` presses a second, evenly spread.

    A press that could not be made in its turn, because the one before was not shown yet, counts from when
    its turn was: a path that stalls is not measured as if nobody had waited.
    """
    every_s, end = DEVICES / rate, start + seconds
    turns = [(device, start + device.number / rate) for device in devices]
    _run([threading.Thread(target=_press_in_turn, args=(*turn, every_s, end)) for turn in turns])


def _press_in_turn(device: Device, turn: float, every_s: float, end: float) -> None:
    while turn < end:
        late_s = time.monotonic() - turn
        if late_s < 0:
            time.sleep(-late_s)
        device.press(turn if late_s > 0 else time.monotonic())
        device.wait()
        turn += every_s


def flood(devices: Sequence[Device], start: float, each: int, shown: Callable[[], int]) -> float:
    """Press `each` times on every device; when the last of them was shown."""
    time.sleep(max(0.0, start - time.monotonic()))
    _run([threading.Thread(target=_press_all, args=(device, each)) for device in devices])
    wait_for(lambda: shown() >= each * len(devices), 60)
    return time.monotonic()


def _press_all(device: Device, each: int) -> None:
    for _ in range(each):
        device.press(time.monotonic())


def _run(threads: Sequence[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
