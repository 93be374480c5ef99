"""For citizens: the phone page behind a slip's code, the hall at a glance, kiosk and display pages.

The pages under /h/<hall>/pages/ are the files that edge nodes serve too; what they ask for lies beside
them under /h/<hall>/api/, with the same addresses and answers as on a node. Nobody signs in here: a
ticket is opened by the token on its slip, and a kiosk's request is protected by the key of its tap.
"""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from io import BytesIO
from typing import Any, cast

import msgspec
import segno
from flask import (
    Blueprint,
    abort,
    current_app,
    g,
    make_response,
    redirect,
    render_template,
    request,
    send_from_directory,
    url_for,
)
from flask.blueprints import BlueprintSetupState
from werkzeug.wrappers import Response

from controller import i18n, progress
from controller.boards import queue_line
from controller.hall.commands import CancelTicket, Command, LetPass, ReturnTicket, TakeUpAgain
from controller.hall.events import GIVEN_UP
from controller.hall.model import Refused, Ticket
from controller.hall.ratings import Channel
from controller.live import Live
from controller.people import CITIZEN
from controller.slips import address
from controller.store import guides
from controller.told import joining_text
from firmware.protocol import codec, messages
from firmware.protocol.progress import MOST_ASKED, Asked, Progress
from web import public, rating
from web.app import PAGES
from web.boards import Boards, Shown, TooMany
from web.guides import today
from web.limits import Limit, is_at_kiosk, keep_to_kiosks, keep_to_limit
from web.openapi import Operation, Parameter, operation
from web.shapes import (
    Matter,
    Matters,
    ScreenError,
    ScreenProblem,
    TakenTicket,
    WantedCheckIn,
    WantedTicket,
)
from web.taking import KEY, KEY_FORM, NOT_TAKEN, BadRequest, KeyUsed, come, key_of_tap, take, taken
from web.ticket_page import NO_INDEX, found, phone_page, quiet, wants_part
from web.visit import hall_now, say_refused, the_hall, the_site

POLL_S = 25.0  # a screen's request waits this long at most
ASK_AGAIN_S = 1  # of a screen for which no thread is free to wait
KEEP_S = 60  # how long a browser may keep a file of a page without asking
QUEUE_LENGTHS = range(1, 33)
ITEM_LENGTHS = range(1, 121)
DIGITS = re.compile(r"[0-9]{4,8}")  # a code, or the end of a phone number

blueprint = Blueprint("citizen", __name__)


@blueprint.record
def _prepare(state: BlueprintSetupState) -> None:
    """What these views share: who waits for boards, and how often one address may ask."""
    site = state.app.extensions["site"]
    settings = site.settings
    state.app.extensions["boards"] = Boards(site.halls, site.generation, settings)
    state.app.config.setdefault("POLL_S", POLL_S)
    state.app.extensions["ticket_limit"] = Limit(burst=60, per_second=2.0)  # all kiosks behind one address
    state.app.extensions["progress_limit"] = Limit(burst=30, per_second=1.0)
    state.app.extensions["phone_limit"] = Limit(burst=20, per_second=0.5)


# --- the pages of screens and kiosks, and what they ask for


@blueprint.get("/h/<hall>/pages/<path:name>")
def page(hall: str, name: str) -> Response:
    """A file of the static pages; pages of this site may frame it."""
    the_hall(hall)
    g.framed = "'self'"
    return send_from_directory(PAGES, name, max_age=KEEP_S)


@operation(
    blueprint,
    Operation(
        "GET",
        "/h/<hall>/api/board/<name>",
        "screen",
        {HTTPStatus.OK: messages.Board, HTTPStatus.NO_CONTENT: None},
        (HTTPStatus.NOT_FOUND,),
        wrong=ScreenProblem,
        parameters=(Parameter("after", "query", "The ETag of what the screen shows; waits for another."),),
    ),
)
def board(hall: str, name: str) -> Response:
    """A board as JSON; with ?after=<tag> once it looks different, or 204 after config POLL_S."""
    live, known = the_hall(hall), cast(Boards, current_app.extensions["boards"])
    try:
        shown = known.wait(hall, name, request.args.get("after", ""), current_app.config["POLL_S"])
    except KeyError:
        abort(HTTPStatus.NOT_FOUND)
    except TooMany:
        return _of_now(live, make_response("", HTTPStatus.NO_CONTENT, {"Retry-After": str(ASK_AGAIN_S)}))
    return _of_now(live, _board_answer(shown))


