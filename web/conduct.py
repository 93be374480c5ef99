"""The register of daily conduct on the centre's pages: noted, corrected, answered, summed by month (S4.24).

The hall's manager enters; director and supervisor read, and may answer objections. What the home unit and the
person concerned see of it is own_conduct.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from http import HTTPStatus

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from controller import i18n
from controller.clock import real_now
from controller.conduct import LONGEST, WATCHED, Entry, Kind, Step, Sum, What, deciders, possible, summed
from controller.hall.model import Hall, Refused
from controller.people import UNIT_WRITERS, Role
from controller.store import conduct as rows
from controller.store.audit import audit
from controller.store.conduct import Wanted
from controller.store.people import Person
from web.document import Column, Document, Grid, Value
from web.privacy import name_of
from web.report_files import FORMS, as_file, made
from web.sheet import as_file as as_csv
from web.visit import MAX_KEY, hall_now, me, role_required, say, say_refused, the_hall, the_site

blueprint = Blueprint("conduct", __name__)

READERS = (Role.HALL_MANAGER, Role.DIRECTOR, Role.SUPERVISOR)
EXPORT = "conduct.export"  # the row of the trail
VIEWS = ("all", "disputed", "withdrawn")


@dataclass(frozen=True, slots=True)
class Wish:
    """A month's entries. person: of this one alone."""

    month: date
    view: str = "all"
    person: str | None = None

    @property
    def last(self) -> date:
        return (self.month + timedelta(days=31)).replace(day=1) - timedelta(days=1)

    def arguments(self, **changes: object) -> dict[str, object]:
        wish: dict[str, object] = {
            "month": f"{self.month:%Y-%m}",
            "view": self.view,
            "person": self.person,
        }
        return {name: value for name, value in {**wish, **changes}.items() if value not in ("", None)}

    def shows(self, entry: Entry) -> bool:
        if self.view == "disputed":
            return entry.is_disputed
        return self.view == "all" or entry.is_withdrawn


# --- the month of a hall


@blueprint.get("/m/<hall>/conduct")
@role_required(*READERS)
def page(hall: str) -> str:
    return _page(the_hall(hall).hall)


def _page(hall: Hall, error: str = "") -> str:
    wish, everybody = wished(), people()
    entries = of_month(wish, [hall.id])
    return render_template(
        "conduct/page.html",
        hall=hall,
        wish=wish,
        views=VIEWS,
        forms=(*FORMS, "csv"),
        entries=[one for one in entries if wish.shows(one)],
        disputed=sum(one.is_disputed for one in entries),
        persons=by_person(entries),
        units=by_unit(entries),
        everybody=everybody,
        watched=[one for one in everybody.values() if is_watched(one, hall.id) and one.id != me().id],
        kinds=used_kinds(hall.id),
        name_of_kind=name_of_kind,
        may_enter=Role.HALL_MANAGER in me().roles,
        today=today(),
        form=request.form,
        longest=LONGEST,
        error=error,
        done=request.args.get("done", ""),
    )


@blueprint.post("/m/<hall>/conduct")
@role_required(Role.HALL_MANAGER)
def enter(hall: str) -> Response | tuple[str, int]:
    """Note something of somebody; pressed twice it is noted once."""
    value, form = the_hall(hall).hall, request.form
    about, day = people().get(form.get("person", "")), form.get("day", type=date.fromisoformat)
    if about is None or day is None or not form.get("kind"):
        return _page(value, say("error.form_incomplete")), HTTPStatus.BAD_REQUEST
    key = f"{me().id}:{form['key'][:MAX_KEY]}" if form.get("key") else None
    try:
        with the_site().store.writing() as c:
            said = form.get("words", "")
            by, now = me(), real_now()
            rows.enter(c, hall, about, form["kind"], day, said, by, now, today(), key, hall_now())
    except Refused as error:
        return _page(value, say_refused(error)), HTTPStatus.CONFLICT
    back = url_for("conduct.page", hall=hall, month=f"{day:%Y-%m}", done="1")
    return redirect(back, HTTPStatus.SEE_OTHER)


@blueprint.get("/m/<hall>/conduct.<any(xlsx, pdf, csv):form>")
@role_required(*READERS)
def file(hall: str, form: str) -> Response:
    """The month as a file; its taking is a row of the trail."""
    value, wish = the_hall(hall).hall, wished()
    entries = [one for one in of_month(wish, [hall]) if wish.shows(one)]
    return month_file(i18n.in_language(g.lang, value.plan.name), hall, wish, entries, form)


