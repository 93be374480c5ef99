"""Ratings of citizens: behind the slip's code, for some days after the visit too, and on a window's tablet.

Nobody signs in here, and whoever works here has no say: a rating sent from a session of the staff is refused
and leaves a row in the audit trail (P.11). After the level a citizen may say why, once, and after a bad one
leave a number to be called at.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from flask import Blueprint, abort, current_app, g, make_response, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from werkzeug.wrappers import Response

from controller import progress, ratings
from controller.clock import real_now
from controller.hall.model import Hall, Refused, Ticket, TicketState
from controller.hall.ratings import LEVELS, LONGEST_WORDS, NEGATIVE, Channel
from controller.hall.tickets import is_rated
from controller.live import Live
from controller.store import projections, records
from controller.store import ratings as rows
from controller.store.audit import audit
from controller.store.projections import TicketRow
from controller.store.seal import Seal
from web.visit import MAX_KEY, hall_now, say_refused, the_hall, the_site

blueprint = Blueprint("rating", __name__)

REFUSED = "rating.refused"  # the row of the trail
SIGNING = "rating_tablets"  # what the addresses of tablets are signed with
MORE_WITHIN = timedelta(minutes=10)  # of the end of a service, on the window's tablet
NO_INDEX = {"X-Robots-Tag": "noindex, nofollow"}
BY_WORD = {str(level): level for level in LEVELS}


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit that is over, as its rating needs it. level: None while it has none."""

    ticket: int
    number: str
    queue: str
    ended_at: datetime
    level: int | None
    can_rate: bool
    can_tell: bool

    @property
    def is_bad(self) -> bool:
        return self.level in NEGATIVE


@blueprint.record
def _prepare(state: BlueprintSetupState) -> None:
    with state.app.extensions["site"].store.writing() as c:
        records.put_meta_once(c, SIGNING, secrets.token_urlsafe(32))
        state.app.extensions[SIGNING] = str(records.get_meta(c, SIGNING)).encode()


# --- which visit


def visit_of(live: Live, ticket: Ticket) -> Visit | None:
    """The visit of a ticket of today; None while it is not over."""
    if ticket.state is not TicketState.COMPLETED or ticket.finished_at is None:
        return None
    return _with_row(live, ticket.id, ticket.number, ticket.queue, ticket.finished_at, not is_rated(ticket))


def past_visit(live: Live, row: TicketRow) -> Visit | None:
    """The visit of an earlier day, while it may still be rated (G3)."""
    until = ratings.rated_until(the_site().work_days, row, live.hall.plan.rules)
    if row.state is not TicketState.COMPLETED or row.finished_at is None or hall_now() >= until:
        return None
    return _with_row(live, row.id, row.number, row.queue, row.finished_at, row.rating is None)


def _with_row(live: Live, id: int, number: str, queue: str, ended_at: datetime, is_free: bool) -> Visit:
    with live.store.reading() as c:
        row = rows.find(c, live.id, id)
    level = None if row is None else row.level
    return Visit(
        id, number, queue, ended_at, level, is_free and row is None, row is not None and row.told_at is None
    )


def found(token: str) -> tuple[Live, Visit] | None:
    """The visit a slip's code opens, of today or of the days before."""
    for live in the_site().halls.values():
        held = progress.find(live.hall, token)
        if held is not None:
            visit = visit_of(live, held)
            return None if visit is None else (live, visit)
    for live in the_site().halls.values():
        with live.store.reading() as c:
            row = projections.find_token(c, live.id, token)
        if row is not None and row.id not in live.hall.tickets:
            visit = past_visit(live, row)
            return None if visit is None else (live, visit)
    return None


# --- behind the slip's code


def past_page(token: str, refused: str = "") -> Response | None:
    """The page of a visit of an earlier day; None when there is nothing to be rated any more."""
    opened = found(token)
    if opened is None:
        return None
    live, visit = opened
    body = render_template(
        "citizen/past.html", hall=live.hall, visit=visit, token=token, refused=refused, longest=LONGEST_WORDS
    )
    return make_response(body, HTTPStatus.CONFLICT if refused else HTTPStatus.OK, NO_INDEX)


# --- the forms


def rated(live: Live, visit: Visit, channel: Channel) -> str:
    """Give the rating of the form; why it was not taken, "" when it was."""
    refuse_staff(live, visit.number, channel)
    level, key = BY_WORD.get(request.form.get("level", ""), 0), request.form.get("key", "")[:MAX_KEY]
    asked = f"rate:{channel}:{visit.ticket}:{key}" if key else None
    try:
        ratings.rate(live, the_site().work_days, visit.ticket, level, channel, key=asked)
    except Refused as refused:
        return say_refused(refused)
    return ""


