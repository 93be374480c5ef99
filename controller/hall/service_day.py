"""What becomes of the hall when its day opens, changes or ends. Bookkeeping: decides nothing."""

from __future__ import annotations

from datetime import datetime

from immutables import Map

from controller.hall.bookings import Bookings, forgotten
from controller.hall.events import DayOpened, DayReckoned
from controller.hall.model import FINAL, DayState, Hall, ServiceDay, Session, Ticket, WindowState
from controller.hall.paces import overnight
from controller.hall.plans import with_duty
from controller.hall.roster import doubts_of
from controller.hall.standing import restaffed
from controller.hall.values import replace


def in_state(hall: Hall, state: DayState) -> Hall:
    return hall if hall.day is None else replace(hall, day=replace(hall.day, state=state))


def opened(hall: Hall, event: DayOpened) -> Hall:
    day = ServiceDay(event.date, DayState.OPEN, event.at, event.closes_at, event.midnight, event.kinds)
    if hall.day is not None and hall.day.date == event.date:  # the same day goes on, with its numbers
        return with_duty(replace(hall, day=replace(day, opened_at=hall.day.opened_at)))
    kept = {id: ticket for id, ticket in hall.tickets.items() if ticket.state not in FINAL}
    sessions = hall.sessions
    for session in hall.sessions.values():
        sessions = sessions.set(session.window, _fresh(hall, session, kept))
    balance = hall.plan.rules.balance
    paces = overnight(hall.paces, doubts_of(hall.plan.rules), balance.day_drift)
    fresh = replace(
        hall,
        day=day,
        tickets=Map(kept),
        paces=paces,
        figures=paces,
        figures_at=event.at,
        shifts=Map(),
        taken=(),
        bookings=_bookings_over_night(hall, event.at),
        sessions=sessions,
        counters=Map(),
        issued=Map(),
        leases=Map(),
        numbers=Map(),
        presses=Map({ticket.press: id for id, ticket in kept.items() if ticket.press is not None}),
        tokens=Map({ticket.token: id for id, ticket in kept.items()}),
    )
    return restaffed(with_duty(fresh))


def reckoned(hall: Hall, event: DayReckoned) -> Hall:
    """The calendar says otherwise of this day or of those after it."""
    day = hall.day
    if day is None:
        return hall
    is_longer = day.closes_at <= event.at < event.closes_at and day.state is DayState.CLOSING
    state = DayState.OPEN if is_longer else day.state
    changed = replace(
        day, state=state, closes_at=event.closes_at, kinds=event.kinds, is_called_off=event.is_called_off
    )
    return with_duty(replace(hall, day=changed))


def _bookings_over_night(hall: Hall, now: datetime) -> Bookings:
    rules = hall.plan.rules
    return forgotten(hall.bookings, now, rules.absences_within + rules.blocked_for)


def _fresh(hall: Hall, session: Session, kept: dict[int, Ticket]) -> Session:
    """A session on a new day: the mode of the plan again, unless somebody is logged in."""
    last = session.last_finished if session.last_finished in kept else None
    window = hall.windows.get(session.window)
    if session.state is not WindowState.CLOSED or window is None:
        return replace(session, last_finished=last)
    return replace(session, last_finished=last, mode=window.mode)
