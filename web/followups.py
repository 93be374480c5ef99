"""What follows bad ratings (差评): the list, one case with its history and what may be done next, its steps.

The unit that answers for a window sees its own cases, the supervisor and the hall's manager all of them;
whoever was rated sees none that is about them (D.07). Every step leaves a row in the audit trail, and so does
looking at a number that is to be called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from http import HTTPStatus

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from controller import i18n, ratings
from controller.clock import real_now
from controller.hall import followups as f
from controller.hall.model import Hall, Refused, Text
from controller.people import Role
from controller.ratings import department_of, handler, is_of
from controller.store import followups, projections
from controller.store import ratings as rows
from controller.store.audit import audit
from controller.store.followups import Wanted
from controller.store.seal import Seal
from web import followup_report
from web.home import BOARD_ROLES, RATING_ROLES
from web.privacy import name_of
from web.report_files import FORMS, as_file, how
from web.sheet import as_file as as_csv
from web.sheet import local
from web.visit import MAX_KEY, hall_now, me, role_required, say_refused, the_hall, the_site

blueprint = Blueprint("followups", __name__)

SEE_ALL = frozenset({Role.SUPERVISOR, Role.HALL_MANAGER, Role.DIRECTOR})
STEP, NUMBER, EXPORT = "rating.step", "rating.number", "rating.export"  # rows of the trail
USUAL_DAYS = 92  # shown unless asked otherwise
MOST = 2000  # cases of a list
VIEWS = ("todo", "overdue", "ledger", "over", "all")
Form = MultiDict[str, str]


@dataclass(frozen=True, slots=True)
class Wish:
    """What the list is asked for; both days are included."""

    view: str
    first: date
    last: date
    level: int | None = None
    window: int | None = None

    def arguments(self, **changes: object) -> dict[str, object]:
        wish: dict[str, object] = {
            "view": self.view,
            "from": self.first.isoformat(),
            "to": self.last.isoformat(),
            "level": self.level,
            "window": self.window,
        }
        return {name: value for name, value in {**wish, **changes}.items() if value not in ("", None)}


# --- the list


@blueprint.get("/m/<hall>/ratings")
@role_required(*RATING_ROLES)
def page(hall: str) -> str:
    live, wish, now = the_hall(hall), _wish(), hall_now()
    cases = _found(live.hall, wish)
    return render_template(
        "followups/list.html",
        hall=live.hall,
        wish=wish,
        views=VIEWS,
        forms=(*FORMS, "csv"),
        cases=[(case, case.is_overdue(now)) for case in cases],
        most=MOST,
        figures=followup_report.figures(live.hall, cases, wish.first, wish.last, now),
        how=how,
        layout=_layout(),
        last_day=followup_report.last_day,
        departments=_departments(live.hall),
        turn=_turn(live.hall, now),
    )


@blueprint.get("/m/<hall>/ratings.<any(xlsx, pdf, csv):form>")
@role_required(*RATING_ROLES)
def file(hall: str, form: str) -> Response:
    """The list as a file; its taking is a row of the trail."""
    live, wish, now = the_hall(hall), _wish(), hall_now()
    cases = _found(live.hall, wish)
    with the_site().store.writing() as c:
        audit(me().id, EXPORT, hall, real_now(), rows=len(cases), **wish.arguments())(c)
    name = f"ratings-{hall}-{wish.first}-{wish.last}"
    if form == "csv":
        grid = followup_report.grid(live.hall, cases, now)
        return as_csv(name, [one.name for one in grid.columns], map(_plain, grid.rows))
    return as_file(followup_report.document(live.hall, cases, wish.first, wish.last, now), name, form)


def _plain(row: followup_report.Row) -> list[object]:
    return [local(value) if isinstance(value, datetime) else value for value in row]


def _wish() -> Wish:
    args, today = request.args, hall_now().astimezone(the_site().settings.zone).date()
    last = args.get("to", today, date.fromisoformat)
    first = min(args.get("from", last - timedelta(days=USUAL_DAYS - 1), date.fromisoformat), last)
    view, level = args.get("view", ""), args.get("level", type=int)
    return Wish(
        view if view in VIEWS else "todo",
        first,
        last,
        level if level in (1, 2) else None,
        args.get("window", type=int),
    )


def _found(hall: Hall, wish: Wish) -> list[f.Case]:
    zone, now, is_all = the_site().settings.zone, hall_now(), bool(me().roles & SEE_ALL)
    stages = {"todo": frozenset(f.Stage) - f.OVER, "over": f.OVER}.get(wish.view, frozenset[f.Stage]())
    wanted = Wanted(
        stages=stages,
        level=wish.level,
        window=wish.window,
        department=None if is_all else department_of(hall, me()),
        not_of=me().id,
        since=datetime.combine(wish.first, time(), zone),
        until=datetime.combine(wish.last + timedelta(days=1), time(), zone),
        overdue_at=now if wish.view == "overdue" else None,
        is_on_ledger=wish.view == "ledger",
    )
    with the_site().store.reading() as c:
        return followups.listed(c, hall.id, wanted, MOST)


def _turn(hall: Hall, now: datetime) -> Callable[[f.Case], bool]:
    """Whether it is the reader's turn in a case."""
    return lambda case: bool(f.possible(case, handler(hall, case, me()), now))


def _departments(hall: Hall) -> dict[str | None, str]:
    return {one.id: i18n.in_language(g.lang, one.name) for one in hall.plan.departments}


# --- one case


