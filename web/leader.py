"""The leaders' page (R-L2, S1.31): each hall of theirs at one glance on a phone, in big numbers.

Read-only. What is wrong stands first, in words beside its colour; the page looks again by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask import Blueprint, render_template
from flask.blueprints import BlueprintSetupState

from controller.hall import reports
from controller.hall.model import DayState, Hall
from controller.hall.reports import DayFigures, Urgency
from controller.live import Live
from controller.store import spans
from web.chart import Chart, bar_chart
from web.home import LEADER_ROLES
from web.needs import Need, needs
from web.search import may_open
from web.usual import Usual, Usuals, usual
from web.visit import hall_now, is_fragment, me, role_required, say, the_site

blueprint = Blueprint("leader", __name__)

TREND = timedelta(days=30)
WORST = 3


@dataclass(frozen=True, slots=True)
class Face:
    """One hall. look: green, amber, red, or closed. overdue: people who wait longer than the rule allows.

    week, week_before: tickets of this week so far, and of the same days of the week before.
    """

    hall: Hall
    look: str
    figures: DayFigures
    usual: Usual | None
    by_now: float | None
    overdue: int
    worst: Sequence[Need]
    week: int
    week_before: int
    trend: Chart
    days: Sequence[tuple[date, int]]


@blueprint.record
def _prepare(state: BlueprintSetupState) -> None:
    state.app.extensions["usuals"] = Usuals(state.app.extensions["site"].store)


MORE = (  # where a card leads, for those who may go there
    ("manager.board", "Live board"),
    ("bulletins.page", "Bulletin"),
    ("followups.page", "Bad ratings"),
    ("conduct.page", "Daily conduct"),
)


@blueprint.get("/leader")
@role_required(*LEADER_ROLES)
def page() -> str:
    """All halls of the site, or those somebody works in."""
    mine = [live for live in the_site().halls.values() if me().works_in(live.id)]
    now = hall_now()
    return render_template(
        "leader/_halls.html" if is_fragment() else "leader/page.html",
        faces=[_face(live, now) for live in mine],
        now=now,
        links=[(one, say(title)) for one, title in MORE if may_open(one)],
    )


def _face(live: Live, now: datetime) -> Face:
    hall, local = live.hall, now.astimezone(the_site().settings.zone)
    figures, before = reports.day_figures(hall), usual(live.id, local)
    wanting = needs(hall, now)
    days = _days(live, local.date(), figures.issued)
    monday = local.date() - timedelta(days=local.weekday())
    since = [count for day, count in days if day >= monday]
    earlier = monday - timedelta(weeks=1), local.date() - timedelta(weeks=1)
    return Face(
        hall=hall,
        look=_look(hall, wanting),
        figures=figures,
        usual=before,
        by_now=None if before is None else before.taken_by(local),
        overdue=sum(line.waiting for line in reports.queues_now(hall, now) if line.is_late),
        worst=wanting[:WORST],
        week=sum(since),
        week_before=sum(count for day, count in days if earlier[0] <= day <= earlier[1]),
        trend=bar_chart([f"{day:%m-%d}" for day, _ in days], [float(count) for _, count in days]),
        days=days,
    )


def _days(live: Live, today: date, issued: int) -> list[tuple[date, int]]:
    """Tickets per day of the last thirty, today so far included."""
    with the_site().store.reading() as c:
        over = spans.by_day(c, live.id, today - TREND, today)
    day = live.hall.day
    return sorted({**over, **({day.date: issued} if day else {})}.items())


def _look(hall: Hall, wanting: Sequence[Need]) -> str:
    if hall.day is None or hall.day.state is DayState.CLOSED:
        return "closed"
    worst = min((need.urgency for need in wanting), default=Urgency.BLUE)
    return {Urgency.RED: "red", Urgency.AMBER: "amber"}.get(worst, "green")
