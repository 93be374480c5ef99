"""The three functions that hold a hall together, and what to start from.

    decide (hall, command, now) -> [Event]    the rules; may raise Refused (codes in refusals.py)
    apply  (hall, event)        -> Hall       bookkeeping; accepts every event, decides nothing
    effects(hall, event)        -> [Effect]   whom it concerns, read from the hall after the event

Pure: no clock, no chance, no I/O. The rules live with their nouns: tickets, service, windows, days.
"""

from __future__ import annotations

from datetime import datetime

from controller.hall import advice, days, service, tickets, windows
from controller.hall.commands import Command, TakeMeasure
from controller.hall.concerns import effects
from controller.hall.effects import Effect
from controller.hall.events import Event
from controller.hall.history import apply
from controller.hall.model import Hall
from controller.hall.plans import new_hall, with_plan

__all__ = ["apply", "decide", "effects", "new_hall", "run", "with_plan"]


def decide(hall: Hall, command: Command, now: datetime) -> list[Event]:
    """What follows from the command, by the rules; [] when it asks for what is so already.

    Raises Refused when the rules say no; the hall is a value, so nothing has changed then.
    """
    if isinstance(command, tickets.OnTicket):
        return tickets.decide(hall, command, now)
    if isinstance(command, service.AtWindow):
        return service.decide(hall, command, now)
    if isinstance(command, windows.OnWindow):
        return windows.decide(hall, command, now)
    if isinstance(command, TakeMeasure):
        return advice.decide(hall, command, now)
    return days.decide(hall, command, now)


def run(hall: Hall, command: Command, now: datetime) -> tuple[Hall, list[Event], list[Effect]]:
    """Decide, then apply event by event, collecting whom each concerns. Raises Refused."""
    events = decide(hall, command, now)
    concerned: list[Effect] = []
    for event in events:
        hall = apply(hall, event)
        concerned += effects(hall, event)
    return hall, events, concerned
