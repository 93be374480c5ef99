"""A ticket at a window: T2-T5, T8-T11, T13-T15."""

from __future__ import annotations

from datetime import timedelta

from controller.hall.balance import serving_windows
from controller.hall.commands import (
    CallNext,
    CloseDay,
    Delay,
    Finish,
    Hold,
    JumpCall,
    Login,
    Logout,
    LoseWindow,
    NoShow,
    Pause,
    Rate,
    Recall,
    Reopen,
    Resume,
    Start,
    Tick,
    Transfer,
)
from controller.hall.effects import NearTurn, RatingRequest, SpokenCall, WindowFace
from controller.hall.events import TicketCalled, TicketMissed, TicketNear, WindowRestored
from controller.hall.model import Outcome, PauseReason, Rules, TicketClass, TicketState, WindowState
from controller.hall.waits import mean_service, next_numbers
from tests.halls import (
    Told,
    after,
    go,
    queue,
    refusal,
    session,
    small,
    small_plan,
    take,
    ticket,
)


def serving(waiting: str = "A A A", **rules: object) -> Told:
    """A001 is being served at window 1."""
    state = small(waiting, small_plan(Rules(**rules)))  # type: ignore[arg-type]
    return go(state, CallNext(1), Start(1))


# --- T2, T3, T4, T5 --------------------------------------------------------------------------------


def test_the_next_ticket_is_called_to_the_window_and_spoken() -> None:
    """T2"""
    state = go(small("A A"), CallNext(1))
    called = ticket(state, "A001")
    assert (called.state, called.window, called.calls) == (TicketState.CALLED, 1, 1)
    assert session(state, 1).current == called.id
    assert {SpokenCall(called.id, 1, "east"), WindowFace(1)} <= set(state.effects)


def test_a_call_is_heard_at_the_window_and_where_its_citizens_wait() -> None:
    """T2, S2.17"""
    state = go(small("B", staff="wang@3"), CallNext(3))
    spoken = [effect for effect in state.effects if isinstance(effect, SpokenCall)]
    assert {effect.zone for effect in spoken} == {"west", "east"}


def test_two_windows_calling_at_one_instant_get_two_tickets() -> None:
    """T2, invariant"""
    state = go(small("A A"), CallNext(1), CallNext(2))
    assert {ticket(state, "A001").window, ticket(state, "A002").window} == {1, 2}


def test_call_next_on_a_busy_window_finishes_first() -> None:
    """P.30: finish and next"""
    state = go(serving(), CallNext(1, Outcome.CASE))
    assert (ticket(state, "A001").state, ticket(state, "A001").outcome) == (
        TicketState.COMPLETED,
        Outcome.CASE,
    )
    assert ticket(state, "A002").state is TicketState.CALLED


def test_the_last_ticket_is_finished_though_nobody_comes_next() -> None:
    """P.30"""
    state = go(serving("A"), CallNext(1))
    assert ticket(state, "A001").state is TicketState.COMPLETED
    assert refusal(state, CallNext(1)).code == "nobody_waiting"


def test_a_window_that_waits_for_somebody_calls_nobody_else() -> None:
    """T2"""
    state = go(small("A A"), CallNext(1))
    refused = refusal(state, CallNext(1))
    assert (refused.code, str(refused)) == (
        "window_has_called",
        "window 1 has called A001 and waits for it",
    )


def test_a_closed_or_paused_window_calls_nobody() -> None:
    """T2"""
    state = go(small("A"), Pause(1, PauseReason.BREAK))
    assert refusal(state, CallNext(1)).code == "window_paused"
    assert refusal(state, CallNext(3)).code == "window_closed"
    assert refusal(state, CallNext(9)).code == "unknown_window"


def test_near_turn_goes_out_once_to_the_next_three() -> None:
    """T2, P.28"""
    state = go(small("A A A A A A"), CallNext(1))
    assert [event.ticket for event in state.events if isinstance(event, TicketNear)] == [2, 3, 4]
    state = go(state, CallNext(2))
    assert [event.ticket for event in state.events if isinstance(event, TicketNear)] == [2, 3, 4, 5]
    assert NearTurn(5) in state.effects


def test_a_recall_speaks_again_but_not_within_five_seconds() -> None:
    """T3"""
    state = go(small("A"), CallNext(1), after(seconds=4))
    assert refusal(state, Recall(1)).code == "recall_too_soon"
    state = go(state, after(seconds=1), Recall(1))
    assert ticket(state, "A001").calls == 2
    assert sum(isinstance(effect, SpokenCall) for effect in state.effects) == 2


