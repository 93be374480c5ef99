"""The first hour: from an empty site to an open hall, one question a page.

The first administrator comes by a link only the machine tells (controller/first.py). Each step changes the
hall at once, for nobody waits in it yet; how far one has come is kept, so that it can be left and gone on
with by anybody who may. Every step may be skipped.
"""

from __future__ import annotations

import re
from dataclasses import replace
from http import HTTPStatus

from flask import Blueprint, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from werkzeug.wrappers import Response

from controller import first
from controller.administration import Administration
from controller.clock import real_now
from controller.demo.hall import sample_plan
from controller.demo.matters import put_sample_centre, put_sample_matters
from controller.hall.commands import ChangePlan
from controller.hall.model import Plan, Refused, Text, WindowState
from controller.live import Live
from controller.people import Role
from controller.store import records
from controller.store.items import all_items
from controller.store.people import Person, check_password
from web import first_matters, first_steps, setup_forms, setup_words
from web.auth import enter
from web.first_steps import OF_PLAN, STEPS
from web.home import SETUP_ROLES
from web.limits import Limit, keep_to_limit
from web.manager import closing_time
from web.setup_forms import BadForm, Form
from web.visit import give, hall_now, me, role_required, say, say_refused, the_hall, the_site

blueprint = Blueprint("first_hour", __name__)

STEP = "<any(zones, queues, windows, matters, people, devices, open):step>"
PRACTICE = (("练习一", "P1"), ("练习二", "P2"))  # clerks of the sample hall
STAFF = (Role.CLERK, Role.GUIDE, Role.WINDOW_LEAD, Role.HALL_MANAGER, Role.TECHNICIAN)


@blueprint.record
def _prepare(state: BlueprintSetupState) -> None:
    state.app.extensions["first_limit"] = Limit(burst=20, per_second=0.2)


# --- the first administrator


@blueprint.get("/first/<token>")
def ask_first(token: str) -> str | tuple[str, int]:
    """Who will look after this site."""
    if not first.is_invited(the_site().store, token):
        return render_template("auth/used.html"), HTTPStatus.GONE
    return render_template("start/first.html", form=Form({"runs": "1"}), error="")


@blueprint.post("/first/<token>")
def make_first(token: str) -> Response | str | tuple[str, int]:
    keep_to_limit("first_limit")
    if not first.is_invited(the_site().store, token):
        return render_template("auth/used.html"), HTTPStatus.GONE
    try:
        session = _first_session()
    except Refused as error:
        page = render_template("start/first.html", form=request.form, error=say_refused(error))
        return page, HTTPStatus.CONFLICT
    first.invite(the_site().store, the_site().settings)
    return enter(session, url_for("first_hour.start"))


def _first_session() -> str:
    """The first person, signed in. Raises BadPerson and BadPassword."""
    people, now = the_site().people, real_now()
    number, password = request.form.get("number", "").strip(), request.form.get("password", "")
    roles = {Role.ADMIN, Role.HALL_MANAGER} if request.form.get("runs") else {Role.ADMIN}
    check_password(password)
    person = Person(
        "first", request.form.get("name", "").strip(), number or None, None, frozenset(roles), True
    )
    people.add(person, now)
    people.set_password(person.id, password, now, by=person.id)
    return people.use_link(people.link(person.id, now, by=person.id), now)


# --- where to begin or go on


@blueprint.get("/start")
@role_required(*SETUP_ROLES)
def start() -> Response | str:
    """The step one has come to; without a hall, the question how to begin."""
    halls = [id for id in the_site().halls if me().works_in(id)]
    if halls and "another" not in request.args:
        return redirect(url_for("first_hour.step", hall=halls[-1], step=_reached(halls[-1])))
    return _begin(setup_forms.hall_form(Plan(name=Text("", ""), hours=first_steps.HOURS)))


def _begin(form: Form, error: str = "") -> str:
    return render_template(
        "start/hall.html", form=form, error=error, may_add=_may_add(), **_frame(None, "hall")
    )


def _may_add() -> bool:
    """A hall is added by who looks after all of them."""
    return Role.ADMIN in me().roles and me().is_everywhere


@blueprint.post("/start")
@role_required(Role.ADMIN, is_of_site=True)
def make_hall() -> Response | tuple[str, int]:
    """A hall of this name; or the sample, ready to be played with."""
    is_sample = request.form.get("what") == "sample"
    try:
        plan = replace(sample_plan(), clerks=()) if is_sample else first_steps.first_plan(request.form)
        hall = _new_id(plan)
        the_site().add_hall(hall, plan, me().actor, say("the sample hall") if is_sample else "")
    except BadForm as error:
        return _begin(request.form, _said(error)), HTTPStatus.CONFLICT
    except Refused as error:
        return _begin(request.form, say_refused(error)), HTTPStatus.CONFLICT
    if is_sample:
        _furnish(hall)
    _reach(hall, "open" if is_sample else "zones")
    return _to(hall, "open" if is_sample else "zones")


def _new_id(plan: Plan) -> str:
    """It stands in the addresses of pages, so it is made from the English name."""
    stem = re.sub(r"[^a-z0-9]+", "-", plan.name.en.lower()).strip("-")[:24].strip("-") or "hall"
    names = (stem, *(f"{stem}-{n}" for n in range(2, len(the_site().halls) + 3)))
    return next(name for name in names if name not in the_site().halls)


