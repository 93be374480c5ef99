"""The coming hours of a hall played through with chance, to compare what might be done about them.

Pure. People come and services last as a seed says: the same seed gives every variant of a hall the same
people with the same work (common random numbers, Law, Simulation Modeling and Analysis, ch. 11), so that two
variants differ by what was changed and hardly by luck. The rule is the one forward.py follows.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from controller.hall import paces
from controller.hall.forward import NOBODY, Lane, Play
from controller.hall.model import Hall, TicketClass
from controller.hall.roster import doubts_of

Demand = Mapping[tuple[str, TicketClass], float]  # people an hour per queue and class


class Chance(Protocol):
    """A seeded source of chance that is handed in: random.Random, which the hall itself may not import."""

    def expovariate(self, lambd: float) -> float: ...

    def gauss(self, mu: float, sigma: float) -> float: ...


class Arrival(NamedTuple):
    """Somebody who will come. work: how many times the usual his matter takes."""

    at: float  # seconds since 1970
    queue: str
    klass: TicketClass
    work: float


class Rehearsed(NamedTuple):
    """Waiting from the start to the end of a rehearsal."""

    waited_s: float  # of all people together
    people: int
    by_queue: Mapping[str, float]


class Crowd(NamedTuple):
    """One course of chance: who will come, and how much work those have who wait now (by ticket)."""

    arrivals: Sequence[Arrival]
    works: Mapping[int, float]


def crowd(hall: Hall, now: datetime, demand: Demand, hours: float, chance: Chance) -> Crowd:
    """People who come in the next hours, in Poisson streams, and everybody's work with the usual spread."""
    sigma = paces.spread(hall.paces, doubts_of(hall.plan.rules))
    start, arrivals = now.timestamp(), []
    waiting = sorted(place[2] for line in hall.lines.values() for place in line)
    works = {id: math.exp(chance.gauss(-sigma * sigma / 2.0, sigma)) for id in waiting}
    for (queue, klass), rate in sorted(demand.items()):
        at = 0.0
        while rate > 0.0 and (at := at + chance.expovariate(rate)) < hours:
            work = math.exp(chance.gauss(-sigma * sigma / 2.0, sigma))
            arrivals.append(Arrival(start + at * 3600.0, queue, klass, work))
    return Crowd(sorted(arrivals), works)


def rehearse(hall: Hall, now: datetime, chance: Crowd, hours: float) -> Rehearsed:
    """How long all together wait in the next hours, in that course of chance."""
    return _Rehearsal(hall, now.timestamp(), chance).play(now.timestamp() + hours * 3600.0)


class _Rest:
    """Those behind a lane's head: who waits now, then who comes; goes on after it was empty."""

    def __init__(self, waiting: Iterator[tuple[float, int]], coming: deque[tuple[float, int]]) -> None:
        self._waiting = waiting
        self._coming = coming

    def __iter__(self) -> _Rest:
        return self

    def __next__(self) -> tuple[float, int]:
        following = next(self._waiting, None)
        if following is not None:
            return following
        if not self._coming:
            raise StopIteration
        return self._coming.popleft()


class _Rehearsal(Play):
    """A play into which people come, with work that differs. People to come have negative ids."""

    def __init__(self, hall: Hall, now: float, chance: Crowd) -> None:
        self.arrivals, self.works = chance
        self.coming: dict[tuple[str, TicketClass], deque[tuple[float, int]]] = {}
        super().__init__(hall, now, ())

    def play(self, until: float) -> Rehearsed:
        free = [(at, number) for number in self.hall.windows if (at := self._free_at(number)) is not None]
        heapq.heapify(free)
        idle: set[int] = set()
        come = 0
        while free or come < len(self.arrivals):
            at = free[0][0] if free else NOBODY
            if come < len(self.arrivals) and self.arrivals[come].at <= at:
                if self.arrivals[come].at >= until:
                    break
                self._come(come, free, idle)
                come += 1
                continue
            at, window = heapq.heappop(free)
            if at >= until:
                break
            lane = self._choose(window, at) if self.heads[window] else None
            if lane is None:
                idle.add(window)
                continue
            free_at = self._staffed_from(window, at + self._takes(window, lane))
            self._take(window, lane, at)
            if free_at is not None:
                heapq.heappush(free, (free_at, window))
        return self._waited(until)

    def _come(self, number: int, free: list[tuple[float, int]], idle: set[int]) -> None:
        """One more person; of the idle windows the one balance.rank_idle puts first is free at once."""
        at, queue, klass, _ = self.arrivals[number]
        lane = self._lane(queue, klass, queue)
        self.coming.setdefault(lane.key, deque()).append((at, -number - 1))
        lane.home.move(1)
        if lane.due == NOBODY:
            self._advance(lane)
        able = [window for window in self.known.callers.get(queue, ()) if window in idle]
        if able:
            window = min(able, key=lambda one: (self._cost(one, lane), one))
            idle.remove(window)
            free_at = self._staffed_from(window, at)
            if free_at is not None:
                heapq.heappush(free, (free_at, window))

    def _cost(self, window: int, lane: Lane) -> float:
        """Of taking a newcomer at an idle window, as balance.rank_idle has it."""
        breadth_s = self.rules.balance.idle_breadth.total_seconds()
        return super()._takes(window, lane) + breadth_s * self.roster.sections(window)

    def _waited(self, until: float) -> Rehearsed:
        by_queue: dict[str, float] = {}
        people = 0
        waiting = (
            (place[2], self.now, self.hall.tickets[place[2]].queue)
            for line in self.hall.lines.values()
            for place in line
        )
        coming = ((-n - 1, one.at, one.queue) for n, one in enumerate(self.arrivals) if one.at < until)
        for one in (waiting, coming):
            for id, since, queue in one:
                people += 1
                waited = max(0.0, min(self.calls.get(id, until), until) - since)
                by_queue[queue] = by_queue.get(queue, 0.0) + waited
        return Rehearsed(sum(by_queue.values()), people, by_queue)

    # --- where it differs from a play without chance

    def _takes(self, window: int, lane: Lane) -> float:
        assert lane.ticket is not None
        if lane.ticket < 0:
            return super()._takes(window, lane) * self.arrivals[-lane.ticket - 1].work
        return super()._takes(window, lane) * self.works.get(lane.ticket, 1.0)

    def _manned(self, window: int) -> list[Lane]:
        return [lane for lane in self.heads[window] if lane.due != NOBODY]

    def _item(self, ticket: int) -> str | None:
        return None if ticket < 0 else super()._item(ticket)

    def _queue(self, lane: Lane) -> str:
        return lane.queue if lane.ticket is None or lane.ticket < 0 else super()._queue(lane)

    def _behind(self, lane: Lane) -> Iterator[tuple[float, int]]:
        return _Rest(super()._behind(lane), self.coming.setdefault(lane.key, deque()))
