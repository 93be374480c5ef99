"""Every number of a day is accounted for, whoever gave it and whatever broke."""

from __future__ import annotations

from datetime import timedelta

from controller.hall.commands import (
    AcceptOffline,
    CallNext,
    Finish,
    LeaseNumbers,
    PassOverNumbers,
    Rate,
    RecordSlip,
    Start,
)
from controller.hall.model import Press, Slip
from controller.hall.reconciliation import Account, Gap, Origin, Source, Why, reconcile
from tests.halls import Told, after, go, small, take


def press(seq: int) -> Press:
    return Press("node-1", "e1", seq)


def offline(state: Told, seq: int, number: str, minutes_ago: int = 0) -> AcceptOffline:
    return AcceptOffline(press(seq), "A", number, f"t{seq}", state.now - timedelta(minutes=minutes_ago))


def account(state: Told) -> Account:
    return reconcile(state.hall.plan, state.events)


def test_an_even_day_has_one_source_and_no_gaps() -> None:
    found = account(small("A A A"))
    assert found.sources == (Source("A", Origin.ONLINE, None, "A001", "A003", 3),)
    assert (found.issued, found.gaps, found.is_even) == (3, (), True)


def test_f16_numbers_of_a_dispenser_are_told_from_those_of_the_controller() -> None:
    state = go(small("A"), LeaseNumbers("node-1", "A", 3))
    lease = state.hall.leases[1]
    state = go(
        state, after(minutes=30), offline(state, 1, f"A{lease.first:03d}"), offline(state, 2, "A-1-001")
    )
    found = account(state)
    assert [(one.origin, one.unit, one.count) for one in found.sources] == [
        (Origin.ONLINE, None, 1),
        (Origin.LEASE, "node-1", 1),
        (Origin.OWN, "node-1", 1),
    ]
    first, last = f"A{lease.first + 1:03d}", f"A{lease.last:03d}"
    assert found.gaps == (Gap(first, last, 2, Why.LEASED, "node-1"),)


def test_f17_a_number_granted_too_late_is_a_gap_with_its_reason() -> None:
    state = small()
    state = go(state, take(state, "A", press=press(1)))
    state = go(state, offline(state, 1, "A-1-001"))
    (gap,) = account(state).gaps
    assert (gap.first, gap.why, gap.unit) == ("A001", Why.RENUMBERED, "node-1")


def test_a_slip_that_did_not_come_out_is_a_gap_with_its_reason() -> None:
    state = small()
    state = go(state, take(state, "A", press=press(1)), RecordSlip(1, Slip.VOID))
    (gap,) = account(state).gaps
    assert (gap.first, gap.why, gap.ticket) == ("A001", Why.VOID, 1)


def test_f14_a_doubtful_slip_is_told_until_it_is_known() -> None:
    state = small()
    state = go(state, take(state, "A", press=press(1)), RecordSlip(1, Slip.UNCERTAIN))
    assert [one.number for one in account(state).doubts] == ["A001"]


def test_numbers_passed_over_after_a_restore_are_a_gap_with_its_reason() -> None:
    state = go(small("A"), PassOverNumbers("A", 5))
    gap = account(state).gaps[0]
    assert (gap.first, gap.last, gap.count, gap.why) == ("A002", "A006", 5, Why.PASSED_OVER)


def test_a_number_nobody_can_account_for_is_said_to_be_unexplained() -> None:
    state = small("A A A")
    lost = [event for event in state.events if getattr(event, "number", "") != "A002"]
    found = reconcile(state.hall.plan, lost)
    assert [(gap.first, gap.why) for gap in found.gaps] == [("A002", Why.UNEXPLAINED)]
    assert not found.is_even


def test_a_ticket_taken_offline_shows_when_it_was_taken_and_when_it_was_heard() -> None:
    state = go(small(), after(minutes=40))
    state = go(state, offline(state, 1, "A-1-001", minutes_ago=30))
    (one,) = account(state).corrections
    assert one.heard_at - one.taken_at == timedelta(minutes=30)


def test_a_vote_long_after_the_visit_is_told() -> None:
    state = go(small("A A"), CallNext(1), Start(1), Finish(1), after(minutes=45), Rate(1, 2))
    assert [(one.number, one.level) for one in account(state).late_votes] == [("A001", 2)]


def test_queues_with_one_prefix_share_their_numbers() -> None:
    found = account(small("A T A T"))
    assert found.is_even
    assert [(one.queue, one.first, one.last) for one in found.sources] == [
        ("A", "A001", "A002"),
        ("T", "A001", "A002"),
    ]
