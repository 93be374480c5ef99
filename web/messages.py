"""Messages to citizens, for those who answer for them: what waits, what failed, what it cost, what they say.

Numbers stand masked everywhere, texts that were sent stand nowhere; what somebody answered and nobody
understood is shown, with long numbers in it masked. Every change leaves a row in the audit trail.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from flask import Blueprint, abort, redirect, render_template, request, url_for
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from controller.clock import real_now
from controller.hall.model import Hall, Refused
from controller.i18n import LANGUAGES, in_language
from controller.live import Live
from controller.messaging import numbers, templates
from controller.messaging.desk import Told
from controller.messaging.templates import FORMS, LONGEST, Event
from controller.people import Role
from controller.store import messages as rows
from controller.store.audit import audit
from controller.store.messages import FAILED, OPEN, Answered, DayCount, State, Stored
from firmware.protocol.short_text import parts
from web.privacy import name_of
from web.sheet import as_file
from web.visit import MAX_KEY, me, role_required, say, say_refused, the_hall, the_site

blueprint = Blueprint("messages", __name__)

READERS = (Role.HALL_MANAGER, Role.ADMIN, Role.SUPERVISOR, Role.DIRECTOR)
WRITERS = (Role.HALL_MANAGER, Role.ADMIN)
SHOWN = 50
DAYS = 30
TRIED_FOR = timedelta(days=1)  # a failed message that is tried again
LOOKS = {
    State.WAITING: "called",
    State.SENDING: "called",
    State.SENT: "open",
    State.DELIVERED: "open",
    State.UNDELIVERED: "offline",
    State.FAILED: "offline",
    State.EXPIRED: "closed",
    State.DROPPED: "closed",
}
COLUMNS = ("Day", "Way", "Messages", "Parts", "Arrived", "Failed", "Cost")
_LONG_NUMBER = re.compile(r"\d{5,}[\dXx]?")


@dataclass(frozen=True, slots=True)
class Line:
    """A message in a list. to: masked."""

    row: Stored
    to: str


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody answered."""

    row: Answered
    number: str
    text: str


# --- the page


@blueprint.get("/m/<hall>/messages")
@role_required(*READERS)
def page(hall: str) -> str:
    return _page(the_hall(hall), done=request.args.get("done", ""))


def _page(live: Live, error: str = "", done: str = "") -> str:
    settings, desk = the_site().settings, the_site().messages.desk
    with the_site().store.reading() as c:
        found = rows.last(c, live.id, SHOWN)
        failed = rows.last(c, live.id, SHOWN, FAILED)
        waiting = rows.last(c, live.id, SHOWN, OPEN)
        days = rows.by_day(c, live.id, _since(), settings.zone)
        answers = rows.answers(c, live.id, SHOWN)
        refusals = rows.refusals(c)
    return render_template(
        "manager/messages.html",
        hall=live.hall,
        found=[Line(one, desk.shown(one.channel, one.address)) for one in found],
        failed=[Line(one, desk.shown(one.channel, one.address)) for one in failed],
        waiting=len(waiting),
        most=SHOWN,
        days=days,
        sums=_sums(days),
        answers=[_said(one) for one in answers],
        refusals=refusals,
        carrier=settings.sms_carrier,
        looks=LOOKS,
        may_write=bool(me().roles & frozenset(WRITERS)),
        form=request.form,
        error=error,
        done=done,
    )


def _since() -> datetime:
    return real_now() - timedelta(days=DAYS)


def _sums(days: list[DayCount]) -> dict[str, float]:
    names = ("messages", "parts", "delivered", "failed", "cost")
    return {name: sum(getattr(day, name) for day in days) for name in names}


def _said(one: Answered) -> Said:
    desk = the_site().messages.desk
    number = numbers.masked(desk.open(one.address)) if one.address else ""
    return Said(one, number, _LONG_NUMBER.sub(numbers.HIDDEN, desk.open(one.body)))


@blueprint.get("/m/<hall>/messages.csv")
@role_required(*READERS)
def as_csv(hall: str) -> Response:
    """Counts and costs by day."""
    live = the_hall(hall)
    with the_site().store.reading() as c:
        days = rows.by_day(c, live.id, _since(), the_site().settings.zone)
    cells = (
        (one.day, say(f"channel.{one.channel}"), one.messages, one.parts, one.delivered, one.failed, one.cost)
        for one in days
    )
    return as_file(f"messages-{hall}", COLUMNS, cells)


