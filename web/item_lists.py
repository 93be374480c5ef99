"""The published lists of matters (S1.04, S1.06) and the log of what was published where (S0.08).

One press publishes all lists as the next version: the public page, its print and, where wished, an
announcement on the displays carry its number. The page shows a version as it was published until the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from itertools import groupby

from flask import Blueprint, abort, redirect, render_template, request, url_for
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from controller import i18n
from controller import item_standing as rules
from controller.clock import real_now
from controller.hall.model import Text
from controller.item_standing import Count, ItemList, Standing
from controller.live import Live
from controller.store import items, notices, publications
from controller.store.audit import audit
from controller.store.publications import BY_HAND, LISTS, Channel, Lists, Member
from web.catalogue import PUBLISHERS
from web.document import Column, Document, Grid
from web.guides import today
from web.home import GUIDE_WRITERS
from web.notices import tell
from web.report_files import as_file, made
from web.sheet import as_file as as_sheet
from web.standings import in_words
from web.visit import hall_now, me, role_required, say, the_site

blueprint = Blueprint("item_lists", __name__)

ALL = "all"
KINDS = (ALL, *ItemList)
ON_SCREENS = timedelta(days=3)  # how long displays say that there is a new version
EVERYWHERE = ()  # in every area
SHOWN = 200  # publications in the log
MOST_NOTE = 200


@dataclass(frozen=True, slots=True)
class Row:
    """A list as it was published, and as it would be today."""

    kind: str
    published: Count | None
    today: Count


# --- for staff


@blueprint.get("/catalogue/lists")
@role_required(*GUIDE_WRITERS)
def page() -> str:
    with the_site().store.reading() as c:
        known, last, log = (
            publications.members(c, today()),
            publications.newest(c),
            publications.logged(c, SHOWN),
        )
    rows = [Row(kind, _count(last.members, kind) if last else None, _count(known, kind)) for kind in KINDS]
    return render_template(
        "catalogue/lists.html",
        rows=rows,
        last=last,
        differ=last is None or set(last.members) != set(known),
        log=log,
        names=the_site().people.names({one.by for one in log}),
        matters=items.names(the_site().store),
        channels=BY_HAND,
        may_publish=bool(me().roles & PUBLISHERS),
        halls=[live.hall for live in the_site().halls.values()],
        today=today(),
    )


@blueprint.get("/catalogue/lists/<kind>.<any(csv, xlsx, pdf):form>")
@role_required(*GUIDE_WRITERS)
def export(kind: str, form: str) -> Response:
    """One list as it was published last; with ?of=today, or before any was, as it would be today."""
    with the_site().store.reading() as c:
        last = None if request.args.get("of") == "today" else publications.newest(c)
        known = last.members if last is not None else publications.members(c, today())
    return _file(_kind(kind), form, last, known)


@blueprint.post("/catalogue/lists/publish")
@role_required(*PUBLISHERS)
def publish() -> Response:
    """All lists as they hold today, as the next version."""
    by, now = me().id, real_now()
    with the_site().store.writing() as c:
        made_now = publications.publish(c, publications.members(c, today()), today(), by, now)
        publications.log(c, LISTS, made_now.version, (Channel.WEB, Channel.PRINT), by, now)
        audit(by, "matter.lists", str(made_now.version), now, matters=len(made_now.members))(c)
    for hall in request.form.getlist("hall"):
        if hall in the_site().halls and me().works_in(hall):
            _announce(the_site().halls[hall], made_now)
    return redirect(url_for("item_lists.page"), HTTPStatus.SEE_OTHER)


def _announce(live: Live, lists: Lists) -> None:
    """On the displays of a hall."""
    now, by, count = hall_now(), me().id, _count(lists.members, ALL)
    facts = {"version": lists.version, "day": lists.day, "n": count.total}
    facts |= {"powers": count.powers, "services": count.services}
    said = (
        "Lists of matters, version {version} of {day}: {n} matters, {powers} powers and {services} services."
    )
    text = Text(i18n.t("zh", said, **facts), i18n.t("en", said, **facts))

    def record(c: Connection) -> None:
        notices.add(c, live.id, text, EVERYWHERE, now, now + ON_SCREENS, by, now)
        publications.log(c, LISTS, lists.version, (Channel.SCREEN,), by, real_now(), live.hall.plan.name.zh)

    tell(live, record)


@blueprint.post("/catalogue/lists/published")
@role_required(*PUBLISHERS)
def published_elsewhere() -> Response:
    """That people carried the newest version somewhere: television, a notice board."""
    channel, note, by = request.form.get("channel", ""), request.form.get("note", "").strip(), me().id
    if channel not in BY_HAND:
        abort(HTTPStatus.BAD_REQUEST, "form_incomplete")
    with the_site().store.writing() as c:
        last = publications.newest(c)
        if last is None:
            abort(HTTPStatus.CONFLICT, "form_incomplete")
        publications.log(c, LISTS, last.version, (Channel(channel),), by, real_now(), note[:MOST_NOTE])
        audit(by, "matter.published", str(last.version), real_now(), channel=channel, note=note[:MOST_NOTE])(
            c
        )
    return redirect(url_for("item_lists.page") + "#log", HTTPStatus.SEE_OTHER)


# --- for everybody


@blueprint.get("/items/lists")
def public() -> str:
    """The lists as they were published, with version and date."""
    with the_site().store.reading() as c:
        last = publications.newest(c)
    counts = {kind: _count(last.members, kind) for kind in KINDS} if last else {}
    return render_template("guides/lists.html", last=last, counts=counts)


@blueprint.get("/items/lists/<kind>")
def public_list(kind: str) -> str:
    """One list, by department."""
    last = _newest_or_404()
    members = _of_kind(last.members, _kind(kind))
    return render_template(
        "guides/list.html",
        kind=kind,
        last=last,
        count=rules.count(_as_standings(members)),
        departments=[(name, list(rows)) for name, rows in groupby(members, lambda one: one.department)],
    )


@blueprint.get("/items/lists/<kind>.csv")
def public_file(kind: str) -> Response:
    last = _newest_or_404()
    return _file(_kind(kind), "csv", last, last.members)


def _newest_or_404() -> Lists:
    with the_site().store.reading() as c:
        last = publications.newest(c)
    if last is None:
        abort(HTTPStatus.NOT_FOUND)
    return last


# --- what is on them


def _of_kind(known: Iterable[Member], kind: str) -> list[Member]:
    return [one for one in known if kind == ALL or kind in one.lists]


def _count(known: Iterable[Member], kind: str) -> Count:
    return rules.count(_as_standings(_of_kind(known, kind)))


def _as_standings(known: Iterable[Member]) -> list[Standing]:
    return [Standing(one.name, one.department, category=one.category) for one in known]


def _kind(kind: str) -> str:
    if kind not in KINDS:
        abort(HTTPStatus.NOT_FOUND)
    return kind


def sum_of(count: Count) -> str:
    """901 = 705 powers + 196 services, as people read it."""
    if not count.total:
        return "0"
    parts = [say("{n} powers", n=count.powers), say("{n} services", n=count.services)]
    parts += [say("{n} not stated", n=count.unstated)] if count.unstated else []
    return f"{count.total} = {' + '.join(parts)}"


blueprint.app_template_filter("sum_of")(sum_of)


def _file(kind: str, form: str, last: Lists | None, known: Sequence[Member]) -> Response:
    members = _of_kind(known, kind)
    version = "draft" if last is None else f"v{last.version}"
    name = f"list-{kind}-{version}-{today() if last is None else last.day}"
    if form == "csv":
        return as_sheet(name, COLUMNS, _cells(members))
    columns = [Column(say(one)) for one in COLUMNS]
    about = f"{_edition(last)} · {sum_of(rules.count(_as_standings(members)))}"
    grid = Grid(
        say(f"item_list.{kind}"), columns, list(_cells(members)), say("No matter is on this list."), True
    )
    return as_file(Document(say(f"item_list.{kind}"), about, made(), [grid]), name, form)


COLUMNS = ("standing_field.code", "Matter", "Department", "standing_field.category", "standing_field.visits")


def _cells(members: Sequence[Member]) -> Iterable[tuple[str, ...]]:
    for one in members:
        visits = "" if one.visits is None else str(one.visits)
        yield one.code, one.name, one.department, in_words("category", one.category), visits


def _edition(last: Lists | None) -> str:
    if last is None:
        return say("as it holds on {day}, not published", day=today())
    return say("version {n} of {day}", n=last.version, day=last.day)
