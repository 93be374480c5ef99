"""Signing in and out: by a one-time link, or by staff number and password for those who set one.

Opening a link only asks; pressing the key uses it up, so that a preview of the link in a chat does not.
"""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from werkzeug.wrappers import Response

from controller.clock import real_now
from controller.people import Role
from controller.store.people import BadLink, BadPassword, Person
from web.limits import Limit, keep_to_limit
from web.visit import SESSION_COOKIE, me, say_refused, set_cookie, signed_in_required, the_site

blueprint = Blueprint("auth", __name__)


@blueprint.record
def _prepare(state: BlueprintSetupState) -> None:
    """Each try costs a slow hash and leaves an audit row: an address gets few of them."""
    state.app.extensions["sign_in_limit"] = Limit(burst=20, per_second=0.2)  # a centre behind one address


@blueprint.get("/in/<token>")
def ask_link(token: str) -> Response | str | tuple[str, int]:
    """Who the link would sign in, and the key that does it."""
    try:
        person = the_site().people.whose_link(token, real_now())
    except BadLink:
        return _used_link()
    return render_template("auth/link.html", who=person, token=token)


@blueprint.post("/in/<token>")
def use_link(token: str) -> Response | str | tuple[str, int]:
    people = the_site().people
    try:
        person = people.whose_link(token, real_now())
        session = people.use_link(token, real_now())
    except BadLink:
        return _used_link()
    return enter(session, start_of(person))


@blueprint.get("/sign-in")
def sign_in() -> Response | str:
    if g.person is not None:
        return redirect(next_page())
    if the_site().second_factors.awaiting(g.token, real_now()):
        return redirect(url_for("second_factor.ask", next=next_page()))
    was_idle = the_site().people.is_idle(g.token, real_now())
    return render_template("auth/sign_in.html", next=next_page(), number="", error="", was_idle=was_idle)


@blueprint.post("/sign-in")
def sign_in_by_password() -> Response | tuple[str, int]:
    keep_to_limit("sign_in_limit")
    number = request.form.get("number", "").strip()
    try:
        session = the_site().people.sign_in(number, request.form.get("password", ""), real_now())
    except BadPassword as error:
        text = say_refused(error)
        return render_template("auth/sign_in.html", next=next_page(), number=number, error=text), 403
    return enter(session, next_page())


@blueprint.post("/sign-out")
def sign_out() -> Response:
    the_site().people.sign_out(g.token, real_now())
    response = redirect(url_for("home.home"))
    response.delete_cookie(SESSION_COOKIE, path="/")
    return response


@blueprint.get("/me")
@signed_in_required
def account() -> str:
    return _account(is_saved=request.args.get("saved") == "1")


def _account(error: str = "", is_saved: bool = False) -> str:
    sessions = the_site().people.sessions(me().id, real_now(), g.token)
    factor = the_site().second_factors.of(me().id)
    return render_template(
        "auth/me.html", who=me(), sessions=sessions, factor=factor, error=error, is_saved=is_saved
    )


@blueprint.post("/me/password")
@signed_in_required
def set_password() -> Response | tuple[str, int]:
    password, now = request.form.get("password", ""), real_now()
    try:
        the_site().people.set_password(me().id, password, now, by=me().id, session=g.token)
    except BadPassword as error:
        return _account(say_refused(error)), 409
    if me().has_given_password:
        return redirect(start_of(me()))
    return redirect(url_for("auth.account", saved=1))


@blueprint.post("/me/sessions/end")
@signed_in_required
def end_sessions() -> Response:
    """End one of one's own sessions, or all but this one."""
    people, session = the_site().people, request.form.get("session")
    if session:
        people.end_session(me().id, session, real_now(), by=me().id)
    else:
        people.end_sessions(me().id, real_now(), by=me().id, but=g.token)
    return redirect(url_for("auth.account"))


LOOKERS = frozenset({Role.DIRECTOR, Role.LEADER_VIEW})  # who see halls at a glance and run none


def start_of(person: Person) -> str:
    """The page this person works on; the choice of halls and roles when there is more than one."""
    mine = [hall for hall in the_site().halls if person.works_in(hall)]
    hall = mine[0] if len(mine) == 1 else person.hall
    if person.roles <= LOOKERS:
        return url_for("leader.page")
    if hall is None:
        is_first = not the_site().halls and Role.ADMIN in person.roles
        return url_for("first_hour.start" if is_first else "home.home")
    if person.roles & {Role.HALL_MANAGER, Role.DIRECTOR, Role.SUPERVISOR, Role.LEADER_VIEW}:
        return url_for("manager.board", hall=hall)
    if person.roles & {Role.CLERK, Role.WINDOW_LEAD}:
        return url_for("clerk.windows", hall=hall)
    if Role.GUIDE in person.roles:
        return url_for("frontdesk.page", hall=hall)
    if Role.DEPARTMENT_ADMIN in person.roles:
        return url_for("units.page")
    if Role.TECHNICIAN in person.roles:
        return url_for("technician.devices")
    if Role.ADMIN in person.roles:
        return url_for("people.everybody")
    return url_for("home.home")


def enter(session: str, where: str) -> Response:
    """Go on as the person of the new session; the one this browser had before is over."""
    if g.person is not None:
        the_site().people.sign_out(g.token, real_now())
    if the_site().second_factors.awaiting(session, real_now()):
        where = url_for("second_factor.ask", next=where)
    response = redirect(where)
    set_cookie(response, SESSION_COOKIE, session)
    return response


def _used_link() -> tuple[str, int]:
    return render_template("auth/used.html"), 410


def next_page() -> str:
    """Where to go after signing in: a path of ours, never another site."""
    wanted = request.values.get("next", "")
    is_ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if is_ours and wanted.isprintable() else url_for("home.home")
