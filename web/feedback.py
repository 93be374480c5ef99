"""Ratings for who works on the floor: paper slips entered at the guide desk (S0.23), and a clerk's own sums.

A clerk sees what a week came to and never a rating (S2.23): only weeks in which nothing can change any more,
so that no new rating shows by what it changes, and none with fewer ratings than the hall's rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from http import HTTPStatus

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response

from controller import ratings
from controller.clock import real_now
from controller.hall.model import Refused
from controller.hall.ratings import LEVELS, LONGEST_WORDS, Channel
from controller.hall.refusals import refuse
from controller.live import Live
from controller.people import Role
from controller.store import projections
from controller.store import ratings as rows
from controller.store.audit import audit
from controller.store.projections import TicketRow
from controller.store.seal import Seal
from web.home import WINDOW_ROLES
from web.rating import BY_WORD
from web.visit import hall_now, me, role_required, say_refused, the_hall, the_site

blueprint = Blueprint("feedback", __name__)

SLIP = "rating.slip"  # the row of the trail
WEEK = timedelta(weeks=1)
WEEKS = 13  # looked back at


# --- paper slips


@blueprint.get("/g/<hall>/slips")
@role_required(Role.GUIDE)
def slips(hall: str) -> str:
    return _slips(the_hall(hall))


@blueprint.get("/g/<hall>/slips/blank")
@role_required(Role.GUIDE)
def blank(hall: str) -> str:
    """The slip to print and lay out (事项办理群众满意情况反馈单)."""
    return render_template("feedback/blank.html", hall=the_hall(hall).hall, levels=tuple(reversed(LEVELS)))


@blueprint.post("/g/<hall>/slips")
@role_required(Role.GUIDE)
def enter(hall: str) -> str | Response | tuple[str, int]:
    """Enter what a citizen wrote on a slip; never about one's own work."""
    live, form = the_hall(hall), request.form
    try:
        visit = _visit(live, form.get("number", "").strip().upper(), form.get("day", type=date.fromisoformat))
        level = BY_WORD.get(form.get("level", ""), 0)
        row = audit(me().id, SLIP, f"{hall}/{visit.number}", real_now(), ticket=visit.id)
        after, seal = the_site().work_days, Seal(the_site().settings.data_dir)
        if form.get("phone", "").strip():
            ratings.plain_phone(form["phone"])  # refused before anything is kept
        ratings.rate(live, after, visit.id, level, Channel.PAPER, by=me().actor, records=[row])
        said = form.getlist("reason"), form.get("words", ""), form.get("phone", "")
        if any(said):
            ratings.tell(live, after, seal, visit.id, *said)
    except Refused as refused:
        return _slips(live, error=say_refused(refused)), HTTPStatus.CONFLICT
    return _slips(live, done=visit.number)


def _visit(live: Live, number: str, day: date | None) -> TicketRow:
    """The visit of a slip. Raises Refused."""
    with live.store.reading() as c:
        visit = None if day is None else projections.numbered(c, live.id, day, number)
    if visit is None:
        raise Refused("no_such_ticket", f"there was no ticket {number} on that day", number=number)
    if visit.clerk == me().id:
        raise refuse("rated_clerk", number=number)
    return visit


def _slips(live: Live, error: str = "", done: str = "") -> str:
    return render_template(
        "feedback/slips.html",
        hall=live.hall,
        today=hall_now().astimezone(the_site().settings.zone).date(),
        levels=tuple(reversed(LEVELS)),
        longest=LONGEST_WORDS,
        form=request.form if error else {},
        chosen=request.form.getlist("reason") if error else [],
        error=error,
        done=done,
    )


# --- a clerk's own sums


@dataclass(frozen=True, slots=True)
class Week:
    """levels: None when there were too few ratings to show any sum."""

    first: date
    last: date
    levels: Counter[int] | None

    @property
    def count(self) -> int:
        return 0 if self.levels is None else sum(self.levels.values())

    @property
    def satisfied(self) -> float | None:
        """K.16"""
        good = sum(count for level, count in (self.levels or {}).items() if level >= 3)
        return good / self.count if self.count else None


@blueprint.get("/w/<hall>/ratings")
@role_required(*WINDOW_ROLES)
def own(hall: str) -> str:
    live = the_hall(hall)
    rules = live.hall.plan.rules
    return render_template(
        "feedback/own.html",
        hall=live.hall,
        weeks=list(_weeks(live)),
        levels=tuple(reversed(LEVELS)),
        fewest=rules.fewest_ratings,
        days=rules.rating_days,
    )


def _weeks(live: Live) -> Iterator[Week]:
    """The weeks in which nothing changes any more, the latest first."""
    zone, now, rules = the_site().settings.zone, hall_now(), live.hall.plan.rules
    today = now.astimezone(zone).date()
    monday = today - timedelta(days=today.weekday())
    with live.store.reading() as c:
        days = rows.levels_by_day(c, live.id, monday - WEEKS * WEEK, today, clerk=me().id)
    for back in range(1, WEEKS + 1):
        first = monday - back * WEEK
        last = first + timedelta(days=6)
        if the_site().work_days(datetime.combine(last, time(12), zone), rules.rating_days) > now:
            continue
        levels = sum((days.get(first + timedelta(days=n), Counter()) for n in range(7)), Counter[int]())
        is_shown = levels.total() >= rules.fewest_ratings
        yield Week(first, last, levels if is_shown else None)