def _case(hall: Hall, id: int) -> f.Case:
    """404 for one that the reader may not know of."""
    with the_site().store.reading() as c:
        case = followups.find(c, hall.id, id)
    if case is None or case.clerk == me().id:
        abort(HTTPStatus.NOT_FOUND)
    if not me().roles & SEE_ALL and not is_of(case, department_of(hall, me())):
        abort(HTTPStatus.NOT_FOUND)
    return case


@blueprint.get("/m/<hall>/ratings/<int:id>")
@role_required(*RATING_ROLES)
def one(hall: str, id: int) -> str:
    return _one(hall, id)


def _one(hall: str, id: int, error: str = "", number: str = "") -> str:
    value, now = the_hall(hall).hall, hall_now()
    case = _case(value, id)
    with the_site().store.reading() as c:
        visit = projections.find_ticket(c, hall, case.ticket)
        rated, steps = rows.find(c, hall, case.ticket), followups.steps(c, id)
    possible = f.possible(case, handler(value, case, me()), now)
    return render_template(
        "followups/case.html",
        hall=value,
        case=case,
        is_overdue=case.is_overdue(now),
        visit=visit,
        rated=rated,
        reasons=[] if rated is None else followup_report.reasons_of(value, rated.reasons),
        steps=steps,
        people=_names({case.clerk or "", *(step.by for step in steps)}),
        department=_departments(value).get(case.department, ""),
        deeds=[name for name, kind in KINDS.items() if kind in possible],
        grounds=f.Ground,
        longest=f.LONGEST,
        form=request.form,
        error=error,
        number=number,
        layout=_layout(),
        last_day=followup_report.last_day,
    )


def _layout() -> str:
    """With the tabs of the board for those who may open it."""
    return "manager/base.html" if me().roles & BOARD_ROLES else "base.html"


def _names(ids: set[str]) -> dict[str, str]:
    names = {one.id: name_of(one.name) for one in the_site().people.all() if one.id in ids}
    return {**names, "system": i18n.label(g.lang, "actor", "system")}


@blueprint.post("/m/<hall>/ratings/<int:id>/number")
@role_required(*RATING_ROLES)
def number(hall: str, id: int) -> str:
    """The number to call, for whose turn it is to call; that it was looked at is a row of the trail."""
    value = the_hall(hall).hall
    case = _case(value, id)
    if f.CallBack not in f.possible(case, handler(value, case, me()), hall_now()):
        abort(HTTPStatus.FORBIDDEN, "not_your_step")
    with the_site().store.writing() as c:
        rated = rows.find(c, hall, case.ticket)
        if rated is None or rated.contact is None:
            abort(HTTPStatus.NOT_FOUND)
        audit(me().id, NUMBER, f"{hall}/{case.number}", real_now(), case=id, stage=case.stage.value)(c)
    return _one(hall, id, number=Seal(the_site().settings.data_dir).open(rated.contact))


STEPS = "<any(call, check, fix, explain, appeal, extend, uphold, reject, close, return):what>"
KINDS: Mapping[str, type[f.Deed]] = {  # what is likely stands first
    "close": f.Close,
    "call": f.CallBack,
    "check": f.CheckFacts,
    "fix": f.Fix,
    "explain": f.Explain,
    "appeal": f.Appeal,
    "extend": f.Extend,
    "uphold": f.Uphold,
    "reject": f.Reject,
    "return": f.SendBack,
}


@blueprint.post(f"/m/<hall>/ratings/<int:id>/{STEPS}")
@role_required(*RATING_ROLES)
def act(hall: str, id: int, what: str) -> Response | tuple[str, int]:
    """Take one step; pressed twice it is taken once."""
    live, person, key = the_hall(hall), me(), request.form.get("key", "")[:MAX_KEY]
    case, deed = _case(live.hall, id), _deed(what, request.form)
    trail = audit(person.id, STEP, f"{hall}/{case.number}", real_now(), case=id, step=type(deed).__name__)
    by = handler(live.hall, case, person)
    keyed = f"web:{person.id}:{key}" if key else None
    try:
        ratings.act(live, the_site().work_days, id, deed, by, person.actor, trail, keyed)
    except Refused as refused:
        return _one(hall, id, say_refused(refused)), HTTPStatus.CONFLICT
    return redirect(url_for("followups.one", hall=hall, id=id), HTTPStatus.SEE_OTHER)


def _deed(what: str, form: Form) -> f.Deed:
    """What the form asks for; what is missing in it the rules refuse."""
    text = _words(form, "text")
    match what:
        case "call":
            return f.CallBack(form.get("reached") == "1", text)
        case "fix":
            return f.Fix(_words(form, "measure"), _words(form, "responsible"), _words(form, "answer"))
        case "appeal":
            is_malice = form.get("ground") == f.Ground.MALICE
            return f.Appeal(f.Ground.MALICE if is_malice else f.Ground.MISTAKE, text)
        case "extend":
            return f.Extend(form.get("days", 0, int), text)
        case "close":
            return f.Close(text, Text(_words(form, "told_zh"), _words(form, "told_en")))
        case _:
            plain: Mapping[str, Callable[[str], f.Deed]] = {
                "check": f.CheckFacts,
                "explain": f.Explain,
                "uphold": f.Uphold,
                "reject": f.Reject,
                "return": f.SendBack,
            }
            return plain[what](text)


def _words(form: Form, name: str) -> str:
    return form.get(name, "").strip()[: f.LONGEST]
