"""Clean-ups of the catalogue (S0.05): a file is brought in as one batch, every department looks at what it
would add, change and remove, and the batch is kept whole or dropped. Nothing holds before it is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from http import HTTPStatus
from itertools import groupby

from flask import Blueprint, abort, redirect, render_template, request, url_for
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from controller import item_standing as rules
from controller.clock import real_now
from controller.item_standing import BadStanding, Change, Difference, Kind, Standing
from controller.people import check_writes_for
from controller.store import clean_ups as rows
from controller.store import item_standings
from controller.store.audit import audit
from controller.store.clean_ups import Body, CleanUp, State
from web import guide_files
from web.catalogue import PUBLISHERS, may_write
from web.document import Block, Column, Document, Fact, Facts, Grid
from web.guide_files import BadFile
from web.guides import today
from web.home import GUIDE_WRITERS
from web.report_files import FORMS, as_file, how, made
from web.standings import day_of, in_words, said, words
from web.units import keepers
from web.visit import me, role_required, say, the_site

blueprint = Blueprint("clean_ups", __name__)

COLUMNS = ("item_code", *rules.FIELDS)
SHOWN = 50  # in the list
MOST_TITLE = 200


@blueprint.get("/catalogue/clean-ups")
@role_required(*GUIDE_WRITERS)
def index() -> str:
    return _index()


def _index(error: str = "") -> str:
    with the_site().store.reading() as c:
        known = rows.last(c, SHOWN)
    return render_template(
        "catalogue/clean_ups.html",
        known=known,
        names=the_site().people.names({one.by for one in known}),
        may_change=bool(me().roles & PUBLISHERS),
        form=request.form,
        today=today(),
        error=error,
    )


@blueprint.get("/catalogue/clean-ups/matters.<any(csv, xlsx, json):form>")
@role_required(*GUIDE_WRITERS)
def export(form: str) -> Response:
    """Every matter in use as `bring_in` reads it, to be changed in a spreadsheet."""
    with the_site().store.reading() as c:
        known = item_standings.in_use(c, today())
    cells = [(code, *_plain(one).values()) for code, one in known.items()]
    headers = {"Content-Disposition": f'attachment; filename="matters-{today()}.{form}"'}
    return Response(
        guide_files.write(form, cells, COLUMNS), mimetype=guide_files.FORMS[form], headers=headers
    )


def _plain(one: Standing) -> dict[str, str]:
    """As it is in a file: in words, and without why it came to be so."""
    as_it_is = replace(one, change=Change.ADJUST, decision="", successors=())
    return {name: in_words(name, getattr(as_it_is, name)) for name in rules.FIELDS} | {"change": ""}


# --- bringing one in


@blueprint.post("/catalogue/clean-ups")
@role_required(*PUBLISHERS)
def bring_in() -> Response | tuple[str, int]:
    """All of the file becomes one batch, or nothing of it."""
    title, decision = (request.form.get(name, "").strip() for name in ("title", "decision"))
    if not title or not decision:
        return _index(say("A clean-up needs a title and a decision.")), HTTPStatus.BAD_REQUEST
    file, from_day, is_whole = request.files.get("file"), _from_day(), "is_whole" in request.form
    try:
        given = guide_files.read(b"" if file is None else file.read())
        with the_site().store.writing() as c:
            body = Body(_read(c, given, from_day, decision))
            facts = (title[:MOST_TITLE], decision, from_day, is_whole, State.PROPOSED)
            id = rows.propose(c, CleanUp(0, *facts, body, me().id, real_now()))
            audit(me().id, "matter.clean_up", str(id), real_now(), title=title, matters=len(body.rows))(c)
    except BadFile as bad:
        return _index(str(bad)), HTTPStatus.BAD_REQUEST
    return redirect(url_for("clean_ups.page", id=id), HTTPStatus.SEE_OTHER)


def _from_day() -> date:
    return day_of(request.form.get("from_day", ""))


def _read(
    c: Connection, given: Sequence[guide_files.Matter], day: date, decision: str
) -> dict[str, Standing]:
    """What the file says of each matter. Raises BadFile, naming the line."""
    known, meanings, found = item_standings.held(c, day), words(), dict[str, Standing]()
    for line, texts in given:
        code = texts.get("item_code", "").strip()
        if not code:
            raise BadFile(say("clean_up.no_code", line=line))
        if code in found:
            raise BadFile(say("clean_up.twice", line=line, code=code))
        before = known[code].standing if code in known else Standing("", "")
        found[code] = _standing(line, texts, before, decision, meanings)
    if not found:
        raise BadFile(say("clean_up.empty"))
    return found


def _standing(
    line: int,
    texts: Mapping[str, str],
    before: Standing,
    decision: str,
    meanings: Mapping[str, Mapping[str, str]],
) -> Standing:
    base = replace(before, change=Change.ADJUST, decision=decision, successors=())
    given = {name: text for name, text in texts.items() if name != "decision" or text.strip()}
    try:
        return rules.from_fields(given, base, meanings)
    except BadStanding as bad:
        raise BadFile(say("guide.line", line=line, why=said(bad))) from None


# --- looking at one


@blueprint.get("/catalogue/clean-ups/<int:id>")
@role_required(*GUIDE_WRITERS)
def page(id: int) -> str:
    with the_site().store.reading() as c:
        one = _found(c, id)
        found = rows.changes(c, one, today())
    departments = sorted({each.department for each in found})
    people = {agreed.by for agreed in one.agreed.values()} | {one.by, one.settled_by or one.by}
    return render_template(
        "catalogue/clean_up.html",
        one=one,
        document=_document(one, found),
        departments=departments,
        theirs=[name for name in departments if name not in one.agreed and may_write(name)],
        is_open=one.state is State.PROPOSED,
        names=the_site().people.names(people),
        may_change=bool(me().roles & PUBLISHERS),
        forms=FORMS,
        how=how,
    )


@blueprint.get("/catalogue/clean-ups/<int:id>.<any(xlsx, pdf):form>")
@role_required(*GUIDE_WRITERS)
def file(id: int, form: str) -> Response:
    with the_site().store.reading() as c:
        one = _found(c, id)
        found = rows.changes(c, one, today())
    return as_file(_document(one, found), f"clean-up-{id}", form)


@blueprint.post("/catalogue/clean-ups/<int:id>/<any(keep, drop):what>")
@role_required(*PUBLISHERS)
def settle(id: int, what: str) -> Response:
    """Let all of it hold from its day on, or nothing."""
    by, now = me().id, real_now()
    with the_site().store.writing() as c:
        one = _still_open(c, id)
        if what == "keep":
            found = rows.keep(c, one, by, now, today())
            audit(by, "matter.clean_up_kept", str(id), now, changes=len(found))(c)
        else:
            rows.drop(c, one, by, now, today())
            audit(by, "matter.clean_up_dropped", str(id), now)(c)
    the_site().matters.forget()
    return redirect(url_for("clean_ups.page", id=id), HTTPStatus.SEE_OTHER)


@blueprint.post("/catalogue/clean-ups/<int:id>/agree")
@role_required(*GUIDE_WRITERS)
def agree(id: int) -> Response:
    """A department finds its part right."""
    department, now = request.form.get("department", ""), real_now()
    with the_site().store.writing() as c:
        one = _still_open(c, id)
        if department not in {each.department for each in rows.changes(c, one, today())}:
            abort(HTTPStatus.BAD_REQUEST, "form_incomplete")
        check_writes_for(me(), department, keepers())
        rows.agree(c, one, department, me().id, now)
        audit(me().id, "matter.clean_up_agreed", str(id), now, department=department)(c)
    return redirect(url_for("clean_ups.page", id=id), HTTPStatus.SEE_OTHER)


def _found(c: Connection, id: int) -> CleanUp:
    one = rows.find(c, id)
    if one is None:
        abort(HTTPStatus.NOT_FOUND)
    return one


def _still_open(c: Connection, id: int) -> CleanUp:
    one = _found(c, id)
    if one.state is not State.PROPOSED:
        abort(HTTPStatus.CONFLICT, "form_expired")
    return one


# --- as a report


def _document(one: CleanUp, found: Sequence[Difference]) -> Document:
    subtitle = f"{one.decision} · {say('holds from {day}', day=one.from_day)}"
    return Document(one.title, subtitle, made(), list(_blocks(one, found)))


def _blocks(one: CleanUp, found: Sequence[Difference]) -> Iterator[Block]:
    departments = {row.department for row in one.body.rows.values()}
    yield Facts(
        say("In all"),
        [
            Fact(
                say("matters in the file"),
                len(one.body.rows),
                "number",
                note=say("of {n} departments", n=len(departments)),
            ),
            *(Fact(say(f"change.{kind}"), _number(found, kind), "number") for kind in Kind),
        ],
    )
    parts = {name: list(part) for name, part in groupby(found, lambda each: each.department)}
    columns = [Column(say("Department")), *(Column(say(f"change.{kind}"), "number") for kind in Kind)]
    columns.append(Column(say("agreed")))
    yield Grid(
        say("By department"),
        columns,
        [[name, *(_number(part, kind) for kind in Kind), _agreed(one, name)] for name, part in parts.items()],
        say("The file changes nothing."),
    )
    titles = (say("Matter"), say("What happens"), say("In detail"), say("standing_field.code"))
    for name, part in parts.items():
        columns = [Column(title) for title in titles]
        yield Grid(name, columns, [_cells(each) for each in part], is_wrapped=True)


def _number(found: Sequence[Difference], kind: Kind) -> int:
    return sum(each.kind is kind for each in found)


def _agreed(one: CleanUp, department: str) -> str:
    agreed = one.agreed.get(department)
    return "" if agreed is None else agreed.at.astimezone(the_site().settings.zone).strftime("%m-%d %H:%M")


def _cells(each: Difference) -> list[str]:
    return [each.after.name, say(f"change.{each.kind}"), _detail(each), each.code]


def _detail(each: Difference) -> str:
    if each.kind is Kind.CHANGED and each.before is not None:
        return "；".join(_step(name, each.before, each.after) for name in each.fields)
    change = in_words("change", each.after.change)
    if each.kind is Kind.REMOVED:
        return "；".join([change, each.after.decision, *each.after.successors])
    told = (in_words(name, getattr(each.after, name)) for name in ("category", "lists", "residency"))
    return "；".join([change, *(text for text in told if text)])


def _step(name: str, before: Standing, after: Standing) -> str:
    old, new = (in_words(name, getattr(one, name)) or "–" for one in (before, after))
    return f"{say(f'standing_field.{name}')}: {old} → {new}"
