"""The roster: who is to sit at which window when, by week and by day, in steps of a quarter of an hour."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time, timedelta
from http import HTTPStatus

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from controller import rostering
from controller.coming import shifts_of
from controller.hall.commands import PlanShifts
from controller.hall.model import DayState, Hall, Refused
from controller.live import Live
from controller.people import Role, mask
from controller.rostering import Doubt, Rosters
from controller.store.rosters import Turn
from web.home import BOARD_ROLES, SETUP_ROLES
from web.sheet import as_file
from web.visit import give, hall_now, me, role_required, say, say_refused, the_hall, the_site

blueprint = Blueprint("roster", __name__)

READERS = BOARD_ROLES | SETUP_ROLES
ROWS = 3  # turns of a window that a form has room for, at least
MOST_ROWS = 12
COLUMNS = ("Day", "Window", "From", "Until", "Clerk")


@blueprint.get("/m/<hall>/roster")
@role_required(*READERS)
def week(hall: str) -> str:
    return _week(the_hall(hall))


def _week(live: Live, error: str = "") -> str:
    monday = rostering.monday_of(_day(request.values.get("week", "")) or _today())
    turns = _rosters(live).in_force(monday, monday + timedelta(days=rostering.DAYS - 1), live.hall.plan)
    days, plan, calendar = rostering.week_of(monday), live.hall.plan, the_site().holidays.calendar
    doubts = [*rostering.doubts(turns, live.hall), *rostering.off_duty(turns, plan, calendar)]
    return render_template(
        "manager/roster.html",
        hall=live.hall,
        monday=monday,
        days=days,
        today=_today(),
        cells={(turn.window, turn.day): [t for t in turns if _is_beside(t, turn)] for turn in turns},
        planned={(turn.window, turn.day, turn.start): turn.clerk for turn in _rosters(live).week(monday)},
        staffed=[len({turn.window for turn in turns if turn.day == day}) for day in days],
        doubts=[_said(one, live.hall) for one in doubts],
        before=monday - timedelta(days=rostering.DAYS),
        after=monday + timedelta(days=rostering.DAYS),
        clock=_clock,
        error=error,
    )


def _is_beside(turn: Turn, other: Turn) -> bool:
    return (turn.window, turn.day) == (other.window, other.day)


@blueprint.post("/m/<hall>/roster/<any(copy, fill):what>")
@role_required(Role.HALL_MANAGER)
def spread(hall: str, what: str) -> Response:
    """Last week again, or the usual hours, on the days of a week that have nothing yet."""
    live, monday = the_hall(hall), rostering.monday_of(_day(request.form.get("week", "")) or _today())
    rosters, calendar = _rosters(live), the_site().holidays.calendar
    (rosters.copy if what == "copy" else rosters.fill)(monday, live.hall.plan, calendar, me().id)
    return redirect(url_for("roster.week", hall=hall, week=monday), HTTPStatus.SEE_OTHER)


@blueprint.get("/m/<hall>/roster.csv")
@role_required(*READERS)
def week_csv(hall: str) -> Response:
    live, monday = the_hall(hall), rostering.monday_of(_day(request.args.get("week", "")) or _today())
    rows = [
        (turn.day, turn.window, _clock(turn.start), _clock(turn.end), _in_file(live.hall, turn.clerk))
        for turn in _rosters(live).week(monday)
    ]
    return as_file(f"roster-{hall}-{monday}", COLUMNS, rows)


# --- one day


@blueprint.get("/m/<hall>/roster/<day>")
@role_required(Role.HALL_MANAGER)
def one_day(hall: str, day: str) -> str:
    """The turns of one zone's windows on one day."""
    return _one_day(the_hall(hall), _known_day(day))