def told(live: Live, visit: Visit, channel: Channel) -> str:
    """Keep what the form adds to a rating; why it was not taken, "" when it was."""
    refuse_staff(live, visit.number, channel)
    chosen, form = request.form.getlist("reason"), request.form
    seal = Seal(the_site().settings.data_dir)
    words, number = form.get("words", ""), form.get("phone", "") if visit.is_bad else ""
    try:
        ratings.tell(live, the_site().work_days, seal, visit.ticket, chosen, words, number)
    except Refused as refused:
        return say_refused(refused)
    return ""


def refuse_staff(live: Live, number: str, channel: Channel) -> None:
    """403 for whoever is signed in as staff, with a row in the trail (P.11)."""
    if g.person is None:
        return
    row = audit(g.person.id, REFUSED, f"{live.id}/{number}", real_now(), channel=channel.value)
    with the_site().store.writing() as c:
        row(c)
    abort(HTTPStatus.FORBIDDEN, "rating_staff")


# --- the tablet at a window


def tablet_code(hall: str, window: int) -> str:
    """What the address of a window's tablet ends with, so that nobody opens another's."""
    secret: bytes = current_app.extensions[SIGNING]
    return hashlib.blake2b(f"{hall}/{window}".encode(), key=secret, digest_size=12).hexdigest()


@blueprint.get("/h/<hall>/rate/<int:window>/<code>")
def tablet(hall: str, window: int, code: str) -> Response:
    """Opens by itself when a service ends, and goes again after a while (G1)."""
    live = _tablet_of(hall, window, code)
    ticket = _just_served(live.hall, window, live.hall.plan.rules.rating_prompt)
    is_asked = ticket is not None and not is_rated(ticket)
    answer = make_response(_tablet(live.hall, window, code, ticket if is_asked else None), NO_INDEX)
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.add_etag()
    return answer.make_conditional(request)


@blueprint.post("/h/<hall>/rate/<int:window>/<code>")
def rate_on_tablet(hall: str, window: int, code: str) -> Response:
    """A face was pressed; after it comes the question why."""
    live = _tablet_of(hall, window, code)
    visit = _meant(live, window)
    if visit is None:
        return make_response(_tablet(live.hall, window, code, None), NO_INDEX)
    return _thanks(live, window, code, rated(live, visit, Channel.TABLET))


@blueprint.post("/h/<hall>/rate/<int:window>/<code>/more")
def more_on_tablet(hall: str, window: int, code: str) -> Response:
    live = _tablet_of(hall, window, code)
    visit = _meant(live, window)
    if visit is not None and (error := told(live, visit, Channel.TABLET)):
        return _thanks(live, window, code, error)
    return redirect(url_for("rating.tablet", hall=hall, window=window, code=code), HTTPStatus.SEE_OTHER)


def _tablet_of(hall: str, window: int, code: str) -> Live:
    live = the_hall(hall)
    if window not in live.hall.windows or not hmac.compare_digest(
        code.encode(), tablet_code(hall, window).encode()
    ):
        abort(HTTPStatus.NOT_FOUND)
    return live


def _just_served(hall: Hall, window: int, within: timedelta) -> Ticket | None:
    """Whose service ended last at the window, if that is not long ago."""
    ticket = hall.tickets.get(hall.sessions[window].last_finished or 0)
    if ticket is None or ticket.finished_at is None or ticket.state is not TicketState.COMPLETED:
        return None
    return ticket if hall_now() - ticket.finished_at < within else None


def _meant(live: Live, window: int) -> Visit | None:
    """The visit of the form, when it was served at this window a moment ago."""
    ticket = live.hall.tickets.get(request.form.get("ticket", 0, type=int))
    if ticket is None or ticket.finished_at is None or ticket.legs[-1].window != window:
        return None
    return visit_of(live, ticket) if hall_now() - ticket.finished_at < MORE_WITHIN else None


def _tablet(hall: Hall, window: int, code: str, ticket: Ticket | None) -> str:
    return render_template("citizen/tablet.html", hall=hall, window=window, code=code, ticket=ticket)


def _thanks(live: Live, window: int, code: str, refused: str) -> Response:
    """After the level: thanks, and the question what it was."""
    body = render_template(
        "citizen/tablet_thanks.html",
        hall=live.hall,
        window=window,
        code=code,
        visit=_meant(live, window),
        refused=refused,
        longest=LONGEST_WORDS,
    )
    return make_response(body, HTTPStatus.CONFLICT if refused else HTTPStatus.OK, NO_INDEX)
