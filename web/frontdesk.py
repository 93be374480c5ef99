"""The front desk (S3.21, S3.22): look at the papers, give the right ticket, bring back who was missed, lead.

One page. What a visitor says is looked for among matters and queues; the ticket is given with what the desk
found, so that the window knows it; the green channel needs a reason. Paper comes out of any printer of the
hall, or the visitor's phone takes the code from the screen.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from controller.boards import why_closed
from controller.clock import real_now
from controller.hall import commands as c
from controller.hall import waits
from controller.hall.duty import now_shut
from controller.hall.model import Hall, PreCheck, Queue, Refused, Slip, Ticket, TicketClass, TicketState
from controller.i18n import in_language
from controller.live import Live
from controller.slips import windows_text
from controller.store import guides, items, leads
from controller.store.audit import Record, audit
from controller.store.items import Matter
from controller.told import left, wait_text
from web import copies
from web.console import found, missed
from web.guides import today
from web.home import DESK_ROLES
from web.privacy import name_of
from web.sheet import as_file, local
from web.taking import TOKEN_BYTES, issued
from web.visit import give, hall_now, is_fragment, me, role_required, say, say_refused, the_hall, the_site

blueprint = Blueprint("frontdesk", __name__)

GREEN_REASONS = ("elderly", "disabled", "pregnant", "child", "veteran", "other")  # the last needs words
LEAD_REASONS = ("elderly", "disabled", "pregnant", "child", "complex", "other")  # S3.22
MOST_WORDS = 40  # characters
MOST_MATTERS = 12
MOST_NOTE = 200  # characters

COLUMNS = ("Number", "Reason", "Leader", "Began", "Ended", "Minutes", "Steps")


@dataclass(frozen=True, slots=True)
class Offer:
    """Something a ticket can be given for. value: of the form's field; shut: why none can be given now."""

    value: str
    name: str
    queue: Queue
    waiting: int
    shut: str = ""


# --- the page


@blueprint.get("/g/<hall>/")
@role_required(*DESK_ROLES)
def page(hall: str) -> str:
    """The desk; what was typed is looked for among matters, queues and today's numbers.

    As a part of the page when its own script asks: what was found, which papers the chosen matter needs, or
    who comes back and who is led.
    """
    live, part = the_hall(hall), request.args.get("part", "")
    if part in PARTS and is_fragment():
        about = PARTS[part](live.hall)
        return render_template(f"frontdesk/_{part}.html", hall=live.hall, **about)
    return _page(live)


def _page(live: Live, error: str = "", wrong: str = "") -> str:
    return render_template(
        "frontdesk/page.html",
        hall=live.hall,
        **_found(live.hall),
        **_side(live.hall),
        **_papers(live.hall),
        lacks=request.form.getlist("lacks"),
        reasons=GREEN_REASONS,
        printers=copies.printers_of(live),
        form=request.form,
        error=error,
        wrong=wrong,
    )


def _found(hall: Hall) -> dict[str, object]:
    words = request.values.get("q", "").strip()[:MOST_WORDS]
    tickets = found(hall, words, hall_now()) if words else []
    return {"words": words, "offers": _offers(hall, words), "found": tickets}


def _side(hall: Hall) -> dict[str, object]:
    now = hall_now()
    led = _today(hall.id, now)
    people = the_site().people.names({one.leader for one in led})
    return {"missed": _missed(hall, now), "leads": led, "figures": leads.figures(led), "people": people}


def _papers(hall: Hall) -> dict[str, object]:
    """The papers that the guide of the chosen matter asks for (S3.21)."""
    kind, _, code = request.values.get("for", "").partition(":")
    if kind != "item":
        return {"materials": (), "code": ""}
    with the_site().store.reading() as c:
        version = guides.current(c, code, today())
    return {"materials": () if version is None else version.guide.materials, "code": code}


PARTS = {"found": _found, "papers": _papers, "side": _side}


def _offers(hall: Hall, words: str) -> list[Offer]:
    """Matters whose name or code holds every word, then the queues; all queues while nothing is typed."""
    parts = words.casefold().split()
    matters = [one for one in _matters(hall) if parts and _has(parts, one.name, one.code)]
    queues = [one for one in hall.plan.queues if _has(parts, one.code, one.name.zh, one.name.en)]
    offers = [(f"item:{one.code}", one.name, hall.queues[one.queue]) for one in matters[:MOST_MATTERS]]
    offers += [(f"queue:{one.code}", "", one) for one in queues]
    now = hall_now()
    return [Offer(*one, waits.waiting(hall, one[2].code), _shut(hall, one[2], now)) for one in offers]


def _shut(hall: Hall, queue: Queue, now: datetime) -> str:
    """That the session of the hour is for others; what else stands in the way is told to who asks."""
    is_off = now_shut(hall.shut.get(queue.code, ()), now) is not None
    why = why_closed(hall, queue, now) if is_off else None
    return "" if why is None else in_language(g.lang, why)