def test_service_begins_and_its_time_runs() -> None:
    """T4, W4"""
    state = go(small("A"), CallNext(1), after(seconds=30), Start(1))
    assert ticket(state, "A001").state is TicketState.SERVING
    assert session(state, 1).state is WindowState.BUSY
    assert refusal(state, Start(1)).code == "nobody_called"


def test_a_no_show_needs_three_calls_or_a_minute_or_a_reason() -> None:
    """T5"""
    state = go(small("A"), CallNext(1))
    assert refusal(state, NoShow(1)).code == "no_show_too_soon"
    thrice = go(state, after(seconds=5), Recall(1), after(seconds=5), Recall(1), NoShow(1))
    minute = go(state, after(seconds=60), NoShow(1))
    reason = go(state, NoShow(1, "went home"))
    for each in (thrice, minute, reason):
        assert (ticket(each, "A001").state, ticket(each, "A001").misses) == (TicketState.NO_SHOW, 1)
        assert session(each, 1).current is None


def test_a_delayed_visitor_waits_on_behind_so_many_and_is_called_anew() -> None:
    """P.30"""
    state = go(small("A A A A"), CallNext(1), Delay(1, behind=2, reason="copies"))
    assert (ticket(state, "A001").state, session(state, 1).current) == (TicketState.WAITING, None)
    assert next_numbers(state.hall, "A", 4) == ["A002", "A003", "A001", "A004"]
    assert ticket(state, "A001").misses == 0


def test_a_delay_by_minutes_is_behind_as_many_as_are_served_in_them() -> None:
    """P.30"""
    state = small("A A A A A A")
    each = mean_service(state.hall, "A") / len(serving_windows(state.hall, "A"))
    state = go(state, CallNext(1), Delay(1, length=each * 3))
    assert next_numbers(state.hall, "A", 4) == ["A002", "A003", "A004", "A001"]


def test_only_who_is_called_is_delayed_and_behind_somebody() -> None:
    """P.30"""
    assert refusal(small("A"), Delay(1)).code == "nobody_called"
    assert refusal(go(small("A"), CallNext(1)), Delay(1)).code == "nobody_behind"


def test_three_calls_twenty_seconds_apart_then_a_no_show() -> None:
    """P.48, T3, T5"""
    state = go(small("A"), CallNext(1))
    for calls in (2, 3):
        state = go(state, after(seconds=19), Tick())
        assert ticket(state, "A001").calls == calls - 1
        state = go(state, after(seconds=1), Tick())
        assert ticket(state, "A001").calls == calls
    state = go(state, after(seconds=20), Tick())
    assert ticket(state, "A001").state is TicketState.NO_SHOW
    assert TicketMissed(state.now, 1, 1) in state.events


def test_the_system_can_be_told_to_leave_calling_to_the_clerk() -> None:
    """P.48: other values work"""
    state = go(small("A", small_plan(Rules(call_every=None))), CallNext(1), after(hours=1), Tick())
    assert (ticket(state, "A001").state, ticket(state, "A001").calls) == (TicketState.CALLED, 1)


# --- T8, T9 ----------------------------------------------------------------------------------------


def test_a_held_ticket_frees_the_window_and_stops_the_clock() -> None:
    """T8"""
    state = go(serving(), after(minutes=2), Hold(1, "copies"), after(minutes=9))
    held = ticket(state, "A001")
    assert (held.state, held.served, held.window) == (TicketState.HELD, timedelta(minutes=2), 1)
    assert (session(state, 1).held, session(state, 1).current) == ((held.id,), None)
    state = go(state, Resume(1, held.id), after(minutes=1), Finish(1))
    assert ticket(state, "A001").served == timedelta(minutes=3)


def test_a_window_holds_three_at_most_and_each_for_a_reason() -> None:
    """T8"""
    state = small("A A A A")
    for _ in range(3):
        state = go(state, CallNext(1), Start(1), Hold(1, "form"))
    state = go(state, CallNext(1), Start(1))
    assert refusal(state, Hold(1, "form")).code == "held_full"
    assert refusal(serving(), Hold(1, " ")).code == "reason_needed"


