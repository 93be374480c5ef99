"""The dispatch rule: which ticket a window calls next, and why."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.hall.balance import candidates, next_ticket, serving_windows
from controller.hall.commands import (
    CallNext,
    ChangeMode,
    Finish,
    Login,
    Logout,
    LoseWindow,
    Pause,
    Start,
    TakeTicket,
    Transfer,
    Unpause,
)
from controller.hall.events import TicketCalled
from controller.hall.model import Balance, PauseReason, Rules, TicketClass, TicketState, WindowMode
from tests.halls import Told, after, go, refusal, small, small_plan, take

GREEN = {"klass": TicketClass.GREEN}


def called(state: Told) -> list[str]:
    """The numbers called so far, in order."""
    numbers = {id: ticket.number for id, ticket in state.hall.tickets.items()}
    return [numbers[event.ticket] for event in state.events if isinstance(event, TicketCalled)]


def serve(state: Told, window: int, times: int = 1) -> Told:
    for _ in range(times):
        state = go(state, CallNext(window), Start(window), Finish(window))
    return state


def test_tickets_are_called_in_order_of_issue() -> None:
    assert called(serve(small("A A A"), 1, 3)) == ["A001", "A002", "A003"]


def test_a_lower_level_of_a_queue_at_a_window_goes_first() -> None:
    """P.31: window 2 serves A before B; window 3 serves B as its own"""
    state = small("B A B A", staff="wang@1 li@2 zhao@3")
    assert called(serve(state, 2, 3)) == ["A001", "A002", "B001"]
    assert called(serve(state, 3)) == ["B001"]


def test_an_appointment_competes_from_shortly_before_its_slot() -> None:
    """its wait counts from the slot, so it is called early rather than late"""
    state = small("A")
    for minutes in (10, 50):
        slot = state.now + timedelta(minutes=minutes)
        state = go(state, take(state, "A", klass=TicketClass.APPOINTMENT, slot=slot))
    assert called(serve(state, 1, 3)) == ["A001", "A002", "A003"]
    state = go(state, after(minutes=8), take(state, "A"))
    assert called(serve(state, 1, 4)) == ["A001", "A002", "A004", "A003"]


def test_how_early_an_appointment_competes_is_a_setting() -> None:
    soon = Rules(balance=Balance(appointment_head_start=timedelta(minutes=20)))
    state = small("A", small_plan(soon))
    slot = state.now + timedelta(minutes=10)
    state = go(state, take(state, "A", klass=TicketClass.APPOINTMENT, slot=slot))
    assert called(go(state, CallNext(1))) == ["A002"]


def test_green_tickets_go_first_and_two_in_a_row() -> None:
    state = small("A A")
    for _ in range(4):
        state = go(state, take(state, "A", **GREEN))
    assert called(serve(state, 1, 6)) == ["A003", "A004", "A001", "A005", "A006", "A002"]


def test_green_tickets_go_on_when_nobody_else_waits() -> None:
    state = small()
    for _ in range(3):
        state = go(state, take(state, "A", **GREEN))
    assert called(serve(state, 1, 3)) == ["A001", "A002", "A003"]


def test_how_many_green_tickets_in_a_row_is_a_setting() -> None:
    state = small("A", small_plan(Rules(greens_in_a_row=1)))
    for _ in range(2):
        state = go(state, take(state, "A", **GREEN))
    assert called(serve(state, 1, 3)) == ["A002", "A001", "A003"]


def test_a_green_window_takes_green_tickets_first_without_end() -> None:
    """S3.10"""
    state = small("A")
    for _ in range(3):
        state = go(state, take(state, "A", **GREEN))
    state = go(state, ChangeMode(1, WindowMode.GREEN))
    assert called(serve(state, 1, 4)) == ["A002", "A003", "A004", "A001"]


def test_whoever_waits_longer_than_ninety_minutes_goes_first_whatever_class_or_level() -> None:
    state = go(small("B"), after(minutes=89))
    state = go(state, take(state, "A", **GREEN), after(seconds=50))
    assert next_ticket(state.hall, 2, state.now).ticket == 2  # type: ignore[union-attr]
    state = go(state, after(seconds=1))
    choice = next_ticket(state.hall, 2, state.now)
    assert choice is not None
    assert (choice.ticket, choice.why, choice.facts) == (
        1,
        "overdue",
        {"number": "B001", "level": 1, "minutes": 90},
    )


COMERS = st.tuples(st.sampled_from(["A", "B"]), st.sampled_from(list(TicketClass)))


@settings(deadline=None, max_examples=40)
@given(st.lists(COMERS, max_size=4), COMERS, st.lists(COMERS, min_size=1, max_size=3))
def test_nobody_waits_for_ever_whatever_keeps_coming(
    before: list[tuple[str, TicketClass]],
    one: tuple[str, TicketClass],
    coming: list[tuple[str, TicketClass]],
) -> None:
    """One window, five minutes each, and as many or more come as are called.

    Past 150 minutes only those who came earlier go first, and a green or due one after every two of them.
    """
    state = small(staff="li@2")
    for queue, klass in [*before, one]:
        state = go(state, come(state, queue, klass), after(seconds=1))
    mine = state.hall.next_ticket - 1
    for _ in range(30 + 3 * (len(before) + 1)):
        for queue, klass in coming:
            state = go(state, come(state, queue, klass), after(seconds=1))
        state = go(state, CallNext(2), Start(2), after(minutes=5), Finish(2))
    assert state.hall.tickets[mine].state is TicketState.COMPLETED


def come(state: Told, queue: str, klass: TicketClass) -> TakeTicket:
    slot = state.now if klass is TicketClass.APPOINTMENT else None
    return take(state, queue, klass=klass, slot=slot)


def test_nobody_waits_for_ever_behind_endless_green_tickets_of_a_better_level() -> None:
    """invariant: one ticket of the worse queue, and always a green one of the better queue before it"""
    state = small("B")
    for _ in range(100):
        state = go(state, take(state, "A", **GREEN), after(minutes=1))
        state = serve(state, 2)
        if "B001" in called(state):
            break
    assert state.hall.tickets[1].finished_at is not None
    assert state.hall.tickets[1].finished_at - state.hall.tickets[1].issued_at < timedelta(minutes=92)


def test_overflow_windows_help_only_while_no_own_window_is_staffed() -> None:
    """S3.10: if all dedicated windows of an item are closed its tickets go to comprehensive windows"""
    state = small("A A", staff="wang@1 zhao@3")
    assert refusal(state, CallNext(3)).code == "nobody_waiting"
    assert serving_windows(state.hall, "A") == [1]
    for away in (Logout(1), LoseWindow(1), Pause(1, PauseReason.BREAK)):
        helped = go(state, away)
        assert serving_windows(helped.hall, "A") == [3]
        assert called(go(helped, CallNext(3))) == ["A001"]
    back = go(state, Pause(1, PauseReason.BREAK), Unpause(1))
    assert serving_windows(back.hall, "A") == [1]


def test_only_bulk_windows_take_bulk_queues_and_nothing_else() -> None:
    """S2.16"""
    state = small("A G", staff="wang@4")
    assert called(go(state, CallNext(4))) == ["A001"]
    assert called(go(state, ChangeMode(4, WindowMode.BULK), CallNext(4))) == ["G001"]
    assert serving_windows(state.hall, "G") == []


def test_a_clerk_without_the_skill_gets_none_of_its_tickets() -> None:
    """S3.10"""
    state = small("T", staff="wang@3")
    assert serving_windows(state.hall, "T") == []
    state = go(state, Logout(3), Login(3, "sun"))
    assert serving_windows(state.hall, "T") == [3]


def test_candidates_are_the_heads_in_dispatch_order() -> None:
    state = small("B B A A")
    state = go(state, take(state, "A", **GREEN))
    heads = candidates(state.hall, 2, state.now)
    assert [ticket.number for ticket in heads] == ["A003", "A001", "B001"]
    assert candidates(state.hall, 3, state.now) == []


def test_a_choice_says_why() -> None:
    state = small("A", staff="wang@1 li@2")
    choice = next_ticket(state.hall, 1, state.now)
    assert choice is not None
    assert (choice.why, choice.facts) == ("turn", {"number": "A001", "level": 0})
    state = go(state, CallNext(1), Transfer(1, "knows it", to_window=2))
    moved = next_ticket(state.hall, 2, state.now)
    assert moved is not None
    assert moved.why == "transfer"
    assert next_ticket(state.hall, 3, state.now) is None
