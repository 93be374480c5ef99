"""How many windows each area will need in the week to come, and when each is staffed today.

The figures are worked out in hall/staffing.py from the days of pasts.py. The times of today are what waits
told count on, and advice to delay a break.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from http import HTTPStatus

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from controller import i18n
from controller.hall.commands import PlanShifts
from controller.hall.model import Hall, Refused, Shift, Zone
from controller.hall.roster import roster_of
from controller.hall.staffing import Need, PastDay, Target, staffing, together
from controller.people import Role
from web import times
from web.chart import Chart, bar_chart
from web.home import BOARD_ROLES
from web.sheet import as_file
from web.visit import give, hall_now, role_required, say, say_refused, the_hall, the_site

blueprint = Blueprint("staffing", __name__)

DAYS = 7  # planned ahead
WAITS_MINUTES = (5, 10, 15, 20, 30, 45)
SHARES = (5, 10, 20, 30)  # percent
COLUMNS = (
    "Day",
    "From",
    "Area",
    "People expected",
    "People, low",
    "People, high",
    "Windows",
    "Windows, low",
    "Windows, high",
)


@dataclass(frozen=True, slots=True)
class Quarter:
    start: str
    need: Need


@dataclass(frozen=True, slots=True)
class DayPlan:
    """One day of one area. people: expected in all; peak: the first quarter that needs most windows."""

    day: date
    people: int
    quarters: tuple[Quarter, ...]
    peak: Quarter | None


@blueprint.get("/m/<hall>/staffing")
@role_required(*BOARD_ROLES)
def page(hall: str) -> str:
    return _page(hall)


def _page(hall: str, error: str = "") -> str:
    value, target = the_hall(hall).hall, _target()
    zones = value.plan.zones
    zone = next((one for one in zones if one.id == request.args.get("zone")), zones[0] if zones else None)
    pasts, today = _pasts(hall)
    week = [] if zone is None else list(_week(value, zone, pasts, today, target))
    wanted = request.args.get("day", "")
    shown = next((one for one in week if one.day.isoformat() == wanted), week[0] if week else None)
    return render_template(
        "manager/staffing.html",
        hall=value,
        zone=zone,
        week=week,
        shown=shown,
        chart=_chart(shown) if shown else None,
        past_days=len({past.date for rows in pasts.values() for past in rows}),
        wait=_wait(),
        share=_share(),
        waits=WAITS_MINUTES,
        shares=SHARES,
        today=_times_today(value, the_site().settings.zone),
        error=error,
    )


@blueprint.get("/m/<hall>/staffing.csv")
@role_required(*BOARD_ROLES)
def page_csv(hall: str) -> Response:
    """The week of all areas."""
    value, target = the_hall(hall).hall, _target()
    pasts, today = _pasts(hall)
    rows = [
        _cells(plan.day, quarter, i18n.in_language(g.lang, zone.name))
        for zone in value.plan.zones
        for plan in _week(value, zone, pasts, today, target)
        for quarter in plan.quarters
    ]
    return as_file(f"staffing-{hall}-{today + timedelta(days=1)}", COLUMNS, rows)


# --- today


@blueprint.post("/m/<hall>/staffing/today")
@role_required(Role.HALL_MANAGER)
def plan_today(hall: str) -> Response | tuple[str, int]:
    """When a window is to be staffed today, as times somebody typed; none: whenever somebody is there."""
    window, typed = request.form.get("window", type=int), request.form.get("times", "")
    if window is None:
        abort(HTTPStatus.BAD_REQUEST, "form_incomplete")
    try:
        shifts = _shifts(typed, hall_now(), the_site().settings.zone)
    except ValueError:
        return _page(hall, say("Write times like 09:00-12:00 13:30-17:00.")), HTTPStatus.BAD_REQUEST
    try:
        give(the_hall(hall), PlanShifts(window, shifts), f"window {window}")
    except Refused as error:
        return _page(hall, say_refused(error)), HTTPStatus.CONFLICT
    return redirect(url_for("staffing.page", hall=hall) + "#today", HTTPStatus.SEE_OTHER)


def _shifts(typed: str, now: datetime, zone: tzinfo) -> tuple[Shift, ...]:
    """Today's shifts as typed. Raises ValueError for what is no time of day or nothing we know."""
    day = now.astimezone(zone).date()
    return tuple(
        Shift(datetime.combine(day, start, zone), datetime.combine(day, end, zone))
        for start, end in times.spans(typed)
    )


def _times_today(hall: Hall, zone: tzinfo) -> dict[int, str]:
    """The times planned for each window, as they are typed."""
    return {
        window.number: times.written(
            (shift.start.astimezone(zone).time(), shift.end.astimezone(zone).time())
            for shift in hall.shifts.get(window.number, ())
        )
        for window in hall.plan.windows
    }


# --- the figures


def _pasts(hall: str) -> tuple[dict[str, list[PastDay]], date]:
    zone = the_site().settings.zone
    today = hall_now().astimezone(zone).date()
    return the_site().pasts.of(hall, today, zone), today


def _week(
    hall: Hall, zone: Zone, pasts: dict[str, list[PastDay]], today: date, target: Target
) -> Iterator[DayPlan]:
    """The days to come of an area: its queues share the windows there."""
    mine = {queue.code: pasts.get(queue.code, []) for queue in hall.plan.queues if queue.zone == zone.id}
    past, mean_service = together(mine), _mean_service(hall, mine)
    for ahead in range(1, DAYS + 1):
        day = today + timedelta(days=ahead)
        yield _day_plan(day, staffing(past, day, mean_service, target))


def _mean_service(hall: Hall, pasts: dict[str, list[PastDay]]) -> timedelta:
    """Of all queues of an area together, by how many came for each."""
    roster = roster_of(hall)
    people = {code: 1 + sum(sum(day.counts) for day in rows) for code, rows in pasts.items()}
    total = sum(people.values())
    seconds = sum(roster.mean_s(code) * count for code, count in people.items()) / total if total else 300.0
    return timedelta(seconds=seconds)


def _day_plan(day: date, needs: list[Need]) -> DayPlan:
    """From the first quarter that needs a window to the last one."""
    busy = [need.quarter for need in needs if need.people.expected >= 0.05]
    shown = needs[busy[0] : busy[-1] + 1] if busy else []
    quarters = tuple(Quarter(f"{n.quarter // 4:02d}:{n.quarter % 4 * 15:02d}", n) for n in shown)
    peak = max(quarters, key=lambda one: one.need.windows, default=None)
    return DayPlan(day, round(sum(need.people.expected for need in needs)), quarters, peak)


def _chart(plan: DayPlan) -> Chart:
    return bar_chart([one.start for one in plan.quarters], [float(one.need.windows) for one in plan.quarters])


def _target() -> Target:
    return Target(timedelta(minutes=_wait()), _share() / 100)


def _wait() -> int:
    wait = request.args.get("wait", 15, type=int)
    return wait if wait in WAITS_MINUTES else 15


def _share() -> int:
    share = request.args.get("share", 20, type=int)
    return share if share in SHARES else 20


def _cells(day: date, quarter: Quarter, zone: str) -> list[object]:
    need = quarter.need
    people = [f"{value:.1f}" for value in (need.people.expected, need.people.low, need.people.high)]
    return [day, quarter.start, zone, *people, need.windows, need.windows_low, need.windows_high]
