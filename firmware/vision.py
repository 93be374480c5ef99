"""Arithmetic on images: whether a picture is fit to be used.

Pure; NumPy alone. A frame is (height, width, 3) uint8, BGR. Times are seconds of a monotonic clock, given
by the caller. Thresholds were chosen on frames of halls by day and with a hand, a cloth or a lens cap on
the lens; a real sensor's noise keeps two frames from ever being equal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]

SMALL = 160  # columns a frame is judged by
DARK = 16.0  # mean brightness 0-255; a hall at night with its emergency lights has 25 and more
EVEN = 6.0  # spread of brightness; a wall has 8 and more, a covered lens less
BLUNT = 1.2  # mean step from one point to the next; the emptiest hall in focus has 2


@dataclass(frozen=True, slots=True)
class Look:
    """One frame in figures. brightness: its mean; spread: its standard deviation; edges: mean step between
    neighbours; digest: equal for equal frames alone."""

    brightness: float
    spread: float
    edges: float
    digest: bytes

    @property
    def trouble(self) -> str:
        """ "dark", "covered" or ""."""
        if self.brightness < DARK:
            return "dark"
        return "covered" if self.spread < EVEN or self.edges < BLUNT else ""


def look_at(frame: Frame) -> Look:
    """The figures of a frame."""
    step = max(1, frame.shape[1] // SMALL)
    small = frame[::step, ::step].astype(np.float32).mean(axis=2)
    edges = (np.abs(np.diff(small, axis=0)).mean() + np.abs(np.diff(small, axis=1)).mean()) / 2
    digest = hashlib.blake2b(np.ascontiguousarray(frame[::step, ::step]).tobytes(), digest_size=16).digest()
    return Look(float(small.mean()), float(small.std()), float(edges), digest)


@dataclass(slots=True)
class Watch:
    """What is wrong with a camera's pictures, once it has been so for long enough.

    for_s: trouble -> seconds; "frozen" is the same frame again and again (F32), "dark" and "covered" a
    lens that sees nothing (F33)."""

    for_s: Mapping[str, float]
    _since: dict[str, float] = field(default_factory=dict)
    _digest: bytes = b""

    def see(self, look: Look, now_s: float) -> frozenset[str]:
        """The troubles there are now."""
        seen = {look.trouble} - {""}
        if look.digest == self._digest and not seen:
            seen.add("frozen")
        self._digest = look.digest
        self._since = {trouble: self._since.get(trouble, now_s) for trouble in seen}
        return frozenset(what for what, since in self._since.items() if now_s - since >= self.for_s[what])
