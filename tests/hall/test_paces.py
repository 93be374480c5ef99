"""What services teach about matters and clerks."""

from __future__ import annotations

import math
from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.hall.commands import CallNext, CloseDay, Finish, OpenDay, Start
from controller.hall.model import Outcome
from controller.hall.paces import Doubts, Paces, Served, known, learn, length, overnight, pace, spread
from controller.hall.snapshot import freeze, thaw
from tests.halls import CLOSING, TODAY, after, go, small

DOUBTS = Doubts(queue=0.2, item=0.3, clerk=0.15, section=0.06, service=0.7)


def taught(clerk_speed: float, queue_factor: float, services: int, seed: int = 1) -> Paces:
    """After so many services of two clerks, the second as fast as believed."""
    chance, paces = Random(seed), Paces()
    for n in range(services):
        clerk, speed = (("wang", clerk_speed), ("li", 1.0))[n % 2]
        seconds = 600 * queue_factor / speed * math.exp(chance.gauss(-0.245, 0.7))
        paces = learn(paces, DOUBTS, Served("A", None, clerk, "east", seconds, 600.0))
    return paces


def test_nothing_learned_is_what_was_configured() -> None:
    assert length(Paces(), "A") == 1.0
    assert pace(Paces(), "wang", "east") == 0.0
    assert spread(Paces(), DOUBTS) == pytest.approx(0.7)


def test_a_slow_clerk_and_a_long_matter_are_told_apart() -> None:
    paces = taught(clerk_speed=0.6, queue_factor=1.3, services=800)
    assert pace(paces, "wang", "east") - pace(paces, "li", "east") == pytest.approx(math.log(0.6), abs=0.12)
    assert length(paces, "A") > 1.1
    assert spread(paces, DOUBTS) == pytest.approx(0.7, abs=0.06)


def test_few_services_move_little() -> None:
    assert abs(pace(taught(0.5, 1.0, 4), "wang", "east")) < 0.12


def test_one_forgotten_key_hardly_changes_a_pace() -> None:
    """a service of eight hours counts for no more than one far out of the common run"""
    paces = learn(Paces(), DOUBTS, Served("A", None, "wang", "east", 8 * 3600.0, 600.0))
    far = learn(Paces(), DOUBTS, Served("A", None, "wang", "east", 5000.0, 600.0))
    assert pace(paces, "wang", "east") == pytest.approx(pace(far, "wang", "east"))


def test_what_is_known_beforehand_is_shrunk_to() -> None:
    paces = known(Paces(), "wang", "east", math.log(1.2), 0.06**2)
    assert pace(paces, "wang", "east") == pytest.approx(math.log(1.2))


def test_items_of_one_queue_differ() -> None:
    paces = Paces()
    for _ in range(40):
        paces = learn(paces, DOUBTS, Served("A", "long", "wang", "east", 1200.0, 600.0))
        paces = learn(paces, DOUBTS, Served("A", "short", "wang", "east", 300.0, 600.0))
    assert length(paces, "A", "long") > 1.5 * length(paces, "A", "short")


@given(st.lists(st.floats(1e-3, 1e6), max_size=60))
def test_beliefs_stay_finite_and_grow_surer_whatever_the_times(times: list[float]) -> None:
    paces = Paces()
    for seconds in times:
        paces = learn(paces, DOUBTS, Served("A", "x", "wang", "east", seconds, 600.0))
    for belief in (*paces.queues.values(), *paces.clerks.values(), *paces.items.values()):
        assert math.isfinite(belief.mean)
        assert 0.0 < belief.variance <= 0.3**2
    assert 0.0 < spread(paces, DOUBTS) < 3.0
    later = overnight(paces, DOUBTS, 0.03)
    assert all(later.clerks[clerk].variance >= one.variance for clerk, one in paces.clerks.items())


def test_the_hall_learns_from_services_and_keeps_it_over_a_restart_and_a_night() -> None:
    state = small("A A A")
    for minutes in (30, 30, 30):
        state = go(state, CallNext(1), Start(1), after(minutes=minutes), Finish(1))
    slow = pace(state.hall.paces, "wang", "east")
    assert slow < 0.0
    assert thaw(freeze(state.hall)) == state.hall
    state = go(state, CloseDay(), after(hours=20))
    state = go(state, OpenDay(TODAY + timedelta(days=1), CLOSING + timedelta(days=1)))
    assert state.hall.day is not None
    assert state.hall.day.date == date(2025, 3, 4)
    assert pace(state.hall.figures, "wang", "east") == pytest.approx(slow)


def test_a_visit_for_nothing_teaches_nothing() -> None:
    state = go(small("A"), CallNext(1), Start(1), after(hours=1), Finish(1, Outcome.NOTHING, "wrong hall"))
    assert state.hall.paces == Paces()


def test_choices_go_by_new_paces_only_now_and_then() -> None:
    """so that a choice does not have to work them all out"""
    state = small("A A A")
    state = go(state, CallNext(1), Start(1), after(minutes=9), Finish(1))
    figures = state.hall.figures
    assert go(state, CallNext(1), Start(1), after(minutes=1), Finish(1)).hall.figures == figures
    later = go(state, CallNext(1), Start(1), after(minutes=9), Finish(1))
    assert later.hall.figures == later.hall.paces != figures
