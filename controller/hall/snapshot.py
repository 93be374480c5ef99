"""The hall as plain lists that any encoder can write, and back. Indexes are left out and rebuilt."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from immutables import Map

from controller.hall.bookings import Appointment, Bookings, Closure, collected
from controller.hall.hindsight import Error, Hindsight
from controller.hall.model import (
    Hall,
    Lease,
    Pass,
    Plan,
    ServiceDay,
    Session,
    Shift,
    Taken,
    Ticket,
    TicketClass,
    label,
)
from controller.hall.paces import Belief, Paces
from controller.hall.plans import with_plan
from controller.hall.standing import put


@dataclass(frozen=True, slots=True)
class PacesSnapshot:
    """What services taught: per queue, queue and item, clerk, clerk and section."""

    queues: list[tuple[str, Belief]] = field(default_factory=list)
    items: list[tuple[str, str, Belief]] = field(default_factory=list)
    clerks: list[tuple[str, Belief]] = field(default_factory=list)
    sections: list[tuple[str, str, Belief]] = field(default_factory=list)
    squares: float = 0.0
    count: float = 0.0


@dataclass(frozen=True, slots=True)
class HallSnapshot:
    """Everything a Hall knows, without its indexes. numbers holds renumbered tickets' former ones too."""

    id: str
    plan: Plan
    day: ServiceDay | None
    next_ticket: int
    next_lease: int
    tickets: list[Ticket]
    sessions: list[Session]
    leases: list[Lease]
    counters: list[tuple[str, str, int]]  # domain, prefix, last number given
    issued: list[tuple[str, int]]  # queue, tickets given out today
    numbers: list[tuple[str, str, int]]  # domain, number, ticket
    finished: list[tuple[str, list[timedelta]]]  # queue, service times, newest last
    passes: list[tuple[str, TicketClass, list[Pass]]] = field(default_factory=list)  # queue, class
    paces: PacesSnapshot = field(default_factory=PacesSnapshot)
    figures: PacesSnapshot = field(default_factory=PacesSnapshot)
    figures_at: datetime | None = None
    shifts: list[tuple[int, list[Shift]]] = field(default_factory=list)  # window
    taken: list[Taken] = field(default_factory=list)
    seen: list[tuple[int, list[float]]] = field(default_factory=list)  # of hindsight: length of forecast
    errors: list[tuple[str, int, Error]] = field(default_factory=list)  # queue, hour
    appointments: list[Appointment] = field(default_factory=list)
    next_appointment: int = 1
    next_closure: int = 1
    absences: list[tuple[str, list[datetime]]] = field(default_factory=list)  # person
    closures: list[Closure] = field(default_factory=list)


def freeze(hall: Hall) -> HallSnapshot:
    return HallSnapshot(
        id=hall.id,
        plan=hall.plan,
        day=hall.day,
        next_ticket=hall.next_ticket,
        next_lease=hall.next_lease,
        tickets=[hall.tickets[id] for id in sorted(hall.tickets)],
        sessions=[hall.sessions[number] for number in sorted(hall.sessions)],
        leases=[hall.leases[id] for id in sorted(hall.leases)],
        counters=sorted((domain, prefix, last) for (domain, prefix), last in hall.counters.items()),
        issued=sorted(hall.issued.items()),
        numbers=sorted((domain, number, id) for (domain, number), id in hall.numbers.items()),
        finished=sorted((queue, list(times)) for queue, times in hall.finished.items()),
        passes=sorted((line, klass, list(passes)) for (line, klass), passes in hall.passes.items()),
        paces=_frozen(hall.paces),
        figures=_frozen(hall.figures),
        figures_at=hall.figures_at,
        shifts=sorted((window, list(shifts)) for window, shifts in hall.shifts.items()),
        taken=list(hall.taken),
        seen=sorted((length, list(counts)) for length, counts in hall.hindsight.seen.items()),
        errors=sorted(
            ((queue, hour, error) for (queue, hour), error in hall.hindsight.errors.items()),
            key=lambda row: row[:2],
        ),
        appointments=[hall.bookings.known[id] for id in sorted(hall.bookings.known)],
        next_appointment=hall.bookings.next,
        next_closure=hall.bookings.next_closure,
        absences=sorted((person, list(times)) for person, times in hall.bookings.missed.items()),
        closures=list(hall.bookings.closed),
    )


def thaw(snapshot: HallSnapshot) -> Hall:
    """The hall that was frozen; equal to it."""
    hall = Hall(
        id=snapshot.id,
        day=snapshot.day,
        next_ticket=snapshot.next_ticket,
        next_lease=snapshot.next_lease,
        sessions=Map({session.window: session for session in snapshot.sessions}),
        leases=Map({lease.id: lease for lease in snapshot.leases}),
        counters=Map({(domain, prefix): last for domain, prefix, last in snapshot.counters}),
        issued=Map(dict(snapshot.issued)),
        numbers=Map({label(domain, number): id for domain, number, id in snapshot.numbers}),
        finished=Map({queue: tuple(times) for queue, times in snapshot.finished}),
        presses=Map({ticket.press: ticket.id for ticket in snapshot.tickets if ticket.press is not None}),
        tokens=Map({ticket.token: ticket.id for ticket in snapshot.tickets}),
        paces=_thawed(snapshot.paces),
        figures=_thawed(snapshot.figures),
        figures_at=snapshot.figures_at,
        shifts=Map({window: tuple(shifts) for window, shifts in snapshot.shifts}),
        taken=tuple(snapshot.taken),
        hindsight=Hindsight(
            Map({length: tuple(counts) for length, counts in snapshot.seen}),
            Map({(queue, hour): error for queue, hour, error in snapshot.errors}),
        ),
    )
    for ticket in snapshot.tickets:
        hall = put(hall, ticket)
    hall = replace(hall, bookings=_book(snapshot))
    passes: Map[tuple[str, TicketClass], tuple[Pass, ...]] = Map(
        {(line, klass): tuple(seen) for line, klass, seen in snapshot.passes}
    )
    return with_plan(replace(hall, passes=passes), snapshot.plan)


def _book(snapshot: HallSnapshot) -> Bookings:
    book = Bookings(
        next=snapshot.next_appointment,
        next_closure=snapshot.next_closure,
        missed=Map({person: tuple(times) for person, times in snapshot.absences}),
        closed=tuple(snapshot.closures),
    )
    return collected(snapshot.appointments, book)


def _frozen(paces: Paces) -> PacesSnapshot:
    return PacesSnapshot(
        queues=sorted(paces.queues.items()),
        items=sorted((queue, item, belief) for (queue, item), belief in paces.items.items()),
        clerks=sorted(paces.clerks.items()),
        sections=sorted((clerk, section, belief) for (clerk, section), belief in paces.sections.items()),
        squares=paces.squares,
        count=paces.count,
    )


def _thawed(paces: PacesSnapshot) -> Paces:
    return Paces(
        queues=Map(dict(paces.queues)),
        items=Map({(queue, item): belief for queue, item, belief in paces.items}),
        clerks=Map(dict(paces.clerks)),
        sections=Map({(clerk, section): belief for clerk, section, belief in paces.sections}),
        squares=paces.squares,
        count=paces.count,
    )
