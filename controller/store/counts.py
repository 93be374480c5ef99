"""How many came, per queue and quarter of an hour, on the days of the past: what staffing is planned from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, tzinfo

from sqlalchemy import Connection, select

from controller.hall.staffing import QUARTERS
from controller.store.tables import ticket as table

Day = Mapping[str, tuple[int, ...]]  # per queue QUARTERS figures from midnight


def day_counts(c: Connection, hall: str, day: date, zone: tzinfo) -> Day:
    """One service day, by the index of (hall, day); its memory does not grow with the people who came.

    A ticket counts for the queue it was last in. zone: whose quarters they are.
    """
    query = select(table.c.queue, table.c.issued_at).where(table.c.hall == hall, table.c.day == day)
    counts: dict[str, list[int]] = {}
    for row in c.execution_options(yield_per=500).execute(query):
        local = row.issued_at.astimezone(zone)
        counts.setdefault(row.queue, [0] * QUARTERS)[local.hour * 4 + local.minute // 15] += 1
    return {queue: tuple(row) for queue, row in counts.items()}
