"""What the live board shows of a hall, drawn once for all boards that ask at the same time.

A board of a large hall goes through every ticket and window, and twenty of them look twice a second. Hides
what the drawing depends on beside the hall: the language, and whose names whoever asks may see.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from flask import current_app, g, render_template

from controller.hall import reports
from controller.hall.model import Hall, Zone
from controller.hall.reports import HalfHour, WindowNow
from controller.live import Live
from controller.told import joining_text
from web.chart import Chart, PairChart, bar_chart, pair_chart
from web.needs import needs
from web.privacy import is_full
from web.shared import Shared
from web.tiles import tile
from web.usual import Usual, usual
from web.visit import hall_now, me, the_site

NEEDS_SHOWN = 6  # the others are one click away, so that the figures stay in sight


@dataclass(frozen=True, slots=True)
class Drawn:
    """The board as HTML. needs: how many alarms there are; hall: everything below them."""

    now: datetime
    needs: int
    alarms: str
    hall: str


def drawn(live: Live) -> Drawn:
    """The board as it is, for whoever asks."""
    boards = cast(Shared[Drawn], current_app.extensions["live_board"])
    return boards.of((live.id, g.lang, me().roles, is_full()), lambda: _drawn(live))


def _drawn(live: Live) -> Drawn:
    hall, now = live.hall, hall_now()
    found = needs(hall, now)
    alarms = render_template("manager/_board_alarms.html", needs=found, needs_shown=NEEDS_SHOWN)
    return Drawn(now, len(found), alarms, _hall(live, hall, now))


def _hall(live: Live, hall: Hall, now: datetime) -> str:
    zone = the_site().settings.zone
    local, forecast = now.astimezone(zone), live.lookout.now()
    before, halves = usual(live.id, local), reports.half_hours(hall, zone, now)
    return render_template(
        "manager/_board_hall.html",
        hall=hall,
        now=now,
        queues=reports.queues_now(hall, now),
        waits={code: joining_text(g.lang, hall, forecast, code) for code in hall.queues},
        zones=_by_zone(hall, now),
        tile=tile,
        figures=reports.day_figures(hall),
        halves=halves,
        arrivals=_arrivals(halves, before),
        usual=before,
        by_now=None if before is None else before.taken_by(local),
        mean_waits=_mean_waits(halves, hall.plan.rules.long_wait),
        long_wait=hall.plan.rules.long_wait,
    )


def _by_zone(hall: Hall, now: datetime) -> list[tuple[Zone, list[WindowNow]]]:
    """Each zone with its windows."""
    found: dict[str, list[WindowNow]] = {zone.id: [] for zone in hall.plan.zones}
    for at in reports.windows_now(hall, now):
        found.setdefault(at.window.zone, []).append(at)
    return [(zone, found[zone.id]) for zone in hall.plan.zones]


def _arrivals(halves: list[HalfHour], before: Usual | None) -> Chart | PairChart:
    """Today's, beside the usual ones when there are any."""
    labels, came = [f"{half.start:%H:%M}" for half in halves], [float(half.arrivals) for half in halves]
    if before is None:
        return bar_chart(labels, came)
    usually = [before.halves[half.start.hour * 2 + half.start.minute // 30] for half in halves]
    return pair_chart(labels, usually, came)


def _mean_waits(halves: list[HalfHour], long_wait: timedelta) -> Chart:
    minutes = [None if half.mean_wait is None else half.mean_wait.total_seconds() / 60 for half in halves]
    labels = [f"{half.start:%H:%M}" for half in halves]
    return bar_chart(labels, minutes, long_wait.total_seconds() / 60)