def _board_answer(shown: Shown | None) -> Response:
    if shown is None:
        return make_response("", HTTPStatus.NO_CONTENT)
    response = make_response(codec.encode(shown.board))
    response.mimetype = "application/json"
    response.set_etag(shown.tag)
    return response


def _of_now(live: Live, response: Response) -> Response:
    """The answer with the hall's clock, which a demo hall runs at another speed."""
    response.headers["Hall-Time"] = live.clock.now().isoformat()
    response.headers["Hall-Speed"] = f"{live.clock.speed:g}"
    return response


@operation(
    blueprint,
    Operation(
        "GET",
        "/h/<hall>/api/matters",
        "screen",
        {HTTPStatus.OK: Matters},
        (HTTPStatus.NOT_FOUND,),
        wrong=ScreenProblem,
    ),
)
def matters(hall: str) -> Response:
    """What can be found in the kiosk's search: matters, the queue each is done in, and what to bring."""
    queues = the_hall(hall).hall.queues
    with the_site().store.reading() as c:
        known = guides.searched(c, today())
    rows = [Matter(**msgspec.structs.asdict(one)) for one in known if one.queue in queues]
    response = _as_json(Matters(matters=rows))
    response.headers["Cache-Control"] = f"private, max-age={KEEP_S}"
    return response


@operation(
    blueprint,
    Operation(
        "GET",
        "/h/<hall>/api/progress",
        "screen",
        {HTTPStatus.OK: Progress},
        (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.TOO_MANY_REQUESTS),
        wrong=ScreenProblem,
        parameters=(
            Parameter("number", "query", "The number on the slip, as somebody typed it."),
            Parameter("token", "query", "Instead of it: what stands at the end of the slip's address."),
            Parameter("board", "query", "The kiosk's board, whose own numbers come first."),
        ),
    ),
)
def progress_at_kiosk(hall: str) -> Response:
    """Where a ticket stands, for who asks at a kiosk by its number: what the screens and its own page say."""
    live = the_hall(hall)
    keep_to_kiosks()
    keep_to_limit("progress_limit")
    number, token, board = (request.args.get(name, "")[:MOST_ASKED] for name in ("number", "token", "board"))
    asked, zone = Asked(number=number, token=token, board=board), the_site().settings.zone
    return _as_json(progress.answer(live.hall, asked, live.clock.now(), live.lookout.now(), zone))


# --- taking a ticket


@operation(
    blueprint,
    Operation(
        "POST",
        "/h/<hall>/api/tickets",
        "screen",
        {HTTPStatus.CREATED: TakenTicket},
        NOT_TAKEN,
        wrong=ScreenProblem,
        body=WantedTicket,
        parameters=(
            Parameter(KEY, "header", "Chance made for one tap: 8 to 100 characters.", KEY_FORM, True),
        ),
    ),
)
def take_at_kiosk(hall: str) -> Response:
    """Take a ticket: {"queue": "A", "item"?: code}, once for each Idempotency-Key."""
    live = the_hall(hall)
    keep_to_kiosks()
    keep_to_limit("ticket_limit")
    try:
        key = key_of_tap()
        queue, item = _wanted()
        value, ticket = take(live, queue, item, f"kiosk:{key}")
    except KeyUsed as wrong:
        return _bad_request(wrong, HTTPStatus.CONFLICT)
    except BadRequest as wrong:
        return _bad_request(wrong)
    return _as_json(taken(value, ticket), HTTPStatus.CREATED)


@operation(
    blueprint,
    Operation(
        "POST",
        "/h/<hall>/api/check-in",
        "screen",
        {HTTPStatus.CREATED: TakenTicket},
        NOT_TAKEN,
        wrong=ScreenProblem,
        body=WantedCheckIn,
        parameters=(
            Parameter(KEY, "header", "Chance made for one tap: 8 to 100 characters.", KEY_FORM, True),
        ),
    ),
)
def check_in(hall: str) -> Response:
    """Check in for an appointment: {"code": "12345678"}; its ticket, the same one when asked again."""
    live = the_hall(hall)
    keep_to_kiosks()
    keep_to_limit("ticket_limit")
    try:
        key, code = key_of_tap(), _json_object().get("code")
        if not isinstance(code, str) or not DIGITS.fullmatch(code):
            raise BadRequest("code", "code_needed")
        value, ticket = come(live, code, f"check-in:{key}")
    except KeyUsed as wrong:
        return _bad_request(wrong, HTTPStatus.CONFLICT)
    except BadRequest as wrong:
        return _bad_request(wrong)
    return _as_json(taken(value, ticket), HTTPStatus.CREATED)


