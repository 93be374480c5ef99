"""The kinds of daily conduct that may be noted, with their points: the centre's list, and a hall's own.

A hall without a list of its own goes by the centre's, and has one from the first time its manager saves one
until it goes back to the centre's, which is asked first.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from controller.clock import real_now
from controller.conduct import MOST_POINTS, Kind
from controller.hall.model import Refused, Text
from controller.people import CENTRE_WRITERS
from controller.store.conduct import CENTRE, drop_kinds, kinds, own_kinds, put_kinds
from web.visit import me, role_required, say_refused, the_hall, the_site

blueprint = Blueprint("conduct_kinds", __name__)

SPARE_ROWS = 3  # of the form


@blueprint.get("/conduct/kinds")
@role_required(*CENTRE_WRITERS, is_of_site=True)
def page() -> str:
    return _page(CENTRE)


@blueprint.post("/conduct/kinds")
@role_required(*CENTRE_WRITERS, is_of_site=True)
def put() -> Response | tuple[str, int]:
    return _put(CENTRE)


@blueprint.get("/m/<hall>/conduct/kinds")
@role_required(*CENTRE_WRITERS)
def of_hall(hall: str) -> str:
    return _page(the_hall(hall).id)


@blueprint.post("/m/<hall>/conduct/kinds")
@role_required(*CENTRE_WRITERS)
def put_of_hall(hall: str) -> Response | tuple[str, int]:
    return _put(the_hall(hall).id)


@blueprint.post("/m/<hall>/conduct/kinds/centre")
@role_required(*CENTRE_WRITERS)
def back_to_centre(hall: str) -> Response | str:
    """The hall goes by the centre's list again; first what that changes is shown."""
    id = the_hall(hall).id
    if request.form.get("sure") != "yes":
        return _page(id, asks=True)
    with the_site().store.writing() as c:
        drop_kinds(c, id, me().id, real_now())
    return redirect(url_for("conduct_kinds.of_hall", hall=hall, done="centre"), HTTPStatus.SEE_OTHER)


def _page(hall: str, shown: Sequence[Kind] | None = None, error: str = "", asks: bool = False) -> str:
    with the_site().store.reading() as c:
        kept, is_own, centre = kinds(c, hall), bool(own_kinds(c, hall)), kinds(c)
    return render_template(
        "conduct/hall_kinds.html" if hall else "conduct/kinds.html",
        hall=the_hall(hall).hall if hall else None,
        kinds=kept if shown is None else shown,
        is_own=is_own,
        asks=asks and is_own,
        gone=_used(kept, besides=centre),
        back=_used(centre, besides=kept),
        spare=SPARE_ROWS,
        most=MOST_POINTS,
        error=error,
        done=request.args.get("done", ""),
    )


def _used(some: Sequence[Kind], besides: Sequence[Kind]) -> Sequence[Kind]:
    """Those offered for entries that the other list does not offer in the same way."""
    return [one for one in some if one.is_used and one not in besides]


def _put(hall: str) -> Response | tuple[str, int]:
    """The whole list; a row without a name is none. Entries keep what they were entered with."""
    try:
        with the_site().store.writing() as c:
            known = {one.code for one in kinds(c, hall)}
            found = (_kind(code, code in known) for code in request.form.getlist("code"))
            wanted = [one for one in found if one is not None]
            put_kinds(c, hall, wanted, me().id, real_now())
    except Refused as error:
        return _page(hall, wanted, say_refused(error)), HTTPStatus.CONFLICT
    return redirect(f"{request.path}?done=1", HTTPStatus.SEE_OTHER)


def _kind(code: str, is_known: bool) -> Kind | None:
    form = request.form
    zh, en = (form.get(f"{lang}-{code}", "").strip()[:60] for lang in ("zh", "en"))
    if not zh and not is_known:
        return None
    points = form.get(f"points-{code}", 0, type=int)
    return Kind(code[:64], Text(zh, en), points, not is_known or f"used-{code}" in form)
