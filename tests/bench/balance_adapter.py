"""Plugs the hall's own engine into an independent balancing benchmark.

    PYTHONPATH=<repository>:<repository>/tests/bench python run.py --adapter balance_adapter:Adapter

The benchmark asks a policy of its own interface (`choose`, `rank_idle`, `on_arrival` ...). Here each of its
services is a queue, each section a zone, each window a window with a clerk of its own, and every question is
answered by the commands and rules the product itself runs; nothing is decided in this file.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from controller.hall import engine
from controller.hall.balance import next_ticket, rank_idle
from controller.hall.commands import CallNext, Finish, Login, Logout, OpenDay, PlanShifts, Start, TakeTicket
from controller.hall.hindsight import Expected, Hindsight
from controller.hall.model import (
    CallingDomain,
    Clerk,
    Hall,
    Outcome,
    Plan,
    Queue,
    Rules,
    Serves,
    Shift,
    Text,
    TicketClass,
    Window,
    WindowState,
    Zone,
)
from controller.hall.paces import known
from controller.hall.waits import expect

MIDNIGHT = datetime(2025, 3, 3, tzinfo=UTC)
CLASSES = (TicketClass.NORMAL, TicketClass.GREEN, TicketClass.APPOINTMENT)  # as the benchmark counts them
NAME = Text("", "")
NO_WINDOW = (600.0, 1800.0, 5400.0)  # told of a wait nobody can tell: no window is to call from the queue


class Adapter:
    """One day of the benchmark, run by the product's engine."""

    name = "product"
    reserves = False  # the engine never keeps a window idle while it has somebody to call
    hindsight: Hindsight | None = None  # of the days before

    def setup(self, hall: Any) -> None:
        """A hall of the product with the benchmark's queues, windows, clerks and what is believed of them."""
        self.hall = _learned(engine.new_hall("bench", _plan(hall)), hall)
        if self.hindsight is not None:
            self.hall = replace(self.hall, hindsight=self.hindsight)
        self.theirs: dict[int, Any] = {}  # the benchmark's tickets by the engine's ids
        self.told: tuple[Any, Expected | None] = None, None  # who was last told a wait, and which
        self._do(OpenDay(date(2025, 3, 3), MIDNIGHT + timedelta(days=2)), 0.0)
        for window in hall.windows:
            self._do(PlanShifts(window.id + 1, _shifts(window, hall.close)), 0.0)

    def bind(self, state: Any) -> None:
        self.windows = state.windows

    def on_arrival(self, ticket: Any, now: float) -> None:
        self.theirs[self.hall.next_ticket] = ticket
        is_booked = CLASSES[ticket.cls] is TicketClass.APPOINTMENT
        slot = at(ticket.arrive if ticket.appt is None else ticket.appt) if is_booked else None
        token = str(self.hall.next_ticket)
        told = self.told[1] if self.told[0] is ticket else None
        klass = CLASSES[ticket.cls]
        self._do(TakeTicket(str(ticket.service), token, klass, slot=slot, expected=told), ticket.arrive)

    def estimate(self, ticket: Any, now: float, state: Any) -> tuple[float, float, float]:
        """P10, P50 and P90 of the wait of somebody about to take a ticket, in seconds."""
        self._staff(now)
        queue, klass, since = str(ticket.service), CLASSES[ticket.cls], at(ticket.due)
        wait = expect(self.hall, at(now), queue, klass, since=since)
        self.told = ticket, wait
        return NO_WINDOW if wait is None else (wait.low_s, wait.middle_s, wait.high_s)

    def choose(self, window: Any, now: float, waiting: Any) -> Any:
        self._staff(now)
        choice = next_ticket(self.hall, window.id + 1, at(now))
        return None if choice is None else self.theirs[choice.ticket]

    def rank_idle(self, ticket: Any, now: float, idle: list[Any]) -> list[Any]:
        self._staff(now)
        order = {number: place for place, number in enumerate(rank_idle(self.hall, str(ticket.service)))}
        return sorted(idle, key=lambda window: order.get(window.id + 1, len(order)))

    def on_start(self, ticket: Any, window: Any, now: float) -> None:
        self._do(CallNext(window.id + 1), now)
        session = self.hall.sessions[window.id + 1]
        assert session.current is not None
        assert self.theirs[session.current] is ticket
        self._do(Start(window.id + 1), now)

    def on_end(self, ticket: Any, window: Any, now: float, seconds: float, served: bool) -> None:
        outcome = Outcome.ENQUIRY if served else Outcome.NOTHING
        self._do(Finish(window.id + 1, outcome, "" if served else "nobody came"), now)

    def _do(self, command: Any, now: float) -> None:
        self.hall = engine.run(self.hall, command, at(now))[0]
        self.hindsight = self.hall.hindsight

    def _staff(self, now: float) -> None:
        """Log clerks in and out as the benchmark opened and closed its windows."""
        for window in self.windows:
            is_in = self.hall.sessions[window.id + 1].state is not WindowState.CLOSED
            if window.open and not is_in:
                self._do(Login(window.id + 1, str(window.id + 1)), now)
            elif is_in and not window.open:
                self._do(Logout(window.id + 1), now)


def at(seconds: float) -> datetime:
    return MIDNIGHT + timedelta(seconds=seconds)


def _plan(theirs: Any) -> Plan:
    """The benchmark's hall as a plan of the product, with its targets as what people put up with."""
    normal, urgent = (timedelta(seconds=theirs.targets[klass]) for klass in (0, 1))
    rules = Rules(call_every=None)
    rules = replace(rules, balance=replace(rules.balance, patience=normal, class_patience=urgent))
    return Plan(
        rules=rules,
        domains=(CallingDomain("hall", NAME),),
        zones=tuple(Zone(zone, NAME) for zone in sorted({_zone(one) for one in theirs.services.values()})),
        queues=tuple(_queue(theirs, service) for service in sorted(theirs.services)),
        windows=tuple(_window(theirs, window) for window in theirs.windows),
        clerks=tuple(Clerk(str(window.id + 1), "", "") for window in theirs.windows),
    )


def _queue(theirs: Any, service: int) -> Queue:
    known = theirs.services[service]
    mean = timedelta(seconds=known["mean"] + theirs.call_gap)
    return Queue(str(service), NAME, "hall", f"{service}-", _zone(known), mean)


def _window(theirs: Any, window: Any) -> Window:
    zone = _zone(theirs.services[min(window.skills)])
    return Window(window.id + 1, NAME, zone, tuple(Serves(str(each)) for each in sorted(window.skills)))


def _shifts(window: Any, close: float) -> tuple[Shift, ...]:
    """The window's times today. At closing time everybody stays until the hall is empty."""
    after_hours = MIDNIGHT + timedelta(days=2)
    return tuple(Shift(at(start), after_hours if end >= close else at(end)) for start, end in window.shifts)


def _zone(service: Any) -> str:
    return f"section-{service['group']}"


def _learned(hall: Hall, theirs: Any) -> Hall:
    """The hall as if it had learned on earlier days what the benchmark believes of its clerks."""
    paces, doubt = hall.paces, hall.plan.rules.balance.section_doubt
    for window in theirs.windows:
        logs: dict[str, list[float]] = {}
        for service in sorted(window.skills):
            logs.setdefault(_zone(theirs.services[service]), []).append(math.log(window.speed(service)))
        for zone, each in logs.items():
            paces = known(paces, str(window.id + 1), zone, sum(each) / len(each), doubt**2)
    return replace(hall, paces=paces, figures=paces)
