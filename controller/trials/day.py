"""A day as it comes to a hall: citizens with their matters, clerks with their hours. Nothing is decided here.

Lengths of service are those of a usual clerk; who serves faster or slower is known by the hall's own
paces, so a matter takes longer at one window than at another, whoever served it when it was recorded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from random import Random

from controller.hall.model import TicketClass, WindowMode

USUAL_WALK = timedelta(seconds=15)  # from the call to the window, where no day of the hall tells it
USUAL_GAP = timedelta(seconds=20)  # from one citizen's end to the next call, where no day tells it


@dataclass(frozen=True, slots=True)
class Errand:
    """One service a citizen needs. target: at this very window, where somebody transferred him to."""

    queue: str
    service: timedelta
    target: int | None = None


@dataclass(frozen=True, slots=True)
class Citizen:
    """One visit. Whoever comes before the doors open waits at the door.

    chain: how many of the errands behind the first were named when the ticket was taken; the others are
    transfers. absences: of each call he misses, how long after it he comes back; None: he does not.
    patience: leaves when he still waits after so long; None: stays.
    """

    at: datetime
    errands: tuple[Errand, ...]
    klass: TicketClass = TicketClass.NORMAL
    slot: datetime | None = None
    item: str | None = None
    cases: int = 1
    chain: int = 0
    absences: tuple[timedelta | None, ...] = ()
    patience: timedelta | None = None
    walk: timedelta = USUAL_WALK


@dataclass(frozen=True, slots=True)
class Stint:
    """A clerk's time at a window. end: None to stay until nobody waits after closing time."""

    window: int
    clerk: str
    start: datetime
    end: datetime | None = None
    breaks: tuple[tuple[datetime, datetime], ...] = ()
    mode: WindowMode | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """recorded: what the log says came of it, by key figure (compare.py); empty for a made-up day."""

    name: str
    date: date
    opens_at: datetime
    closes_at: datetime
    citizens: tuple[Citizen, ...]
    stints: tuple[Stint, ...]
    gap: timedelta = USUAL_GAP
    recorded: Mapping[str, float | None] = field(default_factory=dict)


def dealt_again(day: Day, chance: Random) -> Day:
    """The same citizens with their service times dealt anew among those of the same queue.

    So a day that happened once can be looked at many times: who comes when and how much work there is
    stays, who takes long is chance.
    """
    times: dict[str, list[timedelta]] = {}
    for citizen in day.citizens:
        for errand in citizen.errands:
            times.setdefault(errand.queue, []).append(errand.service)
    for queue in sorted(times):
        chance.shuffle(times[queue])
    return replace(day, citizens=tuple(_with_times(citizen, times) for citizen in day.citizens))


def _with_times(citizen: Citizen, times: Mapping[str, list[timedelta]]) -> Citizen:
    errands: Sequence[Errand] = [replace(one, service=times[one.queue].pop()) for one in citizen.errands]
    return replace(citizen, errands=tuple(errands))
