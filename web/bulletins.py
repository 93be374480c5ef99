"""The bulletin of a day (日通报, R-D1): what it came to beside the same weekdays before, as page and as file.

Figures of days that are over are read as they were kept when the day was closed; today's are those up to now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from http import HTTPStatus

from flask import Blueprint, abort, g, render_template, request
from werkzeug.wrappers import Response

from controller import i18n
from controller.hall.figures import COARSE_ENDS, Figures, coarse, figures
from controller.hall.loads import busy
from controller.hall.model import Hall
from controller.hall.tallies import Tally, WindowTally, together
from controller.store import devices, spans, tallies
from controller.store.devices import Fault
from controller.store.tallies import Day, DayTally
from web.conduct import day_sums
from web.document import Bars, Block, Column, Document, Fact, Facts, Grid, Lines, Value
from web.document import shown as said
from web.home import BOARD_ROLES
from web.needs import fault_words
from web.privacy import name_of
from web.report_files import FORMS, as_file, how
from web.usual import WEEKDAYS_BEFORE, halves
from web.visit import hall_now, role_required, say, the_hall, the_site

blueprint = Blueprint("bulletins", __name__)


@dataclass(frozen=True, slots=True)
class Told:
    """What one bulletin is made of. earlier: the same weekdays before; usual: all their visits together."""

    made: DayTally
    earlier: Sequence[date]
    usual: Tally
    faults: Sequence[Fault]


@blueprint.get("/m/<hall>/day")
@role_required(*BOARD_ROLES)
def page(hall: str) -> str:
    value, day = the_hall(hall).hall, asked_day(hall)
    told = _told(value, day)
    return render_template(
        "manager/bulletin.html",
        hall=value,
        day=day,
        before=day - timedelta(days=1),
        after=day + timedelta(days=1),
        forms=FORMS,
        how=how,
        document=None if told is None else _document(value, told),
    )


@blueprint.get("/m/<hall>/day.<any(xlsx, pdf):form>")
@role_required(*BOARD_ROLES)
def file(hall: str, form: str) -> Response:
    value, day = the_hall(hall).hall, asked_day(hall)
    told = _told(value, day)
    if told is None:
        abort(HTTPStatus.NOT_FOUND)
    return as_file(_document(value, told), f"bulletin-{hall}-{day}", form)


def asked_day(hall: str) -> date:
    """The day in the address, else the hall's own, else today."""
    asked, value = request.args.get("day", ""), the_hall(hall).hall
    if asked:
        try:
            return date.fromisoformat(asked)
        except ValueError:
            abort(HTTPStatus.BAD_REQUEST, "form_incomplete")
    return value.day.date if value.day else hall_now().astimezone(_zone()).date()


def _zone() -> tzinfo:
    return the_site().settings.zone


def _told(hall: Hall, day: date) -> Told | None:
    """None when the hall was not open on that day."""
    zones = {str(window.number): window.zone for window in hall.plan.windows}
    midnight = datetime.combine(day, time(), _zone())
    with the_site().store.reading() as c:
        made = tallies.of_day(c, hall.id, day, hall_now(), zones)
        if made is None:
            return None
        earlier = spans.same_weekdays(c, hall.id, day, WEEKDAYS_BEFORE)
        usual = together(spans.queues_of(c, hall.id, earlier).values())
        faults = devices.faults_during(c, hall.id, midnight, midnight + timedelta(days=1))
    return Told(made, earlier, usual, faults)


# --- what it says


def _document(hall: Hall, told: Told) -> Document:
    made, zone = told.made, _zone()
    day = made.day.day
    weekday = i18n.label(g.lang, "weekday", str(day.weekday()))
    is_over = made.day.closed_at is not None
    state = say("the whole day") if is_over else say("up to {time}", time=said(made.until, "text", zone))
    return Document(
        say("Bulletin of the day"),
        f"{i18n.in_language(g.lang, hall.plan.name)} · {day} {weekday} · {state}",
        say("made {time}", time=hall_now().astimezone(zone).strftime("%Y-%m-%d %H:%M")),
        list(_blocks(hall, told)),
    )


