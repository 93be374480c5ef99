"""The home unit's page (S4.24): its people, where the hall has them sit today, and its matters to write for.

Read-only: who sits where and when is the hall's to decide, what is told of a matter the home unit's.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, g, render_template

from controller import i18n
from controller.people import UNIT_WRITERS, Role
from controller.store import items
from controller.store.people import Person
from web.own_conduct import waiting_for_unit
from web.roster import turns_today
from web.visit import me, role_required, the_site

blueprint = Blueprint("units", __name__)


@dataclass(frozen=True, slots=True)
class Sent:
    """Somebody of the unit. turns: hall, window and times of today, in words."""

    person: Person
    turns: tuple[tuple[str, int, str], ...]


@blueprint.get("/unit")
@role_required(Role.DEPARTMENT_ADMIN, Role.WINDOW_LEAD)
def page() -> str:
    unit = me().home_unit
    people = [] if unit is None else [_sent(one) for one in the_site().people.all() if _is_sent(one, unit)]
    return render_template("people/unit.html", unit=unit, people=people, waiting=waiting_for_unit())


def _is_sent(person: Person, unit: str) -> bool:
    return person.home_unit == unit and person.is_active


def _sent(person: Person) -> Sent:
    halls = [live for live in the_site().halls.values() if person.works_in(live.id)]
    turns = (
        (i18n.in_language(g.lang, live.hall.plan.name), window, times)
        for live in halls
        for window, times in turns_today(live.id, person.id).items()
    )
    return Sent(person, tuple(turns))


def units() -> list[str]:
    """The home units there may be: what matters, halls and people name."""
    of_matters = items.departments(the_site().store)
    of_halls = (one.name.zh for live in the_site().halls.values() for one in live.hall.plan.departments)
    of_people = (one.home_unit for one in the_site().people.all() if one.home_unit)
    return sorted({*of_matters, *of_halls, *of_people})


def keepers() -> set[str]:
    """The home units that have writers of their own."""
    people = the_site().people.all()
    return {one.home_unit for one in people if one.is_active and one.home_unit and one.roles & UNIT_WRITERS}
