"""Signing in with an account of another service (OpenID Connect), for sites that name one in their settings.

What has to be known when the person comes back travels with the browser, sealed and for minutes.
"""

from __future__ import annotations

import hmac
import json
from dataclasses import asdict
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Blueprint, abort, current_app, redirect, render_template, request
from flask.blueprints import BlueprintSetupState
from werkzeug.wrappers import Response

from controller.clock import real_now
from controller.hall.model import Refused
from controller.settings import Settings
from controller.store.seal import BadSeal, Seal
from web.auth import enter, next_page, start_of
from web.limits import keep_to_limit
from web.visit import say_refused, set_cookie, the_site

if TYPE_CHECKING:  # its libraries take 8 MiB of a hall that mostly has no such provider
    from controller.oidc import Asked, Provider

blueprint = Blueprint("oidc", __name__)

BACK = "/sign-in/oidc/back"  # where the provider sends people back to; to be registered there
COOKIE = "oidc"
BACK_WITHIN_S = 600


@blueprint.record
def _prepare(state: BlueprintSetupState) -> None:
    state.app.extensions["oidc"] = _made(state.app.extensions["site"].settings)


def _made(settings: Settings) -> Provider | None:
    if not settings.oidc_issuer:
        return None
    from controller.oidc import Provider

    return Provider(settings, f"{settings.slip_url}{BACK}")


@blueprint.app_context_processor
def _words() -> dict[str, object]:
    """What the sign-in page says of it."""
    settings = the_site().settings
    return {"oidc_name": settings.oidc_name if settings.oidc_issuer else None}


@blueprint.get("/sign-in/oidc")
def ask() -> Response | tuple[str, int]:
    """Off to the provider."""
    keep_to_limit("sign_in_limit")
    try:
        asked = _provider().ask()
    except Refused as error:
        return _failed(error)
    response = redirect(asked.address)
    sealed = _seal().close(json.dumps({**asdict(asked), "next": next_page()})).decode()
    set_cookie(response, COOKIE, sealed, max_age=BACK_WITHIN_S)
    return response


@blueprint.get(BACK)
def back() -> Response | tuple[str, int]:
    """Back from the provider, with a code that says who it was."""
    keep_to_limit("sign_in_limit")
    provider = _provider()
    asked, where = _asked()
    try:
        if asked is None or not hmac.compare_digest(asked.state, request.args.get("state", "")):
            raise Refused("oidc_late", "nobody of this browser has just asked for it")
        if "code" not in request.args:
            raise Refused("oidc_refused", "the sign-in service did not let the person in")
        number = provider.staff_number(request.args["code"], asked)
        session, person = the_site().people.sign_in_as(number, real_now())
    except Refused as error:
        return _failed(error)
    response = enter(session, where if where != "/" else start_of(person))
    response.delete_cookie(COOKIE, path="/")
    return response


def _asked() -> tuple[Asked | None, str]:
    """What this browser was sent off with, and where it was going."""
    from controller.oidc import Asked

    try:
        known = json.loads(_seal().open(request.cookies.get(COOKIE, "").encode(), within_s=BACK_WITHIN_S))
    except BadSeal:
        return None, "/"
    where = str(known.pop("next"))
    return Asked(**known), where


def _failed(error: Refused) -> tuple[str, int]:
    current_app.logger.warning("sign-in by the other service failed: %s", error)
    page = render_template("auth/sign_in.html", next=next_page(), number="", error=say_refused(error))
    return page, HTTPStatus.FORBIDDEN


def _provider() -> Provider:
    found: Provider | None = current_app.extensions["oidc"]
    if found is None:
        abort(HTTPStatus.NOT_FOUND)
    return found


def _seal() -> Seal:
    return Seal(the_site().settings.data_dir)
