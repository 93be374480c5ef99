"""A and B persons of each queue, and who is on leave (S0.33): the manager's, beside the roster."""

from __future__ import annotations

from datetime import date, timedelta
from http import HTTPStatus

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from controller.clock import real_now
from controller.hall.duty import keeps_hours
from controller.hall.model import Refused
from controller.live import Live
from controller.people import Role
from controller.store import substitutes as rows
from controller.substitutes import Leave, Pair, uncovered
from web.home import BOARD_ROLES
from web.visit import hall_now, me, role_required, say_refused, the_hall, the_site

blueprint = Blueprint("substitutes", __name__)

AHEAD = timedelta(days=60)
WARNED = 14  # days looked ahead for queues nobody answers for


@blueprint.get("/m/<hall>/substitutes")
@role_required(*BOARD_ROLES)
def page(hall: str) -> str:
    return _page(the_hall(hall))


def _page(live: Live, error: str = "", failed: str = "") -> str:
    today = _today()
    with the_site().store.reading() as c:
        pairs, leaves = rows.pairs(c, live.id), rows.leaves(c, live.id, today, today + AHEAD)
    days = [today + timedelta(days=n) for n in range(WARNED)]
    calendar, plan = the_site().holidays.calendar, live.hall.plan
    open_days = [
        (day, uncovered(pairs, leaves, day)) for day in days if keeps_hours(plan, calendar.kind(day), day)
    ]
    return render_template(
        "manager/substitutes.html",
        hall=live.hall,
        pairs={pair.queue: pair for pair in pairs},
        leaves=leaves,
        alarms=[(day, pair) for day, found in open_days for pair in found],
        today=today,
        form=request.form,
        error=error,
        failed=failed,
    )


@blueprint.post("/m/<hall>/substitutes")
@role_required(Role.HALL_MANAGER)
def put_pairs(hall: str) -> Response | tuple[str, int]:
    """Who answers for each queue of the form."""
    live = the_hall(hall)
    wanted = [
        Pair(code, _clerk(live, f"first-{code}"), _clerk(live, f"second-{code}"))
        for code in live.hall.queues
        if f"first-{code}" in request.form
    ]
    try:
        with the_site().store.writing() as c:
            before = {pair.queue: pair for pair in rows.pairs(c, hall)}
            for pair in wanted:
                if before.get(pair.queue, Pair(pair.queue, None, None)) != pair:
                    rows.put_pair(c, hall, pair, me().id, real_now())
    except Refused as error:
        return _page(live, say_refused(error), "pairs"), HTTPStatus.CONFLICT
    return _back(hall)


@blueprint.post("/m/<hall>/leaves")
@role_required(Role.HALL_MANAGER)
def add_leave(hall: str) -> Response | tuple[str, int]:
    live = the_hall(hall)
    clerk = _clerk(live, "clerk")
    first = request.form.get("first", type=date.fromisoformat)
    last = request.form.get("last", first, type=date.fromisoformat)
    if clerk is None or first is None or last is None:
        abort(HTTPStatus.BAD_REQUEST, "form_incomplete")
    try:
        with the_site().store.writing() as c:
            rows.add_leave(c, hall, Leave(0, clerk, first, last), me().id, real_now())
    except Refused as error:
        return _page(live, say_refused(error), "leave"), HTTPStatus.CONFLICT
    return _back(hall)


@blueprint.post("/m/<hall>/leaves/<int:id>/take-back")
@role_required(Role.HALL_MANAGER)
def take_back(hall: str, id: int) -> Response:
    with the_site().store.writing() as c:
        rows.take_back(c, hall, id, me().id, real_now())
    return _back(hall)


def _clerk(live: Live, name: str) -> str | None:
    """A clerk of the hall; None for nobody."""
    value = request.form.get(name) or None
    if value is not None and value not in live.hall.clerks:
        abort(HTTPStatus.BAD_REQUEST, "form_incomplete")
    return value


def _back(hall: str) -> Response:
    return redirect(url_for("substitutes.page", hall=hall), HTTPStatus.SEE_OTHER)


def _today() -> date:
    return hall_now().astimezone(the_site().settings.zone).date()


def unanswered(hall: str) -> list[str]:
    """The queues nobody answers for today, both of whose persons are away."""
    today = _today()
    with the_site().store.reading() as c:
        return [
            one.queue for one in uncovered(rows.pairs(c, hall), rows.leaves(c, hall, today, today), today)
        ]
