"""The day of a hall on one page: what is missing before it opens, its course, what is open at its end.

The check before opening joins what the hall knows (hall/cycle.py) with units, devices and the papers of the
day before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, g, render_template, url_for

from controller import i18n
from controller.hall import cycle
from controller.hall.cycle import Check
from controller.hall.model import Hall
from controller.live import Live
from controller.presence import Status
from controller.store import past, reconciled, tallies
from controller.store.tallies import Day
from web.bulletins import course
from web.home import BOARD_ROLES
from web.manager import closing_time
from web.needs import Link, Need, device_needs
from web.substitutes import unanswered
from web.visit import hall_now, place_of, role_required, say, the_hall, the_site

blueprint = Blueprint("cycle", __name__)

MOST_NAMED = 12  # windows or tickets in one line
CHECKS = ("plan", "unserved", "times", "empty", "answered", "staffed", "left", "units", "numbers")
LOOKS = {"red": 0, "amber": 1, "blue": 2, "green": 3}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at, in words."""

    look: str
    text: str
    links: Sequence[Link] = ()


@blueprint.get("/m/<hall>/cycle")
@role_required(*BOARD_ROLES)
def page(hall: str) -> str:
    live, now = the_hall(hall), hall_now()
    value, zone = live.hall, the_site().settings.zone
    lines = sorted(_checks(live, now), key=lambda line: LOOKS[line.look])
    with the_site().store.reading() as c:
        row = tallies.find(c, hall, value.day.date) if value.day else None
    return render_template(
        "manager/cycle.html",
        hall=value,
        now=now,
        closes=closing_time(value.plan, now),
        lines=lines,
        missing=sum(line.look in ("red", "amber") for line in lines),
        course=_course(value, row),
        still_open=cycle.still_open(value),
        staffed=cycle.staffed_windows(value),
        ends_at=_ends_at(value),
        today=now.astimezone(zone).date(),
    )


def _ends_at(hall: Hall) -> datetime | None:
    """When the rest expires by itself."""
    return None if hall.day is None else hall.day.closes_at + hall.plan.rules.close_grace


def _checks(live: Live, now: datetime) -> Iterator[Line]:
    away = unanswered(live.id)
    substitutes = Check("answered", "red" if away else "green", away)
    for check in (*cycle.before_opening(live.hall, now), substitutes, _units(live), *_numbers(live, now)):
        yield Line(check.look, _said(live.hall, check), _links(live.id, check))
    for need in device_needs(live.id):
        yield _of_need(need)


def _of_need(need: Need) -> Line:
    return Line(need.look, f"{need.text} {need.advice}".strip(), need.links)


def _units(live: Live) -> Check:
    """Units that are not connected."""
    bus = the_site().bus.get(live.id)
    away = [unit.unit for unit in bus.units() if unit.status is not Status.ONLINE] if bus else []
    return Check("units", "red" if away else "green", [place_of(unit) for unit in away])


def _numbers(live: Live, now: datetime) -> Iterator[Check]:
    """Whether somebody accepted the numbers of the last day that is over."""
    today = now.astimezone(the_site().settings.zone).date()
    with the_site().store.reading() as c:
        before = [day for day, _ in past.days(c, live.id, 2) if day < today]
        if before:
            is_accepted = reconciled.accepted(c, live.id, before[0]) is not None
            yield Check("numbers", "green" if is_accepted else "blue", [before[0].isoformat()])


def _said(hall: Hall, check: Check) -> str:
    names = [_name(hall, check.code, one) for one in check.which[:MOST_NAMED]]
    more = "…" if len(check.which) > MOST_NAMED else ""
    key = f"check.{check.code}" if check.look == "green" else f"check_not.{check.code}"
    return say(key, which=say(", ").join(names) + more, n=len(check.which))


def _name(hall: Hall, code: str, one: str) -> str:
    queue = hall.queues.get(one) if code in ("unserved", "answered") else None
    return one if queue is None else i18n.in_language(g.lang, queue.name)


def _links(hall: str, check: Check) -> Sequence[Link]:
    if check.look == "green":
        return ()
    if check.code in ("times", "empty"):
        return (Link(say("Times of today"), url_for("staffing.page", hall=hall) + "#today"),)
    if check.code == "numbers":
        address = url_for("reconciling.page", hall=hall, day=check.which[0])
        return (Link(say("Numbers of the day"), address),)
    if check.code == "answered":
        return (Link(say("A and B persons"), url_for("substitutes.page", hall=hall)),)
    if check.code == "left":
        return (Link(say("Live board"), url_for("manager.board", hall=hall)),)
    return ()


# --- the course of the day


def _course(hall: Hall, row: Day | None) -> list[str]:
    """Who did what when, and the last ticket."""
    if row is None:
        return []
    said = list(course(row, the_site().settings.zone))
    last = cycle.last_ticket(hall)
    if last is not None and last.issued_at >= row.opened_at:
        at = last.issued_at.astimezone(the_site().settings.zone)
        said.insert(
            1, say("Last ticket so far: {number}, taken at {time}.", number=last.number, time=f"{at:%H:%M}")
        )
    return said
