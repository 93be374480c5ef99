"""The audit trail for those who answer for the hall: looked through, proved whole, and as a file.

Names are masked as everywhere (P.33); a staff number tells who it was. Taking the file leaves a row itself.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from flask import Blueprint, g, render_template, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from controller import i18n
from controller.clock import real_now
from controller.conduct import What
from controller.people import RIGHTS, ActorKind, Role
from controller.store.audit import Verdict, audit
from controller.store.people import Person
from controller.store.trail import Asked, Trace, traces
from web.privacy import name_of
from web.sheet import as_file, local
from web.visit import me, role_required, the_site

blueprint = Blueprint("audit", __name__)

READERS = (Role.ADMIN, Role.SUPERVISOR, Role.DIRECTOR)
PAGE = 100
MOST = 50_000  # rows of a file
DAYS = 7  # shown unless asked otherwise
FAMILIES = (
    *("person.", "centre.", "unit.", "plan.", "notice.", "message.", "data.", "calendar.", "rating."),
    *("matter.", "conduct.", "display.", "quiet."),
)
KINDS = (
    *(f"person.{what}" for what in ("add", "change", "disable", "enable", "password", "link", "unlock")),
    *(f"person.{what}" for what in ("sign_in", "sign_in_failed", "code_asked", "code_failed", "sign_out")),
    *(f"person.{what}" for what in ("session_end", "sessions_end", "second_factor_on", "second_factor_off")),
    *("person.recovery_codes", "unit.add", "unit.renew", "unit.place", "unit.revoke", "position.put"),
    *("unit.examine", "unit.examined", "unit.confirm", "unit.clock_jumped", "day.reconciled"),
    *("hall.import", "plan.draft", "plan.discard", "plan.schedule", "plan.withdraw", "audit.export"),
    *("data.retention", "data.erase_person", "data.erase_visit", "data.full_view"),
    *("calendar.lay_down", "calendar.withdraw", "calendar.bring_in"),
    *("notice.write", "notice.end", "centre.add", "centre.change", "centre.remove", "centre.hall"),
    *("message.test", "message.again", "message.text"),
    *("display.put", "display.undo", "display.remove", "display.leader", "quiet.put", "quiet.undo"),
    *("matters.put", "substitute.put", "leave.add", "leave.take_back"),
    *("matter.standing", "matter.clean_up", "matter.clean_up_agreed", "matter.clean_up_kept"),
    *("matter.clean_up_dropped", "matter.lists", "matter.published"),
    *(f"conduct.{what}" for what in What),
    *("conduct.kind", "conduct.kinds_own", "conduct.kinds_centre", "conduct.export"),
    *("PrintCopy", *(command.__name__ for command in RIGHTS)),
)
COLUMNS = ("Row", "Time", "By whom", "Staff number", "Action", "About", "Details")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asked for; both days are included."""

    first: date
    last: date
    who: str = ""
    what: str = ""

    def arguments(self, **changes: object) -> dict[str, object]:
        wish: dict[str, object] = {
            "from": self.first.isoformat(),
            "to": self.last.isoformat(),
            "who": self.who,
            "what": self.what,
        }
        return {name: value for name, value in {**wish, **changes}.items() if value not in ("", None)}


@dataclass(frozen=True, slots=True)
class Said:
    """A row as it is shown."""

    id: int
    at: datetime
    who: str
    number: str
    action: str
    about: str
    details: str


@blueprint.get("/audit")
@role_required(*READERS)
def page() -> str:
    return _page()


@blueprint.post("/audit/verify")
@role_required(*READERS)
def verify() -> str:
    """Prove it whole, with the anchors that were kept."""
    return _page(the_site().anchors.verify())


@blueprint.get("/audit.csv")
@role_required(*READERS)
def as_csv() -> Response:
    """What is looked for, as a file."""
    wish = _wanted(request.args)
    rows = _found(wish, MOST)
    with the_site().store.writing() as c:
        audit(
            me().id,
            "audit.export",
            me().hall or me().centre or "",
            real_now(),
            rows=len(rows),
            **wish.arguments(),
        )(c)
    cells = ((row.id, local(row.at), row.who, row.number, row.action, row.about, row.details) for row in rows)
    return as_file("audit", COLUMNS, cells)


def _page(verdict: Verdict | None = None) -> str:
    wish = _wanted(request.args)
    rows = _found(wish, PAGE + 1, request.args.get("before", type=int))
    return render_template(
        "people/audit.html",
        wish=wish,
        rows=rows[:PAGE],
        next_before=rows[PAGE - 1].id if len(rows) > PAGE else None,
        is_later="before" in request.args,
        families=FAMILIES,
        kinds=KINDS,
        action=_action,
        moment=local,
        anchored=the_site().anchors.last(),
        verdict=verdict,
    )


def _wanted(args: MultiDict[str, str]) -> Wanted:
    today = real_now().astimezone(the_site().settings.zone).date()
    first = args.get("from", today - timedelta(days=DAYS - 1), date.fromisoformat)
    last = args.get("to", today, date.fromisoformat)
    return Wanted(min(first, last), last, args.get("who", "").strip()[:64], args.get("what", "")[:64])


def _found(wish: Wanted, limit: int, before: int | None = None) -> list[Said]:
    zone, everybody = the_site().settings.zone, {one.id: one for one in the_site().people.all()}
    asked = Asked(
        since=datetime.combine(wish.first, time(), zone),
        until=datetime.combine(wish.last + timedelta(days=1), time(), zone),
        people=_meant(wish.who, everybody.values()) if wish.who else None,
        what=wish.what,
        halls=me().halls,
    )
    with the_site().store.reading() as c:
        rows = traces(c, asked, limit, before)
    return [_said(row, everybody) for row in rows]


def _meant(word: str, everybody: Collection[Person]) -> set[str]:
    """Whom a word can mean; who is not in the list of people, such as a unit, goes by its own name."""
    said = word.casefold()
    theirs = {
        one.id for one in everybody if said in one.name.casefold() or said in (one.staff_number or "", one.id)
    }
    return theirs | {word}


def _said(row: Trace, everybody: dict[str, Person]) -> Said:
    who, about = everybody.get(row.actor), everybody.get(row.subject)
    details = " · ".join(
        f"{name}: {_plain(value)}" for name, value in row.details.items() if value is not None
    )
    return Said(
        id=row.id,
        at=row.at,
        who=_machine(row.actor) if who is None else name_of(who.name),
        number="" if who is None else who.staff_number or who.id,
        action=_action(row.what),
        about=row.subject if about is None else f"{name_of(about.name)} {about.staff_number or about.id}",
        details=details,
    )


def _machine(actor: str) -> str:
    """The system by its word, a unit by its name."""
    return i18n.label(g.lang, "actor", actor) if actor in set(ActorKind) else actor


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _action(what: str) -> str:
    """What was done, in words; a kind of a later version speaks for itself."""
    key = f"audited.{what}"
    return i18n.label(g.lang, "audited", what) if i18n.is_translated(g.lang, key) else what