def test_a_held_ticket_is_called_again_where_it_is_held() -> None:
    """T9"""
    state = go(serving(), Hold(1, "copies"), after(minutes=1))
    before = len(state.effects)
    state = go(state, Resume(1, 1))
    assert (ticket(state, "A001").state, session(state, 1).held) == (TicketState.SERVING, ())
    assert SpokenCall(1, 1, "east") in state.effects[before:]


def test_another_window_resumes_it_only_when_the_holder_is_away() -> None:
    """T9"""
    state = go(serving(), Hold(1, "copies"))
    assert refusal(state, Resume(2, 1)).code == "held_elsewhere"
    state = go(state, LoseWindow(1), Resume(2, 1))
    assert (ticket(state, "A001").window, session(state, 1).held) == (2, ())
    assert refusal(state, Resume(2, 1)).code == "not_held"


# --- T10 -------------------------------------------------------------------------------------------


def test_a_transferred_ticket_comes_early_by_its_first_issue_time() -> None:
    """T10"""
    state = go(small("A B B"), after(minutes=1), CallNext(1), Start(1))
    state = go(state, Transfer(1, "wrong queue", to_queue="B"))
    assert queue(state, "B") == ["A001", "B001", "B002"]
    moved = ticket(state, "A001")
    assert [leg.queue for leg in moved.legs] == ["A", "B"]
    assert moved.legs[-1].why == "wrong queue"
    assert (session(state, 1).state, session(state, 1).current) == (WindowState.OPEN, None)


def test_a_called_and_a_held_ticket_can_be_transferred_too() -> None:
    """T10"""
    called = go(small("A"), CallNext(1), Transfer(1, "asked", to_queue="B"))
    held = go(serving("A"), Hold(1, "form"), Transfer(1, "asked", to_queue="B"))
    assert queue(called, "B") == queue(held, "B") == ["A001"]
    assert session(held, 1).held == ()


def test_a_ticket_transferred_to_a_window_is_called_by_that_window_only() -> None:
    """T10"""
    state = go(small("A A", staff="wang@1 li@2 zhao@3"), CallNext(1), Start(1))
    state = go(state, Transfer(1, "knows the case", to_window=3))
    assert (queue(state, "@3"), queue(state, "A")) == (["A001"], ["A002"])
    state = go(state, CallNext(1), CallNext(3))
    assert (ticket(state, "A002").window, ticket(state, "A001").window) == (1, 3)


def test_whoever_was_transferred_to_a_window_that_closes_waits_in_his_queue_again() -> None:
    """T10, T16, W6: no ticket waits for ever"""
    state = go(serving("A A"), Transfer(1, "knows the case", to_window=2), Logout(2))
    assert queue(state, "A") == ["A001", "A002"]


def test_a_transfer_goes_somewhere_else_that_is_open_and_has_a_reason() -> None:
    """T10"""
    state = serving("A")
    assert refusal(state, Transfer(1, "", to_queue="B")).code == "reason_needed"
    assert refusal(state, Transfer(1, "x", to_queue="A")).code == "same_queue"
    assert refusal(state, Transfer(1, "x", to_window=1)).code == "same_window"
    assert refusal(state, Transfer(1, "x", to_window=3)).code == "window_closed"
    assert refusal(go(state, Pause(2, PauseReason.BREAK)), Transfer(1, "x", to_window=2)).code == (
        "window_paused"
    )
    assert refusal(go(state, LoseWindow(2)), Transfer(1, "x", to_window=2)).code == "window_offline"
    assert refusal(state, Transfer(1, "x")).code == "one_target"
    assert refusal(state, Transfer(1, "x", to_queue="X")).code == "unknown_queue"
    assert refusal(small("A"), Transfer(1, "x", to_queue="B")).code == "not_transferable"
    assert refusal(go(state, CloseDay()), Transfer(1, "x", to_queue="B")).code == "day_closed"


# --- T11, T14, T15 ---------------------------------------------------------------------------------


def test_a_finished_service_clears_the_screen_and_asks_for_a_rating() -> None:
    """T11, W4"""
    state = go(serving("A"), after(minutes=4), Finish(1, Outcome.CASE))
    done = ticket(state, "A001")
    assert (done.state, done.outcome, done.served) == (
        TicketState.COMPLETED,
        Outcome.CASE,
        timedelta(minutes=4),
    )
    assert (session(state, 1).state, session(state, 1).last_finished) == (WindowState.OPEN, 1)
    assert RatingRequest(1, 1) in state.effects