def month_file(title: str, name: str, wish: Wish, entries: Sequence[Entry], form: str) -> Response:
    with the_site().store.writing() as c:
        audit(me().id, EXPORT, name, real_now(), rows=len(entries), **wish.arguments())(c)
    file_name = f"conduct-{name}-{wish.month:%Y-%m}"
    grid = _grid(entries)
    if form == "csv":
        return as_csv(file_name, [one.name for one in grid.columns], grid.rows)
    blocks = [_sums(say("By person"), by_person(entries)), _sums(say("By home unit"), by_unit(entries)), grid]
    about = f"{title} · {wish.month:%Y-%m}"
    return as_file(Document(say("Daily conduct"), about, made(), blocks), file_name, form)


def _grid(entries: Iterable[Entry]) -> Grid:
    names = ("Day", "Staff member", "Staff number", "Home unit", "Kind", "Points", "State", "What was seen")
    everybody = people()
    columns = [Column(say(name), "number" if name == "Points" else "text") for name in names]
    return Grid(say("Entries"), columns, [_row(one, everybody) for one in entries], say("None."), True)


def _row(entry: Entry, everybody: Mapping[str, Person]) -> Sequence[Value]:
    about, fact = everybody.get(entry.person), entry.fact
    return [
        entry.day.isoformat(),
        entry.person if about is None else name_of(about.name),
        (about.staff_number if about else None) or entry.person,
        entry.home_unit or "",
        name_of_kind(fact),
        fact.points,
        i18n.label(g.lang, "conduct_state", state_of(entry)),
        fact.words,
    ]


def _sums(title: str, sums: Mapping[str | None, Sum]) -> Grid:
    """The score is one person's; of a unit the column stays empty."""
    names = ("Entries", "Deducted", "Added", "Score")
    columns = [Column(title), *(Column(say(one), "number") for one in names)]
    return Grid(title, columns, [_sum(id, one) for id, one in sums.items()], say("None."))


def _sum(id: str | None, one: Sum) -> Sequence[Value]:
    about = people().get(id or "")
    named = said_of(about) if about is not None else id or say("the centre's own")
    return [named, one.entries, one.deducted, one.added, None if about is None else one.score]


def said_of(person: Person) -> str:
    """Name as it may be shown, with the number that tells who it is."""
    return f"{name_of(person.name)} {person.staff_number or person.id}"


# --- in the bulletin of the day


def day_sums(hall: str, day: date) -> Iterator[Grid]:
    """What was noted of a day, for who may read the register: all of it, or of the unit they answer for."""
    reads_all = bool(me().roles & set(READERS))
    unit = None if reads_all else me().home_unit
    if not reads_all and (unit is None or not me().roles & UNIT_WRITERS):
        return
    with the_site().store.reading() as c:
        found = rows.listed(c, Wanted(day, day, [hall], home_unit=unit))
    kept = [one for one in found if not one.is_withdrawn]
    nothing = say("Nothing was noted on this day.")
    yield _day_grid(say("Daily conduct by home unit"), say("Home unit"), by_unit(kept), nothing)
    kinds = _summed(kept, lambda entry: name_of_kind(entry.fact))
    yield _day_grid(say("Daily conduct by kind"), say("Kind"), kinds, nothing)


def _day_grid(title: str, first: str, sums: Mapping[str | None, Sum], nothing: str) -> Grid:
    names = ("Entries", "Staff members", "Deducted", "Added")
    columns = [Column(first), *(Column(say(one), "number") for one in names)]
    cells: list[Sequence[Value]] = [
        [name or say("the centre's own"), one.entries, one.people, one.deducted, one.added]
        for name, one in sums.items()
    ]
    return Grid(title, columns, cells, nothing)


# --- one entry


@blueprint.get("/m/<hall>/conduct/<int:id>")
@role_required(*READERS)
def one(hall: str, id: int) -> str:
    return _one(the_hall(hall).hall, id)


