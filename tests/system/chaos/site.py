"""A hall that accidents can befall: its disks, clocks and networks are in our hands, its processes too.

What its units are differs: light.py has units without wires, wired.py those of the demo.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from controller.demo.hall import CLERKS, VISITOR, Staff
from controller.demo.processes import Process
from tests.hall_process import HallProcess
from tests.system.chaos import promises
from tests.system.chaos.accidents import MACHINE, What
from tests.system.chaos.machines import Disk, Quota, WallClock
from tests.system.chaos.networks import Cable, Network, Proxied, listening
from tests.system.chaos.promises import Promise

MACHINE_MIB, UNIT_MIB = 256, 32  # of the disks that can be full
UNITS = tuple(f"node-{n}" for n in range(1, 5))
UNIT = "boards_save_s = 0.5\n"  # what a unit shows is read from its store


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a hall is to endure. kinds: of accidents; pace_s: mean seconds between two pushes of a button."""

    broker: str
    pace_s: float
    kinds: Collection[What] = ()


class Child(Process):
    """A process with an environment of its own, as `env NAME=value program` gives it, run by `prefix`."""

    def __init__(
        self,
        name: str,
        words: Sequence[str],
        log: Path,
        environment: Mapping[str, str],
        prefix: Sequence[str] = (),
    ) -> None:
        super().__init__(name, words, log)
        settings = [f"{variable}={value}" for variable, value in environment.items()]
        self._words = [*prefix, "/usr/bin/env", *settings, sys.executable, "-m", *words]


class Site(HallProcess):
    """Controller and broker as always, each unit behind a piece of network that can be cut."""

    def __init__(self, folder: Path, run_dir: Path, conditions: Conditions) -> None:
        self.folder, self.conditions = folder, conditions
        self.disks = self._disks() if What.FULL in conditions.kinds else {}
        self.networks = _networks() if What.CUT in conditions.kinds else {}
        cables = [network for network in self.networks.values() if isinstance(network, Cable)]
        lines = f'broker = "{conditions.broker}"\n' + (listening(folder, cables) if cables else "")
        super().__init__(folder, run_dir, controller=lines, unit=UNIT)
        self.clocks = self._clocks() if What.JUMP in conditions.kinds else {}
        self.works.units = {unit: self._unit(unit) for unit in UNITS}
        words = ("firmware.cli", "serve", "-c", str(self.works.data / "controller.toml"))
        self.works.controller = self._child_of("controller", words, self._clock_of(MACHINE))

    def stop(self) -> None:
        """End everything and take the disks out. Safe to call twice."""
        super().stop()
        networks, self.networks = self.networks, {}
        for network in networks.values():
            network.close()
        disks, self.disks = self.disks, {}
        for disk in disks.values():
            disk.free()
            disk.close()

    @property
    def children(self) -> list[Process]:
        """Those that systemd would keep running."""
        return [self.works.controller, *self.works.units.values()]

    def calm(self) -> None:
        """Nobody at a unit asks for anything new."""
        (self.folder / "calm").touch()

    def facts(self) -> Iterable[Promise]:
        """What people at the units saw and were given, as it was written down there."""
        for file in sorted(self.folder.glob("*.facts")):
            for line in file.read_text("utf-8").splitlines():
                fact = json.loads(line)
                yield getattr(promises, fact.pop("kind"))(**fact)

    def faces(self) -> dict[tuple[str, str], str]:
        """(unit, device) -> what it shows now, of devices that can be looked at."""
        return {}

    def faces_of(self, board: Mapping[str, Any]) -> dict[tuple[str, str], str]:
        """What the devices at a window should show by its board, as JSON."""
        return {}

    # --- what was stored

    def outbox(self, unit: str) -> Path:
        return self.works.data / "units" / unit / "outbox.sqlite"

    def of_unit(self, unit: str, query: str) -> list[Any]:
        """Rows of a unit's store."""
        with closing(sqlite3.connect(f"file:{self.outbox(unit)}?mode=ro", uri=True, timeout=5)) as base:
            return base.execute(query).fetchall()

    def epoch(self, unit: str) -> str:
        return str(self.of_unit(unit, "select value from kv where name = 'epoch'")[0][0])

    def untold(self) -> dict[str, int]:
        """Unit -> how many of its events the hall has not stored."""
        heard = dict(self._rows("select unit || ' ' || epoch, hi from heard"))
        last = {unit: self.of_unit(unit, "select max(seq) from event")[0][0] or 0 for unit in UNITS}
        return {unit: last[unit] - heard.get(f"{unit} {self.epoch(unit)}", 0) for unit in UNITS}

    def count(self, *kinds: str) -> int:
        """How many events of these kinds are stored."""
        marks = ", ".join("?" for _ in kinds)
        rows = self._rows(f"select count(*) from event where kind in ({marks})", kinds)
        return int(rows[0][0])

    def is_configured(self, unit: str) -> bool:
        try:
            return bool(self.of_unit(unit, "select 1 from kv where name = 'config'"))
        except sqlite3.OperationalError:
            return False  # not made yet

    # --- its parts

    def _unit(self, name: str) -> Process:
        """The process of a unit; its file leads through its network. Killed again and again it stays well."""
        file = self.works.data / "units" / f"{name}.toml"
        ours = {"steady_s": "0.5"}
        if name in self.networks:
            ours["broker"] = f'"{self.networks[name].url(self.works.ports.mqtt)}"'
        lines = [one for one in file.read_text("utf-8").splitlines() if not one.startswith(tuple(ours))]
        lines = [*(f"{key} = {value}" for key, value in ours.items()), *lines]
        file.write_text("\n".join(lines) + "\n", "utf-8")
        return self._child_of(name, ("firmware.cli", "node", "-c", str(file)), self._clock_of(name))

    def _child_of(self, name: str, words: Sequence[str], environment: Mapping[str, str]) -> Process:
        prefix = self.networks[name].prefix if name in self.networks else ()
        return Child(name, words, self.works.data / "log" / f"{name}.log", environment, prefix)

    def _disks(self) -> dict[str, Disk | Quota]:
        if Disk.is_possible():
            disks = {unit: Disk(self.folder / "units" / unit, UNIT_MIB) for unit in UNITS}
            return {MACHINE: Disk(self.folder / "data", MACHINE_MIB), **disks}
        return {name: Quota(partial(self._writer, name)) for name in (MACHINE, *UNITS)}

    def _writer(self, machine: str) -> psutil.Process:
        """The process that writes what must be durable."""
        return self.worker() if machine == MACHINE else psutil.Process(self.works.units[machine].pid)

    def _clocks(self) -> dict[str, WallClock]:
        return {name: WallClock(self.folder / f"{name}.clock") for name in (MACHINE, *UNITS)}

    def _clock_of(self, machine: str) -> dict[str, str]:
        return self.clocks[machine].environment if machine in self.clocks else {}


def staff() -> Mapping[int, Staff]:
    """Who sits at which window."""
    return {one.window: one for one in (*CLERKS, VISITOR) if one.window is not None}


def _networks() -> dict[str, Network]:
    return {unit: Cable() if Cable.is_possible() else Proxied() for unit in UNITS}
