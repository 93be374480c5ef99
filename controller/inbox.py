"""What one unit said, put in order: one message at a time, none twice, none skipped without asking.

Pure bookkeeping (R5): a message that comes early waits in memory for those before it; a gap that stays
is asked for. The unit keeps everything until it is acked, so what is dropped here comes again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")

WAITING_MOST = 1024  # of one unit; its send window is 64 (R4)
ASKS_MOST = 30  # then the unit evidently does not have the missing messages any more


@dataclass(slots=True)
class Lane(Generic[T]):
    """The messages of one unit in one life of its store. hi: the last one committed."""

    unit: str
    epoch: str
    hi: int
    is_busy: bool = False  # one is with the writer
    is_stalled: bool = False  # the writer could not store it: until it has
    skipped: int = 0  # messages nobody has any more
    _waiting: dict[int, T] = field(default_factory=dict)
    _gap_since: float | None = None
    _asks: int = 0
    _has_spoken: bool = False  # since the gap was asked for last

    def offer(self, seq: int, item: T) -> bool:
        """Take a message in; False when it is committed already, so that its ack is due again."""
        self._has_spoken = True
        if seq <= self.hi:
            return False
        if len(self._waiting) < WAITING_MOST or seq == self.hi + 1:
            self._waiting.setdefault(seq, item)
        return True

    def take(self) -> tuple[int, T] | None:
        """The next message for the writer; None while it is not there or one is with the writer."""
        seq = self.hi + 1
        if self.is_busy or seq not in self._waiting:
            return None
        self.is_busy = True
        return seq, self._waiting[seq]

    def committed(self, seq: int) -> None:
        self._waiting.pop(seq, None)
        self.hi = max(self.hi, seq)
        self.is_busy, self.is_stalled, self._gap_since, self._asks = False, False, None, 0

    def failed(self) -> None:
        """The writer could not store it: the same message is next again."""
        self.is_busy, self.is_stalled = False, True

    def replace(self, seq: int, item: T) -> None:
        """Let another item stand for a message that could not be used."""
        self._waiting[seq] = item
        self.is_busy = self.is_stalled = False

    def missing(self, now_s: float, wait_s: float) -> list[tuple[int, int]]:
        """The gap to ask for, when one has stayed for wait_s; asked again every wait_s.

        After ASKS_MOST times the gap is passed over, and counted in `skipped`. A unit that says nothing
        may be without power: what it has not been heard to leave out again counts as no answer.
        """
        if self.is_busy or not self._waiting or self.hi + 1 in self._waiting:
            self._gap_since = None
            return []
        if self._gap_since is None:
            self._gap_since = now_s
        if now_s - self._gap_since < wait_s:
            return []
        self._gap_since, self._asks = now_s, self._asks + self._has_spoken
        self._has_spoken = False
        lowest = min(self._waiting)
        if self._asks > ASKS_MOST:
            self.skipped += lowest - self.hi - 1
            self.hi, self._asks, self._gap_since = lowest - 1, 0, None
            return []
        return [(self.hi + 1, lowest - 1)]
