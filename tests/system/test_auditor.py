"""The auditor finds each kind of wrong, and nothing in a hall that kept its word."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.hall import events as e
from controller.hall.commands import AcceptOffline, CallNext, Finish, Rate, RecordSlip, Start, TakeTicket
from controller.hall.model import Press, Slip
from tests.halls import OPENING, Told, go, small
from tests.system.chaos.auditor import Evidence, Kind, audit
from tests.system.chaos.promises import Called, Finished, Numbered, Paper, Pressed, Promise, Voted

PRESS = Press("node-1", "e1", 1)
OFFLINE = Press("node-1", "e1", 3)
KEPT: tuple[Promise, ...] = (
    Numbered("tap-1", "A001", "token-1"),
    Numbered("tap-1", "A001", "token-1"),  # the same tap, sent again
    Called("console", 1, "A001"),
    Finished("console", 1, "A001"),
    Voted("keypad", "A001", 4),
    Pressed("node-1", "e1", 1),
    Paper("node-1", "A002", "token-2"),
    Paper("node-1", "A501", ""),
)


def a_morning() -> Told:
    """A001 taken, called, served, rated; A002 pressed and printed; A003 renumbered to A501 by its unit."""
    return go(
        small(),
        TakeTicket("A", "token-1"),
        TakeTicket("A", "token-2", press=PRESS),
        TakeTicket("A", "token-3", press=OFFLINE),
        AcceptOffline(OFFLINE, "A", "A501", "token-4", OPENING),
        RecordSlip(2, Slip.PRINTED),
        RecordSlip(3, Slip.PRINTED),
        CallNext(1),
        Start(1),
        Finish(1),
        Rate(1, 4),
    )


def evidence(**changes: object) -> Evidence:
    return replace(Evidence(a_morning().events, KEPT), **changes)  # type: ignore[arg-type]


def found(**changes: object) -> list[Kind]:
    return [wrong.kind for wrong in audit(evidence(**changes))]


def without(kind: type[e.Event], ticket: int = 1) -> list[e.Event]:
    return [one for one in a_morning().events if not (isinstance(one, kind) and one.ticket == ticket)]


def with_also(*more: e.Event) -> list[e.Event]:
    return [*a_morning().events, *more]


def test_a_hall_that_kept_its_word_is_right():
    assert found() == []


def test_an_acknowledged_ticket_is_missed():
    assert Kind.LOST_TICKET in found(events=without(e.TicketIssued))


def test_another_number_under_the_promised_address_is_found():
    assert found(promises=(*KEPT, Numbered("tap-9", "A002", "token-1"))) == [Kind.LOST_TICKET]


def test_a_tap_that_became_two_tickets_is_found():
    again = Numbered("tap-1", "A002", "token-2")
    assert found(promises=(*KEPT, again)) == [Kind.DOUBLED_TICKET]


def test_a_number_of_two_tickets_is_found():
    issued = next(one for one in a_morning().events if isinstance(one, e.TicketIssued))
    doubled = replace(issued, ticket=9, token="token-9")
    assert found(events=with_also(doubled)) == [Kind.DOUBLED_NUMBER]


def test_a_press_with_two_tickets_is_found():
    issued = next(one for one in a_morning().events if isinstance(one, e.TicketIssued) and one.press == PRESS)
    doubled = replace(issued, ticket=9, number="A009", token="token-9")
    assert found(events=with_also(doubled)) == [Kind.DOUBLED_TICKET]


def test_a_press_whose_first_ticket_was_void_may_have_another():
    issued = next(one for one in a_morning().events if isinstance(one, e.TicketIssued) and one.press == PRESS)
    void = [e.SlipRecorded(OPENING, 2, Slip.VOID), e.TicketCancelled(OPENING, 2, "not printed", True)]
    again = replace(issued, ticket=9, number="A009", token="token-9")
    held = [promise for promise in KEPT if promise != Paper("node-1", "A002", "token-2")]
    assert found(events=with_also(*void, again), promises=held) == []


def test_a_token_with_two_tickets_is_found():
    issued = next(one for one in a_morning().events if isinstance(one, e.TicketIssued))
    assert found(events=with_also(replace(issued, ticket=9, number="A009"))) == [Kind.DOUBLED_TICKET]


def test_a_ticket_at_two_windows_is_found():
    calls = [e.TicketCalled(OPENING, 2, window) for window in (1, 2)]
    assert found(events=with_also(*calls)) == [Kind.TWO_WINDOWS]


def test_two_tickets_at_one_window_are_found():
    calls = [e.TicketCalled(OPENING, ticket, 2) for ticket in (2, 3)]
    assert found(events=with_also(*calls)) == [Kind.TWO_WINDOWS]


def test_a_service_of_somebody_who_was_not_called_is_found():
    assert found(events=with_also(e.ServiceStarted(OPENING, 2, 2))) == [Kind.TWO_WINDOWS]


def test_a_lost_call_is_found():
    assert found(promises=(*KEPT, Called("console", 2, "A002"))) == [Kind.LOST_CALL]


def test_a_lost_end_of_a_visit_is_found():
    assert found(promises=(*KEPT, Finished("console", 2, "A002"))) == [Kind.LOST_FINISH]


@pytest.mark.parametrize("vote", [Voted("keypad", "A002", 5), Voted("keypad", "A001", 5)])
def test_a_lost_vote_is_found(vote: Voted):
    assert found(promises=(*KEPT, vote)) == [Kind.LOST_VOTE]


def test_a_vote_set_aside_is_not_lost():
    vote = Voted("keypad", "A001", 5)
    assert found(promises=(*KEPT, vote), kept_votes=frozenset({("A001", 5)})) == []


def test_a_lost_press_is_found_and_a_refused_one_is_not():
    lost = Pressed("node-1", "e1", 7)
    assert found(promises=(*KEPT, lost)) == [Kind.LOST_PRESS]
    refused = frozenset({Press("node-1", "e1", 7)})
    assert found(promises=(*KEPT, lost), refused_presses=refused) == []


@pytest.mark.parametrize(
    "paper",
    [
        Paper("node-1", "A077", "token-77"),  # of no ticket
        Paper("node-1", "A001", "token-77"),  # with the code of another
        Paper("node-1", "A003", "token-3"),  # a number its ticket no longer has
    ],
)
def test_paper_nobody_knows_of_is_found(paper: Paper):
    assert found(promises=(*KEPT, paper)) == [Kind.STRAY_PAPER]


def test_a_number_that_came_out_twice_is_found():
    assert found(promises=(*KEPT, Paper("node-1", "A002", "token-2"))) == [Kind.DOUBLED_PAPER]


def test_a_slip_recorded_as_printed_that_nobody_holds_is_found():
    held = [promise for promise in KEPT if promise != Paper("node-1", "A501", "")]
    assert found(promises=held) == [Kind.MISSING_PAPER]
    assert found(promises=held, is_paper_complete=False) == []


def test_a_unit_that_was_not_heard_out_is_found():
    assert found(untold={"node-1": 0, "node-2": 3}) == [Kind.UNTOLD]


def test_a_hall_other_than_its_log_is_found():
    assert found(replay=["ticket 1 is waiting, not called"]) == [Kind.REPLAY]


def test_a_board_that_shows_something_else_is_found():
    shown, wanted = {("node-2", "w1"): "A001"}, {("node-2", "w1"): "A002"}
    assert found(shown=shown, hall=wanted) == [Kind.BOARD]
    assert found(shown={}, hall=wanted) == [Kind.BOARD]
    assert found(shown=wanted, hall=wanted) == []


def test_a_finding_names_the_promise_and_what_the_log_says():
    (wrong,) = audit(evidence(promises=(*KEPT, Called("console", 2, "A002"))))
    assert "window=2" in str(wrong)
    assert "ticket 2 has had ['A002']" in str(wrong)
