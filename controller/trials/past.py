"""A day that is over, read from the log: who came for what, how long it took, who missed it, who sat where.

The events are applied as the live hall applied them, and the tickets are read off at the end. What the log
cannot tell is drawn by chance from the same day: how long those would have been served who never were.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from statistics import fmean, median

from controller.hall.engine import apply
from controller.hall.events import (
    DayOpened,
    Event,
    ServiceStarted,
    TicketCalled,
    TicketChained,
    TicketDelayed,
    TicketFinished,
    TicketHeld,
    TicketMissed,
    TicketReturned,
    TicketTransferred,
    WindowClosed,
    WindowModeChanged,
    WindowOpened,
    WindowPaused,
    WindowUnpaused,
)
from controller.hall.model import Hall, Ticket, TicketState, WindowMode
from controller.hall.paces import pace
from controller.trials.compare import figures_of
from controller.trials.day import USUAL_GAP, USUAL_WALK, Citizen, Day, Errand, Stint

LONGEST_GAP_S = 300.0  # a clerk who calls later than that was not there
LONGEST_WALK = timedelta(minutes=5)


def recover(hall: Hall, day: date, events: Iterable[Event], chance: Random) -> Day | None:
    """The day as it came to this hall, which is as it is now; None when no day was opened.

    Tickets for queues and clerks that are there no more are left out.
    """
    notes, replayed = _Notes(), hall
    for event in events:
        if isinstance(event, DayOpened) and notes.opened is not None and event.date != notes.opened.date:
            break
        replayed = apply(replayed, event)
        notes.take(event, replayed)
    if notes.opened is None:
        return None
    tickets = [ticket for ticket in replayed.tickets.values() if ticket.issued_at >= notes.opened.at]
    reader = _Reader(hall, notes, tickets, chance)
    return Day(
        name=day.isoformat(),
        date=day,
        opens_at=notes.opened.at,
        closes_at=notes.opened.closes_at,
        citizens=tuple(sorted(reader.citizens(), key=lambda one: one.at)),
        stints=tuple(notes.stints_of(hall)),
        gap=notes.gap(),
        recorded=figures_of(replayed, notes.opened.closes_at),
    )


@dataclass(slots=True)
class _Session:
    """A clerk's time at a window while it is being read."""

    clerk: str
    start: datetime
    end: datetime | None = None
    breaks: list[tuple[datetime, datetime]] = field(default_factory=list)
    paused_at: datetime | None = None
    mode: WindowMode | None = None


class _Notes:
    """What tickets do not remember: absences, who served, sessions, gaps between services."""

    def __init__(self) -> None:
        self.opened: DayOpened | None = None
        self.absences: dict[int, list[timedelta | None]] = {}
        self.missed_at: dict[int, datetime] = {}
        self.clerks: dict[int, list[str]] = {}  # of each leg of a ticket
        self.chained: dict[int, int] = {}
        self.sessions: dict[int, list[_Session]] = {}
        self._free_since: dict[int, datetime] = {}
        self._gaps: list[float] = []

    def take(self, event: Event, hall: Hall) -> None:
        match event:
            case DayOpened():
                self.opened = self.opened or event
            case TicketCalled():
                self._called(event, hall)
            case ServiceStarted():
                self._started(event, hall)
            case TicketMissed():
                self.absences.setdefault(event.ticket, []).append(None)
                self.missed_at[event.ticket] = event.at
                self._free_since[event.window] = event.at
            case TicketReturned():
                missed_at = self.missed_at.get(event.ticket)
                if missed_at is not None:
                    self.absences[event.ticket][-1] = event.at - missed_at
            case TicketChained():
                self.chained[event.ticket] = self.chained.get(event.ticket, 0) + 1
            case TicketFinished() | TicketHeld() | TicketDelayed():
                self._free_since[event.window] = event.at
            case TicketTransferred():
                ticket = hall.tickets.get(event.ticket)
                window = None if ticket is None or len(ticket.legs) < 2 else ticket.legs[-2].window
                if window is not None:
                    self._free_since[window] = event.at
            case WindowOpened() | WindowClosed() | WindowPaused() | WindowUnpaused() | WindowModeChanged():
                self._sat(event)
            case _:
                pass

    def gap(self) -> timedelta:
        """From one citizen's end to the next call while others waited: the usual one of the day."""
        return timedelta(seconds=median(self._gaps)) if self._gaps else USUAL_GAP

    def stints_of(self, hall: Hall) -> Iterable[Stint]:
        """Who sat where; whoever left after closing time stays until nobody waits."""
        closes_at = self.opened.closes_at if self.opened else None
        for window, sessions in sorted(self.sessions.items()):
            for one in sessions:
                if window not in hall.windows or one.clerk not in hall.clerks:
                    continue
                stays = one.end is None or (closes_at is not None and one.end >= closes_at)
                if one.paused_at is not None and one.end is not None:
                    one.breaks.append((one.paused_at, one.end))
                end = None if stays else one.end
                yield Stint(window, one.clerk, one.start, end, tuple(one.breaks), one.mode)

    def _called(self, event: TicketCalled, hall: Hall) -> None:
        free_since, ticket = self._free_since.pop(event.window, None), hall.tickets.get(event.ticket)
        if free_since is None or ticket is None or ticket.waiting_since > free_since:
            return
        gap_s = (event.at - free_since).total_seconds()
        if gap_s <= LONGEST_GAP_S:
            self._gaps.append(gap_s)

    def _started(self, event: ServiceStarted, hall: Hall) -> None:
        session = hall.sessions.get(event.window)
        self.clerks.setdefault(event.ticket, []).append((session and session.clerk) or "")

    def _sat(
        self, event: WindowOpened | WindowClosed | WindowPaused | WindowUnpaused | WindowModeChanged
    ) -> None:
        sessions = self.sessions.setdefault(event.window, [])
        if isinstance(event, WindowOpened):
            sessions.append(_Session(event.clerk, event.at))
        self._free_since.pop(event.window, None)
        if not sessions:
            return
        match event:
            case WindowClosed():
                sessions[-1].end = event.at
            case WindowPaused():
                sessions[-1].paused_at = event.at
            case WindowUnpaused():
                if sessions[-1].paused_at is not None:
                    sessions[-1].breaks.append((sessions[-1].paused_at, event.at))
                sessions[-1].paused_at = None
            case WindowModeChanged():
                sessions[-1].mode = event.mode
            case _:
                pass


