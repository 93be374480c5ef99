"""How long what names or ties to a person is kept, and that it goes when its time is over (P.33).

Hides that it goes in small steps beside everything else, by the hall's clock for what happened in a hall,
and that each deletion leaves a row in the audit trail, which is the proof of it: what, how many, up to when.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from controller.clock import real_now
from controller.hall.model import Refused
from controller.live import Live
from controller.settings import Settings
from controller.store import Store, erasure
from controller.store.audit import audit

STEP_S = 600.0
RETENTION, PERSON, VISIT = "data.retention", "data.erase_person", "data.erase_visit"  # rows of the trail


class DataClass(StrEnum):
    """What is kept of persons. The audit trail is none of it: it holds ids, and is kept for ever."""

    VISITS = (
        "visits"  # what ties a ticket to its holder: digest of a card, note of the desk, code of the slip
    )
    SIGN_INS = "sign_ins"  # sessions, links, used recovery codes
    SET_ASIDE = "set_aside"  # messages of units nobody could use; deleted by quarantine.py
    STAFF = "staff"  # name and number of who works or worked here: until erased on request


@dataclass(frozen=True, slots=True)
class Kept:
    """One class as it is now. days: None, until somebody asks. oldest: of what is held, if that is known."""

    kind: DataClass
    days: float | None
    oldest: datetime | None = None


class Keeping:
    """Deletes what is too old. hall_now: by the halls' clock; halls: asked anew at each step."""

    def __init__(
        self, store: Store, settings: Settings, hall_now: Callable[[], datetime], halls: Mapping[str, Live]
    ) -> None:
        self._store, self._settings, self._hall_now, self._halls = store, settings, hall_now, halls

    def step(self) -> None:
        """Delete what is too old now. Raises StoreFailed."""
        self.delete_visits()
        self.delete_sign_ins(real_now())

    def delete_visits(self) -> None:
        before = self._hall_now() - timedelta(days=self._settings.visitor_days)
        for id, live in list(self._halls.items()):
            if rows := self._forget(live, before):
                with self._store.writing() as c:
                    erasure.forget_in_snapshots(c, id, list(live.hall.tickets))
                self._prove(DataClass.VISITS, id, before, rows)

    def _forget(self, live: Live, before: datetime) -> int:
        """How many tickets were untied from their holders; those the hall still knows stay."""
        rows, is_last = 0, False
        while not is_last:
            below = min(live.hall.tickets, default=None)
            with self._store.writing() as c:
                step = erasure.forget_visitors(c, live.id, before, below)
            rows, is_last = rows + step.rows, step.is_last
        return rows

    def delete_sign_ins(self, now: datetime) -> None:
        before = now - timedelta(days=self._settings.sign_in_days)
        with self._store.writing() as c:
            rows = erasure.forget_sign_ins(c, before)
        if rows:
            self._prove(DataClass.SIGN_INS, "", before, rows)

    def erase_visit(self, hall: str, ticket: int, number: str, by: str, reason: str) -> None:
        """What ties one ticket to its holder, at their request. Raises Refused."""
        need_reason(reason)
        with self._store.writing() as c:
            erasure.forget_visitor(c, hall, ticket)
            audit(by, VISIT, f"{hall}/ticket {number}", real_now(), ticket=ticket, reason=reason)(c)

    def held(self) -> list[Kept]:
        """Every class, with how long it is kept and since when there is something."""
        with self._store.reading() as c:
            oldest = [at for hall in self._halls if (at := erasure.held_visitors(c, hall)) is not None]
            signed_in = erasure.held_sign_ins(c)
        settings = self._settings
        return [
            Kept(DataClass.VISITS, settings.visitor_days, min(oldest, default=None)),
            Kept(DataClass.SIGN_INS, settings.sign_in_days, signed_in),
            Kept(DataClass.SET_ASIDE, settings.set_aside_days),
            Kept(DataClass.STAFF, None),
        ]

    def _prove(self, kind: DataClass, hall: str, before: datetime, rows: int) -> None:
        facts = {"kind": kind.value, "before": before.isoformat(), "rows": rows}
        with self._store.writing() as c:
            audit("system", RETENTION, hall, real_now(), **facts)(c)


def need_reason(reason: str) -> None:
    """Raises Refused("reason_needed")."""
    if len(reason.strip()) < 2:
        raise Refused("reason_needed", "a reason is needed")
