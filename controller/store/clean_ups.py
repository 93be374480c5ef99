"""Clean-ups (清理): a file of matters as one batch: proposed, looked at, kept whole or dropped (S0.05).

Hides the table. What a batch changed stays with it as it was when it was kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from controller.item_standing import Difference, Kind, Standing, differences
from controller.store import item_standings
from controller.store.item_tables import clean_up as table
from controller.store.items import Item, put_items
from controller.store.tables import item


class State(StrEnum):
    PROPOSED = "proposed"
    KEPT = "kept"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Agreed:
    """A department found its part right."""

    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Body:
    """rows: what the file says of each matter by its code; found: what that changed when it was settled."""

    rows: dict[str, Standing]
    found: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class CleanUp:
    """is_whole: what the file leaves out of its departments is cancelled. from_day: when it holds."""

    id: int
    title: str
    decision: str
    from_day: date
    is_whole: bool
    state: State
    body: Body
    by: str
    at: datetime
    agreed: Mapping[str, Agreed] = field(default_factory=dict)
    settled_by: str | None = None
    settled_at: datetime | None = None


_body = msgspec.json.Decoder(Body)
_agreed = msgspec.json.Decoder(dict[str, Agreed])


def propose(c: Connection, wanted: CleanUp) -> int:
    """Keep it for people to look at; its number."""
    row = {
        "title": wanted.title,
        "decision": wanted.decision,
        "from_day": wanted.from_day,
        "is_whole": wanted.is_whole,
        "state": State.PROPOSED,
        "body": _json(wanted.body),
        "confirmed": "{}",
        "by": wanted.by,
        "at": wanted.at,
    }
    return int(c.execute(insert(table).values(row).returning(table.c.id)).scalar_one())


def find(c: Connection, id: int) -> CleanUp | None:
    row = c.execute(select(table).where(table.c.id == id)).first()
    return None if row is None else _clean_up(row)


def last(c: Connection, limit: int) -> list[CleanUp]:
    """The newest first."""
    return [_clean_up(row) for row in c.execute(select(table).order_by(table.c.id.desc()).limit(limit))]


def changes(c: Connection, one: CleanUp, today: date) -> list[Difference]:
    """What it changed, or while it is proposed, what it would change on the day it is to hold from."""
    if one.state is not State.PROPOSED:
        return list(one.body.found)
    before = item_standings.in_use(c, max(one.from_day, today))
    return differences(before, one.body.rows, one.decision, one.is_whole)


def agree(c: Connection, one: CleanUp, department: str, by: str, now: datetime) -> None:
    """The department finds its part right."""
    known = {**one.agreed, department: Agreed(by, now)}
    c.execute(update(table).where(table.c.id == one.id).values(confirmed=_json(known)))


def keep(c: Connection, one: CleanUp, by: str, now: datetime, today: date) -> list[Difference]:
    """Let it hold from its day, or from today when that is over; what it changes."""
    found, from_day = changes(c, one, today), max(one.from_day, today)
    known = set(c.execute(select(item.c.code)).scalars())
    new = [each for each in found if each.kind is Kind.ADDED and each.code not in known]
    put_items(c, [Item(each.code, each.after.name, each.after.department) for each in new])
    for each in found:
        item_standings.put(c, each.code, from_day, each.after, by, now, one.id)
    item_standings.apply(c, today)
    _settle(c, one, State.KEPT, found, by, now)
    return found


def drop(c: Connection, one: CleanUp, by: str, now: datetime, today: date) -> None:
    """Nothing of it holds; it stays to be read."""
    _settle(c, one, State.DROPPED, changes(c, one, today), by, now)


def _settle(
    c: Connection, one: CleanUp, state: State, found: Sequence[Difference], by: str, now: datetime
) -> None:
    body = _json(replace(one.body, found=tuple(found)))
    facts = {"state": state, "body": body, "settled_by": by, "settled_at": now}
    c.execute(update(table).where(table.c.id == one.id).values(facts))


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _clean_up(row: Row[Any]) -> CleanUp:
    return CleanUp(
        row.id,
        row.title,
        row.decision,
        row.from_day,
        row.is_whole,
        State(row.state),
        _body.decode(row.body),
        row.by,
        row.at,
        _agreed.decode(row.confirmed),
        row.settled_by,
        row.settled_at,
    )
