"""The manager tries things on: days played again under other rules, compared, and switched on.

The work is done elsewhere (controller/trials); these pages ask for it, follow it and show what came of it.
What of a comparison belongs to the plan - the rule, settings, what windows serve - can be taken into use
from its page, the rule also at one window only; who comes to work when cannot.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from http import HTTPStatus

import msgspec
from flask import Blueprint, abort, current_app, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from controller import i18n
from controller.hall.commands import ChangePlan
from controller.hall.model import Hall, Plan, Refused
from controller.live import Live
from controller.people import Role
from controller.store import past
from controller.trials.command import write_csv
from controller.trials.compare import MEASURES, Difference
from controller.trials.shelf import Shelf, State, Trial, TrialRunning
from controller.trials.variant import (
    AS_IT_IS,
    RULES,
    BadVariant,
    Variant,
    changed_plan,
    rule_of,
    ruled_at,
    served,
    settings_of,
)
from controller.trials.work import MOST_DAYS, MOST_REPEATS, Request, Result
from web.chart import PairChart, Whisker, pair_chart, whiskers
from web.home import BOARD_ROLES
from web.visit import give, hall_now, is_fragment, me, role_required, say, say_refused, the_hall, the_site

blueprint = Blueprint("trials", __name__)

LAST = (1, 5, 10, 20)  # past days that can be asked for at once
SETTINGS = 3  # rows of the form
HEADLINE = ("mean_wait", "p90_wait", "longest_wait", "green_wait")


def shelf() -> Shelf:
    """The comparisons of this site."""
    made = current_app.extensions.get("trials") or Shelf(the_site().settings)
    kept: Shelf = current_app.extensions.setdefault("trials", made)
    return kept


# --- asking for one


@blueprint.get("/m/<hall>/trials")
@role_required(*BOARD_ROLES)
def trials(hall: str) -> str:
    """What was tried, and the form to try something."""
    return _list(the_hall(hall).hall)


@blueprint.post("/m/<hall>/trials")
@role_required(Role.HALL_MANAGER)
def start(hall: str) -> Response | tuple[str, int]:
    value = the_hall(hall).hall
    try:
        asked = _asked(value)
        changed_plan(value.plan, asked.variant)
        id = shelf().start(asked, me().name, hall_now())
    except BadVariant as error:
        return _list(value, say(f"trial_bad.{error.code}", given=error.given)), HTTPStatus.BAD_REQUEST
    except Refused as error:
        return _list(value, say_refused(error)), HTTPStatus.CONFLICT
    except TrialRunning:
        return _list(
            value, say("Another comparison is under way; stop it or wait for it.")
        ), HTTPStatus.CONFLICT
    return redirect(url_for("trials.trial", hall=hall, id=id), HTTPStatus.SEE_OTHER)


def _list(hall: Hall, error: str = "") -> str:
    with the_site().store.reading() as c:
        days = past.days(c, hall.id, MOST_DAYS)
    return render_template(
        "trials/list.html",
        hall=hall,
        trials=shelf().all(hall.id),
        days=days,
        last=[n for n in LAST if n <= len(days)],
        rules=RULES,
        settings=settings_of(hall.plan.rules),
        setting_rows=range(SETTINGS),
        served=served,
        form=request.form,
        error=error,
        most_repeats=MOST_REPEATS,
        most_days=MOST_DAYS,
        rule_now=rule_of(hall.plan.rules.balance),
        ruled=list(_ruled(hall.plan)),
        describe=_described,
        named_days=_named_days,
    )


def _asked(hall: Hall) -> Request:
    """The request in the form."""
    form = request.form
    count = _whole("made_up", 1, MOST_DAYS) if form.get("days") == "made_up" else 0
    return Request(
        hall.id,
        _variant(),
        () if count else _past_days(hall, form.get("days", "")),
        count,
        float(_whole("per_day", 1, 5000)) if count else 0.0,
        _whole("repeats", 1, MOST_REPEATS),
    )


def _variant() -> Variant:
    form = request.form
    names, values = form.getlist("setting"), form.getlist("value")
    at = form.get("rule_at", "")
    return Variant(
        rule=form.get("rule", AS_IT_IS),
        rule_at=int(at) if at.isdecimal() else None,
        settings={name: value for name, value in zip(names, values, strict=False) if name and value.strip()},
        windows={key[7:]: text for key, text in form.items() if _is_given(key, "serves-", text)},
        staff={
            key[6:]: _times(text) for key, text in form.items() if key.startswith("times-") and text.strip()
        },
        hours=form.get("hours", "").strip(),
    )


def _is_given(key: str, prefix: str, text: str) -> bool:
    return key.startswith(prefix) and bool(text.strip())


def _times(text: str) -> str:
    """Times at a window; a dash alone means that nobody sits there."""
    return "" if text.strip() in ("-", "–", "0") else text.strip()


def _past_days(hall: Hall, wanted: str) -> tuple[date, ...]:
    with the_site().store.reading() as c:
        known = [day for day, _ in past.days(c, hall.id, MOST_DAYS)]
    if wanted.startswith("last-") and wanted[5:].isdecimal():
        known = known[: int(wanted[5:])]
    else:
        known = [day for day in known if day.isoformat() == wanted]
    if not known:
        raise BadVariant("no_days", "there is no such day", "days", wanted)
    return tuple(sorted(known))


def _whole(name: str, least: int, most: int) -> int:
    number = request.form.get(name, type=int)
    if number is None or not least <= number <= most:
        raise BadVariant("bad_number", f"{name} is {least} to {most}", name, f"{least}–{most}")
    return number


# --- one of them


@dataclass(frozen=True, slots=True)
class Row:
    """One key figure as the page shows it. recorded: what the log says of the same days."""

    code: str
    unit: str
    recorded: float | None
    difference: Difference
    whisker: Whisker

    @property
    def verdict(self) -> str:
        return self.difference.verdict()


@blueprint.get("/m/<hall>/trials/<int:id>")
@role_required(*BOARD_ROLES)
def trial(hall: str, id: int) -> str:
    return _trial(the_hall(hall), _found(hall, id))


def _trial(live: Live, found: Trial, error: str = "") -> str:
    result = shelf().result(found.id)
    page = "trials/_trial.html" if is_fragment() and not error else "trials/trial.html"
    return render_template(
        page,
        hall=live.hall,
        trial=found,
        is_running=found.state is State.RUNNING,
        result=result,
        rows=_rows(result) if result else [],
        headline=HEADLINE,
        chart=_chart(result) if result else None,
        shown=_shown,
        failure=_failure(found),
        changes=_described(found.request.variant),
        days=_named_days(found.request),
        is_in_force=_is_in_force(live.hall.plan, found.request.variant),
        ruled=list(_ruled(live.hall.plan)),
        error=error,
    )


@blueprint.post("/m/<hall>/trials/<int:id>/stop")
@role_required(Role.HALL_MANAGER)
def stop(hall: str, id: int) -> Response:
    shelf().stop(_found(hall, id).id)
    return redirect(url_for("trials.trial", hall=hall, id=id), HTTPStatus.SEE_OTHER)


@blueprint.post("/m/<hall>/trials/<int:id>/forget")
@role_required(Role.HALL_MANAGER)
def forget(hall: str, id: int) -> Response:
    shelf().forget(_found(hall, id).id)
    return redirect(url_for("trials.trials", hall=hall), HTTPStatus.SEE_OTHER)


@blueprint.get("/m/<hall>/trials/<int:id>/result.<form>")
@role_required(*BOARD_ROLES)
def export(hall: str, id: int, form: str) -> Response:
    """The result for a spreadsheet (csv) or a program (json)."""
    result = shelf().result(_found(hall, id).id)
    if result is None or form not in ("csv", "json"):
        abort(HTTPStatus.NOT_FOUND)
    out = io.StringIO()
    write_csv(result, out)
    body = msgspec.json.encode(result) if form == "json" else out.getvalue()
    headers = {"Content-Disposition": f'attachment; filename="trial-{hall}-{id}.{form}"'}
    return Response(body, mimetype="application/json" if form == "json" else "text/csv", headers=headers)


def _found(hall: str, id: int) -> Trial:
    found = shelf().get(hall, id)
    if found is None:
        abort(HTTPStatus.NOT_FOUND)
    return found


def _rows(result: Result) -> list[Row]:
    units = {measure.code: measure.unit for measure in MEASURES}
    shown = [one for one in result.differences if one.first or one.second]
    drawn = whiskers([_share_of_first(one) for one in shown])
    return [
        Row(one.code, units[one.code], result.recorded.get(one.code), one, whisker)
        for one, whisker in zip(shown, drawn, strict=True)
    ]


def _shown(number: float | None, unit: str, *, signed: bool = False) -> str:
    """A figure as the page says it; no sign before what is rounded to nothing."""
    if number is None:
        return "–"
    sign = "+" if signed else ""
    if unit == "share":
        return f"{100 * number:{sign}z.1f} %"
    whole = unit == "count" and number == int(number)
    return f"{number:{sign}z.0f}" if whole else f"{number:{sign}z.1f}"


def _share_of_first(one: Difference) -> tuple[float, float | None]:
    """The change and its margin as shares of how it is, so that all figures are drawn on one scale."""
    whole = one.first or one.second
    return one.change / whole, None if one.margin is None else one.margin / whole


def _chart(result: Result) -> PairChart:
    halves = result.half_hours
    return pair_chart([h.label for h in halves], [h.first for h in halves], [h.second for h in halves])


def _failure(found: Trial) -> str:
    failure = found.failure
    if failure is None:
        return ""
    key = f"trial_bad.{failure.code}"
    return say(key, given=failure.given) if i18n.is_translated(g.lang, key) else failure.message


# --- taking it into use


@blueprint.post("/m/<hall>/trials/<int:id>/apply")
@role_required(Role.HALL_MANAGER)
def apply(hall: str, id: int) -> Response | tuple[str, int]:
    """What was tried becomes the plan: everywhere, or its rule at one window."""
    live, found = the_hall(hall), _found(hall, id)
    variant, at = found.request.variant, request.form.get("window", type=int)
    try:
        plan = changed_plan(live.hall.plan, replace(variant, rule_at=variant.rule_at or at))
        _take_into_use(live, plan, f"trial {id}")
    except BadVariant as error:
        return _trial(live, found, say(f"trial_bad.{error.code}", given=error.given)), HTTPStatus.CONFLICT
    except Refused as error:
        return _trial(live, found, say_refused(error)), HTTPStatus.CONFLICT
    return redirect(url_for("trials.trial", hall=hall, id=id), HTTPStatus.SEE_OTHER)


@blueprint.post("/m/<hall>/trials/rule-of/<int:number>")
@role_required(Role.HALL_MANAGER)
def follow_hall(hall: str, number: int) -> Response:
    """A window with a rule of its own follows the hall's again."""
    live = the_hall(hall)
    if number not in live.hall.windows:
        abort(HTTPStatus.NOT_FOUND)
    _take_into_use(live, ruled_at(live.hall.plan, AS_IT_IS, number), f"window {number}")
    return redirect(url_for("trials.trials", hall=hall), HTTPStatus.SEE_OTHER)


