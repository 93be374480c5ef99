"""`make rig-powercut`: the power fails under a working store and outbox; nothing promised may be lost.

python -m tests.hardware.powercut [--cuts 20] [--seed 1]

Boots a virtual machine, listens to what its controller's store and its node's outbox promise to the
outside, kills it at a random moment, lets its disk forget a random part of what it had not been told to
flush, boots it again on the same disk and compares. Ends with 1 when a promise was not kept.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.hardware.powercut.disk import Disk, Server
from tests.hardware.powercut.machine import REPOSITORY, Machine, make_disk, prepare

WORK_S = (2.0, 15.0)  # of promises before each cut; an emulated processor makes some ten a second


@dataclass
class Told:
    """What a machine said: promises made, or found on the disk. events: of the unit, as it names them."""

    tickets: dict[str, str] = field(default_factory=dict)
    events: set[str] = field(default_factory=set)
    uncertain: int = 0
    control: int = 0
    epoch: str = ""
    problems: list[str] = field(default_factory=list)

    def hear(self, line: str) -> None:
        """Take in one whole line."""
        match line.split(maxsplit=2):
            case ["ticket", token, number]:
                self.tickets[token] = number
            case ["press" | "vote" | "printed", _]:
                self.events.add(line.strip())
            case ["uncertain", n]:
                self.uncertain = int(n)
            case ["control", n]:
                self.control = max(self.control, int(n))
            case ["outbox", epoch]:
                self.epoch = epoch
            case _:
                self.problems.append(line.strip())


@dataclass
class Tally:
    """All promises so far, and how many of them were not found again."""

    promised: Told = field(default_factory=Told)
    broken: list[str] = field(default_factory=list)
    uncertain: int = 0
    control_lost: int = 0
    writes_lost: int = 0
    writes_cached: int = 0

    def compare(self, found: Told) -> None:
        """What was found must hold what was promised. What was found is promised from now on."""
        self.broken += [f"the machine said: {problem}" for problem in found.problems]
        for token, number in self.promised.tickets.items():
            if found.tickets.get(token) != number:
                self.broken.append(f"ticket {token} was {number} and is {found.tickets.get(token)}")
        self.broken += [f"{event} is gone" for event in sorted(self.promised.events - found.events)]
        if found.uncertain > 1:
            self.broken.append(f"{found.uncertain} slips are uncertain after one cut")
        self.uncertain += found.uncertain
        if self.promised.epoch not in ("", found.epoch):
            self.broken.append("the outbox began anew")
        if len(set(found.tickets.values())) != len(found.tickets):
            self.broken.append("a number was given twice")
        self.control_lost += max(0, self.promised.control - found.control)
        self.promised = found


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser("rig-powercut", description=__doc__)
    parser.add_argument("--cuts", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    words = parser.parse_args(argv)
    chance, tally, began = random.Random(words.seed), Tally(), time.monotonic()
    kernel, memory = prepare(REPOSITORY / "var" / "rigs")
    with tempfile.TemporaryDirectory(prefix="powercut-") as name:
        folder = Path(name)
        make_disk(folder / "disk")
        for cut in range(words.cuts + 1):
            with _booted(folder, kernel, memory, chance, tally) as machine:
                tally.compare(_found(machine, folder / "console.log"))
                print(f"boot {cut}: {_state(tally)}", flush=True)
                if cut < words.cuts:
                    _listen(machine, tally.promised, chance.uniform(*WORK_S))
    _report(tally, words.cuts, time.monotonic() - began)
    return 1 if tally.broken else 0


@contextmanager
def _booted(
    folder: Path, kernel: Path, memory: Path, chance: random.Random, tally: Tally
) -> Iterator[Machine]:
    """A machine on the disk; at the end its power is cut, and its disk's with it."""
    disk = Disk(folder / "disk")
    server = Server(disk, folder / "nbd")
    machine = Machine(kernel, memory, folder / "nbd", folder)
    try:
        yield machine
    finally:
        machine.kill()
        server.close()
        (folder / "nbd").unlink()
        lost, cached = disk.cut(chance)
        tally.writes_lost += lost
        tally.writes_cached += cached
        disk.close()


def _found(machine: Machine, console: Path) -> Told:
    found = Told()
    for line in machine.lines:
        if line == "working\n":
            return found
        found.hear(line)
        if line == "ended\n":
            break
    last = console.read_text(errors="replace")[-2000:]
    raise SystemExit(f"rig-powercut: the machine did not come up: {found.problems}\n{last}")


def _listen(machine: Machine, promised: Told, seconds: float) -> None:
    """Take promises in for so long; a line without its end was no promise yet."""
    deadline = time.monotonic() + seconds
    for line in machine.lines:
        if line.endswith("\n"):
            promised.hear(line)
        if time.monotonic() > deadline:
            return


def _state(tally: Tally) -> str:
    promised = tally.promised
    events = Counter(event.split()[0] for event in promised.events)
    kept = f"{len(promised.tickets)} tickets, {events['press']} presses, {events['printed']} slips"
    doubt = f"{events['vote']} votes, {tally.uncertain} slips uncertain"
    return f"{kept}, {doubt}, {len(tally.broken)} promises broken"


def _report(tally: Tally, cuts: int, seconds: float) -> None:
    for broken in tally.broken[:20]:
        print(f"broken: {broken}")
    print(f"{cuts} power cuts in {seconds:.0f} s: {_state(tally)}")
    print(
        f"disk: {tally.writes_cached} writes were in its cache at the cuts, {tally.writes_lost} of them lost"
    )
    print(f"control (synchronous=NORMAL, meant to lose): {tally.control_lost} rows lost")
    if tally.control_lost == 0:
        print("the control lost nothing: this run proves nothing, take more cuts")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
