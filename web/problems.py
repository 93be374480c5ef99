"""A mistake as the API tells it (RFC 9457): what is wrong, in which field, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from flask import make_response, request
from werkzeug.wrappers import Response

from controller import i18n
from web.openapi import PROBLEM
from web.shapes import Problem

ADDRESSES = ("/api/", "/healthz", "/readyz", "/metrics")
REMEDIES: Mapping[int, str] = {
    HTTPStatus.BAD_REQUEST: "Correct what `field` names and send it again.",
    HTTPStatus.UNAUTHORIZED: "Sign in at /sign-in and send the cookie it sets; a program that reads "
    "/metrics sends its bearer token.",
    HTTPStatus.FORBIDDEN: "Ask somebody with the right role, and send no Origin of another site.",
    HTTPStatus.NOT_FOUND: "Check the address: /api/v1/halls names the halls, /api/ every address.",
    HTTPStatus.METHOD_NOT_ALLOWED: "Use one of the methods in the header Allow.",
    HTTPStatus.CONFLICT: "Do not send it again unchanged; look at the hall first.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Send less at once.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "Send JSON with Content-Type: application/json.",
    HTTPStatus.TOO_MANY_REQUESTS: "Wait as long as Retry-After says.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Send it again with the same Idempotency-Key; it is done at most once.",
}
OTHERWISE = "Read /api/ for how it is meant."


def are_wanted() -> bool:
    """Whether this request gets its mistakes told as problems."""
    return request.path.startswith(ADDRESSES)


def problem(status: int, code: str, zh: str, en: str, field: str | None = None, remedy: str = "") -> Response:
    """The answer that tells it. zh, en: for people."""
    told = Problem(
        type=f"/api/#problem-{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        code=code,
        detail=en,
        detail_zh=zh,
        remedy=remedy or REMEDIES.get(status, OTHERWISE),
        field=field,
    )
    response = make_response(msgspec.json.encode(told), status)
    response.mimetype = PROBLEM
    return response


def wrong_request(code: str, field: str, status: int = HTTPStatus.BAD_REQUEST) -> Response:
    """What was sent is wrong in `field`; code: its text in i18n."""
    zh, en = (i18n.t(lang, f"request.{code}") for lang in i18n.LANGUAGES)
    remedy = i18n.t("en", f"remedy.{code}") if i18n.is_translated("en", f"remedy.{code}") else ""
    return problem(status, code, zh, en, field, remedy)
