"""The send window of a unit's connection: which events may leave now, and when they leave again (R4).

Pure bookkeeping; the caller holds a lock, reads the clock (monotonic, in seconds) and sends. Hides the
back-off of resends, and what a connection that began anew makes of a send under way.
"""

from __future__ import annotations

import math
import random
from typing import NamedTuple

BLOCKED_S = 0.2  # between tries when paho's queue is full


class Pace(NamedTuple):
    """size: events under way at once; resend_s: until they are sent again, doubling up to resend_max_s."""

    size: int
    resend_s: float
    resend_max_s: float


class Room(NamedTuple):
    """Leave to send up to `size` events after `start`."""

    start: int
    size: int
    resets: int
    was_idle: bool


class Window:
    """Of one unit. pace: may be changed. sent: the highest seq handed over on this connection."""

    def __init__(self, acked: int, pace: Pace, chance: random.Random) -> None:
        self.pace, self.sent, self._chance = pace, acked, chance
        self._resend_wait = pace.resend_s
        self._resend_at = math.inf
        self._blocked_until = 0.0  # the connection took no more just now
        self._resets = 0  # seen by a send under way

    def reset(self, acked: int) -> None:
        """Begin anew after the last event that was acked."""
        self._resets += 1
        self.sent = acked
        self._resend_wait = self.pace.resend_s
        self._resend_at = math.inf

    def due(self, acked: int, last: int) -> float:
        """When there is something to send; last: of the events that exist."""
        in_flight = self.sent - acked
        has_room = last > self.sent and in_flight < self.pace.size
        send_at = self._blocked_until if has_room else math.inf
        resend_at = self._resend_at if in_flight > 0 else math.inf
        return min(send_at, resend_at)

    def expire(self, acked: int, now_s: float) -> int:
        """Take back what was sent and not acked in time; how many events that is."""
        in_flight = self.sent - acked
        if in_flight <= 0 or now_s < self._resend_at:
            return 0
        self.sent = acked
        self._resend_wait = min(self._resend_wait * 2, self.pace.resend_max_s)
        self._resend_later(now_s)
        return in_flight

    def room(self, acked: int) -> Room:
        in_flight = max(0, self.sent - acked)
        return Room(self.sent, self.pace.size - in_flight, self._resets, self.sent <= acked)

    def handed_over(self, room: Room, seq: int, now_s: float) -> None:
        """The events of this room up to `seq` have left."""
        if self._resets == room.resets:
            self.sent = max(self.sent, seq)
        if room.was_idle:
            self._resend_later(now_s)

    def blocked(self, now_s: float) -> None:
        """The connection takes no more: nothing is due for BLOCKED_S."""
        self._blocked_until = now_s + BLOCKED_S

    def heard(self, seq: int, now_s: float) -> None:
        """The controller has acked more: up to `seq`."""
        self.sent = max(self.sent, seq)
        self._resend_wait = self.pace.resend_s
        self._resend_later(now_s)

    def _resend_later(self, now_s: float) -> None:
        jittered = self._resend_wait * self._chance.uniform(0.75, 1.25)
        self._resend_at = now_s + min(jittered, self.pace.resend_max_s)
