"""Calls out of turn for those who run the hall: listed with who and why, filtered, sorted, exported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from flask import Blueprint, g, render_template, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from controller import i18n
from controller.hall.model import Hall
from controller.people import ActorKind
from controller.store import calls
from controller.store.calls import Jump
from web.home import BOARD_ROLES
from web.privacy import name_of
from web.sheet import as_file, local
from web.visit import hall_now, place_of, role_required, the_hall, the_site

blueprint = Blueprint("jumps", __name__)

MOST_DAYS = 92  # looked at in one list
_SORTS: Mapping[str, Callable[[Jump], Any]] = {
    "at": lambda one: one.at,
    "number": lambda one: (len(one.number), one.number),
    "window": lambda one: one.window,
    "who": lambda one: one.who,
    "waited": lambda one: one.waited_s,
    "before": lambda one: -1 if one.before is None else one.before,
    "reason": lambda one: one.reason,
}
COLUMNS = (
    "Time",
    "Number",
    "Queue",
    "Class",
    "Window",
    "Called by",
    "Wait (min)",
    "People passed",
    "Reason",
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asked the list for; both days are included."""

    first: date
    last: date
    window: int | None = None
    words: str = ""
    sort: str = "at"
    is_falling: bool = True

    def arguments(self, **changes: object) -> dict[str, object]:
        wish: dict[str, object] = {
            "from": self.first.isoformat(),
            "to": self.last.isoformat(),
            "window": self.window,
            "q": self.words,
            "sort": self.sort,
            "dir": "down" if self.is_falling else "up",
        }
        return {name: value for name, value in {**wish, **changes}.items() if value not in ("", None)}


@blueprint.get("/m/<hall>/jumps")
@role_required(*BOARD_ROLES)
def jumps(hall: str) -> str:
    wish = _wanted(request.args)
    return render_template(
        "manager/jumps.html",
        hall=the_hall(hall).hall,
        wish=wish,
        rows=_found(hall, wish),
        most_days=MOST_DAYS,
    )


@blueprint.get("/m/<hall>/jumps.csv")
@role_required(*BOARD_ROLES)
def jumps_csv(hall: str) -> Response:
    wish, value = _wanted(request.args), the_hall(hall).hall
    rows = [_cells(one, value) for one in _found(hall, wish)]
    return as_file(f"jumps-{hall}-{wish.first}-{wish.last}", COLUMNS, rows)


def _wanted(args: MultiDict[str, str]) -> Wanted:
    """What the arguments ask for; what they get wrong is left out: then today."""
    today = hall_now().astimezone(the_site().settings.zone).date()
    last = _day(args.get("to", ""), today)
    first = max(min(_day(args.get("from", ""), last), last), last - timedelta(days=MOST_DAYS - 1))
    sort = args.get("sort", "")
    return Wanted(
        first,
        last,
        args.get("window", type=int),
        args.get("q", "").strip()[:40],
        sort if sort in _SORTS else "at",
        args.get("dir", "down") != "up",
    )


def _day(text: str, default: date) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return default


def _found(hall: str, wish: Wanted) -> list[Jump]:
    zone, words = the_site().settings.zone, wish.words.casefold()
    start = datetime.combine(wish.first, time(), zone)
    end = datetime.combine(wish.last + timedelta(days=1), time(), zone)
    with the_site().store.reading() as connection:
        found = [
            one
            for one in calls.jumps(connection, hall, start, end)
            if wish.window in (None, one.window)
            and words in f"{one.number} {one.reason} {one.who}".casefold()
        ]
    found = [replace(one, who=_who(one)) for one in found]
    return sorted(found, key=_SORTS[wish.sort], reverse=wish.is_falling)


def _who(one: Jump) -> str:
    """The person, where the unit of a keypad stands, or a word."""
    if one.actor_kind == ActorKind.PERSON:
        return name_of(one.who)
    return (
        place_of(one.who) if one.actor_kind == ActorKind.UNIT else i18n.label(g.lang, "actor", one.actor_kind)
    )


def _cells(one: Jump, hall: Hall) -> list[object]:
    queue = hall.queues.get(one.queue)
    return [
        local(one.at),
        one.number,
        i18n.in_language(g.lang, queue.name) if queue else one.queue,
        i18n.label(g.lang, "class", one.klass),
        one.window,
        one.who,
        f"{one.waited_s / 60:.1f}",
        one.before,
        one.reason,
    ]