class _Reader:
    """Citizens from tickets and notes."""

    def __init__(self, hall: Hall, notes: _Notes, tickets: Sequence[Ticket], chance: Random) -> None:
        self._hall, self._notes, self._tickets, self._chance = hall, notes, tickets, chance
        self._known: dict[str, list[timedelta]] = {}
        walks = []
        for ticket in tickets:
            for n, leg in enumerate(ticket.legs):
                if leg.served > timedelta():
                    self._known.setdefault(leg.queue, []).append(self._usual(ticket, n))
                if leg.called_at is not None and leg.served_at is not None and not ticket.misses:
                    walks.append((leg.served_at - leg.called_at).total_seconds())
        self._walk = timedelta(seconds=fmean(walks)) if walks else USUAL_WALK

    def citizens(self) -> Iterable[Citizen]:
        for ticket in self._tickets:
            if all(leg.queue in self._hall.queues for leg in ticket.legs):
                yield self._citizen(ticket)

    def _citizen(self, ticket: Ticket) -> Citizen:
        errands = tuple(
            Errand(leg.queue, self._service(ticket, n), leg.target) for n, leg in enumerate(ticket.legs)
        )
        left = tuple(Errand(queue, self._drawn(queue)) for queue in ticket.chain)
        chained = self._notes.chained.get(ticket.id, 0)
        gave_up = ticket.state is TicketState.CANCELLED and ticket.legs[-1].ended_at is not None
        over_at = ticket.legs[-1].ended_at
        return Citizen(
            at=ticket.issued_at,
            errands=(*errands, *left),
            klass=ticket.klass,
            slot=ticket.slot,
            item=ticket.item,
            cases=ticket.cases,
            chain=chained + len(left) if len(errands) == 1 + chained else 0,
            absences=tuple(self._notes.absences.get(ticket.id, ())),
            patience=over_at - ticket.issued_at if gave_up and over_at is not None else None,
            walk=self._walked(ticket),
        )

    def _walked(self, ticket: Ticket) -> timedelta:
        leg = ticket.legs[0]
        if leg.called_at is None or leg.served_at is None or ticket.misses:
            return self._walk
        return min(leg.served_at - leg.called_at, LONGEST_WALK)

    def _service(self, ticket: Ticket, n: int) -> timedelta:
        leg = ticket.legs[n]
        return self._usual(ticket, n) if leg.served > timedelta() else self._drawn(leg.queue)

    def _usual(self, ticket: Ticket, n: int) -> timedelta:
        """What the service of this leg would have taken a clerk of usual pace."""
        leg, clerks = ticket.legs[n], self._notes.clerks.get(ticket.id, [])
        queue = self._hall.queues.get(leg.queue)
        clerk = clerks[n] if n < len(clerks) else ""
        return leg.served * math.exp(pace(self._hall.paces, clerk, "" if queue is None else queue.zone))

    def _drawn(self, queue: str) -> timedelta:
        """How long somebody of the queue took that day; its configured mean when nobody was served."""
        known = self._known.get(queue)
        return self._chance.choice(known) if known else self._hall.queues[queue].mean_service
