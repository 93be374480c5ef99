"""The rows of announcements: written, ended early, and read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from controller.hall.model import Text
from controller.hall.notices import Notice
from controller.store.tables import notice


def add(
    c: Connection,
    hall: str,
    text: Text,
    zones: tuple[str, ...],
    starts_at: datetime,
    ends_at: datetime,
    by: str,
    now: datetime,
) -> int:
    """Its number."""
    row = {
        "hall": hall,
        "zh": text.zh,
        "en": text.en,
        "zones": list(zones),
        "starts_at": starts_at,
        "ends_at": ends_at,
        "written_by": by,
        "written_at": now,
    }
    return int(c.execute(insert(notice).values(row).returning(notice.c.id)).scalar_one())


def end(c: Connection, hall: str, id: int, by: str, now: datetime) -> bool:
    """Whether it was there to be ended: neither over nor ended before."""
    running = (notice.c.hall == hall) & (notice.c.id == id) & notice.c.ended_at.is_(None)
    query = update(notice).where(running, notice.c.ends_at > now).values(ended_by=by, ended_at=now)
    return c.execute(query).rowcount > 0


def not_over(c: Connection, hall: str, now: datetime) -> list[Notice]:
    """Those that are or may still be shown."""
    query = select(notice).where(notice.c.hall == hall, notice.c.ended_at.is_(None), notice.c.ends_at > now)
    return [_notice(row) for row in c.execute(query.order_by(notice.c.id))]


def last(c: Connection, hall: str, limit: int) -> list[Notice]:
    """The newest, over or not, newest first."""
    query = select(notice).where(notice.c.hall == hall).order_by(notice.c.id.desc()).limit(limit)
    return [_notice(row) for row in c.execute(query)]


def _notice(row: Any) -> Notice:
    text, zones = Text(row.zh, row.en), tuple(row.zones)
    times = row.starts_at, row.ends_at
    return Notice(row.id, text, zones, *times, row.written_by, row.written_at, row.ended_by, row.ended_at)
