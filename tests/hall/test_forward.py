"""The hall fast-forwarded: whom each window calls when, if services last as long as usual."""

from __future__ import annotations

import heapq
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.hall import engine
from controller.hall.balance import next_ticket
from controller.hall.commands import (
    CallNext,
    ChangeMode,
    Finish,
    Pause,
    PlanShifts,
    Start,
    TakeTicket,
    Transfer,
)
from controller.hall.forward import Joiner, look, remaining_s
from controller.hall.model import (
    Balance,
    PauseReason,
    Plan,
    Rules,
    Shift,
    TicketClass,
    WindowMode,
)
from controller.hall.waits import expect
from tests.halls import Told, after, go, small, small_plan, take

MINUTE = 60.0


def joining(state: Told, queue: str = "A", klass: TicketClass = TicketClass.NORMAL) -> float | None:
    """Minutes until somebody who joins the queue now is called; None when nobody will."""
    start = state.now.timestamp()
    joiner = Joiner(queue, klass, start)
    at = look(state.hall, state.now, [joiner]).joins.get(joiner)
    return None if at is None else round((at - start) / MINUTE, 3)


def test_somebody_is_called_at_once_while_a_window_is_free() -> None:
    assert joining(small()) == 0.0


def test_with_both_windows_busy_the_next_ones_wait_for_whole_services() -> None:
    """Means of 6 minutes; the services have just begun"""
    state = go(small("A A A A"), CallNext(1), Start(1), CallNext(2), Start(2))
    assert joining(state) == 12.0
    starts = look(state.hall, state.now).calls
    begin = state.now.timestamp()
    assert [round((starts[id] - begin) / MINUTE, 3) for id in (3, 4)] == [6.0, 6.0]


def test_who_is_served_already_will_be_done_sooner_but_never_at_once() -> None:
    assert remaining_s(360.0, 120.0) == 240.0
    assert remaining_s(360.0, 900.0) == pytest.approx(126.0)


def test_nobody_is_called_without_a_window() -> None:
    state = small(staff="")
    assert joining(state) is None
    assert look(state.hall, state.now).until == 0.0


def test_a_pause_with_an_end_is_waited_for() -> None:
    state = go(small(staff="wang@1"), Pause(1, PauseReason.BREAK, timedelta(minutes=10)))
    assert joining(state) == 10.0


def test_a_window_that_goes_home_calls_nobody_and_one_that_opens_later_does() -> None:
    state = go(small("A A", staff="wang@1"), CallNext(1), Start(1))
    early = Shift(state.now - timedelta(hours=1), state.now + timedelta(minutes=3))
    late = Shift(state.now + timedelta(minutes=30), state.now + timedelta(hours=2))
    assert joining(go(state, PlanShifts(1, (early,)))) is None
    assert joining(go(state, PlanShifts(1, (early, late)))) == 36.0
    assert joining(go(state, PlanShifts(1, (early,)), PlanShifts(2, (late,)))) == 36.0


def test_a_green_ticket_is_expected_to_be_called_before_ordinary_ones() -> None:
    state = go(small("A A A A A A", staff="wang@1"), CallNext(1), Start(1))
    assert joining(state, klass=TicketClass.GREEN) == 6.0
    assert joining(state) == 36.0


def test_those_asked_about_change_nobodys_turn() -> None:
    state = small("A B A A B A", staff="wang@1 li@2 zhao@3")
    alone = look(state.hall, state.now)
    start = state.now.timestamp()
    asked = [Joiner(queue, klass, start) for queue in ("A", "B") for klass in TicketClass]
    assert look(state.hall, state.now, asked).calls == alone.calls


def test_asking_about_several_gives_each_the_answer_he_had_alone() -> None:
    state = small("A B A A B A A B", staff="wang@1 li@2 zhao@3")
    start = state.now.timestamp()
    asked = [Joiner(queue, TicketClass.NORMAL, start) for queue in ("A", "B")]
    together = look(state.hall, state.now, asked).joins
    assert all(together[one] == look(state.hall, state.now, [one]).joins[one] for one in asked)


STEPS = st.lists(
    st.sampled_from(["A", "B", "A green", "B green", "call 1", "call 2", "call 3", "wait"]), max_size=60
)


@settings(deadline=None, max_examples=150)
@given(STEPS, st.booleans())
def test_the_first_call_of_every_free_window_is_the_one_the_rule_makes(
    steps: list[str], is_green: bool
) -> None:
    """The light copy must follow balance.py: each free window's next ticket is called now."""
    state = small(staff="wang@1 li@2 zhao@3")
    if is_green:
        state = go(state, ChangeMode(2, WindowMode.GREEN))
    for step in steps:
        state = _step(state, step)
    free = [n for n in (1, 2, 3) if state.hall.sessions[n].current is None]
    for window in free[:1]:
        choice = next_ticket(state.hall, window, state.now)
        others = [Pause(n, PauseReason.BREAK, timedelta(hours=1)) for n in free[1:]]
        alone = go(state, *others)
        choice = next_ticket(alone.hall, window, state.now)
        now = state.now.timestamp()
        called = [id for id, at in look(alone.hall, state.now).calls.items() if at == now]
        assert called == ([] if choice is None else [choice.ticket])


