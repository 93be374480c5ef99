"""For watchdogs and monitoring: is the process alive, can the site do its work, and how is it in figures.

Hides what makes a site ready: an order given to each hall's writer is stored (so the hall lives and the
disk takes it), and the broker is connected. Asked often it looks only once in a while, as each look costs
a commit. Figures are for monitoring on this machine, or for who has the token: they tell how a hall works.
"""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from ipaddress import ip_address
from typing import cast

import msgspec
from flask import Blueprint, abort, current_app, make_response, request
from flask.blueprints import BlueprintSetupState
from sqlalchemy import Connection
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized
from werkzeug.wrappers import Response

from controller.clock import real_now
from controller.hall.model import HallError
from controller.live import Live
from controller.people import SYSTEM
from controller.site import Site
from controller.store.errors import StoreFailed
from controller.store.records import put_meta
from web.openapi import JSON, PLAIN, Operation, operation
from web.shapes import Alive, Check, Readiness
from web.visit import the_site

blueprint = Blueprint("health", __name__)

FRESH_S = 2.0  # a look at the site serves everybody who asks within that time
ANSWER_S = 5.0  # a hall that does not store within that time is not ready
LAST_LOOK = "ready_at"  # the row a look writes
BEARER = WWWAuthenticate("bearer", {"realm": "metrics"})
RESTART = "Look at the controller's log, free disk space if it is full, then restart the service."
BROKER_REMEDY = "Windows go on in the browser. Check the broker's log and the settings broker and mqtt_port."


@blueprint.record
def _prepare(state: BlueprintSetupState) -> None:
    state.app.extensions["lookout"] = Lookout(state.app.extensions["site"])


class Lookout:
    """Looks whether the site is ready. Any thread may ask; one looks, the others get what it last saw."""

    def __init__(self, site: Site, now_s: Callable[[], float] = time.monotonic) -> None:
        self._site, self._now_s = site, now_s
        self.opened_at = real_now()
        self._turn = threading.Lock()
        self._seen: Readiness | None = None
        self._seen_at = 0.0

    def look(self) -> Readiness:
        """How the site is, or was at most FRESH_S ago; while somebody looks, what was seen before."""
        seen = self._seen
        if seen is not None and self._now_s() - self._seen_at < FRESH_S:
            return seen
        if not self._turn.acquire(blocking=seen is None):
            return cast(Readiness, seen)
        try:
            checks = [*self._halls(), *self._brokers()]
            self._seen = Readiness(ready=all(check.ok for check in checks), checks=checks)
            self._seen_at = self._now_s()
            return self._seen
        finally:
            self._turn.release()

    def _halls(self) -> list[Check]:
        """A row given to a hall's writer comes back stored: the hall lives, and the store takes it."""
        halls = list(self._site.halls.values())
        errors = [_attempt(partial(_through_writer, live)) for live in halls]
        stored = errors or [_attempt(self._without_a_hall)]
        is_stored = not any(isinstance(error, StoreFailed) for error in stored)
        return [
            _check("store", is_stored, "the store takes no rows", RESTART),
            *(
                _check(
                    f"hall {live.id}",
                    error is None or isinstance(error, StoreFailed),
                    "its writer does not answer",
                    RESTART,
                )
                for live, error in zip(halls, errors, strict=True)
            ),
        ]

    def _without_a_hall(self) -> None:
        with self._site.store.writing() as c:
            _note(c)

    def _brokers(self) -> list[Check]:
        return [
            _check(f"broker of {hall}", bus.is_up, "the broker is not connected", BROKER_REMEDY)
            for hall, bus in self._site.bus.items()
        ]


def _through_writer(live: Live) -> None:
    live.submit(None, SYSTEM, records=[_note], timeout_s=ANSWER_S)


def _note(c: Connection) -> None:
    put_meta(c, LAST_LOOK, real_now().isoformat())


def _attempt(work: Callable[[], object]) -> HallError | None:
    """What stopped it."""
    try:
        work()
    except HallError as error:
        return error
    return None


def _check(part: str, ok: bool, why: str, remedy: str) -> Check:
    return Check(part=part, ok=ok) if ok else Check(part=part, ok=False, why=why, remedy=remedy)


# --- the addresses


@operation(blueprint, Operation("GET", "/healthz", "health", {HTTPStatus.OK: Alive}))
def alive() -> Response:
    """Whether the process answers at all; it touches nothing."""
    return _as_json(Alive(ok=True, halls=sorted(the_site().halls)))


@operation(
    blueprint,
    Operation(
        "GET",
        "/readyz",
        "health",
        {HTTPStatus.OK: Readiness, HTTPStatus.SERVICE_UNAVAILABLE: Readiness},
    ),
)
def ready() -> Response:
    """Whether the site can do its work: every hall lives and stores, and the broker is connected.

    503 with the reasons when one of them is not so.
    """
    seen = lookout().look()
    return _as_json(seen, HTTPStatus.OK if seen.ready else HTTPStatus.SERVICE_UNAVAILABLE)


@operation(
    blueprint,
    Operation(
        "GET",
        "/metrics",
        "health",
        {HTTPStatus.OK: str},
        (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN),
        media=PLAIN,
    ),
)
def metrics() -> Response:
    """The site in figures, in Prometheus's text format.

    For programs on this machine, and for those that send `Authorization: Bearer` with the token of the
    setting metrics_token_file.
    """
    from web.metrics import CONTENT_TYPE, exposition  # prometheus_client only where it is used

    _check_reader()
    return make_response(exposition(the_site()), HTTPStatus.OK, {"Content-Type": CONTENT_TYPE})


def lookout() -> Lookout:
    return cast(Lookout, current_app.extensions["lookout"])


def _check_reader() -> None:
    file = the_site().settings.metrics_token_file
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if file is not None and scheme:
        wanted = file.read_text(encoding="utf-8").strip()
        if scheme == "Bearer" and wanted and hmac.compare_digest(given.strip().encode(), wanted.encode()):
            return
        raise Unauthorized(www_authenticate=BEARER)
    if not _is_here():
        if file is not None:
            raise Unauthorized(www_authenticate=BEARER)
        abort(HTTPStatus.FORBIDDEN)


def _is_here() -> bool:
    """Whether a program of this machine asks by itself, and no proxy of this machine for somebody else."""
    settings = the_site().settings
    if not settings.behind_proxy and ("X-Forwarded-For" in request.headers or "Forwarded" in request.headers):
        return False
    try:
        return ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False


def _as_json(value: object, status: int = HTTPStatus.OK) -> Response:
    response = make_response(msgspec.json.encode(value), status)
    response.mimetype = JSON
    return response
