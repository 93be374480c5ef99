"""The set-up of a hall for those who run it: its pieces in lists and forms, on a draft that is then applied.

Nothing changes in the hall before the draft is applied, now or at an hour. What applying does to today's
queues is shown first. Hides nothing of the rules: what may not go while it is in use is the hall's to say.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from http import HTTPStatus

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from controller import i18n
from controller.changes import Changes, kinds_of, refusal_of
from controller.hall import drafting, impact
from controller.hall.drafting import KEYS, Edit
from controller.hall.model import Plan, Refused, WindowMode
from controller.live import Live
from controller.people import SYSTEM, mask
from controller.store import planned
from controller.store.planned import NOTHING_BESIDE, Beside, NotWaiting
from controller.trials.variant import BadVariant, Variant, changed_plan, settings_of
from web import setup_forms, setup_words
from web.home import SETUP_ROLES
from web.setup_forms import NEW, BadForm
from web.visit import hall_now, me, role_required, say, say_refused, the_hall, the_site

blueprint = Blueprint("setup", __name__)

SECTION = "<any(domains, departments, zones, queues, windows, clerks, rating_reasons):section>"
SECTIONS = tuple(KEYS)
LATEST = 3  # versions on the overview
SOON = timedelta(hours=1)  # offered for a change that is to be applied later
LONGEST_NOTE = 200


def changes_of(hall: str) -> Changes:
    return Changes(the_hall(hall), the_site().devices)


# --- what there is


@blueprint.get("/setup/<hall>/")
@role_required(*SETUP_ROLES)
def overview(hall: str) -> str:
    """The hall at a glance: its pieces, what is drafted, what is to come, what was last."""
    with the_site().store.reading() as c:
        latest = planned.versions(c, hall, LATEST)
    return setup_page("setup/overview.html", the_hall(hall), latest=latest, sections=SECTIONS, serves=_served)


def setup_page(template: str, live: Live, **more: object) -> str:
    """A page of the set-up, under the draft and what is to come."""
    changes = Changes(live, the_site().devices)
    draft = changes.draft()
    plan = live.hall.plan if draft is None else draft.plan
    found = drafting.differences(live.hall.plan, plan)
    beside = NOTHING_BESIDE if draft is None else draft.beside
    return render_template(
        template,
        hall=live.hall,
        plan=plan,
        draft=draft,
        changed=len(found) + len(_beside(beside)),
        beside=_beside(beside),
        coming=[(one, _why_not(one)) for one in changes.waiting()],
        name_of=setup_words.name_of,
        length=setup_words.length,
        who=_who,
        **more,
    )


def _beside(beside: Beside) -> list[str]:
    """What the draft's file changes beside the plan, a sentence each."""
    kinds, said = kinds_of(beside), []
    if beside.positions != NOTHING_BESIDE.positions:
        said.append(say("Places of devices, as the file has them"))
    if kinds is not None:
        names = say(", ").join(i18n.in_language(g.lang, one.name) for one in kinds if one.is_used)
        own = say("Kinds of daily conduct, as the file has them: {names}", names=names)
        said.append(own if kinds else say("Kinds of daily conduct: the centre's, as the file has it"))
    return said


def _who(version: planned.Version) -> str:
    """Who took a plan into use; the name masked, for it stands there for ever (P.33)."""
    return say("the system") if version.by == SYSTEM.id else mask(version.by)


def _why_not(change: planned.Planned) -> str:
    refused = refusal_of(change)
    return "" if refused is None else say_refused(refused)


def _served(plan: Plan, window: drafting.Item) -> str:
    return say(", ").join(setup_words.serves(one, plan) for one in window.serves)


# --- the hall itself, and its rules


@blueprint.get("/setup/<hall>/hall")
@role_required(*SETUP_ROLES)
def whole(hall: str) -> str:
    return setup_page("setup/hall.html", the_hall(hall), form=setup_forms.hall_form(changes_of(hall).plan()))


