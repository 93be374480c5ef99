"""Self-tests of a hall's units: asked for by people and once a week at closing, kept in the audit trail.

What a unit cannot see a person says: what he says did not work is a fault until somebody says that it does.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from controller.clock import real_now
from controller.draft import Committed
from controller.hall.events import DayClosed
from controller.people import SYSTEM, Actor
from controller.presence import Status
from controller.store import selftests
from controller.store.audit import audit
from controller.store.devices import Fault, Record, clear_fault, raise_fault
from controller.store.selftests import ASKED, FOUND, SAID, Row
from firmware.protocol import faults
from firmware.protocol.messages import DeviceConfig, Examined

if TYPE_CHECKING:
    from controller.bus import Bus

EVERY = timedelta(days=6, hours=12)  # a week, and a hall may close earlier than last time
SHOWN_FOR = timedelta(days=8)
TTL_S = 60.0
FAILED_CODE = "test.failed"
TESTS: Mapping[str, tuple[str, ...]] = {  # what can be tested of each kind of device
    "printer": ("print",),
    "led": ("pattern",),
    "keypad": ("keys", "pattern"),
    "keys": ("keys",),
    "button": ("keys",),
    "speaker": ("speak",),
    "camera": ("snapshot",),
}

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tested:
    """A test that has ended. said: what a person said of it, None while nobody has; by: who asked."""

    id: int
    at: datetime
    unit: str
    examined: Examined
    by: str = ""
    said: bool | None = None

    @property
    def is_open(self) -> bool:
        """Whether a person has to say how it went."""
        return self.said is None and any(check.is_ok is None for check in self.examined.checks)

    @property
    def is_well(self) -> bool:
        return self.said is not False and all(check.is_ok is not False for check in self.examined.checks)


def ask(bus: Bus, unit: str, what: str, device: str, by: Actor) -> None:
    """Let a unit test itself or one of its devices; stored with who asked."""
    order = bus.renderer.examine(unit, what, device, bus.live.clock.now(), TTL_S)
    row = audit(by.id, ASKED, _subject(bus.hall, unit, device), real_now(), test=what, order=order.cid)
    bus.live.post(None, by, records=[row], orders=[order]).add_done_callback(_note)


def found(hall: str, unit: str, examined: Examined) -> Record:
    """The row of what a unit found."""
    subject = _subject(hall, unit, examined.device)
    return audit(unit, FOUND, subject, real_now(), found=msgspec.to_builtins(examined))


def say(bus: Bus, tested: Tested, is_well: bool, by: Actor) -> None:
    """A person says how a test went. Waits for the commit."""
    unit, device, now = tested.unit, tested.examined.device, bus.live.clock.now()
    row = audit(by.id, SAID, _subject(bus.hall, unit, device), real_now(), test=tested.id, is_well=is_well)
    detail = f"{tested.examined.what}: {by.id}"
    bad = Fault(unit, device, FAILED_CODE, faults.severity(FAILED_CODE), detail, now)
    verdict = clear_fault(bus.hall, unit, device, FAILED_CODE, now) if is_well else raise_fault(bus.hall, bad)
    bus.live.submit(None, by, records=[row, verdict])


def tested(rows: Sequence[Row]) -> list[Tested]:
    """The tests that have ended, newest first, with what was said of them; rows: newest first."""
    said = {row.details["test"]: bool(row.details["is_well"]) for row in reversed(rows) if row.what == SAID}
    asked = {row.details["order"]: row.actor for row in rows if row.what == ASKED}
    return [_tested(row, asked, said) for row in rows if row.what == FOUND]


def tests_of(device: DeviceConfig) -> tuple[str, ...]:
    return TESTS.get(device.kind, ())


class Weekly:
    """Asks every unit of a hall that is there for a full test, once a week when the day is closed."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def committed(self, committed: Committed) -> None:
        """On the writer's thread."""
        if any(isinstance(event, DayClosed) for event in committed.events):
            for status in self._bus.units():
                if status.status is Status.ONLINE and self._is_due(status.unit):
                    ask(self._bus, status.unit, "full", "", SYSTEM)

    def _is_due(self, unit: str) -> bool:
        with self._bus.live.store.reading() as c:
            rows = selftests.rows(c, self._bus.hall, real_now() - EVERY)
        mine = _subject(self._bus.hall, unit, "")
        return not any(row.subject == mine and row.details.get("test") == "full" for row in rows)


def _tested(row: Row, asked: Mapping[str, str], said: Mapping[int, bool]) -> Tested:
    examined = msgspec.convert(row.details["found"], Examined)
    return Tested(row.id, row.at, row.actor, examined, asked.get(examined.order, ""), said.get(row.id))


def _subject(hall: str, unit: str, device: str) -> str:
    return f"{hall}/{unit}/{device}"


def _note(done: object) -> None:
    error = getattr(done, "exception", lambda: None)()
    if error is not None:
        _logger.error("a self-test could not be asked for: %s", error)
