"""For a gateway: what somebody answered, and what became of a message. It carries a bearer token of its own.

Without a token in the settings there is no such address. What is told about something unknown here is
answered with 404, so that a gateway whose report was quicker than its own answer to us tells it again.
"""

from __future__ import annotations

import hmac
import json
from http import HTTPStatus
from typing import Any

from flask import Blueprint, abort, jsonify, request
from werkzeug.wrappers import Response

from controller.message_settings import FIELDS
from controller.messaging.carrier import Delivered, Received
from controller.messaging.gateway import found
from web.visit import the_site

blueprint = Blueprint("gateway", __name__)

ARRIVED = frozenset({"true", "1", "delivered", "delivrd", "ok", "success"})
MOST_TEXT, MOST_NUMBER = 1000, 40


@blueprint.post("/sms/<any(answer, report):what>")
def tell(what: str) -> Response:
    _check_token()
    said = _said()
    if what == "answer":
        number, text = said("number"), said("text")
        if not number or len(number) > MOST_NUMBER:
            abort(HTTPStatus.BAD_REQUEST)
        is_known = the_site().messages.take(Received(number, text[:MOST_TEXT]))
    else:
        status = said("delivered") or said("status")
        is_there = status.casefold() in ARRIVED
        is_known = the_site().messages.take(
            Delivered(said("id")[:100], is_there, "" if is_there else status[:64])
        )
    if not is_known:
        abort(HTTPStatus.NOT_FOUND)
    return jsonify(ok=True)


def _check_token() -> None:
    file = the_site().settings.sms_in_token_file
    if file is None:
        abort(HTTPStatus.NOT_FOUND)
    wanted = f"Bearer {file.read_text(encoding='utf-8').strip()}"
    if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), wanted.encode()):
        abort(HTTPStatus.UNAUTHORIZED)


def _said() -> Any:
    """What stands in a field of the request, under the name the gateway has for it; "" when it is missing."""
    try:
        body = json.loads(request.get_data())
    except (ValueError, RecursionError):
        abort(HTTPStatus.BAD_REQUEST)
    theirs = dict(line.partition("=")[::2] for line in the_site().settings.sms_in_fields)
    paths = {name: theirs.get(name, name) for name in FIELDS}

    def read(name: str) -> str:
        value = found(body, paths[name])
        return "" if value is None else str(value)

    return read
