"""What advice is worth, in the independent balancing benchmark: the gain of what we would advise for a day.

Every measure of the benchmark's own list is tried on each day by playing it with the product's rule: one
window more for a section, or a section taught to the window with least to do. What we advise is found by
rehearsing the same people with work drawn anew (hall/rehearsal.py): a hall that plans its day may know who
comes, and not how long each takes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from importlib import import_module
from random import Random
from typing import Any

from balance_adapter import CLASSES, Adapter, at

from controller.hall.advice import COURSES, FINALISTS, MORE_COURSES
from controller.hall.commands import Login
from controller.hall.model import Hall
from controller.hall.rehearsal import Arrival, Crowd, rehearse

KINDS = ("open", "skill")  # of the benchmark's measures
SPREAD = 0.7  # of the logarithm of work, as a hall begins (Balance.service_doubt)
OPENING_S = 9 * 3600.0
HOURS = 13.0  # until the last one is served


def days(scenario: str, seeds: list[int]) -> Iterator[dict[str, Any]]:
    """Per kind of measure, seconds of mean wait saved by the one advised and by the best one of the day."""
    made = import_module("scenarios").SYNTHETIC[scenario]
    for seed in seeds:
        mean_s, used = _played(made(seed))
        crowds = [_crowd(made(seed), course) for course in range(MORE_COURSES)]
        line: dict[str, Any] = {"scenario": f"advice {scenario}", "day": seed, "mean": mean_s}
        for kind in KINDS:
            changed = [_with(made(seed), kind, zone, used) for zone in _zones(made(seed))]
            saved = [mean_s - _played(one)[0] for one in changed]
            line[kind] = [saved[_advised(changed, crowds)], max(saved)]
        yield line


def _advised(changed: list[Any], crowds: list[Crowd]) -> int:
    """Which of the changed days we would take: few courses of chance for all, more for the best."""
    waits = [_rehearsed(one, crowds[:COURSES]) for one in changed]
    first = sorted(range(len(changed)), key=lambda place: waits[place])[:FINALISTS]
    return min(first, key=lambda place: _rehearsed(changed[place], crowds))


def _zones(scenario: Any) -> list[int]:
    return sorted({known["group"] for known in scenario.services.values()})


def _with(scenario: Any, kind: str, zone: int, used: Any) -> Any:
    return import_module("advice").with_action(scenario, kind, zone, used)


def _played(scenario: Any) -> tuple[float, Any]:
    """Mean wait of a day under the product's rule, and how long each window was in use."""
    played = import_module("hallsim").simulate(scenario, Adapter())
    return import_module("metrics").summarise(scenario, played, False)["mean"], played.util


def _crowd(scenario: Any, seed: int) -> Crowd:
    chance, midnight = Random(seed), at(0.0).timestamp()
    return Crowd(
        sorted(
            Arrival(
                midnight + (come if slot is None else max(come, slot)),
                str(service),
                CLASSES[klass],
                math.exp(chance.gauss(-SPREAD * SPREAD / 2.0, SPREAD)),
            )
            for come, service, klass, slot in scenario.tickets
        ),
        {},
    )


def _rehearsed(scenario: Any, crowds: list[Crowd]) -> float:
    hall = _staffed(scenario)
    return sum(rehearse(hall, at(OPENING_S), crowd, HOURS).waited_s for crowd in crowds)


def _staffed(scenario: Any) -> Hall:
    """The hall at opening with every clerk at his window, there by his shifts."""
    product = Adapter()
    product.setup(import_module("hallsim").HallInfo(scenario, scenario.windows))
    for window in scenario.windows:
        product._do(Login(window.id + 1, str(window.id + 1)), OPENING_S - 1.0)
    return product.hall
