"""The report on residency and limits (R-X1): what is done in the hall, what may stay out, what should enter,
and by how much promised limits are shorter than the legal ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flask import Blueprint, render_template
from werkzeug.wrappers import Response

from controller.guide import Guide
from controller.item_standing import Matter, Residency, Sums, by_department
from controller.store import guides, item_standings
from web.document import Block, Column, Document, Fact, Facts, Grid, Value
from web.guides import today
from web.home import BOARD_ROLES, GUIDE_WRITERS
from web.report_files import FORMS, as_file, how, made
from web.visit import role_required, say, the_site

blueprint = Blueprint("residency", __name__)

READERS = GUIDE_WRITERS | BOARD_ROLES


@blueprint.get("/catalogue/residency")
@role_required(*READERS)
def page() -> str:
    return render_template("catalogue/report.html", document=_document(), forms=FORMS, how=how)


@blueprint.get("/catalogue/residency.<any(xlsx, pdf):form>")
@role_required(*READERS)
def file(form: str) -> Response:
    return as_file(_document(), f"residency-{today()}", form)


def _matters() -> list[Matter]:
    with the_site().store.reading() as c:
        held = item_standings.held(c, today())
        told = {one.code: one.current.guide for one in guides.listed(c, today()) if one.current is not None}
    return [_matter(one, told) for one in held.values() if one.is_in_use]


def _matter(one: item_standings.Held, told: dict[str, Guide]) -> Matter:
    guide, base = told.get(one.code), (one.code, one.standing, one.queue is not None)
    if guide is None:
        return Matter(*base)
    return Matter(*base, guide.legal_days, guide.promised_days, len(guide.procedure), len(guide.materials))


def _document() -> Document:
    known = _matters()
    return Document(say("Residency and limits"), str(today()), made(), list(_blocks(known)))


def _blocks(known: Sequence[Matter]) -> Iterator[Block]:
    report = by_department(known)
    yield _facts(report.whole)
    rows = [[name, *_row(sums)] for name, sums in report.departments.items()]
    rows.append([say("all departments"), *_row(report.whole)])
    yield Grid(say("By department"), _columns(), rows)
    of_all = {kind: [one for one in known if one.residency is kind] for kind in Residency}
    yield _named(
        say("Should enter"),
        of_all[Residency.NOT_YET],
        "plan",
        say("Every matter is in the hall or excepted."),
    )
    yield _named(say("Excepted"), of_all[Residency.EXCEPTED], "document", say("No matter is excepted."))
    yield _limits(known)


def _facts(whole: Sums) -> Facts:
    sum_up = say(
        "{total} = {resident} resident + {excepted} excepted + {rest} that should enter",
        total=whole.total,
        resident=whole.resident,
        excepted=whole.excepted,
        rest=whole.should_enter,
    )
    return Facts(
        say("All matters"),
        [
            Fact(say("matters in use"), whole.total, "number", note=sum_up),
            Fact(say("resident"), whole.resident, "number"),
            Fact(say("excepted"), whole.excepted, "number"),
            Fact(say("should enter"), whole.should_enter, "number"),
            Fact(say("residency rate"), whole.rate, "share"),
            Fact(
                say("limits shorter by"),
                whole.compression,
                "share",
                note=say("of {n} matters with both limits", n=whole.compared),
            ),
        ],
    )


def _columns() -> list[Column]:
    return [
        Column(say("Department")),
        *_numbers(say("matters in use"), say("resident"), say("excepted"), say("should enter")),
        Column(say("residency rate"), "share"),
        *_numbers(say("legal days"), say("promised days")),
        Column(say("limits shorter by"), "share"),
    ]


def _numbers(*names: str) -> list[Column]:
    return [Column(name, "number") for name in names]


def _row(sums: Sums) -> list[Value]:
    counts = (sums.total, sums.resident, sums.excepted, sums.should_enter)
    return [*counts, sums.rate, sums.legal_days, sums.promised_days, sums.compression]


def _named(title: str, known: Sequence[Matter], field: str, empty: str) -> Grid:
    titles = say("Matter"), say("Department"), say("standing_field.reason"), say(f"standing_field.{field}")
    columns = [Column(one) for one in titles]
    texts = [
        [one.standing.name, one.standing.department, one.standing.reason, getattr(one.standing, field)]
        for one in known
    ]
    return Grid(title, columns, texts, empty, is_wrapped=True)


def _limits(known: Sequence[Matter]) -> Grid:
    """Of each matter that states both limits, with what else shows how simple it is (S0.07)."""
    columns = [
        *(Column(say("Matter")), Column(say("Department"))),
        *_numbers(say("legal days"), say("promised days")),
        Column(say("shorter by"), "share"),
        *_numbers(say("steps"), say("materials"), say("visits")),
    ]
    rows = [
        [
            *(one.standing.name, one.standing.department, one.legal_days, one.promised_days),
            (one.legal_days - one.promised_days) / one.legal_days if one.legal_days else None,
            *(one.steps, one.materials, one.standing.visits),
        ]
        for one in known
        if one.legal_days is not None and one.promised_days is not None
    ]
    return Grid(
        say("Limits of each matter"), columns, rows, say("No guide states both limits yet."), is_wrapped=True
    )
