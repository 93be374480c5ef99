"""The register of daily conduct for those it is about: each person's own entries, and a home unit's (S4.24).

Both read and note that they have; the person may object once to each entry as it is. Neither changes what
was noted. The answer is the centre's, and the unit's where the hall has nobody else who may.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from controller import i18n
from controller.clock import real_now
from controller.conduct import LONGEST, WATCHED, Entry, What, deciders, possible, reads_for_unit, summed
from controller.hall.model import Refused
from controller.people import UNIT_WRITERS
from controller.store import conduct as rows
from controller.store.conduct import Wanted
from controller.store.people import Person
from web.conduct import by_person, month_file, name_of_kind, of_month, people, state_of, today, wished
from web.report_files import FORMS
from web.visit import hall_now, me, role_required, say_refused, signed_in_required, the_site

blueprint = Blueprint("own_conduct", __name__)

LOOK_BACK = timedelta(days=400)  # of one's own entries
NEWS = timedelta(days=92)  # how far back something not read yet is told of


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry as a reader has it. deeds: what they may do; deciders: who answers the objection to it."""

    entry: Entry
    state: str
    deeds: frozenset[What]
    deciders: Sequence[Person]


# --- one's own


@blueprint.get("/conduct/mine")
@signed_in_required
def mine() -> str:
    return _mine()


def _mine(error: str = "", failed: int = 0) -> str:
    entries = _about_me(LOOK_BACK)
    month = today().replace(day=1)
    return render_template(
        "conduct/mine.html",
        shown=[_shown(one) for one in entries],
        sum=summed([one for one in entries if one.day >= month]),
        month=month,
        name_of_kind=name_of_kind,
        halls=_halls(),
        everybody=people(),
        longest=LONGEST,
        form=request.form,
        error=error,
        failed=failed,
    )


def _about_me(back: timedelta) -> list[Entry]:
    with the_site().store.reading() as c:
        return rows.listed(c, Wanted(today() - back, today(), person=me().id))


@blueprint.post("/conduct/mine/<int:id>/<any(note, object):what>")
@signed_in_required
def act(id: int, what: str) -> Response | tuple[str, int]:
    """Say that it was read, or object."""
    entry = _find(id)
    if entry.person != me().id:
        abort(HTTPStatus.NOT_FOUND)
    deed = What.NOTED if what == "note" else What.OBJECTED
    try:
        _take(id, deed)
    except Refused as error:
        return _mine(say_refused(error), id), HTTPStatus.CONFLICT
    return redirect(url_for("own_conduct.mine"), HTTPStatus.SEE_OTHER)


# --- a home unit's


@blueprint.get("/unit/conduct")
@role_required(*UNIT_WRITERS)
def of_unit() -> str:
    return _of_unit()


def _of_unit(error: str = "") -> str:
    wish, unit = wished(), me().home_unit
    entries = [] if unit is None else of_month(wish, me().halls, unit)
    return render_template(
        "conduct/unit.html",
        unit=unit,
        wish=wish,
        forms=(*FORMS, "csv"),
        shown=[_shown(one) for one in entries],
        persons=by_person(entries),
        name_of_kind=name_of_kind,
        halls=_halls(),
        everybody=people(),
        longest=LONGEST,
        error=error,
    )


@blueprint.get("/unit/conduct.<any(xlsx, pdf, csv):form>")
@role_required(*UNIT_WRITERS)
def unit_file(form: str) -> Response:
    unit, wish = me().home_unit, wished()
    if unit is None:
        abort(HTTPStatus.NOT_FOUND)
    return month_file(unit, "unit", wish, of_month(wish, me().halls, unit), form)


@blueprint.post("/unit/conduct/<int:id>/note")
@role_required(*UNIT_WRITERS)
def note(id: int) -> Response | tuple[str, int]:
    """The unit has read it."""
    entry = _find(id)
    if not reads_for_unit(entry, me()):
        abort(HTTPStatus.NOT_FOUND)
    try:
        _take(id, What.NOTED)
    except Refused as error:
        return _of_unit(say_refused(error)), HTTPStatus.CONFLICT
    return redirect(url_for("own_conduct.of_unit", month=f"{entry.day:%Y-%m}"), HTTPStatus.SEE_OTHER)


@blueprint.post("/unit/conduct/<int:id>/answer")
@role_required(*UNIT_WRITERS)
def answer(id: int) -> Response | tuple[str, int]:
    """The unit answers an objection where the hall has nobody else who may."""
    entry, form = _find(id), request.form
    if not reads_for_unit(entry, me()):
        abort(HTTPStatus.NOT_FOUND)
    try:
        with the_site().store.writing() as c:
            rows.answer(c, id, form.get("right") == "1", form.get("words", ""), me(), real_now(), hall_now())
    except Refused as error:
        return _of_unit(say_refused(error)), HTTPStatus.CONFLICT
    return redirect(url_for("own_conduct.of_unit", month=f"{entry.day:%Y-%m}"), HTTPStatus.SEE_OTHER)


# --- told on the start page


def unread_of_me() -> int | None:
    """How many entries about the reader they have not noted; None for who has none."""
    if not me().roles & WATCHED:
        return None
    return sum(not one.is_noted_by({me().id}) for one in _about_me(NEWS))


def waiting_for_unit() -> int:
    """How many entries about its people the reader's unit has not noted, or is to answer an objection to."""
    person = me()
    if person.home_unit is None:
        return 0
    wanted = Wanted(today() - NEWS, today(), person.halls, home_unit=person.home_unit)
    with the_site().store.reading() as c:
        entries = rows.listed(c, wanted)
    waiting, everybody = {What.NOTED, What.ANSWERED}, people().values()
    theirs = (one for one in entries if one.person != person.id)
    return sum(bool(waiting & possible(one, person, everybody)) for one in theirs)


def _shown(entry: Entry) -> Shown:
    everybody = people().values()
    may_answer = deciders(entry, everybody) if entry.is_disputed else ()
    return Shown(entry, state_of(entry), possible(entry, me(), everybody), may_answer)


def _find(id: int) -> Entry:
    with the_site().store.reading() as c:
        entry = rows.find(c, id)
    if entry is None:
        abort(HTTPStatus.NOT_FOUND)
    return entry


def _take(id: int, what: What) -> None:
    with the_site().store.writing() as c:
        rows.take(c, id, what, request.form.get("words", ""), me(), real_now(), at=hall_now())


def _halls() -> dict[str, str]:
    return {id: i18n.in_language(g.lang, live.hall.plan.name) for id, live in the_site().halls.items()}
