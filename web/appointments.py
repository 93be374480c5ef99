"""Appointments as staff see them: who comes today, booking for whoever phones or stands there, check-in.

The front desk finds an appointment by its code or the end of a phone number. Nobody is named here: who comes
is a digest, and the last four digits of the phone tell one from another.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import date, datetime
from http import HTTPStatus

import segno
from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from controller.booking import Person, Wish
from controller.clock import real_now
from controller.hall.appointments import blocked_until
from controller.hall.bookings import OPEN, Appointment, AppointmentState, Way
from controller.hall.commands import CancelAppointment, CheckIn, MoveAppointment
from controller.hall.model import Hall, Refused
from controller.live import Live
from controller.store.audit import audit
from web import booking
from web.booking import days_of, is_bookable, matters_with, start_of
from web.home import DESK_ROLES
from web.taking import TOKEN_BYTES, issued
from web.visit import MAX_KEY, give, hall_now, me, role_required, say, say_refused, the_hall, the_site

blueprint = Blueprint("appointments", __name__)

MOST_WORDS = 40  # characters
MOST_FOUND = 12
MOST_REASON = 200
WAYS = (Way.PHONE, Way.SITE)
STANDING = {  # the order in which states are listed
    state: n
    for n, state in enumerate(
        (AppointmentState.REQUESTED, AppointmentState.CONFIRMED, AppointmentState.CHECKED_IN)
    )
}


# --- who comes


@blueprint.get("/g/<hall>/appointments")
@role_required(*DESK_ROLES)
def page(hall: str) -> str:
    """The appointments of a day, or those that fit what was typed: a code or the end of a phone number."""
    live = the_hall(hall)
    words, day = request.args.get("q", "").strip()[:MOST_WORDS], _day(request.args.get("day", ""))
    known = live.hall.bookings.known.values()
    found = fitting(known, words) if words else of_day(known, day)
    return render_template(
        "appointments/desk.html",
        hall=live.hall,
        words=words,
        day=day,
        today=_today(),
        days=coming_days(live.hall),
        found=found,
        can_check_in=can_check_in(live.hall),
        counts=counts(of_day(known, day)),
    )


def of_day(known: Iterable[Appointment], day: date) -> list[Appointment]:
    """By time; those that may still come first."""
    found = [one for one in known if one.day == day]
    return sorted(found, key=lambda one: (one.start, STANDING.get(one.state, len(STANDING)), one.id))


def fitting(known: Iterable[Appointment], words: str) -> list[Appointment]:
    digits = "".join(words.split())
    found = [one for one in known if one.code == digits or (one.tail and one.tail == digits)]
    return sorted(found, key=lambda one: (one.state not in OPEN, one.start))


def counts(found: Iterable[Appointment]) -> dict[AppointmentState, int]:
    states = [one.state for one in found]
    return {state: states.count(state) for state in AppointmentState if state in states}


def coming_days(hall: Hall) -> list[date]:
    """Today and the days that have appointments."""
    today = _today()
    return sorted({today, *(one.day for one in hall.bookings.known.values() if one.day >= today)})


def can_check_in(hall: Hall) -> frozenset[int]:
    """The appointments that may be checked in now."""
    rules, now = hall.plan.rules, hall_now()
    return frozenset(
        id
        for start, id in hall.bookings.due
        if start - rules.check_in_before <= now <= start + rules.check_in_after
    )


# --- one appointment


@blueprint.get("/g/<hall>/appointments/<int:id>")
@role_required(*DESK_ROLES)
def one(hall: str, id: int) -> str:
    return _one(the_hall(hall), id)


def _one(live: Live, id: int, error: str = "") -> str:
    hall, known = live.hall, _known(live, id)
    is_confirmed = known.state is AppointmentState.CONFIRMED
    can_move = is_confirmed and not known.is_special
    now, rules = hall_now(), hall.plan.rules
    return render_template(
        "appointments/one.html",
        hall=hall,
        one=known,
        queue=hall.queues.get(known.queue),
        can_check_in=id in can_check_in(hall),
        can_cancel=known.state in OPEN,
        is_late=is_confirmed and known.start - now < rules.change_before,
        days=days_of(live, known.queue, known.item) if can_move else [],
        ticket=hall.tickets.get(known.ticket or 0),
        blocked=blocked_until(hall, known.persons, now),
        picture=segno.make(f"{the_site().settings.slip_url}/a/{known.token}").svg_data_uri(
            border=2, light="#fff"
        ),
        start_of=start_of,
        error=error,
    )


def _picture(known: Appointment) -> str:
    """The address of their own page, for a phone that looks at the screen."""
    address = f"{the_site().settings.slip_url}/a/{known.token}"
    return segno.make(address).svg_data_uri(border=2, light="#fff")


@blueprint.post("/g/<hall>/appointments/<int:id>/<any(come, cancel, move):what>")
@role_required(*DESK_ROLES)
def act(hall: str, id: int, what: str) -> Response | tuple[str, int]:
    """Somebody is here, does not come, or comes at another time."""
    live = the_hall(hall)
    known = _known(live, id)
    try:
        if what == "come":
            return _come(live, known)
        _change(live, known, what)
    except Refused as error:
        return _one(live, id, say_refused(error)), HTTPStatus.CONFLICT
    return redirect(url_for("appointments.one", hall=hall, id=id), HTTPStatus.SEE_OTHER)


def _come(live: Live, known: Appointment) -> Response:
    answer = give(live, CheckIn(known.id, secrets.token_urlsafe(TOKEN_BYTES)), known.queue)
    made = issued(answer.hall, answer.events)
    id = made.id if made is not None else live.hall.bookings.known[known.id].ticket
    if id is None or id not in live.hall.tickets:
        return redirect(url_for("appointments.one", hall=live.id, id=known.id), HTTPStatus.SEE_OTHER)
    return redirect(url_for("frontdesk.ticket", hall=live.id, ticket=id), HTTPStatus.SEE_OTHER)


def _change(live: Live, known: Appointment, what: str) -> None:
    if what == "cancel":
        reason, is_accepted = request.form.get("reason", "").strip(), bool(request.form.get("accepted"))
        give(live, CancelAppointment(known.id, reason[:MOST_REASON], is_accepted), known.queue)
        return
    start = booking.moment_of(request.form.get("start", ""))
    give(
        live,
        MoveAppointment(known.id, the_site().booking(live).slot_at(known.queue, start, known.item)),
        known.queue,
    )


def _known(live: Live, id: int) -> Appointment:
    known = live.hall.bookings.known.get(id)
    if known is None:
        abort(HTTPStatus.NOT_FOUND)
    return known


# --- booking for somebody


@blueprint.get("/g/<hall>/appointments/new")
@role_required(*DESK_ROLES)
def new(hall: str) -> str:
    """Choose the matter, then the time and who comes."""
    return _new(the_hall(hall))


def _new(live: Live, error: str = "") -> str:
    hall, words = live.hall, request.args.get("q", "").strip()[:MOST_WORDS]
    kind, _, value = request.values.get("for", "").partition(":")
    queues = [one for one in hall.plan.queues if is_bookable(hall, one)]
    codes = {one.code for one in queues}
    found = [one for one in matters_with(words) if one.queue in codes][:MOST_FOUND] if words else []
    item = next((one for one in matters_with("") if kind == "item" and one.code == value), None)
    code = item.queue if item is not None else value if kind == "queue" else ""
    queue = hall.queues.get(code or "")
    return render_template(
        "appointments/new.html",
        hall=hall,
        words=words,
        queues=queues,
        found=found,
        chosen=request.values.get("for", ""),
        queue=queue,
        item=item,
        days=days_of(live, queue.code, None if item is None else item.code) if queue is not None else [],
        ways=WAYS,
        start_of=start_of,
        form=request.form,
        earliest=hall_now().astimezone(the_site().settings.zone).strftime("%Y-%m-%dT%H:%M"),
        error=error,
    )


@blueprint.post("/g/<hall>/appointments/new")
@role_required(*DESK_ROLES)
def book(hall: str) -> Response | tuple[str, int]:
    """Book, or ask for a special time; a doubled click does it once."""
    live = the_hall(hall)
    try:
        wish = _wish(live)
        key = request.form.get("key", "")[:MAX_KEY]
        row = audit(me().id, _what(wish), f"{hall}/{wish.queue}", real_now(), start=wish.start.isoformat())
        made = the_site().booking(live).book(wish, me().actor, f"web:{me().id}:{key}" if key else None, [row])
    except Refused as error:
        return _new(live, say_refused(error)), HTTPStatus.CONFLICT
    except ValueError:
        return _new(live, say("Choose a time.")), HTTPStatus.BAD_REQUEST
    return redirect(url_for("appointments.one", hall=hall, id=made.id), HTTPStatus.SEE_OTHER)


def _what(wish: Wish) -> str:
    return "RequestAppointment" if wish.why else "BookAppointment"


def _wish(live: Live) -> Wish:
    """What the form asks for. Raises ValueError without a time."""
    kind, _, value = request.form.get("for", "").partition(":")
    item = next((one for one in matters_with("") if kind == "item" and one.code == value), None)
    queue = (item.queue or "") if item is not None else value
    form, zone = request.form, the_site().settings.zone
    why = form.get("why", "").strip()[:MOST_REASON] if form.get("special") else ""
    typed = form.get("wished", "") if form.get("special") else form.get("start", "")
    start = datetime.fromisoformat(typed).replace(tzinfo=zone)
    if form.get("special") and not why:
        raise Refused("wish_needed", "a special appointment needs a reason")
    person = Person(form.get("card", "")[:40], form.get("phone", "")[:40], g.lang)
    way = Way(form["way"]) if form.get("way") in set(WAYS) else Way.PHONE
    return Wish(queue, start, person, way, item.code if item is not None else None, why)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return _today()


def _today() -> date:
    return hall_now().astimezone(the_site().settings.zone).date()
