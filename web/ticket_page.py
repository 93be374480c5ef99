"""The phone page of a ticket, for every view that answers with it: found by its token, drawn as it stands."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from flask import g, make_response, render_template, request
from werkzeug.wrappers import Response

from controller.hall.model import FINAL, Hall, Ticket
from controller.hall.ratings import LONGEST_WORDS
from controller.live import Live
from controller.messaging.wishes import Wish
from controller.told import wait_text
from web import phone, rating
from web.visit import hall_now, the_site
from web.why import for_citizen

NO_INDEX = {"X-Robots-Tag": "noindex, nofollow"}


@dataclass(frozen=True, slots=True)
class Telling:
    """What the page offers, or says of what was wished. push_key: "" where browsers are not told."""

    can_text: bool
    push_key: str
    wish: Wish | None


def found(token: str) -> tuple[Live, Ticket] | tuple[None, None]:
    """The ticket of this token, and its hall."""
    for live in the_site().halls.values():
        held = phone.find(live.hall, token)
        if held is not None:
            return live, held
    return None, None


def phone_page(token: str, refused: str = "") -> Response:
    """The page as it stands now. refused: why the last button did nothing."""
    live, held = found(token)
    if live is None or held is None:
        missing = render_template("citizen/missing.html")
        return rating.past_page(token, refused) or make_response(missing, HTTPStatus.NOT_FOUND, NO_INDEX)
    hall = live.hall
    seen = phone.see(hall, held, hall_now(), live.lookout.now())
    body = render_template(
        "citizen/phone.html",
        hall=hall,
        page=seen,
        wait=wait_text(g.lang, seen.wait),
        why=for_citizen(hall, held, g.lang),
        token=token,
        telling=_telling(live, held),
        places=phone.places(hall, held),
        refused=refused,
        visit=rating.visit_of(live, held),
        longest=LONGEST_WORDS,
        notices=live.announcements.shown(_zones(hall, held), hall_now()),
    )
    response = quiet(body)
    if refused:
        response.status_code = HTTPStatus.CONFLICT
    return response


def quiet(body: str) -> Response:
    """A page that is asked for again and again: unchanged it costs a few bytes. Not for search engines."""
    response = make_response(body, NO_INDEX)
    response.headers["Cache-Control"] = "private, no-cache"
    response.add_etag()
    return response.make_conditional(request)


def _telling(live: Live, held: Ticket) -> Telling | None:
    """None when there is nothing to be told any more, or no way to."""
    office, settings = the_site().messages, the_site().settings
    if held.state in FINAL:
        return None
    wish = office.wishes.of(live.id, held.id)
    key = office.signature.public if settings.push_hosts else ""
    return Telling(office.desk.is_sending, key, wish) if wish or key or office.desk.is_sending else None


def _zones(hall: Hall, held: Ticket) -> set[str]:
    """The area where somebody waits, and that of the window to go to."""
    queue, window = hall.queues.get(held.queue), hall.windows.get(held.window or 0)
    return {place.zone for place in (queue, window) if place is not None}
