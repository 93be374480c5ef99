"""The way in: which hall, which place of it. Everybody may see it; it names no citizen."""

from __future__ import annotations

from flask import Blueprint, g, render_template, url_for

from controller import ratings
from controller.hall.model import Hall
from controller.people import CENTRE_WRITERS, UNIT_WRITERS, Role
from web.own_conduct import unread_of_me, waiting_for_unit
from web.rating import tablet_code
from web.visit import the_hall, the_site

blueprint = Blueprint("home", __name__)

BOARD_ROLES = frozenset(
    {Role.HALL_MANAGER, Role.DIRECTOR, Role.SUPERVISOR, Role.LEADER_VIEW, Role.GUIDE, Role.WINDOW_LEAD}
)
DESK_ROLES = frozenset({Role.GUIDE, Role.HALL_MANAGER})
GUIDE_WRITERS = CENTRE_WRITERS | UNIT_WRITERS
WINDOW_ROLES = frozenset({Role.CLERK, Role.WINDOW_LEAD})
LEADER_ROLES = frozenset({Role.LEADER_VIEW, Role.DIRECTOR, Role.SUPERVISOR, Role.HALL_MANAGER})
UNIT_ROLES = frozenset({Role.TECHNICIAN, Role.ADMIN, Role.HALL_MANAGER})
SETUP_ROLES = frozenset({Role.ADMIN, Role.HALL_MANAGER})
RATING_ROLES = UNIT_WRITERS | {Role.SUPERVISOR, Role.HALL_MANAGER, Role.DIRECTOR}  # who see bad ratings


@blueprint.get("/")
def home() -> str:
    """The halls of this site with their places."""
    halls = [live.hall for live in the_site().halls.values()]
    return render_template("home/home.html", halls=halls, turns=_turns(), noted=_noted(), **_rights())


def _turns() -> dict[str, int]:
    """In how many cases of bad ratings it is the reader's turn, by hall; empty for who sees none."""
    if g.person is None or not g.person.roles & RATING_ROLES:
        return {}
    mine = (live for live in the_site().halls.values() if g.person.works_in(live.id))
    return {live.id: ratings.turns(live, g.person) for live in mine}


def _noted() -> tuple[int | None, int]:
    """Entries of the register of conduct that wait for the reader: about them, about people of their unit."""
    if g.person is None:
        return None, 0
    answers_for_unit = bool(g.person.roles & UNIT_WRITERS)
    return unread_of_me(), waiting_for_unit() if answers_for_unit else 0


@blueprint.get("/hall/<hall>")
def hall(hall: str) -> str:
    """Every screen of one hall, to be opened where it stands."""
    value = the_hall(hall).hall
    return render_template("home/hall.html", hall=value, tablets=_tablets(value), **_rights())


def _tablets(hall: Hall) -> list[tuple[int, str]]:
    """The address of each window's rating tablet, for who puts them up: nobody else is to open one."""
    if g.person is None or not g.person.roles & UNIT_ROLES or not g.person.works_in(hall.id):
        return []
    return [
        (number, url_for("rating.tablet", hall=hall.id, window=number, code=tablet_code(hall.id, number)))
        for number in hall.windows
    ]


def _rights() -> dict[str, bool]:
    roles = g.person.roles if g.person is not None else frozenset()
    return {
        "sees_board": bool(roles & BOARD_ROLES),
        "works_at_desk": bool(roles & DESK_ROLES),
        "writes_guides": bool(roles & GUIDE_WRITERS),
        "works_at_window": bool(roles & WINDOW_ROLES),
        "sees_wires": the_site().settings.demo,
        "sees_units": bool(roles & UNIT_ROLES),
        "leads": bool(roles & LEADER_ROLES),
        "answers_for_unit": bool(roles & UNIT_WRITERS),
        "sees_people": Role.ADMIN in roles,
        "sees_data": bool(roles & {Role.ADMIN, Role.SUPERVISOR, Role.HALL_MANAGER}),
        "sees_audit": bool(roles & {Role.ADMIN, Role.SUPERVISOR, Role.DIRECTOR}),
        "sets_up": bool(roles & SETUP_ROLES),
    }
