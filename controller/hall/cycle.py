"""The day of a hall from before its opening to after its closing: what is missing, and what is still open.

Pure. What devices and papers of other days say is added where they are known (web/cycle.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from controller.hall.model import FINAL, DayState, Hall, Session, Ticket, TicketState, WindowState

SOON = timedelta(minutes=15)  # before a window's time begins, its clerk should be there


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at before opening. look: green, blue, amber or red. which: windows, queues or
    tickets it is about, as people name them."""

    code: str
    look: str
    which: Sequence[str] = ()


def before_opening(hall: Hall, now: datetime) -> Iterator[Check]:
    """What the hall itself knows; each thing once, well or not."""
    yield Check("plan", "green" if hall.queues and hall.windows else "red")
    unserved = [code for code in hall.queues if not hall.servers.get(code)]
    yield Check("unserved", "amber" if unserved else "green", unserved)
    yield Check("times", "green" if any(hall.shifts.values()) else "blue")
    empty = _empty(hall, now)
    yield Check("empty", "amber" if empty else "green", [str(number) for number in empty])
    staffed = [str(one.window) for one in staffed_windows(hall)]
    yield Check("staffed", "green" if staffed else "red", staffed)
    left = [ticket.number for ticket in left_over(hall)]
    yield Check("left", "amber" if left else "green", left)


def _empty(hall: Hall, now: datetime) -> list[int]:
    """Windows that should be staffed now or soon, by the times of today, and are not."""
    return [
        window.number
        for window in hall.plan.windows
        if hall.sessions[window.number].clerk is None
        and any(shift.start - SOON <= now < shift.end for shift in hall.shifts.get(window.number, ()))
    ]


def staffed_windows(hall: Hall) -> list[Session]:
    return [one for one in hall.sessions.values() if one.state is not WindowState.CLOSED]


def left_over(hall: Hall) -> list[Ticket]:
    """Tickets of a day that is over which are still at a window."""
    day = hall.day
    is_over = day is None or day.state is DayState.CLOSED
    return [
        ticket
        for ticket in hall.tickets.values()
        if ticket.state not in FINAL and (is_over or (day is not None and ticket.issued_at < day.opened_at))
    ]


def still_open(hall: Hall) -> list[Ticket]:
    """Tickets that are not over, those at windows first, each in order of its number."""
    found = [ticket for ticket in hall.tickets.values() if ticket.state not in FINAL]
    return sorted(found, key=lambda ticket: (_ORDER.get(ticket.state, 9), ticket.id))


_ORDER = {
    TicketState.SERVING: 0,
    TicketState.CALLED: 1,
    TicketState.HELD: 2,
    TicketState.NO_SHOW: 3,
    TicketState.WAITING: 4,
}


def last_ticket(hall: Hall) -> Ticket | None:
    """The newest ticket of the day."""
    return hall.tickets.get(max(hall.tickets, default=0))
