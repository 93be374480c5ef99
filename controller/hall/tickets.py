"""The rules of a ticket while it is not at a window: taking, returning, cancelling, letting pass, rating."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TypeAlias, assert_never

from controller.hall.commands import (
    AcceptOffline,
    CancelTicket,
    LeaseNumbers,
    LetPass,
    PassOverNumbers,
    Rate,
    RatePast,
    RecordSlip,
    ReturnTicket,
    TakeTicket,
    TakeUpAgain,
    VoidRating,
)
from controller.hall.duty import now_shut
from controller.hall.events import (
    Event,
    NumbersLeased,
    NumbersPassedOver,
    PastRatingVoided,
    PastVisitRated,
    RatingVoided,
    SlipRecorded,
    TicketCancelled,
    TicketIssued,
    TicketLetPass,
    TicketRated,
    TicketRenumbered,
    TicketRequeued,
    TicketReturned,
    TicketTakenUpAgain,
)
from controller.hall.model import (
    FINAL,
    DayState,
    Hall,
    Lease,
    Queue,
    ServiceDay,
    Slip,
    Ticket,
    TicketClass,
    TicketState,
    WindowState,
    label,
)
from controller.hall.places import behind_next, first_place, line_of, walk
from controller.hall.ratings import LEVELS
from controller.hall.refusals import refuse
from controller.hall.values import replace

UNDO_WITHIN = timedelta(minutes=1)  # a mistaken tap is noticed by then; the page says so
NOBODY = ""  # holds the leases that are passed over
LARGEST_LEASE = 1000  # numbers; a dispenser gives out fewer in a day
SLIP_MAY_BECOME = {
    Slip.NONE: frozenset({Slip.PRINTED, Slip.UNCERTAIN}),
    Slip.PENDING: frozenset({Slip.PRINTED, Slip.UNCERTAIN, Slip.VOID}),
    Slip.UNCERTAIN: frozenset({Slip.PRINTED, Slip.VOID}),
    Slip.PRINTED: frozenset[Slip](),  # paper that is out stays out, whatever a late order reports
    Slip.VOID: frozenset[Slip](),
}

OnTicket: TypeAlias = (
    TakeTicket
    | AcceptOffline
    | LeaseNumbers
    | PassOverNumbers
    | RecordSlip
    | ReturnTicket
    | CancelTicket
    | TakeUpAgain
    | LetPass
    | Rate
    | RatePast
    | VoidRating
)


def decide(hall: Hall, command: OnTicket, now: datetime) -> list[Event]:
    match command:
        case TakeTicket():
            return _take(hall, command, now)
        case AcceptOffline():
            return _accept_offline(hall, command, now)
        case LeaseNumbers():
            return _lease(hall, command, now)
        case PassOverNumbers():
            return _pass_over(hall, command, now)
        case RecordSlip():
            return _record_slip(hall, command, now)
        case ReturnTicket():
            return _return(hall, command, now)
        case CancelTicket():
            return _cancel(hall, command, now)
        case TakeUpAgain():
            return _take_up_again(hall, command, now)
        case LetPass():
            return _let_pass(hall, command, now)
        case Rate():
            return _rate(hall, command, now)
        case RatePast():
            return _rate_past(hall, command, now)
        case VoidRating():
            return _void_rating(hall, command, now)
        case _:
            assert_never(command)


def queue_of(hall: Hall, code: str) -> Queue:
    queue = hall.queues.get(code)
    if queue is None:
        raise refuse("unknown_queue", queue=code)
    return queue


def ticket_of(hall: Hall, id: int) -> Ticket:
    ticket = hall.tickets.get(id)
    if ticket is None:
        raise refuse("unknown_ticket", ticket=id)
    return ticket


def running_day(hall: Hall) -> ServiceDay:
    """The service day while people are still served; refused once it is closed."""
    if hall.day is None or hall.day.state is DayState.CLOSED:
        raise refuse("day_closed")
    return hall.day


# --- T1 --------------------------------------------------------------------------------------------


def _take(hall: Hall, command: TakeTicket, now: datetime) -> list[Event]:
    if command.press in hall.presses or command.token in hall.tokens:
        return []  # asked before: the ticket is there
    queue = queue_of(hall, command.queue)
    _check_day(hall)
    _check_queue(hall, queue, command.klass)
    _check_request(hall, queue, command)
    asked_at = _asked_at(hall, command, now)
    if command.klass is not TicketClass.APPOINTMENT:
        _check_duty(hall, queue, asked_at)
    number, count = next_number(hall, queue)
    return [
        TicketIssued(
            at=now,
            ticket=hall.next_ticket,
            number=number,
            count=count,
            queue=queue.code,
            klass=command.klass,
            token=command.token,
            place=first_place(hall.plan.rules, command.klass, asked_at, command.slot, hall.next_ticket),
            slip=Slip.NONE if command.press is None else Slip.PENDING,
            press=command.press,
            slot=command.slot,
            person=command.person,
            item=command.item,
            cases=command.cases,
            chain=command.chain,
            issued_at=None if asked_at == now else asked_at,
            expected=command.expected,
            why=command.why,
            precheck=command.precheck,
        )
    ]


def _asked_at(hall: Hall, command: TakeTicket, now: datetime) -> datetime:
    """When the ticket was asked for. A press from before this day was opened is nobody's any more: its
    dispenser gave out a number of that day, or its citizen is gone."""
    asked_at = now if command.asked_at is None else min(command.asked_at, now)
    if running_day(hall).was_closed_at(asked_at, now):
        raise refuse("day_closed")
    return asked_at


def _check_day(hall: Hall) -> None:
    if running_day(hall).state is DayState.CLOSING:
        raise refuse("issuing_stopped", date=running_day(hall).date.isoformat())


def _check_queue(hall: Hall, queue: Queue, klass: TicketClass) -> None:
    """Raises Refused unless the queue gives out tickets; an appointment was given its place before."""
    if not hall.servers.get(queue.code):
        raise refuse("not_served", queue=queue.code)
    is_booked = klass is TicketClass.APPOINTMENT
    if (
        queue.daily_quota is not None
        and not is_booked
        and hall.issued.get(queue.code, 0) >= queue.daily_quota
    ):
        raise refuse("quota_reached", queue=queue.code, quota=queue.daily_quota)


def _check_duty(hall: Hall, queue: Queue, at: datetime) -> None:
    """Raises Refused while the session of the hour is for others (S3.17), saying when that ends."""
    shut = now_shut(hall.shut.get(queue.code, ()), at)
    if shut is None:
        return
    if shut.again is None:
        raise refuse("off_duty", queue=queue.code)
    day, time = shut.again[0].isoformat(), f"{shut.again[1]:%H:%M}"
    if hall.day is not None and shut.again[0] == hall.day.date:
        raise refuse("off_duty_until", queue=queue.code, time=time)
    raise refuse("off_duty_until_day", queue=queue.code, day=day, time=time)


def _check_request(hall: Hall, queue: Queue, command: TakeTicket) -> None:
    if command.person is not None and (queue.code, command.person) in hall.persons:
        raise refuse("already_waiting", queue=queue.code)
    if command.klass is TicketClass.APPOINTMENT and command.slot is None:
        raise refuse("slot_needed")
    if command.cases < 1:
        raise refuse("bad_cases", cases=command.cases)
    if command.cases > 1 and not queue.is_bulk:
        raise refuse("not_bulk", queue=queue.code, cases=command.cases)
    for code in command.chain:
        queue_of(hall, code)


def next_number(hall: Hall, queue: Queue) -> tuple[str, int]:
    """The next free number of the queue's series, and its count; leased and offline ones are passed over."""
    count = hall.counters.get((queue.domain, queue.prefix), 0) + 1
    while _is_taken(hall, queue, count) or _is_leased(hall, queue, count):
        count += 1
    return numbered(hall, queue, count), count