def _take_into_use(live: Live, plan: Plan, subject: str) -> None:
    give(live, ChangePlan(replace(plan, rev=live.hall.plan.rev + 1)), subject)


def _is_in_force(plan: Plan, variant: Variant) -> bool:
    """Whether the plan has everywhere what was tried, so that there is nothing to take into use."""
    try:
        return changed_plan(plan, variant) == plan
    except (BadVariant, Refused):
        return False


# --- in words


def _ruled(plan: Plan) -> Iterator[tuple[int, str | None]]:
    """Windows with a rule of their own, and its name."""
    for window in plan.windows:
        if window.balance is not None:
            yield window.number, rule_of(window.balance)


def _described(variant: Variant) -> list[str]:
    """What is different, a line each."""
    lines = []
    if variant.rule:
        name = i18n.label(g.lang, "trial_rule", variant.rule)
        text = say("Rule: {rule}", rule=name)
        if variant.rule_at is not None:
            text = say("Rule at window {n}: {rule}", n=variant.rule_at, rule=name)
        lines.append(text)
    lines += [f"{name} = {value}" for name, value in variant.settings.items()]
    lines += [say("Window {n} serves {queues}", n=n, queues=text) for n, text in variant.windows.items()]
    for n, text in variant.staff.items():
        lines.append(
            say("Window {n} staffed {times}", n=n, times=text) if text else say("Window {n} not staffed", n=n)
        )
    if variant.hours:
        lines.append(say("Open {times}", times=variant.hours))
    return lines or [say("Nothing is different: only chance differs")]


def _named_days(asked: Request) -> str:
    if asked.made_up:
        return say("{n} made-up days of {tickets} citizens", n=asked.made_up, tickets=f"{asked.per_day:.0f}")
    if len(asked.days) == 1:
        return asked.days[0].isoformat()
    return say("{n} days, {first} to {last}", n=len(asked.days), first=asked.days[0], last=asked.days[-1])
