"""Window sessions: W1-W8, and a ticket whose window is lost (T16)."""

from __future__ import annotations

from datetime import timedelta

from controller.hall.commands import (
    CallNext,
    ChangeMode,
    Finish,
    Hold,
    JumpCall,
    Login,
    Logout,
    LoseWindow,
    NoShow,
    Pause,
    RestoreWindow,
    ReturnTicket,
    Start,
    Tick,
    Transfer,
    Unpause,
)
from controller.hall.effects import ManagerAlarm, WindowFace, ZoneFace
from controller.hall.events import PauseOverdue, WindowPaused
from controller.hall.model import PauseReason, TicketState, WindowMode, WindowState
from tests.halls import after, go, queue, refusal, session, small, take, ticket


def test_a_clerk_opens_one_window_and_stands_on_its_screen() -> None:
    """W1, S0.25"""
    state = small(staff="wang@1")
    assert (session(state, 1).state, session(state, 1).clerk) == (WindowState.OPEN, "wang")
    assert {WindowFace(1), ZoneFace("east")} <= set(state.effects)
    assert refusal(state, Login(2, "wang")).code == "clerk_elsewhere"
    assert str(refusal(state, Login(1, "li"))) == "window 1 is taken by 王芳"
    assert refusal(state, Login(2, "nobody")).code == "unknown_clerk"
    assert refusal(state, Login(9, "li")).code == "unknown_window"


def test_a_pause_shows_on_the_screen_and_is_reported_when_long() -> None:
    """W2"""
    state = go(small(), Pause(1, PauseReason.MEETING), after(minutes=14, seconds=59), Tick())
    assert session(state, 1).state is WindowState.PAUSED
    assert ManagerAlarm("pause_overdue", 1) not in state.effects
    state = go(state, after(seconds=1), Tick(), after(minutes=1), Tick())
    overdue = [event for event in state.events if isinstance(event, PauseOverdue)]
    assert [event.length for event in overdue] == [timedelta(minutes=15)]
    assert ManagerAlarm("pause_overdue", 1) in state.effects


def test_an_announced_pause_is_overdue_when_its_length_is_over() -> None:
    """W2"""
    state = go(small(), Pause(1, PauseReason.BREAK, timedelta(minutes=30)))
    assert WindowPaused(state.now, 1, PauseReason.BREAK, state.now + timedelta(minutes=30)) in state.events
    state = go(state, after(minutes=20), Tick())
    assert not session(state, 1).pause_told
    assert session(go(state, after(minutes=10), Tick()), 1).pause_told
    assert refusal(small(), Pause(1, PauseReason.BREAK, timedelta())).code == "bad_pause"


def test_nobody_pauses_while_serving_or_twice_or_when_closed() -> None:
    """W2"""
    state = go(small("A"), CallNext(1), Start(1))
    refused = refusal(state, Pause(1, PauseReason.BREAK))
    assert (refused.code, str(refused)) == ("window_serving", "window 1 is still serving A001")
    assert refused.facts == {"window": 1, "number": "A001"}
    assert refusal(go(small(), Pause(1, PauseReason.BREAK)), Pause(1, PauseReason.BREAK)).code == (
        "window_paused"
    )
    assert refusal(small(), Pause(3, PauseReason.BREAK)).code == "window_closed"


def test_whoever_was_called_before_the_pause_is_still_served() -> None:
    """W2, T4: beginning the service ends the pause"""
    state = go(small("A"), CallNext(1), Pause(1, PauseReason.BREAK), Start(1))
    assert (session(state, 1).state, session(state, 1).paused_at) == (WindowState.BUSY, None)


def test_a_pause_ends() -> None:
    """W3"""
    state = go(small("A"), Pause(1, PauseReason.BREAK), Unpause(1), CallNext(1))
    assert ticket(state, "A001").window == 1
    assert refusal(state, Unpause(1)).code == "window_not_paused"


def test_a_window_is_busy_while_it_serves() -> None:
    """W4"""
    state = go(small("A"), CallNext(1))
    assert session(state, 1).state is WindowState.OPEN
    state = go(state, Start(1))
    assert session(state, 1).state is WindowState.BUSY
    assert session(go(state, Finish(1)), 1).state is WindowState.OPEN


def test_a_change_of_mode_changes_the_queues_of_the_window_at_once() -> None:
    """W5, S2.16: from 14:00 window 4 serves bulk only"""
    state = small("A", staff="wang@4")
    state = go(state, take(state, "G", cases=5), CallNext(4), Start(4))
    assert ticket(state, "A001").window == 4
    state = go(state, take(state, "A"), ChangeMode(4, WindowMode.BULK), CallNext(4))
    assert ticket(state, "G001").window == 4
    assert go(state, ChangeMode(4, WindowMode.BULK)) == state


