"""How people's accounts stand: who is signed in, when last, and whom wrong passwords have locked out.

Hides that tries are counted in the audit trail, where each has its row anyway (P.37).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from controller.policy import Policy
from controller.roles import Role
from controller.store import tables

FAILED, CODE_FAILED = "person.sign_in_failed", "person.code_failed"  # rows of the trail that count as tries
UNLOCK = "person.unlock"


@dataclass(frozen=True, slots=True)
class Standing:
    """Of an account: sessions open now, when one was last used, and whether wrong passwords lock it."""

    sessions: int = 0
    seen_at: datetime | None = None
    is_locked: bool = False


def is_locked(c: Connection, person: str, now: datetime, policy: Policy) -> bool:
    """Whether this person gave too many wrong passwords a short time ago and was not unlocked since."""
    return person in _locked(c, now, policy)


def standings(c: Connection, now: datetime, policy: Policy) -> dict[str, Standing]:
    """Of everybody who ever signed in or is locked, by id."""
    t = tables.login_session.c
    last = select(t.person, func.max(t.seen_at).label("at")).group_by(t.person)
    seen = {row.person: row.at for row in c.execute(last)}
    lasting = t.ended_at.is_(None) & ~t.awaits_code & (t.created_at > now - policy.longest)
    sessions = select(t.person, t.seen_at, tables.person.c.roles).join(
        tables.person, tables.person.c.id == t.person
    )
    in_use = Counter(
        row.person
        for row in c.execute(sessions.where(lasting))
        if now - row.seen_at < policy.idle_of(roles_in(row.roles))
    )
    locked = _locked(c, now, policy)
    return {id: Standing(in_use[id], seen.get(id), id in locked) for id in seen.keys() | locked}


def roles_in(words: Collection[str]) -> frozenset[Role]:
    """Roles a newer program wrote and this one does not know give no rights."""
    return frozenset(Role(word) for word in words if word in set(Role))


def _locked(c: Connection, now: datetime, policy: Policy) -> set[str]:
    t, kinds = tables.audit.c, (FAILED, CODE_FAILED, UNLOCK)
    query = select(t.what, t.subject).where(t.what.in_(kinds), t.at > now - policy.lock)
    counts: dict[str, int] = {}
    for row in c.execute(query.order_by(t.id)):
        counts[row.subject] = 0 if row.what == UNLOCK else counts.get(row.subject, 0) + 1
    return {person for person, count in counts.items() if count >= policy.tries}
