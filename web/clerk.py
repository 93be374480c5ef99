"""The window console: sign in at a window, call, serve, send on. Every key is one command."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from datetime import timedelta
from http import HTTPStatus
from typing import TypeVar

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from controller.hall import commands as c
from controller.hall.model import Hall, Outcome, PauseReason, Refused, WindowState, label
from controller.live import Live
from controller.people import Role
from web.console import console, found, targets
from web.guides import guide_of
from web.roster import turns_today
from web.visit import give, hall_now, is_fragment, me, role_required, say, say_refused, the_hall
from web.why import next_explained

blueprint = Blueprint("clerk", __name__)

STAFF = (Role.CLERK, Role.WINDOW_LEAD, Role.HALL_MANAGER)
MAX_REASON = 200
FORMS = frozenset(
    {"noshow", "delay", "hold", "transfer", "finish", "pause", "jump", "reopen", "logout", "why", "guide"}
)
JUMP_REASONS = ("elderly", "disabled", "child", "returning", "other")  # offered; the last needs words
PAUSES_MINUTES = (5, 10, 15, 30, 60)
DELAYS = (1, 2, 3, 5, 10)  # people
DELAYS_MINUTES = (5, 10, 15, 20, 30)

T = TypeVar("T")

_turn = threading.Lock()  # consoles are drawn one at a time: docs/decisions/pages-in-turn.md


# --- choosing a window


@blueprint.get("/w/<hall>/")
@role_required(*STAFF)
def windows(hall: str) -> Response | str:
    """The windows of the hall; whoever is signed in at one goes straight to it."""
    value = the_hall(hall).hall
    mine = window_of_clerk(value, me().id)
    if mine is not None and "choose" not in request.args:
        return redirect(url_for("clerk.window", hall=hall, number=mine))
    return _windows(value)


@blueprint.post("/w/<hall>/<int:number>/login")
@role_required(*STAFF)
def login(hall: str, number: int) -> Response | tuple[str, int]:
    live = the_hall(hall)
    try:
        give(live, c.Login(number, me().id), f"window {number}")
    except Refused as error:
        return _windows(live.hall, number, say_refused(error)), HTTPStatus.CONFLICT
    live.touch(number)
    return redirect(url_for("clerk.window", hall=hall, number=number), HTTPStatus.SEE_OTHER)


def _windows(hall: Hall, number: int | None = None, error: str = "") -> str:
    mine = window_of_clerk(hall, me().id)
    turns = turns_today(hall.id, me().id)
    return render_template(
        "clerk/windows.html", hall=hall, mine=mine, turns=turns, failed=number, error=error
    )


def window_of_clerk(hall: Hall, person: str) -> int | None:
    """The window this person is signed in at."""
    staffed = (one for one in hall.sessions.values() if one.state is not WindowState.CLOSED)
    return next((one.window for one in staffed if one.clerk == person), None)


# --- the console


@blueprint.get("/w/<hall>/<int:number>")
@role_required(*STAFF)
def window(hall: str, number: int) -> str:
    """The console; as a part of the page when its own script asks."""
    return _page(the_hall(hall), number)


@blueprint.get("/w/<hall>/<int:number>/form/<what>")
@role_required(*STAFF)
def form(hall: str, number: int, what: str) -> str:
    """What a key asks before it acts."""
    if what not in FORMS:
        abort(HTTPStatus.NOT_FOUND)
    return _page(the_hall(hall), number, asks=what)


@blueprint.post("/w/<hall>/<int:number>/do/<action>")
@role_required(*STAFF)
def do(hall: str, number: int, action: str) -> Response | str | tuple[str, int]:
    """Press one key. A refusal comes back with the console, beside the key."""
    live = the_hall(hall)
    build = ACTIONS.get(action)
    if build is None or number not in live.hall.windows:
        abort(HTTPStatus.NOT_FOUND)
    command = build(live.hall, number)
    try:
        give(live, command, f"window {number}")
    except Refused as error:
        return _page(live, number, failed=action, error=say_refused(error)), HTTPStatus.CONFLICT
    if isinstance(command, c.Logout):
        return _leave(hall)
    if is_fragment():
        return _page(live, number)
    return redirect(url_for("clerk.window", hall=hall, number=number), HTTPStatus.SEE_OTHER)


@blueprint.get("/w/<hall>/<int:number>/search")
@role_required(*STAFF)
def search(hall: str, number: int) -> str:
    """Today's tickets by number, with what can be done with each."""
    return _page(the_hall(hall), number, words=request.args.get("q", "")[:16])


def _page(
    live: Live, number: int, *, asks: str = "", failed: str = "", error: str = "", words: str | None = None
) -> str:
    is_console = is_fragment() and not asks and words is None
    with _turn if is_console else nullcontext():
        return _drawn(live, number, asks, failed, error, words)


