"""Advice: what would help now, by how much; carrying it out; and what it brought."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import pytest

from controller.hall.advice import best, effects, expected, is_needed, measures, race, recent
from controller.hall.commands import CallNext, Finish, PlanShifts, Start, TakeMeasure
from controller.hall.events import MeasureTaken, WindowOpened
from controller.hall.model import Hall, Measure, MeasureKind, Shift, TicketClass
from tests.halls import Told, after, go, refusal, small, small_plan


def crowded(waiting: str = "A " * 14, staff: str = "wang@1") -> Told:
    """Somebody has waited for more than half an hour, and many stand behind him."""
    return go(small(waiting.strip(), staff=staff), after(minutes=31))


def advise(hall: Hall, now: datetime, chance: Random, most: int = 3) -> list[Measure]:
    return best(hall, now, measures(hall, now), chance, recent(hall, now), most)


def test_help_is_called_for_when_somebody_waits_long() -> None:
    assert not is_needed(small("A " * 14).hall, small("A " * 14).now)
    assert is_needed(crowded().hall, crowded().now)


def test_opening_a_window_for_those_who_wait_is_the_best_advice() -> None:
    state = crowded()
    first = advise(state.hall, state.now, Random(1))[0]
    assert first.kind is MeasureKind.RESERVE
    assert first.window in state.hall.servers["A"]
    assert first.saved_s > 1800.0
    assert first.saved_s <= first.waiting_s
    assert first.doubt_s < first.saved_s


def test_the_same_seed_gives_the_same_advice() -> None:
    state = crowded()
    assert advise(state.hall, state.now, Random(3)) == advise(state.hall, state.now, Random(3))


def test_the_best_measures_are_tried_most_and_each_course_once() -> None:
    asked: list[tuple[int, int]] = []

    def wait(place: int, course: int) -> float:
        asked.append((place, course))
        return 10.0 * place + course

    assert list(race(5, wait, ((1, 3), (3, 2), (4, 1)))) == [0]
    assert sorted(asked) == [*((0, n) for n in range(4)), *((1, n) for n in range(4)),
                             *((2, n) for n in range(3)), (3, 0), (4, 0)]  # fmt: skip


def test_the_windows_most_waited_for_are_called_back_first() -> None:
    state = crowded("T " * 12 + "A A", staff="wang@1")
    found = [one.window for one in measures(state.hall, state.now) if one.kind is MeasureKind.RESERVE]
    assert found == [3, 4, 2]


def test_a_window_with_little_to_do_is_advised_to_take_what_people_wait_for() -> None:
    plan = small_plan()
    state = go(small("A " * 14, replace(plan, clerks=plan.clerks[:2]), "wang@1 li@3"), after(minutes=31))
    found = advise(state.hall, state.now, Random(1))
    assert [(one.kind, one.window, one.queues) for one in found] == [(MeasureKind.TAKE, 3, ("A",))]


def test_a_break_that_begins_soon_may_be_delayed() -> None:
    state = crowded(staff="wang@1")
    before = Shift(state.now - timedelta(hours=1), state.now + timedelta(minutes=5))
    later = Shift(state.now + timedelta(minutes=35), state.now + timedelta(hours=5))
    state = go(state, PlanShifts(1, (before, later)))
    delay = next(one for one in measures(state.hall, state.now) if one.kind is MeasureKind.DELAY)
    state = go(state, TakeMeasure(delay))
    moved = state.hall.shifts[1]
    assert moved[0].end == before.end + timedelta(minutes=30)
    assert moved[1].start == later.start + timedelta(minutes=30)


def test_one_command_carries_a_measure_out_and_it_is_remembered() -> None:
    state = crowded()
    measure = advise(state.hall, state.now, Random(1))[0]
    taken = go(state, TakeMeasure(measure))
    assert [type(event) for event in taken.events[-2:]] == [WindowOpened, MeasureTaken]
    assert taken.hall.sessions[measure.window].clerk == measure.clerk
    assert taken.hall.taken[0].measure == measure


def test_taking_further_queues_changes_the_plan_of_that_window_only() -> None:
    state = crowded(staff="wang@1 zhao@3")
    state = go(state, TakeMeasure(Measure(MeasureKind.TAKE, 1, queues=("B",))))
    assert [serves.queue for serves in state.hall.windows[1].serves] == ["A", "B"]
    assert state.hall.windows[2] == small_plan().windows[1]


def test_a_measure_that_is_not_possible_any_more_is_refused() -> None:
    state = crowded()
    measure = Measure(MeasureKind.OPEN, 1, "li")
    assert refusal(state, TakeMeasure(measure)).code == "window_taken"
    assert refusal(state, TakeMeasure(Measure(MeasureKind.DELAY, 1))).code == "no_break"


def test_no_advice_names_a_window_or_clerk_twice() -> None:
    state = crowded("A B " * 8, staff="wang@1")
    found = advise(state.hall, state.now, Random(1), most=5)
    assert len({one.window for one in found}) == len(found)
    clerks = [one.clerk for one in found if one.clerk]
    assert len(set(clerks)) == len(clerks)


def test_the_effect_is_the_waiting_of_the_hour_after_beside_what_was_expected() -> None:
    state = crowded("A A", staff="wang@1")
    measure = Measure(MeasureKind.RESERVE, 2, "li", ("A",), waiting_s=1200.0, saved_s=600.0)
    state = go(state, TakeMeasure(measure), CallNext(1), Start(1), after(minutes=5), CallNext(2))
    effect = effects(state.hall, state.now)[0]
    assert (effect.waited_s, effect.is_over) == (300.0, False)
    assert effect.without_s == pytest.approx(100.0)
    assert effect.with_s == pytest.approx(50.0)
    state = go(state, Start(2), after(minutes=60), Finish(2))
    assert effects(state.hall, state.now)[0] == replace(effect, with_s=600.0, without_s=1200.0, is_over=True)


def test_the_last_hour_is_what_is_expected_of_the_next() -> None:
    state = go(small("A A A B"), after(minutes=30))
    assert recent(state.hall, state.now)["A", TicketClass.NORMAL] == pytest.approx(3 * 60 / 30.67, rel=0.01)


def test_queues_with_a_past_are_expected_as_then_in_the_classes_of_today() -> None:
    normal, green = TicketClass.NORMAL, TicketClass.GREEN
    last = {("A", normal): 9.0, ("A", green): 3.0, ("B", normal): 5.0}
    found = expected(last, {"A": 24.0, "T": 2.0})
    assert found == {("A", normal): 18.0, ("A", green): 6.0, ("B", normal): 5.0, ("T", normal): 2.0}