def _step(state: Told, step: str) -> Told:
    if step == "wait":
        return go(state, after(minutes=7))
    if step.startswith("call"):
        window = int(step[-1])
        session = state.hall.sessions[window]
        if session.current is not None:
            return go(state, after(seconds=30), Finish(window))
        if next_ticket(state.hall, window, state.now) is None:
            return state
        return go(state, CallNext(window), Start(window))
    queue, _, green = step.partition(" ")
    klass = TicketClass.GREEN if green else TicketClass.NORMAL
    return go(state, take(state, queue, klass=klass), after(seconds=10))


def hall_of_all_rules() -> Plan:
    """Two sections, levels and overflow, a window that chooses in a way of its own, and little patience."""
    week = timedelta(days=7)
    rules = Rules(
        balance=Balance(learn_every=week, passed_in_section=1, passed_in_hall=2),
        oldest_first_after=timedelta(minutes=40),
        strictly_oldest_after=timedelta(minutes=55),
    )
    plan = small_plan(rules)
    own = Balance(
        learn_every=week,
        short_first=0.2,
        pressure=0.5,
        green_rate=3.0,
        passed_in_section=1,
        hall_lead=timedelta(minutes=9),
    )
    windows = tuple(replace(one, balance=own) if one.number == 3 else one for one in plan.windows)
    means = {"A": 4, "B": 9, "T": 7, "G": 6}
    queues = tuple(replace(one, mean_service=timedelta(minutes=means[one.code])) for one in plan.queues)
    return replace(plan, windows=windows, queues=queues)


COMING = st.tuples(
    st.sampled_from(["A", "A", "B", "T"]), st.sampled_from(list(TicketClass)), st.integers(1, 240)
)


@settings(deadline=None, max_examples=150)
@given(st.lists(COMING, min_size=1, max_size=40), st.integers(0, 2), st.booleans(), st.booleans())
def test_every_call_to_come_is_the_one_the_engine_makes(
    coming: list[tuple[str, TicketClass, int]], transfers: int, is_green: bool, is_late: bool
) -> None:
    """Played to the end by both, with services as long as usual: the same windows call the same at once."""
    state = small("A A", hall_of_all_rules(), staff="wang@1 li@2 zhao@3")
    for _ in range(transfers):
        state = go(state, CallNext(1), Start(1), Transfer(next_id(state, 1), "knows it", to_window=3))
    for queue, klass, gap_s in coming:
        slot = state.now + timedelta(seconds=10 * gap_s) if klass is TicketClass.APPOINTMENT else None
        state = go(state, take(state, queue, klass=klass, slot=slot), after(seconds=gap_s))
    state = go(state, after(minutes=30 * is_late))
    if is_green:
        state = go(state, ChangeMode(2, WindowMode.GREEN))
    expected = {id: round(at - state.now.timestamp()) for id, at in look(state.hall, state.now).calls.items()}
    assert expected == played(state)


def next_id(state: Told, window: int) -> int:
    choice = next_ticket(state.hall, window, state.now)
    assert choice is not None
    return choice.ticket


def played(state: Told) -> dict[int, int]:
    """By ticket, seconds until the engine calls it when all windows go on without anybody coming."""
    start, calls = state.now, dict[int, int]()
    free = [(0.0, number) for number in (1, 2, 3)]
    while free:
        at_s, window = heapq.heappop(free)
        state = replace(state, now=start + timedelta(seconds=at_s))
        session = state.hall.sessions[window]
        if session.current is not None:
            state = go(state, Finish(window))
        choice = next_ticket(state.hall, window, state.now)
        if choice is None:
            continue
        calls[choice.ticket] = round(at_s)
        state = go(state, CallNext(window), Start(window))
        mean = state.hall.queues[state.hall.tickets[choice.ticket].queue].mean_service
        heapq.heappush(free, (at_s + mean.total_seconds(), window))
    return calls


def test_what_was_told_is_kept_with_the_ticket_and_learned_from_at_its_call() -> None:
    state = small("")
    told = expect(state.hall, state.now, "A")
    state = go(state, *(TakeTicket("A", f"t{n}", expected=told) for n in range(3)))
    assert state.hall.tickets[3].expected == told is not None
    state = go(state, CallNext(1), Start(1), CallNext(2), Start(2), after(minutes=4))
    state = go(state, Finish(1), CallNext(1))
    error = state.hall.hindsight.errors["A", 0]
    assert error.count == 3.0
    assert engine.apply(state.hall, state.events[-1]).hindsight is not None
