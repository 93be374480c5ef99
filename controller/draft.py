"""One batch of submissions on its way to a commit: decided one after another, stored together.

Hides what makes a submission count once (its key, the number of its message) and what is stored with
the events it led to. Nothing here can be seen by anybody until the writer publishes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from controller import people
from controller.hall.commands import Command
from controller.hall.effects import Effect
from controller.hall.engine import effects, steps
from controller.hall.events import Event
from controller.hall.model import Hall, Refused
from controller.people import Actor, ActorKind
from controller.store import Store, log
from controller.store.errors import is_outage
from controller.store.orders import PendingOrder, Settled

Told = tuple[Event, list[Effect]]
Render = Callable[[Hall, Sequence[Told], datetime], list[PendingOrder]]
Record = Callable[[Connection], None]


@dataclass(frozen=True, slots=True)
class Excused:
    """What a refusal leaves: orders that tell of it, and rows that keep what was refused."""

    orders: Sequence[PendingOrder] = ()
    records: Sequence[Record] = ()


Excuse = Callable[[Refused, Hall, datetime], Excused]


@dataclass(frozen=True, slots=True)
class Heard:
    """A message of a unit: which life of its store, which number. The mark moves up to it."""

    unit: str
    epoch: str
    seq: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a submission. hall: just after it. repeated: it had been done before.

    events of a repeated key are those of the first time; of a message heard before they are empty.
    """

    events: tuple[Event, ...]
    hall: Hall
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Committed:
    """What one commit changed, in order. told: each event with its effects; hall: after all of it."""

    events: tuple[Event, ...]
    effects: tuple[Effect, ...]
    orders: tuple[PendingOrder, ...]
    hall: Hall
    seq: int
    at: datetime
    told: tuple[Told, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Submission:
    command: Command | None
    by: Actor
    key: str | None
    heard: Heard | None
    settle: tuple[Settled, ...]
    records: tuple[Record, ...]
    orders: tuple[PendingOrder, ...]
    on_refused: Excuse | None
    future: Future[Answer] = field(default_factory=Future)


@dataclass(frozen=True, slots=True)
class Standing:
    """The hall as it is committed: after which event, of what time, and what was heard of each unit."""

    hall: Hall
    seq: int
    at: datetime | None
    marks: Mapping[log.Mark, int]


class Draft:
    """One batch on its way: the provisional hall and the rows that will make it true."""

    def __init__(
        self,
        store: Store,
        render: Render,
        standing: Standing,
        now: datetime,
        transaction: ExitStack,
    ) -> None:
        self._store = store
        self._render = render
        self._transaction = transaction
        self._connection: Connection | None = None
        self.now = now
        self.hall = standing.hall
        self.seq = standing.seq
        self._at = standing.at
        self.marks = dict(standing.marks)
        self.batch = log.Batch(standing.hall.id, now)
        self.told: list[Told] = []
        self.outcomes: list[Answer | BaseException] = []
        self._answers: dict[str, range] = {}
        self._decided: dict[str, tuple[Event, ...]] = {}

    @property
    def is_stored(self) -> bool:
        return self._connection is not None

    def standing(self) -> Standing:
        at = self.told[-1][0].at if self.told else self._at
        return Standing(self.hall, self.seq, at, self.marks)

    def committed(self) -> Committed:
        return Committed(
            events=tuple(event for event, _ in self.told),
            effects=tuple(effect for _, follows in self.told for effect in follows),
            orders=tuple(self.batch.orders),
            hall=self.hall,
            seq=self.seq,
            at=self.now,
            told=tuple(self.told),
        )

    def recall(self, batch: Sequence[Submission]) -> None:
        """Look up which keys of the batch were answered before."""
        keys = {asked.key for asked in batch if asked.key is not None}
        if keys:
            self._answers = log.answered(self._connected(), self.hall.id, keys)

    def take(self, asked: Submission) -> None:
        """Decide one submission. Raises only what makes the whole batch impossible."""
        outcome: list[Answer] = []
        error = raised(lambda: outcome.append(self._answer(asked)))
        if error is not None and is_outage(error):
            raise error
        if isinstance(error, Refused):
            self._excuse(asked, error)
        self.outcomes.append(outcome[0] if error is None else error)

    def write(self) -> None:
        if not self.batch.is_empty():
            log.write(self._connected(), self.batch)

    def _connected(self) -> Connection:
        """The transaction, begun when something first needs it: a Tick that decides nothing has none."""
        if self._connection is None:
            self._connection = self._transaction.enter_context(self._store.writing())
        return self._connection

    def _answer(self, asked: Submission) -> Answer:
        if asked.heard is not None and asked.heard.seq <= self._mark(asked.heard):
            return Answer((), self.hall, repeated=True)
        if asked.key is not None and (asked.key in self._answers or asked.key in self._decided):
            events = self._events_of(asked.key)
            self._accompany(asked)
            return Answer(events, self.hall, repeated=True)
        return self._decide(asked)

    def _mark(self, heard: Heard) -> int:
        return self.marks.get((heard.unit, heard.epoch), 0)

    def _events_of(self, key: str) -> tuple[Event, ...]:
        if key not in self._decided:
            seqs = self._answers[key]
            self._decided[key] = log.answer_events(self._connected(), self.hall.id, seqs)
        return self._decided[key]

    def _decide(self, asked: Submission) -> Answer:
        hall, told, noted = self.hall, list[Told](), log.Noted()
        if asked.command is not None:
            people.check(asked.by, asked.command, hall)
            for event, after in steps(hall, asked.command, self.now):
                hall = after
                told.append((event, effects(hall, event)))
                noted.note(hall, self.seq + len(told), event, f"{asked.by.kind}/{asked.by.id}")
        rows = [
            log.event_row(self.hall.id, self.seq + n, event, asked.by.kind.value, asked.by.id)
            for n, (event, _) in enumerate(told, start=1)
        ]
        orders = self._render(hall, told, self.now) if told else []
        self._run_records(asked.records)
        self.batch.noted.merge(noted)
        self.batch.orders += [*orders, *asked.orders]
        self._adopt(asked, hall, told, rows)
        return Answer(tuple(event for event, _ in told), hall)

    def _run_records(self, records: Sequence[Record]) -> None:
        """Let the caller write its own rows; if it raises, none of them stay."""
        if records:
            with self._connected().begin_nested() as savepoint:
                for record in records:
                    record(savepoint.connection)

    def _adopt(self, asked: Submission, hall: Hall, told: list[Told], rows: list[log.Row]) -> None:
        first = self.seq + 1
        self.hall, self.seq = hall, self.seq + len(rows)
        self.told += told
        self.batch.events += rows
        if asked.key is not None:
            self._decided[asked.key] = tuple(event for event, _ in told)
            seqs = range(first, self.seq + 1)
            self.batch.answers.append(log.answer_row(self.hall.id, asked.key, self.now, seqs))
        self._accompany(asked)

    def _accompany(self, asked: Submission) -> None:
        """What is true whatever was decided: the message was heard, orders were carried out."""
        if asked.heard is not None:
            mark = (asked.heard.unit, asked.heard.epoch)
            self.marks[mark] = self.batch.marks[mark] = asked.heard.seq
        owner = asked.by.id if asked.by.kind is ActorKind.UNIT else ""
        self.batch.settled += [(owner, result) for result in asked.settle]

    def _excuse(self, asked: Submission, refused: Refused) -> None:
        self._accompany(asked)
        if asked.on_refused is not None:
            excused = asked.on_refused(refused, self.hall, self.now)
            self._run_records(excused.records)
            self.batch.orders += excused.orders


def raised(work: Callable[[], object]) -> Exception | None:
    """What `work` raised. Here a mistake in one command or subscriber stops at the one who made it."""
    try:
        work()
    except Exception as error:
        return error
    return None
