"""In the board: the pins' other side, and how a guest's program speaks.

The chip is the kernel's gpio-sim: what lgpio does to its lines is seen here, and what is done here are
levels and edges as of a real contact. Source: Linux, Documentation/admin-guide/gpio/gpio-sim.rst.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

CONFIG = Path("/sys/kernel/config/gpio-sim/pins")
DEVICES = Path("/sys/devices/platform")
LINES = 54  # as many as a BCM2835 has
USED = 1  # GPIO_V2_LINE_FLAG_USED. Source: Linux, include/uapi/linux/gpio.h.
SPEECH = "rig: "


class Chip:
    """The board's pins. It becomes the first chip, as the pins of a Raspberry Pi are."""

    def __init__(self) -> None:
        bank = CONFIG / "bank0"
        bank.mkdir(parents=True)
        (bank / "num_lines").write_text(str(LINES))
        (CONFIG / "live").write_text("1")
        name = (bank / "chip_name").read_text().strip()
        self._lines = DEVICES / (CONFIG / "dev_name").read_text().strip() / name
        if name != "gpiochip0":  # the machine's own, with its power button
            os.rename(f"/dev/{name}", "/dev/gpiochip0")

    def pull(self, pin: int, *, is_high: bool) -> float:
        """Connect the pin's other end; time.monotonic() of it."""
        at = time.monotonic()
        (self._lines / f"sim_gpio{pin}/pull").write_text("pull-up" if is_high else "pull-down")
        return at

    def push(self, pin: int, hold_s: float = 0.15) -> float:
        """Connect the pin to ground and let go; time.monotonic() of the push."""
        at = self.pull(pin, is_high=False)
        time.sleep(hold_s)
        self.pull(pin, is_high=True)
        return at

    def is_taken(self, pin: int) -> bool:
        """Whether a program has opened the pin."""
        import lgpio

        handle = lgpio.gpiochip_open(0)
        try:
            return bool(lgpio.gpio_get_line_info(handle, pin)[2] & USED)
        finally:
            lgpio.gpiochip_close(handle)

    def is_high(self, pin: int) -> bool:
        """The level of the pin, whoever drives it."""
        return (self._lines / f"sim_gpio{pin}/value").read_text().strip() == "1"


def say(what: str, **figures: object) -> None:
    """A line that the rig hears."""
    print("\n" + SPEECH + json.dumps({"what": what, **figures}), flush=True)


def until(condition: Callable[[], object], what: str, timeout_s: float = 240.0) -> None:
    """Wait; raises TimeoutError. Generous: an emulated board on a busy machine is slow."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout_s:.0f} s: {what}")
        time.sleep(0.01)
