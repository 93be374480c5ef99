"""What a day's numbers come to after an outage: where each came from, why one is missing, what is in doubt.

Pure. Every number of a series from 1 to the last is accounted for: given online, set aside for a dispenser,
passed over; one that is none of these is said to be unexplained.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from controller.hall.events import (
    Event,
    NumbersLeased,
    NumbersPassedOver,
    SlipRecorded,
    TicketFinished,
    TicketIssued,
    TicketRated,
    TicketRenumbered,
)
from controller.hall.model import Plan, Slip

LATE_VOTE = timedelta(minutes=10)  # after the visit ended; the prompt on a keypad lasts a minute
CORRECTED = timedelta(seconds=2)  # what comes later was kept while nobody could be told


class Origin(StrEnum):
    """Where a number came from."""

    ONLINE = "online"
    LEASE = "lease"  # of a block set aside for the dispenser
    OWN = "own"  # of the dispenser's own series, when its block was used up


class Why(StrEnum):
    """Why a number has no citizen."""

    LEASED = "leased"  # set aside for a dispenser that did not need it
    PASSED_OVER = "passed_over"  # papers of before a restore may bear it
    RENUMBERED = "renumbered"  # the dispenser had given another number itself
    VOID = "void"  # its slip did not come out
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True)
class Source:
    """Numbers of one origin. unit: None of phones, desks and all dispensers together."""

    queue: str
    origin: Origin
    unit: str | None
    first: str
    last: str
    count: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers nobody was called by, first to last. ticket: which bore it, when one did."""

    first: str
    last: str
    count: int
    why: Why
    unit: str = ""
    ticket: int | None = None


@dataclass(frozen=True, slots=True)
class Doubt:
    """A slip of which nobody knows whether it came out whole."""

    ticket: int
    number: str
    unit: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Correction:
    """A ticket taken while nobody could be told."""

    ticket: int
    number: str
    unit: str
    taken_at: datetime
    heard_at: datetime


@dataclass(frozen=True, slots=True)
class LateVote:
    ticket: int
    number: str
    level: int
    finished_at: datetime
    heard_at: datetime


@dataclass(frozen=True, slots=True)
class Account:
    """Of one day."""

    issued: int
    sources: tuple[Source, ...]
    gaps: tuple[Gap, ...]
    doubts: tuple[Doubt, ...]
    corrections: tuple[Correction, ...]
    late_votes: tuple[LateVote, ...]

    @property
    def is_even(self) -> bool:
        """Whether every number is accounted for."""
        return all(gap.why is not Why.UNEXPLAINED for gap in self.gaps)


def reconcile(plan: Plan, events: Iterable[Event]) -> Account:
    """events: of the day, from its opening on."""
    day = _Day({queue.code: (queue.domain, queue.prefix) for queue in plan.queues})
    for event in events:
        day.take(event)
    return day.account(plan.rules.number_digits)


@dataclass(slots=True)
class _Series:
    """Numbers with one prefix."""

    given: set[int] = field(default_factory=set)
    passed: list[tuple[int, int]] = field(default_factory=list)

    @property
    def last(self) -> int:
        return max(max(self.given, default=0), max((last for _, last in self.passed), default=0))


