"""Orders on their way: sent until the unit answers or their time is over (R8, R9).

Safe for threads. Times are seconds of the monotonic clock, given by the caller, so that nothing here
depends on clocks being right; only `iss` on the wire is real time.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, MutableMapping
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from controller.clock import HallClock
from controller.store.orders import PendingOrder, Settled
from controller.timings import Timings
from firmware.protocol.messages import Command, Print, Speak

SLIP, VOICE = Print.__name__, Speak.__name__
RESULTS_EVERY_S = 0.1
PATIENCE = 5  # times resend_s, for an order the unit has received: a slip takes 1-4 s at 9600 baud


@dataclass(slots=True)
class _Sent:
    order: PendingOrder
    ends_s: float
    again_s: float  # when to send it (again)
    stored_s: float
    press_s: float | None = None  # when the press came that the slip is for
    sent_s: float | None = None  # when it was sent first
    is_taken: bool = False  # the unit said that it has it


class Results:
    """Final results of orders, kept back for a moment so that many share a commit.

    One lost when the program ends is told again: its order is still pending, is sent once more, and the
    unit answers from memory (R8).
    """

    def __init__(self) -> None:
        self._kept: deque[tuple[str, Settled]] = deque()
        self._due_at = 0.0

    def add(self, unit: str, result: Settled) -> None:
        self._kept.append((unit, result))

    def due(self, now_s: float) -> list[tuple[str, Settled]]:
        """What units said since the last time, which is RESULTS_EVERY_S ago; nothing before."""
        if now_s < self._due_at:
            return []
        self._due_at = now_s + RESULTS_EVERY_S
        return [self._kept.popleft() for _ in range(len(self._kept))]


class Courier:
    """The orders of one hall without a final result."""

    def __init__(self, clock: HallClock, gen: int, resend_s: float, timings: Timings | None = None) -> None:
        self._clock, self._gen, self._resend_s = clock, gen, resend_s
        self._timings = timings or Timings()
        self._lock = threading.Lock()
        self._sent: dict[str, _Sent] = {}

    def __len__(self) -> int:
        with self._lock:
            return len(self._sent)

    def add(
        self,
        orders: Iterable[PendingOrder],
        now_s: float,
        pressed: MutableMapping[str, float] | None = None,
    ) -> None:
        """Take orders over that are committed. Their age counts from when they were issued.

        pressed: by unit, when the press came that a slip among them answers; what is used is taken out.
        """
        now = self._clock.now()
        with self._lock:
            for order in orders:
                age_s = max(0.0, self._clock.real_seconds(now - order.issued_at))
                ends_s = now_s - age_s + order.ttl_ms / 1000
                press_s = pressed.pop(order.unit, None) if pressed and order.t == SLIP else None
                self._sent.setdefault(order.cid, _Sent(order, ends_s, now_s, now_s, press_s))

    def settle(self, results: Iterable[Settled], unit: str, now_s: float | None = None) -> list[Settled]:
        """Forget orders of the unit that have a final result; those of the results that were on their way."""
        with self._lock:
            known = [result for result in results if self._is_of(result[0], unit)]
            gone = [self._sent.pop(cid) for cid in {cid for cid, _, _ in known}]
        for sent in gone:
            if now_s is not None and sent.sent_s is not None:
                self._timings.order_answered.observe(now_s - sent.sent_s)
        return known

    def _is_of(self, cid: str, unit: str) -> bool:
        sent = self._sent.get(cid)
        return sent is not None and sent.order.unit == unit

    def again(self, now_s: float, unit: str | None = None) -> None:
        """A connection is back: send everything now, or everything of one unit."""
        with self._lock:
            for sent in self._sent.values():
                if unit in (None, sent.order.unit):
                    sent.again_s = now_s

    def received(self, cid: str, now_s: float) -> None:
        """The unit has it and is at work: ask again only when that takes long."""
        with self._lock:
            sent = self._sent.get(cid)
            if sent is not None:
                sent.again_s = now_s + PATIENCE * self._resend_s
                if sent.order.t == VOICE and not sent.is_taken:
                    sent.is_taken = True
                    self._timings.voice_taken.observe(now_s - sent.stored_s)

    def due(
        self,
        now_s: float,
        is_here: Callable[[str], bool] = lambda unit: True,
        among: Iterable[PendingOrder] | None = None,
    ) -> list[tuple[str, Command]]:
        """What to send now, oldest first, and to whom; each comes again after resend_s.

        among: only these; None: all that are on their way.
        """
        with self._lock:
            asked = self._sent.values() if among is None else self._those(among)
            due = [sent for sent in asked if sent.again_s <= now_s < sent.ends_s]
            due = [sent for sent in due if is_here(sent.order.unit)]
            for sent in due:
                sent.again_s = now_s + self._resend_s
                if sent.sent_s is None:
                    self._note_sent(sent, now_s)
        return [(sent.order.unit, self._command(sent, now_s)) for sent in due]

    def _those(self, orders: Iterable[PendingOrder]) -> list[_Sent]:
        return [self._sent[order.cid] for order in orders if order.cid in self._sent]

    def _note_sent(self, sent: _Sent, now_s: float) -> None:
        sent.sent_s = now_s
        self._timings.order_sent.observe(now_s - sent.stored_s)
        if sent.press_s is not None:
            self._timings.slip_ordered.observe(now_s - sent.press_s)

    def expired(self, now_s: float) -> list[PendingOrder]:
        """Orders nobody carried out in time; they are forgotten here."""
        with self._lock:
            late = [sent.order for sent in self._sent.values() if sent.ends_s <= now_s]
            for order in late:
                del self._sent[order.cid]
        return late

    def _command(self, sent: _Sent, now_s: float) -> Command:
        age_s = max(0.0, sent.order.ttl_ms / 1000 - (sent.ends_s - now_s))
        return Command(
            cid=sent.order.cid,
            t=sent.order.t,
            gen=self._gen,
            iss=self._clock.real_now() - timedelta(seconds=age_s),
            ttl_ms=sent.order.ttl_ms,
            d=msgspec.Raw(sent.order.body),
        )