def _has(parts: Iterable[str], *texts: str) -> bool:
    text = " ".join(texts).casefold()
    return all(part in text for part in parts)


def _matters(hall: Hall) -> list[Matter]:
    return [one for one in items.matters(the_site().store, today()) if one.queue in hall.queues]


def _missed(hall: Hall, now: datetime) -> list[Ticket]:
    """Who was called, was not there and may still come back (T6), the latest first."""
    within = hall.plan.rules.return_within
    return [one for one in missed(hall) if one.missed_at is not None and now - one.missed_at <= within]


# --- giving a ticket


@blueprint.post("/g/<hall>/tickets")
@role_required(*DESK_ROLES)
def take(hall: str) -> Response | tuple[str, int]:
    """Give a ticket. A doubled click gives one; what the form lacks comes back with the form."""
    live = the_hall(hall)
    try:
        command = _asked(live)
        answer = give(live, command, command.queue)
    except BadForm as bad:
        return _page(live, say(f"desk.{bad.code}"), bad.code), HTTPStatus.BAD_REQUEST
    except Refused as error:
        return _page(live, say_refused(error)), HTTPStatus.CONFLICT
    ticket = issued(answer.hall, answer.events)
    if ticket is None:
        return redirect(url_for("frontdesk.page", hall=hall), HTTPStatus.SEE_OTHER)
    unit = request.form.get("printer", "")
    if unit in {printer.unit for printer in copies.printers(live, ticket.id)}:
        copies.print_for(live, ticket.id, unit, part=":slip")
    return redirect(url_for("frontdesk.ticket", hall=hall, ticket=ticket.id), HTTPStatus.SEE_OTHER)


class BadForm(Exception):
    """What the form lacks. code: its text is desk.<code>."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def _asked(live: Live) -> c.TakeTicket:
    """The ticket the form asks for. Raises BadForm."""
    kind, _, value = request.form.get("for", "").partition(":")
    item = next((one for one in _matters(live.hall) if kind == "item" and one.code == value), None)
    queue = item.queue if item is not None else value if kind == "queue" else ""
    if queue not in live.hall.queues:
        raise BadForm("choose")
    klass = TicketClass.GREEN if request.form.get("klass") == "green" else TicketClass.NORMAL
    return c.TakeTicket(
        queue,
        secrets.token_urlsafe(TOKEN_BYTES),
        klass,
        item=None if item is None else item.code,
        cases=_cases(),
        why=_reason("green", GREEN_REASONS) if klass is TicketClass.GREEN else "",
        precheck=_precheck(),
    )


def _reason(name: str, known: tuple[str, ...]) -> str:
    """The chosen reason in words, or one's own. Raises BadForm when there is neither."""
    why, own = request.form.get(f"{name}_why", ""), request.form.get(f"{name}_words", "").strip()[:MOST_NOTE]
    if why in known[:-1]:
        return ": ".join(part for part in (say(f"desk_reason.{why}"), own) if part)
    if not own:
        raise BadForm(f"{name}_reason")
    return own


def _cases() -> int:
    text = request.form.get("cases", "") or "1"
    if not text.isdecimal():
        raise BadForm("cases")
    return int(text)


def _precheck() -> PreCheck | None:
    papers, note = request.form.get("papers", ""), request.form.get("note", "").strip()
    lacks = [one.strip() for one in request.form.getlist("lacks") if one.strip()]
    note = "；".join([*lacks, note] if note else lacks)[:MOST_NOTE]
    if lacks:
        return PreCheck(is_complete=False, note=note)
    if papers == "lacking" and not note:
        raise BadForm("lacking")
    if papers not in ("complete", "lacking"):
        return PreCheck(None, note) if note else None
    return PreCheck(papers == "complete", note)


# --- one ticket


@blueprint.get("/g/<hall>/tickets/<int:ticket>")
@role_required(*DESK_ROLES)
def ticket(hall: str, ticket: int) -> str:
    """A ticket of today as the desk handles it."""
    return _ticket(the_hall(hall), ticket)


def _ticket(live: Live, id: int, error: str = "", failed: str = "") -> str:
    hall, now = live.hall, hall_now()
    known = hall.tickets.get(id)
    if known is None:
        abort(HTTPStatus.NOT_FOUND)
    lead = next((one for one in _today(hall.id, now) if one.ticket == id and one.ended_at is None), None)
    return render_template(
        "frontdesk/ticket.html",
        hall=hall,
        ticket=known,
        queue=hall.queues.get(known.queue),
        zone=_zone(hall, known),
        windows=windows_text(hall, known.queue),
        ahead=waits.ahead(hall, id),
        wait_words=wait_text(g.lang, left(hall, live.lookout.now(), known, now)),
        can_return=known in _missed(hall, now),
        is_waiting=known.state is TicketState.WAITING,
        printers=copies.printers(live, id),
        copies=copies.earlier(hall.id, id),
        lead=lead,
        steps=leads.STEPS,
        reasons=LEAD_REASONS,
        error=error,
        failed=failed,
        has_paper=known.slip is not Slip.NONE,
    )


