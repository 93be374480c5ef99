"""Endurance: an hour of presses while processes die at random, then an audit. `make soak`.

SOAK_MINUTES (60) says how long, SOAK_SEED (the clock's hour) which accidents; the seed is printed.
"""

from __future__ import annotations

import os
import random
import re
import threading
import time
from collections import Counter

import pytest

from tests.hall_process import HallProcess
from tests.system.test_wires import SETTLED, kill, presses
from tests.waiting import until

VICTIMS = ("controller", "broker", "unit", "machine")
BETWEEN_S = (0.5, 4.0)  # a citizen and the next
KILL_EVERY = 5  # presses, on average
pytestmark = [pytest.mark.soak, pytest.mark.timeout(0)]


def test_nothing_is_lost_or_doubled_while_processes_die(hall: HallProcess) -> None:
    seed = os.environ.get("SOAK_SEED", str(int(time.monotonic()) // 3600))
    minutes = float(os.environ.get("SOAK_MINUTES", "60"))
    print(f"SOAK_SEED={seed} SOAK_MINUTES={minutes}")
    paper = Paper(hall)
    killed = endure(hall, paper, random.Random(seed), minutes * 60)
    until(lambda: all(row[3] in SETTLED for row in hall.tickets()), 120, what="every slip's end is known")
    paper.collect()
    audit(hall, paper)
    print(f"{len(hall.tickets())} tickets, killed: {dict(killed)}")


class Paper:
    """Every slip that came out, taken away before the printer's bench forgets it."""

    def __init__(self, hall: HallProcess) -> None:
        self._hall = hall
        self._taken: dict[str, str] = {}  # when it came out -> what it says

    def collect(self) -> None:
        for slip in self._hall.slips():
            self._taken[slip["at"]] = "\n".join(line.get("text", "") for line in slip["lines"])

    def count(self) -> Counter[str]:
        """How often each number came out."""
        found = (
            re.search(r"^\s*([A-F]\d{3}|[A-F]-\S+)\s*$", text, re.MULTILINE) for text in self._taken.values()
        )
        return Counter(match[1] for match in found if match)


def endure(hall: HallProcess, paper: Paper, chance: random.Random, length_s: float) -> Counter[str]:
    """Press and kill until the time is over; how often each was killed."""
    killed: Counter[str] = Counter()
    pause, deadline = threading.Event(), time.monotonic() + length_s
    while time.monotonic() < deadline:
        paper.collect()
        hall.press(chance.choice("ABCDEF"))
        if chance.random() < 1 / KILL_EVERY:
            victim = chance.choice(VICTIMS)
            kill(hall, victim)
            killed[victim] += 1
        pause.wait(chance.uniform(*BETWEEN_S))
    return killed


def audit(hall: HallProcess, paper: Paper) -> None:
    """What citizens hold and what the hall knows is the same, each once."""
    held, known = paper.count(), {row[1]: row[3] for row in hall.tickets()}
    assert [number for number, times in held.items() if times > 1] == [], "a number came out twice"
    assert [number for number in held if number not in known] == [], "paper nobody knows of"
    assert [number for number, slip in known.items() if slip == "printed" and not held[number]] == []
    found = presses(hall)
    assert len(found) == len(set(found)), "one press became two tickets"
