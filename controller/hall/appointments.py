"""The rules of appointments (state machine 3, P.27): booking, moving, cancelling, coming, and staying away.

A slot comes with the command as it was worked out from sessions and roster (slots.py); what is left of it is
counted here, so that of two after the last place one gets it. The limits are rules of the hall.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TypeAlias, assert_never

from controller.hall import tickets
from controller.hall.bookings import OPEN, Appointment, AppointmentState, Slot
from controller.hall.commands import (
    ApproveAppointment,
    BookAppointment,
    CancelAppointment,
    CancelSlots,
    CheckIn,
    LiftBlock,
    MoveAppointment,
    RejectAppointment,
    ReopenSlots,
    RequestAppointment,
    TakeBack,
    TakeTicket,
)
from controller.hall.events import (
    AppointmentApproved,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentCheckedIn,
    AppointmentHallCancelled,
    AppointmentMissed,
    AppointmentMoved,
    AppointmentRejected,
    BlockLifted,
    Event,
    SlotsClosed,
    SlotsReopened,
)
from controller.hall.model import Hall, PreCheck, Slip, TicketClass
from controller.hall.refusals import refuse

MATTER_ENDED = "matter_ended"  # why the hall took it back: nobody can come for its matter on its day
NOT_OPEN = "closed"  # why the hall took it back: it was not open when somebody was to come

OnBookings: TypeAlias = (
    BookAppointment
    | RequestAppointment
    | ApproveAppointment
    | RejectAppointment
    | MoveAppointment
    | CancelAppointment
    | CheckIn
    | CancelSlots
    | TakeBack
    | ReopenSlots
    | LiftBlock
)


def decide(hall: Hall, command: OnBookings, now: datetime) -> list[Event]:
    match command:
        case BookAppointment() | RequestAppointment():
            return _book(hall, command, now)
        case ApproveAppointment():
            return _approve(hall, command, now)
        case RejectAppointment():
            return _reject(hall, command, now)
        case MoveAppointment():
            return _move(hall, command, now)
        case CancelAppointment():
            return _cancel(hall, command, now)
        case CheckIn():
            return _check_in(hall, command, now)
        case CancelSlots():
            return _cancel_slots(hall, command, now)
        case TakeBack():
            return _take_back(hall, command, now)
        case ReopenSlots():
            return _reopen(hall, command, now)
        case LiftBlock():
            return [BlockLifted(now, appointment_of(hall, command.appointment).persons)]
        case _:
            assert_never(command)


def appointment_of(hall: Hall, id: int) -> Appointment:
    known = hall.bookings.known.get(id)
    if known is None:
        raise refuse("unknown_appointment")
    return known


def blocked_until(hall: Hall, persons: tuple[str, ...], now: datetime) -> datetime | None:
    """Until when none of them may book (A8); None when they may."""
    rules, latest = hall.plan.rules, list[datetime]()
    for person in persons:
        absences = hall.bookings.missed.get(person, ())
        recent = [at for at in absences if absences[-1] - at <= rules.absences_within]
        if rules.absences_allowed <= len(recent) and now < recent[-1] + rules.blocked_for:
            latest.append(recent[-1] + rules.blocked_for)
    return max(latest, default=None)


# --- A1, A2 ----------------------------------------------------------------------------------------


def _book(hall: Hall, command: BookAppointment | RequestAppointment, now: datetime) -> list[Event]:
    book, slot = hall.bookings, command.slot
    if command.token in book.tokens:
        return []  # asked before: the appointment is there
    tickets.queue_of(hall, command.queue)
    if command.code in book.codes:
        raise refuse("code_taken")
    if not command.persons:
        raise refuse("person_needed")
    if slot.start <= now:
        raise refuse("slot_over")
    wish = command.wish.strip() if isinstance(command, RequestAppointment) else ""
    if isinstance(command, RequestAppointment):
        _check_wish(hall, command, wish, now)
    else:
        check_slot(hall, command.queue, slot, now)
        _check_persons(hall, command, now)
    return [
        AppointmentBooked(
            at=now,
            appointment=book.next,
            queue=command.queue,
            day=slot.day,
            start=slot.start,
            end=slot.end,
            code=command.code,
            token=command.token,
            persons=command.persons,
            way=command.way,
            item=command.item,
            tail=command.tail,
            wish=wish,
            is_special=isinstance(command, RequestAppointment),
        )
    ]


def check_slot(hall: Hall, queue: str, slot: Slot, now: datetime) -> None:
    """Raises Refused unless somebody may book this slot now."""
    rules = hall.plan.rules
    if slot.start <= now:
        raise refuse("slot_over")
    if slot.ahead < rules.book_from:
        raise refuse("slot_too_soon", days=rules.book_from)
    if slot.ahead > rules.book_until:
        raise refuse("slot_too_far", days=rules.book_until)
    if hall.queues[queue].slot_places == 0 or not hall.servers.get(queue):
        raise refuse("not_bookable", queue=queue)
    if hall.bookings.is_closed(queue, slot.start, slot.end):
        raise refuse("slot_closed")
    if not hall.bookings.left(queue, slot):
        raise refuse("slot_full")


def _check_persons(hall: Hall, command: BookAppointment, now: datetime) -> None:
    """P.27: so many a person, matter and day; nobody who stayed away too often."""
    _check_block(hall, command.persons, now)
    if _is_owed(hall, command):
        return
    for person in command.persons:
        same = [one for one in hall.bookings.of_person(person) if _is_same(one, command)]
        if len(same) >= hall.plan.rules.bookings_a_day:
            raise refuse("booked_already", day=command.slot.day.isoformat())


def _is_owed(hall: Hall, command: BookAppointment) -> bool:
    """Whether the hall took one back from this person, who has booked the matter no other since."""
    lost = hall.bookings.known.get(command.instead_of or 0)
    if lost is None or lost.state is not AppointmentState.HALL_CANCELLED:
        return False
    if not set(lost.persons) & set(command.persons):
        return False
    theirs = [one for person in command.persons for one in hall.bookings.of_person(person)]
    return not any(
        (one.queue, one.item) == (command.queue, command.item) and one.booked_at > lost.changed_at
        for one in theirs
    )


def _is_same(one: Appointment, command: BookAppointment) -> bool:
    return (one.queue, one.item, one.day) == (command.queue, command.item, command.slot.day)


def _check_block(hall: Hall, persons: tuple[str, ...], now: datetime) -> None:
    until = blocked_until(hall, persons, now)
    if until is not None:
        absences = hall.plan.rules.absences_allowed
        raise refuse("booking_blocked", absences=absences, day=until.date().isoformat())


def _check_wish(hall: Hall, command: RequestAppointment, wish: str, now: datetime) -> None:
    if not wish:
        raise refuse("wish_needed")
    _check_block(hall, command.persons, now)
    for person in command.persons:
        if any(one.state is AppointmentState.REQUESTED for one in hall.bookings.of_person(person)):
            raise refuse("booked_already", day=command.slot.day.isoformat())


# --- A3, A4 ----------------------------------------------------------------------------------------


def _approve(hall: Hall, command: ApproveAppointment, now: datetime) -> list[Event]:
    known, slot = _requested(hall, command.appointment), command.slot
    if slot.start <= now:
        raise refuse("slot_over")
    if slot.end <= slot.start:
        raise refuse("bad_span")
    if command.at_window is not None and command.at_window not in hall.windows:
        raise refuse("unknown_window", window=command.at_window)
    return [AppointmentApproved(now, known.id, slot.day, slot.start, slot.end, command.at_window)]


def _reject(hall: Hall, command: RejectAppointment, now: datetime) -> list[Event]:
    known = _requested(hall, command.appointment)
    if not command.reason.strip():
        raise refuse("reason_needed")
    return [AppointmentRejected(now, known.id, command.reason.strip())]


def _requested(hall: Hall, id: int) -> Appointment:
    known = appointment_of(hall, id)
    if known.state is not AppointmentState.REQUESTED:
        raise refuse("not_requested", state=known.state.value)
    return known


# --- A5, A6 ----------------------------------------------------------------------------------------


def _move(hall: Hall, command: MoveAppointment, now: datetime) -> list[Event]:
    known, slot = _confirmed(hall, command.appointment), command.slot
    if (known.start, known.end) == (slot.start, slot.end):
        return []
    before = hall.plan.rules.change_before
    if known.start - now < before:
        raise refuse("move_too_late", minutes=int(before.total_seconds() // 60))
    check_slot(hall, known.queue, slot, now)
    for person in known.persons:
        others = [one for one in hall.bookings.of_person(person) if one.id != known.id]
        same = [o for o in others if (o.queue, o.item, o.day) == (known.queue, known.item, slot.day)]
        if len(same) >= hall.plan.rules.bookings_a_day:
            raise refuse("booked_already", day=slot.day.isoformat())
    return [AppointmentMoved(now, known.id, slot.day, slot.start, slot.end)]


def _cancel(hall: Hall, command: CancelAppointment, now: datetime) -> list[Event]:
    known = appointment_of(hall, command.appointment)
    if known.state not in OPEN:
        raise refuse("not_confirmed", state=known.state.value)
    if command.is_accepted and not command.reason.strip():
        raise refuse("reason_needed")
    is_late = known.start - now < hall.plan.rules.change_before
    counts = is_late and known.state is AppointmentState.CONFIRMED and not command.is_accepted
    return [AppointmentCancelled(now, known.id, counts, command.reason.strip())]


def _confirmed(hall: Hall, id: int) -> Appointment:
    known = appointment_of(hall, id)
    if known.state is not AppointmentState.CONFIRMED:
        raise refuse("not_confirmed", state=known.state.value)
    return known


# --- A7, A8 ----------------------------------------------------------------------------------------


def _check_in(hall: Hall, command: CheckIn, now: datetime) -> list[Event]:
    """A ticket of class appointment and whose it is; nothing more when asked again."""
    known, rules = appointment_of(hall, command.appointment), hall.plan.rules
    held = hall.tickets.get(known.ticket or 0)
    if known.state is AppointmentState.CHECKED_IN and held is not None and held.slip is not Slip.VOID:
        if command.press not in (None, held.press):
            raise refuse("checked_in_already", number=held.number)
        return []
    if known.state is AppointmentState.NO_SHOW:
        raise refuse("check_in_late", start=known.start)
    if known.state is not AppointmentState.CONFIRMED and (held is None or held.slip is not Slip.VOID):
        raise refuse("not_confirmed", state=known.state.value)
    if tickets.running_day(hall).date != known.day:
        raise refuse("check_in_day", day=known.day.isoformat())
    if now < known.start - rules.check_in_before:
        raise refuse("check_in_early", opens=known.start - rules.check_in_before)
    if now > known.start + rules.check_in_after:
        raise refuse("check_in_late", start=known.start)
    asked = TakeTicket(
        known.queue,
        command.token,
        TicketClass.APPOINTMENT,
        command.press,
        slot=known.start,
        person=known.persons[0],
        item=known.item,
        precheck=PreCheck(None, known.wish) if known.wish else None,
    )
    issued = tickets.decide(hall, asked, now)
    return [*issued, AppointmentCheckedIn(now, known.id, hall.next_ticket)] if issued else []


def arriving(hall: Hall, said: str, now: datetime) -> Appointment:
    """Today's appointment of who stands at a kiosk with a code, or the last four digits of a phone number.

    Of several with these digits the one whose time it is. Raises Refused for none, or when in doubt."""
    digits = "".join(said.split())
    by_code = hall.bookings.by_code(digits)
    if by_code is not None:
        return by_code
    found = _timely(hall, now, (one for one in _of_today(hall) if one.tail == digits != ""))
    if not found:
        raise refuse("nobody_booked")
    if len(found) > 1:
        raise refuse("several_booked")
    return found[0]


def arriving_with_card(hall: Hall, person: str, now: datetime) -> Appointment:
    """Today's appointment of who laid an identity card on a reader; of several the one whose time it is.

    person: the digest. Raises Refused for none, or when in doubt."""
    found = _timely(hall, now, (one for one in _of_today(hall) if person in one.persons))
    if not found:
        raise refuse("nobody_with_card")
    if len(found) > 1:
        raise refuse("several_with_card")
    return found[0]


def _of_today(hall: Hall) -> Iterator[Appointment]:
    today = tickets.running_day(hall).date
    return (one for one in hall.bookings.known.values() if one.day == today)


def _timely(hall: Hall, now: datetime, those: Iterable[Appointment]) -> list[Appointment]:
    """Of these the ones that may be checked in now; else all that may be meant."""
    known = list(those)
    found = [one for one in known if one.state is AppointmentState.CONFIRMED] or [
        one for one in known if one.state in (AppointmentState.CHECKED_IN, AppointmentState.NO_SHOW)
    ]
    before, after = hall.plan.rules.check_in_before, hall.plan.rules.check_in_after
    return [one for one in found if one.start - before <= now <= one.start + after] or found


def overdue(hall: Hall, now: datetime) -> Iterator[Event]:
    """Who did not come in time (A8). Nobody is blamed for a hall that was not open then (A10)."""
    for start, id in hall.bookings.due:
        if now <= start + hall.plan.rules.check_in_after:
            return
        day, known = hall.day, hall.bookings.known[id]
        if day is not None and day.date == known.day and day.opened_at <= start:
            yield AppointmentMissed(now, id)
        else:
            yield AppointmentHallCancelled(now, id, NOT_OPEN)


# --- A10 -------------------------------------------------------------------------------------------


def _cancel_slots(hall: Hall, command: CancelSlots, now: datetime) -> list[Event]:
    if command.end <= command.start or command.end <= now:
        raise refuse("bad_span")
    reason = command.reason.strip()
    if not reason:
        raise refuse("reason_needed")
    for queue in command.queues:
        tickets.queue_of(hall, queue)
    closed = SlotsClosed(now, hall.bookings.next_closure, command.start, command.end, command.queues, reason)
    gone = [AppointmentHallCancelled(now, one.id, reason) for one in concerned(hall, command)]
    return [closed, *gone]


def concerned(hall: Hall, command: CancelSlots) -> list[Appointment]:
    """The appointments that closing this span takes back, soonest first."""
    found = [hall.bookings.known[id] for start, id in hall.bookings.due if start < command.end]
    return [
        one
        for one in found
        if one.end > command.start and (not command.queues or one.queue in command.queues)
    ]


def _take_back(hall: Hall, command: TakeBack, now: datetime) -> list[Event]:
    """Once each: those that are over, or taken back before, stay as they are."""
    known = (hall.bookings.known.get(id) for id in command.appointments)
    gone = [one for one in known if one is not None and one.state in OPEN]
    return [AppointmentHallCancelled(now, one.id, command.reason) for one in gone]


def _reopen(hall: Hall, command: ReopenSlots, now: datetime) -> list[Event]:
    if all(one.id != command.closure for one in hall.bookings.closed):
        raise refuse("unknown_closure")
    return [SlotsReopened(now, command.closure)]
