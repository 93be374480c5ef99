"""The centres above the halls: the tree with today's figures rolled up, and who may change it (S0.01, S0.04).

Leaders see the points they work for; the tree itself is changed by who looks after the whole site.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from controller.clock import real_now
from controller.hall import reports, waits
from controller.hall.model import Hall, Refused, Text, WindowState
from controller.network import LONGEST_NAME, Level, Network, Point
from controller.people import Role
from controller.store import network as rows
from controller.store.network import UnknownPoint
from web.home import LEADER_ROLES
from web.visit import me, role_required, say_refused, the_site

blueprint = Blueprint("centres", __name__)


@dataclass(frozen=True, slots=True)
class Day:
    """Some halls' day so far, together."""

    issued: int
    served: int
    waiting: int
    staffed: int
    windows: int


@dataclass(frozen=True, slots=True)
class Node:
    """A point of the tree: its own halls, and the day of all halls in it and below."""

    point: Point
    depth: int
    path: str
    halls: tuple[Hall, ...]
    day: Day


@blueprint.get("/centres")
@role_required(*LEADER_ROLES, Role.ADMIN)
def page() -> str:
    return _page()


def _page(error: str = "", failed: str = "") -> str:
    with the_site().store.reading() as c:
        known = rows.network(c)
    mine = [live.hall for live in the_site().halls.values() if me().works_in(live.id)]
    return render_template(
        "centres/page.html",
        nodes=[
            _node(known, depth, point, mine) for depth, point in known.in_order() if _may_see(known, point)
        ],
        loose=[hall for hall in mine if known.halls.get(hall.id) not in known.points],
        together=_day(mine),
        halls=mine,
        known=known,
        levels=list(Level),
        may_change=Role.ADMIN in me().roles and me().is_everywhere,
        longest=LONGEST_NAME,
        form=request.form,
        error=error,
        failed=failed,
    )


def _may_see(known: Network, point: Point) -> bool:
    """Points somebody works for; who works in one hall sees what it belongs to, with its day alone."""
    is_above = me().hall is not None and point in known.path(known.halls.get(str(me().hall), ""))
    return me().is_everywhere or is_above or point.id in me().points


def _node(known: Network, depth: int, point: Point, mine: Iterable[Hall]) -> Node:
    within = known.halls_of(point.id)
    path = " › ".join(
        one.name.en if g.lang == "en" and one.name.en else one.name.zh for one in known.path(point.id)
    )
    return Node(
        point,
        depth,
        path,
        tuple(hall for hall in mine if known.halls.get(hall.id) == point.id),
        _day([hall for hall in mine if hall.id in within]),
    )


def _day(halls: Iterable[Hall]) -> Day:
    halls = list(halls)
    figures = [reports.day_figures(hall) for hall in halls]
    sessions = [session for hall in halls for session in hall.sessions.values()]
    return Day(
        issued=sum(one.issued for one in figures),
        served=sum(one.served for one in figures),
        waiting=sum(waits.waiting(hall, queue.code) for hall in halls for queue in hall.plan.queues),
        staffed=sum(session.state is not WindowState.CLOSED for session in sessions),
        windows=len(sessions),
    )


# --- changing it


@blueprint.post("/centres")
@role_required(Role.ADMIN, is_of_site=True)
def add() -> Response | tuple[str, int]:
    point = _filled("")
    return _do("new", lambda c: rows.add(c, point, me().id, real_now()))


@blueprint.post("/centres/<id>")
@role_required(Role.ADMIN, is_of_site=True)
def change(id: str) -> Response | tuple[str, int]:
    point = _filled(id)
    return _do(id, lambda c: rows.change(c, point, me().id, real_now()))


@blueprint.post("/centres/<id>/remove")
@role_required(Role.ADMIN, is_of_site=True)
def remove(id: str) -> Response | tuple[str, int]:
    return _do(id, lambda c: rows.remove(c, id, me().id, real_now()))


@blueprint.post("/centres/halls/<hall>")
@role_required(Role.ADMIN, is_of_site=True)
def place(hall: str) -> Response | tuple[str, int]:
    """Give a hall to a centre, or to none."""
    if hall not in the_site().halls:
        abort(HTTPStatus.NOT_FOUND)
    point = request.form.get("centre") or None
    return _do(hall, lambda c: rows.place(c, hall, point, me().id, real_now()))


def _filled(id: str) -> Point:
    level = request.form.get("level", "")
    if level not in set(Level):
        abort(HTTPStatus.BAD_REQUEST, "form_incomplete")
    name = Text(request.form.get("zh", "").strip(), request.form.get("en", "").strip())
    return Point(id, name, Level(level), request.form.get("parent") or None)


def _do(failed: str, change: Callable[[Connection], object]) -> Response | tuple[str, int]:
    try:
        with the_site().store.writing() as c:
            change(c)
    except UnknownPoint:
        abort(HTTPStatus.NOT_FOUND)
    except Refused as error:
        return _page(say_refused(error), failed), HTTPStatus.CONFLICT
    return redirect(url_for("centres.page"), HTTPStatus.SEE_OTHER)