@blueprint.post("/setup/<hall>/hall")
@role_required(*SETUP_ROLES)
def change_whole(hall: str) -> Response | tuple[str, int]:
    error = _edited(hall, lambda plan: setup_forms.with_hall(plan, request.form), "hall")
    if error:
        return setup_page(
            "setup/hall.html", the_hall(hall), form=request.form, error=error
        ), HTTPStatus.CONFLICT
    return _to("setup.overview", hall)


@blueprint.get("/setup/<hall>/rules")
@role_required(*SETUP_ROLES)
def rules(hall: str) -> str:
    return _rules(hall)


def _rules(hall: str, error: str = "") -> str:
    settings = settings_of(changes_of(hall).plan().rules)
    usual = {name: value for name, value in settings.items() if not name.startswith("balance.")}
    return setup_page("setup/rules.html", the_hall(hall), settings=usual, form=request.form, error=error)


@blueprint.post("/setup/<hall>/rules")
@role_required(*SETUP_ROLES)
def change_rules(hall: str) -> Response | tuple[str, int]:
    """Only what is written otherwise is changed."""

    def edit(plan: Plan) -> Plan:
        now = settings_of(plan.rules)
        wanted = {name: text.strip() for name, text in request.form.items() if name in now and text.strip()}
        return changed_plan(
            plan, Variant(settings={name: text for name, text in wanted.items() if text != now[name]})
        )

    error = _edited(hall, edit, "rules")
    return (_rules(hall, error), HTTPStatus.CONFLICT) if error else _to("setup.overview", hall)


# --- the pieces


@blueprint.get(f"/setup/<hall>/{SECTION}")
@role_required(*SETUP_ROLES)
def pieces(hall: str, section: str) -> str:
    return _pieces(hall, section)


def _pieces(hall: str, section: str, error: str = "") -> str:
    return setup_page("setup/pieces.html", the_hall(hall), section=section, serves=_served, error=error)


@blueprint.get(f"/setup/<hall>/{SECTION}/<key>")
@role_required(*SETUP_ROLES)
def piece(hall: str, section: str, key: str) -> str:
    """The form of one piece; of a new one, under the key `new`."""
    plan = changes_of(hall).plan()
    if key == NEW:
        return _form(hall, section, key, setup_forms.blank(plan, section))
    item = drafting.find(plan, section, key)
    if item is None:
        abort(HTTPStatus.NOT_FOUND)
    return _form(hall, section, key, setup_forms.form_of(section, item))


def _form(hall: str, section: str, key: str, form: setup_forms.Form, error: str = "") -> str:
    plan = changes_of(hall).plan()
    return setup_page(
        "setup/piece.html",
        the_hall(hall),
        section=section,
        key=key,
        item=drafting.find(plan, section, key),
        is_new=key == NEW,
        form=form,
        modes=WindowMode,
        levels=range(setup_forms.LEVELS),
        skills=sorted({one.skill for one in plan.queues if one.skill}),
        error=error,
    )


@blueprint.post(f"/setup/<hall>/{SECTION}/<key>")
@role_required(*SETUP_ROLES)
def change_piece(hall: str, section: str, key: str) -> Response | tuple[str, int]:
    def edit(plan: Plan) -> Plan:
        if key != NEW and drafting.find(plan, section, key) is None:
            abort(HTTPStatus.NOT_FOUND)
        return drafting.put(plan, section, setup_forms.filled(plan, section, key, request.form))

    error = _edited(hall, edit, f"{section}/{key}")
    if error:
        return _form(hall, section, key, request.form, error), HTTPStatus.CONFLICT
    return redirect(url_for("setup.pieces", hall=hall, section=section), HTTPStatus.SEE_OTHER)


