"""The audit trail as people look for something in it: by time, person, kind and hall, newest first."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, false, or_, select

from controller.store import tables


@dataclass(frozen=True, slots=True)
class Trace:
    """A row of the trail. actor: id of a person or unit, "system", or "" for who did not get in."""

    id: int
    at: datetime
    actor: str
    what: str
    subject: str
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody looks for. people: who did it or whom it is about, None = anybody. what: a kind, or the
    beginning of several that ends with a dot. halls: only what happened in them or to their people, None =
    anywhere."""

    since: datetime
    until: datetime
    people: Collection[str] | None = None
    what: str = ""
    halls: Collection[str] | None = None


def traces(c: Connection, asked: Asked, limit: int, before: int | None = None) -> list[Trace]:
    """The newest that fit; before: only rows of a lower number."""
    t = tables.audit.c
    query = select(t.id, t.at, t.actor, t.what, t.subject, t.details).where(*_conditions(asked))
    if before is not None:
        query = query.where(t.id < before)
    return [Trace(*row) for row in c.execute(query.order_by(t.id.desc()).limit(limit))]


def _conditions(asked: Asked) -> list[ColumnElement[bool]]:
    t = tables.audit.c
    found: list[ColumnElement[bool]] = [t.at >= asked.since, t.at < asked.until]
    if asked.people is not None:
        found.append(t.actor.in_(list(asked.people)) | t.subject.in_(list(asked.people)))
    if asked.what.endswith("."):
        found.append(t.what.startswith(asked.what, autoescape=True))
    elif asked.what:
        found.append(t.what == asked.what)
    if asked.halls is not None:
        found.append(or_(false(), *(_of_hall(hall) for hall in sorted(asked.halls))))
    return found


def _of_hall(hall: str) -> ColumnElement[bool]:
    t = tables.audit.c
    theirs = select(tables.person.c.id).where(tables.person.c.hall == hall)
    inside = (t.subject == hall) | t.subject.startswith(f"{hall}/", autoescape=True)
    return inside | t.actor.in_(theirs) | t.subject.in_(theirs)
