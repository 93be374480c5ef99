"""A day drawn by chance for any hall: how many come in all, for what in the shares of earlier days.

The course of the day is that of the shipped shapes (simulate.py), the spread of service times that of
their types; what a queue's matters take is what the hall has learned, or else what its plan says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from random import Random

from controller.hall.model import Hall, TicketClass
from controller.hall.roster import Roster
from controller.simulate import Arrival, Demand, ServiceType, Shapes, made_up_day, shipped_shapes
from controller.trials.day import Citizen, Day, Errand, Stint
from controller.trials.variant import clerk_for

USUAL_CV = 0.8  # of service times within a queue; the shipped types have 0.7 to 1.2
LAST_TICKET = timedelta(minutes=10)  # nobody comes in the last minutes before closing
GREEN_SHARE = 0.04  # made up, where the hall's own days do not tell


def made_up(
    hall: Hall, day: date, opens: timedelta, closes: timedelta, per_day: float, zone: tzinfo, chance: Random
) -> Day:
    """A day of about `per_day` citizens. opens, closes: since local midnight. All windows are staffed that
    a clerk can be found for."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    demand = Demand(per_day, _means(hall), opens, closes - LAST_TICKET, day.isoweekday())
    arrivals = made_up_day(_shapes(hall), demand, chance)
    return Day(
        name=day.isoformat(),
        date=day,
        opens_at=midnight + opens,
        closes_at=midnight + closes,
        citizens=tuple(_citizen(midnight, one) for one in arrivals),
        stints=tuple(all_staffed(hall, midnight + opens)),
    )


def all_staffed(hall: Hall, since: datetime) -> Sequence[Stint]:
    """Every window with whoever sits there now, else with a clerk who fits; until the hall is empty."""
    clerks = hall.clerks
    stints = [
        Stint(number, one.clerk, since)
        for number, one in sorted(hall.sessions.items())
        if one.clerk in clerks and one.clerk is not None
    ]
    for window in hall.plan.windows:
        if window.serves and all(stint.window != window.number for stint in stints):
            clerk = clerk_for(hall, stints, window.number)
            if clerk is not None:
                stints.append(Stint(window.number, clerk, since))
    return stints


def _means(hall: Hall) -> Mapping[str, timedelta]:
    known = Roster(hall)
    return {queue.code: timedelta(seconds=known.mean_s(queue.code)) for queue in hall.plan.queues}


def _shapes(hall: Hall) -> Shapes:
    """The shipped shapes, with a type of its own for each queue of this hall that has a window.

    Shares: of the tickets the hall took on the day it has open, if it took any, else the same for all.
    """
    shipped = shipped_shapes()
    queues = [queue.code for queue in hall.plan.queues if hall.servers.get(queue.code) and not queue.is_bulk]
    taken = {queue: hall.issued.get(queue, 0) + 1 for queue in queues}
    whole = sum(taken.values())
    types = tuple(ServiceType(queue, n / whole, GREEN_SHARE, USUAL_CV) for queue, n in taken.items())
    return Shapes(shipped.half_hours, shipped.weekdays, types, {queue: [(queue, 1.0)] for queue in queues})


def _citizen(midnight: datetime, arrival: Arrival) -> Citizen:
    return Citizen(
        at=midnight + arrival.at,
        errands=(Errand(arrival.queue, arrival.service),),
        klass=TicketClass.GREEN if arrival.is_priority else TicketClass.NORMAL,
        patience=arrival.patience,
    )