def _wanted() -> tuple[str, str | None]:
    """Queue and matter. Raises BadRequest."""
    body = _json_object()
    queue, item = body.get("queue"), body.get("item")
    if not isinstance(queue, str) or len(queue) not in QUEUE_LENGTHS:
        raise BadRequest("queue", "queue_needed")
    if item is not None and (not isinstance(item, str) or len(item) not in ITEM_LENGTHS):
        raise BadRequest("item", "item_wrong")
    return queue, item


def _json_object() -> dict[str, Any]:
    """What was sent. Raises BadRequest."""
    try:
        body = json.loads(request.get_data())
    except (ValueError, RecursionError) as error:
        raise BadRequest("body", "not_json") from error
    if not isinstance(body, dict):
        raise BadRequest("body", "not_json")
    return body


def _bad_request(wrong: BadRequest, status: int = HTTPStatus.BAD_REQUEST) -> Response:
    """For whoever wrote the client: what is wrong with which field, and what to do."""
    zh, en = (i18n.t(lang, f"request.{wrong.code}") for lang in i18n.LANGUAGES)
    remedy = i18n.t("en", f"remedy.{wrong.code}")
    told = ScreenError(code=wrong.code, field=wrong.field, remedy=remedy, zh=zh, en=en)
    return _as_json(ScreenProblem(error=told), status)


def _as_json(value: object, status: int = HTTPStatus.OK) -> Response:
    response = make_response(msgspec.json.encode(value), status)
    response.mimetype = "application/json"
    return response


# --- the hall at a glance


@blueprint.get("/h/<hall>")
def glance(hall: str) -> Response:
    """The queues of a hall for somebody on the way there."""
    live = the_hall(hall)
    value, forecast, now = live.hall, live.lookout.now(), hall_now()
    lines: dict[str, list[messages.QueueLine]] = {domain.id: [] for domain in value.plan.domains}
    for queue in value.plan.queues:
        lines[queue.domain].append(queue_line(value, queue, now, forecast))
    told = {code: joining_text(g.lang, value, forecast, code) for code in value.queues}
    zones = {zone.id for zone in value.plan.zones}
    notices = live.announcements.shown(zones, now)
    body = render_template(
        "citizen/hall.html",
        hall=value,
        lines=lines,
        waits=told,
        notices=notices,
        hours=public.hours(value),
        at_kiosk=is_at_kiosk(),
        is_part=wants_part(),
    )
    return quiet(body)


# --- the phone page


@blueprint.get("/t/<token>")
def ticket(token: str) -> Response:
    """Where the holder of a slip stands."""
    return phone_page(token)


@blueprint.get("/t/<token>/qr.svg")
def code(token: str) -> Response:
    """The address of the page above as a picture: drawing it takes longer than giving the ticket out."""
    _, held = found(token)
    if held is None:
        abort(HTTPStatus.NOT_FOUND)
    picture, made = BytesIO(), segno.make(address(the_site().settings.slip_url, held))
    made.save(picture, kind="svg", xmldecl=False, omitsize=True, border=2, light="#fff")
    return make_response(picture.getvalue(), {**NO_INDEX, "Content-Type": "image/svg+xml"})


@blueprint.post("/t/<token>/<any(pass, cancel, undo, back):what>")
def act(token: str, what: str) -> Response:
    """One of the buttons of the phone page; pressed twice on the same page it acts once."""
    keep_to_limit("phone_limit")
    live, held = found(token)
    if held is None or live is None:
        return phone_page(token)
    key = request.form.get("key", "")
    try:
        live.submit(_asked(what, held), CITIZEN, key=f"phone:{held.id}:{what}:{key}" if key else None)
    except Refused as refused:
        return phone_page(token, say_refused(refused))
    return redirect(url_for("citizen.ticket", token=token), HTTPStatus.SEE_OTHER)


def _asked(what: str, held: Ticket) -> Command:
    match what:
        case "pass":
            return LetPass(held.id)
        case "cancel":
            return CancelTicket(held.id, GIVEN_UP)
        case "undo":
            return TakeUpAgain(held.id)
        case _:
            return ReturnTicket(held.id)


@blueprint.post("/t/<token>/<any(rate, more):what>")
def say_how_it_was(token: str, what: str) -> Response:
    """The rating of a visit that is over, today's or one of the days before, and what is added to it."""
    keep_to_limit("phone_limit")
    opened = rating.found(token)
    if opened is not None:
        error = (rating.rated if what == "rate" else rating.told)(*opened, Channel.PHONE)
        if error:
            return phone_page(token, error)
    return redirect(url_for("citizen.ticket", token=token), HTTPStatus.SEE_OTHER)
