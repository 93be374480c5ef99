"""Changes of a hall's plan: drafted piece by piece, applied now or when their hour comes, taken back.

Hides where drafts are kept and that the hall goes on changing meanwhile: whatever others changed since a
draft was begun stays as they changed it (hall/drafting.py). The plan itself is changed by the hall's writer
alone, which refuses to drop what is in use.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec

from controller.clock import real_now
from controller.conduct import Kind
from controller.devices import Devices
from controller.hall.commands import ChangePlan
from controller.hall.drafting import Edit, merged
from controller.hall.model import Hall, Plan, Refused
from controller.hall.plans import check_plan
from controller.hall_file import Position
from controller.live import Live, Record
from controller.people import Actor
from controller.store import planned
from controller.store.audit import audit
from controller.store.conduct import take_over_kinds
from controller.store.planned import NOTHING_BESIDE, Beside, Planned, PlannedState

_positions = msgspec.json.Decoder(list[Position])
_kinds = msgspec.json.Decoder(list[Kind])
_refusals = msgspec.json.Decoder(tuple[str, str, dict[str, Any]])


class NothingToApply(Refused):
    """The draft does not differ from the plan in force."""


class Changes:
    """The plans to come of one hall. Any thread may ask."""

    def __init__(self, live: Live, devices: Devices) -> None:
        self._live, self._devices, self._store = live, devices, live.store

    # --- the draft

    def draft(self) -> Planned | None:
        """What is being edited, with all that was changed in the hall since."""
        with self._store.reading() as c:
            found = planned.draft(c, self._live.id)
        return None if found is None else rebased(found, self._live.hall)

    def plan(self) -> Plan:
        """The plan as it is edited; without a draft, the one in force."""
        draft = self.draft()
        return self._live.hall.plan if draft is None else draft.plan

    def edit(self, edit: Edit, by: str, subject: str, beside: Beside | None = None) -> None:
        """Change the draft, or begin one. subject: what the audit row names; beside: of a file, None keeps
        what is there. Raises Refused for a plan that contradicts itself; the draft stays as it was then."""
        now, in_force = real_now(), self._live.hall.plan
        with self._store.writing() as c:
            found = planned.draft(c, self._live.id)
            before = in_force if found is None else rebased(found, self._live.hall).plan
            plan = replace(edit(before), rev=before.rev)
            check_plan(plan)
            if plan == before and beside is None:
                return
            if beside is None:
                beside = NOTHING_BESIDE if found is None else found.beside
            if plan == in_force and beside == NOTHING_BESIDE:
                planned.drop_draft(c, self._live.id)
            else:
                planned.keep_draft(c, self._live.id, in_force, plan, by, now, beside)
            audit(by, "plan.draft", f"{self._live.id}/{subject}", now)(c)

    def discard(self, by: str) -> None:
        with self._store.writing() as c:
            planned.drop_draft(c, self._live.id)
            audit(by, "plan.discard", self._live.id, real_now())(c)

    # --- into force

    def apply(self, by: Actor, note: str) -> None:
        """The draft is the plan from now on. Raises Refused, NothingToApply."""
        draft = self._drafted()
        self._take_into_use(draft, by, note, lambda c: planned.drop_draft(c, self._live.id))

    def schedule(self, due_at: datetime, by: str, note: str) -> None:
        """The draft becomes the plan when the hall's clock says `due_at`. Raises NothingToApply."""
        self._drafted()
        now = real_now()
        with self._store.writing() as c:
            planned.schedule(c, self._live.id, due_at, note, by, now)
            audit(by, "plan.schedule", self._live.id, now, due_at=due_at.isoformat(), note=note)(c)

    def waiting(self) -> list[Planned]:
        """What is to come, in the order it is due, as it would be applied now."""
        with self._store.reading() as c:
            return [rebased(one, self._live.hall) for one in planned.waiting(c, self._live.id)]

    def withdraw(self, id: int, by: str) -> None:
        """It is not applied; it is the draft again when there is no other. Raises NotWaiting."""
        now = real_now()
        with self._store.writing() as c:
            found = next((one for one in planned.waiting(c, self._live.id) if one.id == id), None)
            planned.settle(c, self._live.id, id, PlannedState.WITHDRAWN, now)
            if found is not None and planned.draft(c, self._live.id) is None:
                planned.keep_draft(c, self._live.id, found.base, found.plan, by, now, found.beside)
            audit(by, "plan.withdraw", f"{self._live.id}/{id}", now)(c)

    def apply_due(self, change: Planned, by: Actor) -> None:
        """What waited for its hour. Raises Refused, and NotWaiting when it was withdrawn meanwhile."""
        waits = (self._live.id, change.id, PlannedState.APPLIED, real_now())
        self._take_into_use(change, by, change.note, lambda c: planned.settle(c, *waits))

    def note_refusal(self, id: int, refused: Refused) -> None:
        """Why it could not be applied when it was due."""
        with self._store.writing() as c:
            planned.note_refusal(c, id, _refusal(refused))

    def _drafted(self) -> Planned:
        draft = self.draft()
        if draft is None or (draft.plan == self._live.hall.plan and draft.beside == NOTHING_BESIDE):
            raise NothingToApply("nothing_to_apply", "the draft does not differ from the plan in force")
        return draft

    def _take_into_use(self, change: Planned, by: Actor, note: str, settle: Record) -> None:
        hall = self._live.hall
        plan = replace(change.plan, rev=hall.plan.rev + 1)
        row = audit(by.id, "ChangePlan", self._live.id, real_now(), rev=plan.rev, note=note)
        records = [settle, row, *self._kinds_of(change, by)]
        self._live.submit(ChangePlan(plan, note), by, records=records)
        for place in _positions.decode(change.beside.positions):
            self._devices.put_position(self._live.id, place.id, place.name, place.config, real_now())

    def _kinds_of(self, change: Planned, by: Actor) -> Iterator[Record]:
        kinds = kinds_of(change.beside)
        if kinds is not None:
            yield lambda c: take_over_kinds(c, self._live.id, kinds, by.id, real_now())


def of_file(positions: Sequence[Position], kinds: Sequence[Kind] | None) -> Beside:
    """What a hall's file changes beside the plan. kinds: of conduct; None: nothing."""
    written = None if kinds is None else msgspec.json.encode(kinds).decode()
    return Beside(msgspec.json.encode(positions).decode(), written)


def kinds_of(beside: Beside) -> Sequence[Kind] | None:
    """Its kinds of conduct; empty: the centre's, None: it says nothing of them."""
    return None if beside.kinds is None else _kinds.decode(beside.kinds)


def rebased(change: Planned, hall: Hall) -> Planned:
    """The change as made from the plan in force now."""
    return replace(change, plan=merged(change.base, change.plan, hall.plan), base=hall.plan)


def _refusal(refused: Refused) -> str:
    """A refusal as it is kept, so that each reader gets it in his language."""
    return msgspec.json.encode((refused.code, str(refused), refused.facts)).decode()


def refusal_of(change: Planned) -> Refused | None:
    """Why the change could not be applied when it was due; None when it has not been tried."""
    if not change.refusal:
        return None
    code, message, facts = _refusals.decode(change.refusal)
    return Refused(code, message, **facts)
