"""Self-tests of units as the audit trail holds them: asked for, found by the unit, said by a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from controller.store.tables import audit

ASKED, FOUND, SAID = "unit.examine", "unit.examined", "unit.confirm"
MOST = 500  # rows looked at


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the trail about a test. subject: hall/unit/device."""

    id: int
    at: datetime
    actor: str
    what: str
    subject: str
    details: dict[str, Any]


def rows(c: Connection, hall: str, since: datetime) -> Sequence[Row]:
    """What was asked, found and said in a hall since then, newest first."""
    trail = (
        select(audit)
        .where(audit.c.at >= since, audit.c.what.in_((ASKED, FOUND, SAID)), audit.c.subject.like(f"{hall}/%"))
        .order_by(audit.c.id.desc())
        .limit(MOST)
    )
    return [Row(one.id, one.at, one.actor, one.what, one.subject, one.details) for one in c.execute(trail)]
