"""What people in the sample hall see and do: the faces of the devices, and the acts they can answer with.

Everything the crowd knows comes from here: LED bars, keypad digits, printed slips. Nobody reads the
controller. Times are hall time since local midnight; Pace turns what the wires need into it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

NUMBER = re.compile(r"(?<![A-Z0-9])([A-Z]{0,2}\d{3,5}[A-Z]?)(?![A-Z0-9])")  # A023; at least three digits


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the hall's clock runs. The wires stay real, so waits for them grow with the speed."""

    speed: float

    def real(self, seconds: float) -> timedelta:
        """Hall time that passes in so many real seconds."""
        return timedelta(seconds=seconds * self.speed)

    def at_least(self, hall_s: float, real_s: float) -> timedelta:
        """Some seconds of the hall, but no less than the wires need."""
        return max(timedelta(seconds=hall_s), self.real(real_s))


@dataclass(frozen=True, slots=True)
class Keypad:
    """The display of a caller keypad. Digits, or None where it is blank."""

    waiting: int | None = None
    number: int | None = None  # last three digits of the ticket
    asks_rating: bool = False


@dataclass(frozen=True, slots=True)
class Slip:
    """A printed slip as a citizen reads it. url: what its QR code says."""

    number: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """All that can be seen in the hall at one moment. bars: text of the LED bar over each window."""

    bars: Mapping[int, str] = field(default_factory=dict)
    keypads: Mapping[int, Keypad] = field(default_factory=dict)
    slips: tuple[Slip, ...] = ()

    def number_at(self, window: int) -> str | None:
        """The ticket number over the window; the keypad's three digits when the bar shows nothing."""
        found = NUMBER.search(self.bars.get(window, ""))
        if found:
            return found[1]
        digits = self.keypads.get(window, Keypad()).number
        return None if digits is None else f"{digits:03d}"

    def window_of(self, number: str) -> int | None:
        """Where this number stands on a bar."""
        shown = ((window, NUMBER.search(text)) for window, text in self.bars.items())
        return next((window for window, found in shown if found and found[1] == number), None)

    def is_called(self, window: int) -> bool:
        """The bar calls somebody who is not being served yet."""
        return self.bars.get(window, "").startswith("请")

    def is_paused(self, window: int) -> bool:
        return "暂停" in self.bars.get(window, "")

    def is_closed(self, window: int) -> bool:
        """Nobody is signed in there; also while the bar is dark."""
        bar = self.bars.get(window, "")
        return not bar or "未开" in bar


# --- acts ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Press:
    """Push the dispenser's button of a queue; is_green: its 绿色通道 button, where there is one."""

    queue: str
    is_green: bool = False


@dataclass(frozen=True, slots=True)
class Key:
    """Push a key of a window's keypad, named as in messages.Key."""

    window: int
    key: str


@dataclass(frozen=True, slots=True)
class RateKey:
    """Push one of the four rating keys: 0 dissatisfied to 3 very satisfied (hardware notes)."""

    window: int
    value: int


@dataclass(frozen=True, slots=True)
class Phone:
    """Open the page behind the slip's QR code, and perhaps do something on it."""

    url: str
    what: str = "look"  # look | let_pass | cancel


@dataclass(frozen=True, slots=True)
class SignIn:
    window: int


@dataclass(frozen=True, slots=True)
class SignOut:
    window: int


@dataclass(frozen=True, slots=True)
class SendOn:
    """Transfer who is at the window, on the console: a keypad cannot say where to."""

    window: int


Act = Press | Key | RateKey | Phone | SignIn | SignOut | SendOn
