"""Days of the independent balancing benchmark under FIFO and under the product's rule, a line of JSON each.

    python balance_days.py <folder of the benchmark> <lines.json> <days> [scenario ...]

Run with the repository and tests/bench on PYTHONPATH, by a Python that has the benchmark's requirements. Days
that stand in the file are not played again, so a run that was ended goes on where it was. The same run of the
product gives its choices and its waits told; the benchmark's own QL-naive and QL estimate beside it.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import balance_advice
from balance_adapter import Adapter

WARM = (101, 102)  # days the estimates learn from before those that count
REPLAYED = ("replay public",)  # parts of the log
ADVISED = ("advice city_monday", "advice stress")
FEWER_ADVISED = 10  # times fewer days than of others: every measure is played on each
ROUNDS = 24  # of a timing
REPEATS = 5  # of each round; the quickest counts, others only show who else ran


class Told:
    """The waits told by several estimators in one run; the first one's are those of the product."""

    name = "told"

    def __init__(self, product: Adapter, others: list[Any]) -> None:
        self.product, self.others = product, others

    def setup(self, hall: Any) -> None:
        self.told: dict[str, dict[int, Any]] = {one.name: {} for one in (self.product, *self.others)}
        for one in self.others:
            one.setup(hall)

    def estimate(self, ticket: Any, now: float, state: Any) -> Any:
        for one in (self.product, *self.others):
            self.told[one.name][ticket.id] = one.estimate(ticket, now, state)
        return self.told[self.product.name][ticket.id]

    def on_start(self, ticket: Any, window: Any, now: float, state: Any) -> None:
        for one in self.others:
            one.on_start(ticket, window, now, state)

    def on_end(self, ticket: Any, window: Any, now: float, seconds: float, served: bool) -> None:
        for one in self.others:
            one.on_end(ticket, window, now, seconds, served)


def days(scenario: str, seeds: list[int]) -> Iterator[dict[str, Any]]:
    """The figures of each day, after WARM ones that only teach."""
    hallsim, known = import_module("hallsim"), import_module("estimators")
    made = import_module("scenarios").SYNTHETIC[scenario]
    product = Adapter()
    told = Told(product, [known.QlNaive(), known.Ql()])
    for seed in (*WARM, *seeds):
        played = hallsim.simulate(made(seed), product, told)
        if seed in WARM:
            continue
        line = {"scenario": scenario, "day": seed, **compared(made(seed), made(seed), played)}
        for name, waits in told.told.items():
            line["waits " + name] = known.evaluate(SimpleNamespace(rows=played.rows, estimates=waits))
        yield line


def replayed(part: str, count: int) -> Iterator[dict[str, Any]]:
    """The days of a call centre's log."""
    hallsim, replay = import_module("hallsim"), import_module("replay")
    for day in replay.days(part)[:count]:
        played = hallsim.simulate(replay.replay(day, part), Adapter())
        yield {
            "scenario": f"replay {part}",
            "day": day,
            **compared(replay.replay(day, part), replay.replay(day, part), played),
        }


def compared(first: Any, again: Any, played: Any) -> dict[str, Any]:
    """What the benchmark makes of a day by the product's rule, and of the same day by FIFO."""
    summarise = import_module("metrics").summarise
    fifo = import_module("hallsim").simulate(first, import_module("policies").Fifo())
    return {"fifo": summarise(first, fifo), "product": summarise(again, played)}


# --- how long one answer takes


def costs() -> Iterator[dict[str, Any]]:
    """Seconds of processor time of one choice and of one estimate, beside the benchmark's own."""
    yield {"scenario": "cost", "day": "choice", **choices(100_000)}
    yield {"scenario": "cost", "day": "estimate", **estimates(300)}


def choices(waiting: int) -> dict[str, float]:
    return {
        policy.name: _choice_s(policy, waiting)
        for policy in (import_module("policies").Balanced(), Adapter())
    }


def _choice_s(policy: Any, waiting: int) -> float:
    scenario, queue, _ = _crowded(policy, waiting)
    windows = [scenario.windows[n % len(scenario.windows)] for n in range(ROUNDS)]
    return _middle([_least(partial(policy.choose, one, 43700.0 + n, queue)) for n, one in enumerate(windows)])


def estimates(waiting: int) -> dict[str, float]:
    """By a rule of the same class rates as the benchmark's own timing uses; every window is serving."""
    sim = import_module("estimators").Sim(b_prio=11.0, b_appt=2.5, alpha=0.8)
    product = Adapter()
    scenario, _, state = _crowded(product, waiting, is_busy=True)
    sim.setup(state.hall)
    make = import_module("hallsim").Ticket
    services = random.Random(2).choices(list(scenario.services), k=ROUNDS)
    new = [
        make(10**6 + n, service, scenario.services[service]["group"], 0, 43700.0)
        for n, service in enumerate(services)
    ]
    asks = {sim.name: sim.point, product.name: product.estimate}
    return {
        name: _middle([_least(partial(ask, one, 43700.0, state)) for one in new])
        for name, ask in asks.items()
    }


def _crowded(policy: Any, waiting: int, is_busy: bool = False) -> tuple[Any, Any, Any]:
    """A city hall with all windows open and so many waiting, known to the policy."""
    hallsim, timing = import_module("hallsim"), import_module("timing")
    scenario = import_module("scenarios").city(0)
    for window in scenario.windows:
        window.open, window.closing = True, scenario.close
    queue = timing.filled(scenario, waiting)
    hall = hallsim.HallInfo(scenario, scenario.windows)
    state = hallsim.State(scenario.windows, queue, hall)
    policy.setup(hall)
    if hasattr(policy, "bind"):
        policy.bind(state)
    if is_busy:
        _occupy(policy, scenario, queue)
    for ticket in sorted(queue, key=lambda one: one.arrive):
        getattr(policy, "on_arrival", lambda *_: None)(ticket, ticket.arrive)
    return scenario, queue, state


def _occupy(policy: Adapter, scenario: Any, queue: Any) -> None:
    """Somebody at each window, since before those came who wait."""
    make = import_module("hallsim").Ticket
    for window in scenario.windows:
        service = min(window.skills)
        one = make(10**7 + window.id, service, scenario.services[service]["group"], 0, 39000.0)
        policy.on_arrival(one, 39000.0)
        policy.on_start(policy.choose(window, 39000.0, None), window, 39000.0)
        window.ticket, window.since = next(iter(queue)), 39000.0


def _least(ask: Callable[[], object]) -> float:
    taken = []
    for _ in range(REPEATS):
        began = time.thread_time()
        ask()
        taken.append(time.thread_time() - began)
    return min(taken)


def _middle(seconds: list[float]) -> float:
    return sorted(seconds)[len(seconds) // 2]


# --- which


def main(bench: str, path: str, count: str, *scenarios: str) -> None:
    sys.path.insert(0, bench)
    kept, most = Path(path), int(count)
    lines = [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []
    for scenario in scenarios or (*import_module("scenarios").SYNTHETIC, *REPLAYED, "cost", *ADVISED):
        done = {line["day"] for line in lines if line["scenario"] == scenario}
        if scenario == "cost":
            found = iter(()) if done else costs()
        elif scenario in ADVISED:
            left = [day for day in range(max(1, most // FEWER_ADVISED)) if day not in done]
            found = balance_advice.days(scenario.split()[1], left)
        elif scenario in REPLAYED:
            found = iter(()) if done else replayed(scenario.split()[1], most)
        else:
            left = [day for day in range(most) if day not in done]
            found = days(scenario, left) if left else iter(())
        for line in found:
            with kept.open("a") as file:
                file.write(json.dumps(line, default=float) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
