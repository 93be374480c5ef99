"""When the hall is open, for everybody: the coming days, and its sessions at noon, in the evening, at
weekends and on holidays with unit, address, time and matters (S3.17)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, make_response, render_template
from werkzeug.wrappers import Response

from controller.hall.duty import Stretch
from controller.hall.model import Hall, Queue, Text, Zone
from controller.hall.sessions import Extended
from controller.store import items
from controller.store.items import Matter
from web import public
from web.visit import the_hall, the_site

blueprint = Blueprint("opening", __name__)

KEEP_S = 300


@dataclass(frozen=True, slots=True)
class Held:
    """A session as published. places: the areas of its windows; served: queues with their matters."""

    session: Extended
    units: Sequence[Text]
    places: Sequence[Zone]
    served: Sequence[tuple[Queue, Sequence[Matter]]]


@blueprint.get("/h/<hall>/hours")
def page(hall: str) -> Response:
    value = the_hall(hall).hall
    known: dict[str, list[Matter]] = {}
    for one in items.matters(the_site().store, public.today()) if value.plan.extended else ():
        known.setdefault(one.queue, []).append(one)
    held = [_held(value, one, known) for one in value.plan.extended]
    answer = make_response(
        render_template("citizen/hours.html", hall=value, days=public.hours(value), held=held)
    )
    answer.headers["Cache-Control"] = f"private, max-age={KEEP_S}"
    return answer


def _held(hall: Hall, session: Extended, known: Mapping[str, Sequence[Matter]]) -> Held:
    stretch = Stretch(0, 0, session)
    queues = [one for one in hall.plan.queues if stretch.takes(one.code, hall.servers.get(one.code, ()))]
    codes = {one.code for one in queues}
    windows = [
        one
        for one in hall.plan.windows
        if (not session.windows or one.number in session.windows)
        and any(serves.queue in codes for serves in one.serves)
    ]
    zones = {one.zone for one in windows}
    units = {one.department for one in queues} | {one.department for one in windows}
    return Held(
        session,
        [one.name for one in hall.plan.departments if one.id in units],
        [one for one in hall.plan.zones if one.id in zones],
        [(one, known.get(one.code, ())) for one in queues],
    )
