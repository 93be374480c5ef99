"""A hall that can be made to hurry: controller and broker as always, its units without wires, each behind a
piece of network that can be cut."""

from __future__ import annotations

import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from controller.demo.hall import CLERKS, VISITOR, Staff
from controller.demo.processes import Process
from controller.demo.works import answers
from tests.faults.proxy import Proxy
from tests.hall_process import HallProcess
from tests.system.chaos.accidents import MACHINE, What
from tests.system.chaos.devices import FOLDER, PACE_S, UNIT
from tests.system.chaos.machines import Disk, WallClock
from tests.waiting import until

Kinds = Collection[What]
MACHINE_MIB, UNIT_MIB = 256, 32  # of the disks that can be full

FAST = """
boards_save_s = 0.5
"""
LEFT_OUT = ("pages", "bench")  # of a unit's file: these units show nothing to anybody


class Child(Process):
    """A process with an environment of its own, as `env NAME=value program` gives it."""

    def __init__(self, name: str, words: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
        super().__init__(name, words, log)
        settings = [f"{variable}={value}" for variable, value in environment.items()]
        self._words = ["/usr/bin/env", *settings, sys.executable, "-m", *words]


class LightHall(HallProcess):
    """node-1 presses, node-2 and node-3 have a clerk at each keypad, node-4 speaks and shows."""

    def __init__(self, folder: Path, run_dir: Path, broker: str, pace_s: float, kinds: Kinds = ()) -> None:
        """pace_s: mean seconds between two pushes of one button. kinds: of accidents to be ready for."""
        self.folder = folder
        self.disks = _disks(folder) if What.FULL in kinds else {}
        super().__init__(folder, run_dir, controller=f'broker = "{broker}"\n', unit=FAST)
        self.clocks = self._clocks() if What.JUMP in kinds else {}
        self.networks = {node.name: Proxy(self.works.ports.mqtt) for node in self.works.nodes}
        self.works.benches = {}
        self.works.units = {node.name: self._unit(node.name, pace_s) for node in self.works.nodes}
        self.works.controller = self._controller()

    def start(self) -> None:
        self.works.controller.start()
        until(lambda: answers(f"{self.url}/healthz"), 40, what="the controller answers")
        for unit in self.works.units.values():
            unit.start()
        until(
            lambda: all(self._is_configured(unit) for unit in self.works.units),
            40,
            what="units are configured",
        )

    def stop(self) -> None:
        """End everything and take the disks out. Safe to call twice."""
        super().stop()
        for network in self.networks.values():
            network.close()
        disks, self.disks = self.disks, {}
        for disk in disks.values():
            disk.free()
            disk.close()

    @property
    def children(self) -> list[Process]:
        """Those that systemd would keep running."""
        return [self.works.controller, *self.works.units.values()]

    @property
    def calm_file(self) -> Path:
        return self.folder / "calm"

    def facts(self) -> Iterator[Path]:
        yield from sorted(self.folder.glob("*.facts"))

    def outbox(self, unit: str) -> Path:
        return self.works.data / "units" / unit / "outbox.sqlite"

    def count(self, *kinds: str) -> int:
        """How many events of these kinds are stored."""
        marks = ", ".join("?" for _ in kinds)
        rows = self._rows(f"select count(*) from event where kind in ({marks})", kinds)
        return int(rows[0][0])

    def heard(self, unit: str, epoch: str) -> int:
        """The last event of the unit that the hall has stored."""
        rows = self._rows("select hi from heard where unit = ? and epoch = ?", (unit, epoch))
        return int(rows[0][0]) if rows else 0

    def _unit(self, name: str, pace_s: float) -> Process:
        file = self.works.data / "units" / f"{name}.toml"
        port = self.networks[name].port
        lines = [line for line in file.read_text("utf-8").splitlines() if not line.startswith(LEFT_OUT)]
        lines = [
            f'broker = "mqtt://127.0.0.1:{port}"' if line.startswith("broker") else line for line in lines
        ]
        file.write_text("\n".join(lines) + "\n", "utf-8")
        environment = {FOLDER: str(self.folder), UNIT: name, PACE_S: str(pace_s), **self._clock_of(name)}
        log = self.works.data / "log" / f"{name}.log"
        return Child(name, ["tests.system.chaos.unit", "-c", str(file)], log, environment)

    def _controller(self) -> Process:
        words = ["firmware.cli", "serve", "-c", str(self.works.data / "controller.toml")]
        return Child("controller", words, self.works.data / "log" / "controller.log", self._clock_of(MACHINE))

    def _clocks(self) -> dict[str, WallClock]:
        machines = [MACHINE, *(node.name for node in self.works.nodes)]
        return {name: WallClock(self.folder / f"{name}.clock") for name in machines}

    def _clock_of(self, machine: str) -> dict[str, str]:
        return self.clocks[machine].environment if machine in self.clocks else {}

    def _is_configured(self, unit: str) -> bool:
        try:
            with closing(sqlite3.connect(f"file:{self.outbox(unit)}?mode=ro", uri=True)) as base:
                return bool(base.execute("select 1 from kv where name = 'config'").fetchone())
        except sqlite3.OperationalError:
            return False  # not made yet


def _disks(folder: Path) -> dict[str, Disk]:
    disks = {MACHINE: Disk(folder / "data", MACHINE_MIB)}
    return disks | {f"node-{n}": Disk(folder / "units" / f"node-{n}", UNIT_MIB) for n in range(1, 5)}


@contextmanager
def light_hall(folder: Path, broker: str, pace_s: float, kinds: Kinds = ()) -> Iterator[LightHall]:
    """A started light hall, stopped at the end."""
    run_dir = Path(tempfile.mkdtemp(prefix="sh-"))
    hall = LightHall(folder, run_dir, broker, pace_s, kinds)
    try:
        hall.start()
        yield hall
    finally:
        hall.stop()
        shutil.rmtree(run_dir, ignore_errors=True)


def staff() -> Mapping[int, Staff]:
    """Who sits at which window."""
    return {one.window: one for one in (*CLERKS, VISITOR) if one.window is not None}
