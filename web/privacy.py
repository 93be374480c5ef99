"""Personal data: what is held and for how long, what was erased, and names in full for who says why (P.33).

Names stand masked in lists, files and the trail. A full view of one is asked for with a reason, leaves a row
in the audit trail, and holds for that address, that session and a few minutes.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import date, timedelta
from http import HTTPStatus
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from flask import Blueprint, abort, current_app, g, redirect, render_template, request, url_for
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect
from werkzeug.wrappers import Response

from controller.clock import real_now
from controller.hall.model import Refused
from controller.keeping import PERSON, RETENTION, VISIT, need_reason
from controller.people import Role, mask
from controller.store import projections
from controller.store.audit import audit
from controller.store.trail import Asked, traces
from web.visit import me, role_required, say_refused, the_hall, the_site

blueprint = Blueprint("privacy", __name__)

FULL_VIEW = "data.full_view"  # the row of the trail
FULL_FOR = timedelta(minutes=5)
MOST_REASON = 200  # characters
SHOWN = 50
LOOK_BACK = timedelta(days=3653)  # ten years
MOST_TICKETS = 20_000  # of a day
SEERS = (Role.ADMIN, Role.SUPERVISOR, Role.DIRECTOR, Role.HALL_MANAGER)
ON_THE_FLOOR = frozenset({Role.GUIDE, Role.CLERK, Role.WINDOW_LEAD, Role.HALL_MANAGER, Role.ADMIN})
ENDPOINTS = frozenset(  # what can be seen in full
    {"audit.page", "audit.as_csv", "manager.tickets", "manager.tickets_csv", "manager.ticket"}
    | {"jumps.jumps", "jumps.jumps_csv", "people.everybody_csv", "frontdesk.leads_csv"}
    | {"conduct.page", "conduct.file"}
)


# --- names


def name_of(name: str) -> str:
    """The name as this page may show it: masked, unless a full view was granted for it."""
    return name if is_full() else mask(name)


def colleague(name: str) -> str:
    """The name on pages where the hall is worked with now: in full for those who work on its floor."""
    return name if me().roles & ON_THE_FLOOR else name_of(name)


def is_full() -> bool:
    """Whether this request carries a grant of ours that is not too old."""
    if "is_full" not in g:
        until, _, sign = request.args.get("full", "").partition(".")
        is_signed = hmac.compare_digest(sign.encode(), _sign(request.path, until).encode())
        g.is_full = is_signed and until.isdigit() and int(until) > real_now().timestamp()
    return bool(g.is_full)


def ask_address() -> str:
    """Where names of this page are asked for in full."""
    arguments = {name: value for name, value in request.args.items() if name != "full"}
    return url_for("privacy.ask", to=f"{request.path}?{urlencode(arguments)}")


def _sign(path: str, until: str) -> str:
    return hmac.new(g.token.encode(), f"full:{path}:{until}".encode(), hashlib.sha256).hexdigest()


@blueprint.app_context_processor
def _words() -> dict[str, object]:
    return {
        "full_view": ask_address,
        "colleague": colleague,
        "is_full": is_full,
        "may_see_full": _may_see_full,
    }


def _may_see_full() -> bool:
    return g.get("person") is not None and bool(me().roles & frozenset(SEERS))


@blueprint.get("/full-view")
@role_required(*SEERS)
def ask() -> str:
    return render_template("people/full_view.html", to=_wanted()[0], error="")


@blueprint.post("/full-view")
@role_required(*SEERS)
def grant() -> Response | tuple[str, int]:
    """Names in full, for a reason that is kept."""
    to, parts = _wanted()
    reason = request.form.get("reason", "").strip()[:MOST_REASON]
    try:
        need_reason(reason)
    except Refused as error:
        page = render_template("people/full_view.html", to=to, error=say_refused(error))
        return page, HTTPStatus.CONFLICT
    now = real_now()
    with the_site().store.writing() as c:
        audit(me().id, FULL_VIEW, parts.path[:200], now, reason=reason, asked=dict(parse_qsl(parts.query)))(c)
    until = str(int((now + FULL_FOR).timestamp()))
    arguments = {**dict(parse_qsl(parts.query)), "full": f"{until}.{_sign(parts.path, until)}"}
    return redirect(f"{parts.path}?{urlencode(arguments)}", HTTPStatus.SEE_OTHER)


def _wanted() -> tuple[str, SplitResult]:
    """The address of ours that shall be seen in full; 400 for any other."""
    to = request.values.get("to", "")
    parts = urlsplit(to)
    try:
        endpoint, _ = current_app.url_map.bind("").match(parts.path)
    except (NotFound, MethodNotAllowed, RequestRedirect):
        endpoint = ""
    if parts.scheme or parts.netloc or endpoint not in ENDPOINTS:
        abort(HTTPStatus.BAD_REQUEST, "form_incomplete")
    return to, parts


# --- what is kept and what was erased


@blueprint.get("/data")
@role_required(Role.ADMIN, Role.SUPERVISOR, Role.HALL_MANAGER)
def page() -> str:
    return _page(done=request.args.get("done", ""))


@blueprint.post("/data/<hall>/visit")
@role_required(Role.ADMIN, Role.HALL_MANAGER)
def erase_visit(hall: str) -> Response | tuple[str, int]:
    """What ties one ticket to its holder goes, at their request."""
    number, reason = request.form.get("number", "").strip().upper(), request.form.get("reason", "").strip()
    try:
        ticket = _ticket(hall, number, request.form.get("day", type=date.fromisoformat))
        the_site().keeping.erase_visit(hall, ticket, number, me().id, reason[:MOST_REASON])
    except Refused as error:
        return _page(error=say_refused(error)), HTTPStatus.CONFLICT
    return redirect(url_for("privacy.page", done="visit"), HTTPStatus.SEE_OTHER)


def _ticket(hall: str, number: str, day: date | None) -> int:
    """The ticket of that number on that day. Raises Refused when there is none, or it is still in use."""
    with the_site().store.reading() as c:
        rows = projections.tickets(c, hall, day, limit=MOST_TICKETS) if day is not None else []
    found = next((row.id for row in rows if row.number == number), None)
    if found is None:
        raise Refused("no_such_ticket", f"there was no ticket {number} on that day", number=number)
    if found in the_hall(hall).hall.tickets:
        raise Refused("day_not_over", "the hall needs this ticket until its next day is opened")
    return found


def _page(error: str = "", done: str = "") -> str:
    now = real_now()
    asked = Asked(since=now - LOOK_BACK, until=now + timedelta(minutes=1), what="data.", halls=me().halls)
    with the_site().store.reading() as c:
        proofs = traces(c, asked, SHOWN)
    halls = {id: live.hall.plan.name for id, live in the_site().halls.items() if me().works_in(id)}
    people = the_site().people.all()
    return render_template(
        "people/data.html",
        kept=the_site().keeping.held(),
        proofs=proofs,
        whom={one.id: f"{name_of(one.name)} {one.staff_number or ''}".strip() or one.id for one in people},
        halls=halls,
        may_erase=bool(me().roles & {Role.ADMIN, Role.HALL_MANAGER}),
        kinds=(RETENTION, PERSON, VISIT, FULL_VIEW),
        form=request.form,
        error=error,
        done=done,
    )