def _furnish(hall: str) -> None:
    """Somebody to sit at the windows of the sample, and matters to look for at its kiosk."""
    administration, now = Administration(the_site(), me()), real_now()
    taken = {person.staff_number for person in the_site().people.all()}
    for name, number in PRACTICE:
        if number not in taken:
            administration.add(Person("", name, number, hall, frozenset({Role.CLERK}), True), now)
    with the_site().store.writing() as c:
        if not all_items(c):
            put_sample_matters(c, now)
            put_sample_centre(c, hall, now)


# --- the steps


@blueprint.get(f"/start/<hall>/{STEP}")
@role_required(*SETUP_ROLES)
def step(hall: str, step: str) -> str:
    return _step(the_hall(hall), step)


def _step(live: Live, step: str, error: str = "") -> str:
    return render_template(
        f"start/{step}.html",
        plan=live.hall.plan,
        form=request.form,
        error=error,
        **_frame(live, step),
        **_asked(live, step),
    )


def _asked(live: Live, step: str) -> dict[str, object]:
    """What one step shows besides the plan."""
    match step:
        case "zones" | "queues":
            return {"rows": first_steps.rows(step, live.hall.plan)}
        case "matters":
            return {"matters": first_matters.written(the_site().store, live.hall.plan)}
        case "people":
            return {"staff": _staff(live.id), "roles": STAFF, "may_add": Role.ADMIN in me().roles}
        case "open":
            return {"missing": _missing(live), "closes": closing_time(live.hall.plan, hall_now())}
        case _:
            return {}


def _frame(live: Live | None, step: str) -> dict[str, object]:
    """What stands around every step."""
    reached = STEPS.index(_reached(live.id)) if live else 0
    return {"hall": live.hall if live else None, "steps": STEPS, "at": step, "reached": reached}


@blueprint.post(f"/start/<hall>/{STEP}")
@role_required(*SETUP_ROLES)
def take_step(hall: str, step: str) -> Response | tuple[str, int]:
    """Keep what the form says and go on; or skip it, with what is likely."""
    live, is_skipped = the_hall(hall), bool(request.form.get("skip"))
    try:
        if step in OF_PLAN:
            _change_plan(live, step, is_skipped)
        elif step == "matters" and not is_skipped:
            first_matters.keep(the_site().store, hall, live.hall.plan, request.form, me().id)
        elif step == "people" and not is_skipped:
            _add_people(hall)
    except BadForm as error:
        return _step(live, step, _said(error)), HTTPStatus.CONFLICT
    except Refused as error:
        return _step(live, step, say_refused(error)), HTTPStatus.CONFLICT
    if request.form.get("stay"):
        return _to(hall, step)
    following = STEPS[min(STEPS.index(step) + 1, len(STEPS) - 1)]
    _reach(hall, following)
    return _to(hall, following)


def _change_plan(live: Live, step: str, is_skipped: bool) -> None:
    now = live.hall.plan
    plan = first_steps.skipped(step, now) if is_skipped else first_steps.filled(step, now, request.form)
    if not is_skipped:
        plan = first_steps.skipped(step, plan)
    if plan != now:
        give(live, ChangePlan(replace(plan, rev=now.rev + 1), say("first hour")), step)


def _add_people(hall: str) -> None:
    """Those whose names are there. Raises BadPerson."""
    administration, form = Administration(the_site(), me()), request.form
    if Role.ADMIN not in me().roles:
        return
    for n in range(first_steps.MOST_ROWS):
        name, role = form.get(f"name-{n}", "").strip(), form.get(f"role-{n}", "")
        if name and role in set(STAFF):
            number = form.get(f"number-{n}", "").strip() or None
            person = Person("", name, number, hall, frozenset({Role(role)}), True)
            administration.add(person, real_now())


def _staff(hall: str) -> list[Person]:
    return [one for one in the_site().people.all() if one.works_in(hall) and one.is_active]


def _missing(live: Live) -> list[str]:
    """What would keep citizens from being served, as sentences."""
    plan, found = live.hall.plan, []
    if not plan.queues:
        found.append(say("There is no queue to take a ticket for."))
    found += [
        say("No window takes {queue}.", queue=setup_words.name_of("queues", queue))
        for queue in plan.queues
        if not live.hall.servers[queue.code]
    ]
    if not plan.clerks:
        found.append(say("There is no clerk who could sit at a window."))
    if not any(session.state is not WindowState.CLOSED for session in live.hall.sessions.values()):
        found.append(say("No clerk is signed in at a window yet; that may come after opening."))
    return found


# --- how far one has come


def _reached(hall: str) -> str:
    with the_site().store.reading() as c:
        step = records.get_meta(c, f"start.{hall}")
    return step if step in STEPS else "open"


def _reach(hall: str, step: str) -> None:
    with the_site().store.writing() as c:
        known = records.get_meta(c, f"start.{hall}")
        if known not in STEPS or STEPS.index(known) < STEPS.index(step):
            records.put_meta(c, f"start.{hall}", step)


def _said(error: BadForm) -> str:
    name = str(error.facts.get("name", ""))
    field = setup_words.field_name("", name) if name and name.isalpha() else ""
    return say(f"setup_bad.{error.code}", **{**error.facts, "field": field})


def _to(hall: str, step: str) -> Response:
    return redirect(url_for("first_hour.step", hall=hall, step=step), HTTPStatus.SEE_OTHER)
