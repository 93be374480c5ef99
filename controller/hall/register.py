"""What each event makes of the appointments. Bookkeeping: accepts every event, decides nothing."""

from __future__ import annotations

from typing import assert_never

from controller.hall.bookings import (
    Appointment,
    AppointmentState,
    Bookings,
    Closure,
    absent,
    put,
)
from controller.hall.events import (
    AppointmentApproved,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentCheckedIn,
    AppointmentFulfilled,
    AppointmentHallCancelled,
    AppointmentMissed,
    AppointmentMoved,
    AppointmentRejected,
    BlockLifted,
    OfAppointment,
    OfBookings,
    SlotsClosed,
    SlotsReopened,
)
from controller.hall.values import replace


def recorded(book: Bookings, event: OfBookings) -> Bookings:
    """The appointments after the event; one about an appointment nobody knows changes nothing."""
    match event:
        case AppointmentBooked():
            return put(replace(book, next=max(book.next, event.appointment + 1)), _booked(event))
        case SlotsClosed():
            closure = Closure(event.closure, event.start, event.end, event.queues, event.reason)
            after = max(book.next_closure, event.closure + 1)
            return replace(book, closed=(*book.closed, closure), next_closure=after)
        case SlotsReopened():
            return replace(book, closed=tuple(one for one in book.closed if one.id != event.closure))
        case BlockLifted():
            missed = book.missed
            for person in event.persons:
                missed = missed.delete(person) if person in missed else missed
            return replace(book, missed=missed)
        case _:
            known = book.known.get(event.appointment)
            return book if known is None else _changed(book, known, event)


def _booked(event: AppointmentBooked) -> Appointment:
    state = AppointmentState.REQUESTED if event.is_special else AppointmentState.CONFIRMED
    return Appointment(
        id=event.appointment,
        code=event.code,
        token=event.token,
        queue=event.queue,
        day=event.day,
        start=event.start,
        end=event.end,
        persons=event.persons,
        way=event.way,
        state=state,
        booked_at=event.at,
        changed_at=event.at,
        item=event.item,
        tail=event.tail,
        wish=event.wish,
        is_special=event.is_special,
    )


def _changed(book: Bookings, known: Appointment, event: OfAppointment) -> Bookings:
    after = replace(known, changed_at=event.at)
    match event:
        case AppointmentApproved():
            agreed = replace(after, day=event.day, start=event.start, end=event.end, window=event.window)
            return put(book, replace(agreed, state=AppointmentState.CONFIRMED))
        case AppointmentRejected():
            return put(book, replace(after, state=AppointmentState.REJECTED, why=event.reason))
        case AppointmentMoved():
            moved = replace(after, day=event.day, start=event.start, end=event.end, moved=known.moved + 1)
            return put(book, moved)
        case AppointmentCancelled():
            off = replace(after, state=AppointmentState.CANCELLED, why=event.reason, counts=event.counts)
            without = put(book, off)
            return absent(without, known.persons, event.at) if event.counts else without
        case AppointmentCheckedIn():
            return put(book, replace(after, state=AppointmentState.CHECKED_IN, ticket=event.ticket))
        case AppointmentFulfilled():
            return put(book, replace(after, state=AppointmentState.FULFILLED))
        case AppointmentMissed():
            gone = put(book, replace(after, state=AppointmentState.NO_SHOW))
            return absent(gone, known.persons, event.at)
        case AppointmentHallCancelled():
            return put(book, replace(after, state=AppointmentState.HALL_CANCELLED, why=event.reason))
        case _:
            assert_never(event)