def _one_day(live: Live, day: date, error: str = "") -> str:
    hall, zones = live.hall, live.hall.plan.zones
    zone = next((one for one in zones if one.id == request.args.get("zone")), zones[0] if zones else None)
    windows = [one for one in hall.plan.windows if zone is not None and one.zone == zone.id]
    turns = _rosters(live).between(day, day)
    rows = {window.number: [turn for turn in turns if turn.window == window.number] for window in windows}
    return render_template(
        "manager/roster_day.html",
        hall=hall,
        day=day,
        zone=zone,
        windows=windows,
        rows=rows,
        room={number: range(max(ROWS, len(found) + 1)) for number, found in rows.items()},
        form=request.form,
        clock=_clock,
        usual=[(_clock_of(one.start), _clock_of(one.end)) for one in hall.plan.hours],
        error=error,
    )


@blueprint.post("/m/<hall>/roster/<day>")
@role_required(Role.HALL_MANAGER)
def change_day(hall: str, day: str) -> Response | tuple[str, int]:
    live, on = the_hall(hall), _known_day(day)
    shown = [number for number in request.form.getlist("window", type=int) if number in live.hall.windows]
    try:
        turns = [turn for number in shown for turn in _turns(on, number)]
        _rosters(live).put(on, shown, turns, me().id)
        _take_over(live, on, shown, turns)
    except ValueError:
        return _one_day(live, on, say("Write times like 09:00.")), HTTPStatus.BAD_REQUEST
    except Refused as error:
        return _one_day(live, on, say_refused(error)), HTTPStatus.CONFLICT
    return redirect(url_for("roster.week", hall=hall, week=on), HTTPStatus.SEE_OTHER)


def _turns(day: date, window: int) -> Iterator[Turn]:
    """What the form says of one window. Raises ValueError for what is no time of day."""
    for n in range(MOST_ROWS):
        names = (f"{name}-{window}-{n}" for name in ("start", "end", "clerk"))
        start, end, clerk = (request.form.get(name, "") for name in names)
        if start or end:
            yield Turn(day, window, _minutes(start), _minutes(end), clerk or None)


def _take_over(live: Live, day: date, windows: list[int], turns: list[Turn]) -> None:
    """A day that is open already goes by the new roster at once."""
    today = live.hall.day
    if today is None or today.date != day or today.state is DayState.CLOSED:
        return
    for window in windows:
        shifts = shifts_of(turns, window, the_site().settings.zone)
        if shifts != live.hall.shifts.get(window, ()):
            give(live, PlanShifts(window, shifts), f"window {window}")


def turns_today(hall: str, clerk: str) -> dict[int, str]:
    """The windows this clerk is to sit at today, with the times."""
    found: dict[int, list[str]] = {}
    plan = the_hall(hall).hall.plan
    for turn in Rosters(the_site().store, hall).in_force(_today(), _today(), plan):
        if turn.clerk == clerk:
            found.setdefault(turn.window, []).append(f"{_clock(turn.start)}–{_clock(turn.end)}")
    return {window: " ".join(times) for window, times in found.items()}


# --- in words


def _rosters(live: Live) -> Rosters:
    return Rosters(the_site().store, live.id)


def _said(doubt: Doubt, hall: Hall) -> str:
    turn, other = doubt.turn, doubt.other
    return say(
        f"roster_doubt.{doubt.code}",
        day=turn.day.isoformat(),
        clerk=_name(hall, turn.clerk),
        window=turn.window,
        other=other.window if other else "",
        start=_clock(turn.start),
        end=_clock(turn.end),
    )


def _name(hall: Hall, clerk: str | None) -> str:
    known = hall.clerks.get(clerk or "")
    return known.name if known else (clerk or "")


def _in_file(hall: Hall, clerk: str | None) -> str:
    """Files are passed on: a staff number and a masked name (P.33)."""
    known = hall.clerks.get(clerk or "")
    return f"{known.staff_number} {mask(known.name)}" if known else ""


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _clock_of(moment: time) -> str:
    return moment.strftime("%H:%M")


def _minutes(text: str) -> int:
    moment = time.fromisoformat(text)
    return moment.hour * 60 + moment.minute


def _today() -> date:
    return hall_now().astimezone(the_site().settings.zone).date()


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _known_day(text: str) -> date:
    day = _day(text)
    if day is None:
        abort(HTTPStatus.NOT_FOUND)
    return day
