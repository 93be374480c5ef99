"""The running hall: one writer decides everything that is asked of it, stores it, then tells the world.

Whoever wants something posts it: a command, what a unit was heard to say, what became of an order,
rows of one's own. The writer takes all that has queued up, decides one after another against the
provisional hall and commits the lot in one transaction. Only then can the new hall be seen, do
those who asked get their answers and hear the subscribers of it. If the commit fails nothing has
happened and everybody is told so.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from controller.announcements import Announcements
from controller.clock import HallClock
from controller.counsel import Counsel
from controller.draft import (
    Answer,
    Committed,
    Draft,
    Excuse,
    Excused,
    Heard,
    Record,
    Render,
    Standing,
    Submission,
    Told,
    raised,
)
from controller.hall import commands
from controller.hall.commands import Command, TakeTicket
from controller.hall.model import Hall, HallError, WindowState
from controller.lookout import LOOK_S, Lookout
from controller.people import SYSTEM, Actor
from controller.shows import Shows
from controller.store import Store, log
from controller.store.errors import StoreFailed
from controller.store.orders import PendingOrder, Settled
from controller.timings import Timings
from firmware.protocol.logs import Outages

__all__ = [
    "Answer",
    "Committed",
    "Excuse",
    "Excused",
    "Heard",
    "Live",
    "NoAnswer",
    "NotRunning",
    "PendingOrder",
    "Record",
    "Render",
    "Settled",
    "Told",
    "Touches",
]

BATCH = 256  # submissions that share a commit at most
SNAPSHOT_EVERY = 200  # events, or as many as the hall has tickets: so a snapshot costs each event the same
PRUNE_EVERY = timedelta(hours=6)
STEP_BACK = timedelta(minutes=1)  # a clock set back by less does not turn the hall's time back
STOP_TIMEOUT_S = 10.0

_logger = logging.getLogger(__name__)


class NotRunning(HallError):
    """The hall is not started, or is being stopped; nothing was done."""


class NoAnswer(HallError):
    """The hall did not answer in time; whether it was done is unknown. Ask again with the same key."""


class Live:
    """A running hall. Any thread may read `hall`, post and submit."""

    def __init__(
        self,
        hall_id: str,
        store: Store,
        clock: HallClock,
        render: Render,
        *,
        tick_every: timedelta | None = timedelta(seconds=1),
        lost_after_s: float = 30.0,
        snapshot_every: int = SNAPSHOT_EVERY,
        look_every_s: float = LOOK_S,
        shows: Shows | None = None,
    ) -> None:
        """tick_every: hall time between ticks; None: time passes only by posted Ticks.

        lost_after_s: real seconds without a touch after which a window counts as lost (W7).
        look_every_s: real seconds between two forecasts of the waits. shows: what its staff chose.
        """
        self.id = hall_id
        self.store = store
        self.clock = clock
        self.render = render
        self.timings = Timings()
        self.outages = Outages(_logger, {"hall": hall_id})
        self.lookout = Lookout(lambda: self.hall, clock.now, look_every_s)
        self.announcements = Announcements(store, hall_id, clock.now())
        self.shows = shows or Shows(store, hall_id, UTC)
        self.counsel = Counsel(lambda: self.hall, clock.now)
        self._tick_every = tick_every
        self._snapshot_every = snapshot_every
        self._touches = Touches(lost_after_s)
        self._queue: queue.SimpleQueue[Submission | None] = queue.SimpleQueue()
        self._subscribers: tuple[Callable[[Committed], None], ...] = ()
        self._gate = threading.Lock()
        self._stopping = threading.Event()
        self._threads: tuple[threading.Thread, ...] = ()
        self._load()

    def _load(self) -> None:
        self._standing = self._stored()
        self._kept_seq = self._standing.seq
        self._pruned_at: datetime | None = None
        self._is_doubtful = False  # whether the last commit failed, which a lost server may yet have stored

    def _stored(self) -> Standing:
        with self.store.reading() as c:
            hall, seq = log.load(c, self.id)
            return Standing(hall, seq, log.last_event_at(c, self.id), log.marks(c, self.id))

    @property
    def hall(self) -> Hall:
        """The hall as last committed: a value, it does not change under its reader."""
        return self._standing.hall

    @property
    def seq(self) -> int:
        """Number of the last committed event."""
        return self._standing.seq

    def heard_up_to(self, unit: str, epoch: str) -> int:
        """The last message of the unit that is committed here; 0: none."""
        return self._standing.marks.get((unit, epoch), 0)

    # --- asking

    def post(
        self,
        command: Command | None,
        by: Actor,
        *,
        key: str | None = None,
        heard: Heard | None = None,
        settle: Sequence[Settled] = (),
        records: Sequence[Record] = (),
        orders: Sequence[PendingOrder] = (),
        on_refused: Excuse | None = None,
    ) -> Future[Answer]:
        """Hand something to the writer; all of one submission is stored together or not at all.

        key: of a request that may be repeated; the same key gets the first answer again.
        heard: its number is committed as heard, also when the command is refused; heard before: nothing
        is done. settle: what became of orders, kept even when the command is refused.
        records: called with the transaction, after the command is decided and before this batch's own rows
        are written; one that raises undoes this submission alone. orders: sent besides those that follow
        from the events. on_refused: what a refusal leaves, stored with the mark.

        The Future raises Refused, what a record raised, or StoreFailed (nothing happened, ask again).
        """
        if isinstance(command, TakeTicket) and command.expected is None:
            joining = self.lookout.latest().joining.get((command.queue, command.klass))
            command = replace(command, expected=joining)
        asked = Submission(command, by, key, heard, tuple(settle), tuple(records), tuple(orders), on_refused)
        with self._gate:
            if not self._threads or self._stopping.is_set():
                raise NotRunning(f"hall {self.id} is not running")
            self._queue.put(asked)
        return asked.future

    def submit(
        self,
        command: Command | None,
        by: Actor,
        *,
        timeout_s: float = 10.0,
        key: str | None = None,
        heard: Heard | None = None,
        settle: Sequence[Settled] = (),
        records: Sequence[Record] = (),
        orders: Sequence[PendingOrder] = (),
    ) -> Answer:
        """Post and wait for the answer. Raises NoAnswer after timeout_s; not for subscribers to call."""
        if threading.current_thread() in self._threads:
            raise RuntimeError("submit() on the hall's own thread would wait for itself; use post()")
        future = self.post(command, by, key=key, heard=heard, settle=settle, records=records, orders=orders)
        try:
            return future.result(timeout_s)
        except NotYet:
            if future.cancel():
                raise StoreFailed(f"hall {self.id} is too busy; nothing was done, try again") from None
            raise NoAnswer(f"hall {self.id} did not answer within {timeout_s:g} s") from None

    def subscribe(self, callback: Callable[[Committed], None]) -> Callable[[], None]:
        """Call back after every commit, in order, on the writer's thread: be brief. Returns how to end it."""
        with self._gate:
            self._subscribers = (*self._subscribers, callback)

        def unsubscribe() -> None:
            with self._gate:
                self._subscribers = tuple(one for one in self._subscribers if one is not callback)

        return unsubscribe

    def touch(self, window: int) -> None:
        """A console or keypad of this window was heard; without it the window is lost after a while (W7)."""
        self._touches.touch(window, time.monotonic())

    # --- running

    def start(self) -> None:
        with self._gate:
            self._threads = (
                threading.Thread(target=self._write, name=f"hall-{self.id}", daemon=True),
                threading.Thread(target=self._keep, name=f"hall-{self.id}-keeper", daemon=True),
            )
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Decide what is queued, keep a snapshot and end; posts from now on raise NotRunning."""
        with self._gate:
            if not self._threads or self._stopping.is_set():
                return
            self._stopping.set()
            self._queue.put(None)
        for thread in self._threads:
            thread.join(STOP_TIMEOUT_S)
        self._attempt_upkeep(self.keep_snapshot)

    def keep_snapshot(self) -> None:
        """Store the hall as it is now, so that a start need not replay what came before."""
        standing = self._standing
        if standing.seq == self._kept_seq:
            return
        body, now = log.encoded(standing.hall), self.clock.now()
        with self.store.writing() as c:
            log.keep_snapshot(c, standing.hall, standing.seq, body, now)
        self._kept_seq = standing.seq

    # --- the writer

    def _write(self) -> None:
        while True:
            batch = self._next_batch()
            if batch is None:
                return
            self._commit([asked for asked in batch if asked.future.set_running_or_notify_cancel()])

    def _next_batch(self) -> list[Submission] | None:
        """What has queued up, waiting for the first; None at the end."""
        batch: list[Submission] = []
        try:
            while len(batch) < BATCH:
                asked = self._queue.get(block=not batch)
                if asked is None:
                    if not batch:
                        return None
                    self._queue.put(None)
                    return batch
                batch.append(asked)
        except queue.Empty:
            pass
        return batch

    def _commit(self, batch: Sequence[Submission]) -> None:
        drafts: list[Draft] = []
        began_s = time.monotonic()
        error = raised(lambda: drafts.append(self._drafted(batch)))
        if error is None:
            if drafts[0].is_stored:
                self.timings.commit.observe(time.monotonic() - began_s)
            self._publish(batch, drafts[0])
        elif isinstance(error, StoreFailed):
            self._failed(batch, error)
        else:
            self._apart(batch, error)

    def _drafted(self, batch: Sequence[Submission]) -> Draft:
        """Decide and commit the batch. Raises when nothing of it was stored."""
        if self._is_doubtful:
            self._catch_up()
        with ExitStack() as transaction:
            draft = Draft(self.store, self.render, self._standing, self._now(), transaction)
            draft.recall(batch)
            for asked in batch:
                draft.take(asked)
            draft.write()
        return draft

    def _catch_up(self) -> None:
        """After a failed commit: whoever asked again with the same key gets the answer that was stored."""
        stored = self._stored()
        if stored.seq != self._standing.seq:
            _logger.warning(
                "hall %s: a commit that failed had been stored, up to event %d", self.id, stored.seq
            )
            self._standing = stored
        self._is_doubtful = False

    def _now(self) -> datetime:
        now, last = self.clock.now(), self._standing.at
        return last if last is not None and timedelta() < last - now < STEP_BACK else now

    def _apart(self, batch: Sequence[Submission], error: Exception) -> None:
        """Something was wrong with one of them: decide them one by one, so that it fails alone."""
        if len(batch) > 1:
            for asked in batch:
                self._commit([asked])
            return
        _logger.error("hall %s: a submission failed", self.id, exc_info=error)
        batch[0].future.set_exception(_named(error))

    def _failed(self, batch: Sequence[Submission], error: StoreFailed) -> None:
        self.outages.begin("store", str(error))
        self._is_doubtful = True
        for asked in batch:
            asked.future.set_exception(error)

    def _publish(self, batch: Sequence[Submission], draft: Draft) -> None:
        if draft.is_stored:
            self.outages.end("store")
        self._standing = draft.standing()
        for asked, outcome in zip(batch, draft.outcomes, strict=True):
            if isinstance(outcome, Answer):
                asked.future.set_result(outcome)
            else:
                asked.future.set_exception(outcome)
        if draft.told or draft.batch.orders:
            committed = draft.committed()
            for callback in self._subscribers:
                self._tell(callback, committed)

    def _tell(self, callback: Callable[[Committed], None], committed: Committed) -> None:
        error = raised(lambda: callback(committed))
        if error is not None:
            _logger.error("hall %s: a subscriber failed", self.id, exc_info=error)

    # --- the keeper: time, lost windows, snapshots

    def _keep(self) -> None:
        tick: Future[Answer] | None = None
        while not self._stopping.wait(self._pause_s()):
            if self._tick_every is not None and (tick is None or tick.done()):
                tick = self._post_own(commands.Tick())
            for command in self._touches.lost_and_found(self.hall, time.monotonic()):
                self._post_own(command)
            if self.seq - self._kept_seq >= max(self._snapshot_every, len(self.hall.tickets)):
                self._attempt_upkeep(self.keep_snapshot)
            self._attempt_upkeep(self._prune)

    def _pause_s(self) -> float:
        return 1.0 if self._tick_every is None else self.clock.real_seconds(self._tick_every)

    def _post_own(self, command: Command) -> Future[Answer] | None:
        try:
            future = self.post(command, SYSTEM)
        except NotRunning:
            return None
        future.add_done_callback(self._log_unexpected)
        return future

    def _log_unexpected(self, future: Future[Answer]) -> None:
        error = None if future.cancelled() else future.exception()
        if error is not None and not isinstance(error, HallError):
            _logger.error("hall %s: the passing of time failed", self.id, exc_info=error)

    def _prune(self) -> None:
        now = self.clock.now()
        if self._pruned_at is not None and abs(now - self._pruned_at) < PRUNE_EVERY:
            return
        with self.store.writing() as c:
            log.prune(c, self.id, now)
        self._pruned_at = now

    def _attempt_upkeep(self, work: Callable[[], None]) -> None:
        """Upkeep can wait: what fails now is tried again later, and the writer tells of the outage."""
        error = raised(work)
        if isinstance(error, StoreFailed):
            _logger.debug("hall %s: upkeep put off: %s", self.id, error)
        elif error is not None:
            _logger.error("hall %s: upkeep failed", self.id, exc_info=error)


class Touches:
    """When each window was last heard of, in monotonic seconds."""

    def __init__(self, lost_after_s: float) -> None:
        self._lost_after_s = lost_after_s
        self._at: dict[int, float] = {}
        self._staffed_since: dict[int, float] = {}

    def touch(self, window: int, now_s: float) -> None:
        self._at[window] = now_s

    def lost_and_found(self, hall: Hall, now_s: float) -> list[Command]:
        """LoseWindow for staffed windows silent for too long, RestoreWindow for lost ones heard again.

        A window counts as heard when it is first seen staffed: its clerk has just logged in, or the
        controller has just started.
        """
        found: list[Command] = []
        for number, session in hall.sessions.items():
            heard_s = self._at.get(number, float("-inf"))
            if session.state in (WindowState.CLOSED, WindowState.OFFLINE):
                self._staffed_since.pop(number, None)
                if session.state is WindowState.OFFLINE and now_s - heard_s < self._lost_after_s:
                    found.append(commands.RestoreWindow(number))
            elif now_s - max(heard_s, self._staffed_since.setdefault(number, now_s)) >= self._lost_after_s:
                found.append(commands.LoseWindow(number))  # again until it is committed
        return found


def _named(error: Exception) -> Exception:
    """A row the database would not take is a failure to store it; other mistakes stay as they are."""
    return StoreFailed(f"it could not be stored: {error}") if isinstance(error, SQLAlchemyError) else error
