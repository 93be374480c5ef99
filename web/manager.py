"""The hall manager's pages: what needs somebody first, the hall as it is, the day so far, every ticket."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from http import HTTPStatus

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from controller.hall import commands as c
from controller.hall import duty, reports
from controller.hall.model import Hall, Plan, Refused, WindowMode, WindowState
from controller.live import Live
from controller.people import Role
from controller.store import log, projections
from web import advising, copies, live_board
from web import tickets as lists
from web.home import BOARD_ROLES
from web.privacy import name_of
from web.timeline import timeline
from web.visit import give, hall_now, is_fragment, place_of, role_required, say_refused, the_hall, the_site

blueprint = Blueprint("manager", __name__)

MIDNIGHT = time(23, 59)
CLOSES = time(17, 30)  # offered when a day is opened and the plan says no hours; the manager may change it


# --- the board


@blueprint.get("/m/<hall>/")
@role_required(*BOARD_ROLES, is_board=True)
def board(hall: str) -> str:
    return _board(the_hall(hall))


def _board(live: Live, failed: str = "", error: str = "") -> str:
    now = hall_now()
    return render_template(
        "manager/_board.html" if is_fragment() and not failed else "manager/board.html",
        hall=live.hall,
        shown=live_board.drawn(live),
        advice=advising.shown(live, now),
        closes=closing_time(live.hall.plan, now),
        failed=failed,
        error=error,
    )


def closing_time(plan: Plan, now: datetime) -> str:
    """When a day is offered to close; once that is over, midnight, and not that hour of tomorrow."""
    local = now.astimezone(the_site().settings.zone)
    kind = the_site().holidays.calendar.kind(local.date())
    last = duty.closing(plan, kind, local.date()) if plan.hours or plan.extended else None
    usual = last or (plan.hours[-1].end if plan.hours else CLOSES)
    return (usual if usual > local.time() else MIDNIGHT).strftime("%H:%M")


# --- the day


@blueprint.post("/m/<hall>/open")
@role_required(Role.HALL_MANAGER)
def open_day(hall: str) -> Response | tuple[str, int]:
    """Open today, until the time in the form; a time that has passed means tomorrow's early hours."""
    live, zone = the_hall(hall), the_site().settings.zone
    today = hall_now().astimezone(zone)
    closes = _time(request.form.get("closes", ""), today)
    calendar = the_site().holidays.calendar
    return _try(live, duty.opening(calendar, today.date(), closes, zone), "day")


def _time(text: str, today: datetime) -> datetime:
    try:
        closes = datetime.combine(today.date(), time.fromisoformat(text), today.tzinfo)
    except ValueError:
        abort(HTTPStatus.BAD_REQUEST, "form_incomplete")
    return closes if closes > today else closes + timedelta(days=1)


@blueprint.get("/m/<hall>/close")
@role_required(Role.HALL_MANAGER)
def ask_close(hall: str) -> str:
    """Who still waits, before the day is closed (T17)."""
    live = the_hall(hall)
    if live.hall.day is None:
        abort(HTTPStatus.NOT_FOUND)
    with the_site().store.reading() as connection:
        rows = projections.open_tickets(connection, hall, live.hall.day.date)
    return render_template("manager/close.html", hall=live.hall, rows=rows)


@blueprint.post("/m/<hall>/close")
@role_required(Role.HALL_MANAGER)
def close_day(hall: str) -> Response | tuple[str, int]:
    return _try(the_hall(hall), c.CloseDay(), "day")


# --- one window


@blueprint.get("/m/<hall>/windows/<int:number>")
@role_required(*BOARD_ROLES)
def window(hall: str, number: int) -> str:
    return _window(the_hall(hall), number)


def _window(live: Live, number: int, error: str = "") -> str:
    hall, now = live.hall, hall_now()
    shown = next((one for one in reports.windows_now(hall, now) if one.window.number == number), None)
    if shown is None:
        abort(HTTPStatus.NOT_FOUND)
    others = [
        one
        for one in hall.sessions.values()
        if one.window != number and one.state in (WindowState.OPEN, WindowState.BUSY)
    ]
    return render_template(
        "manager/window.html", hall=hall, at=shown, now=now, modes=WindowMode, others=others, error=error
    )


