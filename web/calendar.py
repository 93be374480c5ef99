"""The site's calendar: which days are worked, what managers lay down about them, and counting them."""

from __future__ import annotations

import calendar as months
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from http import HTTPStatus

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from controller.hall.calendar import Calendar, Counted, DayKind
from controller.hall.model import Refused
from controller.holidays import LONGEST_NAME, BadList, Holidays
from controller.people import Role
from web.home import BOARD_ROLES, SETUP_ROLES
from web.privacy import name_of
from web.visit import hall_now, me, role_required, say, say_refused, the_site

blueprint = Blueprint("calendar", __name__)

READERS = BOARD_ROLES | SETUP_ROLES
FIRST, LAST = 2007, 2099
NEXT_YEAR_FROM = 11  # the month in which the notice for the next year is usually out
MOST_NOTED = 50  # single days that are listed


@dataclass(frozen=True, slots=True)
class Cell:
    """A day of a month as it is drawn. is_ours: a manager laid it down."""

    day: date
    kind: DayKind
    name: str
    is_ours: bool
    is_provisional: bool


@blueprint.get("/calendar")
@role_required(*READERS)
def page() -> str:
    return _page()


@blueprint.post("/calendar/day")
@role_required(*SETUP_ROLES)
def lay_down() -> Response | tuple[str, int]:
    """That a day is free or worked, or again what the notice says."""
    day, what = _day(request.form.get("day", "")), request.form.get("what", "")
    name = " ".join(request.form.get("name", "").split())
    if day is None or not FIRST <= day.year <= LAST:
        return _page(error=say("Choose a day.")), HTTPStatus.BAD_REQUEST
    if what == "as_notice":
        _holidays().withdraw(day, me().id)
    elif what in ("off", "work") and len(name) <= LONGEST_NAME:
        _holidays().lay_down(day, what == "off", name, me().id)
    else:
        text = say("Say what the day is; a reason has at most {n} characters.", n=LONGEST_NAME)
        return _page(error=text), HTTPStatus.BAD_REQUEST
    return redirect(url_for("calendar.page", year=day.year), HTTPStatus.SEE_OTHER)


@blueprint.post("/calendar/year")
@role_required(Role.ADMIN, Role.HALL_MANAGER)
def bring_in() -> Response | tuple[str, int]:
    """A year's list as a file of holiday-cn."""
    file = request.files.get("file")
    try:
        brought = _holidays().bring_in(file.read() if file else b"", me().id)
    except BadList as error:
        return _page(bad_file=say(f"holidays.{error.code}")), HTTPStatus.BAD_REQUEST
    return redirect(url_for("calendar.page", year=brought.year), HTTPStatus.SEE_OTHER)


def _page(error: str = "", bad_file: str = "") -> str:
    today, holidays = hall_now().astimezone(the_site().settings.zone).date(), _holidays()
    year = min(max(request.values.get("year", today.year, type=int), FIRST), LAST)
    known, ours = holidays.known(), holidays.laid_down()
    counted, wrong = _counted(holidays.calendar, today)
    return render_template(
        "calendar/page.html",
        year=year,
        today=today,
        first=FIRST,
        last=LAST,
        known={one.year: one.by for one in known},
        missing=_missing(holidays.calendar, today),
        sheets=[
            _month(holidays.calendar, year, month, {one.special.date for one in ours})
            for month in range(1, 13)
        ],
        worked=sum(holidays.calendar.is_working(day) for day in _days(year)),
        ours=ours[:MOST_NOTED],
        longest=LONGEST_NAME,
        names=the_site().people.names({one.by for one in ours}),
        name_of=name_of,
        counted=counted,
        start=_day(request.args.get("from", "")) or today,
        days=request.args.get("days", 20, type=int),
        wrong=wrong,
        may_change=bool(me().roles & SETUP_ROLES),
        error=error,
        bad_file=bad_file,
    )


def _counted(calendar: Calendar, today: date) -> tuple[Counted, str]:
    """The day that was asked for, or why there is none."""
    start, days = _day(request.args.get("from", "")) or today, request.args.get("days", 20, type=int)
    try:
        return calendar.after(start, days), ""
    except Refused as error:
        return Counted(start), say_refused(error)


def _missing(calendar: Calendar, today: date) -> int | None:
    """The year whose list should be here by now and is not."""
    soon = today.year + (today.month >= NEXT_YEAR_FROM)
    return next((year for year in range(today.year, soon + 1) if year not in calendar.years), None)


def _month(calendar: Calendar, year: int, month: int, ours: set[date]) -> list[list[Cell | None]]:
    """Its weeks from Monday; None where a day belongs to another month."""
    weeks = months.Calendar().monthdatescalendar(year, month)
    return [
        [_cell(calendar, day, day in ours) if day.month == month else None for day in week] for week in weeks
    ]


def _cell(calendar: Calendar, day: date, is_ours: bool) -> Cell:
    return Cell(day, calendar.kind(day), calendar.name(day), is_ours, calendar.is_provisional(day))


def _days(year: int) -> Iterator[date]:
    return (
        date.fromordinal(n) for n in range(date(year, 1, 1).toordinal(), date(year + 1, 1, 1).toordinal())
    )


def _holidays() -> Holidays:
    return the_site().holidays


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