def _is_taken(hall: Hall, queue: Queue, count: int) -> bool:
    return label(queue.domain, numbered(hall, queue, count)) in hall.numbers


def _is_leased(hall: Hall, queue: Queue, count: int) -> bool:
    return count >= hall.plan.rules.lease_from and any(
        lease.first <= count <= lease.last for lease in _leases_of(hall, queue)
    )


def _leases_of(hall: Hall, queue: Queue) -> list[Lease]:
    """The leases of the queue's number series, which other queues may share."""
    series = {
        one.code for one in hall.queues.values() if (one.domain, one.prefix) == (queue.domain, queue.prefix)
    }
    return [lease for lease in hall.leases.values() if lease.queue in series]


def numbered(hall: Hall, queue: Queue, count: int) -> str:
    return f"{queue.prefix}{count:0{hall.plan.rules.number_digits}d}"


# --- numbers given out by dispensers ---------------------------------------------------------------


def _accept_offline(hall: Hall, command: AcceptOffline, now: datetime) -> list[Event]:
    known = hall.tickets.get(hall.presses.get(command.press, 0))
    if known is not None and known.slip is not Slip.VOID:
        return _renumber(hall, known, command, now)
    queue = queue_of(hall, command.queue)
    day = running_day(hall)
    if command.day is not None and command.day != day.date:
        raise refuse(
            "offline_day_over", number=command.number, day=command.day.isoformat(), date=day.date.isoformat()
        )
    taken_at = max(day.opened_at, min(command.taken_at or now, now))  # a dispenser's clock may be wrong
    return [
        TicketIssued(
            at=now,
            ticket=hall.next_ticket,
            number=_free_label(hall, queue.domain, command.number),
            count=None,
            queue=queue.code,
            klass=command.klass,
            token=command.token,
            place=first_place(hall.plan.rules, command.klass, taken_at, None, hall.next_ticket),
            slip=Slip.UNCERTAIN,  # it is being printed; the unit tells how that ended
            press=command.press,
            item=command.item,
            issued_at=taken_at,
        )
    ]


