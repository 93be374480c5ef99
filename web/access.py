"""Who may open which page, as the views themselves ask for it: role by route by hall.

Read by the reference (docs/reference/rights.md), against which a test tries every cell.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask

from controller.people import Role
from web.visit import is_of_site, roles_of

OF_HALL = ("<hall>", "<person>")  # what an address names that belongs to one hall


CASE = "/m/<hall>/ratings/<int:id>"
CASE_STEP = "<any(call, check, fix, explain, appeal, extend, uphold, reject, close, return):what>"
OF_HOME_UNIT = {  # what belongs to a home unit (S4.24); whether who has none may open it too
    "POST /catalogue/<path:code>/save": False,
    "POST /catalogue/<path:code>/<any(submit, back, drop):what>": False,
    "POST /catalogue/bring-in": False,
    "POST /catalogue/clean-ups/<int:id>/agree": False,
    f"GET {CASE}": True,
    f"POST {CASE}/number": True,
    f"POST {CASE}/{CASE_STEP}": True,
    "POST /unit/conduct/<int:id>/note": False,
    "POST /unit/conduct/<int:id>/answer": False,
}


@dataclass(frozen=True, slots=True)
class Access:
    """One method of one address. roles: who may, None = everybody, signed in or not; is_of_hall: those
    who work in one hall or centre may only there, or only for people who work there; is_of_site: they may
    not at all.
    """

    method: str
    address: str
    roles: frozenset[Role] | None
    is_of_hall: bool
    is_of_site: bool = False
    view: Callable[..., object] | None = None


def matrix(app: Flask) -> list[Access]:
    """Every address the application answers at, in order."""
    rows = [
        _access(app, method, rule.rule, rule.endpoint)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    ]
    return sorted(rows, key=lambda row: (row.address, row.method))


def _access(app: Flask, method: str, address: str, endpoint: str) -> Access:
    view = app.view_functions[endpoint]
    roles = roles_of(view)
    is_of_hall = roles is not None and any(of in address for of in OF_HALL)
    return Access(method, address, roles, is_of_hall, is_of_site(view), view)
