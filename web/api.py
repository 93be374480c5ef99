"""The JSON API for other programs: halls, queues, windows, boards, and tickets for them; version 1.

Everybody may read what hangs on the hall's walls, and take a ticket as at a kiosk. A ticket is opened by
the token on its slip. The document (OpenAPI) and a page that shows it lie beside it. Hides JSON, and that
an answer which has not changed costs a few bytes (ETag).
"""

from __future__ import annotations

import sys
from functools import cache
from http import HTTPStatus
from typing import Any, cast

import msgspec
from flask import Blueprint, abort, current_app, make_response, render_template, request, url_for
from werkzeug.wrappers import Response

from controller import boards, i18n, progress
from controller.hall import waits
from controller.hall.model import DayState, Hall, Text
from controller.hall.refusals import REFUSALS
from controller.live import Live
from controller.store import items
from firmware.protocol import messages
from web import asyncapi, citizen, health, openapi
from web.boards import Boards
from web.guides import today
from web.limits import keep_to_kiosks, keep_to_limit
from web.openapi import JSON, Operation, Parameter, operation
from web.problems import REMEDIES, wrong_request
from web.shapes import (
    BoardNames,
    HallFace,
    Halls,
    Matter,
    Matters,
    Queues,
    TakenTicket,
    TicketNow,
    WantedTicket,
    Windows,
    Words,
)
from web.taking import KEY, KEY_FORM, NOT_TAKEN, BadRequest, KeyUsed, key_of_tap, take, taken
from web.visit import hall_now, the_hall, the_site

blueprint = Blueprint("api", __name__)

V1 = "/api/v1"
IF_NONE_MATCH = Parameter("If-None-Match", "header", "The ETag of what the asker has.")
UNCHANGED = {"ETag": "Changes when the answer would look different."}
KEY_OF_TAP = Parameter(
    KEY,
    "header",
    "Chance made for one tap and sent with every retry of it: it gives one ticket, however often it is sent.",
    KEY_FORM,
    is_required=True,
)
_wanted = msgspec.json.Decoder(WantedTicket)  # made by one thread: see messages.py
OK, GONE, FOUND_NOT = HTTPStatus.OK, HTTPStatus.NOT_MODIFIED, HTTPStatus.NOT_FOUND


def _reading(rule: str, kind: type, *mistakes: int, tag: str = "hall") -> Operation:
    """An operation that everybody may repeat, and that says when nothing has changed."""
    answers: dict[int, type | None] = {OK: kind, GONE: None}
    return Operation("GET", V1 + rule, tag, answers, mistakes, parameters=(IF_NONE_MATCH,), headers=UNCHANGED)


# --- what hangs on the walls


@operation(blueprint, _reading("/halls", Halls))
def get_halls() -> Response:
    """The halls of this site."""
    return _answer(Halls(halls=[_face(live) for live in the_site().halls.values()]))


@operation(blueprint, _reading("/halls/<hall>", HallFace, FOUND_NOT))
def get_hall(hall: str) -> Response:
    """One hall: its name, its day, how many wait."""
    return _answer(_face(the_hall(hall)))


@operation(blueprint, _reading("/halls/<hall>/queues", Queues, FOUND_NOT))
def get_queues(hall: str) -> Response:
    """The queues of a hall: how many wait, how long, and whether tickets are given out."""
    live = the_hall(hall)
    value, forecast, now = live.hall, live.lookout.now(), hall_now()
    lines = [boards.queue_line(value, queue, now, forecast) for queue in value.plan.queues]
    return _answer(Queues(queues=lines))


@operation(blueprint, _reading("/halls/<hall>/windows", Windows, FOUND_NOT))
def get_windows(hall: str) -> Response:
    """The windows of a hall as their screens show them."""
    value, now = the_hall(hall).hall, hall_now()
    return _answer(
        Windows(windows=[boards.window_board(value, window.number, now) for window in value.plan.windows])
    )


@operation(blueprint, _reading("/halls/<hall>/boards", BoardNames, FOUND_NOT))
def get_boards(hall: str) -> Response:
    """The names of a hall's boards."""
    live = the_hall(hall)
    return _answer(BoardNames(boards=[*boards.names(live.hall), *sorted(live.shows.displays)]))


@operation(blueprint, _reading("/halls/<hall>/boards/<board>", messages.Board, FOUND_NOT))
def get_board(hall: str, board: str) -> Response:
    """Everything one screen shows, as units get it."""
    the_hall(hall)
    try:
        shown = cast(Boards, current_app.extensions["boards"]).now(hall, board)
    except KeyError:
        abort(HTTPStatus.NOT_FOUND)
    return _answer(shown.board, etag=shown.tag)


@operation(blueprint, _reading("/halls/<hall>/matters", Matters, FOUND_NOT))
def get_matters(hall: str) -> Response:
    """What citizens come for, and in which queue it is done."""
    queues = the_hall(hall).hall.queues
    known = [matter for matter in items.matters(the_site().store, today()) if matter.queue in queues]
    return _answer(Matters(matters=[Matter(code=one.code, name=one.name, queue=one.queue) for one in known]))


