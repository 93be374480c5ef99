"""Which orders a unit carries out: each once, none late, none of a controller that was replaced.

Hides the generation that fences (R11), the results that are remembered (R8), what makes an order late (R9)
or unknown (R1), and which are being carried out.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from firmware.protocol.codec import BadMessage
from firmware.protocol.guard import Guard
from firmware.protocol.messages import VERSION, Command, Order, Result, ResultState, TimeQuality, decode_order
from firmware.protocol.outbox import Outbox

KEEP_DETAIL = 200  # characters of an error that travel to the controller

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Received:
    """An order to carry out. deadline: time.monotonic() after which it is answered `expired` (R9)."""

    cid: str
    order: Order
    deadline: float

    @property
    def is_late(self) -> bool:
        return time.monotonic() > self.deadline


class Orders:
    """Of one unit. Safe from any thread."""

    def __init__(
        self,
        outbox: Outbox,
        guard: Guard,
        tell: Callable[[Result], object],
        carry_out: Callable[[Received], None],
        came_late: Callable[[], None],
    ) -> None:
        """came_late: called after an order came that was late by the controller's time."""
        self._outbox, self._guard, self._tell = outbox, guard, tell
        self._carry_out, self._came_late = carry_out, came_late
        self._gen = int(outbox.get("gen") or 0)
        self._lock = threading.Lock()
        self._running: set[str] = set()  # cids being carried out

    def is_fenced(self, gen: int) -> bool:
        """Whether words of this generation come from a controller that was replaced (R11); counted."""
        if gen < self._gen:
            self._guard.count("fenced")
            return True
        return False

    def learn(self, gen: int) -> bool:
        """Remember the controller's generation; True when it is a later one."""
        if gen <= self._gen:
            return False
        self._gen = gen
        self._outbox.put("gen", gen)
        return True

    def ended(self, cid: str) -> None:
        """It is carried out, or could not be: when it comes again, what is remembered of it decides."""
        with self._lock:
            self._running.discard(cid)

    def came(self, command: Command) -> None:
        """Answer a command and, when it is news, carry its order out."""
        if self.is_fenced(command.gen):
            self._tell(Result(cid=command.cid, state=ResultState.REJECTED, code="fenced"))
            return
        self.learn(command.gen)
        known = self._outbox.result(command.cid)
        if known is not None:  # R8
            self._guard.count("orders_again")
            self._tell(known)
            return
        with self._lock:
            is_running = command.cid in self._running
        if is_running:
            self._tell(Result(cid=command.cid, state=ResultState.RECEIVED))
        else:
            self._begin(command)

    def _begin(self, command: Command) -> None:
        try:
            order = decode_order(command) if command.v <= VERSION else None
        except BadMessage as error:
            self._guard.count("bad_messages")
            self._reject(command, "bad_order", f"{error.field}: {error}")
            return
        if order is None:
            detail = f"this unit does not know {command.t} of version {command.v}"
            self._reject(command, "unknown_order", detail)
            return
        left_s = self._left_s(command)
        if left_s <= 0:
            self._expire(command)
            return
        with self._lock:
            self._running.add(command.cid)
        self._tell(Result(cid=command.cid, state=ResultState.RECEIVED))
        self._carry_out(Received(command.cid, order, time.monotonic() + left_s))

    def _reject(self, command: Command, code: str, detail: str) -> None:
        """Not remembered: after an update this unit may know the order."""
        log.error("order %s rejected: %s", command.cid, detail)
        result = Result(cid=command.cid, state=ResultState.REJECTED, code=code, detail=detail[:KEEP_DETAIL])
        self._tell(result)

    def _expire(self, command: Command) -> None:
        result = Result(cid=command.cid, state=ResultState.EXPIRED)
        self._outbox.finish(result)
        self._tell(result)
        self._came_late()

    def _left_s(self, command: Command) -> float:
        """R9: from receipt on our own clock; and of the controller's time, when we know it well."""
        ttl_s = command.ttl_ms / 1000
        clock = self._outbox.clock
        if clock.quality() is not TimeQuality.SYNCED:
            return ttl_s
        return min(ttl_s, ttl_s - clock.real_s(command.iss))