def _renumber(hall: Hall, ticket: Ticket, command: AcceptOffline, now: datetime) -> list[Event]:
    if hall.numbers.get(label(ticket.domain, command.number)) == ticket.id:
        return []
    number = _free_label(hall, ticket.domain, command.number)
    return [TicketRenumbered(now, ticket.id, number, former=ticket.number)]


def _free_label(hall: Hall, domain: str, number: str) -> str:
    """The number on the paper, or with "-2", "-3" ... behind it when somebody else holds it already."""
    free, copy = number, 1
    while label(domain, free) in hall.numbers:
        copy += 1
        free = f"{number}-{copy}"
    return free


def _lease(hall: Hall, command: LeaseNumbers, now: datetime) -> list[Event]:
    queue = queue_of(hall, command.queue)
    running_day(hall)
    if not 1 <= command.size <= LARGEST_LEASE:
        raise refuse("bad_lease", most=LARGEST_LEASE, size=command.size)
    first = _free_block(hall, queue, command.size)
    last = first + command.size - 1
    return [NumbersLeased(now, hall.next_lease, command.unit, queue.code, first, last)]


def _free_block(hall: Hall, queue: Queue, size: int) -> int:
    """Where a lease may begin: from `lease_from` on, behind every number given or leased so far."""
    given = hall.counters.get((queue.domain, queue.prefix), 0)
    leased = max((lease.last for lease in _leases_of(hall, queue)), default=0)
    first = count = max(hall.plan.rules.lease_from, given + 1, leased + 1)
    while count < first + size:
        if _is_taken(hall, queue, count):
            first = count + 1
        count += 1
    return first


def _pass_over(hall: Hall, command: PassOverNumbers, now: datetime) -> list[Event]:
    queue = queue_of(hall, command.queue)
    running_day(hall)
    given, first = hall.counters.get((queue.domain, queue.prefix), 0), _free_block(hall, queue, command.size)
    last = first + command.size - 1
    return [
        NumbersPassedOver(now, queue.code, given + command.size),
        NumbersLeased(now, hall.next_lease, NOBODY, queue.code, first, last),
    ]


def _record_slip(hall: Hall, command: RecordSlip, now: datetime) -> list[Event]:
    ticket = ticket_of(hall, command.ticket)
    if command.slip not in SLIP_MAY_BECOME[ticket.slip]:
        return []
    recorded: list[Event] = [SlipRecorded(now, ticket.id, command.slip)]
    if command.slip is Slip.VOID and ticket.state is TicketState.WAITING:
        recorded.append(_cancelled(ticket, "not printed", now))
    return recorded


# --- T6, T12, T18 and the rating -------------------------------------------------------------------


