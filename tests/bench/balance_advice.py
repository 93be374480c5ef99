"""What advice is worth, in the independent balancing benchmark: the gain of what we would advise for a day.

Every measure of the benchmark's own list is tried on each day by playing it with the product's rule: one
window more for a section, or a section taught to the window with least to do. What we advise is found by
rehearsing the same people (hall/rehearsal.py), twice: as a hall that plans its day, which may know who comes
and not how long each takes; and as a hall that looks back on it, which knows from its log what each took
where he was served, and not what he would have taken elsewhere. The benchmark's own advisers look back too;
what its better one, the section with the longest mean wait, would gain stands beside ours.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from random import Random
from typing import Any

from balance_adapter import CLASSES, Adapter, at

from controller.hall.advice import race
from controller.hall.commands import Login
from controller.hall.model import Hall, Ticket
from controller.hall.rehearsal import Arrival, Crowd, rehearse
from controller.hall.roster import roster_of

KINDS = ("open", "skill")  # of the benchmark's measures
ROUNDS = ((6, 6), (18, 3), (36, 1))  # courses of chance, as in advice.py; a day's plan has time for more
SPREAD = 0.7  # of the logarithm of work, as a hall begins (Balance.service_doubt)
DOUBT = 0.08  # of the logarithm of a recorded work: how much clerks differ in pace (Balance.clerk_doubt)
OPENING_S = 9 * 3600.0
HOURS = 13.0  # until the last one is served


def days(scenario: str, seeds: list[int]) -> Iterator[dict[str, Any]]:
    """Per kind of measure, seconds of mean wait saved by those advised and by the best one of the day."""
    made = import_module("scenarios").SYNTHETIC[scenario]
    for seed in seeds:
        product = Adapter()
        mean_s, played = _played(made(seed), product)
        line: dict[str, Any] = {"scenario": f"advice {scenario}", "day": seed, "mean": mean_s}
        for kind in KINDS:
            changed = partial(_with, lambda: made(seed), kind, used=played.util)  # noqa: B023 - used at once
            saved = [mean_s - _played(changed(zone), Adapter())[0] for zone in _zones(made(seed))]
            line[kind] = {name: saved[one] for name, one in advised(made(seed), product, played, changed)}
            line[kind]["best"] = max(saved)
        yield line


def advised(
    scenario: Any, product: Adapter, played: Any, changed: Callable[[int], Any]
) -> Iterator[tuple[str, int]]:
    """The section we would choose before and after the day, and the benchmark's adviser after it."""
    halls, morning = [_staffed(changed(zone)) for zone in _zones(scenario)], _staffed(scenario)
    yield "before", _best(halls, partial(_planned, scenario))
    yield "after", _best(halls, partial(_recorded, morning, product.hall))
    yield "longest wait", _longest(played)


def _best(halls: list[Hall], crowd: Callable[[int], Crowd]) -> int:
    """Which of the changed halls has the least waiting."""
    crowds = [crowd(course) for course in range(ROUNDS[-1][0])]

    def wait(place: int, course: int) -> float:
        return rehearse(halls[place], at(OPENING_S), crowds[course], HOURS).waited_s

    return next(iter(race(len(halls), wait, ROUNDS)))


def _longest(played: Any) -> int:
    waits: dict[int, list[float]] = {}
    for row in played.rows:
        waits.setdefault(row[2], []).append(max(0.0, row[5] - row[4]))
    return max(waits, key=lambda zone: sum(waits[zone]) / len(waits[zone]))


def _zones(scenario: Any) -> list[int]:
    return sorted({known["group"] for known in scenario.services.values()})


def _with(made: Callable[[], Any], kind: str, zone: int, *, used: Any) -> Any:
    return import_module("advice").with_action(made(), kind, zone, used)


def _played(scenario: Any, product: Adapter) -> tuple[float, Any]:
    """Mean wait of a day under the product's rule, and the day itself."""
    played = import_module("hallsim").simulate(scenario, product)
    return import_module("metrics").summarise(scenario, played, False)["mean"], played


def _planned(scenario: Any, seed: int) -> Crowd:
    """Everybody who is to come, with work drawn anew."""
    chance, midnight = Random(f"planned {seed}"), at(0.0).timestamp()
    return Crowd(
        sorted(
            Arrival(
                midnight + (come if slot is None else max(come, slot)),
                str(service),
                CLASSES[klass],
                _spread(chance, SPREAD),
            )
            for come, service, klass, slot in scenario.tickets
        ),
        {},
    )


def _recorded(morning: Hall, evening: Hall, seed: int) -> Crowd:
    """Everybody who came, with the work the log tells, as surely as clerks' paces are known."""
    chance = Random(f"recorded {seed}")
    tickets = sorted(evening.tickets.values(), key=lambda ticket: ticket.id)
    return Crowd(
        sorted(
            Arrival(
                max(one.issued_at, one.slot or one.issued_at).timestamp(),
                one.queue,
                one.klass,
                _work(morning, one) * _spread(chance, DOUBT),
            )
            for one in tickets
        ),
        {},
    )


def _work(hall: Hall, ticket: Ticket) -> float:
    """How many times the usual his matter took, at the pace of the clerk who served him."""
    leg, roster = ticket.legs[-1], roster_of(hall)
    pace = 0.0 if leg.window is None else roster.log_pace(leg.window, hall.queues[leg.queue].zone)
    return leg.served.total_seconds() * math.exp(pace) / roster.mean_s(leg.queue)


def _spread(chance: Random, sigma: float) -> float:
    """A factor with the mean 1 whose logarithm has that standard deviation."""
    return math.exp(chance.gauss(-sigma * sigma / 2.0, sigma))


def _staffed(scenario: Any) -> Hall:
    """The hall at opening with every clerk at his window, there by his shifts."""
    product = Adapter()
    product.setup(import_module("hallsim").HallInfo(scenario, scenario.windows))
    for window in scenario.windows:
        product._do(Login(window.id + 1, str(window.id + 1)), OPENING_S - 1.0)
    return product.hall
