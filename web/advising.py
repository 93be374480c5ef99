"""Advice for the manager: what would help now, taken with one click; and what earlier advice brought.

The advice itself is worked out in the background (controller/counsel.py). Taking it is one command with its
audit row; putting it aside hides it for a while. The thresholds that call for advice are rules of the plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from werkzeug.wrappers import Response

from controller import i18n
from controller.clock import real_now
from controller.counsel import AWAY, Key, key_of
from controller.hall import advice, waits
from controller.hall.commands import ChangePlan, TakeMeasure
from controller.hall.model import Hall, Measure, Refused
from controller.live import Live
from controller.people import Role
from controller.site import Site
from controller.store.audit import audit
from web.home import BOARD_ROLES
from web.privacy import colleague
from web.sheet import as_file, local
from web.visit import give, hall_now, me, role_required, say, say_refused, the_hall, the_site

blueprint = Blueprint("advising", __name__)

THRESHOLDS = {"long_wait": range(5, 241), "least_saved": range(5, 601)}  # minutes
ASIDE = "PutAdviceAside"  # in the audit trail, from which it is known again after a restart
MOST_ASIDE = 200
COLUMNS = ("Time", "Advice", "Without it (min)", "Expected (min)", "Came (min)", "State")


@dataclass(frozen=True, slots=True)
class Shown:
    """One piece of advice. saved: minutes of waiting of all people together in the next hour, in tens."""

    text: str
    reason: str
    saved: int
    share: float | None
    form: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Brought:
    """What was done and what came of it, in minutes of waiting of all together."""

    at: datetime
    text: str
    without: int
    expected: int
    came: int
    is_over: bool

    @property
    def saved(self) -> int:
        return self.without - self.came


def shown(live: Live, now: datetime) -> list[Shown]:
    """The advice that stands, in words."""
    hall = live.hall
    return [_shown(hall, one, now) for one in live.counsel.latest()]


def brought(hall: Hall, now: datetime) -> list[Brought]:
    """What was done today, the latest first."""
    return [
        Brought(
            one.taken.at,
            _text(hall, one.taken.measure),
            _minutes(one.without_s),
            _minutes(one.with_s),
            _minutes(one.waited_s),
            one.is_over,
        )
        for one in reversed(advice.effects(hall, now))
    ]


def _shown(hall: Hall, measure: Measure, now: datetime) -> Shown:
    kind, window, queues = key_of(measure)
    return Shown(
        _text(hall, measure),
        _reason(hall, measure, now),
        round(measure.saved_s / 600) * 10,
        measure.saved_s / measure.waiting_s if measure.waiting_s else None,
        {"kind": kind, "window": str(window), "queues": ",".join(queues)},
    )


def _text(hall: Hall, measure: Measure) -> str:
    clerk = hall.clerks.get(measure.clerk or "")
    names = [_name(hall, code) for code in measure.queues]
    return say(
        f"advice.{measure.kind}",
        window=measure.window,
        clerk=colleague(clerk.name) if clerk else "",
        queues=say(", ").join(names),
        minutes=_minutes(measure.delay.total_seconds()),
    )


def _reason(hall: Hall, measure: Measure, now: datetime) -> str:
    """Of the queues it helps, the one in which somebody has waited longest."""
    known = [(wait, code) for code in measure.queues if (wait := waits.longest_wait(hall, code, now))]
    if not known:
        return ""
    longest, code = max(known)
    n, minutes = waits.waiting(hall, code), _minutes(longest.total_seconds())
    return say("advice.because", n=n, queue=_name(hall, code), minutes=minutes)


def _name(hall: Hall, code: str) -> str:
    queue = hall.queues.get(code)
    return i18n.in_language(g.lang, queue.name) if queue else code


def _minutes(seconds: float) -> int:
    return round(seconds / 60)


# --- put aside before the last restart


@blueprint.record
def _recall_asides(state: BlueprintSetupState) -> None:
    site: Site = state.app.extensions["site"]
    for row in site.people.trail(MOST_ASIDE, ASIDE, real_now() - AWAY):
        live, details = site.halls.get(row["subject"].partition("/")[0]), row["details"]
        if live is not None and "until" in details:
            key = details["kind"], details["window"], tuple(details["queues"])
            live.counsel.put_aside(key, datetime.fromisoformat(details["until"]))


# --- the page


@blueprint.get("/m/<hall>/advice")
@role_required(*BOARD_ROLES)
def page(hall: str) -> str:
    return _page(the_hall(hall))


def _page(live: Live, error: str = "") -> str:
    now = hall_now()
    rules = live.hall.plan.rules
    limits = {name: _minutes(getattr(rules, name).total_seconds()) for name in THRESHOLDS}
    return render_template(
        "manager/advice.html",
        hall=live.hall,
        now=now,
        advice=shown(live, now),
        brought=brought(live.hall, now),
        limits=limits,
        ranges=THRESHOLDS,
        away=_minutes(AWAY.total_seconds()),
        error=error,
    )


@blueprint.get("/m/<hall>/advice.csv")
@role_required(*BOARD_ROLES)
def page_csv(hall: str) -> Response:
    """What was done today and what came of it."""
    now = hall_now()
    rows = [_cells(one) for one in brought(the_hall(hall).hall, now)]
    return as_file(f"advice-{hall}-{now.date()}", COLUMNS, rows)


def _cells(one: Brought) -> list[object]:
    state = say("over") if one.is_over else say("so far")
    return [local(one.at), one.text, one.without, one.expected, one.came, state]


@blueprint.post("/m/<hall>/advice/<any(take, aside):what>")
@role_required(Role.HALL_MANAGER)
def act(hall: str, what: str) -> Response | tuple[str, int]:
    """Take a piece of advice, or put it aside for a while."""
    live = the_hall(hall)
    measure = live.counsel.find(_key())
    if measure is None:
        return _page(live, say("This advice no longer stands: the hall has moved on.")), HTTPStatus.CONFLICT
    until = hall_now() + AWAY
    live.counsel.put_aside(key_of(measure), until)
    if what == "take":
        try:
            give(live, TakeMeasure(measure), f"window {measure.window}")
        except Refused as error:
            return _page(live, say_refused(error)), HTTPStatus.CONFLICT
    else:
        _note_aside(live, measure, until)
    return redirect(url_for("advising.page", hall=hall), HTTPStatus.SEE_OTHER)


def _key() -> Key:
    window = request.form.get("window", type=int)
    if window is None:
        abort(HTTPStatus.BAD_REQUEST, "form_incomplete")
    queues = tuple(filter(None, request.form.get("queues", "").split(",")))
    return request.form.get("kind", ""), window, queues


def _note_aside(live: Live, measure: Measure, until: datetime) -> None:
    """Nothing happens in the hall, but who decided so is kept, and for how long."""
    kind, window, queues = key_of(measure)
    details = {"kind": kind, "window": window, "queues": list(queues), "until": until.isoformat()}
    row = audit(me().id, ASIDE, f"{live.id}/window {window}", real_now(), **details)
    with the_site().store.writing() as connection:
        row(connection)


@blueprint.post("/m/<hall>/advice/thresholds")
@role_required(Role.HALL_MANAGER)
def thresholds(hall: str) -> Response | tuple[str, int]:
    """When the hall asks for help, and how much a move must save (P.28)."""
    live = the_hall(hall)
    plan = live.hall.plan
    limits = {name: timedelta(minutes=_limit(name)) for name in THRESHOLDS}
    changed = replace(plan, rules=replace(plan.rules, **limits), rev=plan.rev + 1)  # type: ignore[arg-type]
    try:
        give(live, ChangePlan(changed), "thresholds")
    except Refused as error:
        return _page(live, say_refused(error)), HTTPStatus.CONFLICT
    return redirect(url_for("advising.page", hall=hall), HTTPStatus.SEE_OTHER)


def _limit(name: str) -> int:
    minutes = request.form.get(name, 0, type=int)
    if minutes not in THRESHOLDS[name]:
        abort(HTTPStatus.BAD_REQUEST, "form_incomplete")
    return minutes