def _one(hall: Hall, id: int, error: str = "") -> str:
    entry = _entry(hall.id, id)
    everybody, open_to_me = people(), possible(entry, me(), people().values())
    return render_template(
        "conduct/one.html",
        hall=hall,
        entry=entry,
        state=state_of(entry),
        everybody=everybody,
        name_of_kind=name_of_kind,
        kinds=used_kinds(hall.id),
        deciders=deciders(entry, everybody.values()) if entry.is_disputed else (),
        deeds=[what for what in (What.ANSWERED, What.CORRECTED, What.WITHDRAWN) if what in open_to_me],
        is_own=entry.fact.by == me().id,
        form=request.form,
        longest=LONGEST,
        error=error,
    )


@blueprint.post("/m/<hall>/conduct/<int:id>/<any(correct, withdraw, answer):what>")
@role_required(*READERS)
def act(hall: str, id: int, what: str) -> Response | tuple[str, int]:
    value, form = the_hall(hall).hall, request.form
    _entry(hall, id)
    words, now = form.get("words", ""), real_now()
    try:
        with the_site().store.writing() as c:
            if what == "answer":
                rows.answer(c, id, form.get("right") == "1", words, me(), now, hall_now())
            else:
                deed = What.CORRECTED if what == "correct" else What.WITHDRAWN
                rows.take(c, id, deed, words, me(), now, form.get("kind"), hall_now())
    except Refused as error:
        return _one(value, id, say_refused(error)), HTTPStatus.CONFLICT
    return redirect(url_for("conduct.one", hall=hall, id=id), HTTPStatus.SEE_OTHER)


def _entry(hall: str, id: int) -> Entry:
    with the_site().store.reading() as c:
        entry = rows.find(c, id)
    if entry is None or entry.hall != hall:
        abort(HTTPStatus.NOT_FOUND)
    return entry


# --- shared with own_conduct.py


def wished() -> Wish:
    """What the address asks for; this month unless it says another."""
    args = request.args
    try:
        month = date.fromisoformat(f"{args.get('month', '')}-01")
    except ValueError:
        month = today().replace(day=1)
    view = args.get("view", "")
    return Wish(month, view if view in VIEWS else "all", args.get("person") or None)


def of_month(wish: Wish, halls: Iterable[str] | None, home_unit: str | None = None) -> list[Entry]:
    wanted = Wanted(wish.month, wish.last, None if halls is None else list(halls), wish.person, home_unit)
    with the_site().store.reading() as c:
        return rows.listed(c, wanted)


def by_person(entries: Iterable[Entry]) -> Mapping[str | None, Sum]:
    """The lowest score first."""
    sums = _summed(entries, lambda entry: entry.person)
    return dict(sorted(sums.items(), key=lambda one: (one[1].score, one[0] or "")))


def by_unit(entries: Iterable[Entry]) -> Mapping[str | None, Sum]:
    """The most deducted first."""
    sums = _summed(entries, lambda entry: entry.home_unit)
    return dict(sorted(sums.items(), key=lambda one: (-one[1].deducted, one[0] or "")))


def _summed(entries: Iterable[Entry], of: Callable[[Entry], str | None]) -> dict[str | None, Sum]:
    found: dict[str | None, list[Entry]] = {}
    for entry in entries:
        found.setdefault(of(entry), []).append(entry)
    return {key: summed(some) for key, some in found.items() if not all(one.is_withdrawn for one in some)}


def state_of(entry: Entry) -> str:
    """The word for how it stands: withdrawn | disputed | corrected | entered."""
    if entry.is_withdrawn:
        return "withdrawn"
    return "disputed" if entry.is_disputed else entry.fact.what.value


def used_kinds(hall: str) -> Sequence[Kind]:
    with the_site().store.reading() as c:
        return [one for one in rows.kinds(c, hall) if one.is_used]


def name_of_kind(step: Step) -> str:
    """As it was then; in rows from before names were kept, as the centre calls it today."""
    if step.name is None and "conduct_kinds" not in g:
        with the_site().store.reading() as c:
            g.conduct_kinds = {one.code: one.name for one in rows.kinds(c)}
    name = step.name or g.conduct_kinds.get(step.kind)
    return i18n.in_language(g.lang, name) if name else step.kind


def people() -> Mapping[str, Person]:
    if "conduct_people" not in g:
        g.conduct_people = {one.id: one for one in the_site().people.all()}
    found: Mapping[str, Person] = g.conduct_people
    return found


def is_watched(person: Person, hall: str) -> bool:
    return person.is_active and bool(person.roles & WATCHED) and person.works_in(hall)


def today() -> date:
    return hall_now().astimezone(the_site().settings.zone).date()
