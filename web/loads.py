"""The report on load and staffing (R-X4): who came when, how long they waited, how many windows that took.

Over any days that are over, even ten years of them: what is read are the figures kept day by day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from http import HTTPStatus

from flask import Blueprint, abort, g, render_template, request
from werkzeug.wrappers import Response

from controller import i18n
from controller.hall.figures import figures
from controller.hall.loads import Gap, Load, busy, gaps, load, turned
from controller.hall.model import Hall
from controller.hall.staffing import QUARTERS, Target
from controller.hall.tallies import Tally, WindowTally, together
from controller.store import spans
from controller.store.spans import Span
from web.bulletins import facts, queue_columns, queue_row, waits_chart, window_columns, window_row
from web.document import Bars, Block, Column, Document, Facts, Grid, Lines, Value
from web.home import BOARD_ROLES
from web.report_files import FORMS, as_file, how
from web.visit import hall_now, role_required, say, the_hall, the_site

blueprint = Blueprint("loads", __name__)

USUAL_DAYS = 28
TARGET = Target()
MOST_PERIODS = 60  # bars of a trend; then they are months, then years
WEEK = range(7)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which days, which area ("" = the whole hall) and which weekday (None = every)."""

    first: date
    last: date
    zone: str
    weekday: int | None


@dataclass(frozen=True, slots=True)
class Found:
    """What was read. days: tickets taken on each. before: all visits of as many days just before."""

    queues: Mapping[str, Tally]
    days: Mapping[date, int]
    windows: Mapping[int, WindowTally]
    span: Span
    before: Tally
    days_before: int


@blueprint.get("/m/<hall>/load")
@role_required(*BOARD_ROLES)
def page(hall: str) -> str:
    value = the_hall(hall).hall
    asked = _asked(value)
    return render_template(
        "manager/load.html",
        hall=value,
        asked=asked,
        week=WEEK,
        forms=FORMS,
        how=how,
        document=_document(value, asked),
    )


@blueprint.get("/m/<hall>/load.<any(xlsx, pdf):form>")
@role_required(*BOARD_ROLES)
def file(hall: str, form: str) -> Response:
    value = the_hall(hall).hall
    asked = _asked(value)
    return as_file(_document(value, asked), f"load-{hall}-{asked.first}-{asked.last}", form)


def _asked(hall: Hall) -> Asked:
    """What the address asks for; without days, the last four weeks before today."""
    today = hall_now().astimezone(the_site().settings.zone).date()
    last = _day("to", today - timedelta(days=1))
    first = min(_day("from", last - timedelta(days=USUAL_DAYS - 1)), last)
    zone = request.args.get("zone", "")
    weekday = request.args.get("weekday", type=int)
    known = {one.id for one in hall.plan.zones}
    return Asked(first, last, zone if zone in known else "", weekday if weekday in WEEK else None)


def _day(name: str, default: date) -> date:
    try:
        return date.fromisoformat(request.args[name]) if request.args.get(name) else default
    except ValueError:
        abort(HTTPStatus.BAD_REQUEST, "form_incomplete")


def _found(hall: Hall, asked: Asked) -> Found:
    plan, zone = hall.plan, asked.zone
    codes = {queue.code for queue in plan.queues if queue.zone == zone} if zone else None
    numbers = {window.number for window in plan.windows if zone in ("", window.zone)}
    period = hall.id, asked.first, asked.last
    earlier = (
        hall.id,
        asked.first - (asked.last - asked.first) - timedelta(days=1),
        asked.first - timedelta(days=1),
    )
    with the_site().store.reading() as c:
        windows = spans.window_sums(c, *period)
        return Found(
            spans.by_queue(c, *period, codes),
            spans.by_day(c, *period, codes),
            {number: one for number, one in windows.items() if not zone or number in numbers},
            spans.span(c, *period, codes, {zone} if zone else None),
            together(spans.by_queue(c, *earlier, codes).values()),
            len(spans.by_day(c, *earlier, codes)),
        )


# --- what it says


def _document(hall: Hall, asked: Asked) -> Document:
    found = _found(hall, asked)
    zone = next((one.name for one in hall.plan.zones if one.id == asked.zone), None)
    names = [i18n.in_language(g.lang, name) for name in (hall.plan.name, zone) if name]
    weekday = "" if asked.weekday is None else f" · {_weekday(asked.weekday)}"
    now = hall_now().astimezone(the_site().settings.zone)
    return Document(
        say("Load and staffing"),
        f"{' · '.join(names)} · {asked.first} – {asked.last}{weekday}",
        say("made {time}", time=now.strftime("%Y-%m-%d %H:%M")),
        list(_blocks(hall, asked, found)) if found.days else [],
    )


def _blocks(hall: Hall, asked: Asked, found: Found) -> Iterator[Block]:
    offset = _offset(asked.last)
    whole = together(found.queues.values())
    loads = {day: _load(found, whole, [day], offset) for day in WEEK if found.span.days.get(day)}
    shown = list(WEEK) if asked.weekday is None else [asked.weekday]
    mean = _load(found, whole, shown, offset)
    yield from _figures(found, whole)
    yield _trend(found)
    yield from _day_charts(mean)
    yield _advice(loads)
    yield _by_weekday(loads)
    yield waits_chart(whole)
    yield Grid(say("Queues"), queue_columns(), [_queue(hall, *one) for one in found.queues.items()])
    rows = [[str(number), *window_row(one)] for number, one in found.windows.items()]
    yield Grid(say("Windows"), [Column(say("Window")), *window_columns()], rows)


