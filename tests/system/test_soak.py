"""Endurance: thousands of tickets, and hours of accidents. `make soak`.

SOAK_MINUTES (60) and SOAK_KILLS (no limit) say how long, whichever comes first; SOAK_SEED (the clock's
hour) which accidents; SOAK_BROKER (both in turn) on what. A run is made of rounds, each with a hall and a
seed of its own: the seed that a failure names, given as SOAK_SEED, repeats that round and no other.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.controller.brokers import KINDS
from tests.system.chaos.accidents import What
from tests.system.chaos.light import LightHall
from tests.system.chaos.run import Plan, possible, run
from tests.system.chaos.site import Site
from tests.system.chaos.wired import WiredHall

ROUND_S = 180.0
ACCIDENTS = 45  # in a round
THOUSANDS = 10_000  # tickets and calls
pytestmark = [pytest.mark.soak, pytest.mark.timeout(0)]


@pytest.mark.parametrize("broker", KINDS)
def test_ten_thousand_tickets_and_calls_through_thirty_kills(broker: str, tmp_path: Path) -> None:
    plan = Plan(seed=_seed(), broker=broker, accidents=30, work=THOUSANDS, longest_s=3600.0)
    outcome = run(tmp_path, plan)
    print(outcome)
    outcome.check()
    assert outcome.done >= THOUSANDS


@pytest.mark.parametrize("kind", [LightHall, WiredHall])
def test_nothing_promised_is_lost_through_hours_of_accidents(kind: type[Site], tmp_path: Path) -> None:
    kinds = possible()
    for n, plan in enumerate(_rounds(kind, kinds), start=1):
        outcome = run(tmp_path / str(n), plan, kind)
        print(f"SOAK_SEED={plan.seed} {outcome}", flush=True)
        outcome.check()


def _rounds(kind: type[Site], kinds: list[What]) -> Iterator[Plan]:
    """Rounds until the minutes, or the accidents, are used up."""
    seed, only = _seed(), "/" in _seed()
    left = int(os.environ.get("SOAK_KILLS", "1000000"))
    ends_at = time.monotonic() + float(os.environ.get("SOAK_MINUTES", "60")) * 60 / 2  # two kinds of halls
    for n in count():
        if left <= 0 or (n > 0 and (only or time.monotonic() > ends_at)):
            return
        number = int(seed.rpartition("/")[2]) if only else n
        broker = os.environ.get("SOAK_BROKER", KINDS[number % len(KINDS)])
        accidents = min(ACCIDENTS, left)
        left -= accidents
        yield _plan(kind, seed if only else f"{seed}/{n}", broker, accidents, kinds)


def _plan(kind: type[Site], seed: str, broker: str, accidents: int, kinds: list[What]) -> Plan:
    if kind is LightHall:
        return Plan(seed, broker, accidents, kinds, longest_s=ROUND_S)
    return Plan(seed, broker, accidents, kinds, longest_s=ROUND_S, pace_s=4.0, pause_s=0.5)


def _seed() -> str:
    return os.environ.get("SOAK_SEED", str(int(time.monotonic()) // 3600))
