"""The report on bad ratings (R-M4): how many, of what, put right in time; as page, workbook and print.

Figures by their definitions: K.15 participation, K.16 satisfaction, K.17 negative per 1,000, K.18 rectified
on time. Void ratings are in none of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from flask import g

from controller import i18n
from controller.hall import followups as f
from controller.hall.figures import figures as tallied
from controller.hall.model import Hall, RatingReason, Text
from controller.hall.ratings import Channel
from controller.hall.tallies import together
from controller.store import ratings, spans
from web.document import Block, Column, Document, Fact, Facts, Grid, Value
from web.visit import say, the_site

Row = Sequence[Value]


def figures(hall: Hall, cases: Collection[f.Case], first: date, last: date, now: datetime) -> Facts:
    """What the days came to."""
    with the_site().store.reading() as c:
        tally = together(spans.by_queue(c, hall.id, first, last).values())
        levels = ratings.levels_by_day(c, hall.id, first, last)
    whole, clocks = tallied(tally), f.kept(cases, now)
    rated = sum(sum(day.values()) for day in levels.values())
    bad = sum(day[1] + day[2] for day in levels.values())
    return Facts(
        say("Figures"),
        [
            _share("Took part", whole.took_part, "of finished visits"),
            _share("Satisfied", whole.satisfied, "levels 3 to 5"),
            _share("Strictly satisfied", whole.strictly, "levels 4 and 5"),
            Fact(say("Bad ratings"), bad, "number", note=_per_thousand(bad, rated)),
            Fact(say("Waiting for a step"), sum(case.stage not in f.OVER for case in cases), "number"),
            Fact(say("Overdue"), sum(case.is_overdue(now) for case in cases), "number"),
            Fact(say("Put right in time"), clocks.share, "percent", note=say("of {n} due", n=clocks.due)),
            Fact(say("Found void"), sum(case.stage is f.Stage.VOID for case in cases), "number"),
        ],
    )


def _share(name: str, share: float | None, of: str) -> Fact:
    """A share of days that are over; there is none before the first is."""
    note = say("counted when the day is closed") if share is None else say(of)
    return Fact(say(name), share, "percent", note=note)


def _per_thousand(bad: int, rated: int) -> str:
    return say("{n} of 1,000 ratings", n=f"{1000 * bad / rated:.1f}") if rated else ""


def document(hall: Hall, cases: Sequence[f.Case], first: date, last: date, now: datetime) -> Document:
    zone = the_site().settings.zone
    with the_site().store.reading() as c:
        reasons = ratings.reasons(c, hall.id, first, last)
        channels = ratings.channels(c, hall.id, first, last)
    blocks: list[Block] = [
        figures(hall, cases, first, last, now),
        _counted(say("By reason"), _by_name(hall, reasons)),
        _counted(say("By window"), Counter(_window(case) for case in cases)),
        _counted(say("By queue"), Counter(_queue(hall, case) for case in cases)),
        _counted(say("By channel"), _worded(channels), say("Ratings")),
        grid(hall, cases, now),
    ]
    return Document(
        say("Bad ratings"),
        f"{i18n.in_language(g.lang, hall.plan.name)} · {first} – {last}",
        say("made {time}", time=now.astimezone(zone).strftime("%Y-%m-%d %H:%M")),
        blocks,
    )


def _worded(channels: Mapping[Channel, int]) -> dict[str, int]:
    return {i18n.label(g.lang, "rating_channel", one): count for one, count in channels.items()}


def _counted(title: str, counts: Mapping[str, int], counted: str = "") -> Grid:
    rows = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return Grid(
        title,
        [Column(title), Column(counted or say("Bad ratings"), "number")],
        [list(row) for row in rows],
        say("None."),
    )


def grid(hall: Hall, cases: Iterable[f.Case], now: datetime) -> Grid:
    """The cases, a row each; no names and no numbers to call."""
    names = (
        "Number",
        "Rating level",
        "Queue",
        "Window",
        "Stage",
        "Opened",
        "Due",
        "Overdue",
        "On the ledger",
        "Closed",
    )
    return Grid(
        say("Cases"),
        [Column(say(name)) for name in names],
        [_row(hall, case, now) for case in cases],
        say("None."),
    )


def _row(hall: Hall, case: f.Case, now: datetime) -> Row:
    return [
        case.number,
        i18n.label(g.lang, "rating", str(case.level)),
        _queue(hall, case),
        _window(case),
        i18n.label(g.lang, "rating_stage", case.stage),
        _local(case.opened_at),
        last_day(case.due),
        say("yes") if case.is_overdue(now) else "",
        say("yes") if case.is_extended else "",
        _local(case.closed_at),
    ]


def _local(moment: datetime | None) -> str:
    zone = the_site().settings.zone
    return "" if moment is None else moment.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def last_day(due: datetime | None) -> str:
    """The day at whose end something is due."""
    zone = the_site().settings.zone
    return "" if due is None else f"{(due - timedelta(seconds=1)).astimezone(zone):%Y-%m-%d}"


def _queue(hall: Hall, case: f.Case) -> str:
    queue = hall.queues.get(case.queue)
    return case.queue if queue is None else f"{case.queue} {i18n.in_language(g.lang, queue.name)}"


def _window(case: f.Case) -> str:
    return "" if case.window is None else str(case.window)


def reasons_of(hall: Hall, named: Iterable[RatingReason]) -> list[str]:
    """Reasons by the name they had when they were chosen; where that was not kept by today's, or their id."""
    return [_reason(hall, one) for one in named]


def _by_name(hall: Hall, counts: Mapping[RatingReason, int]) -> Counter[str]:
    found = Counter[str]()
    for one, count in counts.items():
        found[_reason(hall, one)] += count
    return found


def _reason(hall: Hall, named: RatingReason) -> str:
    today = (one.name for one in hall.plan.rating_reasons if one.id == named.id)
    name = named.name if named.name.zh or named.name.en else next(today, Text(named.id, ""))
    return i18n.in_language(g.lang, name)
