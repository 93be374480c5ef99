"""What the hall publishes of its ratings: satisfaction beside participation, and what was put right (P.09).

For everybody, in both languages. Nothing here is of one person: levels are sums of a month, not shown while
there are few, and about a case only what the supervisor wrote to be read by all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from flask import Blueprint, make_response, render_template
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from controller.hall import followups as f
from controller.hall.figures import Figures, figures
from controller.hall.ratings import LEVELS
from controller.hall.tallies import Tally, together
from controller.store import followups, spans
from controller.store.followups import Wanted
from web.visit import hall_now, the_hall, the_site

blueprint = Blueprint("published", __name__)

DAYS = 30
EARLIER = 5  # months before
MOST_CASES = 20
MOST = 2000
KEEP_S = 300


@dataclass(frozen=True, slots=True)
class Span:
    """Some days together. figures: None while fewer were rated than the rule asks for."""

    first: date
    last: date
    visits: int
    levels: dict[int, int]
    figures: Figures | None

    @property
    def rated(self) -> int:
        return sum(self.levels.values())


@blueprint.get("/h/<hall>/ratings")
def page(hall: str) -> Response:
    value, now, zone = the_hall(hall).hall, hall_now(), the_site().settings.zone
    today = now.astimezone(zone).date()
    lasts = [today - timedelta(days=1 + DAYS * back) for back in range(EARLIER + 1)]
    fewest = value.plan.rules.fewest_ratings
    with the_site().store.reading() as c:
        every = [_span(c, hall, last - timedelta(days=DAYS - 1), last, fewest) for last in lasts]
        since, until = (datetime.combine(day, time(), zone) for day in (every[0].first, today))
        cases = followups.listed(c, hall, Wanted(since=since, until=until), MOST)
        told = followups.published(c, hall, MOST_CASES)
    answer = make_response(
        render_template(
            "citizen/ratings.html",
            hall=value,
            now=every[0],
            earlier=[one for one in every[1:] if one.figures is not None],
            levels=tuple(reversed(LEVELS)),
            fewest=fewest,
            bad=sum(case.stage is not f.Stage.VOID for case in cases),
            kept=f.kept(cases, now),
            told=told,
        )
    )
    answer.headers["Cache-Control"] = f"private, max-age={KEEP_S}"
    return answer


def _span(c: Connection, hall: str, first: date, last: date, fewest: int) -> Span:
    tally = together(spans.by_queue(c, hall, first, last).values())
    levels = _levels(tally)
    is_shown = sum(levels.values()) >= fewest
    return Span(first, last, tally.served, levels, figures(tally, DAYS) if is_shown else None)


def _levels(tally: Tally) -> dict[int, int]:
    return {level: getattr(tally, f"rated_{level}") for level in LEVELS}
