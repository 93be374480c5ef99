"""How good the waits told have been: the hall's own error per queue and hour, for those who run it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from flask import Blueprint, g, render_template, request
from werkzeug.wrappers import Response

from controller import i18n
from controller.hall.model import Hall, Queue
from controller.hall.waits import errors
from web.chart import bar_chart
from web.home import BOARD_ROLES
from web.sheet import as_file
from web.visit import hall_now, role_required, the_hall, the_site

blueprint = Blueprint("estimates", __name__)

HELD = (0.75, 0.88)  # share of waits that should lie from P10 to P90
FEW = 30.0  # tickets; with fewer a figure says little


@dataclass(frozen=True, slots=True)
class Row:
    """One queue and hour by the hall's clock. minutes: off on average, and by how much later than told."""

    queue: Queue
    hour: int
    count: float
    off: float
    bias: float
    held: float

    @property
    def is_few(self) -> bool:
        return self.count < FEW

    @property
    def is_amiss(self) -> bool:
        return not self.is_few and not HELD[0] <= self.held <= HELD[1]


_SORTS: Mapping[str, Callable[[Row], Any]] = {
    "hour": lambda row: (row.hour, row.queue.code),
    "queue": lambda row: (row.queue.code, row.hour),
    "count": lambda row: row.count,
    "off": lambda row: row.off,
    "bias": lambda row: row.bias,
    "held": lambda row: row.held,
}
COLUMNS = ("Queue", "Hour", "Tickets", "Off by (min)", "Later than told (min)", "Within the range")


@blueprint.get("/m/<hall>/estimates")
@role_required(*BOARD_ROLES)
def estimates(hall: str) -> str:
    value = the_hall(hall).hall
    queue, sort, is_falling = _wish()
    rows = _rows(value, queue)
    by_hour = _by_hour(rows)
    chart = bar_chart([f"{hour:02d}" for hour in by_hour], list(by_hour.values()))
    rows.sort(key=_SORTS[sort], reverse=is_falling)
    return render_template(
        "manager/estimates.html",
        hall=value,
        rows=rows,
        chart=chart,
        queue=queue,
        sort=sort,
        is_falling=is_falling,
        held=HELD,
        whole=_together(rows),
    )


@blueprint.get("/m/<hall>/estimates.csv")
@role_required(*BOARD_ROLES)
def estimates_csv(hall: str) -> Response:
    value = the_hall(hall).hall
    queue, sort, is_falling = _wish()
    rows = sorted(_rows(value, queue), key=_SORTS[sort], reverse=is_falling)
    return as_file(f"estimates-{hall}-{hall_now().date()}", COLUMNS, [_cells(row) for row in rows])


def _wish() -> tuple[str, str, bool]:
    """Queue or "", order, and whether from the top; what the address gets wrong is left out."""
    sort = request.args.get("sort", "")
    queue = request.args.get("queue", "")[:16]
    return queue, sort if sort in _SORTS else "hour", request.args.get("dir") == "down"


def _rows(hall: Hall, queue: str) -> list[Row]:
    zone = the_site().settings.zone
    return [
        Row(
            hall.queues[code],
            _local_hour(hour, zone),
            error.count,
            error.off_s / 60,
            error.bias_s / 60,
            error.held,
        )
        for (code, hour), error in errors(hall).items()
        if code in hall.queues and queue in ("", code)
    ]


def _local_hour(hour: int, zone: tzinfo) -> int:
    """The hour by the hall's clock, as it is today."""
    return (
        datetime.combine(hall_now().date(), datetime.min.time(), UTC).replace(hour=hour).astimezone(zone).hour
    )


def _by_hour(rows: list[Row]) -> dict[int, float]:
    """Minutes off per hour, over all queues shown."""
    hours = sorted({row.hour for row in rows})
    return {hour: _mean([row for row in rows if row.hour == hour], lambda row: row.off) for hour in hours}


def _together(rows: list[Row]) -> tuple[float, float] | None:
    """Minutes off and share within the range over everything shown; None without anything."""
    return (_mean(rows, lambda row: row.off), _mean(rows, lambda row: row.held)) if rows else None


def _mean(rows: list[Row], figure: Callable[[Row], float]) -> float:
    return sum(figure(row) * row.count for row in rows) / sum(row.count for row in rows)


def _cells(row: Row) -> list[object]:
    name = i18n.in_language(g.lang, row.queue.name)
    figures = [f"{value:.1f}" for value in (row.count, row.off, row.bias)]
    return [f"{row.queue.code} {name}", f"{row.hour:02d}:00", *figures, f"{row.held:.0%}"]
