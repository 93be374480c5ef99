"""The few plain rows about the site itself: its halls, its counters and named values.

Every function takes the connection of a transaction somebody else opened.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Executable, Table, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from controller.clock import ClockSetting
from controller.hall.model import Text
from controller.store import prepared
from controller.store.tables import clock, halls, meta

SITE = "site"  # all halls of a site share one clock
GENERATION = "generation"  # the counter of controllers that had the database (R11)


def upsert(
    c: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    keep_first: Collection[str] = (),
    keep_known: Collection[str] = (),
) -> None:
    """Insert rows, or overwrite those with the same primary key.

    A column of `keep_first` keeps its first value; one of `keep_known` keeps its last value when the new
    one is null.
    """
    if rows:
        names = tuple(rows[0])
        statement = _upsert(c.dialect.name, table, names, tuple(keep_first), tuple(keep_known))
        prepared.execute(c, statement, rows)


@lru_cache  # SQLAlchemy takes a millisecond to make one, as long as the rest of a commit
def _upsert(
    dialect: str,
    table: Table,
    names: tuple[str, ...],
    keep_first: tuple[str, ...],
    keep_known: tuple[str, ...],
) -> Executable:
    made: Any = (postgresql if dialect == "postgresql" else sqlite).insert(table)
    keys = [column.name for column in table.primary_key]
    changed: dict[str, Any] = {name: made.excluded[name] for name in names if name not in keys}
    for name in keep_first:
        changed[name] = func.coalesce(table.c[name], made.excluded[name])
    for name in keep_known:
        changed[name] = func.coalesce(made.excluded[name], table.c[name])
    statement: Executable = made.on_conflict_do_update(index_elements=keys, set_=changed)
    return statement


def add_hall(c: Connection, hall: str, name: Text, now: datetime) -> None:
    """Name a hall of this site, or give it another name."""
    row = {"id": hall, "name_zh": name.zh, "name_en": name.en, "added_at": now}
    upsert(c, halls, [row], keep_first=["added_at"])


def all_halls(c: Connection) -> dict[str, Text]:
    """The halls of this site by id, oldest first."""
    rows = c.execute(select(halls).order_by(halls.c.added_at, halls.c.id))
    return {row.id: Text(row.name_zh, row.name_en) for row in rows}


def save_clock(c: Connection, setting: ClockSetting) -> None:
    """Remember how hall time follows real time, for the next start."""
    seconds = setting.offset.total_seconds()
    row = {"name": SITE, "epoch": setting.epoch, "offset_s": seconds, "speed": setting.speed}
    upsert(c, clock, [row])


def load_clock(c: Connection) -> ClockSetting | None:
    """The setting last remembered; None when there never was one: a real hall's clock is real time."""
    row = c.execute(select(clock).where(clock.c.name == SITE)).first()
    return None if row is None else ClockSetting(row.epoch, timedelta(seconds=row.offset_s), row.speed)


def get_meta(c: Connection, name: str) -> str | None:
    value: str | None = c.execute(select(meta.c.value).where(meta.c.name == name)).scalar()
    return value


def put_meta(c: Connection, name: str, value: str) -> None:
    upsert(c, meta, [{"name": name, "value": value}])


def put_meta_once(c: Connection, name: str, value: str) -> None:
    upsert(c, meta, [{"name": name, "value": value}], keep_first=["value"])


def count_up(c: Connection, name: str, at_least: int = 1) -> int:
    """The next value of a counter kept in the database: a number nobody was given before."""
    put_meta_once(c, name, "0")
    last = c.execute(select(meta.c.value).where(meta.c.name == name).with_for_update()).scalar_one()
    value = max(int(last) + 1, at_least)
    c.execute(update(meta).where(meta.c.name == name).values(value=str(value)))
    return value
