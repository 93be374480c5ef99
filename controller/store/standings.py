"""How people's accounts stand: who is signed in, when last, and whom wrong passwords have locked out.

Hides that tries are counted in the audit trail, where each has its row anyway (P.37).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Integer, cast, func, select

from controller.store import tables

IDLE = timedelta(hours=2)  # P.37: a session ends by itself
LONGEST = timedelta(hours=14)  # one working day with its overtime
TRIES = 5  # P.37: wrong passwords of one person within TRIES_WITHIN
TRIES_WITHIN = timedelta(minutes=10)
FAILED, CODE_FAILED = "person.sign_in_failed", "person.code_failed"  # rows of the trail that count as tries
UNLOCK = "person.unlock"


@dataclass(frozen=True, slots=True)
class Standing:
    """Of an account: sessions open now, when one was last used, and whether wrong passwords lock it."""

    sessions: int = 0
    seen_at: datetime | None = None
    is_locked: bool = False


def is_locked(c: Connection, person: str, now: datetime) -> bool:
    """Whether this person gave too many wrong passwords a short time ago and was not unlocked since."""
    return person in _locked(c, now)


def standings(c: Connection, now: datetime) -> dict[str, Standing]:
    """Of everybody who ever signed in or is locked, by id."""
    t = tables.login_session.c
    lasts = t.ended_at.is_(None) & ~t.awaits_code & (t.seen_at > now - IDLE) & (t.created_at > now - LONGEST)
    open_now = func.sum(cast(lasts, Integer)).label("open_now")
    query = select(t.person, func.max(t.seen_at).label("seen_at"), open_now).group_by(t.person)
    seen = {row.person: (row.open_now, row.seen_at) for row in c.execute(query)}
    locked = _locked(c, now)
    return {id: Standing(*seen.get(id, (0, None)), is_locked=id in locked) for id in seen.keys() | locked}


def _locked(c: Connection, now: datetime) -> set[str]:
    t = tables.audit.c
    query = select(t.what, t.subject).where(
        t.what.in_((FAILED, CODE_FAILED, UNLOCK)), t.at > now - TRIES_WITHIN
    )
    counts: dict[str, int] = {}
    for row in c.execute(query.order_by(t.id)):
        counts[row.subject] = 0 if row.what == UNLOCK else counts.get(row.subject, 0) + 1
    return {person for person, count in counts.items() if count >= TRIES}
