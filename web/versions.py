"""Every plan a hall had, what was different from one to the next, and the way back; and the hall as a file.

Going back and taking a file over fill the draft: what that does to today is shown before it is applied, as
for any change. Clerks come from accounts, so they stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from http import HTTPStatus
from itertools import pairwise

from flask import Blueprint, abort, redirect, request, url_for
from msgspec import structs
from werkzeug.wrappers import Response

from controller import hall_file
from controller.changes import of_file
from controller.hall import drafting
from controller.hall.model import Plan, Refused
from controller.hall_file import BadHallFile, HallFile, Position
from controller.live import Live
from controller.store import planned
from controller.store.planned import Beside, Version
from web import setup_words
from web.home import SETUP_ROLES
from web.setup import changes_of, setup_page
from web.setup_words import Line
from web.visit import me, role_required, say, say_refused, the_hall, the_site

blueprint = Blueprint("versions", __name__)

PAGE = 20
LINES_SHOWN = 3  # of what was different, in the list


@dataclass(frozen=True, slots=True)
class Row:
    """A version in the list. lines: what it made different."""

    version: Version
    lines: list[Line]


@blueprint.get("/setup/<hall>/versions")
@role_required(*SETUP_ROLES)
def versions(hall: str) -> str:
    """The newest first, each with what it made different."""
    return _list(hall)


def _list(hall: str, error: str = "") -> str:
    with the_site().store.reading() as c:
        found = planned.versions(c, hall, PAGE + 1, request.args.get("before", type=int))
    rows = [Row(one, _lines(before.plan, one.plan)) for one, before in pairwise(found)]
    if found and len(found) <= PAGE:
        rows.append(Row(found[-1], []))
    return setup_page(
        "setup/versions.html",
        the_hall(hall),
        rows=rows,
        shown=LINES_SHOWN,
        older=rows[-1].version.seq if len(found) > PAGE else None,
        is_first_page="before" not in request.args,
        error=error,
    )


def _lines(before: Plan, after: Plan) -> list[Line]:
    return setup_words.lines(drafting.differences(before, after), before, after)


@blueprint.get("/setup/<hall>/versions/<int:seq>")
@role_required(*SETUP_ROLES)
def version(hall: str, seq: int) -> str:
    """What is different from this version to another one; unless said, to the one in force."""
    live, one = the_hall(hall), _found(hall, seq)
    other = request.args.get("to", type=int)
    to = live.hall.plan if other is None else _found(hall, other).plan
    with the_site().store.reading() as c:
        others = [found for found in planned.versions(c, hall, PAGE) if found.seq != seq]
    return setup_page(
        "setup/version.html", live, version=one, others=others, to=other, lines=_lines(one.plan, to)
    )


@blueprint.post("/setup/<hall>/versions/<int:seq>/return")
@role_required(*SETUP_ROLES)
def back_to(hall: str, seq: int) -> Response | tuple[str, int]:
    """An older plan is the draft."""
    return _draft(hall, _found(hall, seq).plan, f"version {seq}")


@blueprint.post("/setup/<hall>/undo")
@role_required(*SETUP_ROLES)
def undo(hall: str) -> Response | tuple[str, int]:
    """The plan before the last change is the draft."""
    with the_site().store.reading() as c:
        found = planned.versions(c, hall, 2)
    if len(found) < 2:
        abort(HTTPStatus.CONFLICT, "nothing_before")
    return _draft(hall, found[1].plan, "undo")


def _found(hall: str, seq: int) -> Version:
    the_hall(hall)
    with the_site().store.reading() as c:
        found = planned.version(c, hall, seq)
    if found is None:
        abort(HTTPStatus.NOT_FOUND)
    return found


def _draft(hall: str, plan: Plan, subject: str, beside: Beside | None = None) -> Response | tuple[str, int]:
    """The draft is this plan, with the clerks of today; then what it would do."""
    try:
        changes_of(hall).edit(lambda now: drafting.with_clerks_of(plan, now), me().id, subject, beside)
    except Refused as error:
        return _list(hall, say_refused(error)), HTTPStatus.CONFLICT
    return redirect(url_for("setup.change", hall=hall), HTTPStatus.SEE_OTHER)


# --- as a file


@blueprint.get("/setup/<hall>/hall.json")
@role_required(*SETUP_ROLES)
def export(hall: str) -> Response:
    """The hall as one file, as `servicehall hall export` writes it, without the people of it (P.33)."""
    described = _described(the_hall(hall))
    body = hall_file.encode(structs.replace(described, plan=replace(described.plan, clerks=())))
    headers = {"Content-Disposition": f'attachment; filename="{hall}.json"'}
    return Response(body, mimetype="application/json", headers=headers)


def _described(live: Live) -> HallFile:
    return hall_file.described(live.store, live.id, live.hall.plan, the_site().devices)


@blueprint.post("/setup/<hall>/file")
@role_required(*SETUP_ROLES)
def upload(hall: str) -> Response | tuple[str, int]:
    """A file becomes the draft: its plan, places of devices and kinds of conduct that differ."""
    live, sent = the_hall(hall), request.files.get("file")
    if sent is None:
        abort(HTTPStatus.BAD_REQUEST, "form_incomplete")
    try:
        found = hall_file.decode(sent.read())
    except BadHallFile as error:
        return _list(hall, say("This file cannot be used: {why}", why=error)), HTTPStatus.BAD_REQUEST
    except Refused as error:
        return _list(hall, say_refused(error)), HTTPStatus.BAD_REQUEST
    return _draft(hall, found.plan, "file", _changed(found, _described(live)))


def _changed(found: HallFile, now: HallFile) -> Beside:
    """What of a file beside its plan is not so already."""
    places = {place.id: place for place in now.positions}
    changed = [place for place in found.positions if not _is_same(place, places.get(place.id))]
    return of_file(changed, None if found.conduct_kinds == now.conduct_kinds else found.conduct_kinds)


def _is_same(place: Position, now: Position | None) -> bool:
    return now is not None and (place.name, place.config.devices) == (now.name, now.config.devices)
