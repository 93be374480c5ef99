"""The site's calendar: which days are worked, what managers lay down about them, and counting them.

What a day that is still to come, or runs, will be in each hall is shown before it is laid down, and before a
year's list is brought in; halls whose day is open follow by themselves (controller/coming.py).
"""

from __future__ import annotations

import calendar as months
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from http import HTTPStatus

import msgspec
from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from controller.hall import duty
from controller.hall.bookings import OPEN, Appointment
from controller.hall.calendar import Calendar, Counted, DayKind
from controller.hall.commands import TakeBack
from controller.hall.model import DayState, Hall, Plan, Refused
from controller.hall.waits import waiting
from controller.holidays import FIRST, LAST, LONGEST_NAME, BadList, Holidays, YearList, new_list
from controller.people import SYSTEM, Role
from web.home import BOARD_ROLES, SETUP_ROLES
from web.privacy import name_of
from web.visit import hall_now, me, role_required, say, say_refused, the_site

blueprint = Blueprint("calendar", __name__)

READERS = BOARD_ROLES | SETUP_ROLES
NEXT_YEAR_FROM = 11  # the month in which the notice for the next year is usually out
MOST_NOTED = 50  # single days that are listed
WHAT = {"as_notice": None, "off": True, "work": False}  # whether the day is free
NO_REASON = "当日不对外办公"  # told to those who have booked


@dataclass(frozen=True, slots=True)
class Cell:
    """A day of a month as it is drawn. is_ours: a manager laid it down."""

    day: date
    kind: DayKind
    name: str
    is_ours: bool
    is_provisional: bool


@dataclass(frozen=True, slots=True)
class Turned:
    """What becomes of a day in a hall. before, after: its hours, "" when it is shut. booked: who has an
    appointment then. waiting: for today, who waits now; None: another day, or the day is not open."""

    day: date
    hall: Hall
    before: str
    after: str
    booked: tuple[Appointment, ...]
    waiting: int | None

    @property
    def is_felt(self) -> bool:
        """By somebody who has an appointment or a ticket."""
        return bool(self.booked) or self.waiting is not None


@dataclass(frozen=True, slots=True)
class Brought:
    """A year's list before it is brought in. text: to be sent again when it is confirmed; is_first: no list
    of that year is known; freed, worked: days that would turn, by holiday; kept: laid down otherwise here."""

    year: int
    text: str
    is_first: bool
    freed: Mapping[str, Sequence[date]]
    worked: Mapping[str, Sequence[date]]
    kept: Sequence[date]
    turned: Sequence[Turned]


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
    if what not in WHAT or len(name) > LONGEST_NAME:
        text = say("Say what the day is; a reason has at most {n} characters.", n=LONGEST_NAME)
        return _page(error=text), HTTPStatus.BAD_REQUEST
    is_off, turned = WHAT[what], list(_turned([day], _holidays().supposing(day, WHAT[what])))
    if turned and request.form.get("sure") != "yes":
        return _page(asks=day, turned=turned), HTTPStatus.OK
    if is_off is None:
        _holidays().withdraw(day, me().id)
    else:
        _holidays().lay_down(day, is_off, name, me().id)
    if request.form.get("take_back") == "yes":
        _take_back(turned, name or NO_REASON)
    return redirect(url_for("calendar.page", year=day.year), HTTPStatus.SEE_OTHER)


@blueprint.post("/calendar/year")
@role_required(Role.ADMIN, Role.HALL_MANAGER)
def bring_in() -> Response | tuple[str, int]:
    """A year's list as a file of holiday-cn; what it changes is shown first."""
    file, form = request.files.get("file"), request.form
    try:
        brought = new_list(file.read() if file else form.get("list", "").encode())
    except BadList as error:
        return _page(bad_file=say(f"holidays.{error.code}")), HTTPStatus.BAD_REQUEST
    after = _holidays().supposing_list(brought)
    turned = list(_turned(_turning(_holidays().calendar, after, brought.year), after))
    if form.get("sure") != "yes":
        return _page(brings=_brought(brought, after, turned)), HTTPStatus.OK
    _holidays().bring_in(brought, me().id)
    for one in turned if form.get("take_back") == "yes" else ():
        _take_back([one], after.name(one.day) or NO_REASON)
    return redirect(url_for("calendar.page", year=brought.year), HTTPStatus.SEE_OTHER)


def _brought(brought: YearList, after: Calendar, turned: Sequence[Turned]) -> Brought:
    before = _holidays().calendar
    turning = _turning(before, after, brought.year)
    ours = {one.special.date: one.special for one in _holidays().laid_down()}
    kept = (one for one in brought.specials() if one.date in ours and ours[one.date].is_off != one.is_off)
    return Brought(
        brought.year,
        msgspec.json.encode(brought).decode(),
        brought.year not in before.years,
        _named(after, (one for one in turning if before.is_working(one) and not after.is_working(one))),
        _named(after, (one for one in turning if after.is_working(one) and not before.is_working(one))),
        [one.date for one in kept],
        turned,
    )


def _turning(before: Calendar, after: Calendar, year: int) -> list[date]:
    """The days that would be of another kind by a list of this year, which may reach into December before."""
    days = (*_days(year - 1), *_days(year))
    return [day for day in days if before.kind(day) != after.kind(day)]


def _named(calendar: Calendar, days: Iterable[date]) -> dict[str, list[date]]:
    """By the name of their holiday."""
    found: dict[str, list[date]] = {}
    for day in days:
        found.setdefault(calendar.name(day), []).append(day)
    return found


def _turned(days: Iterable[date], supposed: Calendar) -> Iterator[Turned]:
    """The halls in which these days would be other ones than they are now; none for a day that is over."""
    today = hall_now().astimezone(the_site().settings.zone).date()
    for day in days:
        kinds = supposed.kind(day), _holidays().calendar.kind(day)
        for live in the_site().halls.values() if day >= today else ():
            after, before = (_hours(live.hall.plan, kind, day) for kind in kinds)
            if before != after:
                yield _turn(day, live.hall, before, after)


def _turn(day: date, hall: Hall, before: str, after: str) -> Turned:
    is_open = hall.day is not None and hall.day.date == day and hall.day.state is not DayState.CLOSED
    booked = tuple(one for one in hall.bookings.known.values() if one.day == day and one.state in OPEN)
    queue = sum(waiting(hall, one) for one in hall.queues) if is_open else None
    return Turned(day, hall, before, after, booked, queue)


def _hours(plan: Plan, kind: DayKind, day: date) -> str:
    spans = duty.stretches(plan, kind, day)
    return ", ".join(f"{duty.clock(one.start):%H:%M}-{duty.clock(one.end):%H:%M}" for one in spans)


def _take_back(turned: list[Turned], reason: str) -> None:
    """The appointments of halls that are shut then; everybody is told once, with other times."""
    for one in turned:
        if one.booked and not one.after:
            gone = TakeBack(tuple(each.id for each in one.booked), reason)
            the_site().halls[one.hall.id].submit(gone, SYSTEM)


def _page(
    error: str = "",
    bad_file: str = "",
    asks: date | None = None,
    turned: Sequence[Turned] = (),
    brings: Brought | None = None,
) -> str:
    today, holidays = hall_now().astimezone(the_site().settings.zone).date(), _holidays()
    asked = request.values.get("year", today.year, type=int) if brings is None else brings.year
    year = min(max(asked, FIRST), LAST)
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
        asks=asks,
        turned=turned,
        brings=brings,
        form=request.form,
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
