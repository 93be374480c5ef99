"""How much paper a printer has left, by what its slips took since the roll was changed.

A printer says "out" and perhaps "near end", nothing between. Every slip's length is known, so the
rest of the roll is what a new one has less what was used; the near-end sensor corrects that when it
speaks: then there is what its maker says, or less.
"""

from __future__ import annotations

from firmware.drivers.profiles import Profile

TYPICAL_MM = 90.0  # of a slip, until there was one: header, number, three lines, code, cut


class Roll:
    """The roll in a printer. used_mm: since it was put in; whoever keeps that over a restart sets it."""

    def __init__(self) -> None:
        self.used_mm = 0.0
        self._slips, self._seen_mm = 0, 0.0  # printed since this program started, and their length
        self._left_mm: float | None = None  # at the sensor, when it has spoken
        self._since_mm = 0.0  # used since then
        self._sensed = False

    def take(self, mm: float) -> None:
        """A slip of this length is printed now."""
        self.used_mm += mm
        self._since_mm += mm
        self._seen_mm += mm
        self._slips += 1

    def renew(self) -> None:
        """There is a new roll."""
        self.used_mm, self._left_mm = 0.0, None

    def sense(self, is_near_end: bool, profile: Profile) -> None:
        """What the near-end sensor says now."""
        if is_near_end and not self._sensed:
            self._left_mm, self._since_mm = profile.spare_mm, 0.0
        if self._sensed and not is_near_end:  # changed before it was empty
            self.renew()
        self._sensed = is_near_end

    def slips_left(self, roll_mm: float) -> int | None:
        """Slips the rest of the roll is good for."""
        left = roll_mm - self.used_mm if self._left_mm is None else self._left_mm - self._since_mm
        each = self._seen_mm / self._slips if self._slips else TYPICAL_MM
        return max(0, int(left / max(each, 1.0)))
