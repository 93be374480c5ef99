"""The administrator's pages of people: who there is, what they may do, and how they get in.

Nobody is deleted, and a password or link is shown once, to who made it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from controller import i18n
from controller.administration import Administration
from controller.clock import real_now
from controller.hall.model import Refused
from controller.network import Network
from controller.people import Role
from controller.store.network import network
from controller.store.people import Person, UnknownPerson
from controller.store.standings import Standing
from web.privacy import MOST_REASON, name_of
from web.sheet import as_file, local
from web.units import units
from web.visit import me, role_required, say, say_refused, the_site

blueprint = Blueprint("people", __name__)

PAGE = 100
CENTRE = "centre:"  # before the id of a centre, in forms
LONGEST_UNIT = 64
STATES = ("active", "disabled", "locked")
COLUMNS = ("Name", "Staff number", "Home unit", "Hall", "Roles", "Account", "Last used")
_SORTS: Mapping[str, Callable[[Row], Any]] = {
    "name": lambda row: row.person.name,
    "number": lambda row: (len(row.person.staff_number or ""), row.person.staff_number or ""),
    "hall": lambda row: (row.person.hall or "", row.person.centre or ""),
    "state": lambda row: STATES.index(row.state),
    "seen": lambda row: "" if row.standing.seen_at is None else row.standing.seen_at.isoformat(),
}


@dataclass(frozen=True, slots=True)
class Row:
    """Somebody in the list."""

    person: Person
    standing: Standing

    @property
    def state(self) -> str:
        if not self.person.is_active:
            return "disabled"
        return "locked" if self.standing.is_locked else "active"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asked the list for."""

    words: str = ""
    role: str = ""
    state: str = ""
    sort: str = "number"
    is_falling: bool = False

    def arguments(self, **changes: object) -> dict[str, object]:
        wish: dict[str, object] = {
            "q": self.words,
            "role": self.role,
            "state": self.state,
            "sort": self.sort,
            "dir": "down" if self.is_falling else "up",
        }
        return {name: value for name, value in {**wish, **changes}.items() if value not in ("", None)}

    def fits(self, row: Row) -> bool:
        person = row.person
        said = f"{person.name} {person.staff_number or ''} {person.id}".casefold()
        has_role = not self.role or self.role in person.roles
        return self.words.casefold() in said and has_role and self.state in ("", row.state)


# --- everybody


