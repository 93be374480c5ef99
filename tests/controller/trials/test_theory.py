"""The played hall against queueing theory, and against another simulator, inside 95 % limits.

The engine's own rule calls; only its bounds on waiting and passing are put out of reach, which theory does
not know. Waits in seconds. Sources: Gross et al., Fundamentals of Queueing Theory, 4th ed., 2.3, 4.4, 5.1
(Erlang, Cobham, Pollaczek and Khinchine); Kleinrock, Naval Research Logistics Quarterly 11, 1964 (growing).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from statistics import fmean

import ciw
import pytest

from controller.hall.engine import new_hall
from controller.hall.model import (
    CallingDomain,
    Clerk,
    Plan,
    Queue,
    Rules,
    Serves,
    Text,
    TicketClass,
    Window,
    Zone,
)
from controller.hall.reports import wait_of
from controller.trials.compare import margin
from controller.trials.day import Citizen, Day, Errand, Stint
from controller.trials.play import play
from controller.trials.variant import Variant, changed_plan

OPENS = datetime(2025, 3, 3, tzinfo=UTC)
NAME = Text("", "")
NONE, EVER = timedelta(), timedelta(days=300)
FREE = Rules(
    call_every=None, oldest_first_after=EVER, greens_in_a_row=10**6, close_grace=EVER, appointment_lead=NONE
)
BATCHES = 12
GREEN, NORMAL = TicketClass.GREEN, TicketClass.NORMAL


@dataclass(frozen=True)
class Load:
    """A stream of customers: how many a second, of which class, served how long."""

    rate: float
    service: Callable[[Random], float]
    klass: TicketClass = NORMAL


def exponential(mean: float) -> Callable[[Random], float]:
    return lambda chance: chance.expovariate(1 / mean)


def plan(windows: int, rule: str, **balance: float) -> Plan:
    rules = replace(FREE, balance=replace(FREE.balance, passed_in_section=10**6, passed_in_hall=10**6))
    bare = Plan(
        rules=replace(rules, balance=replace(rules.balance, **balance)),
        domains=(CallingDomain("all", NAME),),
        zones=(Zone("all", NAME),),
        queues=(Queue("A", NAME, "all", "", "all", timedelta(seconds=100)),),
        windows=tuple(Window(n, NAME, "all", (Serves("A"),)) for n in range(1, windows + 1)),
        clerks=tuple(Clerk(str(n), "", "") for n in range(1, windows + 1)),
    )
    far = {"balance.passed_in_section": "1000000", "balance.passed_in_hall": "1000000"}
    far |= {"balance.section_lead": "7200h", "balance.hall_lead": "7200h"}
    return changed_plan(bare, Variant(rule=rule, settings={} if rule == "oldest" else far))


def customers(loads: Sequence[Load], count: int, seed: int) -> list[Citizen]:
    chance, found = Random(seed), []
    for load in loads:
        at = 0.0
        for _ in range(round(count * load.rate / sum(one.rate for one in loads))):
            at += chance.expovariate(load.rate)
            found.append(customer(at, load.service(chance), load.klass))
    return sorted(found, key=lambda one: one.at)


def customer(at: float, service: float, klass: TicketClass = NORMAL) -> Citizen:
    errand = Errand("A", timedelta(seconds=service))
    return Citizen(OPENS + timedelta(seconds=at), (errand,), klass, walk=NONE)


def waits(of: Plan, citizens: Sequence[Citizen]) -> list[tuple[TicketClass, float]]:
    """What the engine lets everybody wait, in order of arrival."""
    stints = tuple(Stint(window.number, str(window.number), OPENS) for window in of.windows)
    day = Day("", OPENS.date(), OPENS, OPENS + EVER, tuple(citizens), stints, NONE)
    tickets = play(new_hall("hall", of), day).hall.tickets
    found = [(tickets[id].klass, wait_of(tickets[id])) for id in sorted(tickets)]
    return [(klass, wait.total_seconds()) for klass, wait in found if wait is not None]


def batches(values: Sequence[float]) -> list[float]:
    """Means of batches long enough to be nearly independent, after the hall has filled."""
    settled = values[len(values) // 10 :]
    size = len(settled) // BATCHES
    return [fmean(settled[n * size : (n + 1) * size]) for n in range(BATCHES)]


def assert_agrees(values: Sequence[float], theory: float, within: float = 0.35) -> None:
    """The mean of the batches is what theory says, inside its 95 % limits, which are narrow enough."""
    means = batches(values)
    half = margin(means)
    assert half is not None
    assert half < within * theory
    assert fmean(means) == pytest.approx(theory, abs=half)


def test_waits_of_several_windows_are_erlang_s() -> None:
    windows, rate, mean = 3, 0.018, 100.0
    load = rate * mean
    top = load**windows / math.factorial(windows) / (1 - load / windows)
    delayed = top / (sum(load**n / math.factorial(n) for n in range(windows)) + top)
    found = [
        wait
        for _, wait in waits(plan(windows, "oldest"), customers([Load(rate, exponential(mean))], 4000, 1))
    ]
    assert_agrees(found, delayed * mean / (windows - load))
    assert_agrees([float(wait > 0) for wait in found], delayed, 0.15)


@pytest.mark.parametrize(
    ("service", "square"),
    [(lambda chance: 100.0, 1.0), (lambda chance: chance.uniform(0.0, 200.0), 4 / 3)],
    ids=["always the same", "uniform"],
)
def test_waits_for_one_window_are_pollaczek_s_and_khinchine_s(
    service: Callable[[Random], float], square: float
) -> None:
    rate = 0.006
    found = [wait for _, wait in waits(plan(1, "oldest"), customers([Load(rate, service)], 1500, 2))]
    assert_agrees(found, rate * square * 100.0**2 / 2 / (1 - 0.6))


def about_100(chance: Random) -> float:
    return chance.uniform(50.0, 150.0)


TWO = (Load(0.002, about_100, GREEN), Load(0.004, about_100))
RESIDUAL = 0.006 * (100.0**2 + 100.0**2 / 12) / 2  # work found at the window, of the one who is there


def test_waits_by_class_are_cobham_s() -> None:
    found = waits(plan(1, "classes"), customers(TWO, 2200, 3))
    assert_agrees([wait for klass, wait in found if klass is GREEN], RESIDUAL / (1 - 0.2))
    assert_agrees([wait for klass, wait in found if klass is NORMAL], RESIDUAL / (1 - 0.2) / (1 - 0.6))


def test_waits_by_growing_claims_are_kleinrock_s() -> None:
    found = waits(plan(1, "growing", green_rate=3.0), customers(TWO, 2200, 4))
    normal = RESIDUAL / (1 - 0.6) / (1 - 0.2 * (1 - 1 / 3))
    green = RESIDUAL / (1 - 0.6) - 0.4 * normal * (1 - 1 / 3)
    assert_agrees([wait for klass, wait in found if klass is NORMAL], normal)
    assert_agrees([wait for klass, wait in found if klass is GREEN], green)


def test_everybody_waits_as_long_as_in_another_simulator() -> None:
    """the same customers, one by one: arrivals and services handed to both"""
    citizens = customers([Load(0.025, exponential(100.0))], 800, 5)
    times = [(one.at - OPENS).total_seconds() for one in citizens]
    gaps = [after - before for before, after in zip([0.0, *times], times, strict=False)]
    services = [one.errands[0].service.total_seconds() for one in citizens]
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Sequential([*gaps, 1e12])],
        service_distributions=[ciw.dists.Sequential(services)],
        number_of_servers=[3],
    )
    theirs = ciw.Simulation(network)
    theirs.simulate_until_max_time(1e9)
    records = sorted(theirs.get_all_records(), key=lambda record: record.arrival_date)
    ours = [wait for _, wait in waits(plan(3, "oldest"), citizens)]
    assert len(ours) == len(records) == 800
    assert ours == pytest.approx([record.waiting_time for record in records], abs=0.01)


def test_classes_at_several_windows_wait_as_in_another_simulator() -> None:
    """no formula knows these: two classes, services that are not exponential, three windows"""
    loads = (Load(0.008, about_100, GREEN),)
    loads += (Load(0.012, lambda chance: chance.uniform(0.0, 200.0)),)
    ours = waits(plan(3, "classes"), customers(loads, 2200, 6))
    network = ciw.create_network(
        arrival_distributions={
            "green": [ciw.dists.Exponential(0.008)],
            "normal": [ciw.dists.Exponential(0.012)],
        },
        service_distributions={
            "green": [ciw.dists.Uniform(50.0, 150.0)],
            "normal": [ciw.dists.Uniform(0.0, 200.0)],
        },
        number_of_servers=[3],
        priority_classes={"green": 0, "normal": 1},
    )
    ciw.seed(7)
    theirs = ciw.Simulation(network)
    theirs.simulate_until_max_time(300_000)
    records = sorted(theirs.get_all_records(), key=lambda record: record.arrival_date)
    for klass in (GREEN, NORMAL):
        mine = batches([wait for one, wait in ours if one is klass])
        other = batches([one.waiting_time for one in records if one.customer_class == klass.value])
        half, their_half = margin(mine), margin(other)
        assert half is not None
        assert their_half is not None
        assert fmean(mine) == pytest.approx(fmean(other), abs=math.hypot(half, their_half))
        assert half < 0.5 * fmean(mine)
