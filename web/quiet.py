"""Quiet times (安静时段): when calls are not spoken, by the clock or by hand, in the hall or some areas.

Screens then flash longer and say so, and so do the phones of those who wait.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from http import HTTPStatus

import msgspec
from flask import Blueprint, redirect, render_template, request, url_for
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from controller import shows
from controller.clock import real_now
from controller.hall.model import Hall
from controller.live import Live
from controller.shows import QUIET, Quiet, QuietTime
from controller.store import showing as rows
from controller.store.audit import audit
from web import times
from web.displays import tell
from web.home import UNIT_ROLES
from web.visit import hall_now, me, role_required, say, the_hall, the_site

blueprint = Blueprint("quiet", __name__)

MOST_TIMES = 6
MINUTES = (30, 60, 120, 240)


@blueprint.get("/m/<hall>/quiet")
@role_required(*UNIT_ROLES)
def page(hall: str) -> str:
    return _page(the_hall(hall))


def _page(live: Live, error: str = "") -> str:
    quiet, now = live.shows.quiet, hall_now()
    with the_site().store.reading() as c:
        row = next((one for one in rows.all_of(c, live.id) if one.name == QUIET), None)
    zones = [zone.id for zone in live.hall.plan.zones]
    return render_template(
        "technician/quiet.html",
        hall=live.hall,
        rows=request.form if error else _typed(quiet),
        most=MOST_TIMES,
        minutes=MINUTES,
        now_quiet=[zone for zone in live.hall.plan.zones if live.shows.is_quiet({zone.id}, now)],
        is_all=bool(zones) and live.shows.is_quiet(zones, now),
        until=quiet.until if quiet.until and quiet.until > now else None,
        can_undo=row is not None and row.former is not None,
        error=error,
    )


@blueprint.post("/m/<hall>/quiet")
@role_required(*UNIT_ROLES)
def set_times(hall: str) -> Response | tuple[str, int]:
    """At which times of day nothing is spoken."""
    live = the_hall(hall)
    try:
        chosen = tuple(_times(live.hall))
    except ValueError:
        words = say("Write a time as 12:00-14:00, or leave the row empty.")
        return _page(live, words), HTTPStatus.BAD_REQUEST
    told = [f"{one.start:%H:%M}-{one.end:%H:%M} {' '.join(one.zones)}".strip() for one in chosen]
    return _put(live, msgspec.structs.replace(live.shows.quiet, times=chosen), times=told)


@blueprint.post("/m/<hall>/quiet/now")
@role_required(*UNIT_ROLES)
def now(hall: str) -> Response | tuple[str, int]:
    """Quiet from now for some minutes; 0 ends what was begun by hand."""
    live = the_hall(hall)
    zone, minutes = request.form.get("zone", ""), request.form.get("minutes", "")
    if zone and zone not in {one.id for one in live.hall.plan.zones}:
        return _page(live, say("This area is no longer there; choose again.")), HTTPStatus.BAD_REQUEST
    length = int(minutes) if minutes.isdecimal() and int(minutes) in (0, *MINUTES) else 0
    until = hall_now() + timedelta(minutes=length) if length else None
    zones = (zone,) if zone else ()
    return _put(live, msgspec.structs.replace(live.shows.quiet, until=until, zones=zones), until=_iso(until))


@blueprint.post("/m/<hall>/quiet/undo")
@role_required(*UNIT_ROLES)
def undo(hall: str) -> Response:
    """Back to what was chosen before."""
    live, by = the_hall(hall), me().id

    def back(c: Connection) -> None:
        if rows.undo(c, hall, QUIET, by, real_now()) is not None:
            audit(by, "quiet.undo", hall, real_now())(c)

    tell(live, back)
    return redirect(url_for("quiet.page", hall=hall), HTTPStatus.SEE_OTHER)


def _put(live: Live, quiet: Quiet, **facts: object) -> Response:
    by = me().id

    def keep(c: Connection) -> None:
        rows.put(c, live.id, QUIET, shows.kept(quiet), by, real_now())
        audit(by, "quiet.put", live.id, real_now(), **facts)(c)

    tell(live, keep)
    return redirect(url_for("quiet.page", hall=live.id), HTTPStatus.SEE_OTHER)


def _times(hall: Hall) -> list[QuietTime]:
    """The rows of the form that say something. Raises ValueError."""
    known, found = {one.id for one in hall.plan.zones}, []
    for n in range(MOST_TIMES):
        text, zone = request.form.get(f"at-{n}", "").strip(), request.form.get(f"zone-{n}", "")
        if text:
            ((start, end),) = times.spans(text)
            found.append(QuietTime(start=start, end=end, zones=(zone,) if zone in known else ()))
    return found


def _typed(quiet: Quiet) -> dict[str, str]:
    form = {}
    for n, one in enumerate(quiet.times):
        form[f"at-{n}"] = f"{one.start:%H:%M}-{one.end:%H:%M}"
        form[f"zone-{n}"] = one.zones[0] if one.zones else ""
    return form


def _iso(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat()
