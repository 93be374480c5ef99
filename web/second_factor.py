"""The second factor of who signs in: asking for its code, and setting it up with a phone.

The secret is on the page only until it was confirmed, the recovery codes once.
"""

from __future__ import annotations

from http import HTTPStatus

import segno
from flask import Blueprint, g, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from markupsafe import Markup
from pyotp import TOTP
from werkzeug.wrappers import Response

from controller.clock import real_now
from controller.store.people import BadPassword
from web.auth import next_page, start_of
from web.limits import Limit, keep_to_limit
from web.visit import me, say, say_refused, signed_in_required, the_site

blueprint = Blueprint("second_factor", __name__)


@blueprint.record
def _prepare(state: BlueprintSetupState) -> None:
    state.app.extensions["code_limit"] = Limit(burst=20, per_second=0.2)


# --- signing in


@blueprint.get("/sign-in/code")
def ask() -> Response | str:
    """The code of who gave the password or link."""
    if g.person is not None:
        return redirect(next_page())
    if the_site().second_factors.awaiting(g.token, real_now()) is None:
        return redirect(url_for("auth.sign_in", next=next_page()))
    return render_template("auth/code.html", next=next_page(), error="")


@blueprint.post("/sign-in/code")
def give() -> Response | tuple[str, int]:
    keep_to_limit("code_limit")
    try:
        the_site().second_factors.complete(g.token, request.form.get("code", ""), real_now())
    except BadPassword as error:
        if error.code == "code_late":
            return redirect(url_for("auth.sign_in", next=next_page()))
        text = say_refused(error)
        return render_template("auth/code.html", next=next_page(), error=text), HTTPStatus.FORBIDDEN
    return redirect(next_page())


# --- one's own


@blueprint.get("/me/second-factor")
@signed_in_required
def page() -> str:
    return _page()


@blueprint.post("/me/second-factor/begin")
@signed_in_required
def begin() -> str | tuple[str, int]:
    """A secret for the phone."""
    return _page(is_begun=True)


@blueprint.post("/me/second-factor/confirm")
@signed_in_required
def confirm() -> str | tuple[str, int]:
    """The phone shows the right code: from now on it is asked for."""
    try:
        codes = the_site().second_factors.confirm(me().id, _code(), real_now(), g.token)
    except BadPassword as error:
        return _page(is_begun=True, error=say_refused(error)), HTTPStatus.CONFLICT
    return _page(codes=codes)


@blueprint.post("/me/second-factor/<any(codes, off):what>")
@signed_in_required
def change(what: str) -> str | Response | tuple[str, int]:
    """New recovery codes, or another phone: for a code of the one there is."""
    factors, now = the_site().second_factors, real_now()
    try:
        keep_to_limit("code_limit")
        if what == "codes":
            return _page(codes=factors.new_codes(me().id, _code(), now))
        factors.check(me().id, _code(), now)
    except BadPassword as error:
        return _page(error=say_refused(error)), HTTPStatus.CONFLICT
    factors.take_off(me().id, now, by=me().id)
    return redirect(url_for("second_factor.page"), HTTPStatus.SEE_OTHER)


def _code() -> str:
    return request.form.get("code", "")[:64]


def _page(is_begun: bool = False, codes: list[str] | None = None, error: str = "") -> str:
    factor = the_site().second_factors.of(me().id)
    secret = the_site().second_factors.begin(me().id) if is_begun and factor is None else ""
    return render_template(
        "auth/second_factor.html",
        factor=factor,
        secret=" ".join(secret[n : n + 4] for n in range(0, len(secret), 4)),
        picture=_picture(secret) if secret else "",
        codes=codes,
        error=error,
        onward=start_of(me()),
        is_needed=the_site().settings.needs_second_factor(me().roles),
    )


def _picture(secret: str) -> Markup:
    """The QR code an authenticator reads."""
    address = TOTP(secret).provisioning_uri(
        name=me().staff_number or me().id, issuer_name=say("Service hall")
    )
    svg = segno.make(address, error="m").svg_inline(border=3, omitsize=True, light="#fff")
    return Markup(svg)  # noqa: S704 - made by segno, and holds no text
