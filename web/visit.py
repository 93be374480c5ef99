"""What a view knows of the request it answers: the site and hall, who asks, in which language.

Hides cookies and the session. `give` is how every view of a person's hands a command to the hall: with
the form's idempotency key and an audit row in the same transaction.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import fields
from datetime import datetime
from functools import wraps
from http import HTTPStatus
from typing import Any, ParamSpec, TypeVar, cast

from flask import abort, current_app, g, redirect, request, url_for
from werkzeug.wrappers import Response

from controller import i18n
from controller.clock import real_now
from controller.hall.commands import Command
from controller.hall.model import Refused
from controller.live import Answer, Live
from controller.people import Role
from controller.site import Site
from controller.store.audit import audit
from controller.store.people import Person

SESSION_COOKIE = "sid"
VISITOR_COOKIE = "vid"  # chance that a form of somebody not signed in is bound to
MAX_KEY = 100  # characters of an idempotency key that a form may carry
_ROLES = "roles"  # the attribute of a view that says who may open it
_SITE = "is_of_site"  # the attribute of one that is for those who work in every hall
_BOARD = "is_board"  # the attribute of one that goes on when a session was idle
SECRET_FIELDS = frozenset(  # of commands: never in the audit trail
    {"token", "person", "persons", "code", "tail"}
)

P = ParamSpec("P")
R = TypeVar("R")


# --- where


def the_site() -> Site:
    return cast(Site, current_app.extensions["site"])


def the_hall(hall: str) -> Live:
    """The live hall of this id; the answer is 404 when the site has none."""
    live = the_site().halls.get(hall)
    if live is None:
        abort(HTTPStatus.NOT_FOUND)
    return live


def hall_now() -> datetime:
    return the_site().clock.now()


# --- how it is said


def say(key: str, /, **facts: object) -> str:
    """The text of `key` in the language of this request."""
    return i18n.t(g.lang, key, **facts)


def say_refused(error: Refused) -> str:
    return i18n.refused(g.lang, error, the_site().settings.zone)


def place_of(unit: str) -> str:
    """Where a unit stands, in the language of this request; a spare goes by its own name."""
    position = the_site().devices.book.position_of(unit)
    return unit if position is None else i18n.in_language(g.lang, position.name)


def wants_json() -> bool:
    """Whether a program asks: it gets its errors as JSON."""
    return "/api/" in request.path or request.accept_mimetypes.best == "application/json"


def is_fragment() -> bool:
    """Whether a script of ours asks, which wants a part of the page and not all of it."""
    return request.headers.get("HX-Request") == "true"


# --- who


def recognise() -> None:
    """Find out who asks, before every request. What a page asks by itself does not count as use."""
    g.token = request.cookies.get(SESSION_COOKIE, "")
    g.person = None
    if g.token and request.endpoint not in ("static", "page_file", "health.alive"):
        is_use = request.method == "POST" or not is_fragment()
        is_looking = request.method == "GET" and _is_board(request.endpoint)
        g.person = the_site().people.signed_in(g.token, real_now(), is_use=is_use, is_looking=is_looking)


def _is_board(endpoint: str | None) -> bool:
    view = current_app.view_functions.get(endpoint or "")
    return view is not None and _BOARD in view.__dict__


def me() -> Person:
    """Who is signed in; only in views that require it."""
    return cast(Person, g.person)


def signed_in_required(view: Callable[P, R]) -> Callable[P, R]:
    """Only for people of the centre; others are asked to sign in and then come back."""

    @wraps(view)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        if g.person is None:
            _ask_to_sign_in()
        return view(*args, **kwargs)

    wrapped.__dict__[_ROLES] = frozenset(Role)
    return wrapped


def role_required(
    *roles: Role, is_board: bool = False, is_of_site: bool = False
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Only for people with one of these roles, in their own hall or centre (the view's argument `hall`).

    is_board: it shows how things are and changes nothing, so it goes on when a session was idle.
    is_of_site: only for those of them who work in every hall.
    """

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
            if g.person is None:
                _ask_to_sign_in()
            if me().has_given_password:
                _ask_for_own("password_given", "auth.account")
            if not me().has_second_factor and the_site().settings.needs_second_factor(me().roles):
                _ask_for_own("second_factor_needed", "second_factor.page")
            hall = kwargs.get("hall")
            why = shut_to(wrapped, me(), None if hall is None else str(hall))
            if why is not None:
                abort(HTTPStatus.FORBIDDEN, why)
            return view(*args, **kwargs)

        wrapped.__dict__[_ROLES] = frozenset(roles)
        wrapped.__dict__[_SITE] = is_of_site
        if is_board:
            wrapped.__dict__[_BOARD] = True
        return wrapped

    return decorate


