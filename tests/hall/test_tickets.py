"""A ticket while it is not at a window: T1, T6, T7, T12, T18, slips, offline numbers, ratings."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.hall.commands import (
    AcceptOffline,
    CallNext,
    CancelTicket,
    CloseDay,
    Finish,
    LeaseNumbers,
    LetPass,
    NoShow,
    OpenDay,
    PassOverNumbers,
    Rate,
    Recall,
    RecordSlip,
    ReturnTicket,
    Start,
    TakeTicket,
    TakeUpAgain,
    Tick,
)
from controller.hall.effects import LeaseGrant, PaperTicket, RatingThanks
from controller.hall.events import (
    GIVEN_UP,
    NumbersLeased,
    TicketCancelled,
    TicketRenumbered,
    TicketTakenUpAgain,
)
from controller.hall.model import Lease, Press, Rules, Slip, TicketClass, TicketState
from tests.halls import (
    CLOSING,
    TODAY,
    Told,
    after,
    go,
    id_of,
    queue,
    refusal,
    small,
    small_plan,
    take,
    ticket,
    told,
)

PRESS = Press("node-1", "epoch", 7)


def missed(waiting: str = "A A A A A A", **rules: object) -> Told:
    """A001 was called to window 1 and did not come."""
    state = small(waiting, small_plan(Rules(**rules)))  # type: ignore[arg-type]
    return go(state, CallNext(1), NoShow(1, "left the hall"))


# --- T1 --------------------------------------------------------------------------------------------


def test_a_ticket_waits_with_prefix_and_three_digits() -> None:
    """T1"""
    state = go(small(), take(told(), "A"))
    assert ticket(state, "A001").state is TicketState.WAITING
    assert queue(state, "A") == ["A001"]


def test_numbers_grow_beyond_three_digits() -> None:
    """T1: never reused, never cut."""
    state = small(plan=small_plan(Rules(number_digits=1)))
    for _ in range(11):
        state = go(state, take(state, "A"))
    assert queue(state, "A")[8:] == ["A9", "A10", "A11"]


def test_two_calling_domains_both_have_an_a001_today() -> None:
    """S2.17"""
    state = small("A T")
    assert ticket(state, "A001", "main").queue == "A"
    assert ticket(state, "A001", "tax").queue == "T"


def test_queues_that_share_a_prefix_share_a_series() -> None:
    """T1"""
    plan = small_plan()
    shared = tuple(replace(each, prefix="A") if each.code == "B" else each for each in plan.queues)
    state = small("A B A", small_plan(queues=shared))
    assert queue(state, "A") == ["A001", "A003"]
    assert queue(state, "B") == ["A002"]


def test_a_number_that_two_prefixes_could_make_is_given_once() -> None:
    """T1: "A1" + "001" is what "A" + "1001" would be."""
    plan = small_plan()
    queues = tuple(replace(each, prefix="A1") if each.code == "B" else each for each in plan.queues)
    state = small("B", small_plan(queues=queues))
    state = replace(state, hall=replace(state.hall, counters=state.hall.counters.set(("main", "A"), 1000)))
    assert queue(go(state, take(state, "A")), "A") == ["A1002"]


def test_a_press_redelivered_gives_no_second_ticket() -> None:
    """T1, idempotency: the caller finds the ticket by its press."""
    state = go(small(), take(told(), "A", press=PRESS))
    again = go(state, replace(take(state, "A", press=PRESS), token="another"))
    assert again == state
    assert state.hall.presses[PRESS] == id_of(state, "A001")


def test_a_ticket_taken_at_a_device_gets_a_slip() -> None:
    """T1"""
    state = go(small(), take(told(), "A", press=PRESS))
    assert ticket(state, "A001").slip is Slip.PENDING
    assert PaperTicket(id_of(state, "A001"), PRESS) in state.effects


def test_the_quota_of_a_queue_ends_its_tickets() -> None:
    """T1, P.31"""
    plan = small_plan()
    queues = (replace(plan.queues[0], daily_quota=2), *plan.queues[1:])
    state = small("A A", small_plan(queues=queues))
    assert refusal(state, take(state, "A")).code == "quota_reached"
    go(state, take(state, "B"))


def test_a_person_with_an_active_ticket_in_the_queue_gets_no_other() -> None:
    """T1"""
    state = go(small(), take(told(), "A", person="p1"))
    assert refusal(state, take(state, "A", person="p1")).code == "already_waiting"
    go(state, take(state, "B", person="p1"))
    served = go(state, CallNext(1), Start(1), Finish(1))
    go(served, take(served, "A", person="p1"))


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"klass": TicketClass.APPOINTMENT}, "slot_needed"),
        ({"cases": 0}, "bad_cases"),
        ({"cases": 3}, "not_bulk"),
        ({"chain": ("B", "X")}, "unknown_queue"),
    ],
)
def test_a_request_that_cannot_be_is_refused(more: dict[str, object], code: str) -> None:
    """T1"""
    assert refusal(small(), take(small(), "A", **more)).code == code


def test_no_ticket_is_given_for_a_queue_nobody_serves() -> None:
    """T1"""
    plan = small_plan()
    state = small(plan=small_plan(windows=(plan.windows[0],)), staff="")
    assert refusal(state, take(state, "B")).code == "not_served"
    assert refusal(state, take(state, "X")).code == "unknown_queue"


def test_no_ticket_is_given_before_the_day_opens_or_after_issuing_stops() -> None:
    """T1"""
    assert refusal(told(), take(told(), "A")).code == "day_closed"
    late = small()
    late = go(late, after(CLOSING - late.now), Tick())
    assert refusal(late, take(late, "A")).code == "issuing_stopped"


# --- T6, T7 ----------------------------------------------------------------------------------------


def test_a_missed_ticket_returns_behind_the_next_three() -> None:
    """T6, P.48"""
    state = missed()
    state = go(state, ReturnTicket(id_of(state, "A001")))
    assert queue(state, "A") == ["A002", "A003", "A004", "A001", "A005", "A006"]


def test_it_returns_exactly_behind_three_when_all_have_one_key_time() -> None:
    """T6: appointments of one slot"""
    state = small()
    slot = state.now + timedelta(minutes=20)
    for _ in range(8):
        state = go(state, take(state, "A", klass=TicketClass.APPOINTMENT, slot=slot))
    for number in ("A001", "A002"):
        state = go(state, CallNext(1), NoShow(1, "gone"), ReturnTicket(id_of(state, number)))
    assert queue(state, "A") == ["A003", "A004", "A001", "A002", "A005", "A006", "A007", "A008"]


def test_it_returns_behind_all_when_fewer_wait_and_first_when_nobody_does() -> None:
    """T6"""
    few, alone = missed("A A"), missed("A")
    assert queue(go(few, ReturnTicket(id_of(few, "A001"))), "A") == ["A002", "A001"]
    assert queue(go(alone, ReturnTicket(id_of(alone, "A001"))), "A") == ["A001"]


def test_how_far_behind_is_a_setting() -> None:
    """T6, P.48: other values work."""
    state = missed(return_behind=1)
    state = go(state, ReturnTicket(id_of(state, "A001")))
    assert queue(state, "A")[:3] == ["A002", "A001", "A003"]


def test_nobody_returns_after_an_hour() -> None:
    """T6"""
    state = go(missed(), after(minutes=60))
    go(state, ReturnTicket(id_of(state, "A001")))
    late = go(state, after(seconds=1))
    assert refusal(late, ReturnTicket(id_of(late, "A001"))).code == "return_too_late"


def test_a_second_miss_ends_a_ticket() -> None:
    """T6, T7, P.48"""
    state = missed("A")
    state = go(state, ReturnTicket(id_of(state, "A001")), CallNext(1), NoShow(1, "gone again"))
    assert ticket(state, "A001").state is TicketState.ABANDONED
    assert refusal(state, ReturnTicket(id_of(state, "A001"))).code == "not_missed"


def test_more_misses_can_be_allowed() -> None:
    """T6"""
    state = missed("A", misses_allowed=3)
    state = go(state, ReturnTicket(id_of(state, "A001")), CallNext(1), NoShow(1, "gone again"))
    state = go(state, ReturnTicket(id_of(state, "A001")))
    assert queue(state, "A") == ["A001"]


def test_a_no_show_is_abandoned_once_it_cannot_return() -> None:
    """T7"""
    state = go(missed("A"), after(minutes=60), Tick())
    assert ticket(state, "A001").state is TicketState.NO_SHOW
    state = go(state, after(seconds=1), Tick())
    assert ticket(state, "A001").state is TicketState.ABANDONED


# --- T12, T18 --------------------------------------------------------------------------------------


def test_a_cancelled_ticket_gives_its_quota_back_before_the_call_only() -> None:
    """T12"""
    state = small("A A")
    state = go(state, CancelTicket(id_of(state, "A002")))
    assert ticket(state, "A002").state is TicketState.CANCELLED
    assert state.hall.issued["A"] == 1
    state = go(state, CallNext(1), NoShow(1, "gone"), CancelTicket(id_of(state, "A001")))
    assert state.hall.issued["A"] == 1


def test_a_ticket_at_a_window_cannot_be_cancelled() -> None:
    """T12"""
    state = go(small("A"), CallNext(1))
    refused = refusal(state, CancelTicket(id_of(state, "A001")))
    assert refused.code == "not_cancellable"
    assert str(refused) == "A001 is called: only a waiting or missed ticket can be cancelled"


def test_who_asks_to_be_later_is_put_behind_the_next_three() -> None:
    """T18"""
    state = small("A A A A A A")
    state = go(state, LetPass(id_of(state, "A002")))
    assert queue(state, "A") == ["A001", "A003", "A004", "A005", "A002", "A006"]


def test_who_is_last_can_let_nobody_pass() -> None:
    """T18"""
    state = small("A A")
    assert refusal(state, LetPass(id_of(state, "A002"))).code == "nobody_behind"
    called = go(state, CallNext(1))
    assert refusal(called, LetPass(id_of(called, "A001"))).code == "not_waiting"
    assert refusal(state, LetPass(99)).code == "unknown_ticket"


def test_letting_pass_is_not_undone_by_a_long_wait() -> None:
    """T18: the wait that counts for going first begins anew."""
    state = go(small("A A"), after(minutes=91))
    state = go(state, LetPass(id_of(state, "A001")), CallNext(1))
    assert ticket(state, "A002").state is TicketState.CALLED


# --- slips -----------------------------------------------------------------------------------------


def test_a_ticket_that_was_never_printed_is_cancelled_and_gives_its_quota_back() -> None:
    """design: void cancels a waiting ticket as not printed"""
    state = go(small(), take(told(), "A", press=PRESS))
    state = go(state, RecordSlip(id_of(state, "A001"), Slip.VOID))
    assert (ticket(state, "A001").state, ticket(state, "A001").slip) == (TicketState.CANCELLED, Slip.VOID)
    assert state.hall.issued["A"] == 0


def test_a_void_slip_does_not_cancel_somebody_who_is_called() -> None:
    state = go(small(), take(told(), "A", press=PRESS), CallNext(1))
    state = go(state, RecordSlip(id_of(state, "A001"), Slip.VOID))
    assert ticket(state, "A001").state is TicketState.CALLED


def test_paper_that_is_out_stays_out() -> None:
    state = go(small(), take(told(), "A", press=PRESS))
    state = go(state, RecordSlip(id_of(state, "A001"), Slip.UNCERTAIN))
    state = go(state, RecordSlip(id_of(state, "A001"), Slip.PRINTED))
    assert go(state, RecordSlip(id_of(state, "A001"), Slip.VOID)) == state


# --- numbers given out by dispensers ---------------------------------------------------------------


def offline(state: Told, number: str, press: Press = PRESS, **more: object) -> AcceptOffline:
    token = f"offline-{press.unit}-{press.seq}"
    return AcceptOffline(press, "A", number, token, state.now, **more)  # type: ignore[arg-type]


def test_leased_numbers_are_never_given_out_online() -> None:
    state = go(small("A", small_plan(Rules(lease_from=3))), LeaseNumbers("node-1", "A", 40))
    assert NumbersLeased(state.now, 1, "node-1", "A", 3, 42) in state.events
    assert LeaseGrant(1, "node-1") in state.effects
    state = go(state, take(state, "A"), LeaseNumbers("node-2", "A", 10))
    state = go(state, take(state, "A"))
    assert queue(state, "A") == ["A001", "A002", "A053"]
    assert (state.hall.leases[2].first, state.hall.leases[2].last) == (43, 52)
    assert refusal(state, LeaseNumbers("node-1", "A", 0)).code == "bad_lease"
    assert refusal(told(), LeaseNumbers("node-1", "A", 40)).code == "day_closed"


def test_numbers_are_leased_out_of_sight_of_the_days_own() -> None:
    state = go(small(), LeaseNumbers("node-1", "A", 40), take(told(), "A"))
    assert state.hall.leases[1].first == 501
    assert queue(state, "A") == ["A001"]


def test_an_offline_number_waits_from_when_it_was_taken() -> None:
    state = go(small(), LeaseNumbers("node-1", "A", 40))
    early = offline(state, "A501")
    state = go(state, after(minutes=5), take(state, "A"), early)
    assert queue(state, "A") == ["A501", "A001"]
    assert ticket(state, "A501").slip is Slip.UNCERTAIN
    assert go(state, early) == state


def test_a_dispenser_with_a_wrong_clock_gets_nobody_ahead_of_the_day() -> None:
    state = go(small("A"), after(minutes=5))
    state = go(state, replace(offline(state, "A-2-001"), taken_at=state.now - timedelta(days=900)))
    assert ticket(state, "A-2-001").issued_at == state.hall.day.opened_at  # type: ignore[union-attr]


def test_the_paper_in_the_hand_renumbers_the_ticket_and_leaves_a_gap() -> None:
    """design: renumbering; the former number is never given again"""
    state = go(small(), LeaseNumbers("node-1", "A", 3), take(told(), "A", press=PRESS))
    state = go(state, offline(state, "A501"))
    assert TicketRenumbered(state.now, 1, "A501", former="A001") in state.events
    assert queue(go(state, take(state, "A")), "A") == ["A501", "A002"]
    assert go(state, offline(state, "A501")) == state


def test_a_slip_that_failed_offline_leaves_nobody_waiting() -> None:
    state = go(small(), take(told(), "A", press=PRESS))
    state = go(state, offline(state, "A-2-001"), RecordSlip(1, Slip.VOID))
    assert queue(state, "A") == []
    assert ticket(state, "A-2-001").state is TicketState.CANCELLED


def test_a_slip_that_came_out_offline_stays_out() -> None:
    state = go(small(), take(told(), "A", press=PRESS))
    state = go(state, offline(state, "A-2-001"), RecordSlip(1, Slip.PRINTED))
    assert go(state, RecordSlip(1, Slip.VOID)) == state


def test_an_offline_press_whose_ticket_was_voided_gets_a_new_one() -> None:
    state = go(small(), take(told(), "A", press=PRESS), RecordSlip(1, Slip.VOID))
    state = go(state, offline(state, "A-2-001"))
    assert queue(state, "A") == ["A-2-001"]
    assert state.hall.presses[PRESS] == 2


def test_f81_numbers_that_papers_may_bear_are_given_to_nobody() -> None:
    state = go(small("A"), PassOverNumbers("A", 20))
    state = go(state, take(state, "A"), LeaseNumbers("node-1", "A", 10))
    assert queue(state, "A") == ["A001", "A022"]
    assert state.hall.leases[2] == Lease(2, "node-1", "A", 521, 530)
    state = go(state, offline(state, "A007", Press("node-1", "epoch", 7)))
    assert "A007" in queue(state, "A")
    assert not [one for one in state.effects if isinstance(one, LeaseGrant) and not one.unit]


def test_one_number_on_two_papers_is_told_apart() -> None:
    """T1: unique per domain and day, whatever a dispenser did"""
    state = small("A")
    state = go(state, offline(state, "A001"), offline(state, "A001", Press("node-2", "epoch", 1)))
    assert queue(state, "A") == ["A001", "A001-2", "A001-3"]


def test_numbers_met_offline_are_passed_over_online_and_in_leases() -> None:
    state = small(plan=small_plan(Rules(lease_from=3)))
    state = go(state, offline(state, "A001"), offline(state, "A004", Press("node-2", "epoch", 1)))
    state = go(state, take(state, "A"), LeaseNumbers("node-1", "A", 2))
    assert ticket(state, "A002").id == 3
    assert (state.hall.leases[1].first, state.hall.leases[1].last) == (5, 6)


def test_a_press_that_comes_late_waits_from_when_it_was_made() -> None:
    """An outage: the press comes before the offline number, which its ticket then takes."""
    state = go(small(), after(minutes=20))
    pressed = TakeTicket("A", "late", press=PRESS, asked_at=state.now - timedelta(minutes=15))
    state = go(state, take(state, "A"), pressed, offline(state, "A501"))
    assert queue(state, "A") == ["A501", "A001"]
    assert ticket(state, "A501").issued_at == state.now - timedelta(minutes=15)


def test_a_press_from_before_the_day_gives_no_ticket_today() -> None:
    """A night's outage: nobody stands behind yesterday's presses and numbers any more."""
    state = small()
    pressed = replace(take(told(), "A", press=PRESS), asked_at=state.now - timedelta(hours=15))
    assert refusal(state, pressed).code == "day_closed"
    assert refusal(state, offline(state, "A501", day=TODAY - timedelta(days=1))).code == "offline_day_over"


def test_a_late_press_is_kept_while_the_hall_s_clock_stands_before_the_day() -> None:
    """F77: the clock was set back, so nobody knows that the press was made before the day was opened."""
    state = small()
    behind = state.hall.day.opened_at - timedelta(hours=2) if state.hall.day else state.now
    back = replace(state, now=behind)
    pressed = replace(take(back, "A", press=PRESS), asked_at=behind - timedelta(minutes=1))
    assert queue(go(back, pressed), "A") == ["A001"]


def test_a_number_of_another_day_is_refused() -> None:
    state = small()
    yesterday = offline(state, "A001", day=TODAY - timedelta(days=1))
    assert refusal(state, yesterday).code == "offline_day_over"
    assert refusal(told(), offline(told(), "A001")).code == "day_closed"
    go(state, offline(state, "A001", day=TODAY))


def test_numbers_start_again_on_the_next_day_and_go_on_when_a_day_is_reopened() -> None:
    """invariant: numbers restart each day per domain and are never reused within a day"""
    state = go(small("A A"), CloseDay())
    again = go(state, OpenDay(TODAY, CLOSING))
    assert queue(go(again, take(again, "A")), "A") == ["A003"]
    tomorrow = go(state, after(days=1), OpenDay(TODAY + timedelta(days=1), CLOSING + timedelta(days=1)))
    assert queue(go(tomorrow, take(tomorrow, "A")), "A") == ["A001"]


# --- ratings ---------------------------------------------------------------------------------------


def test_a_finished_service_is_rated_once() -> None:
    """S0.23"""
    state = go(small("A"), CallNext(1), Start(1))
    id = id_of(state, "A001")
    assert refusal(state, Rate(id, 5)).code == "not_finished"
    state = go(state, Finish(1), Rate(id, 5))
    assert ticket(state, "A001").rating == 5
    assert RatingThanks(1, id) in state.effects
    assert refusal(state, Rate(id, 1)).code == "already_rated"
    assert refusal(state, Rate(id, 6)).code == "bad_rating"


def test_recalls_do_not_count_against_a_ticket_that_returns() -> None:
    """T3, T6: a return is called anew"""
    state = go(small("A"), CallNext(1), after(seconds=5), Recall(1), NoShow(1, "gone"))
    state = go(state, ReturnTicket(id_of(state, "A001")), CallNext(1))
    assert (ticket(state, "A001").calls, ticket(state, "A001").misses) == (1, 1)


def given_up(queue_of_others: str = "A A A") -> Told:
    """A002 of three was given up by its holder."""
    state = small(queue_of_others, plan=small_plan())
    return go(state, CancelTicket(id_of(state, "A002"), GIVEN_UP))


def test_who_gave_up_by_mistake_has_the_place_back_once() -> None:
    state = given_up()
    again = TakeUpAgain(id_of(state, "A002"))
    assert queue(state, "A") == ["A001", "A003"]
    state = go(state, again, again)
    assert queue(state, "A") == ["A001", "A002", "A003"]
    assert [type(event) for event in state.events[-2:]] == [TicketCancelled, TicketTakenUpAgain]
    assert state.hall.issued["A"] == 3


@pytest.mark.parametrize(
    ("minutes", "called", "refused"),
    [(0.5, 2, ""), (30, 0, ""), (30, 1, "passed_by"), (30, 2, "passed_by")],
)
def test_a_place_can_be_had_back_for_a_minute_or_until_the_turn_has_come(
    minutes: float, called: int, refused: str
) -> None:
    state = given_up()
    again = TakeUpAgain(id_of(state, "A002"))
    for window in range(1, called + 1):
        state = go(state, CallNext(window))
    state = go(state, after(minutes=minutes))
    if refused:
        assert refusal(state, again).code == refused
    else:
        assert "A002" in queue(go(state, again), "A")


def test_what_others_cancelled_or_was_missed_long_ago_is_not_had_back() -> None:
    state = small("A A")
    by_desk = go(state, CancelTicket(id_of(state, "A002"), "no papers"))
    assert refusal(by_desk, TakeUpAgain(id_of(state, "A002"))).code == "passed_by"
    missed = go(state, CallNext(1), NoShow(1, "gone"), CancelTicket(id_of(state, "A001"), GIVEN_UP))
    back = go(missed, TakeUpAgain(id_of(state, "A001")))
    assert ticket(back, "A001").state is TicketState.NO_SHOW
    assert refusal(go(missed, after(minutes=2)), TakeUpAgain(id_of(state, "A001"))).code == "passed_by"
    assert refusal(go(missed, CloseDay()), TakeUpAgain(id_of(state, "A001"))).code == "day_closed"
