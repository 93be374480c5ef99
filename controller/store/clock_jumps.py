"""Steps of units' own clocks as the audit trail holds them (F50). Nothing in a hall goes by such a clock; who
finds a wrong time in a log, a recording or on paper finds the reason here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from controller.clock import real_now
from controller.store.audit import Record, audit
from controller.store.tables import audit as trail
from firmware.protocol.messages import ClockJumped

WHAT = "unit.clock_jumped"
MOST = 200  # rows looked at, the newest


@dataclass(frozen=True, slots=True)
class Jump:
    """at: when, by the hall's clock. before, after: what the unit's clock showed, ISO 8601 as it wrote it."""

    unit: str
    at: datetime
    before: str
    after: str
    by_s: float


def jumped(hall: str, unit: str, at: datetime, told: ClockJumped) -> Record:
    """The row of a step. at: when, by the hall's clock."""
    step_s = _seconds(told.to_ts) - _seconds(told.from_ts)
    shown = {"before": told.from_ts.isoformat(), "after": told.to_ts.isoformat(), "by_s": round(step_s, 1)}
    return audit(unit, WHAT, f"{hall}/{unit}", real_now(), at=at.isoformat(), **shown)


def jumps(c: Connection, hall: str, since: datetime, until: datetime, unit: str = "") -> Sequence[Jump]:
    """Steps in a hall, or of one unit, between two moments of the hall's clock; newest first."""
    subject = trail.c.subject == f"{hall}/{unit}" if unit else trail.c.subject.like(f"{hall}/%")
    query = select(trail).where(trail.c.what == WHAT, subject).order_by(trail.c.id.desc()).limit(MOST)
    found = [_jump(row.actor, row.details) for row in c.execute(query)]
    return [one for one in found if since <= one.at < until]


def _jump(unit: str, told: dict[str, object]) -> Jump:
    at = datetime.fromisoformat(str(told["at"]))
    return Jump(unit, at, str(told["before"]), str(told["after"]), float(str(told["by_s"])))


def _seconds(moment: datetime) -> float:
    """Of any year, with or without a zone: a clock that is wrong may show anything."""
    offset = moment.utcoffset()
    plain = (moment.replace(tzinfo=None) - datetime(1970, 1, 1)).total_seconds()
    return plain - (0.0 if offset is None else offset.total_seconds())
