"""What the units of one hall say, on its way to the writer: in order, each message once, acked when stored.

Hides the lanes and their lock: which message is with the writer, which waits for one before it, and what
happens when the store cannot take one or the program fails on it (R5, R6, R7).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import NamedTuple

from controller.draft import raised
from controller.hall.model import Refused
from controller.inbox import Lane
from controller.live import Answer, Live, NotRunning
from controller.meanings import Message
from controller.postings import Poison, Posting, Postings
from controller.store.errors import StoreFailed
from firmware.protocol.guard import Guard

_logger = logging.getLogger(__name__)


class Due(NamedTuple):
    """What to tell a unit: all up to `hi` of this life of its store is committed; say `miss` again."""

    unit: str
    epoch: str
    hi: int
    miss: Sequence[tuple[int, int]] = ()


class Intake:
    """The lanes of one hall's units. Any thread may use it."""

    def __init__(
        self,
        live: Live,
        postings: Postings,
        guard: Guard,
        committed: Callable[[str, Posting], None],
    ) -> None:
        """committed: told of each message that is stored, on the writer's thread; its ack is due then."""
        self._live, self._postings, self._guard = live, postings, guard
        self._committed = committed
        self._lock = threading.Lock()
        self._lanes: dict[tuple[str, str], Lane[Posting]] = {}
        self._acks: set[tuple[str, str]] = set()

    def hear(self, message: Message, posting: Posting) -> bool:
        """Take a message in; False when it is committed already, so that its ack is due again."""
        with self._lock:
            lane = self._lane(message.unit, message.epoch)
            is_new = lane.offer(message.seq, posting)
            if not is_new:
                self._acks.add((message.unit, message.epoch))
        if is_new:
            self._advance(lane)
        return is_new

    @property
    def is_stalled(self) -> bool:
        """Messages wait because the store cannot take them."""
        with self._lock:
            return any(lane.is_stalled for lane in self._lanes.values())

    def heard_up_to(self, unit: str, epoch: str) -> int:
        """The last message of a unit that is committed, or passed over because nobody has it any more."""
        with self._lock:
            return self._lane(unit, epoch).hi

    def acks(self) -> list[Due]:
        """The acks that became due since the last time."""
        with self._lock:
            due = [Due(unit, epoch, self._lanes[unit, epoch].hi) for unit, epoch in self._acks]
            self._acks.clear()
        return due

    def ack_all(self) -> None:
        """Every lane's ack is due again."""
        with self._lock:
            self._acks.update(self._lanes)

    def retry(self, now_s: float, wait_s: float) -> list[Due]:
        """Try again what could not be stored; the gaps that have stayed for wait_s, to be asked for."""
        with self._lock:
            lanes = list(self._lanes.values())
            gaps = [Due(one.unit, one.epoch, one.hi, one.missing(now_s, wait_s)) for one in lanes]
        for lane in lanes:
            self._advance(lane)
        return [gap for gap in gaps if gap.miss]

    def _lane(self, unit: str, epoch: str) -> Lane[Posting]:
        found = self._lanes.get((unit, epoch))
        if found is None:
            found = self._lanes[unit, epoch] = Lane(unit, epoch, self._live.heard_up_to(unit, epoch))
        return found

    def _advance(self, lane: Lane[Posting]) -> None:
        """Give the lane's next message to the writer, unless one is there already."""
        with self._lock:
            taken = lane.take()
        if taken is None:
            return
        seq, posting = taken
        posted: list[Future[Answer]] = []
        error = raised(lambda: posted.append(posting.post(Message(lane.unit, lane.epoch, seq))))
        if error is None:
            posted[0].add_done_callback(lambda done: self._posted(lane, seq, posting, done))
        elif isinstance(error, NotRunning):
            with self._lock:
                lane.failed()
        else:
            self._could_not(lane, seq, posting, error)

    def _posted(self, lane: Lane[Posting], seq: int, posting: Posting, done: Future[Answer]) -> None:
        """On the writer's thread, after the commit (R6): ack, then the next."""
        error = done.exception()
        if isinstance(error, StoreFailed | NotRunning):
            with self._lock:
                lane.failed()
            return
        if error is not None and not isinstance(error, Refused):
            self._could_not(lane, seq, posting, error)
            return
        if isinstance(error, Refused):
            self._guard.count("refused")
        with self._lock:
            lane.committed(seq)
            self._acks.add((lane.unit, lane.epoch))
        self._committed(lane.unit, posting)
        self._advance(lane)

    def _could_not(self, lane: Lane[Posting], seq: int, posting: Posting, error: BaseException) -> None:
        """A mistake of this program in one message: set it aside, so that those behind it go on (R7)."""
        _logger.error("hall %s: message %d of %s failed", self._live.id, seq, lane.unit, exc_info=error)
        self._guard.count("quarantined")
        with self._lock:
            if isinstance(posting, Poison):
                lane.failed()  # even setting it aside failed; try again later
                return
            lane.replace(seq, self._postings.poison_of(posting, lane.unit, error))
        self._advance(lane)