def _return(hall: Hall, command: ReturnTicket, now: datetime) -> list[Event]:
    rules, ticket = hall.plan.rules, ticket_of(hall, command.ticket)
    if ticket.state is not TicketState.NO_SHOW or ticket.missed_at is None:
        raise refuse("not_missed", number=ticket.number, state=ticket.state.value)
    if ticket.misses >= rules.misses_allowed:
        raise refuse("return_used_up", number=ticket.number, misses=ticket.misses)
    if now - ticket.missed_at > rules.return_within:
        minutes = int(rules.return_within.total_seconds() // 60)
        raise refuse("return_too_late", number=ticket.number, minutes=minutes)
    waits = _for_anybody(hall, ticket)
    place = behind_next(hall, waits, rules.return_behind) or ticket.place
    returned: list[Event] = [TicketReturned(now, ticket.id, place)]
    if waits is not ticket:
        returned.append(TicketRequeued(now, ticket.id, place))
    return returned


def _for_anybody(hall: Hall, ticket: Ticket) -> Ticket:
    """The ticket; as one of its queue, when it was meant for one window that is closed by now."""
    leg = ticket.legs[-1]
    session = None if leg.target is None else hall.sessions.get(leg.target)
    if leg.target is None or (session is not None and session.state is not WindowState.CLOSED):
        return ticket
    return replace(ticket, legs=(*ticket.legs[:-1], replace(leg, target=None)))


def _cancel(hall: Hall, command: CancelTicket, now: datetime) -> list[Event]:
    ticket = ticket_of(hall, command.ticket)
    if ticket.state not in (TicketState.WAITING, TicketState.NO_SHOW):
        raise refuse("not_cancellable", number=ticket.number, state=ticket.state.value)
    return [_cancelled(ticket, command.reason, now)]


def _cancelled(ticket: Ticket, reason: str, now: datetime) -> TicketCancelled:
    return TicketCancelled(now, ticket.id, reason, quota_back=ticket.legs[0].called_at is None)


def _take_up_again(hall: Hall, command: TakeUpAgain, now: datetime) -> list[Event]:
    """At its place; nothing when it was taken up before."""
    ticket = ticket_of(hall, command.ticket)
    if ticket.state not in FINAL:
        return []
    running_day(hall)
    if not may_take_up(hall, ticket, now):
        raise refuse("passed_by", number=ticket.number)
    counts = ticket.legs[0].called_at is None
    if counts:
        _check_queue(hall, queue_of(hall, ticket.legs[0].queue), ticket.klass)
    if ticket.person is not None and (ticket.queue, ticket.person) in hall.persons:
        raise refuse("already_waiting", queue=ticket.queue)
    again: list[Event] = [TicketTakenUpAgain(now, ticket.id, counts)]
    if _for_anybody(hall, ticket) is not ticket:
        again.append(TicketRequeued(now, ticket.id, ticket.place))
    return again


def may_take_up(hall: Hall, ticket: Ticket, now: datetime) -> bool:
    """Whether who gave it up may have it back: for a while, or while somebody who was ahead still waits."""
    gone_at = ticket.legs[-1].ended_at
    if ticket.state is not TicketState.CANCELLED or not ticket.is_given_up or gone_at is None:
        return False
    ahead = None if ticket.missed_at is not None else next(walk(hall, line_of(ticket)), None)
    return now - gone_at <= UNDO_WITHIN or (ahead is not None and ahead < ticket.place)


def _let_pass(hall: Hall, command: LetPass, now: datetime) -> list[Event]:
    ticket = ticket_of(hall, command.ticket)
    if ticket.state is not TicketState.WAITING:
        raise refuse("not_waiting", number=ticket.number, state=ticket.state.value)
    place = behind_next(hall, ticket, hall.plan.rules.let_pass_behind, after=ticket.place)
    if place is None:
        raise refuse("nobody_behind", number=ticket.number)
    return [TicketLetPass(now, ticket.id, place)]


def _rate(hall: Hall, command: Rate, now: datetime) -> list[Event]:
    ticket = ticket_of(hall, command.ticket)
    if command.level not in LEVELS:
        raise refuse("bad_rating", level=command.level)
    if is_rated(ticket):
        raise refuse("already_rated", number=ticket.number)
    if ticket.finished_at is None:
        raise refuse("not_finished", number=ticket.number, state=ticket.state.value)
    return [TicketRated(now, ticket.id, command.level, command.channel)]


def is_rated(ticket: Ticket) -> bool:
    """One visit, one rating, also when that was found void."""
    return ticket.rating is not None or ticket.is_rating_void


def _rate_past(hall: Hall, command: RatePast, now: datetime) -> list[Event]:
    """Whether it was rated before is looked up where it is stored: the hall does not know it any more."""
    if command.ticket in hall.tickets:
        return _rate(hall, Rate(command.ticket, command.level, command.channel), now)
    if command.level not in LEVELS:
        raise refuse("bad_rating", level=command.level)
    if now >= command.until:
        raise refuse("rating_too_late", number=command.number)
    return [PastVisitRated(now, command.ticket, command.level, command.channel)]


def _void_rating(hall: Hall, command: VoidRating, now: datetime) -> list[Event]:
    is_past = command.ticket not in hall.tickets
    return [(PastRatingVoided if is_past else RatingVoided)(now, command.ticket)]


def overdue_no_shows(hall: Hall, now: datetime) -> Iterator[int]:
    """No-shows whose time to return is over (T7), oldest first."""
    for missed_at, id in hall.missed:
        if now - missed_at <= hall.plan.rules.return_within:
            return
        yield id