def test_nothing_done_needs_a_reason() -> None:
    """T11"""
    state = serving()
    assert refusal(state, Finish(1, Outcome.NOTHING)).code == "reason_needed"
    assert refusal(state, CallNext(1, Outcome.NOTHING)).code == "reason_needed"
    go(state, Finish(1, Outcome.NOTHING, "came too early"))
    assert refusal(small(), Finish(1)).code == "nobody_served"


def test_a_jump_call_takes_anybody_for_a_reason() -> None:
    """T13"""
    state = small("A A B")
    assert refusal(state, JumpCall(1, 3, "")).code == "reason_needed"
    state = go(state, JumpCall(1, 3, "feels ill"))
    call = next(event for event in state.events if isinstance(event, TicketCalled))
    assert (call.ticket, call.window, call.jump, call.reason) == (3, 1, True, "feels ill")
    assert call.passed == (("A", TicketClass.NORMAL),)
    assert refusal(state, JumpCall(2, 3, "again")).code == "not_waiting"
    assert refusal(go(state, LoseWindow(2)), JumpCall(2, 1, "ill")).code == "window_offline"


def test_a_reopened_service_adds_its_times_up() -> None:
    """T14"""
    state = go(serving("A"), after(minutes=4), Finish(1), after(minutes=10))
    state = go(state, Reopen(1, 1, "forgot a stamp"))
    assert (ticket(state, "A001").state, session(state, 1).state) == (TicketState.SERVING, WindowState.BUSY)
    state = go(state, after(minutes=1), Finish(1))
    assert ticket(state, "A001").served == timedelta(minutes=5)
    assert mean_service(state.hall, "A") == timedelta(minutes=5)


def test_a_service_is_reopened_soon_unrated_and_where_it_was() -> None:
    """T14"""
    state = go(serving("A"), Finish(1))
    assert refusal(state, Reopen(1, 1, "")).code == "reason_needed"
    assert refusal(state, Reopen(2, 1, "x")).code == "reopen_elsewhere"
    assert refusal(go(state, Rate(1, 4)), Reopen(1, 1, "x")).code == "already_rated"
    assert refusal(go(state, after(minutes=11)), Reopen(1, 1, "x")).code == "reopen_too_late"
    assert refusal(serving("A"), Reopen(1, 1, "x")).code == "not_completed"


def test_a_service_gone_on_with_teaches_once() -> None:
    state = go(small("A"), CallNext(1), Start(1), after(minutes=5), Finish(1))
    taught = state.hall.paces
    assert taught.count == 1.0
    state = go(state, Reopen(1, 1, "forgot a stamp"), after(minutes=2), Finish(1))
    assert state.hall.paces == taught
    assert state.hall.finished["A"] == (timedelta(minutes=7),)


def test_a_chain_goes_on_in_the_next_queue_with_its_first_issue_time() -> None:
    """T15"""
    state = small()
    state = go(state, take(state, "A", chain=("B", "A")), after(seconds=1), take(state, "B"))
    state = go(state, CallNext(1), Start(1), after(minutes=3), Finish(1))
    assert queue(state, "B")[0] == "A001"
    assert ticket(state, "A001").legs[0].served == timedelta(minutes=3)
    state = go(state, CallNext(2), Start(2), after(minutes=1), Finish(2))
    assert ticket(state, "A001").chain == ()
    state = go(state, CallNext(1), Start(1), Finish(1))
    assert ticket(state, "A001").state is TicketState.COMPLETED
    assert [leg.window for leg in ticket(state, "A001").legs] == [1, 2, 1]


def test_a_chained_visit_is_rated_once_for_all_its_legs() -> None:
    """T15, S0.23"""
    state = small()
    state = go(state, take(state, "A", chain=("B",)), CallNext(1), Start(1), Finish(1), Rate(1, 5))
    before = len(state.effects)
    state = go(state, CallNext(2), Start(2), Finish(2))
    assert not any(isinstance(effect, RatingRequest) for effect in state.effects[before:])


def test_a_command_from_a_lost_window_proves_that_it_is_back() -> None:
    """W8"""
    state = go(small("A"), LoseWindow(1), CallNext(1))
    assert WindowRestored(state.now, 1) in state.events
    assert ticket(state, "A001").window == 1


def test_skills_decide_who_may_call() -> None:
    """S3.10"""
    state = small("T", staff="wang@3")
    assert refusal(state, CallNext(3)).code == "nobody_waiting"
    go(state, Logout(3), Login(3, "zhao"), CallNext(3))
