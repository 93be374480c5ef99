"""One day played through the hall's own engine, from the first citizen at the door to the last one served.

Pure: the same hall and day give the same end. Citizens and clerks do what the day says they want to do;
whatever follows is decided by the rules of the hall (engine.decide), with no rule of its own here. A free
clerk calls as soon as the gap after the last citizen is over; when several are free for a newcomer, the
one the hall ranks first does.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from controller.hall import engine
from controller.hall.balance import is_free, rank_idle
from controller.hall.commands import (
    CallNext,
    CancelTicket,
    ChangeMode,
    Command,
    Finish,
    Login,
    Logout,
    NoShow,
    OpenDay,
    Pause,
    ReturnTicket,
    Start,
    TakeTicket,
    Tick,
    Transfer,
    Unpause,
)
from controller.hall.events import Event
from controller.hall.model import Hall, PauseReason, Refused, TicketState, WindowState
from controller.hall.paces import pace
from controller.trials.day import Citizen, Day, Stint

WHY = "as on the day"  # of transfers, which need a reason


@dataclass(slots=True)
class Visit:
    """A citizen in the hall. errand: which of his errands is next or under way."""

    citizen: Citizen
    errand: int = 0
    misses: int = 0


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a day. turned_away: were refused a ticket. staffed, served: seconds at windows in all.

    events: as the log of that day would have them. last_at: when the last service ended, if there was one.
    """

    hall: Hall
    events: tuple[Event, ...]
    turned_away: int
    staffed_s: float
    served_s: float
    last_at: datetime | None


def play(hall: Hall, day: Day) -> Played:
    """The day from opening to the last citizen's end, in a hall nobody is in."""
    course = _Course(hall, day)
    course.run()
    ends = [leg.ended_at for visit in course.hall.tickets.values() for leg in visit.legs if leg.served]
    last_at = max((end for end in ends if end is not None), default=None)
    staffed_s = course.staffed_s(last_at or day.closes_at)
    return Played(course.hall, tuple(course.events), course.turned_away, staffed_s, course.served_s, last_at)


_Act = Callable[[datetime], None]


@dataclass(slots=True)
class _Desk:
    """A window of the play. ready_at: when its clerk can call again; stint: whose time it is."""

    stint: Stint | None = None
    since: datetime | None = None
    ready_at: datetime | None = None
    wants_break: bool = False
    wants_home: bool = False
    staffed: list[tuple[datetime, datetime | None]] = field(default_factory=list)