def _blocks(hall: Hall, told: Told) -> Iterator[Block]:
    made, zone = told.made, _zone()
    now = together(made.queues.values())
    yield from facts(_figures_title(told), figures(now), _usual(told), _as_usual)
    yield Lines(say("Course of the day"), list(course(made.day, zone)))
    yield from _charts(told, now, zone)
    yield _queues(hall, made.queues)
    yield _windows(made.windows)
    yield _attention(made)
    yield from day_sums(hall.id, made.day.day)
    yield _faults(told.faults, zone)


def _usual(told: Told) -> Figures | None:
    return figures(told.usual, len(told.earlier)) if told.earlier else None


def _figures_title(told: Told) -> str:
    if not told.earlier:
        return say("Figures")
    weekday = i18n.label(g.lang, "weekday", str(told.made.day.day.weekday()))
    count = len(told.earlier)
    return i18n.tn(
        g.lang,
        "Figures, and as usual on the last {weekday}",
        "Figures, and as usual on the last {n} days that were {weekday}",
        count,
        weekday=weekday,
    )


FIGURES: Mapping[str, Mapping[str, str]] = {
    "visits": {
        **dict.fromkeys(("issued", "served", "missed", "abandoned"), "number"),
        "no_show": "percent",
        **dict.fromkeys(("expired", "cancelled", "moved", "green", "booked"), "number"),
    },
    "waits": {
        **dict.fromkeys(("mean_wait", "half_wait", "most_wait", "longest_wait"), "minutes"),
        **dict.fromkeys(("soon", "long"), "percent"),
        "mean_service": "minutes",
    },
    "results": {
        **dict.fromkeys(("cases", "enquiries", "collections", "nothings", "rated"), "number"),
        **dict.fromkeys(("took_part", "satisfied", "strictly"), "percent"),
        "bad": "number",
    },
}
KINDS = {name: kind for group in FIGURES.values() for name, kind in group.items()}


def facts(
    title: str, now: Figures, usual: Figures | None, compared: Callable[[str], str], is_mean: bool = False
) -> Iterator[Facts]:
    """Every figure with its name and, when there is one, its usual value, said by `compared`.

    is_mean: counts are means too, with tenths.
    """
    for group, names in FIGURES.items():
        every = [_fact(name, now, usual, compared, is_mean) for name in names]
        yield Facts(title if group == "visits" else i18n.label(g.lang, "figures", group), every)


def _fact(
    name: str, now: Figures, usual: Figures | None, compared: Callable[[str], str], is_mean: bool
) -> Fact:
    kind, value = KINDS[name], getattr(now, name)
    before: Value = getattr(usual, name) if usual else None
    tenths = "tenths" if kind == "number" else kind
    note = compared(said(before, tenths, _zone())) if usual else ""
    unit = " ({})".format(say("min")) if kind == "minutes" else ""
    return Fact(i18n.label(g.lang, "figure", name) + unit, value, tenths if is_mean else kind, before, note)


def _as_usual(value: str) -> str:
    return say("usually {value}", value=value)


def course(day: Day, zone: tzinfo) -> Iterator[str]:
    """Who opened, stopped and closed it, and when."""
    yield say("Opened at {time} by {who}.", time=said(day.opened_at, "text", zone), who=who(day.opened_by))
    if day.stopped_at is not None:
        time_, by = said(day.stopped_at, "text", zone), who(day.stopped_by)
        yield say("No more tickets from {time}, by {who}.", time=time_, who=by)
    if day.closed_at is None:
        yield say("Open until {time}.", time=said(day.closes_at, "text", zone))
    else:
        time_, by = said(day.closed_at, "text", zone), who(day.closed_by)
        yield say("Closed at {time} by {who}.", time=time_, who=by)


def who(by: str | None) -> str:
    """A person's name as it may be shown, or a word for what did it by itself."""
    kind, _, id = (by or "").partition("/")
    person = the_site().people.get(id) if kind == "person" else None
    return name_of(person.name) if person else i18n.label(g.lang, "actor", kind) if kind else ""


# --- charts


