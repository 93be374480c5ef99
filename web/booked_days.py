"""The manager's side of appointments: how full the coming days are, special requests, spans without bookings.

What is closed takes back what was booked there; everybody concerned is told once and offered other times.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from http import HTTPStatus

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from controller.booking import Booking
from controller.hall.appointments import blocked_until, concerned
from controller.hall.bookings import HELD, Appointment, AppointmentState
from controller.hall.commands import (
    CancelSlots,
    Command,
    LiftBlock,
    RejectAppointment,
    ReopenSlots,
)
from controller.hall.model import Hall, Queue, Refused
from controller.hall.slots import bookable_days, working_time
from controller.live import Live
from controller.people import Role
from controller.store import contacts
from web.appointments import counts, of_day
from web.booking import is_bookable
from web.home import BOARD_ROLES
from web.sheet import as_file, local
from web.visit import give, hall_now, me, role_required, say, say_refused, the_hall, the_site

blueprint = Blueprint("booked_days", __name__)

MOST_REASON = 200
COLUMNS = ("Time", "Queue", "Matter", "State", "Way", "Ticket", "Special")


@dataclass(frozen=True, slots=True)
class Cell:
    """A queue on a day. places: of all its slots; taken: of them, special ones not counted beyond."""

    taken: int
    places: int

    @property
    def percent(self) -> int:
        return min(100, round(100 * self.taken / self.places)) if self.places else 0


@dataclass(frozen=True, slots=True)
class Asked:
    """A special request and how long it waits, in working time."""

    one: Appointment
    waits: timedelta
    is_late: bool


@blueprint.get("/m/<hall>/appointments")
@role_required(*BOARD_ROLES)
def page(hall: str) -> str:
    return _page(the_hall(hall))


def _page(live: Live, error: str = "", where: str = "", asks: CancelSlots | None = None) -> str:
    hall, booking, now = live.hall, the_site().booking(live), hall_now()
    queues = [one for one in hall.plan.queues if is_bookable(hall, one)]
    days = [booking.today(), *bookable_days(hall.plan, the_site().holidays.calendar, booking.today())]
    taken_back = concerned(hall, asks) if asks is not None else []
    return render_template(
        "appointments/days.html",
        hall=hall,
        days=days,
        queues=queues,
        cells=_cells(booking, hall, queues, days),
        today=counts(of_day(hall.bookings.known.values(), booking.today())),
        asked=asked(live),
        closures=sorted(hall.bookings.closed, key=lambda one: one.start),
        blocked=_blocked(hall, now),
        windows=hall.plan.windows,
        may_change=Role.HALL_MANAGER in me().roles,
        asks=asks,
        taken_back=taken_back,
        untold=len(taken_back) - _with_phone(live, taken_back),
        form=request.form,
        error=error,
        where=where,
        typed=_typed,
    )


def _cells(
    booking: Booking, hall: Hall, queues: list[Queue], days: list[date]
) -> dict[tuple[str, date], Cell]:
    """What is taken, and of how many places; those of spans without bookings are none."""
    book = hall.bookings
    taken = Counter((one.queue, one.day) for one in book.known.values() if one.state in HELD)
    table = booking.table([one.code for one in queues], days)
    found: dict[tuple[str, date], Cell] = {}
    for (queue, day), offers in table.items():
        if not offers:
            continue
        slots = [one.slot for one in offers]
        open_ones = [one for one in slots if not book.is_closed(queue, one.start, one.end)]
        found[queue, day] = Cell(taken[queue, day], sum(one.places for one in open_ones))
    return found


def asked(live: Live) -> list[Asked]:
    """Special requests nobody has decided, the one that waits longest first (A2)."""
    hall, now, zone = live.hall, hall_now(), the_site().settings.zone
    calendar, most = the_site().holidays.calendar, hall.plan.rules.special_within
    found = [one for one in hall.bookings.known.values() if one.state is AppointmentState.REQUESTED]
    waits = [(one, working_time(hall.plan, calendar, zone, one.booked_at, now)) for one in found]
    rows = [Asked(one, length, length > most) for one, length in waits]
    return sorted(rows, key=lambda row: (row.one.booked_at, row.one.id))


def _blocked(hall: Hall, now: datetime) -> list[tuple[Appointment, datetime]]:
    """The last missed appointment of everybody who may not book now."""
    missed: dict[str, Appointment] = {}
    for one in sorted(hall.bookings.known.values(), key=lambda one: one.start):
        if one.state is AppointmentState.NO_SHOW or one.counts:
            missed[one.persons[0]] = one
    found = [(one, blocked_until(hall, one.persons, now)) for one in missed.values()]
    return [(one, until) for one, until in found if until is not None]


def _with_phone(live: Live, found: list[Appointment]) -> int:
    with live.store.reading() as c:
        return len(contacts.of(c, live.id, [one.token for one in found]))


@blueprint.get("/m/<hall>/appointments.csv")
@role_required(*BOARD_ROLES)
def as_csv(hall: str) -> Response:
    """Every appointment that is known, without who it is for."""
    known = the_hall(hall).hall.bookings.known.values()
    rows = [
        (
            local(one.start),
            one.queue,
            one.item or "",
            say(f"appointment_state.{one.state}"),
            say(f"way.{one.way}"),
            one.ticket or "",
            one.wish,
        )
        for one in sorted(known, key=lambda one: one.place)
    ]
    return as_file(f"appointments-{hall}", COLUMNS, rows)


# --- special requests


@blueprint.post("/m/<hall>/appointments/<int:id>/<any(approve, reject, lift):what>")
@role_required(Role.HALL_MANAGER)
def decide(hall: str, id: int, what: str) -> Response | tuple[str, int]:
    """Agree to a special request at a time, refuse it with a reason, or forgive absences."""
    live = the_hall(hall)
    try:
        give(live, _decision(live, id, what), f"appointment {id}")
    except Refused as error:
        return _page(live, say_refused(error), f"asked-{id}"), HTTPStatus.CONFLICT
    except ValueError:
        return _page(live, say("Choose a time."), f"asked-{id}"), HTTPStatus.BAD_REQUEST
    return redirect(url_for("booked_days.page", hall=hall), HTTPStatus.SEE_OTHER)


def _decision(live: Live, id: int, what: str) -> Command:
    if what == "lift":
        return LiftBlock(id)
    if what == "reject":
        return RejectAppointment(id, request.form.get("reason", "")[:MOST_REASON])
    known = live.hall.bookings.known.get(id)
    if known is None:
        raise Refused("unknown_appointment", "there is no such appointment")
    start = _moment(request.form.get("start", ""))
    return the_site().booking(live).approval(known, start, request.form.get("window", type=int))


# --- spans without bookings


@blueprint.post("/m/<hall>/appointments/close")
@role_required(Role.HALL_MANAGER)
def close(hall: str) -> Response | tuple[str, int]:
    """Take no bookings in a span. What it takes back is shown first, and done when that is confirmed."""
    live = the_hall(hall)
    try:
        command = _span()
        if request.form.get("sure") != "yes" and concerned(live.hall, command):
            return _page(live, asks=command), HTTPStatus.OK
        give(live, command)
    except Refused as error:
        return _page(live, say_refused(error), "close"), HTTPStatus.CONFLICT
    except ValueError:
        return _page(live, say("Say from when until when."), "close"), HTTPStatus.BAD_REQUEST
    return redirect(url_for("booked_days.page", hall=hall), HTTPStatus.SEE_OTHER)


def _span() -> CancelSlots:
    """Raises ValueError for what is no time."""
    queues = tuple(request.form.getlist("queue"))
    first, last = (_moment(request.form.get(name, "")) for name in ("starts", "ends"))
    return CancelSlots(first, last, queues, request.form.get("reason", "")[:MOST_REASON])


@blueprint.post("/m/<hall>/appointments/closed/<int:id>/reopen")
@role_required(Role.HALL_MANAGER)
def reopen(hall: str, id: int) -> Response | tuple[str, int]:
    live = the_hall(hall)
    try:
        give(live, ReopenSlots(id))
    except Refused as error:
        return _page(live, say_refused(error), "close"), HTTPStatus.CONFLICT
    return redirect(url_for("booked_days.page", hall=hall), HTTPStatus.SEE_OTHER)


def _moment(typed: str) -> datetime:
    """By the hall's clock. Raises ValueError."""
    return datetime.fromisoformat(typed).replace(tzinfo=the_site().settings.zone)


def _typed(moment: datetime) -> str:
    return moment.astimezone(the_site().settings.zone).strftime("%Y-%m-%dT%H:%M")
