"""Plans to come and plans that were: a hall's draft, changes that wait for their hour, every version.

Every function takes the connection of a transaction somebody else opened. A version is a PlanChanged event
of the log; nothing is kept twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, delete, insert, select, text, update

from controller.hall.events import PlanChanged
from controller.hall.model import HallError, Plan
from controller.store import codec
from controller.store.errors import StoreFailed
from controller.store.tables import event, person, planned

_plans = msgspec.json.Decoder(Plan)
_encoder = msgspec.json.Encoder()

IS_PLAN = text("event.kind = 'PlanChanged'")  # as the index of versions has it


class PlannedState(StrEnum):
    DRAFT = "draft"
    WAITING = "waiting"  # for its hour
    APPLIED = "applied"
    WITHDRAWN = "withdrawn"


class NotWaiting(HallError):
    """The change was applied or withdrawn meanwhile."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What a hall's file brings beside its plan, as JSON. kinds: of conduct; None: none are said."""

    positions: str = "[]"
    kinds: str | None = None


NOTHING_BESIDE = Beside()


@dataclass(frozen=True, slots=True)
class Planned:
    """A change of a plan that is not in force. base: the plan it was made from; beside: of a file.

    at: when it was last touched. due_at: when it is to be applied; refusal: why it could not be then.
    """

    id: int
    base: Plan
    plan: Plan
    note: str
    by: str
    at: datetime
    due_at: datetime | None
    refusal: str
    beside: Beside


@dataclass(frozen=True, slots=True)
class Version:
    """A plan that was taken into use. by: who did it, by name if it was a person we know."""

    seq: int
    at: datetime
    by: str
    note: str
    plan: Plan


# --- drafts


def draft(c: Connection, hall: str) -> Planned | None:
    """What is being edited; a hall has one draft at most."""
    row = c.execute(_of(hall, PlannedState.DRAFT)).first()
    return None if row is None else _planned(row)


def keep_draft(
    c: Connection, hall: str, base: Plan, plan: Plan, by: str, now: datetime, beside: Beside
) -> None:
    """Write the hall's draft down, instead of the one there was."""
    values = {"base": _json(base), "plan": _json(plan), "by": by, "at": now}
    values |= {"positions": beside.positions, "kinds": beside.kinds}
    t = planned.c
    changed = update(planned).where(t.hall == hall, t.state == PlannedState.DRAFT).values(**values)
    if not c.execute(changed).rowcount:
        c.execute(insert(planned).values(hall=hall, state=PlannedState.DRAFT, **values))


def drop_draft(c: Connection, hall: str) -> None:
    c.execute(delete(planned).where(planned.c.hall == hall, planned.c.state == PlannedState.DRAFT))


# --- changes that wait for their hour


def schedule(c: Connection, hall: str, due_at: datetime, note: str, by: str, now: datetime) -> None:
    """The hall's draft waits for its hour from now on."""
    values = {"state": PlannedState.WAITING, "due_at": due_at, "note": note, "by": by, "at": now}
    mine = (planned.c.hall == hall, planned.c.state == PlannedState.DRAFT)
    c.execute(update(planned).where(*mine).values(**values))


def waiting(c: Connection, hall: str) -> list[Planned]:
    """In the order in which they are due."""
    rows = c.execute(_of(hall, PlannedState.WAITING).order_by(planned.c.due_at, planned.c.id))
    return [_planned(row) for row in rows]


def note_refusal(c: Connection, id: int, refusal: str) -> None:
    """Why it could not be applied when it was due; it goes on waiting."""
    c.execute(update(planned).where(planned.c.id == id).values(refusal=refusal))


def settle(c: Connection, hall: str, id: int, state: PlannedState, now: datetime) -> None:
    """Applied or withdrawn. Raises NotWaiting when it waits no longer: nothing is done twice."""
    waits = (planned.c.hall == hall, planned.c.id == id, planned.c.state == PlannedState.WAITING)
    if not c.execute(update(planned).where(*waits).values(state=state, at=now)).rowcount:
        raise NotWaiting("this change was applied or withdrawn already")


# --- versions


def versions(c: Connection, hall: str, most: int, before: int | None = None) -> list[Version]:
    """The newest first; before: only those older than this event."""
    query = _versions(hall).order_by(event.c.seq.desc()).limit(most)
    if before is not None:
        query = query.where(event.c.seq < before)
    return [_version(row) for row in c.execute(query)]


def version(c: Connection, hall: str, seq: int) -> Version | None:
    row = c.execute(_versions(hall).where(event.c.seq == seq)).first()
    return None if row is None else _version(row)


def _versions(hall: str) -> Select[Any]:
    by_person = (event.c.actor_kind == "person") & (event.c.actor_id == person.c.id)
    query = select(event, person.c.name).outerjoin(person, by_person)
    return query.where(event.c.hall == hall, IS_PLAN)


def _version(row: Row[Any]) -> Version:
    changed = codec.decode(row.kind, row.body)
    if not isinstance(changed, PlanChanged):
        raise StoreFailed(f"event {row.seq} of hall {row.hall} is no change of a plan")
    return Version(row.seq, changed.at, row.name or row.actor_id, changed.note, changed.plan)


# --- rows


def _of(hall: str, state: PlannedState) -> Select[Any]:
    return select(planned).where(planned.c.hall == hall, planned.c.state == state)


def _planned(row: Row[Any]) -> Planned:
    base, plan = _plans.decode(row.base), _plans.decode(row.plan)
    beside = Beside(row.positions, row.kinds)
    words: Sequence[Any] = (row.note, row.by, row.at, row.due_at, row.refusal, beside)
    return Planned(row.id, base, plan, *words)


def _json(plan: Plan) -> str:
    return _encoder.encode(plan).decode()
