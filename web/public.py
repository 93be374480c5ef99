"""What everybody may know about a hall: when it is open, how it was rated, how many wait - and that as open
data. No person stands in any of it. What is worked out from days that are over is worked out once a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from http import HTTPStatus

import msgspec
from flask import Blueprint, make_response, request
from werkzeug.wrappers import Response

from controller.boards import queue_line
from controller.hall import duty
from controller.hall.figures import figures
from controller.hall.model import Hall, Sitting
from controller.hall.sessions import Extended
from controller.hall.tallies import together
from controller.live import Live
from controller.store import spans
from web.openapi import Operation, Parameter, operation
from web.shapes import OpenData, OpenHours, OpenQueue, Words
from web.visit import hall_now, the_hall, the_site

blueprint = Blueprint("public", __name__)

DAYS = 7  # of hours
RATED_OVER = timedelta(days=30)
LEAST_RATINGS = 20  # fewer say more about who rated than about the hall
KEEP_S = 20  # how long others may keep the open data


@dataclass(frozen=True, slots=True)
class Day:
    """sittings: the usual hours, sessions: those beside them. why: the holiday, when it is one."""

    date: date
    sittings: tuple[Sitting, ...]
    sessions: tuple[Extended, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Rated:
    """Over the last 30 days, as shares: who was satisfied of those who rated, who rated of all served."""

    count: int
    satisfied: float
    took_part: float


def today() -> date:
    return hall_now().astimezone(the_site().settings.zone).date()


def hours(hall: Hall) -> list[Day]:
    """Of the coming days; () while nobody has said the hours."""
    if not hall.plan.hours and not hall.plan.extended:
        return []
    return [_day(hall, today() + timedelta(days=n)) for n in range(DAYS)]


def _day(hall: Hall, day: date) -> Day:
    calendar, plan = the_site().holidays.calendar, hall.plan
    kind = calendar.kind(day)
    held = tuple(one.session for one in duty.stretches(plan, kind, day) if one.session is not None)
    sittings = plan.hours if duty.keeps_hours(plan, kind, day) else ()
    return Day(day, sittings, held, calendar.name(day))


_rated: dict[str, tuple[date, Rated | None]] = {}


def rated(live: Live) -> Rated | None:
    """None until enough have rated; read once a day."""
    day = today()
    known = _rated.get(live.id)
    if known is None or known[0] != day:
        known = _rated[live.id] = day, _read(live, day)
    return known[1]


def _read(live: Live, day: date) -> Rated | None:
    with live.store.reading() as c:
        found = spans.by_queue(c, live.id, day - RATED_OVER, day - timedelta(days=1))
    all_of_them = figures(together(found.values()))
    count = round(all_of_them.rated)
    if count < LEAST_RATINGS or all_of_them.satisfied is None or all_of_them.took_part is None:
        return None
    return Rated(count, all_of_them.satisfied, all_of_them.took_part)


@operation(
    blueprint,
    Operation(
        "GET",
        "/h/<hall>/open-data.json",
        "hall",
        {HTTPStatus.OK: OpenData, HTTPStatus.NOT_MODIFIED: None},
        (HTTPStatus.NOT_FOUND,),
        parameters=(Parameter("If-None-Match", "header", "The ETag of what the asker has."),),
    ),
)
def open_data(hall: str) -> Response:
    """Who waits where, and when the hall is open, for everybody to use; `licence` says how."""
    live = the_hall(hall)
    value, forecast, known, now = live.hall, live.lookout.now(), rated(live), hall_now()
    told = OpenData(
        licence=the_site().settings.open_data_licence,
        hall=live.id,
        name=Words(zh=value.plan.name.zh, en=value.plan.name.en),
        hours=[_told(one) for one in hours(value)],
        queues=[
            OpenQueue(
                line=queue_line(value, queue, now, forecast),
                zone=queue.zone,
            )
            for queue in value.plan.queues
        ],
        ratings=None if known is None else known.count,
        satisfied=None if known is None else round(known.satisfied, 3),
        took_part=None if known is None else round(known.took_part, 3),
    )
    response = make_response(msgspec.json.encode(told))
    response.mimetype = "application/json"
    response.headers["Cache-Control"] = f"public, max-age={KEEP_S}"
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.add_etag()
    return response.make_conditional(request)


def _told(day: Day) -> OpenHours:
    beside = (Sitting(one.start, one.end) for one in day.sessions)
    spans_of_day = [f"{one.start:%H:%M}-{one.end:%H:%M}" for one in (*day.sittings, *beside)]
    return OpenHours(date=day.date, open=spans_of_day, holiday=day.why)