# --- tickets


@operation(
    blueprint,
    Operation(
        "POST",
        f"{V1}/halls/<hall>/tickets",
        "ticket",
        {HTTPStatus.CREATED: TakenTicket},
        (*NOT_TAKEN, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
        body=WantedTicket,
        parameters=(KEY_OF_TAP,),
        headers={"Location": "Where the ticket can be followed."},
    ),
)
def take_ticket(hall: str) -> Response:
    """Take a ticket, once for each Idempotency-Key.

    Sent again with the same key it gives the same ticket, so that a lost answer costs nobody a place.
    """
    live = the_hall(hall)
    keep_to_kiosks()
    keep_to_limit("ticket_limit")
    if request.mimetype != JSON:
        abort(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    try:
        key = key_of_tap()
        wanted = _wanted.decode(request.get_data())
        value, ticket = take(live, wanted.queue, wanted.item, f"api:{key}")
    except KeyUsed as wrong:
        return wrong_request(wrong.code, wrong.field, HTTPStatus.CONFLICT)
    except BadRequest as wrong:
        return wrong_request(wrong.code, wrong.field)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _wrong_body(error)
    response = _answer(taken(value, ticket), HTTPStatus.CREATED)
    response.headers["Location"] = url_for("api.get_ticket", token=ticket.token)
    return response


@operation(blueprint, _reading("/tickets/<token>", TicketNow, FOUND_NOT, tag="ticket"))
def get_ticket(token: str) -> Response:
    """Where the holder of a slip stands. token: what stands at the end of the slip's address."""
    for live in the_site().halls.values():
        held = progress.find(live.hall, token)
        if held is not None:
            return _answer(_now(live.hall, progress.see(live.hall, held, hall_now(), live.lookout.now())))
    abort(HTTPStatus.NOT_FOUND)


def _wrong_body(error: Exception) -> Response:
    """Which part of the body is wrong: msgspec says it at the end, as "... - at `$.queue`"."""
    field = str(error).rpartition(" - at `")[2].rstrip("`") if " - at `" in str(error) else "$"
    code = next((code for name, code in FIELDS.items() if field.startswith(name)), "not_json")
    if isinstance(error, msgspec.ValidationError) and code == "not_json":
        code = "body_wrong"
    return wrong_request(code, field)


FIELDS = {"$.queue": "queue_needed", "$.item": "item_wrong"}


# --- the documents


@blueprint.get("/api/openapi.json")
def openapi_document() -> Response:
    """This API, for programs that make clients of it."""
    return _answer(_openapi())


@blueprint.get("/api/asyncapi.json")
def asyncapi_document() -> Response:
    """What units and controller say to each other over MQTT."""
    return _answer(_asyncapi())


@blueprint.get("/api/")
def documents() -> str:
    """The same for people, without any script or file of another site."""
    return render_template(
        "api/document.html",
        document=_openapi(),
        problems={code: i18n.unfilled("zh", f"refused.{code}") for code in REFUSALS},
        refusals=REFUSALS,
        remedies={HTTPStatus(status): text for status, text in REMEDIES.items()},
        schema_name=lambda schema: schema.get("$ref", "").rpartition("/")[2],
    )


@cache
def _openapi() -> dict[str, Any]:
    return openapi.document(DOCUMENTED)


@cache
def _asyncapi() -> dict[str, Any]:
    return asyncapi.document()


DOCUMENTED = (sys.modules[__name__], citizen, health)  # the modules whose views are the API


# --- answers


def _answer(value: object, status: int = HTTPStatus.OK, etag: str = "") -> Response:
    """As JSON; what was asked for and has not changed since is answered with 304."""
    response = make_response(msgspec.json.encode(value), status)
    response.mimetype = JSON
    response.headers["Cache-Control"] = "no-cache"
    if request.method == "POST":
        return response
    response.set_etag(etag) if etag else response.add_etag()
    return response.make_conditional(request)


def _words(text: Text) -> Words:
    return Words(zh=text.zh, en=text.en)


def _face(live: Live) -> HallFace:
    hall = live.hall
    return HallFace(
        id=live.id,
        name=_words(hall.plan.name),
        day=hall.day.date if hall.day else None,
        state=hall.day.state if hall.day else DayState.CLOSED,
        waiting=sum(waits.waiting(hall, queue.code) for queue in hall.plan.queues),
    )


def _now(hall: Hall, page: progress.Page) -> TicketNow:
    return TicketNow(
        number=page.number,
        matter=_words(page.matter),
        state=page.look,
        ahead=page.ahead,
        calls=page.calls,
        wait_min=None if page.wait.code == "none" else page.wait.low,
        wait_max=None if page.wait.code in ("none", "longer") else page.wait.high,
        wait=page.wait.code,
        is_rough=not page.wait.is_calibrated,
        window=page.window,
        zone=_words(page.zone) if page.zone else None,
        may_return_until=page.return_until,
        may_cancel=page.can_cancel,
    )
