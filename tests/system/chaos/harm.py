"""Brings accidents upon a hall, ends those that last, and starts again what died."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import psutil

from tests.system.chaos.accidents import BROKER, MACHINE, SUPERVISOR, WORKER, Accident, What
from tests.system.chaos.site import Site

End = Callable[[], None]


class Harm:
    """What befalls one hall. All of it runs on one thread: children end with the thread that started them."""

    def __init__(self, hall: Site) -> None:
        self._hall = hall
        self._lasting: list[tuple[float, End]] = []
        self.told: list[str] = []  # what happened, as it happened
        self.last_at = time.monotonic()  # when the last accident began or ended

    def befall(self, accident: Accident) -> None:
        """Let it happen; one that finds its victim already down does nothing."""
        try:
            end = self._begin(accident)
        except (psutil.Error, ProcessLookupError, AssertionError) as error:
            self.told.append(f"{accident}: not possible, {error}")
            return
        self.told.append(str(accident))
        self.last_at = time.monotonic()
        if end is not None:
            self._lasting.append((self.last_at + accident.length_s, end))

    def turn(self) -> None:
        """End what has lasted long enough, and start again what died."""
        now_s = time.monotonic()
        for due, end in [one for one in self._lasting if one[0] <= now_s]:
            self._lasting.remove((due, end))
            self._end(end)
        for child in self._hall.children:
            child.revive(now_s)

    def end_all(self) -> None:
        """No accident lasts beyond this."""
        lasting, self._lasting = self._lasting, []
        for _, end in lasting:
            self._end(end)

    def _end(self, end: End) -> None:
        with suppress(psutil.Error, ProcessLookupError):
            end()
        self.last_at = time.monotonic()

    def _begin(self, accident: Accident) -> End | None:
        match accident.what:
            case What.KILL:
                self._kill(accident.victim)
                return None
            case What.STOP:
                return self._stop(self._process(accident.victim))
            case What.CUT:
                network = self._hall.networks[accident.victim]
                network.cut()
                return network.mend
            case What.FULL:
                disk = self._hall.disks[accident.victim]
                disk.fill()
                return disk.free
            case What.JUMP:
                self._hall.clocks[accident.victim].set(accident.by_s)
                return None

    def _kill(self, victim: str) -> None:
        if victim == MACHINE:
            self._hall.kill_everything()
        elif victim == SUPERVISOR:
            self._process(SUPERVISOR).kill()
            self._hall.works.controller.end(0)
        elif victim in (WORKER, BROKER):
            self._process(victim).kill()
        else:
            self._hall.kill_node(victim)

    def _stop(self, process: psutil.Process) -> End:
        process.suspend()
        return process.resume

    def _process(self, victim: str) -> psutil.Process:
        if victim == WORKER:
            return self._hall.worker()
        if victim == BROKER:
            return self._hall.broker()
        child = self._hall.works.controller if victim == SUPERVISOR else self._hall.works.units[victim]
        return psutil.Process(child.pid)