@blueprint.post("/m/<hall>/windows/<int:number>/<action>")
@role_required(Role.HALL_MANAGER)
def change_window(hall: str, number: int, action: str) -> Response | tuple[str, int]:
    """mode, unpause or logout of a window that is not one's own."""
    live = the_hall(hall)
    try:
        give(live, _change(number, action), f"window {number}")
    except Refused as error:
        return _window(live, number, say_refused(error)), HTTPStatus.CONFLICT
    return redirect(url_for("manager.window", hall=hall, number=number), HTTPStatus.SEE_OTHER)


def _change(number: int, action: str) -> c.Command:
    if action == "mode" and request.form.get("mode") in set(WindowMode):
        return c.ChangeMode(number, WindowMode(request.form["mode"]))
    if action == "unpause":
        return c.Unpause(number)
    if action == "logout":
        return c.Logout(number, request.form.get("hand_over_to", type=int))
    abort(HTTPStatus.BAD_REQUEST, "form_incomplete")


# --- tickets


@blueprint.get("/m/<hall>/tickets")
@role_required(*BOARD_ROLES)
def tickets(hall: str) -> str:
    value, wish = the_hall(hall).hall, lists.wanted(request.args)
    day = _day(value, wish)
    found = lists.find(the_site().store, hall, day, wish) if day else None
    return render_template(
        "manager/tickets.html",
        hall=value,
        wish=wish,
        day=day,
        found=found,
        names=_names(value),
        sorts=lists.SORTS,
    )


@blueprint.get("/m/<hall>/tickets.csv")
@role_required(*BOARD_ROLES)
def tickets_csv(hall: str) -> Response:
    """The list as it is filtered and sorted, for a spreadsheet."""
    value, wish = the_hall(hall).hall, lists.wanted(request.args)
    day = _day(value, wish)
    rows = lists.every(the_site().store, hall, day, wish) if day else []
    body = lists.as_csv(rows, value, _names(value), g.lang, the_site().settings.zone)
    headers = {"Content-Disposition": f'attachment; filename="tickets-{hall}-{day or "none"}.csv"'}
    return Response(body, mimetype="text/csv", headers=headers)


def _day(hall: Hall, wish: lists.Wanted) -> date | None:
    """The day asked for, else the one that is open or was last."""
    return wish.day or (hall.day.date if hall.day else None)


@blueprint.get("/m/<hall>/tickets/<int:ticket>")
@role_required(*BOARD_ROLES)
def ticket(hall: str, ticket: int) -> str:
    """Everything that happened to one ticket, and who did it."""
    value = the_hall(hall).hall
    with the_site().store.reading() as connection:
        row = projections.find_ticket(connection, hall, ticket)
        logged = log.ticket_history(connection, hall, ticket)
        if row is None:
            abort(HTTPStatus.NOT_FOUND)
        steps = timeline(
            logged,
            value,
            g.lang,
            the_site().settings.zone,
            place_of,
            lambda id: _number(connection, hall, id),
            name_of,
        )
    return render_template(
        "manager/ticket.html",
        hall=value,
        row=row,
        steps=steps,
        names=_names(value),
        printers=copies.printers(the_hall(hall), ticket),
        copies=copies.earlier(hall, ticket),
    )


def _number(connection: Connection, hall: str, ticket: int) -> str:
    row = projections.find_ticket(connection, hall, ticket)
    return str(ticket) if row is None else row.number


def _names(hall: Hall) -> dict[str, str]:
    return {clerk.id: name_of(clerk.name) for clerk in hall.plan.clerks}


# --- saying yes or no


def _try(live: Live, command: c.Command, what: str) -> Response | tuple[str, int]:
    try:
        give(live, command, what)
    except Refused as error:
        return _board(live, what, say_refused(error)), HTTPStatus.CONFLICT
    return redirect(url_for("manager.board", hall=live.id), HTTPStatus.SEE_OTHER)