def _offset(day: date) -> timedelta:
    """How far the hall's clock is ahead of UTC."""
    return datetime.combine(day, time(12), the_site().settings.zone).utcoffset() or timedelta()


def _load(found: Found, whole: Tally, weekdays: Sequence[int], offset: timedelta) -> Load:
    """The mean day of some weekdays."""
    span, empty = found.span, [0] * QUARTERS
    people = _together([span.people.get(day, empty) for day in weekdays])
    staffed = _together([span.staffed.get(day, empty) for day in weekdays])
    days = sum(span.days.get(day, 0) for day in weekdays)
    mean = timedelta(seconds=whole.service_s / whole.served) if whole.service_s else timedelta(minutes=5)
    return load(turned(people, offset), turned(staffed, offset), days, mean, TARGET)


def _together(rows: Sequence[Sequence[int]]) -> list[int]:
    return [sum(column) for column in zip(*rows, strict=True)]


def _figures(found: Found, whole: Tally) -> Iterator[Facts]:
    """A mean day beside the mean day of as many days just before."""
    usual = figures(found.before, found.days_before) if found.days_before else None
    days = len(found.days)
    title = i18n.tn(g.lang, "A mean day, of {n} day", "A mean day, of {n} days", days)
    if usual:
        title += i18n.tn(
            g.lang, "; before: of {n} day before them", "; before: of {n} days before them", found.days_before
        )
    yield from facts(title, figures(whole, days), usual, _as_before, is_mean=True)


def _as_before(value: str) -> str:
    return say("before: {value}", value=value)


def _trend(found: Found) -> Bars:
    """Tickets a day, per day, week, month or year, so that the bars can be told apart."""
    for period in (_of_day, _of_week, _of_month, _of_year):
        parts: dict[str, list[int]] = {}
        for day, issued in found.days.items():
            parts.setdefault(period(day), []).append(issued)
        if len(parts) <= MOST_PERIODS:
            break
    means = [sum(counts) / len(counts) for counts in parts.values()]
    title = say("Tickets a day, over time")
    return Bars(title, say("From"), list(parts), [say("tickets")], [means])


def _of_day(day: date) -> str:
    return f"{day:%m-%d}"


def _of_week(day: date) -> str:
    return f"{day - timedelta(days=day.weekday()):%y-%m-%d}"


def _of_month(day: date) -> str:
    return f"{day:%Y-%m}"


def _of_year(day: date) -> str:
    return f"{day:%Y}"


def _day_charts(mean: Load) -> Iterator[Block]:
    quarters = busy([mean.people, mean.staffed])
    labels = [clock(quarter) for quarter in quarters]
    if labels:
        people = [[mean.people[quarter] for quarter in quarters]]
        title = say("People by quarter of an hour, on a mean day")
        yield Bars(title, say("From"), labels, [say("tickets")], people, "tenths")
        needed = [float(mean.needed[quarter]) for quarter in quarters]
        staffed = [mean.staffed[quarter] for quarter in quarters]
        names = [say("staffed"), say("needed")]
        yield Bars(
            say("Windows by quarter of an hour"), say("From"), labels, names, [staffed, needed], "tenths"
        )


def clock(quarter: int) -> str:
    return f"{quarter // 4:02d}:{quarter % 4 * 15:02d}"


def _advice(loads: Mapping[int, Load]) -> Lines:
    """Where the plan of the week lacks windows, and where it has too many."""
    lines = [_sentence(day, gap) for day, one in loads.items() for gap in gaps(one)]
    wait, share = int(TARGET.wait.total_seconds() // 60), round(TARGET.share * 100)
    basis = say("Needed: so that at most {share} % wait longer than {wait} minutes.", share=share, wait=wait)
    enough = say("The windows that were staffed fit those that were needed.")
    return Lines(say("Advice"), [basis, *(lines or [enough])])


def _sentence(weekday: int, gap: Gap) -> str:
    facts = {
        "day": _weekday(weekday),
        "start": clock(gap.first),
        "end": clock(gap.last),
        "needed": gap.needed,
        "staffed": f"{gap.staffed:.1f}",
    }
    if gap.is_short:
        return say("{day} {start}–{end}: {needed} windows were needed, {staffed} were staffed.", **facts)
    return say(
        "{day} {start}–{end}: {needed} windows were enough, {staffed} were staffed: time for breaks.", **facts
    )


def _weekday(day: int) -> str:
    return i18n.label(g.lang, "weekday", str(day))


def _by_weekday(loads: Mapping[int, Load]) -> Grid:
    """People by half hour and weekday."""
    quarters = busy([one.people for one in loads.values()])
    halves = range(quarters.start // 2, -(-quarters.stop // 2))
    counts = [i18n.tn(g.lang, "{n} day", "{n} days", one.days) for one in loads.values()]
    titles = [f"{_weekday(day)} ({count})" for day, count in zip(loads, counts, strict=True)]
    columns = [Column(say("From")), *(Column(title, "tenths") for title in titles)]
    rows: list[list[Value]] = [
        [clock(half * 2), *(sum(one.people[half * 2 : half * 2 + 2]) for one in loads.values())]
        for half in halves
    ]
    rows.append([say("all day"), *(sum(one.people) for one in loads.values())])
    return Grid(say("People by half hour and weekday, on a mean day"), columns, rows)


def _queue(hall: Hall, code: str, tally: Tally) -> list[Value]:
    queue = hall.queues.get(code)
    name = i18n.in_language(g.lang, queue.name) if queue else ""
    return queue_row(f"{code} {name}".strip(), figures(tally))