def roles_of(view: Callable[..., object]) -> frozenset[Role] | None:
    """Who may open this view; None: everybody, signed in or not."""
    roles: frozenset[Role] | None = view.__dict__.get(_ROLES)
    return roles


def shut_to(view: Callable[..., object], person: Person, hall: str | None) -> str | None:
    """Why somebody who is signed in may not open a view, "not_your_role" or "not_your_hall"; None: they may.

    hall: the one its address names, if it does.
    """
    roles = roles_of(view)
    if roles is None:
        return None
    if not person.roles & roles:
        return "not_your_role"
    is_mine = hall is None or person.works_in(hall)
    return None if is_mine and (person.is_everywhere or not is_of_site(view)) else "not_your_hall"


def is_of_site(view: Callable[..., object]) -> bool:
    """Whether only those who work in every hall may open it."""
    return bool(view.__dict__.get(_SITE))


def _ask_to_sign_in() -> None:
    if request.method != "GET" or is_fragment() or wants_json():
        abort(HTTPStatus.UNAUTHORIZED)
    abort(redirect(url_for("auth.sign_in", next=request.full_path.rstrip("?"))))


def _ask_for_own(code: str, endpoint: str) -> None:
    """Nobody works under a password somebody else knows, or without the second factor of the role (P.37)."""
    if request.method != "GET" or is_fragment() or wants_json():
        abort(HTTPStatus.FORBIDDEN, code)
    abort(redirect(url_for(endpoint)))


# --- what they change


def give(live: Live, command: Command, subject: str = "") -> Answer:
    """Hand a command to the hall in the name of who is signed in. Raises Refused.

    The form's `key` makes a doubled click act once. subject: what the audit row names beside the hall.
    """
    person, key = me(), request.form.get("key", "")[:MAX_KEY]
    row = audit(
        person.id,
        type(command).__name__,
        f"{live.id}/{subject}" if subject else live.id,
        real_now(),
        **_details(command),
    )
    return live.submit(command, person.actor, key=f"web:{person.id}:{key}" if key else None, records=[row])


def _details(command: Command) -> dict[str, Any]:
    """What was asked for, as plain values; a whole plan is named by its revision."""
    values = {field.name: getattr(command, field.name) for field in fields(command)}
    return {
        name: value if isinstance(value, int | str | None) else getattr(value, "rev", str(value))
        for name, value in values.items()
        if name not in SECRET_FIELDS
    }


def new_key() -> str:
    """An idempotency key for one form. Those of one page share their chance: each time it is asked for, other
    threads come first."""
    if "chance" not in g:
        g.chance, g.keys = secrets.token_urlsafe(12), 0
    g.keys += 1
    return f"{g.chance}.{g.keys}"


# --- forms and cookies


def csrf_token() -> str:
    """What a form of this session carries: worked out from a cookie that scripts and others cannot read."""
    secret = request.cookies.get(SESSION_COOKIE) or request.cookies.get(VISITOR_COOKIE) or g.get("visitor")
    if not secret:
        secret = g.visitor = secrets.token_urlsafe(32)
    return hashlib.sha256(f"csrf:{secret}".encode()).hexdigest()


def set_cookie(response: Response, name: str, value: str, max_age: int | None = None) -> None:
    """A cookie no script reads and no other site sends."""
    response.set_cookie(
        name, value, max_age=max_age, httponly=True, samesite="Lax", secure=request.is_secure, path="/"
    )