def _charts(told: Told, now: Tally, zone: tzinfo) -> Iterator[Block]:
    noon = datetime.combine(told.made.day.day, time(12), zone)
    offset = noon.utcoffset() or timedelta()
    days = max(1, len(told.earlier))
    mine, before = halves(now.arrivals, offset), halves(told.usual.arrivals, offset, days)
    shown = busy([mine, before])
    labels = [f"{half // 2:02d}:{half % 2 * 30:02d}" for half in shown]
    if labels:
        names, series = [say("this day")], [[mine[half] for half in shown]]
        if told.earlier:
            names.insert(0, say("usually"))
            series.insert(0, [before[half] for half in shown])
        yield Bars(say("Tickets taken by half hour"), say("From"), labels, names, series)
    if now.called:
        yield waits_chart(now)


def waits_chart(tally: Tally) -> Bars:
    """How many waited how long."""
    ends = [f"≤ {end}" for end in COARSE_ENDS] + [f"> {COARSE_ENDS[-1]}"]
    counts = [[float(count) for count in coarse(tally.waits)]]
    return Bars(say("How long people waited, minutes"), say("Minutes"), ends, [say("tickets")], counts)


# --- tables


def _queues(hall: Hall, queues: Mapping[str, Tally]) -> Grid:
    names = {code: i18n.in_language(g.lang, queue.name) for code, queue in hall.queues.items()}
    rows = [
        queue_row(f"{code} {names.get(code, '')}".strip(), figures(tally))
        for code, tally in sorted(queues.items())
    ]
    return Grid(say("Queues"), queue_columns(), rows, say("No ticket was taken on this day."))


QUEUE_FIGURES = ("issued", "served", "mean_wait", "most_wait", "long", "abandoned", "expired", "mean_service")


def queue_columns() -> list[Column]:
    return [
        Column(say("Queue")),
        *(Column(i18n.label(g.lang, "figure", name), KINDS[name]) for name in (*QUEUE_FIGURES, "satisfied")),
    ]


def queue_row(name: str, row: Figures) -> list[Value]:
    return [name, *(getattr(row, figure) for figure in (*QUEUE_FIGURES, "satisfied"))]


def _windows(windows: Mapping[int, WindowTally]) -> Grid:
    columns = [
        Column(say("Window")),
        Column(say("First there")),
        Column(say("Last there")),
        *window_columns(),
    ]
    rows = [
        [str(number), one.first_at, one.last_at, *window_row(one)] for number, one in sorted(windows.items())
    ]
    return Grid(say("Windows"), columns, rows, say("No window was open on this day."))


def window_columns() -> list[Column]:
    return [
        Column(say("Staffed (h)"), "hours"),
        Column(say("Breaks (min)"), "number"),
        Column(say("Lost (min)"), "number"),
        Column(say("Planned, nobody there (min)"), "number"),
        Column(say("Served"), "number"),
        Column(say("Mean service (min)"), "minutes"),
        Column(say("In use"), "percent"),
    ]


def window_row(one: WindowTally) -> list[Value]:
    return [
        one.staffed_s / 3600,
        one.paused_s / 60,
        one.lost_s / 60,
        one.absent_s / 60,
        one.served,
        one.service_s / 60 / one.served if one.served else None,
        min(1.0, one.service_s / one.staffed_s) if one.staffed_s else None,
    ]


JUMP = "Jump"
ATTENTION = (
    JUMP,
    *(
        "TicketRecalled",
        "TicketReturned",
        "TicketLetPass",
        "TicketDelayed",
        "TicketTransferred",
        "TicketHeld",
    ),
    *("TicketReopened", "PauseOverdue", "WindowLost", "TicketRequeued", "TicketRenumbered", "MeasureTaken"),
)


def _attention(made: DayTally) -> Grid:
    """What happened out of the ordinary, counted."""
    happened = {JUMP: made.jumps, **made.happened}
    counted = [(i18n.label(g.lang, "happened", kind), happened.get(kind, 0)) for kind in ATTENTION]
    return Grid(
        say("Out of the ordinary"),
        [Column(say("What")), Column(say("How often"), "number")],
        [[name, count] for name, count in counted if count],
        say("Nothing out of the ordinary."),
    )


def _faults(faults: Sequence[Fault], zone: tzinfo) -> Grid:
    rows = [[*fault_words(one), one.since, one.until] for one in faults]
    times = (i18n.label(g.lang, "span", end) for end in ("from", "until"))
    columns = [Column(name) for name in (say("Where"), say("Fault"), *times)]
    return Grid(say("Faults of devices"), columns, rows, say("No device had a fault."))
