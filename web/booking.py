"""Booking by citizens themselves: find the matter, choose a time, say who comes, and have a page for it.

One question a screen, no account, works without scripts. The page of an appointment is opened by the 128 bits
of chance in its address; it says when, where and with which code, and nothing about the person.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from http import HTTPStatus
from io import BytesIO
from typing import Any

import segno
from flask import Blueprint, abort, g, make_response, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from werkzeug.wrappers import Response

from controller.booking import Offer, Person, Wish
from controller.hall.appointments import blocked_until
from controller.hall.bookings import OPEN, Appointment, AppointmentState, Way
from controller.hall.commands import CancelAppointment, MoveAppointment
from controller.hall.model import Hall, Queue, Refused
from controller.live import Live
from controller.people import CITIZEN
from controller.store import items
from controller.store.items import Matter
from web.guides import today
from web.limits import Limit, keep_to_limit
from web.visit import MAX_KEY, hall_now, say_refused, the_hall, the_site

blueprint = Blueprint("booking", __name__)

MOST_WORDS = 40  # characters
MOST_FOUND = 20
MOST_WISH = 200
NO_INDEX = {"X-Robots-Tag": "noindex, nofollow"}
LIMIT = "booking_limit"


@blueprint.record
def _prepare(state: BlueprintSetupState) -> None:
    """Codes and phone numbers are not to be tried out."""
    state.app.extensions[LIMIT] = Limit(burst=20, per_second=0.2)


@dataclass(frozen=True, slots=True)
class Day:
    """A day with its slots, as it is shown."""

    day: date
    offers: list[Offer]

    @property
    def left(self) -> int:
        return sum(one.left for one in self.offers)


# --- finding and choosing


@blueprint.get("/h/<hall>/book")
def find(hall: str) -> Response:
    """What can be booked: matters that have every word, or the queues."""
    live, words = the_hall(hall), request.args.get("q", "").strip()[:MOST_WORDS]
    queues = [one for one in live.hall.plan.queues if is_bookable(live.hall, one)]
    codes = {one.code for one in queues}
    found = [one for one in matters_with(words) if one.queue in codes][:MOST_FOUND] if words else []
    return page("booking/find.html", live, words=words, queues=queues, found=found)


def matters_with(words: str) -> list[Matter]:
    parts = words.casefold().split()
    known = items.matters(the_site().store, today())
    return [one for one in known if all(part in f"{one.name} {one.code}".casefold() for part in parts)]


def is_bookable(hall: Hall, queue: Queue) -> bool:
    return queue.slot_places != 0 and bool(hall.servers.get(queue.code))


@blueprint.get("/h/<hall>/book/<queue>")
def choose(hall: str, queue: str) -> Response:
    """Days and times of a queue."""
    live = the_hall(hall)
    return page(
        "booking/choose.html",
        live,
        **_about(live, queue),
        days=days_of(live, queue, request.values.get("item", "")),
    )


def days_of(live: Live, queue: str, item: str | None = None) -> list[Day]:
    found = the_site().booking(live).days(queue, item or None)
    return [Day(day, offers) for day, offers in found.items() if offers]


def _about(live: Live, code: str) -> dict[str, Any]:
    """The queue and matter of this request; 404 where nothing can be booked."""
    queue = live.hall.queues.get(code)
    if queue is None or not is_bookable(live.hall, queue):
        abort(HTTPStatus.NOT_FOUND)
    item = request.values.get("item", "")
    known = next((one for one in items.matters(the_site().store, today()) if one.code == item), None)
    is_here = known is not None and known.queue == code
    return {"queue": queue, "matter": known if is_here else None, "item": item if is_here else ""}


# --- saying who comes


@blueprint.get("/h/<hall>/book/<queue>/at/<start>")
def ask(hall: str, queue: str, start: str) -> Response:
    """Who comes at this time."""
    return _ask(the_hall(hall), queue, start)


def _ask(live: Live, queue: str, start: str, error: str = "") -> Response:
    about, moment = _about(live, queue), moment_of(start)
    status = HTTPStatus.CONFLICT if error else HTTPStatus.OK
    hours = live.hall.plan.rules.change_before
    facts = {**about, "start": start, "moment": moment, "form": request.form, "error": error}
    return page("booking/ask.html", live, status, **facts, hours=hours / timedelta(hours=1))


@blueprint.post("/h/<hall>/book/<queue>/at/<start>")
def book(hall: str, queue: str, start: str) -> Response:
    """Book it, once for each key of a form."""
    keep_to_limit(LIMIT)
    live = the_hall(hall)
    item = str(_about(live, queue)["item"]) or None
    person = Person(request.form.get("card", "")[:40], request.form.get("phone", "")[:40], g.lang)
    wish = Wish(queue, moment_of(start), person, Way.WEB, item)
    try:
        if not (person.card.strip() and person.phone.strip()):
            raise Refused("card_and_phone", "card and phone are needed")
        made = the_site().booking(live).book(wish, CITIZEN, _key("book"))
    except Refused as refused:
        return _ask(live, queue, start, say_refused(refused))
    return redirect(url_for("booking.mine", token=made.token), HTTPStatus.SEE_OTHER)


def _key(what: str) -> str | None:
    key = request.form.get("key", "")[:MAX_KEY]
    return f"booking:{what}:{key}" if key else None


def moment_of(start: str) -> datetime:
    """A time in an address, such as 20260303T0930, by the hall's clock; 404 for anything else."""
    try:
        return datetime.strptime(start, "%Y%m%dT%H%M").replace(tzinfo=the_site().settings.zone)
    except ValueError:
        abort(HTTPStatus.NOT_FOUND)


