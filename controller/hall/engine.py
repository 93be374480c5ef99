"""The three functions that hold a hall together, and what to start from.

    decide (hall, command, now) -> [Event]    the rules; may raise Refused (codes in refusals.py)
    apply  (hall, event)        -> Hall       bookkeeping; accepts every event, decides nothing
    effects(hall, event)        -> [Effect]   whom it concerns, read from the hall after the event

`steps` is decide with the hall after each event, which rules that look at it have worked out anyway.
Pure: no clock, no chance, no I/O. The rules live with their nouns: tickets, service, windows, days.
"""

from __future__ import annotations

from datetime import datetime

from controller.hall import advice, appointments, days, service, tickets, windows
from controller.hall.commands import Command, TakeMeasure
from controller.hall.concerns import effects
from controller.hall.effects import Effect
from controller.hall.events import Event
from controller.hall.history import Course, Step, apply
from controller.hall.model import Hall
from controller.hall.plans import new_hall, with_plan

__all__ = ["Step", "apply", "decide", "effects", "new_hall", "run", "steps", "with_plan"]


def decide(hall: Hall, command: Command, now: datetime) -> list[Event]:
    """What follows from the command, by the rules; [] when it asks for what is so already.

    Raises Refused when the rules say no; the hall is a value, so nothing has changed then.
    """
    if isinstance(command, service.AtWindow):
        return service.decide(hall, command, now).events
    if isinstance(command, tickets.OnTicket):
        return tickets.decide(hall, command, now)
    if isinstance(command, windows.OnWindow):
        return windows.decide(hall, command, now)
    if isinstance(command, appointments.OnBookings):
        return appointments.decide(hall, command, now)
    if isinstance(command, TakeMeasure):
        return advice.decide(hall, command, now)
    return days.decide(hall, command, now)


def steps(hall: Hall, command: Command, now: datetime) -> list[Step]:
    """Decide and apply: each event with the hall after it. Raises Refused."""
    if isinstance(command, service.AtWindow):
        return service.decide(hall, command, now).steps
    course = Course(hall, now)
    for event in decide(hall, command, now):
        course.add(event)
    return course.steps


def run(hall: Hall, command: Command, now: datetime) -> tuple[Hall, list[Event], list[Effect]]:
    """Decide and apply, collecting whom each event concerns; the hall after all. Raises Refused."""
    made = steps(hall, command, now)
    concerned = [effect for event, after in made for effect in effects(after, event)]
    return made[-1][1] if made else hall, [event for event, _ in made], concerned
