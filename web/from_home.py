"""Tickets from home: taken on a phone where the hall allows it, and what staff see of hoarding.

A phone is known by the chance that its form is bound to, which is no name; what is kept are keyed hashes.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from http import HTTPStatus

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from controller.boards import queue_line
from controller.from_home import Caller
from controller.hall.model import FINAL, Refused, TicketState
from controller.live import Live
from controller.people import Role
from controller.store import home_tickets as rows
from controller.told import joining_text
from web.citizen import QUEUE_LENGTHS
from web.limits import keep_to_limit
from web.taking import TOKEN_BYTES
from web.visit import VISITOR_COOKIE, csrf_token, hall_now, role_required, say_refused, the_hall, the_site

blueprint = Blueprint("from_home", __name__)

READERS = (Role.HALL_MANAGER, Role.ADMIN, Role.SUPERVISOR, Role.GUIDE)
DAYS = timedelta(days=30)
LEAST, MOST = 3, 20  # tickets of an address that is listed; addresses


@blueprint.get("/h/<hall>/home-ticket")
def page(hall: str) -> str:
    """What can be taken from home now; 404 where the hall gives none out."""
    return _page(_open(hall))


def _open(hall: str) -> Live:
    live = the_hall(hall)
    if not live.hall.plan.rules.home_share:
        abort(HTTPStatus.NOT_FOUND)
    return live


def _page(live: Live, refused: str = "") -> str:
    csrf_token()  # so that the browser has its chance before it asks for a ticket
    hall, forecast, now = live.hall, live.lookout.now(), hall_now()
    lines = [queue_line(hall, queue, now, forecast) for queue in hall.plan.queues]
    held = the_site().from_home.held(live, _caller(live)) if request.cookies.get(VISITOR_COOKIE) else None
    return render_template(
        "citizen/home.html",
        hall=hall,
        lines=lines,
        waits={code: joining_text(g.lang, hall, forecast, code) for code in hall.queues},
        held=held,
        refused=refused,
    )


@blueprint.post("/h/<hall>/home-ticket")
def take(hall: str) -> Response | tuple[str, int]:
    """One ticket; a phone that has one already is led to it."""
    live = _open(hall)
    keep_to_limit("phone_limit")
    queue = request.form.get("queue", "")
    if len(queue) not in QUEUE_LENGTHS:
        abort(HTTPStatus.BAD_REQUEST, "form_incomplete")
    try:
        token = the_site().from_home.take(live, _caller(live), queue, secrets.token_urlsafe(TOKEN_BYTES))
    except Refused as refused:
        return _page(live, say_refused(refused)), HTTPStatus.CONFLICT
    return redirect(url_for("citizen.ticket", token=token), HTTPStatus.SEE_OTHER)


def _caller(live: Live) -> Caller:
    chance = request.cookies.get(VISITOR_COOKIE, "")
    return the_site().from_home.caller(live.id, chance, request.remote_addr or "")


# --- for staff


@blueprint.get("/m/<hall>/home-tickets")
@role_required(*READERS)
def overview(hall: str) -> str:
    """How many hold tickets from home, how they ended, and addresses from which many come to nothing."""
    live = the_hall(hall)
    value = live.hall
    with the_site().store.reading() as c:
        ids = rows.of_day(c, hall, value.day.date) if value.day else []
        origins = rows.origins(c, hall, hall_now() - DAYS, LEAST, MOST)
    tickets = [value.tickets[id] for id in ids if id in value.tickets]
    return render_template(
        "manager/home_tickets.html",
        hall=value,
        taken=len(tickets),
        waiting=sum(one.state is TicketState.WAITING for one in tickets),
        served=sum(one.state is TicketState.COMPLETED for one in tickets),
        unused=sum(one.state in FINAL - {TicketState.COMPLETED, TicketState.CANCELLED} for one in tickets),
        origins=origins,
        rules=value.plan.rules,
    )