def start_of(moment: datetime) -> str:
    return moment.astimezone(the_site().settings.zone).strftime("%Y%m%dT%H%M")


# --- the page of an appointment


@blueprint.get("/a/<token>")
def mine(token: str) -> Response:
    """What was booked, and what may be done about it."""
    return _mine(token)


def _mine(token: str, error: str = "") -> Response:
    live, one = _found(token)
    if live is None or one is None:
        missing = render_template("booking/missing.html", halls=the_site().halls.values())
        return make_response(missing, HTTPStatus.NOT_FOUND, NO_INDEX)
    hall, now, rules = live.hall, hall_now(), live.hall.plan.rules
    is_lost = one.state is AppointmentState.HALL_CANCELLED
    is_confirmed = one.state is AppointmentState.CONFIRMED
    can_move = is_confirmed and not one.is_special and one.start - now >= rules.change_before
    held = hall.tickets.get(one.ticket or 0)
    return page(
        "booking/mine.html",
        live,
        HTTPStatus.CONFLICT if error else HTTPStatus.OK,
        one=one,
        queue=hall.queues.get(one.queue),
        zone=_zone(hall, one),
        days=days_of(live, one.queue, one.item) if can_move else [],
        offers=the_site().booking(live).next_offers(one.queue, one.item) if is_lost else [],
        can_move=can_move,
        can_cancel=one.state in OPEN,
        is_late=is_confirmed and one.start - now < rules.change_before,
        opens=one.start - rules.check_in_before,
        closes=one.start + rules.check_in_after,
        ticket=held,
        blocked=blocked_until(hall, one.persons, now),
        key=_page_key(one),
        error=error,
    )


def _page_key(one: Appointment) -> str:
    """A second press of the same page asks for the same thing; after a change it asks anew."""
    return f"{one.id}-{one.state}-{one.moved}"


def _zone(hall: Hall, one: Appointment) -> object:
    queue = hall.queues.get(one.queue)
    return next((zone.name for zone in hall.plan.zones if queue is not None and zone.id == queue.zone), None)


def _found(token: str) -> tuple[Live, Appointment] | tuple[None, None]:
    for live in the_site().halls.values():
        one = live.hall.bookings.by_token(token)
        if one is not None:
            return live, one
    return None, None


@blueprint.get("/a/<token>/qr.svg")
def code(token: str) -> Response:
    """The code that a kiosk reads."""
    _, one = _found(token)
    if one is None:
        abort(HTTPStatus.NOT_FOUND)
    picture = BytesIO()
    segno.make(one.code, micro=False, error="m").save(
        picture, kind="svg", xmldecl=False, omitsize=True, border=2, light="#fff"
    )
    return make_response(picture.getvalue(), {**NO_INDEX, "Content-Type": "image/svg+xml"})


@blueprint.post("/a/<token>/<any(move, cancel, again):what>")
def act(token: str, what: str) -> Response:
    """Another time, no time, or another instead of one the hall took back."""
    keep_to_limit(LIMIT)
    live, one = _found(token)
    if live is None or one is None:
        return _mine(token)
    try:
        if what == "again":
            start = moment_of(request.form.get("start", ""))
            made = the_site().booking(live).again(one, start, f"booking:again:{token}")
            return redirect(url_for("booking.mine", token=made.token), HTTPStatus.SEE_OTHER)
        _change(live, one, what)
    except Refused as refused:
        return _mine(token, say_refused(refused))
    return redirect(url_for("booking.mine", token=token), HTTPStatus.SEE_OTHER)


def _change(live: Live, one: Appointment, what: str) -> None:
    key = f"booking:{what}:{one.id}:{request.form.get('key', '')[:MAX_KEY]}"
    if what == "cancel":
        live.submit(CancelAppointment(one.id), CITIZEN, key=key)
        return
    start = moment_of(request.form.get("start", ""))
    slot = the_site().booking(live).slot_at(one.queue, start, one.item)
    live.submit(MoveAppointment(one.id, slot), CITIZEN, key=f"{key}:{start_of(start)}")


# --- finding it again


@blueprint.post("/h/<hall>/booked")
def find_mine(hall: str) -> Response:
    """The page of who has the code and the last four digits of the phone."""
    keep_to_limit(LIMIT)
    live = the_hall(hall)
    code, tail = (request.form.get(name, "").strip() for name in ("code", "tail"))
    one = live.hall.bookings.by_code(code) if code else None
    if one is None or not one.tail or one.tail != tail:
        queues = [each for each in live.hall.plan.queues if is_bookable(live.hall, each)]
        facts = {"words": "", "queues": queues, "found": [], "is_unknown": True}
        return page("booking/find.html", live, HTTPStatus.NOT_FOUND, **facts)
    return redirect(url_for("booking.mine", token=one.token), HTTPStatus.SEE_OTHER)


def page(template: str, live: Live, status: int = HTTPStatus.OK, **facts: Any) -> Response:
    """A page of a hall; not for search engines."""
    words = {"hall": live.hall, "start_of": start_of}
    body = render_template(template, **words, **facts)
    response = make_response(body, status, NO_INDEX)
    response.headers["Cache-Control"] = "private, no-cache"
    return response