@blueprint.get("/people")
@role_required(Role.ADMIN)
def everybody() -> str:
    wish = _wanted(request.args)
    everyone = _rows()
    found = _sorted(wish, everyone)
    page = max(1, request.args.get("page", 1, type=int) or 1)
    pages = max(1, -(-len(found) // PAGE))
    page = min(page, pages)
    return render_template(
        "people/people.html",
        wish=wish,
        rows=found[(page - 1) * PAGE : page * PAGE],
        total=len(found),
        is_alone=len(everyone) <= 1,
        page=page,
        pages=pages,
        states=STATES,
        **_choices(),
    )


@blueprint.get("/people.csv")
@role_required(Role.ADMIN)
def everybody_csv() -> Response:
    return as_file("people", COLUMNS, (_cells(row) for row in _sorted(_wanted(request.args), _rows())))


def _wanted(args: MultiDict[str, str]) -> Wanted:
    role, state, sort = args.get("role", ""), args.get("state", ""), args.get("sort", "")
    return Wanted(
        args.get("q", "").strip()[:64],
        role if role in set(Role) else "",
        state if state in STATES else "",
        sort if sort in _SORTS else "number",
        args.get("dir") == "down",
    )


def _rows() -> list[Row]:
    standings = the_site().people.standings(real_now())
    return [Row(person, standings.get(person.id, Standing())) for person in _administration().everybody()]


def _sorted(wish: Wanted, rows: list[Row]) -> list[Row]:
    return sorted((row for row in rows if wish.fits(row)), key=_SORTS[wish.sort], reverse=wish.is_falling)


def _cells(row: Row) -> tuple[object, ...]:
    person = row.person
    return (
        name_of(person.name),
        person.staff_number or "",
        person.home_unit or "",
        place_name(person),
        " ".join(i18n.label(g.lang, "role", role) for role in sorted(person.roles)),
        i18n.label(g.lang, "account", row.state),
        local(row.standing.seen_at),
    )


# --- one person


@blueprint.get("/people/new")
@role_required(Role.ADMIN)
def new() -> str:
    beginner = Person("", "", None, me().hall, frozenset({Role.CLERK}), is_active=True)
    return _form(replace(beginner, centre=me().centre))


@blueprint.post("/people/new")
@role_required(Role.ADMIN)
def add() -> Response | tuple[str, int]:
    person = _filled(Person("", "", None, None, frozenset(), is_active=True))
    try:
        added = _administration().add(person, real_now())
    except Refused as error:
        return _form(person, say_refused(error)), HTTPStatus.CONFLICT
    return _back(added.id, "added")


@blueprint.get("/people/<person>")
@role_required(Role.ADMIN)
def one(person: str) -> str:
    return _page(_theirs(person), done=request.args.get("done", ""))


@blueprint.post("/people/<person>")
@role_required(Role.ADMIN)
def change(person: str) -> str | tuple[str, int]:
    """Other words about somebody; the answer can undo it."""
    before = _theirs(person)
    after = _filled(before)
    try:
        _administration().change(after, real_now())
    except Refused as error:
        return _page(after, error=say_refused(error)), HTTPStatus.CONFLICT
    return _page(_theirs(person), done="changed", before=before)


@blueprint.post("/people/<person>/<any(disable, enable, sessions_end, unlock, second_factor_off):what>")
@role_required(Role.ADMIN)
def act(person: str, what: str) -> Response | tuple[str, int]:
    """What changes the account and not the person."""
    theirs, administration, now = _theirs(person), _administration(), real_now()
    try:
        match what:
            case "sessions_end":
                administration.end_sessions(person, now)
            case "second_factor_off":
                administration.take_off_second_factor(person, now)
            case "unlock":
                administration.unlock(person, now)
            case _:
                administration.set_active(person, what == "enable", now)
    except Refused as error:
        return _page(theirs, error=say_refused(error)), HTTPStatus.CONFLICT
    return _back(person, what)


@blueprint.post("/people/<person>/password")
@role_required(Role.ADMIN)
def give_password(person: str) -> str:
    """A new password, shown this once."""
    theirs = _theirs(person)
    return _page(theirs, password=_administration().give_password(theirs.id, real_now()))


@blueprint.post("/people/<person>/link")
@role_required(Role.ADMIN)
def give_link(person: str) -> str:
    """A sign-in link, shown this once."""
    theirs = _theirs(person)
    try:
        token = _administration().give_link(theirs.id, real_now())
    except UnknownPerson:
        abort(HTTPStatus.NOT_FOUND)
    return _page(theirs, link=f"{the_site().settings.slip_url}/in/{token}")


@blueprint.post("/people/<person>/erase")
@role_required(Role.ADMIN)
def erase(person: str) -> Response | tuple[str, int]:
    """Somebody who left asks for it: name, number and secrets go."""
    theirs, reason = _theirs(person), request.form.get("reason", "").strip()[:MOST_REASON]
    try:
        _administration().erase(theirs.id, reason, real_now())
    except Refused as error:
        return _page(theirs, error=say_refused(error)), HTTPStatus.CONFLICT
    return _back(theirs.id, "erased")


def _theirs(id: str) -> Person:
    """The person of the address; 404 when there is none, 403 when others look after them."""
    try:
        return _administration().get(id)
    except UnknownPerson:
        abort(HTTPStatus.NOT_FOUND)


def _administration() -> Administration:
    return Administration(the_site(), me())


def _filled(person: Person) -> Person:
    """The person as the form has it. A role there is not is left out, a place there is not is refused."""
    place = request.form.get("hall", "")
    if place != place_of(person) and place not in _places():
        abort(HTTPStatus.BAD_REQUEST, "form_incomplete")
    centre = place.removeprefix(CENTRE) if place.startswith(CENTRE) else None
    return replace(
        person,
        name=request.form.get("name", "").strip(),
        staff_number=request.form.get("number", "").strip() or None,
        hall=None if centre else place or None,
        centre=centre,
        home_unit=request.form.get("home_unit", "").strip()[:LONGEST_UNIT] or None,
        points=_network().below(centre) if centre else frozenset(),
        roles=frozenset(Role(role) for role in request.form.getlist("role") if role in set(Role)),
    )


def _form(person: Person, error: str = "") -> str:
    return render_template("people/new.html", one=person, error=error, **_choices())


def _page(person: Person, **more: object) -> str:
    now = real_now()
    standing = the_site().people.standings(now).get(person.id, Standing())
    sessions = the_site().people.sessions(person.id, now)
    return render_template(
        "people/person.html", row=Row(person, standing), one=person, sessions=sessions, **_choices(), **more
    )


def _choices() -> dict[str, object]:
    """What a form can choose from: one who works in one hall or centre looks after that one only."""
    return {
        "roles": list(Role),
        "places": _places(),
        "place_of": place_of,
        "place_name": place_name,
        "units": units(),
    }


def place_of(person: Person) -> str:
    """Where somebody works, as forms say it: a hall, a centre, or "" for everywhere."""
    return f"{CENTRE}{person.centre}" if person.hall is None and person.centre else person.hall or ""


def place_name(person: Person) -> str:
    return _places().get(place_of(person), place_of(person))


def _places() -> dict[str, str]:
    """The places `me` may give to somebody, by what forms say, with their names: the widest first."""
    if "places" not in g:
        known = _network()
        centres = {
            f"{CENTRE}{point.id}": i18n.in_language(g.lang, point.name)
            for _, point in known.in_order()
            if me().is_everywhere or point.id in me().points
        }
        halls = {
            id: i18n.in_language(g.lang, live.hall.plan.name)
            for id, live in the_site().halls.items()
            if me().works_in(id)
        }
        everywhere = {"": say("every hall")} if me().is_everywhere else {}
        g.places = {**everywhere, **centres, **halls}
    places: dict[str, str] = g.places
    return places


def _network() -> Network:
    with the_site().store.reading() as c:
        return network(c)


def _back(person: str, done: str) -> Response:
    return redirect(url_for("people.one", person=person, done=done), HTTPStatus.SEE_OTHER)