def _drawn(live: Live, number: int, asks: str, failed: str, error: str, words: str | None) -> str:
    now, hall = hall_now(), live.hall
    try:
        shown = console(hall, number, me().id, now)
    except KeyError:
        abort(HTTPStatus.NOT_FOUND)
    if shown.is_mine:
        live.touch(number)
    queues, windows = targets(hall, shown.visitor.ticket if shown.visitor else None) if asks else ([], [])
    name = "clerk/window.html"
    if is_fragment():
        name = (
            "clerk/_form.html"
            if asks
            else "clerk/_found.html"
            if words is not None
            else "clerk/_console.html"
        )
    return render_template(
        name,
        console=shown,
        hall=hall,
        at=url_for("clerk.window", hall=hall.id, number=number),  # what all its keys' addresses begin with
        asks=asks,
        failed=failed,
        error=error,
        words=words,
        found=found(hall, words, now) if words else [],
        queues=queues,
        windows=windows,
        pauses=PauseReason,
        lengths=PAUSES_MINUTES,
        outcomes=Outcome,
        asked=request.args,
        jump_reasons=JUMP_REASONS,
        why=next_explained(hall, number, now, g.lang) if asks == "why" else None,
        guide=guide_of(shown.visitor.ticket.item) if asks == "guide" and shown.visitor else None,
        delays=DELAYS,
        delays_minutes=DELAYS_MINUTES,
    )


def _leave(hall: str) -> Response:
    where = url_for("clerk.windows", hall=hall, choose=1)
    if not is_fragment():
        return redirect(where, HTTPStatus.SEE_OTHER)
    return Response(status=HTTPStatus.NO_CONTENT, headers={"HX-Redirect": where})


# --- a form into a command


def _reason() -> str:
    return request.form.get("reason", "").strip()[:MAX_REASON]


def _jump_reason() -> str:
    """The chosen reason in words, and what the clerk added; another reason is the clerk's own words alone."""
    why, own = request.form.get("why", ""), _reason()
    if why not in JUMP_REASONS[:-1]:
        return own
    return ": ".join(part for part in (say(f"reason.{why}"), own) if part)


def _number(name: str) -> int:
    value = request.form.get(name, "")
    if not value.isdecimal():
        abort(HTTPStatus.BAD_REQUEST, "form_incomplete")
    return int(value)


def _optional(name: str) -> int | None:
    return _number(name) if request.form.get(name) else None


def _one_of(name: str, kind: Callable[[str], T], default: T) -> T:
    """A choice of the form. What the page never offered is a bad request."""
    value = request.form.get(name)
    if not value:
        return default
    try:
        return kind(value)
    except ValueError:
        abort(HTTPStatus.BAD_REQUEST, "form_incomplete")


def _outcome() -> Outcome:
    return _one_of("outcome", Outcome, Outcome.ENQUIRY)


def _ticket(hall: Hall) -> int:
    """The ticket a form names: by its id, or by the number on the slip."""
    number = request.form.get("number", "").strip()
    if not number:
        return _number("ticket")
    found = (hall.numbers.get(label(domain.id, number), 0) for domain in hall.plan.domains)
    return next(filter(None, found), 0)


def _transfer(hall: Hall, window: int) -> c.Command:
    """to: "queue:B" or "window:4"."""
    kind, _, value = request.form.get("to", "").partition(":")
    ticket = hall.sessions[window].current or 0
    if "ticket" in request.form:
        ticket = _number("ticket")
    if kind == "window" and value.isdecimal():
        return c.Transfer(ticket, _reason(), to_window=int(value))
    return c.Transfer(ticket, _reason(), to_queue=value if kind == "queue" else None)


def _delay(hall: Hall, window: int) -> c.Command:
    """by: "people:3" or "minutes:10"."""
    kind, _, value = request.form.get("by", "").partition(":")
    if not value.isdecimal() or not 0 < int(value) <= max(DELAYS_MINUTES):
        return c.Delay(window, reason=_reason())
    if kind == "minutes":
        return c.Delay(window, length=timedelta(minutes=int(value)), reason=_reason())
    return c.Delay(window, behind=int(value), reason=_reason())


def _pause(hall: Hall, window: int) -> c.Command:
    minutes = _optional("minutes")
    length = None if minutes is None else timedelta(minutes=min(minutes, 480))
    return c.Pause(window, _one_of("why", PauseReason, PauseReason.OTHER), length)


ACTIONS: Mapping[str, Callable[[Hall, int], c.Command]] = {
    "next": lambda hall, window: c.CallNext(window, _outcome()),
    "start": lambda hall, window: c.Start(window),
    "recall": lambda hall, window: c.Recall(window),
    "noshow": lambda hall, window: c.NoShow(window, _reason()),
    "delay": _delay,
    "hold": lambda hall, window: c.Hold(window, _reason()),
    "resume": lambda hall, window: c.Resume(window, _number("ticket")),
    "transfer": _transfer,
    "finish": lambda hall, window: c.Finish(window, _outcome(), _reason()),
    "pause": _pause,
    "unpause": lambda hall, window: c.Unpause(window),
    "jump": lambda hall, window: c.JumpCall(window, _ticket(hall), _jump_reason()),
    "return": lambda hall, window: c.ReturnTicket(_number("ticket")),
    "reopen": lambda hall, window: c.Reopen(window, _number("ticket"), _reason()),
    "logout": lambda hall, window: c.Logout(window, _optional("hand_over_to")),
}
