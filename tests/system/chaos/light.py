"""A hall that can be made to hurry: its units have no wires, and their people live in their processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from controller.demo.processes import Process
from controller.demo.works import answers
from tests.system.chaos.devices import FOLDER, PACE_S, UNIT
from tests.system.chaos.site import Conditions, Site
from tests.waiting import until

LEFT_OUT = ("pages", "bench")  # of a unit's file: these units show nothing to anybody
START_S = 60.0  # on a machine with much else to do
PROGRAM = ("tests.system.chaos.unit", "-c")


class LightHall(Site):
    """node-1 presses, node-2 and node-3 have a clerk at each keypad, node-4 speaks and shows."""

    def __init__(self, folder: Path, run_dir: Path, conditions: Conditions) -> None:
        super().__init__(folder, run_dir, conditions)
        self.works.benches = {}

    def start(self) -> None:
        self.works.controller.start()
        until(lambda: answers(f"{self.url}/healthz"), START_S, what="the controller answers")
        for unit in self.works.units.values():
            unit.start()
        until(lambda: all(map(self.is_configured, self.works.units)), START_S, what="units are configured")

    def _unit(self, name: str) -> Process:
        file = self.works.data / "units" / f"{name}.toml"
        lines = [line for line in file.read_text("utf-8").splitlines() if not line.startswith(LEFT_OUT)]
        file.write_text("\n".join(lines) + "\n", "utf-8")
        return super()._unit(name)

    def _child_of(self, name: str, words: Sequence[str], environment: Mapping[str, str]) -> Process:
        if name == "controller":
            return super()._child_of(name, words, environment)
        people = {FOLDER: str(self.folder), UNIT: name, PACE_S: str(self.conditions.pace_s)}
        return super()._child_of(name, (*PROGRAM, words[-1]), {**environment, **people})
