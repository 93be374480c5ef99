"""The service day, T17, and plans that change under a running hall."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.hall.commands import (
    CallNext,
    ChangePlan,
    CloseDay,
    Finish,
    Hold,
    NoShow,
    OpenDay,
    Resume,
    Start,
    Tick,
)
from controller.hall.effects import QueueFace, WindowFace, ZoneFace
from controller.hall.engine import new_hall
from controller.hall.events import DayClosed, IssuingStopped, PlanChanged
from controller.hall.model import (
    CallingDomain,
    Clerk,
    DayState,
    Plan,
    Refused,
    Serves,
    Text,
    TicketState,
    WindowState,
    Zone,
)
from tests.halls import (
    CLOSING,
    TODAY,
    Told,
    active,
    after,
    go,
    queue,
    refusal,
    session,
    small,
    small_plan,
    take,
    ticket,
    told,
)

TOMORROW = OpenDay(TODAY + timedelta(days=1), CLOSING + timedelta(days=1))


def full() -> Told:
    """One ticket in each state a day can end in: waiting, called, serving, held, missed."""
    state = go(small("A A A A A"), CallNext(1), Start(1), Hold(1, "form"))
    state = go(state, CallNext(1), NoShow(1, "gone"), CallNext(1), Start(1), CallNext(2))
    assert {each.state for each in active(state)} == {
        TicketState.WAITING,
        TicketState.CALLED,
        TicketState.SERVING,
        TicketState.HELD,
        TicketState.NO_SHOW,
    }
    return state


def test_one_day_is_open_at_a_time() -> None:
    state = go(told(), OpenDay(TODAY, CLOSING))
    assert state.hall.day is not None
    assert state.hall.day.state is DayState.OPEN
    assert refusal(state, TOMORROW).code == "day_open"
    closed = go(state, CloseDay())
    assert refusal(closed, OpenDay(TODAY - timedelta(days=1), CLOSING)).code == "day_past"
    assert refusal(closed, OpenDay(TODAY, closed.now)).code == "closes_too_early"
    assert refusal(closed, CloseDay()).code == "day_closed"


def test_every_face_changes_with_the_day() -> None:
    faces = set(go(told(), OpenDay(TODAY, CLOSING)).effects)
    assert {WindowFace(1), WindowFace(4), ZoneFace("east"), QueueFace("T")} <= faces


def test_issuing_stops_at_closing_time_and_those_waiting_are_still_served() -> None:
    state = small("A")
    state = go(state, after(CLOSING - state.now), Tick(), Tick())
    assert [type(event) for event in state.events].count(IssuingStopped) == 1
    assert ticket(go(state, CallNext(1)), "A001").window == 1


def test_after_the_grace_everybody_expires_but_who_is_being_served() -> None:
    """T17"""
    state = full()
    state = go(state, after(CLOSING - state.now + timedelta(minutes=29)), Tick())
    waiting = ticket(state, "A005").state
    state = go(state, after(minutes=1), Tick())
    assert waiting is TicketState.WAITING
    assert {each.state for each in state.hall.tickets.values() if each.number != "A002"} == {
        TicketState.EXPIRED,
        TicketState.SERVING,
    }
    assert isinstance(state.events[-1], DayClosed)
    assert (session(state, 1).held, session(state, 2).current) == ((), None)
    assert ticket(go(state, Finish(1)), "A003").state is TicketState.COMPLETED


def test_a_manager_closes_the_day_at_once() -> None:
    """T17"""
    state = go(full(), CloseDay())
    assert [each.number for each in active(state)] == ["A003"]
    assert go(state, after(days=1), Tick()) == replace(state, now=state.now + timedelta(days=1))


def test_a_new_day_forgets_what_is_over_and_keeps_what_is_at_a_window() -> None:
    """T17"""
    state = go(full(), CloseDay(), after(days=1), TOMORROW)
    assert [each.number for each in state.hall.tickets.values()] == ["A003"]
    assert (session(state, 1).current, session(state, 1).state) == (3, WindowState.BUSY)
    state = go(state, take(state, "A"))
    assert queue(state, "A") == ["A001"]
    state = go(state, Hold(1, "form"), Resume(1, 3), Finish(1))
    assert state.hall.tickets[3].state is TicketState.COMPLETED


def test_a_chain_does_not_go_on_after_the_day_is_closed() -> None:
    """T15, T17"""
    state = small()
    state = go(state, take(state, "A", chain=("B",)), CallNext(1), Start(1), CloseDay(), Finish(1))
    assert ticket(state, "A001").state is TicketState.COMPLETED


# --- the plan --------------------------------------------------------------------------------------


def test_a_new_plan_holds_at_once() -> None:
    """T1, P.31"""
    plan = small_plan()
    state = small("A")
    more = replace(plan, windows=(*plan.windows, replace(plan.windows[0], number=5)), rev=1)
    state = go(state, ChangePlan(more))
    assert (session(state, 5).state, state.hall.servers["A"]) == (WindowState.CLOSED, (1, 2, 3, 4, 5))
    assert PlanChanged(state.now, more) in state.events
    fewer = go(state, ChangePlan(plan))
    assert 5 not in fewer.hall.sessions


def test_a_plan_keeps_what_is_in_use() -> None:
    plan = small_plan()
    state = small("B")
    queues = tuple(each for each in plan.queues if each.code != "B")
    windows = tuple(
        replace(each, serves=tuple(serves for serves in each.serves if serves.queue != "B"))
        for each in plan.windows
    )
    assert refusal(state, ChangePlan(replace(plan, queues=queues, windows=windows))).code == "queue_in_use"
    assert refusal(state, ChangePlan(replace(plan, windows=plan.windows[1:]))).code == "window_in_use"
    assert refusal(state, ChangePlan(replace(plan, clerks=plan.clerks[1:]))).code == "clerk_in_use"


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"zones": (Zone("east", Text("", "")),)}, "queue T names zone west, which is not there"),
        ({"domains": (CallingDomain("main", Text("", "")),)}, "queue T names calling domain tax"),
        ({"clerks": (Clerk("a", "1", "A"), Clerk("a", "2", "B"))}, "clerk a is there 2 times"),
        (
            {"windows": (replace(small_plan().windows[0], serves=(Serves("X"),)),)},
            "window 1 serves queue X, which is not there",
        ),
        ({"windows": (replace(small_plan().windows[0], zone="X"),)}, "window 1 names zone X"),
        ({"queues": (replace(small_plan().queues[0], code="@1"),)}, "a queue cannot be called '@1'"),
    ],
)
def test_a_plan_that_contradicts_itself_is_refused(change: dict[str, object], what: str) -> None:
    with pytest.raises(Refused, match=f"^{what}"):
        new_hall("hall", small_plan(**change))  # type: ignore[arg-type]


def test_a_hall_can_begin_with_an_empty_plan() -> None:
    assert dict(new_hall("hall", Plan()).sessions) == {}
