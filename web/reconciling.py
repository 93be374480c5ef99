"""The day's numbers looked through after an outage: where each came from, what is missing and why, what is in
doubt. For those who run the hall; as a page that prints, and as a file for a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from http import HTTPStatus

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from controller import i18n
from controller.clock import real_now
from controller.hall.events import DayOpened, Event
from controller.hall.model import Hall
from controller.hall.reconciliation import Account, reconcile
from controller.people import Role
from controller.store import past, reconciled
from web.clocks import Step, steps
from web.home import BOARD_ROLES
from web.sheet import as_file, local
from web.visit import hall_now, me, place_of, role_required, the_hall, the_site

blueprint = Blueprint("reconciling", __name__)

COLUMNS = ("What", "Queue", "From number", "To number", "Count", "Where", "Why", "Taken at", "Heard at")
EARLIEST = timedelta(hours=12)  # a day may be opened before its midnight
LONGEST = timedelta(hours=36)  # and go on after the next


@dataclass(frozen=True, slots=True)
class Face:
    """Everything on the page. accepted: who did so last, and when; set_aside: votes that fit no visit."""

    day: date
    account: Account
    set_aside: int
    steps: Sequence[Step]
    accepted: tuple[str, datetime] | None


@blueprint.get("/m/<hall>/reconciliation")
@role_required(*BOARD_ROLES)
def page(hall: str) -> str:
    live = the_hall(hall)
    return render_template(
        "manager/reconciliation.html",
        hall=live.hall,
        face=_face(live.hall, hall, _day(live.hall)),
        place_of=place_of,
        may_accept=Role.HALL_MANAGER in me().roles,
    )


@blueprint.get("/m/<hall>/reconciliation.csv")
@role_required(*BOARD_ROLES)
def page_csv(hall: str) -> Response:
    value = the_hall(hall).hall
    face = _face(value, hall, _day(value))
    return as_file(f"reconciliation-{hall}-{face.day}", COLUMNS, _cells(face, value))


@blueprint.post("/m/<hall>/reconciliation")
@role_required(Role.HALL_MANAGER)
def accept(hall: str) -> Response:
    """The manager accepts the day as it is; the row says how it was then."""
    value = the_hall(hall).hall
    day = _day(value)
    account = _face(value, hall, day).account
    figures = {"issued": account.issued, "gaps": len(account.gaps), "doubts": len(account.doubts)}
    with the_site().store.writing() as c:
        reconciled.accept(hall, day, me().id, real_now(), **figures)(c)
    return redirect(url_for("reconciling.page", hall=hall, day=day), HTTPStatus.SEE_OTHER)


def _day(hall: Hall) -> date:
    """The day asked for, else the hall's own, else today."""
    asked = request.values.get("day", "")
    if asked:
        try:
            return date.fromisoformat(asked)
        except ValueError:
            abort(HTTPStatus.BAD_REQUEST, "form_incomplete")
    zone = the_site().settings.zone
    return hall.day.date if hall.day is not None else hall_now().astimezone(zone).date()


def _face(value: Hall, hall: str, day: date) -> Face:
    midnight = datetime.combine(day, time(), the_site().settings.zone)
    since, until = midnight - EARLIEST, midnight + LONGEST
    with the_site().store.reading() as c:
        account = reconcile(value.plan, _of_day(c, hall, day, since, until))
        set_aside = reconciled.votes_set_aside(c, hall, midnight, midnight + timedelta(days=1))
        accepted = reconciled.accepted(c, hall, day)
    return Face(day, account, set_aside, steps(hall, midnight, midnight + timedelta(days=1)), accepted)


def _of_day(c: Connection, hall: str, day: date, since: datetime, until: datetime) -> Iterator[Event]:
    """The events of one service day: from its opening until the next day is opened."""
    is_it = False
    for event in past.happened(c, hall, since, until):
        if isinstance(event, DayOpened):
            is_it = event.date == day
        if is_it:
            yield event


def _cells(face: Face, hall: Hall) -> Iterable[tuple[object, ...]]:
    """One list of everything, so that a spreadsheet can sort it."""
    account = face.account

    def row(kind: str, queue: str, first: str, last: str, count: int, *more: object) -> tuple[object, ...]:
        return (_word("reconciled", kind), queue, first, last, count, *more)

    for source in account.sources:
        numbers = (_queue(hall, source.queue), source.first, source.last, source.count)
        yield row("source", *numbers, _place(source.unit), _word("origin", source.origin), "", "")
    for gap in account.gaps:
        yield row("gap", "", gap.first, gap.last, gap.count, _place(gap.unit), _word("gap", gap.why), "", "")
    for doubt in account.doubts:
        number = doubt.number
        yield row("doubt", "", number, number, 1, _place(doubt.unit), "", "", local(doubt.at))
    for one in account.corrections:
        times = (local(one.taken_at), local(one.heard_at))
        yield row("correction", "", one.number, one.number, 1, _place(one.unit), "", *times)
    for vote in account.late_votes:
        times = (local(vote.finished_at), local(vote.heard_at))
        yield row("late_vote", "", vote.number, vote.number, 1, "", "", *times)
    for step in face.steps:
        yield row("clock", "", step.before, step.after, 1, _place(step.unit), step.by, "", local(step.at))


def _word(kind: str, value: str) -> str:
    return i18n.label(g.lang, kind, value)


def _place(unit: str | None) -> str:
    return place_of(unit) if unit else ""


def _queue(hall: Hall, code: str) -> str:
    queue = hall.queues.get(code)
    return code if queue is None else i18n.in_language(g.lang, queue.name)
