"""Where a ticket is found: the one way a version of it enters the hall.

Hides the indexes. A ticket stands in exactly those its state says: a waiting one in the line of its
(queue, class) by place, in the ages of its queue and in the crowd of its zone; the head of a line among the
fronts; a no-show among the missed; an active one of an identified person among the persons.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TypeAlias

from immutables import Map

from controller.hall.line import Line
from controller.hall.model import (
    FINAL,
    Front,
    Hall,
    Pass,
    Place,
    Rules,
    Session,
    Ticket,
    TicketClass,
    TicketState,
)
from controller.hall.places import due, line_of
from controller.hall.roster import Roster, is_same_staff
from controller.hall.values import replace

_Persons: TypeAlias = Map[tuple[str, str], int]
_Key: TypeAlias = tuple[str, TicketClass]
_Stand: TypeAlias = tuple[str, TicketClass, Place, tuple[datetime, int]]
_Lines: TypeAlias = Map[_Key, Line]
_Ages: TypeAlias = Map[str, Line]
_Fronts: TypeAlias = Map[str, tuple[Front, ...]]
_Passes: TypeAlias = Map[_Key, tuple[Pass, ...]]
EMPTY = Line()
NO_WINDOW = 0  # windows count from 1
RANKS = {klass: rank for rank, klass in enumerate(TicketClass)}


def put(hall: Hall, ticket: Ticket) -> Hall:
    """The hall with this version of the ticket, standing in exactly the indexes its state says."""
    old = hall.tickets.get(ticket.id)
    was, stands = _standing(old), _standing(ticket)
    tickets = hall.tickets.set(ticket.id, ticket)
    missed = _move_missed(hall.missed, old, ticket)
    persons = _move_person(hall.persons, old, ticket)
    if was == stands:
        return replace(hall, tickets=tickets, missed=missed, persons=persons)
    lines, ages = _move(hall.lines, hall.ages, was, stands)
    fronts, passes, crowds = hall.fronts, hall.passes, hall.crowds
    for key in {stand[:2] for stand in (was, stands) if stand is not None}:
        head = None if key not in lines else tickets[lines[key].head[2]]  # type: ignore[index]
        fronts, passes = _fronted(hall.plan.rules, fronts, passes, key, head)
    if was is not None and old is not None:
        crowds = _counted(crowds, section_of(hall, old), -1)
    if stands is not None:
        crowds = _counted(crowds, section_of(hall, ticket), 1)
    return replace(
        hall,
        tickets=tickets,
        missed=missed,
        persons=persons,
        lines=lines,
        ages=ages,
        fronts=fronts,
        passes=passes,
        crowds=crowds,
    )


def seat(hall: Hall, session: Session) -> Hall:
    """The hall with this version of the window's session."""
    same = is_same_staff(hall.sessions.get(session.window), session)
    hall = replace(hall, sessions=hall.sessions.set(session.window, session))
    return hall if same else restaffed(hall, session.window)


def restaffed(hall: Hall, window: int | None = None) -> Hall:
    """The hall with a roster as it is now; window: the only one whose staff has changed."""
    return replace(hall, roster=Roster(hall, window))


def refigured(hall: Hall) -> Hall:
    """The hall with a roster of its new figures."""
    return replace(hall, roster=Roster(hall, NO_WINDOW))


def reindexed(hall: Hall) -> Hall:
    """The hall with what its indexes take from the plan taken from it again."""
    fronts: _Fronts = Map()
    crowds: Map[str, int] = Map()
    passes = hall.passes
    for ticket in hall.tickets.values():
        if ticket.state is TicketState.WAITING:
            crowds = _counted(crowds, section_of(hall, ticket), 1)
    for key, line in hall.lines.items():
        head = hall.tickets[line.head[2]]  # type: ignore[index]
        fronts, passes = _fronted(hall.plan.rules, fronts, passes, key, head)
    return restaffed(replace(hall, fronts=fronts, passes=passes, crowds=crowds))


def passed_by(hall: Hall, ticket: Ticket, lines: Iterable[_Key]) -> Hall:
    """The hall after a call past the heads of these lines, which had waited longer."""
    since, section = due(hall.plan.rules, ticket.klass, ticket.place), section_of(hall, ticket)
    fronts, passes = hall.fronts, hall.passes
    for key in lines:
        if key in hall.lines:
            head = hall.tickets[hall.lines[key].head[2]]  # type: ignore[index]
            one = since, section_of(hall, head) == section
            passes = passes.set(key, (*passes.get(key, ()), one))
            fronts, passes = _fronted(hall.plan.rules, fronts, passes, key, head)
    return replace(hall, fronts=fronts, passes=passes)


def section_of(hall: Hall, ticket: Ticket) -> str:
    """The zone whose people see whom is called before whom: where the ticket's queue waits."""
    queue = hall.queues.get(ticket.queue)
    return "" if queue is None else queue.zone


# --- lines and what stands at their head -----------------------------------------------------------


def _standing(ticket: Ticket | None) -> _Stand | None:
    if ticket is None or ticket.state is not TicketState.WAITING:
        return None
    return line_of(ticket), ticket.klass, ticket.place, (ticket.waiting_since, ticket.id)


def _move(lines: _Lines, ages: _Ages, was: _Stand | None, stands: _Stand | None) -> tuple[_Lines, _Ages]:
    if was is not None:
        name, klass, place, age = was
        lines = _without(lines, (name, klass), place)
        ages = _without(ages, name, age)
    if stands is not None:
        name, klass, place, age = stands
        lines = lines.set((name, klass), lines.get((name, klass), EMPTY).add(place))
        ages = ages.set(name, ages.get(name, EMPTY).add(age))
    return lines, ages


def _without(lines: Map, name: object, entry: tuple[object, ...]) -> Map:  # type: ignore[type-arg]
    rest = lines[name].remove(entry)
    return lines.set(name, rest) if rest else lines.delete(name)


def _fronted(
    rules: Rules, fronts: _Fronts, passes: _Passes, key: _Key, head: Ticket | None
) -> tuple[_Fronts, _Passes]:
    """The fronts with this head of a line, and the passes without those nobody left in it has seen."""
    name, rank = key[0], RANKS[key[1]]
    stood = fronts.get(name, ())
    others = tuple(front for front in stood if front.rank != rank)
    if head is None:
        fronts = fronts.set(name, others) if others else fronts.delete(name)
        return fronts, passes.delete(key) if key in passes else passes
    since, seen = due(rules, head.klass, head.place), passes.get(key, ())
    left = tuple(one for one in seen if one[0] > since)
    if left != seen:
        passes = passes.set(key, left) if left else passes.delete(key)
    near = sum(is_near for _, is_near in left)
    front = Front(rank, since, head.id, head.queue, head.item, near, len(left))
    if front not in stood:
        fronts = fronts.set(name, tuple(sorted((front, *others))))
    return fronts, passes


def _counted(crowds: Map[str, int], section: str, by: int) -> Map[str, int]:
    left = crowds.get(section, 0) + by
    return crowds.set(section, left) if left else crowds.delete(section)


# --- who is missed, and who asked ------------------------------------------------------------------


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
