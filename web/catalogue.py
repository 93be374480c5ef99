"""The catalogue of matters: guides are written, looked at by somebody else, and published from a day on.

Everything a person changes is audited in the same transaction. A file brings in drafts; nothing of it is seen
by the public before it is published.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from sqlalchemy import Connection, Row, select
from werkzeug.wrappers import Response

from controller import guide as rules
from controller.clock import real_now
from controller.guide import BadGuide, Guide
from controller.people import NotAllowed, Role, check_writes_for
from controller.store import guides, item_standings, publications
from controller.store.audit import audit
from controller.store.guides import GuideConflict, Listed, State, Version
from controller.store.tables import item
from web import guide_files
from web.guide_files import BadFile, Matter
from web.guides import today
from web.home import GUIDE_WRITERS
from web.sheet import as_file
from web.units import keepers
from web.visit import me, role_required, say, the_site

blueprint = Blueprint("catalogue", __name__)

PUBLISHERS = frozenset({Role.ADMIN, Role.HALL_MANAGER})
FILTERS = ("all", "incomplete", "unpublished", "draft", "review", "ended")


@dataclass(frozen=True, slots=True)
class Shown:
    """A matter in the list. lacks: fields the newest version would need to be published."""

    row: Listed
    lacks: tuple[str, ...]


# --- the list


@blueprint.get("/catalogue/")
@role_required(*GUIDE_WRITERS)
def index() -> str:
    return _index()


def _index(told: str = "", error: str = "") -> str:
    words, wish = request.args.get("q", "").strip()[:40], request.args.get("show", "all")
    with the_site().store.reading() as c:
        known = [Shown(one, tuple(_lacks(one))) for one in guides.listed(c, today())]
    found = [one for one in known if _fits(one, words, wish)]
    held = [one.row.current.guide for one in known if one.row.current is not None]
    return render_template(
        "catalogue/index.html",
        found=found,
        total=len(known),
        published=len(held),
        incomplete=sum(bool(one.lacks) for one in known),
        compression=rules.compression(held),
        words=words,
        wish=wish,
        filters=FILTERS,
        may_publish=bool(me().roles & PUBLISHERS),
        today=today(),
        told=told,
        error=error,
    )


def _lacks(one: Listed) -> list[str]:
    newest = one.open or one.current
    return rules.missing(newest.guide if newest is not None else Guide(), the_site().settings.disclosure_sets)


def _fits(one: Shown, words: str, wish: str) -> bool:
    row = one.row
    text = f"{row.name} {row.department} {row.code}".casefold()
    is_wanted = {
        "incomplete": bool(one.lacks),
        "unpublished": row.current is None,
        "ended": not row.is_in_use,
        "draft": row.open is not None and row.open.state is State.DRAFT,
        "review": row.open is not None and row.open.state is State.REVIEW,
    }.get(wish, True)
    return is_wanted and all(part in text for part in words.casefold().split())


# --- one matter


@blueprint.get("/catalogue/<path:code>/edit")
@role_required(*GUIDE_WRITERS)
def edit(code: str) -> str:
    """The guide that is being written; one that holds is the start of the next."""
    return _edit(code)


def _edit(code: str, error: str = "", wrong: str = "") -> str:
    with the_site().store.reading() as c:
        row = _item(c, code)
        known = guides.versions(c, code)
        current = guides.current(c, code, today())
        standing = item_standings.current(item_standings.of(c, code), today())
        is_away = not item_standings.is_taken(c, code, today())
    newest = next(iter(known), None)
    written = newest if newest is not None and newest.state in guides.OPEN else None
    base = written or current
    shown = base.guide if base is not None else Guide()
    values = {
        **rules.as_fields(shown),
        **{name: request.form[name] for name in rules.FIELDS if name in request.form},
    }
    return render_template(
        "catalogue/edit.html",
        matter=row,
        versions=known,
        current=current,
        written=written,
        standing=standing,
        away=is_away,
        values=values,
        lacks=rules.missing(shown, the_site().settings.disclosure_sets),
        sets={name: rules.missing(shown, [name]) for name in rules.SETS},
        changed=rules.changed(current.guide if current else None, shown) if written else [],
        stamp=request.form.get("seen") or guides.stamp(newest),
        fields=rules,
        names=the_site().people.names({one.by for one in known}),
        may_publish=bool(me().roles & PUBLISHERS),
        may_write=may_write(row.department),
        today=today(),
        error=error,
        wrong=wrong,
    )


@blueprint.post("/catalogue/<path:code>/save")
@role_required(*GUIDE_WRITERS)
def save(code: str) -> Response | tuple[str, int]:
    """Keep the draft as it is in the form, and hand it on when that was the button."""
    try:
        wanted = rules.from_fields({name: request.form.get(name, "") for name in rules.FIELDS})
    except BadGuide as bad:
        return _edit(code, say(f"guide.{bad.code}", field=say(f"guide_field.{bad.field}")), bad.field), 400

    _check_writes(code)

    def change(c: Connection) -> Version:
        kept = guides.save(c, code, wanted, me().id, real_now(), request.form.get("seen"))
        return guides.submit(c, code, me().id, real_now()) if "submit" in request.form else kept

    return _do(code, "GuideSubmitted" if "submit" in request.form else "GuideSaved", change)


@blueprint.post("/catalogue/<path:code>/<any(submit, back, drop):what>")
@role_required(*GUIDE_WRITERS)
def move(code: str, what: str) -> Response | tuple[str, int]:
    """Hand a draft on, give it back to its writer, or throw it away."""
    if what != "back" or not me().roles & PUBLISHERS:
        _check_writes(code)
    changes: Mapping[str, tuple[str, Callable[[Connection], Version]]] = {
        "submit": ("GuideSubmitted", lambda c: guides.submit(c, code, me().id, real_now())),
        "back": ("GuideSentBack", lambda c: guides.send_back(c, code, me().id, real_now())),
        "drop": ("GuideDropped", lambda c: guides.drop(c, code)),
    }
    return _do(code, *changes[what])


@blueprint.post("/catalogue/<path:code>/<any(publish, withdraw):what>")
@role_required(*PUBLISHERS)
def decide(code: str, what: str) -> Response | tuple[str, int]:
    """Publish what is under review from a day on, or take a guide away from the public."""
    if what == "withdraw":
        return _do(code, "GuideWithdrawn", lambda c: guides.withdraw(c, code, today(), me().id, real_now()))
    from_day = _from_day()
    return _do(code, "GuidePublished", lambda c: _publish(c, code, from_day))


def _publish(c: Connection, code: str, from_day: date) -> Version:
    written = guides.being_written(c, code)
    if (
        written is not None
        and written.state is State.REVIEW
        and rules.missing(written.guide, the_site().settings.disclosure_sets)
    ):
        raise GuideConflict("incomplete")
    version = guides.publish(c, code, from_day, me().id, real_now())
    publications.log(c, code, version.number, publications.AT_ONCE, me().id, real_now())
    return version


def _from_day() -> date:
    text = request.form.get("from_day", "")
    try:
        day = date.fromisoformat(text) if text else today()
    except ValueError:
        abort(HTTPStatus.BAD_REQUEST, "form_incomplete")
    return max(day, today())


def _do(code: str, what: str, change: Callable[[Connection], Version]) -> Response | tuple[str, int]:
    try:
        with the_site().store.writing() as c:
            version = change(c)
            audit(me().id, what, code, real_now(), version=version.number)(c)
    except GuideConflict as conflict:
        return _edit(code, say(f"guide.{conflict.code}")), HTTPStatus.CONFLICT
    return redirect(url_for("catalogue.edit", code=code), HTTPStatus.SEE_OTHER)


@blueprint.post("/catalogue/publish")
@role_required(*PUBLISHERS)
def publish_several() -> tuple[str, int] | str:
    """Publish every chosen guide that is under review and complete; the others are named."""
    from_day, done, left = _from_day(), 0, list[str]()
    with the_site().store.writing() as c:
        for code in request.form.getlist("code"):
            try:
                version = _publish(c, code, from_day)
            except GuideConflict:
                left.append(_item(c, code).name)
                continue
            audit(me().id, "GuidePublished", code, real_now(), version=version.number)(c)
            done += 1
    names = "、".join(left[:5]) + ("…" if len(left) > 5 else "")
    error = say("guide.left", names=names) if left else ""
    return _index(say("guide.published", n=done), error), HTTPStatus.OK


def _check_writes(code: str) -> None:
    """Raises NotAllowed when another unit decides about this matter (S4.24); 404 when there is none."""
    with the_site().store.reading() as c:
        department = _item(c, code).department
    check_writes_for(me(), department, keepers())


def may_write(department: str) -> bool:
    """Whether who is signed in decides about the matters of this department (S4.24)."""
    try:
        check_writes_for(me(), department, keepers())
    except NotAllowed:
        return False
    return True


def _item(c: Connection, code: str) -> Row[Any]:
    row = c.execute(select(item).where(item.c.code == code)).first()
    if row is None:
        abort(HTTPStatus.NOT_FOUND)
    return row


# --- files


@blueprint.get("/catalogue/guides.<any(csv, json, xlsx):form>")
@role_required(*GUIDE_WRITERS)
def export(form: str) -> Response:
    """Every matter with its guide: the one being written, else the one that holds. `bring_in` reads it."""
    with the_site().store.reading() as c:
        rows = [_cells(one) for one in guides.listed(c, today())]
    headers = {"Content-Disposition": f'attachment; filename="guides.{form}"'}
    return Response(guide_files.write(form, rows), mimetype=guide_files.FORMS[form], headers=headers)


def _cells(one: Listed) -> Sequence[str]:
    newest = one.open or one.current
    texts = rules.as_fields(newest.guide if newest is not None else Guide())
    return (one.code, one.name, one.department, *(texts[name] for name in rules.FIELDS))


@blueprint.post("/catalogue/bring-in")
@role_required(*GUIDE_WRITERS)
def bring_in() -> tuple[str, int] | str:
    """Guides from a file as it was exported: those that differ become drafts. All of it, or nothing."""
    file = request.files.get("file")
    try:
        given = guide_files.read(b"" if file is None else file.read())
        added, same = _keep(given)
    except BadFile as bad:
        return _index(error=str(bad)), HTTPStatus.BAD_REQUEST
    return _index(say("guide.brought_in", n=added, same=same)), HTTPStatus.OK


def _keep(given: Sequence[Matter]) -> tuple[int, int]:
    """Drafts of what differs: how many, and how many were the same. Raises BadFile."""
    added, kept_by = 0, keepers()
    with the_site().store.writing() as c:
        known = {one.code: one for one in guides.listed(c, today())}
        for line, row in given:
            one = known.get(row.get("item_code", ""))
            if one is None:
                raise BadFile(say("guide.unknown_code", line=line, code=row.get("item_code", "")))
            added += _keep_one(
                c, one, line, {name: row[name] for name in rules.FIELDS if name in row}, kept_by
            )
    return added, len(given) - added


def _keep_one(
    c: Connection, one: Listed, line: int, texts: Mapping[str, str], kept_by: Collection[str]
) -> bool:
    newest = one.open or one.current
    before = newest.guide if newest is not None else Guide()
    try:
        wanted = rules.from_fields(texts, before)
    except BadGuide as bad:
        why = say(f"guide.{bad.code}", field=say(f"guide_field.{bad.field}"))
        raise BadFile(say("guide.line", line=line, why=why)) from None
    if not rules.changed(before, wanted):
        return False
    check_writes_for(me(), one.department, kept_by)
    version = guides.save(c, one.code, wanted, me().id, real_now())
    audit(me().id, "GuideSaved", one.code, real_now(), version=version.number)(c)
    return True


@blueprint.get("/catalogue/missing.csv")
@role_required(*GUIDE_WRITERS)
def missing_csv() -> Response:
    """What each matter lacks before it can be published, for whoever writes it."""
    with the_site().store.reading() as c:
        rows = [(one.code, one.name, one.department, _lacks(one)) for one in guides.listed(c, today())]
    cells = (
        (code, name, department, "、".join(say(f"guide_field.{field}") for field in lacks))
        for code, name, department, lacks in rows
        if lacks
    )
    return as_file("missing", ("Code", "Matter", "Department", "Missing"), cells)
