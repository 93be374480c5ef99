"""The phone page of a ticket, for every view that answers with it: found by its token, drawn as it stands."""

from __future__ import annotations

import hashlib
import threading
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus

import msgspec
from flask import g, make_response, render_template, request
from werkzeug.wrappers import Response

from controller import progress
from controller.hall.model import Hall, Ticket, TicketState
from controller.hall.ratings import LONGEST_WORDS
from controller.live import Live
from controller.messaging.wishes import Wish
from controller.progress import Look
from web import rating
from web.visit import hall_now, the_site
from web.why import for_citizen

NO_INDEX = {"X-Robots-Tag": "noindex, nofollow"}
MAPPED = (Look.WAITING, Look.NEAR, Look.CALLED, Look.HELD)

_turn = threading.Lock()  # open pages are drawn anew one at a time: docs/decisions/pages-in-turn.md


@dataclass(frozen=True, slots=True)
class Telling:
    """What the page offers, or says of what was wished. push_key: "" where browsers are not told."""

    can_text: bool
    push_key: str
    wish: Wish | None


def found(token: str) -> tuple[Live, Ticket] | tuple[None, None]:
    """The ticket of this token, and its hall."""
    for live in the_site().halls.values():
        held = progress.find(live.hall, token)
        if held is not None:
            return live, held
    return None, None


def phone_page(token: str, refused: str = "") -> Response:
    """The page as it stands now. refused: why the last button did nothing."""
    live, held = found(token)
    if live is None or held is None:
        missing = render_template("citizen/missing.html")
        return rating.past_page(token, refused) or make_response(missing, HTTPStatus.NOT_FOUND, NO_INDEX)
    with _turn if wants_part() else nullcontext():
        return _as_it_stands(live, held, refused)


def _as_it_stands(live: Live, held: Ticket, refused: str) -> Response:
    hall, token, facts = live.hall, held.token, _facts(live, held, refused)
    tag = _tag(hall, facts)
    if tag in request.if_none_match and not refused:
        return _kept_by_browser(make_response("", HTTPStatus.NOT_MODIFIED), tag)
    drawn = render_template(
        "citizen/phone.html", hall=hall, token=token, longest=LONGEST_WORDS, is_part=wants_part(), **facts
    )
    return _kept_by_browser(make_response(drawn, HTTPStatus.CONFLICT if refused else HTTPStatus.OK), tag)


def _facts(live: Live, held: Ticket, refused: str) -> dict[str, object]:
    """What the page says that may change."""
    hall, now, zones = live.hall, hall_now(), _zones(live.hall, held)
    seen = progress.see(hall, held, now, live.lookout.now())
    return {
        "page": seen,
        "told": progress.told(seen, g.lang, the_site().settings.zone),
        "why": for_citizen(hall, held, g.lang),
        "telling": _telling(live, held),
        "map": _map(hall, held, seen),
        "refused": refused,
        "visit": rating.visit_of(live, held),
        "notices": live.announcements.shown(zones, now),
        "is_quiet": live.shows.is_quiet(zones, now),
    }


def _map(hall: Hall, held: Ticket, seen: progress.Page) -> str:
    """The windows of the ticket, while it may still have to be gone to."""
    if seen.look not in MAPPED:
        return ""
    is_filled = seen.window is not None or seen.target is not None
    return _drawn_map(g.lang, progress.places(hall, held), is_filled)


@lru_cache(maxsize=512)
def _drawn_map(lang: str, places: progress.Places, is_filled: bool) -> str:
    """The same for all who wait for the same windows, and half of what their pages cost."""
    return render_template("citizen/_map.html", places=places, is_filled=is_filled) if places else ""


def _tag(hall: Hall, facts: dict[str, object]) -> str:
    """The same for as long as the page is: known before it is drawn, for thousands ask every few seconds."""
    said = (the_site().generation, hall.plan.name, hall.plan.rev, g.lang, g.theme, request.full_path, facts)
    return hashlib.blake2b(msgspec.msgpack.encode(said, enc_hook=repr), digest_size=12).hexdigest()


def wants_part() -> bool:
    """Whether an open page asks for what may have changed on it, at another address: browsers keep both."""
    return "part" in request.args


def quiet(body: str) -> Response:
    """A page that is asked for again and again: unchanged it costs a few bytes. Not for search engines."""
    response = make_response(body, NO_INDEX)
    response.add_etag()
    return _kept_by_browser(response).make_conditional(request)


def _kept_by_browser(response: Response, tag: str = "") -> Response:
    """To be asked for each time all the same. Not for search engines."""
    response.headers.update(NO_INDEX)
    response.headers["Cache-Control"] = "private, no-cache"
    if tag:
        response.set_etag(tag)
    return response


def _telling(live: Live, held: Ticket) -> Telling | None:
    """None when no turn is to come, as of who missed it, or there is no way to tell."""
    office, settings = the_site().messages, the_site().settings
    if held.state is not TicketState.WAITING:
        return None
    wish = office.wishes.of(live.id, held.id)
    key = office.signature.public if settings.push_hosts else ""
    return Telling(office.desk.is_sending, key, wish) if wish or key or office.desk.is_sending else None


def _zones(hall: Hall, held: Ticket) -> set[str]:
    """The area where somebody waits, and that of the window to go to."""
    queue, window = hall.queues.get(held.queue), hall.windows.get(held.window or 0)
    return {place.zone for place in (queue, window) if place is not None}