def test_a_mode_set_before_login_holds() -> None:
    """W5: any state"""
    state = go(small(staff=""), ChangeMode(4, WindowMode.BULK), Login(4, "wang"))
    assert session(state, 4).mode is WindowMode.BULK


def test_a_clerk_leaves_an_empty_window() -> None:
    """W6"""
    state = go(small(), Logout(1))
    assert (session(state, 1).state, session(state, 1).clerk) == (WindowState.CLOSED, None)
    assert WindowFace(1) in state.effects
    go(state, Login(1, "wang"), Pause(1, PauseReason.BREAK), Logout(1))
    assert refusal(state, Logout(1)).code == "window_closed"


def test_nobody_leaves_while_serving() -> None:
    """W6"""
    state = go(small("A"), CallNext(1))
    assert refusal(state, Logout(1)).code == "window_has_called"
    state = go(state, Start(1))
    assert refusal(state, Logout(1)).code == "window_serving"
    assert refusal(state, Logout(1, hand_over_to=2)).code == "window_serving"


def test_held_tickets_are_handed_over_to_another_window() -> None:
    """W6"""
    state = go(small("A A"), CallNext(1), Start(1), Hold(1, "form"))
    assert str(refusal(state, Logout(1))) == "window 1 still holds A001"
    assert refusal(state, Logout(1, hand_over_to=3)).code == "window_closed"
    assert refusal(state, Logout(1, hand_over_to=1)).code == "same_window"
    state = go(state, Logout(1, hand_over_to=2))
    assert (session(state, 2).held, ticket(state, "A001").window) == ((1,), 2)


def test_a_called_ticket_is_handed_over_by_a_transfer() -> None:
    """W6, T10"""
    state = go(small("A A"), CallNext(1), Logout(1, hand_over_to=2))
    assert queue(state, "@2") == ["A001"]
    assert ticket(go(state, CallNext(2)), "A001").window == 2


def test_a_lost_window_alarms_and_comes_back_as_it_was() -> None:
    """W7, W8"""
    state = go(small("A"), CallNext(1), Start(1), LoseWindow(1))
    assert session(state, 1).state is WindowState.OFFLINE
    assert ManagerAlarm("window_lost", 1) in state.effects
    assert go(state, LoseWindow(1)) == state
    state = go(state, RestoreWindow(1))
    assert (session(state, 1).state, session(state, 1).clerk) == (WindowState.BUSY, "wang")
    assert go(state, RestoreWindow(1)) == state
    assert go(state, LoseWindow(3)) == state


def test_a_call_whose_window_is_lost_goes_back_to_the_head_of_its_queue() -> None:
    """T16, W7"""
    state = go(small("A A"), CallNext(1), LoseWindow(1), after(minutes=2), Tick())
    assert ticket(state, "A001").state is TicketState.CALLED
    state = go(state, after(seconds=1), Tick())
    assert queue(state, "A") == ["A001", "A002"]
    assert (session(state, 1).current, session(state, 1).state) == (None, WindowState.OFFLINE)
    state = go(state, CallNext(2))
    assert ticket(state, "A001").window == 2


def test_even_a_jump_called_ticket_goes_back_to_the_head() -> None:
    """T16"""
    state = go(small("A A A"), JumpCall(1, 3, "ill"), LoseWindow(1), after(minutes=3), Tick())
    assert queue(state, "A") == ["A003", "A001", "A002"]


def test_a_service_at_a_lost_window_goes_on() -> None:
    """T16: before the start only"""
    state = go(small("A"), CallNext(1), Start(1), LoseWindow(1), after(minutes=10), Tick())
    assert ticket(state, "A001").state is TicketState.SERVING
    state = go(state, Transfer(1, "window is broken", to_queue="B"), RestoreWindow(1))
    assert session(state, 1).state is WindowState.OPEN


def test_who_missed_the_call_of_a_window_closed_since_returns_to_his_queue() -> None:
    """T6, T10: nobody would ever call from a closed window's own line."""
    state = go(small("A A"), CallNext(1), Transfer(1, "knows it", to_window=2))
    state = go(state, CallNext(2), NoShow(2, "gone"), Logout(2), ReturnTicket(1))
    assert (queue(state, "@2"), queue(state, "A")) == ([], ["A002", "A001"])


def test_who_was_transferred_to_a_lost_window_waits_in_his_queue_again() -> None:
    """T16"""
    state = go(small("A"), CallNext(1), Transfer(1, "knows it", to_window=2), LoseWindow(2))
    state = go(state, after(minutes=3), Tick())
    assert (queue(state, "@2"), queue(state, "A")) == ([], ["A001"])