@blueprint.post(f"/setup/<hall>/{SECTION}/<key>/<any(up, down, remove, leave):what>")
@role_required(*SETUP_ROLES)
def arrange(hall: str, section: str, key: str, what: str) -> Response | tuple[str, int]:
    """Move a piece in its list, or take it away; a department leaves with its windows and queues."""
    edits: dict[str, Edit] = {
        "up": lambda plan: drafting.moved(plan, section, key, -1),
        "down": lambda plan: drafting.moved(plan, section, key, 1),
        "remove": lambda plan: drafting.without(plan, section, key),
        "leave": lambda plan: drafting.without_department(plan, key),
    }
    error = _edited(hall, edits[what], f"{section}/{key}/{what}")
    if error:
        return _pieces(hall, section, error), HTTPStatus.CONFLICT
    place = url_for("setup.pieces", hall=hall, section=section)
    return redirect(f"{place}#{section}-{key}" if what in ("up", "down") else place, HTTPStatus.SEE_OTHER)


def _edited(hall: str, edit: Edit, subject: str) -> str:
    """Change the draft; why it could not be, "" when it was."""
    try:
        changes_of(hall).edit(edit, me().id, subject)
    except BadForm as error:
        return say(f"setup_bad.{error.code}", **{**error.facts, "field": _field(error)})
    except BadVariant as error:
        return say(f"trial_bad.{error.code}", given=error.given)
    except Refused as error:
        return say_refused(error)
    return ""


def _field(error: BadForm) -> str:
    name = str(error.facts.get("name", ""))
    return setup_words.field_name("", "level" if name.startswith("level-") else name) if name else ""


def _to(endpoint: str, hall: str) -> Response:
    return redirect(url_for(endpoint, hall=hall), HTTPStatus.SEE_OTHER)


# --- from the draft to the plan


@blueprint.get("/setup/<hall>/change")
@role_required(*SETUP_ROLES)
def change(hall: str) -> str:
    """What applying the draft would do, before it is done."""
    return _change(hall)


def _change(hall: str, error: str = "") -> str:
    live = the_hall(hall)
    before, after, now = live.hall.plan, changes_of(hall).plan(), hall_now()
    refused = impact.refusals(live.hall, after)
    found = [] if refused else impact.consequences(live.hall, after, now)
    return setup_page(
        "setup/change.html",
        live,
        lines=setup_words.lines(drafting.differences(before, after), before, after),
        refused=[say_refused(one) for one in refused],
        consequences=[(one.is_warning, setup_words.consequence(one)) for one in found],
        soon=(now + SOON).astimezone(the_site().settings.zone).strftime("%Y-%m-%dT%H:00"),
        form=request.form,
        error=error,
    )


@blueprint.post("/setup/<hall>/change/<any(apply, later, discard):what>")
@role_required(*SETUP_ROLES)
def decide(hall: str, what: str) -> Response | tuple[str, int]:
    """Take the draft into use now or at its hour, or throw it away."""
    changes, note = changes_of(hall), request.form.get("note", "").strip()[:LONGEST_NOTE]
    try:
        match what:
            case "apply":
                changes.apply(me().actor, note)
            case "later":
                changes.schedule(_due(), me().id, note)
            case _:
                changes.discard(me().id)
    except BadForm as error:
        return _change(hall, say(f"setup_bad.{error.code}")), HTTPStatus.BAD_REQUEST
    except Refused as error:
        return _change(hall, say_refused(error)), HTTPStatus.CONFLICT
    return _to("setup.overview", hall)


def _due() -> datetime:
    """The hour in the form, by the hall's clock. Raises BadForm."""
    try:
        due = datetime.fromisoformat(request.form.get("due", "")).replace(tzinfo=the_site().settings.zone)
    except ValueError:
        raise BadForm("due") from None
    if due <= hall_now():
        raise BadForm("due_past")
    return due


@blueprint.post("/setup/<hall>/coming/<int:id>/withdraw")
@role_required(*SETUP_ROLES)
def withdraw(hall: str, id: int) -> Response:
    """A change that waits is not applied."""
    try:
        changes_of(hall).withdraw(id, me().id)
    except NotWaiting:
        abort(HTTPStatus.CONFLICT, "not_waiting")
    return _to("setup.overview", hall)
