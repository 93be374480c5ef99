"""Announcements (公告): written by the hall's manager for a while and some areas, ended early, and listed.

They stand on the displays and kiosks of these areas and on the phones of people who wait there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from http import HTTPStatus
from typing import cast

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from controller.clock import real_now
from controller.hall.model import Hall, Text
from controller.hall.notices import LONGEST, Notice, When
from controller.live import Live
from controller.people import Role
from controller.store import notices as rows
from controller.store.audit import Record, audit
from web.boards import Boards
from web.home import BOARD_ROLES
from web.privacy import name_of
from web.visit import MAX_KEY, hall_now, me, role_required, say, the_hall, the_site

blueprint = Blueprint("notices", __name__)

SHOWN = 50  # in the list
CLOSES = time(17, 30)
LOOKS = {When.SHOWN: "open", When.COMING: "called", When.OVER: "closed", When.ENDED: "closed"}


@dataclass(frozen=True, slots=True)
class Form:
    """A notice as somebody types it; times as the browser writes them."""

    zh: str
    en: str
    zones: tuple[str, ...]
    starts: str
    ends: str


@blueprint.get("/m/<hall>/notices")
@role_required(*BOARD_ROLES)
def page(hall: str) -> str:
    return _page(the_hall(hall), _empty())


@blueprint.post("/m/<hall>/notices")
@role_required(Role.HALL_MANAGER)
def write(hall: str) -> Response | tuple[str, int]:
    live, form = the_hall(hall), _form()
    error = _wrong(live.hall, form)
    if error:
        return _page(live, form, error), HTTPStatus.BAD_REQUEST
    text, zones = Text(form.zh, form.en), form.zones
    starts, ends, by, now = _moment(form.starts), _moment(form.ends), me().id, hall_now()

    def add(c: Connection) -> None:
        id = rows.add(c, hall, text, zones, starts, ends, by, now)
        audit(by, "notice.write", f"{hall}/{id}", real_now(), zh=text.zh, en=text.en, zones=list(zones))(c)

    return _change(live, add)


@blueprint.post("/m/<hall>/notices/<int:id>/end")
@role_required(Role.HALL_MANAGER)
def end(hall: str, id: int) -> Response:
    """Take a notice away before its time; one that is over already stays as it is."""
    live, by, now = the_hall(hall), me().id, hall_now()

    def close(c: Connection) -> None:
        if rows.end(c, hall, id, by, now):
            audit(by, "notice.end", f"{hall}/{id}", real_now())(c)

    return _change(live, close)


def _change(live: Live, record: Record) -> Response:
    tell(live, record)
    return redirect(url_for("notices.page", hall=live.id), HTTPStatus.SEE_OTHER)


def tell(live: Live, record: Record) -> None:
    """Keep a change of announcements, once for each key of a form, and let every screen know."""
    person, key = me(), request.form.get("key", "")[:MAX_KEY]
    live.submit(None, person.actor, key=f"web:{person.id}:{key}" if key else None, records=[record])
    live.announcements.read(hall_now())
    if live.id in the_site().bus:
        the_site().bus[live.id].screens.touch_waits()
    cast(Boards, current_app.extensions["boards"]).wake(live.id)


# --- the page and its form


def _page(live: Live, form: Form, error: str = "") -> str:
    now = hall_now()
    with the_site().store.reading() as c:
        found = rows.last(c, live.id, SHOWN)
    return render_template(
        "manager/notices.html",
        hall=live.hall,
        form=form,
        error=error,
        longest=LONGEST,
        notices=[(one, one.when(now)) for one in found],
        looks=LOOKS,
        ends_now=(When.SHOWN, When.COMING),
        people={one.id: name_of(one.name) for one in the_site().people.all()},
        zones=_names(live.hall, found),
    )


def _names(hall: Hall, found: list[Notice]) -> dict[int, list[Text]]:
    """The names of each notice's areas."""
    names = {zone.id: zone.name for zone in hall.plan.zones}
    return {one.id: [names.get(zone, Text(zone, zone)) for zone in one.zones] for one in found}


def _empty() -> Form:
    """From now until the hall closes today, or tomorrow when it has."""
    now = hall_now().astimezone(the_site().settings.zone)
    closes = datetime.combine(now.date(), CLOSES, now.tzinfo)
    return Form("", "", (), _typed(now), _typed(closes if closes > now else closes + timedelta(days=1)))


def _typed(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M")


def _form() -> Form:
    zh, en = (" ".join(request.form.get(name, "").split()) for name in ("zh", "en"))
    starts, ends = (request.form.get(name, "") for name in ("starts", "ends"))
    return Form(zh, en, tuple(request.form.getlist("zone")), starts, ends)


def _wrong(hall: Hall, form: Form) -> str:
    """What is wrong with the form, if anything is."""
    if not form.zh:
        return say("Write the notice in Chinese; English may be left out.")
    if max(len(form.zh), len(form.en)) > LONGEST:
        return say("A notice has at most {n} characters.", n=LONGEST)
    if not set(form.zones) <= {zone.id for zone in hall.plan.zones}:
        return say("This area is no longer there; choose again.")
    try:
        starts, ends = _moment(form.starts), _moment(form.ends)
    except ValueError:
        return say("Say from when until when.")
    if ends <= starts or ends <= hall_now():
        return say("It would be over before it begins.")
    return ""


def _moment(typed: str) -> datetime:
    """By the hall's clock. Raises ValueError."""
    return datetime.fromisoformat(typed).replace(tzinfo=the_site().settings.zone)
