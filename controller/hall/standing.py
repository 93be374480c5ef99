"""Where a ticket is found: the one way a version of it enters the hall.

Hides the indexes. A ticket stands in exactly those its state says: a waiting one in the line of its
(queue, class) by place and in the ages of its queue; a no-show among the missed; an active one of an
identified person among the persons.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TypeAlias

from immutables import Map

from controller.hall.line import Line
from controller.hall.model import FINAL, Hall, Place, Session, Ticket, TicketClass, TicketState
from controller.hall.places import line_of

_Lines: TypeAlias = Map[tuple[str, TicketClass], Line]
_Ages: TypeAlias = Map[str, Line]
_Persons: TypeAlias = Map[tuple[str, str], int]
EMPTY = Line()


def put(hall: Hall, ticket: Ticket) -> Hall:
    """The hall with this version of the ticket, standing in exactly the indexes its state says."""
    old = hall.tickets.get(ticket.id)
    lines, ages = _move(hall.lines, hall.ages, old, ticket)
    return replace(
        hall,
        tickets=hall.tickets.set(ticket.id, ticket),
        lines=lines,
        ages=ages,
        missed=_move_missed(hall.missed, old, ticket),
        persons=_move_person(hall.persons, old, ticket),
    )


def _move(lines: _Lines, ages: _Ages, old: Ticket | None, new: Ticket) -> tuple[_Lines, _Ages]:
    was, stands = _standing(old), _standing(new)
    if was == stands:
        return lines, ages
    if was is not None:
        name, klass, place, age = was
        lines = _without(lines, (name, klass), place)
        ages = _without(ages, name, age)
    if stands is not None:
        name, klass, place, age = stands
        lines = lines.set((name, klass), lines.get((name, klass), EMPTY).add(place))
        ages = ages.set(name, ages.get(name, EMPTY).add(age))
    return lines, ages


def _standing(ticket: Ticket | None) -> tuple[str, TicketClass, Place, tuple[datetime, int]] | None:
    if ticket is None or ticket.state is not TicketState.WAITING:
        return None
    return line_of(ticket), ticket.klass, ticket.place, (ticket.waiting_since, ticket.id)


def _without(lines: Map, name: object, entry: tuple[object, ...]) -> Map:  # type: ignore[type-arg]
    rest = lines[name].remove(entry)
    return lines.set(name, rest) if rest else lines.delete(name)


def _move_missed(missed: Line, old: Ticket | None, new: Ticket) -> Line:
    if old is not None and old.state is TicketState.NO_SHOW:
        missed = missed.remove((old.missed_at, old.id))
    if new.state is TicketState.NO_SHOW:
        missed = missed.add((new.missed_at, new.id))
    return missed


def _move_person(persons: _Persons, old: Ticket | None, new: Ticket) -> _Persons:
    was, stands = _asker(old), _asker(new)
    if was == stands:
        return persons
    if was is not None:
        left = persons[was] - 1
        persons = persons.set(was, left) if left else persons.delete(was)
    return persons if stands is None else persons.set(stands, persons.get(stands, 0) + 1)


def _asker(ticket: Ticket | None) -> tuple[str, str] | None:
    if ticket is None or ticket.person is None or ticket.state in FINAL:
        return None
    return ticket.queue, ticket.person


def seat(hall: Hall, session: Session) -> Hall:
    """The hall with this version of the window's session."""
    return replace(hall, sessions=hall.sessions.set(session.window, session))