@blueprint.post("/m/<hall>/messages/test")
@role_required(*WRITERS)
def test(hall: str) -> Response | tuple[str, int]:
    """A message to see whether they arrive."""
    live, number = the_hall(hall), request.form.get("number", "")[:40]
    told = Told(Event.TEST, f"test:{me().id}:{request.form.get('key', '')[:MAX_KEY]}"[:120], {})
    try:
        record = the_site().messages.desk.record(live.hall, number, told)
        full = numbers.normal(number, the_site().settings.sms_country)
    except numbers.BadNumber:
        return _page(
            live, error=say("This is no number that a message can be sent to.")
        ), HTTPStatus.BAD_REQUEST
    with the_site().store.writing() as c:
        record(c)
        audit(me().id, "message.test", hall, real_now(), to=numbers.masked(full))(c)
    return redirect(url_for("messages.page", hall=hall, done="test"), HTTPStatus.SEE_OTHER)


@blueprint.post("/m/<hall>/messages/<int:id>/again")
@role_required(*WRITERS)
def again(hall: str, id: int) -> Response:
    """Try a failed one once more; one that is not failed stays as it is."""
    the_hall(hall)
    now = real_now()
    with the_site().store.writing() as c:
        if rows.again(c, hall, id, now, now + TRIED_FOR):
            audit(me().id, "message.again", f"{hall}/{id}", now)(c)
    return redirect(url_for("messages.page", hall=hall, done="again"), HTTPStatus.SEE_OTHER)


# --- the texts


@blueprint.get("/m/<hall>/messages/texts")
@role_required(*READERS)
def texts(hall: str) -> str:
    """What messages say, event by event."""
    live = the_hall(hall)
    with the_site().store.reading() as c:
        known = {event: _wordings(c, hall, event) for event in Event}
    previews = {
        event: {lang: _filled(live.hall, event, lang, wording) for lang, (_, wording) in words.items()}
        for event, words in known.items()
    }
    versions = {event: max(version for version, _ in words.values()) for event, words in known.items()}
    return render_template(
        "manager/message_texts.html", hall=live.hall, previews=previews, versions=versions, count=_parts
    )


@blueprint.get("/m/<hall>/messages/texts/<event>")
@role_required(*WRITERS)
def edit(hall: str, event: str) -> str:
    return _edit(the_hall(hall), _event(event))


@blueprint.post("/m/<hall>/messages/texts/<event>")
@role_required(*WRITERS)
def save(hall: str, event: str) -> Response | str | tuple[str, int]:
    """Look at a text filled in, or keep it as the next version; the usual one is a version too."""
    live, kind = the_hall(hall), _event(event)
    wish = {lang: request.form.get(lang, "")[: LONGEST * 2].strip() for lang in LANGUAGES}
    if request.form.get("do") == "usual":
        wish = {lang: templates.usual(kind, lang) for lang in LANGUAGES}
    try:
        for text in wish.values():
            templates.check(kind, text)
    except Refused as refused:
        return _edit(live, kind, wish, say_refused(refused)), HTTPStatus.BAD_REQUEST
    if request.form.get("do") == "preview":
        return _edit(live, kind, wish)
    _keep(live, kind, wish)
    return redirect(url_for("messages.texts", hall=hall), HTTPStatus.SEE_OTHER)


def _keep(live: Live, event: Event, wish: dict[str, str]) -> None:
    by, now = me().id, real_now()
    with the_site().store.writing() as c:
        for lang, (_, known) in _wordings(c, live.id, event).items():
            if wish[lang] != known:
                version = rows.rewrite(c, live.id, event, lang, wish[lang], by, now)
                facts = {"lang": lang, "version": version, "text": wish[lang]}
                audit(by, "message.text", f"{live.id}/{event}", now, **facts)(c)


def _edit(live: Live, event: Event, wish: dict[str, str] | None = None, error: str = "") -> str:
    with the_site().store.reading() as c:
        known = {lang: wording for lang, (_, wording) in _wordings(c, live.id, event).items()}
        versions = rows.versions(c, live.id, event)
    shown = wish or known
    previews = {} if error else {lang: _filled(live.hall, event, lang, shown[lang]) for lang in LANGUAGES}
    return render_template(
        "manager/message_text.html",
        hall=live.hall,
        event=event,
        shown=shown,
        previews=previews,
        places=FORMS[event].places,
        needed=FORMS[event].needed,
        versions=versions,
        people={one.id: name_of(one.name) for one in the_site().people.all()},
        longest=LONGEST,
        count=_parts,
        error=error,
    )


def _wordings(c: Connection, hall: str, event: Event) -> dict[str, tuple[int, str]]:
    """By language: the version in force and its text."""
    return {
        lang: rows.template(c, hall, event, lang) or (0, templates.usual(event, lang)) for lang in LANGUAGES
    }


def _filled(hall: Hall, event: Event, lang: str, wording: str) -> str:
    """As somebody would get it, with examples."""
    return templates.fill(wording, {**FORMS[event].places, "hall": in_language(lang, hall.plan.name)})


def _parts(text: str) -> int:
    return len(parts(text))


def _event(name: str) -> Event:
    if name not in set(Event):
        abort(HTTPStatus.NOT_FOUND)
    return Event(name)
