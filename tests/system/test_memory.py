"""Whether an hour of traffic makes a unit or the controller larger. `make soak`; SOAK_MINUTES (60)."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import count, cycle
from pathlib import Path

import psutil
import pytest

from tests.hall_process import HallProcess, running_hall
from tests.system.test_wires import sign_in, take
from tests.waiting import until

EVERY_S = 30.0  # between two looks
SAMPLES_LEAST = 8
SLOW_S = 60.0
OF_A_ROLL = 300  # slips; a roll lasts for some seven hundred
GROWTH_MIB = 1.0  # of a unit's own process, from the second quarter to the last
VISITS = (("A", 1), ("B", 3), ("C", 4), ("F", 6))  # a queue and a window that serves it
pytestmark = [pytest.mark.soak, pytest.mark.timeout(0)]


def test_no_unit_grows_in_an_hour_of_tickets_calls_and_ratings(tmp_path: Path) -> None:
    """Each own process's memory in the last quarter against the second; the first is for warming up."""
    minutes = float(os.environ.get("SOAK_MINUTES", "60"))
    with running_hall(tmp_path) as hall:
        for _, window in VISITS:
            sign_in(hall, window)
        samples = list(_watch(hall, minutes * 60))
    assert len(samples) >= SAMPLES_LEAST
    found = {who: _quarters([one[who] for one in samples]) for who in samples[0]}
    for who, (second, last) in found.items():
        print(f"{who}: {second:.1f} MiB in the second quarter, {last:.1f} in the last")
    units = [who for who in found if who.endswith("RSS")]
    assert not [who for who in units if found[who][1] - found[who][0] > GROWTH_MIB]


def _watch(hall: HallProcess, seconds: float) -> Iterator[Mapping[str, float]]:
    """Traffic without pause; now and then what everybody takes of memory, in MiB."""
    began, look_at = time.monotonic(), 0.0
    for visits, (queue, window) in zip(count(), cycle(VISITS), strict=False):
        now = time.monotonic()
        if now - began > seconds:
            print(f"{visits} visits")
            return
        if now >= look_at:
            look_at = now + EVERY_S
            yield _sizes(hall)
        if visits % OF_A_ROLL == 0:
            hall.new_roll()
        _visit(hall, queue, window)


def _visit(hall: HallProcess, queue: str, window: int) -> None:
    number = take(hall, queue)
    hall.key(window, "call_next")
    until(lambda: number in hall.bar(window), SLOW_S, what=f"{number} is called at window {window}")
    hall.key(window, "start")
    until(lambda: hall.bar(window) == f"{number} 正在办理", SLOW_S, what="it is served")
    hall.key(window, "finish")
    until(lambda: hall.keypad(window)["is_asking"], SLOW_S, what="a rating is asked for")
    hall.rate(window, 3)


def _sizes(hall: HallProcess) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, process in sorted(hall.works.units.items()):
        own = psutil.Process(process.pid)
        found[f"{name}, RSS"] = own.memory_info().rss / 2**20
        found[f"{name} with its children, PSS"] = _pss(own, *own.children(recursive=True))
    return {**found, "controller, PSS": _pss(hall.worker()), "broker, PSS": _pss(hall.broker())}


def _pss(*processes: psutil.Process) -> float:
    total = 0.0
    for process in processes:
        with suppress(psutil.NoSuchProcess):  # a child that prints or speaks ends by itself
            total += float(process.memory_full_info().pss)
    return total / 2**20


def _quarters(values: list[float]) -> tuple[float, float]:
    """Medians of the second quarter and of the last."""
    part = len(values) // 4
    return statistics.median(values[part : 2 * part]), statistics.median(values[-part:])
