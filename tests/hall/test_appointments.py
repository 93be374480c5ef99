"""Appointments A1-A10: places, limits of a person, moving and cancelling, coming and staying away."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.hall.appointments import arriving, arriving_with_card, blocked_until
from controller.hall.bookings import HELD, Appointment, AppointmentState, Bookings, Slot, Way, collected
from controller.hall.commands import (
    ApproveAppointment,
    BookAppointment,
    CallNext,
    CancelAppointment,
    CancelSlots,
    CheckIn,
    CloseDay,
    Command,
    Finish,
    LiftBlock,
    MoveAppointment,
    OpenDay,
    RecordSlip,
    RejectAppointment,
    ReopenSlots,
    RequestAppointment,
    Start,
    Tick,
)
from controller.hall.events import AppointmentHallCancelled
from controller.hall.model import Press, Refused, Rules, Slip, TicketClass
from controller.hall.plans import check_change
from controller.hall.snapshot import freeze, thaw
from tests.halls import CLOSING, TODAY, Told, after, go, queue, refusal, small, small_plan, take

DAY = timedelta(days=1)
TOMORROW = TODAY + DAY
TEN = datetime(2025, 3, 4, 2, tzinfo=UTC)  # 10:00 in Shanghai, tomorrow


def at(start: datetime = TEN, places: int = 2, ahead: int = 1) -> Slot:
    return Slot(start.date(), start, start + timedelta(minutes=30), places, ahead)


def book(state: Told, person: str = "p", slot: Slot | None = None, **more: Any) -> BookAppointment:
    n = state.hall.bookings.next
    wanted: dict[str, Any] = {"queue": "A", "way": Way.WEB, **more}
    return BookAppointment(slot=slot or at(), code=f"{n:08}", token=f"mine-{n}", persons=(person,), **wanted)


def booked(*persons: str, **more: Any) -> Told:
    state = small()
    for person in persons or ("p",):
        state = go(state, book(state, person, **more))
    return state


def one(state: Told, id: int = 1) -> Appointment:
    return state.hall.bookings.known[id]


def tomorrow(state: Told, minutes_before: int = 0) -> Told:
    """The next day is open, so many minutes before ten."""
    state = go(state, CloseDay())
    state = replace(state, now=TEN - timedelta(hours=2))
    state = go(state, OpenDay(TOMORROW, CLOSING + DAY))
    return replace(state, now=TEN - timedelta(minutes=minutes_before))


def code(state: Told, command: Command) -> str:
    return refusal(state, command).code


# --- A1


def test_a_booking_takes_a_place_and_the_last_one_goes_once() -> None:
    """A1"""
    state = booked("p", "q")
    assert state.hall.bookings.left("A", at()) == 0
    assert one(state).state is AppointmentState.CONFIRMED
    assert code(state, book(state, "r")) == "slot_full"


def test_a_booking_that_is_asked_for_again_is_the_same_booking() -> None:
    state = small()
    asked = book(state)
    assert len(go(state, asked, asked).hall.bookings.known) == 1


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"slot": at(ahead=0)}, "slot_too_soon"),
        ({"slot": at(ahead=6)}, "slot_too_far"),
        ({"slot": at(TEN - 2 * DAY)}, "slot_over"),
        ({"queue": "X"}, "unknown_queue"),
    ],
)
def test_what_cannot_be_booked(changes: dict[str, Any], refused: str) -> None:
    state = small()
    assert code(state, book(state, **changes)) == refused


def test_a_queue_without_places_is_not_booked() -> None:
    plan = small_plan()
    state = small(plan=replace(plan, queues=(replace(plan.queues[0], slot_places=0), *plan.queues[1:])))
    assert code(state, book(state)) == "not_bookable"


def test_a_person_books_a_matter_once_a_day() -> None:
    """A1, P.27: by any of the digests."""
    state = booked("p")
    assert code(state, book(state, "p", at(TEN + timedelta(hours=1)))) == "booked_already"
    assert go(state, book(state, "p", at(TEN + DAY, ahead=2))).hall.bookings.next == 3
    assert go(state, book(state, "p", item="passport")).hall.bookings.next == 3
    assert code(state, replace(book(state), persons=())) == "person_needed"
    assert code(state, replace(book(state, "q"), code=one(state).code)) == "code_taken"


# --- A2-A4


def wished(state: Told) -> Told:
    asked = book(state)
    facts = (asked.queue, asked.slot, asked.code, asked.token, asked.persons, Way.SITE)
    return go(state, RequestAppointment(*facts, wish="wheelchair"))


def test_a_special_request_is_agreed_to_by_a_manager() -> None:
    """A2, A3"""
    state = wished(small())
    assert one(state).state is AppointmentState.REQUESTED
    assert state.hall.bookings.left("A", at()) == 2
    state = go(state, ApproveAppointment(1, at(TEN + timedelta(hours=9)), at_window=2))
    assert (one(state).state, one(state).window) == (AppointmentState.CONFIRMED, 2)
    assert code(state, ApproveAppointment(1, at())) == "not_requested"


def test_a_special_request_is_refused_with_a_reason() -> None:
    """A4"""
    state = wished(small())
    assert code(state, RejectAppointment(1, " ")) == "reason_needed"
    state = go(state, RejectAppointment(1, "come on Friday"))
    assert (one(state).state, one(state).why) == (AppointmentState.REJECTED, "come on Friday")


def test_a_special_request_says_why_and_stands_alone() -> None:
    state = wished(small())
    asked = book(state)
    facts = (asked.queue, asked.slot, asked.code, asked.token)
    assert code(state, RequestAppointment(*facts, ("p",), Way.SITE, wish="again")) == "booked_already"
    assert code(state, RequestAppointment(*facts, ("q",), Way.SITE, wish=" ")) == "wish_needed"
    assert code(state, ApproveAppointment(1, at(TEN - 3 * DAY))) == "slot_over"
    assert code(state, ApproveAppointment(1, replace(at(), end=TEN))) == "bad_span"
    assert code(state, ApproveAppointment(1, at(), at_window=99)) == "unknown_window"


# --- A5, A6


def test_moving_frees_the_place_it_had() -> None:
    """A5"""
    state = booked("p", "q")
    later = at(TEN + timedelta(hours=1))
    state = go(state, MoveAppointment(1, later))
    assert (state.hall.bookings.left("A", at()), state.hall.bookings.left("A", later)) == (1, 1)
    assert (one(state).start, one(state).moved) == (later.start, 1)
    assert go(state, MoveAppointment(1, later)).events == state.events


def test_moving_has_the_limits_of_booking() -> None:
    state = booked("p", "q", "r", slot=at(places=3))
    assert code(state, MoveAppointment(1, replace(at(TEN + DAY, ahead=9)))) == "slot_too_far"
    state = go(state, book(state, "p", at(TEN + DAY, ahead=2)))
    assert code(state, MoveAppointment(1, at(TEN + DAY + timedelta(hours=1), ahead=2))) == "booked_already"
    assert code(state, MoveAppointment(99, at())) == "unknown_appointment"
    late = replace(state, now=TEN - timedelta(minutes=119))
    assert code(late, MoveAppointment(1, at(TEN + DAY, ahead=1))) == "move_too_late"


def test_a_cancellation_in_time_frees_the_place_and_a_late_one_counts() -> None:
    """A6"""
    state = booked("p", "q")
    early = go(state, CancelAppointment(1))
    assert early.hall.bookings.left("A", at()) == 1
    assert not early.hall.bookings.missed
    assert code(early, CancelAppointment(1)) == "not_confirmed"
    late = replace(state, now=TEN - timedelta(hours=1))
    assert go(late, CancelAppointment(1)).hall.bookings.missed["p"] == (late.now,)
    assert not go(late, CancelAppointment(1, "ill", is_accepted=True)).hall.bookings.missed
    assert code(late, CancelAppointment(1, "", is_accepted=True)) == "reason_needed"


# --- A7-A9


def test_checking_in_gives_an_appointment_ticket_that_is_fulfilled_when_served() -> None:
    """A7, A9"""
    state = go(tomorrow(booked(), 10), CheckIn(1, "ticket-1"))
    (ticket,) = state.hall.tickets.values()
    assert (ticket.klass, ticket.slot, ticket.person) == (TicketClass.APPOINTMENT, TEN, "p")
    assert one(state).ticket == ticket.id
    assert len(go(state, CheckIn(1, "ticket-2")).hall.tickets) == 1
    state = go(state, after(minutes=12), CallNext(1), Start(1), Finish(1))
    assert one(state).state is AppointmentState.FULFILLED


def test_a_booked_place_is_not_lost_to_a_quota_that_is_reached() -> None:
    plan = small_plan()
    state = small(plan=replace(plan, queues=(replace(plan.queues[0], daily_quota=1), *plan.queues[1:])))
    state = tomorrow(go(state, book(state)), 10)
    state = go(state, take(state, "A"))
    assert code(state, take(state, "A")) == "quota_reached"
    assert queue(go(state, CheckIn(1, "ticket-1")), "A") == ["A002", "A001"]


@pytest.mark.parametrize(
    ("minutes_before", "refused"), [(31, "check_in_early"), (-16, "check_in_late"), (30, ""), (-15, "")]
)
def test_checking_in_has_its_hours(minutes_before: int, refused: str) -> None:
    state = tomorrow(booked(), minutes_before)
    if refused:
        assert code(state, CheckIn(1, "ticket-1")) == refused
    else:
        assert go(state, CheckIn(1, "ticket-1")).hall.tickets


def test_a_kiosk_finds_who_comes_by_code_or_the_end_of_the_phone_number() -> None:
    state = small(plan=small_plan(Rules(book_until=9)))
    for person, slot, tail in (
        ("p", at(), "1111"),
        ("q", at(TEN + timedelta(hours=3)), "1111"),
        ("r", at(places=9), "2222"),
        ("s", at(places=9), "2222"),
    ):
        state = go(state, book(state, person, slot, tail=tail))
    state = tomorrow(state, 10)
    assert arriving(state.hall, "0000 0002", state.now).id == 2
    assert arriving(state.hall, "1111", state.now).id == 1
    for said, refused in (("2222", "several_booked"), ("3333", "nobody_booked"), ("", "nobody_booked")):
        with pytest.raises(Refused) as told:
            arriving(state.hall, said, state.now)
        assert told.value.code == refused


def test_a_card_finds_the_appointment_of_its_holder_that_is_due() -> None:
    state = small(plan=small_plan(Rules(bookings_a_day=9)))
    later = at(TEN + timedelta(hours=3))
    for person, slot in (("p", at(places=9)), ("p", later), ("q", at(places=9)), ("q", at(places=9))):
        state = go(state, book(state, person, slot))
    state = tomorrow(state, 10)
    assert arriving_with_card(state.hall, "p", state.now).id == 1
    for person, refused in (("q", "several_with_card"), ("r", "nobody_with_card")):
        with pytest.raises(Refused) as told:
            arriving_with_card(state.hall, person, state.now)
        assert told.value.code == refused


def test_a_second_kiosk_is_told_the_number_and_a_slip_that_was_not_printed_comes_again() -> None:
    first, second = Press("k1", "e", 1), Press("k2", "e", 1)
    state = go(tomorrow(booked(), 10), CheckIn(1, "t1", first))
    assert go(state, CheckIn(1, "t2", first)).events == state.events
    assert code(state, CheckIn(1, "t2", second)) == "checked_in_already"
    state = go(state, RecordSlip(1, Slip.VOID), CheckIn(1, "t2", second))
    assert one(state).ticket == 2


def test_only_what_is_booked_for_today_checks_in() -> None:
    assert code(booked(), CheckIn(1, "ticket-1")) == "check_in_day"
    assert code(go(booked(), CancelAppointment(1)), CheckIn(1, "ticket-1")) == "not_confirmed"


def test_who_does_not_come_is_absent_and_three_times_is_too_often() -> None:
    """A8"""
    state = small(plan=small_plan(Rules(bookings_a_day=9)))
    for _ in range(3):
        state = go(state, book(state, "p", at(places=9)))
    state = tomorrow(state)
    assert len(go(state, after(minutes=15), Tick()).hall.bookings.missed) == 0
    state = go(state, after(minutes=15, seconds=1), Tick())
    assert one(state).state is AppointmentState.NO_SHOW
    assert code(state, CheckIn(1, "ticket-1")) == "check_in_late"
    assert code(state, book(state, "p", at(TEN + DAY))) == "booking_blocked"
    assert blocked_until(state.hall, ("p",), state.now + 30 * DAY) is None
    assert blocked_until(state.hall, ("q",), state.now) is None
    freed = go(state, LiftBlock(1))
    assert go(freed, book(freed, "p", at(TEN + DAY))).hall.bookings.next == 5


def test_absences_are_forgotten() -> None:
    state = go(tomorrow(booked()), after(minutes=16), Tick(), CloseDay())
    state = go(replace(state, now=state.now + 130 * DAY), OpenDay(TODAY + 131 * DAY, CLOSING + 131 * DAY))
    assert state.hall.bookings == Bookings(next=2)


# --- A10


def test_a_hall_that_is_not_open_blames_nobody() -> None:
    """A10"""
    state = go(booked(), CloseDay())
    state = go(replace(state, now=TEN + timedelta(minutes=16)), Tick())
    assert one(state).state is AppointmentState.HALL_CANCELLED
    assert not state.hall.bookings.missed


def test_a_day_that_is_cancelled_takes_back_every_booking_once_and_takes_no_more() -> None:
    """A10"""
    state = booked("p", "q")
    span = (TEN - timedelta(hours=2), TEN + timedelta(hours=8))
    state = go(state, book(state, "r", at(TEN + DAY, ahead=2)))
    state = go(state, CancelSlots(*span, ("A",), "power cut"), CancelSlots(*span, (), "power cut"))
    told = [event.appointment for event in state.events if isinstance(event, AppointmentHallCancelled)]
    assert told == [1, 2]
    assert code(state, book(state, "s")) == "slot_closed"
    state = go(state, ReopenSlots(1), ReopenSlots(2))
    assert go(state, book(state, "s")).hall.bookings.next == 5


def test_who_was_cancelled_books_anew_whatever_else_is_booked() -> None:
    state = booked("p")
    state = go(state, book(state, "p", at(TEN + DAY, ahead=2)))
    state = go(state, CancelSlots(TEN, TEN + DAY / 2, (), "power cut"))
    again = book(state, "p", at(TEN + DAY + timedelta(hours=1), ahead=2), instead_of=1)
    assert go(state, again).hall.bookings.next == 4
    assert code(state, replace(again, instead_of=None)) == "booked_already"


def test_spans_that_make_no_sense_close_nothing() -> None:
    state = booked()
    assert code(state, CancelSlots(TEN, TEN, (), "x")) == "bad_span"
    assert code(state, CancelSlots(TEN - 9 * DAY, TEN - 8 * DAY, (), "x")) == "bad_span"
    assert code(state, CancelSlots(TEN, TEN + DAY, (), " ")) == "reason_needed"
    assert code(state, CancelSlots(TEN, TEN + DAY, ("X",), "x")) == "unknown_queue"
    assert code(state, ReopenSlots(1)) == "unknown_closure"


def test_a_queue_with_appointments_stays_in_the_plan() -> None:
    state = booked()
    plan = state.hall.plan
    less = replace(plan, queues=plan.queues[1:], windows=())
    with pytest.raises(Refused) as refused:
        check_change(state.hall, less)
    assert refused.value.code == "queue_booked"


# --- whatever happens

ACTS = st.lists(
    st.tuples(st.sampled_from("bbbbmcicht"), st.integers(0, 3), st.integers(0, 5), st.integers(0, 90)),
    max_size=30,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ACTS)
def test_no_slot_holds_more_than_its_places_and_the_indexes_agree(
    acts: list[tuple[str, int, int, int]],
) -> None:
    """Any acts of anybody; everything is counted again from the appointments alone."""
    state = tomorrow(small(plan=small_plan(Rules(book_from=0))), 90)
    for what, person, n, minutes in acts:
        slot, id = at(TEN + timedelta(minutes=30 * (n % 3)), ahead=0), 1 + n
        command: Command = {
            "b": book(state, f"p{person}", slot, item=str(n)),
            "m": MoveAppointment(id, slot),
            "c": CancelAppointment(id),
            "i": CheckIn(id, f"t{state.hall.next_ticket}"),
            "h": CancelSlots(slot.start, slot.end, (), "x"),
            "t": Tick(),
        }[what]
        try:
            state = go(state, command, after(minutes=minutes // 10))
        except Refused:
            continue
        book_now = state.hall.bookings
        held = [(one.queue, one.start) for one in book_now.known.values() if one.state in HELD]
        assert all(held.count(place) <= 2 for place in held)
        bare = Bookings(book_now.next, book_now.next_closure, missed=book_now.missed, closed=book_now.closed)
        assert collected(book_now.known.values(), bare) == book_now
        assert thaw(freeze(state.hall)).bookings == book_now
