"""From the phone page: where its holder wants to be told that their turn is near, by a message or a notice.

Whoever holds the slip may leave a number, or let this browser be told; the last wish counts, and it may be
taken back. A number stands on the page masked, and only until the ticket is over.
"""

from __future__ import annotations

import json
from http import HTTPStatus

from flask import Blueprint, abort, g, jsonify, make_response, redirect, request, send_from_directory, url_for
from werkzeug.wrappers import Response

from controller.clock import real_now
from controller.hall.model import FINAL
from controller.messaging.numbers import BadNumber
from controller.messaging.push import BadSubscription, subscription
from controller.store.messages import Channel
from web.app import PAGES
from web.limits import keep_to_limit
from web.ticket_page import found, phone_page
from web.visit import say, the_site

blueprint = Blueprint("telling", __name__)

WORKER = "push_worker.js"


@blueprint.get("/t/push.js")
def worker() -> Response:
    """The part of the page that shows a notice when the page itself is not there; it stands for /t/."""
    return send_from_directory(PAGES, WORKER, max_age=60)


@blueprint.post("/t/<token>/tell")
def tell(token: str) -> Response:
    """Tell me by a message to this number, or not at all any more."""
    keep_to_limit("phone_limit")
    live, held = found(token)
    if live is None or held is None or held.state in FINAL:
        return phone_page(token)
    number = request.form.get("number", "").strip()[:40]
    if request.form.get("stop"):
        the_site().messages.wishes.drop(live.id, held.id)
    elif not the_site().messages.desk.is_sending:
        abort(HTTPStatus.NOT_FOUND)
    else:
        try:
            to = the_site().messages.desk.contact(live.id, held.id, Channel.SMS, number, g.lang)
        except BadNumber:
            return phone_page(token, say("This is no number that a message can be sent to."))
        if not the_site().messages.wishes.add(live, to, real_now()):
            return phone_page(
                token, say("This number has asked for no messages, or was used too often today.")
            )
    return redirect(url_for("citizen.ticket", token=token), HTTPStatus.SEE_OTHER)


@blueprint.post("/t/<token>/push")
def push(token: str) -> Response:
    """Tell this browser: its subscription as JSON."""
    keep_to_limit("phone_limit")
    live, held = found(token)
    if live is None or held is None or held.state in FINAL:
        abort(HTTPStatus.NOT_FOUND)
    try:
        sent = json.loads(request.get_data())
        keys = sent["keys"]
        page = url_for("citizen.ticket", token=token)
        to = subscription(sent["endpoint"], keys["p256dh"], keys["auth"], page, the_site().settings)
    except (ValueError, KeyError, TypeError, RecursionError, BadSubscription):
        abort(HTTPStatus.BAD_REQUEST)
    office = the_site().messages
    contact = office.desk.contact(live.id, held.id, Channel.PUSH, str(to), g.lang)
    office.wishes.add(live, contact, real_now())
    return make_response(jsonify(ok=True), HTTPStatus.CREATED)
