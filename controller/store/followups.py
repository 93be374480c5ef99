"""The rows of negative ratings on their way (hall/followups.py), each with every step it went.

Every function takes the connection of a transaction somebody else opened. A step is written with the change
it made and never touched again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, or_, select, update

from controller.hall.followups import OVER, Case, Stage
from controller.hall.model import Text
from controller.store.rating_tables import followup as table
from controller.store.rating_tables import followup_step as steps_table

OPENED = "opened"
COLUMNS = tuple(one.name for one in fields(Case) if one.name not in ("id", "told"))


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a case. what: OPENED or the kind of the deed; by: a person or "system"."""

    at: datetime
    what: str
    former: Stage
    stage: Stage
    by: str
    said: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cases somebody looks for. not_of: of other clerks than this one; department: or of none."""

    stages: frozenset[Stage] = frozenset()
    level: int | None = None
    window: int | None = None
    department: str | None = None
    not_of: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    overdue_at: datetime | None = None
    is_on_ledger: bool = False


def open_case(c: Connection, hall: str, case: Case) -> int:
    """G4; its number. The id of `case` is not looked at."""
    id = int(c.execute(insert(table).values(hall=hall, **_row(case)).returning(table.c.id)).scalar_one())
    _note(c, id, Step(case.opened_at, OPENED, case.stage, case.stage, "system", {}))
    return id


def change(c: Connection, case: Case, step: Step) -> None:
    """The case as it is now, and the step that made it so."""
    c.execute(update(table).where(table.c.id == case.id).values(_row(case)))
    _note(c, case.id, step)


def set_named(c: Connection, hall: str, ticket: int) -> None:
    """The citizen left a number after all."""
    mine = (table.c.hall == hall) & (table.c.ticket == ticket) & table.c.stage.not_in(OVER)
    c.execute(update(table).where(mine).values(is_named=True))


def find(c: Connection, hall: str, id: int) -> Case | None:
    row = c.execute(select(table).where(table.c.hall == hall, table.c.id == id)).first()
    return None if row is None else _case(row)


def listed(c: Connection, hall: str, wanted: Wanted, limit: int) -> list[Case]:
    """The cases looked for: those that are not over by their clocks, then the latest."""
    query = select(table).where(table.c.hall == hall, *_conditions(wanted))
    found = [_case(row) for row in c.execute(query.order_by(table.c.id.desc()).limit(limit))]
    return sorted(found, key=lambda case: (case.stage in OVER, case.due or case.opened_at))


def steps(c: Connection, id: int) -> Sequence[Step]:
    """Everything that was done, in order."""
    rows = c.execute(select(steps_table).where(steps_table.c.case == id).order_by(steps_table.c.id))
    return [
        Step(row.at, row.what, Stage(row.former), Stage(row.stage), row.by, dict(row.said)) for row in rows
    ]


def published(c: Connection, hall: str, limit: int) -> list[Case]:
    """Closed cases that something is told about, the latest first (G10)."""
    told = (table.c.stage == Stage.CLOSED.value) & (table.c.told_zh != "")
    query = select(table).where(table.c.hall == hall, told).order_by(table.c.closed_at.desc()).limit(limit)
    return [_case(row) for row in c.execute(query)]


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.stages:
        found.append(table.c.stage.in_([stage.value for stage in wanted.stages]))
    for name in ("level", "window"):
        if (value := getattr(wanted, name)) is not None:
            found.append(table.c[name] == value)
    if wanted.department is not None:
        found.append(or_(table.c.department == wanted.department, table.c.department.is_(None)))
    if wanted.not_of is not None:
        found.append(or_(table.c.clerk != wanted.not_of, table.c.clerk.is_(None)))
    if wanted.since is not None:
        found.append(table.c.opened_at >= wanted.since)
    if wanted.until is not None:
        found.append(table.c.opened_at < wanted.until)
    if wanted.is_on_ledger:
        found.append(table.c.is_extended.is_(True))
    if wanted.overdue_at is not None:
        found.append(_is_overdue(wanted.overdue_at))
    return found


def _is_overdue(now: datetime) -> ColumnElement[bool]:
    calls = (table.c.stage == Stage.OPEN.value) & (table.c.call_due <= now)
    return calls | ((table.c.stage == Stage.VERIFIED.value) & (table.c.fix_due <= now))


def _note(c: Connection, case: int, step: Step) -> None:
    row = {one.name: getattr(step, one.name) for one in fields(Step)}
    c.execute(insert(steps_table).values(case=case, **row))


def _row(case: Case) -> dict[str, Any]:
    return {
        **{name: getattr(case, name) for name in COLUMNS},
        "told_zh": case.told.zh,
        "told_en": case.told.en,
    }


def _case(row: Any) -> Case:
    values = {name: getattr(row, name) for name in COLUMNS}
    told = Text(row.told_zh, row.told_en)
    return Case(id=row.id, **{**values, "stage": Stage(row.stage), "told": told})
