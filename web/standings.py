"""What a matter is to the centre: its lists, its residency and its end, from a day on and by a decision.

Staff put it; the front desk, kiosks and booking take nobody for a matter from the day it ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from http import HTTPStatus

from flask import Blueprint, abort, redirect, render_template, request, url_for
from sqlalchemy import Connection, select
from werkzeug.wrappers import Response

from controller import i18n
from controller import item_standing as rules
from controller.clock import real_now
from controller.item_standing import BadStanding, Category, Change, ItemList, Residency, Standing
from controller.store import item_standings as rows
from controller.store.audit import audit
from controller.store.tables import item
from web.catalogue import PUBLISHERS
from web.guides import today
from web.home import GUIDE_WRITERS
from web.visit import me, role_required, say, the_site

blueprint = Blueprint("standings", __name__)

KINDS = {"change": "item_change", "category": "item_category", "lists": "item_list", "residency": "residency"}
CODES = {"change": Change, "category": Category, "lists": ItemList, "residency": Residency}


@blueprint.get("/catalogue/<path:code>/standing")
@role_required(*GUIDE_WRITERS)
def page(code: str) -> str:
    return _page(code)


def _page(code: str, error: str = "", wrong: str = "") -> str:
    with the_site().store.reading() as c:
        base, known = _base(c, code), rows.of(c, code)
    about = {"change": Change.ADD if base.is_ended else Change.ADJUST, "decision": "", "successors": ""}
    shown = {**as_fields(base), **about, **request.form.to_dict()}
    if "name" in request.form:
        shown["lists"] = "、".join(request.form.getlist("lists"))
    return render_template(
        "catalogue/standing.html",
        code=code,
        base=base,
        values=shown,
        chosen=rules.several(shown["lists"]),
        versions=known,
        current=rows.current(known, today()),
        names=the_site().people.names({one.by for one in known}),
        codes=CODES,
        fields=rules,
        may_change=bool(me().roles & PUBLISHERS),
        today=today(),
        error=error,
        wrong=wrong,
    )


@blueprint.post("/catalogue/<path:code>/standing")
@role_required(*PUBLISHERS)
def put(code: str) -> Response | tuple[str, int]:
    """Let what the form says hold from its day on."""
    texts = {name: request.form.get(name, "") for name in rules.FIELDS}
    texts["lists"] = ",".join(request.form.getlist("lists"))
    from_day = day_of(request.form.get("from_day", ""))
    try:
        with the_site().store.writing() as c:
            wanted = rules.from_fields(texts, _base(c, code), {})
            rows.put(c, code, from_day, wanted, me().id, real_now())
            rows.apply(c, today())
            facts = {"change": wanted.change, "from_day": from_day.isoformat(), "decision": wanted.decision}
            audit(me().id, "matter.standing", code, real_now(), **facts)(c)
    except BadStanding as bad:
        return _page(code, said(bad), bad.field), HTTPStatus.BAD_REQUEST
    the_site().matters.forget()
    return redirect(url_for("standings.page", code=code), HTTPStatus.SEE_OTHER)


def day_of(text: str) -> date:
    """A day of a form, today when it names none; days that are over stay as they were."""
    try:
        return max(date.fromisoformat(text), today()) if text else today()
    except ValueError:
        abort(HTTPStatus.BAD_REQUEST, "form_incomplete")


def said(bad: BadStanding) -> str:
    return say(f"standing.{bad.code}", field=say(f"standing_field.{bad.field}"))


def as_fields(standing: Standing) -> dict[str, str]:
    """Every field as a text, in the codes that `from_fields` reads."""
    return {
        name: "、".join(value) if isinstance(value, tuple) else "" if value is None else str(value)
        for name in rules.FIELDS
        for value in [getattr(standing, name)]
    }


def words() -> Mapping[str, Mapping[str, str]]:
    """What people may write in a file for each code, in both languages."""
    return {
        field: {
            i18n.label(lang, KINDS[field], code).casefold(): code
            for lang in i18n.LANGUAGES
            for code in CODES[field]
        }
        for field in KINDS
    }


def in_words(field: str, value: object) -> str:
    """A field of a standing as people read it."""
    if isinstance(value, tuple):
        return "、".join(in_words(field, one) for one in value)
    if value is None or value == "":
        return ""
    return say(f"{KINDS[field]}.{value}") if field in KINDS else str(value)


def _base(c: Connection, code: str) -> Standing:
    """What holds today, or else what is known of the matter without it; 404 when there is none."""
    row = c.execute(select(item.c.name, item.c.department).where(item.c.code == code)).first()
    if row is None:
        abort(HTTPStatus.NOT_FOUND)
    version = rows.current(rows.of(c, code), today())
    return version.standing if version is not None else Standing(row.name, row.department)