class _Course:
    """What is to happen, in order of time, and the hall as it is by then."""

    def __init__(self, hall: Hall, day: Day) -> None:
        self.hall, self.day = hall, day
        self.paces = hall.paces
        self.visits: dict[int, Visit] = {}
        self.desks = {number: _Desk() for number in hall.windows}
        self.events: list[Event] = []
        self.turned_away = 0
        self.served_s = 0.0
        self._waiting: list[tuple[datetime, int, _Act]] = []
        self._count = 0

    def run(self) -> None:
        day, rules = self.day, self.hall.plan.rules
        self._do(OpenDay(day.date, day.closes_at), day.opens_at)
        for stint in day.stints:
            self._plan_stint(stint)
        for citizen in day.citizens:
            self._at(max(citizen.at, day.opens_at), partial(self._arrive, citizen))
        for moment in (day.closes_at, day.closes_at + rules.close_grace):
            self._at(moment, self._tick)
        while self._waiting:
            now, _, act = heapq.heappop(self._waiting)
            act(now)

    def staffed_s(self, last_at: datetime) -> float:
        """Seconds clerks sat at windows; those who stay to the end until the last citizen has gone."""
        end = max(last_at, self.day.closes_at)
        return sum(
            max(0.0, ((until or end) - since).total_seconds())
            for desk in self.desks.values()
            for since, until in desk.staffed
        )

    def _at(self, moment: datetime, act: _Act) -> None:
        self._count += 1
        heapq.heappush(self._waiting, (moment, self._count, act))

    def _do(self, command: Command, now: datetime) -> bool:
        """Ask the hall; False when it refuses."""
        try:
            events = engine.decide(self.hall, command, now)
        except Refused:
            return False
        for event in events:
            self.hall = engine.apply(self.hall, event)
        self.events += events
        return True

    # --- clerks

    def _plan_stint(self, stint: Stint) -> None:
        if stint.window not in self.desks:
            return
        self._at(stint.start, lambda now: self._sit_down(stint, now))
        for start, end in stint.breaks:
            self._at(start, lambda now: self._wish_break(stint, now))
            self._at(end, lambda now: self._end_break(stint, now))
        if stint.end is not None:
            self._at(stint.end, lambda now: self._wish_home(stint, now))

    def _sit_down(self, stint: Stint, now: datetime) -> None:
        desk = self.desks[stint.window]
        if desk.stint is not None and desk.wants_home:
            self._at(now + timedelta(minutes=1), lambda later: self._sit_down(stint, later))  # still busy
            return
        if not self._do(Login(stint.window, stint.clerk), now):
            return
        if stint.mode is not None:
            self._do(ChangeMode(stint.window, stint.mode), now)
        desk.stint, desk.ready_at = stint, now
        desk.wants_break = desk.wants_home = False
        desk.staffed.append((now, None))
        self._look_around(now)

    def _wish_break(self, stint: Stint, now: datetime) -> None:
        desk = self.desks[stint.window]
        if desk.stint is stint:
            desk.wants_break = True
            self._be_ready(stint.window, now)

    def _end_break(self, stint: Stint, now: datetime) -> None:
        desk = self.desks[stint.window]
        if desk.stint is not stint:
            return
        desk.wants_break = False
        if self._do(Unpause(stint.window), now):
            desk.staffed.append((now, None))
            self._look_around(now)

    def _wish_home(self, stint: Stint, now: datetime) -> None:
        desk = self.desks[stint.window]
        if desk.stint is stint:
            desk.wants_home = True
            self._be_ready(stint.window, now)

    def _leave(self, window: int, now: datetime) -> None:
        """The clerk gets up, for a break or for good."""
        desk = self.desks[window]
        since, until = desk.staffed[-1]
        if until is None:
            desk.staffed[-1] = since, now
        if desk.wants_home and self._do(Logout(window), now):
            desk.stint = None
        elif desk.wants_break:
            self._do(Pause(window, PauseReason.BREAK), now)
        self._look_around(now)  # what only this window served may be others' now

    def _free(self, window: int, now: datetime) -> None:
        """The citizen has gone; the clerk can call again after the gap."""
        desk = self.desks[window]
        desk.ready_at = now + self.day.gap
        self._at(desk.ready_at, lambda later: self._be_ready(window, later))

    def _be_ready(self, window: int, now: datetime) -> None:
        desk, session = self.desks[window], self.hall.sessions[window]
        if not is_free(session) or desk.stint is None:
            if session.state is WindowState.PAUSED and desk.wants_home:
                self._leave(window, now)
            return
        if desk.ready_at is None or now < desk.ready_at:
            return
        if desk.wants_break or desk.wants_home:
            self._leave(window, now)
        else:
            self._call(window, now)

    def _look_around(self, now: datetime) -> None:
        """Every free clerk looks whether there is somebody to call."""
        for window in sorted(self.desks):
            self._be_ready(window, now)

    # --- citizens

    def _arrive(self, citizen: Citizen, now: datetime) -> None:
        id, first = self.hall.next_ticket, citizen.errands[0]
        chain = tuple(one.queue for one in citizen.errands[1 : 1 + citizen.chain])
        asked = TakeTicket(
            first.queue,
            str(id),
            citizen.klass,
            slot=citizen.slot,
            item=citizen.item,
            cases=citizen.cases,
            chain=chain,
        )
        if not self._do(asked, now):
            self.turned_away += 1
            return
        self.visits[id] = Visit(citizen)
        if citizen.patience is not None:
            self._at(now + citizen.patience, lambda later: self._give_up(id, later))
        self._offer(first.queue, now)

    def _give_up(self, ticket: int, now: datetime) -> None:
        if self.hall.tickets[ticket].state is TicketState.WAITING:
            self._do(CancelTicket(ticket), now)

    def _offer(self, queue: str, now: datetime) -> None:
        """The clerk who should take the newcomer, if one is free, calls."""
        for window in rank_idle(self.hall, queue):
            ready_at = self.desks[window].ready_at
            if ready_at is not None and ready_at <= now:
                self._be_ready(window, now)
                return

    def _call(self, window: int, now: datetime) -> None:
        if not self._do(CallNext(window), now):
            return  # nobody waits for it
        ticket = self.hall.sessions[window].current
        if ticket is None:
            return
        visit = self.visits[ticket]
        if visit.misses >= len(visit.citizen.absences):
            self._at(now + visit.citizen.walk, lambda later: self._begin(window, ticket, later))
        rules = self.hall.plan.rules
        if rules.call_every is not None:
            self._at(now + rules.call_every, lambda later: self._call_again(window, ticket, later))
        elif visit.misses < len(visit.citizen.absences):
            self._at(now + rules.no_show_after, lambda later: self._miss(window, ticket, later))

    def _is_called(self, window: int, ticket: int) -> bool:
        is_at = self.hall.sessions[window].current == ticket
        return is_at and self.hall.tickets[ticket].state is TicketState.CALLED

    def _call_again(self, window: int, ticket: int, now: datetime) -> None:
        """The hall repeats a call, and in the end takes the citizen for absent (P.48)."""
        if not self._is_called(window, ticket):
            return
        self._tick(now)
        every = self.hall.plan.rules.call_every
        if every is not None and self._is_called(window, ticket):
            self._at(now + every, lambda later: self._call_again(window, ticket, later))

    def _miss(self, window: int, ticket: int, now: datetime) -> None:
        if self._is_called(window, ticket) and self._do(NoShow(window, WHY), now):
            self._was_missed(window, ticket, now)

    def _tick(self, now: datetime) -> None:
        called = [(number, one.current) for number, one in self.hall.sessions.items() if one.current]
        self._do(Tick(), now)
        for window, ticket in called:
            if self.hall.sessions[window].current is None:
                self._was_missed(window, ticket, now)

    def _was_missed(self, window: int, ticket: int, now: datetime) -> None:
        visit = self.visits[ticket]
        back = visit.citizen.absences[visit.misses] if visit.misses < len(visit.citizen.absences) else None
        visit.misses += 1
        if back is not None:
            self._at(now + back, lambda later: self._come_back(ticket, later))
        self._free(window, now)

    def _come_back(self, ticket: int, now: datetime) -> None:
        if self._do(ReturnTicket(ticket), now):
            self._offer(self.hall.tickets[ticket].queue, now)

    # --- at the window

    def _begin(self, window: int, ticket: int, now: datetime) -> None:
        if not self._is_called(window, ticket) or not self._do(Start(window), now):
            return
        took = self._takes(window, ticket)
        self.served_s += took.total_seconds()
        self._at(now + took, lambda later: self._end(window, ticket, later))

    def _takes(self, window: int, ticket: int) -> timedelta:
        """How long it takes at this window: the clerk may be faster or slower than a usual one there."""
        visit, session = self.visits[ticket], self.hall.sessions[window]
        errand = visit.citizen.errands[visit.errand]
        queue = self.hall.queues.get(self.hall.tickets[ticket].queue)
        section = "" if queue is None else queue.zone
        return errand.service / math.exp(pace(self.paces, session.clerk or "", section))

    def _end(self, window: int, ticket: int, now: datetime) -> None:
        visit = self.visits[ticket]
        visit.errand += 1
        if visit.errand < len(visit.citizen.errands):
            self._send_on(visit, window, ticket, now)
        else:
            self._do(Finish(window), now)
        self._free(window, now)

    def _send_on(self, visit: Visit, window: int, ticket: int, now: datetime) -> None:
        """To the next queue: of itself where the ticket was taken for several, else by transfer."""
        errand = visit.citizen.errands[visit.errand]
        is_chained = visit.errand <= visit.citizen.chain
        if errand.target is not None:
            sent = self._do(Transfer(ticket, WHY, to_window=errand.target), now)
        else:
            sent = not is_chained and self._do(Transfer(ticket, WHY, to_queue=errand.queue), now)
        if not sent:
            self._do(Finish(window), now)
        if errand.target is not None and sent:
            self._be_ready(errand.target, now)
        elif sent or is_chained:
            self._offer(errand.queue, now)
