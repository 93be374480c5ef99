"""The way in: which hall, which place of it. Everybody may see it; it names no citizen."""

from __future__ import annotations

from flask import Blueprint, g, render_template

from controller.people import CENTRE_WRITERS, UNIT_WRITERS, Role
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


@blueprint.get("/")
def home() -> str:
    """The halls of this site with their places."""
    halls = [live.hall for live in the_site().halls.values()]
    return render_template("home/home.html", halls=halls, **_rights())


@blueprint.get("/hall/<hall>")
def hall(hall: str) -> str:
    """Every screen of one hall, to be opened where it stands."""
    return render_template("home/hall.html", hall=the_hall(hall).hall, **_rights())


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