def _zone(hall: Hall, ticket: Ticket) -> object:
    queue = hall.queues.get(ticket.queue)
    return next((one.name for one in hall.plan.zones if queue is not None and one.id == queue.zone), None)


@blueprint.post("/g/<hall>/tickets/<int:ticket>/<any(return, pass, cancel):what>")
@role_required(*DESK_ROLES)
def act(hall: str, ticket: int, what: str) -> Response | tuple[str, int]:
    """Bring a missed ticket back, let one pass, or take one back."""
    live = the_hall(hall)
    known = live.hall.tickets.get(ticket)
    if known is None:
        abort(HTTPStatus.NOT_FOUND)
    command = _change(what, ticket)
    try:
        give(live, command, known.number)
    except Refused as error:
        return _ticket(live, ticket, say_refused(error), what), HTTPStatus.CONFLICT
    return redirect(url_for("frontdesk.ticket", hall=hall, ticket=ticket), HTTPStatus.SEE_OTHER)


def _change(what: str, ticket: int) -> c.Command:
    if what == "return":
        return c.ReturnTicket(ticket)
    if what == "pass":
        return c.LetPass(ticket)
    return c.CancelTicket(ticket, request.form.get("reason", "").strip()[:MOST_NOTE])


@blueprint.post("/g/<hall>/tickets/<int:ticket>/print")
@role_required(*DESK_ROLES)
def print_slip(hall: str, ticket: int) -> Response:
    """Print the ticket at the unit in the form; the first paper of a ticket is no copy."""
    copies.print_for(the_hall(hall), ticket, request.form.get("unit", ""))
    return redirect(url_for("frontdesk.ticket", hall=hall, ticket=ticket), HTTPStatus.SEE_OTHER)


# --- leading


@blueprint.post("/g/<hall>/tickets/<int:ticket>/lead")
@role_required(*DESK_ROLES)
def lead(hall: str, ticket: int) -> Response | tuple[str, int]:
    """Begin to lead the holder of a ticket; who begins is the leader."""
    live = the_hall(hall)
    known = live.hall.tickets.get(ticket)
    if known is None:
        abort(HTTPStatus.NOT_FOUND)
    try:
        why = _reason("lead", LEAD_REASONS)
    except BadForm as bad:
        return _ticket(live, ticket, say(f"desk.{bad.code}"), "lead"), HTTPStatus.BAD_REQUEST
    with the_site().store.writing() as connection:
        leads.begin(connection, hall, ticket, known.number, why, me().id, hall_now())
        _note(hall, "LeadBegun", known.number, why=why)(connection)
    return redirect(url_for("frontdesk.ticket", hall=hall, ticket=ticket) + "#lead", HTTPStatus.SEE_OTHER)


@blueprint.post("/g/<hall>/leads/<int:id>/<any(step, end):what>")
@role_required(*DESK_ROLES)
def go_on(hall: str, id: int, what: str) -> Response:
    """Note a step of a lead order, or end it."""
    done, now = request.form.get("step", ""), hall_now()
    if what == "step" and done not in leads.STEPS:
        abort(HTTPStatus.BAD_REQUEST, "form_incomplete")
    with the_site().store.writing() as connection:
        known = (
            leads.end(connection, hall, id, now)
            if what == "end"
            else leads.step(connection, hall, id, done, now)
        )
        if known is None:
            abort(HTTPStatus.NOT_FOUND)
        _note(hall, "LeadEnded" if what == "end" else "LeadStep", known.number, step=done)(connection)
    if what == "end":
        return redirect(url_for("frontdesk.page", hall=hall) + "#leads", HTTPStatus.SEE_OTHER)
    where = url_for("frontdesk.ticket", hall=hall, ticket=known.ticket)
    return redirect(where + "#lead", HTTPStatus.SEE_OTHER)


@blueprint.get("/g/<hall>/leads.csv")
@role_required(*DESK_ROLES)
def leads_csv(hall: str) -> Response:
    """The lead orders of the day, for a spreadsheet."""
    rows = _today(hall, hall_now())
    names = the_site().people.names({one.leader for one in rows})
    cells = (
        (
            one.number,
            one.why,
            name_of(names.get(one.leader, one.leader)),
            local(one.began_at),
            local(one.ended_at),
            None if one.ended_at is None else round((one.ended_at - one.began_at) / timedelta(minutes=1)),
            " ".join(say(f"lead_step.{what}") for _, what in one.steps),
        )
        for one in rows
    )
    return as_file(f"leads-{hall}", COLUMNS, cells)


def _today(hall: str, now: datetime) -> list[leads.Lead]:
    midnight = now.astimezone(the_site().settings.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    with the_site().store.reading() as connection:
        return list(leads.begun(connection, hall, midnight, midnight + timedelta(days=1)))


def _note(hall: str, what: str, number: str, **facts: str) -> Record:
    kept = {name: value for name, value in facts.items() if value}
    return audit(me().id, what, f"{hall}/{number}", real_now(), **kept)
