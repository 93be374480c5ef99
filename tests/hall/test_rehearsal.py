"""The coming hours played through with chance: closed forms, and the same chance for every variant."""

from __future__ import annotations

from random import Random

import pytest

from controller.hall.commands import Login
from controller.hall.model import TicketClass
from controller.hall.rehearsal import Arrival, Crowd, crowd, rehearse
from controller.hall.staffing import mean_wait
from tests.halls import OPENING, go, small

HOUR_S = 3600.0
NORMAL = TicketClass.NORMAL


def stream(rate: float, people: int, seed: int) -> Crowd:
    """A Poisson stream of people an hour to queue A with exponential work."""
    chance, at, come = Random(seed), OPENING.timestamp(), []
    for _ in range(people):
        at += chance.expovariate(rate / HOUR_S)
        come.append(Arrival(at, "A", NORMAL, chance.expovariate(1.0)))
    return Crowd(come, {})


@pytest.mark.parametrize(("rate", "staff"), [(6.0, "wang@1"), (13.0, "wang@1 li@2")])
def test_the_mean_wait_is_that_of_erlang_c(rate: float, staff: str) -> None:
    """M/M/1 and M/M/2 with means of 6 minutes; windows 1 and 2 serve A first"""
    hall = small(staff=staff).hall
    means = []
    for seed in range(12):
        rehearsed = rehearse(hall, OPENING, stream(rate, 4000, seed), 1e5)
        means.append(rehearsed.waited_s / rehearsed.people)
    exact = mean_wait(rate / 10.0, len(staff.split()), hall.queues["A"].mean_service)
    assert exact is not None
    mean = sum(means) / len(means)
    error = (sum((one - mean) ** 2 for one in means) / (len(means) - 1) / len(means)) ** 0.5
    assert abs(mean - exact.total_seconds()) < 3.1 * error + 0.02 * exact.total_seconds()


def test_the_same_chance_brings_the_same_waits() -> None:
    state = small("A A B A")
    one, other = (crowd(state.hall, state.now, {("A", NORMAL): 30.0}, 1.0, Random(5)) for _ in range(2))
    assert one == other
    assert rehearse(state.hall, state.now, one, 1.0) == rehearse(state.hall, state.now, other, 1.0)


def test_people_come_at_the_rate_expected() -> None:
    state = small()
    come = crowd(state.hall, state.now, {("A", NORMAL): 100.0, ("B", NORMAL): 50.0}, 10.0, Random(1)).arrivals
    assert len(come) == pytest.approx(1500, rel=0.08)
    assert sum(one.work for one in come) / len(come) == pytest.approx(1.0, rel=0.08)
    assert sum(one.queue == "A" for one in come) / len(come) == pytest.approx(2 / 3, rel=0.08)


def test_another_window_never_makes_the_hall_wait_longer_when_all_are_alike() -> None:
    state = small("A A A A A A", staff="wang@1")
    more = go(state, Login(2, "li"))
    for seed in range(20):
        chance = crowd(state.hall, state.now, {("A", NORMAL): 15.0}, 1.0, Random(seed))
        alone = rehearse(state.hall, state.now, chance, 1.0)
        assert rehearse(more.hall, state.now, chance, 1.0).waited_s <= alone.waited_s


def test_waiting_is_counted_up_to_the_end_only() -> None:
    state = small("A A A", staff="")
    rehearsed = rehearse(state.hall, state.now, Crowd([], {}), 0.5)
    assert (rehearsed.waited_s, rehearsed.people) == (3 * 1800.0, 3)
