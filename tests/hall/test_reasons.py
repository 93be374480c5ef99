"""Every call says why, with the very numbers that decided."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.hall.balance import next_ticket, rank_idle
from controller.hall.commands import CallNext, Finish, JumpCall, Login, Pause, Start, Transfer
from controller.hall.events import TicketCalled
from controller.hall.model import Balance, PauseReason, Plan, Serves, TicketClass, Window
from controller.hall.paces import known
from controller.hall.reasons import for_citizen, for_clerk
from controller.hall.standing import refigured
from controller.hall.weighing import MOST_WEIGHED, Reasons
from controller.store.codec import decode, encode
from tests.halls import Told, after, go, small, small_plan, take


def last_call(state: Told) -> TicketCalled:
    return [event for event in state.events if isinstance(event, TicketCalled)][-1]


def why(state: Told) -> Reasons:
    reasons = last_call(state).reasons
    assert reasons is not None
    return reasons


def level_plan() -> Plan:
    """The small plan with window 2 serving A and B alike."""
    plan = small_plan()
    windows = list(plan.windows)
    windows[1] = Window(2, windows[1].name, windows[1].zone, (Serves("A"), Serves("B")))
    return replace(plan, windows=tuple(windows))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("AB"), st.sampled_from(TicketClass), st.integers(0, 1500)), min_size=1)
)
def test_the_numbers_of_an_explanation_are_the_ones_used(comers: list[tuple[str, TicketClass, int]]) -> None:
    state = small("", level_plan())
    for queue, klass, seconds in comers[:12]:
        slot = state.now + timedelta(minutes=8) if klass is TicketClass.APPOINTMENT else None
        state = go(state, take(state, queue, klass=klass, slot=slot), after(seconds=seconds))
    for _ in comers[:12]:
        before = state.hall
        state = go(state, CallNext(2), Start(2), after(minutes=3), Finish(2))
        reasons = why(state)
        assert len(reasons.candidates) <= MOST_WEIGHED
        if reasons.code == "overdue":
            continue
        assert reasons.candidates[0].ticket == last_call(state).ticket
        for one in reasons.candidates:
            factors = (one.rate, one.claim_s, one.cost, one.length, one.advantage, one.pressure)
            assert one.score == pytest.approx(math.prod(factors), rel=1e-12)
            assert one.score <= reasons.candidates[0].score
            ticket, balance = before.tickets[one.ticket], before.plan.rules.balance
            rates = {TicketClass.GREEN: balance.green_rate, TicketClass.APPOINTMENT: balance.appointment_rate}
            assert one.rate == rates.get(ticket.klass, 1.0)
            waited = last_call(state).at - (ticket.slot or ticket.issued_at)
            assert one.waited_s == pytest.approx(waited.total_seconds())


def test_a_call_is_stored_with_its_reasons() -> None:
    state = go(small("A A"), CallNext(1))
    call = last_call(state)
    assert decode("TicketCalled", encode(call)) == call
    assert len(encode(call)) < 1500


def test_a_log_older_than_the_reasons_is_read() -> None:
    old = '{"at":"2025-03-03T00:30:00Z","ticket":1,"window":1,"jump":false,"reason":""}'
    call = decode("TicketCalled", old)
    assert isinstance(call, TicketCalled)
    assert (call.passed, call.reasons) == ((), None)


def test_the_clerk_gets_one_code() -> None:
    state = go(small("A A"), CallNext(1))
    assert for_clerk(why(state)) == ("turn", {"number": "A001", "level": 0})
    assert (why(state).before, why(state).windows, why(state).staffed) == (0, 2, 2)


def test_one_whom_the_clerk_is_quick_at_may_go_first_and_it_is_said() -> None:
    state = small("A B", level_plan(), staff="wang@1 li@2 zhao@3")
    hall = state.hall
    paces = known(known(hall.paces, "wang", "east", 0.4, 0.01), "zhao", "east", -0.4, 0.01)
    state = Told(refigured(replace(hall, figures=paces)), state.now)
    choice = next_ticket(state.hall, 2, state.now)
    assert choice is not None
    assert (choice.why, choice.facts["number"]) == ("skilled", "B001")


@pytest.mark.parametrize(("few", "first"), [(2, "A001"), (1, "B001")])
def test_a_green_ticket_is_not_held_back_where_few_serve_it(few: int, first: str) -> None:
    """Two windows serve A; at one of them Li is slow, and quick at B, for which a normal ticket waits."""
    plan = level_plan()
    balance = replace(plan.rules.balance, green_windows=few)
    state = small("", replace(plan, rules=replace(plan.rules, balance=balance)), staff="wang@1 li@2 zhao@3")
    state = go(state, take(state, "A", klass=TicketClass.GREEN))
    state = go(state, take(state, "B"))
    paces = known(known(state.hall.paces, "wang", "east", 0.4, 0.01), "zhao", "east", -0.3, 0.01)
    state = Told(refigured(replace(state.hall, figures=paces)), state.now)
    choice = next_ticket(state.hall, 2, state.now)
    assert choice is not None
    assert choice.facts["number"] == first


def test_a_jump_call_is_marked_and_says_whom_it_passed() -> None:
    state = go(small("A A A"), after(minutes=1), JumpCall(1, 3, "feels ill"))
    assert (last_call(state).jump, last_call(state).reason) == (True, "feels ill")
    assert why(state).code == "jump"
    assert why(state).before == 2
    assert last_call(state).passed == (("A", TicketClass.NORMAL),)
    lines = dict(for_citizen(state.hall, 1))
    assert lines["passed"] == {"near": 1, "far": 1, "most": 2}


def test_the_citizen_is_told_what_he_could_count() -> None:
    state = small("A A A", staff="wang@1 zhao@3")
    assert dict(for_citizen(state.hall, 3)) == {
        "before": {"count": 2},
        "windows": {"count": 1, "staffed": 2},
    }
    assert dict(for_citizen(small("B").hall, 1))["windows"] == {"count": 1, "staffed": 2}
    assert dict(for_citizen(small("B", staff="wang@1").hall, 1))["no_window"] == {"count": 0, "staffed": 1}
    assert list(for_citizen(go(state, CallNext(1)).hall, 1)) == []


def test_a_transferred_ticket_is_told_of_the_one_window_it_waits_for() -> None:
    state = go(small("A"), CallNext(1), Transfer(1, "knows it", to_window=2))
    assert dict(for_citizen(state.hall, 1))["windows"] == {"count": 1, "staffed": 2}


def test_the_window_that_serves_least_else_takes_a_new_ticket() -> None:
    state = small(staff="wang@1 li@2 zhao@3")
    assert rank_idle(state.hall, "A") == [1, 2]
    assert rank_idle(state.hall, "B") == [2, 3]
    assert rank_idle(go(state, take(state, "A"), CallNext(1)).hall, "A") == [2]
    assert rank_idle(go(small(staff="wang@4"), Login(1, "li")).hall, "A") == [1, 4]


def test_the_most_that_may_pass_is_that_of_the_windows_that_may_call() -> None:
    """window 2 lets eight pass by, window 1 and the hall two"""
    plan = small_plan()
    windows = [
        replace(one, balance=Balance(passed_in_section=8)) if one.number == 2 else one for one in plan.windows
    ]
    state = small("A A A", replace(plan, windows=tuple(windows)))
    hall = replace(
        state.hall, passes=state.hall.passes.set(("A", TicketClass.NORMAL), ((state.now.timestamp(), True),))
    )
    assert dict(for_citizen(hall, 1))["passed"] == {"near": 1, "far": 1, "most": 8}
    hall = go(replace(state, hall=hall), Pause(2, PauseReason.BREAK)).hall
    assert dict(for_citizen(hall, 1))["passed"]["most"] == 2