@dataclass(slots=True)
class _Day:
    series_of: dict[str, tuple[str, str]]  # queue -> (domain, prefix)
    issued: dict[int, TicketIssued] = field(default_factory=dict)
    slips: dict[int, SlipRecorded] = field(default_factory=dict)
    renumbered: list[TicketRenumbered] = field(default_factory=list)
    leases: list[NumbersLeased] = field(default_factory=list)
    finished: dict[int, datetime] = field(default_factory=dict)
    votes: list[TicketRated] = field(default_factory=list)
    series: dict[tuple[str, str], _Series] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        match event:
            case TicketIssued():
                self.issued[event.ticket] = event
                if event.count is not None and event.queue in self.series_of:
                    self._series(event.queue).given.add(event.count)
            case SlipRecorded():
                self.slips[event.ticket] = event
            case TicketRenumbered():
                self.renumbered.append(event)
            case NumbersLeased():
                self.leases.append(event)
            case NumbersPassedOver() if event.queue in self.series_of:
                series = self._series(event.queue)
                series.passed.append((series.last + 1, event.last))
            case TicketFinished():
                self.finished[event.ticket] = event.at
            case TicketRated():
                self.votes.append(event)

    def account(self, digits: int) -> Account:
        return Account(
            issued=len(self.issued),
            sources=tuple(self._sources()),
            gaps=tuple(self._gaps(digits)),
            doubts=tuple(self._doubts()),
            corrections=tuple(self._corrections()),
            late_votes=tuple(self._late_votes()),
        )

    def _series(self, queue: str) -> _Series:
        return self.series.setdefault(self.series_of[queue], _Series())

    def _sources(self) -> Iterator[Source]:
        found: dict[tuple[str, Origin, str | None], list[str]] = {}
        for event in self.issued.values():
            origin = Origin.ONLINE if event.count is not None else self._offline_origin(event)
            unit = None if origin is Origin.ONLINE else self._unit(event)
            found.setdefault((event.queue, origin, unit), []).append(event.number)
        order = list(Origin)
        for (queue, origin, unit), numbers in sorted(
            found.items(), key=lambda item: (item[0][0], order.index(item[0][1]), item[0][2] or "")
        ):
            yield Source(queue, origin, unit, numbers[0], numbers[-1], len(numbers))

    def _offline_origin(self, event: TicketIssued) -> Origin:
        number = self._plain(event.queue, event.number)
        is_leased = number is not None and any(
            lease.first <= number <= lease.last for lease in self._leases_of(event.queue)
        )
        return Origin.LEASE if is_leased else Origin.OWN

    def _leases_of(self, queue: str) -> list[NumbersLeased]:
        series = self.series_of.get(queue)
        return [lease for lease in self.leases if self.series_of.get(lease.queue) == series]

    def _plain(self, queue: str, number: str) -> int | None:
        """The count in a number of its queue's series; None of any other."""
        prefix = self.series_of.get(queue, ("", ""))[1]
        rest = number.removeprefix(prefix)
        return int(rest) if number.startswith(prefix) and rest.isdecimal() else None

    def _gaps(self, digits: int) -> Iterator[Gap]:
        for (_, prefix), series in sorted(self.series.items()):
            for first, last in series.passed:
                yield _gap(prefix, digits, first, last, Why.PASSED_OVER)
            known = {n for first, last in series.passed for n in range(first, last + 1)}
            for first, last in _runs(set(range(1, series.last + 1)) - series.given - known):
                yield _gap(prefix, digits, first, last, Why.UNEXPLAINED)
        used = self._used()
        for lease in self.leases:
            prefix = self.series_of.get(lease.queue, ("", lease.queue))[1]
            for first, last in _runs(set(range(lease.first, lease.last + 1)) - used.get(lease.lease, set())):
                yield _gap(prefix, digits, first, last, Why.LEASED, lease.unit)
        for event in self.renumbered:
            unit = self._unit(self.issued.get(event.ticket))
            yield Gap(event.former, event.former, 1, Why.RENUMBERED, unit, event.ticket)
        for ticket, slip in self.slips.items():
            if slip.slip is Slip.VOID and ticket in self.issued:
                number = self._number(ticket)
                yield Gap(number, number, 1, Why.VOID, self._unit(self.issued[ticket]), ticket)

    def _used(self) -> dict[int, set[int]]:
        """Of each lease, the numbers that were given out."""
        used: dict[int, set[int]] = {}
        labels = [(event.queue, self._number(event.ticket)) for event in self.issued.values()]
        for queue, label in labels:
            number = self._plain(queue, label)
            for lease in self._leases_of(queue):
                if number is not None and lease.first <= number <= lease.last:
                    used.setdefault(lease.lease, set()).add(number)
        return used

    def _number(self, ticket: int) -> str:
        """What the ticket is called now."""
        newer = [event.number for event in self.renumbered if event.ticket == ticket]
        return newer[-1] if newer else self.issued[ticket].number

    def _unit(self, event: TicketIssued | None) -> str:
        return event.press.unit if event is not None and event.press is not None else ""

    def _doubts(self) -> Iterator[Doubt]:
        for ticket, slip in self.slips.items():
            if slip.slip is Slip.UNCERTAIN and ticket in self.issued:
                yield Doubt(ticket, self._number(ticket), self._unit(self.issued[ticket]), slip.at)

    def _corrections(self) -> Iterator[Correction]:
        for event in self.issued.values():
            if event.issued_at is not None and event.at - event.issued_at > CORRECTED:
                number, unit = self._number(event.ticket), self._unit(event)
                yield Correction(event.ticket, number, unit, event.issued_at, event.at)

    def _late_votes(self) -> Iterator[LateVote]:
        for event in self.votes:
            finished = self.finished.get(event.ticket)
            if finished is not None and event.ticket in self.issued and event.at - finished > LATE_VOTE:
                yield LateVote(event.ticket, self._number(event.ticket), event.level, finished, event.at)


def _gap(prefix: str, digits: int, first: int, last: int, why: Why, unit: str = "") -> Gap:
    return Gap(f"{prefix}{first:0{digits}d}", f"{prefix}{last:0{digits}d}", last - first + 1, why, unit)


def _runs(numbers: set[int]) -> Iterator[tuple[int, int]]:
    """Neighbours together: {1, 2, 5} -> (1, 2), (5, 5)."""
    run: list[int] = []
    for number in sorted(numbers):
        if run and number != run[-1] + 1:
            yield run[0], run[-1]
            run = []
        run.append(number)
    if run:
        yield run[0], run[-1]
