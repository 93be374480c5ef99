"""Standings of matters by the day they hold from; what holds on a day is the newest that has begun.

Hides the table. A row is never changed: a mistake is put right by another one for the same day. The row of a
matter in the catalogue has the name and department that hold now; they are taken over when their day comes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Subquery, exists, func, insert, select, update

from controller.item_standing import BEGINS, ENDS, Standing
from controller.store.devices import catalogue_changed
from controller.store.item_tables import item_standing as table
from controller.store.tables import item


@dataclass(frozen=True, slots=True)
class Version:
    """clean_up: the batch that brought it."""

    code: str
    number: int
    from_day: date
    standing: Standing
    by: str
    at: datetime
    clean_up: int | None = None
    is_applied: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """A matter with what it is on a day. since None: nothing was ever stated; queue: it is given to one."""

    code: str
    queue: str | None
    standing: Standing
    since: date | None
    is_in_use: bool


_body = msgspec.json.Decoder(Standing)


def held(c: Connection, day: date) -> dict[str, Held]:
    """Every matter of the catalogue, by department and name."""
    found = {one.code: one for one in _holding(c, day)}
    away = not_taken(c, day)
    query = select(item.c.code, item.c.name, item.c.department, item.c.queue)
    rows = c.execute(query.order_by(item.c.department, item.c.name))
    return {row.code: _held(row, found.get(row.code), row.code not in away) for row in rows}


def in_use(c: Connection, day: date) -> dict[str, Standing]:
    """Those that are not ended and have begun."""
    return {code: one.standing for code, one in held(c, day).items() if one.is_in_use}


def of(c: Connection, code: str) -> list[Version]:
    """Everything that was ever put, what holds last first."""
    query = select(table).where(table.c.code == code)
    return [
        _version(row) for row in c.execute(query.order_by(table.c.from_day.desc(), table.c.number.desc()))
    ]


def current(known: list[Version], day: date) -> Version | None:
    """Of the versions of one matter the one that holds on that day."""
    return next((one for one in known if one.from_day <= day), None)


def not_taken(c: Connection, day: date) -> set[str]:
    """The matters nobody may come for on that day: ended, or not begun yet.

    Looks only at rows that end or begin a matter, which are few beside those that adjust one.
    """
    other = table.alias()
    is_of_it = other.c.code == table.c.code
    is_same_day = other.c.from_day == table.c.from_day
    is_later = (other.c.from_day > table.c.from_day) | (is_same_day & (other.c.number > table.c.number))
    is_earlier = (other.c.from_day < table.c.from_day) | (is_same_day & (other.c.number < table.c.number))
    holds = ~exists().where(is_of_it, other.c.from_day <= day, is_later)
    is_first = ~exists().where(is_of_it, is_earlier)
    is_ended = table.c.change.in_(ENDS) & (table.c.from_day <= day) & holds
    is_coming = table.c.change.in_(BEGINS) & (table.c.from_day > day) & is_first
    return {
        code
        for where in (is_ended, is_coming)
        for code in c.execute(select(table.c.code).where(where)).scalars()
    }


def ends(c: Connection, day: date) -> dict[str, date]:
    """From when on matters that may be taken now are not, as far as that is known."""
    other = table.alias()
    is_replaced = exists().where(
        other.c.code == table.c.code,
        other.c.from_day == table.c.from_day,
        other.c.number > table.c.number,
        other.c.change.not_in(ENDS),
    )
    is_to_come = table.c.change.in_(ENDS) & (table.c.from_day > day) & ~is_replaced
    first = func.min(table.c.from_day).label("first")
    query = select(table.c.code, first).where(is_to_come).group_by(table.c.code)
    return {row.code: row.first for row in c.execute(query)}


def is_taken(c: Connection, code: str, day: date) -> bool:
    """Whether people may come for the matter on that day, by its standings alone."""
    return takes(of(c, code), day)


def takes(known: list[Version], day: date) -> bool:
    """The same, by the versions of the matter."""
    holds = current(known, day)
    if holds is not None:
        return not holds.standing.is_ended
    return not known or known[-1].standing.change not in BEGINS


def put(
    c: Connection,
    code: str,
    from_day: date,
    standing: Standing,
    by: str,
    now: datetime,
    clean_up: int | None = None,
) -> Version:
    """Let it hold from that day on. The catalogue takes it over at the next `apply`."""
    last = c.execute(select(func.max(table.c.number)).where(table.c.code == code)).scalar()
    number = (last or 0) + 1
    c.execute(
        insert(table).values(
            code=code,
            number=number,
            from_day=from_day,
            change=standing.change,
            body=msgspec.json.encode(standing).decode(),
            clean_up=clean_up,
            by=by,
            at=now,
        )
    )
    if standing.change in BEGINS | ENDS:
        catalogue_changed(c)  # kiosks know beforehand, so that they can tell when they are alone
    return Version(code, number, from_day, standing, by, now, clean_up)


def apply(c: Connection, day: date) -> bool:
    """Let the catalogue and its kiosks have what began by that day; whether there was anything."""
    due = (table.c.from_day <= day) & table.c.is_applied.is_(False)
    codes = set(c.execute(select(table.c.code).where(due).distinct()).scalars())
    for one in _holding(c, day) if codes else ():
        if one.code in codes:
            names = {"name": one.standing.name, "department": one.standing.department}
            c.execute(update(item).where(item.c.code == one.code).values(names))
    if codes:
        c.execute(update(table).where(due).values(is_applied=True))
        catalogue_changed(c)
    return bool(codes)


def _newest(day: date) -> Subquery:
    """Versions that have begun; rank 1 is the one that holds."""
    order = (table.c.from_day.desc(), table.c.number.desc())
    rank = func.row_number().over(partition_by=table.c.code, order_by=order)
    return select(table, rank.label("rank")).where(table.c.from_day <= day).subquery()


def _holding(c: Connection, day: date) -> list[Version]:
    newest = _newest(day)
    return [_version(row) for row in c.execute(select(newest).where(newest.c.rank == 1))]


def _held(row: Any, version: Version | None, is_in_use: bool) -> Held:
    names = {"name": row.name, "department": row.department}
    if version is None:
        return Held(row.code, row.queue, Standing(**names), None, is_in_use)
    standing = replace(version.standing, **names) if version.is_applied else version.standing
    return Held(row.code, row.queue, standing, version.from_day, is_in_use)


def _version(row: Row[Any]) -> Version:
    known = row._mapping
    standing = _body.decode(known["body"])
    return Version(
        known["code"],
        known["number"],
        known["from_day"],
        standing,
        known["by"],
        known["at"],
        known["clean_up"],
        known["is_applied"],
    )
