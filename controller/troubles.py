"""What is wrong with a hall's units as the controller sees it: said once when it begins, once when it ends.

Hides which trouble was told already, also by the controller before this one. A unit can be away
(offline), be two (a copied card, R17), be set back (a restored store, R3), or speak and not be heard (a
wrong allow-list, F64).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from controller.clock import HallClock
from controller.devices import Devices
from controller.postings import part_of
from controller.presence import Lags, Presence, Status, Takeovers
from controller.store.devices import Fault, Record, clear_fault, raise_fault
from firmware.protocol import topics
from firmware.protocol.flaps import Flaps
from firmware.protocol.logs import Outages
from firmware.protocol.messages import Birth, OutboxState

OFFLINE_CODE = "unit.offline"
SET_BACK_CODE = "identity.set_back"
CLONE_CODE = "identity.clone"
LAG_CODE = "unit.lag"
FLAPS = 3  # a unit that went away so often within FLAPS_WITHIN_S is back when it has stayed for FLAPS_CALM_S
FLAPS_WITHIN_S, FLAPS_CALM_S = 600.0, 60.0

_logger = logging.getLogger(__name__)


class Troubles:
    """Of one hall. `watch` is called every second, `born` at each birth."""

    def __init__(
        self,
        hall: str,
        devices: Devices,
        presence: Presence,
        clock: HallClock,
        record: Callable[[Record], None],
        outages: Outages,
        lag_after_s: float,
    ) -> None:
        """record: stores a row, soon. lag_after_s: how long a unit's outbox may stand still."""
        self._hall, self._devices, self._presence = hall, devices, presence
        self._clock, self._record, self._outages = clock, record, outages
        open_faults = devices.faults(hall)
        self._offline = {one.unit for one in open_faults if one.code == OFFLINE_CODE}
        self._cloned = {one.unit for one in open_faults if one.code == CLONE_CODE}
        self._lagging = {one.unit for one in open_faults if one.code == LAG_CODE}
        self._takeovers, self._lags = Takeovers(), Lags(lag_after_s)
        self._absences: Flaps[str] = Flaps(FLAPS, FLAPS_WITHIN_S, FLAPS_CALM_S)

    def is_cloned(self, unit: str) -> bool:
        """Two boards say they are this unit: neither is believed until somebody revokes it (R17)."""
        return unit in self._cloned

    def born(self, unit: str, birth: Birth) -> None:
        """A birth came; it may be the second board of this name."""
        board = (birth.hw.get("serial-number"), birth.boot)
        is_two = self._takeovers.born(unit, board, birth.sess, time.monotonic())
        if is_two and unit not in self._cloned:
            self._cloned.add(unit)
            _logger.error("hall %s: two boards say they are %s; neither is heard", self._hall, unit)
            self._begins(unit, CLONE_CODE, "births of two boards alternate")

    def set_back(self, unit: str, ends_at: int, heard: int) -> None:
        """Its store ends before what was heard of it: a copy of an older one (R3)."""
        _logger.error("hall %s: %s was set back from %d to %d", self._hall, unit, heard, ends_at)
        self._begins(unit, SET_BACK_CODE, f"ends at {ends_at}, heard {heard}")

    def waits(self, unit: str, outbox: OutboxState, heard: int, now_s: float) -> None:
        """A unit told what waits in its outbox; heard: its last event committed here."""
        leaf = self._lags.told(unit, outbox, heard, now_s)
        if leaf is not None and unit not in self._lagging:
            self._lagging.add(unit)
            place = topics.up(self._hall, unit, "").removesuffix("up/") + leaf
            waiting = f"{outbox.hi - outbox.acked} messages wait for {outbox.oldest_s:.0f} s"
            why = f"{waiting}; nothing moves on {place}"
            self._outages.begin(part_of(unit, "unit", LAG_CODE), why)
            self._begins(unit, LAG_CODE, why)
        elif leaf is None and unit in self._lagging:
            self._lagging.discard(unit)
            self._outages.end(part_of(unit, "unit", LAG_CODE))
            self._ends(unit, LAG_CODE)

    def watch(self, now_s: float) -> None:
        """See who went away and who is back."""
        units = [unit.id for unit in self._devices.book.units_of(self._hall)]
        for gone in self._cloned - set(units):
            self._cloned.discard(gone)
            self._ends(gone, CLONE_CODE)
        for unit in units:
            status = self._presence.status(unit, now_s)
            if status is Status.OFFLINE and unit not in self._offline:
                self._offline.add(unit)
                self._went(unit, now_s)
            elif status is Status.ONLINE and unit in self._offline:
                self._offline.discard(unit)
                self._outages.end(part_of(unit, "unit", OFFLINE_CODE))
                if self._absences.ended(unit, now_s):
                    self._ends(unit, OFFLINE_CODE)
        for unit in self._absences.calm(now_s):
            self._ends(unit, OFFLINE_CODE)

    def _went(self, unit: str, now_s: float) -> None:
        """One that comes and goes stays told as away until it has stayed for a while (F62)."""
        self._outages.begin(part_of(unit, "unit", OFFLINE_CODE), "no word from it")
        if self._absences.began(unit, now_s):
            self._begins(unit, OFFLINE_CODE, "no word from it")
        elif self._absences.count(unit) == FLAPS + 1:
            self._begins(
                unit, OFFLINE_CODE, f"comes and goes: {FLAPS} times in {FLAPS_WITHIN_S / 60:.0f} min"
            )

    def _begins(self, unit: str, code: str, detail: str) -> None:
        found = Fault(unit, "unit", code, "degraded", detail, self._clock.now())
        self._record(raise_fault(self._hall, found))

    def _ends(self, unit: str, code: str) -> None:
        self._record(clear_fault(self._hall, unit, "unit", code, self._clock.now()))
