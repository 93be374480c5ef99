"""What each event makes of the hall. Bookkeeping: accepts every event, decides nothing.

An event about a ticket or window the hall does not know changes nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import assert_never

from controller.hall.events import (
    GIVEN_UP,
    DayClosed,
    DayOpened,
    DayReckoned,
    Event,
    IssuingStopped,
    MeasureTaken,
    NumbersLeased,
    NumbersPassedOver,
    OfBookings,
    OfHall,
    OfService,
    OfTicket,
    OfWindow,
    PastRatingVoided,
    PastVisitRated,
    PauseOverdue,
    PlanChanged,
    RatingVoided,
    ServiceStarted,
    ShiftsPlanned,
    SlipRecorded,
    TicketAbandoned,
    TicketCalled,
    TicketCancelled,
    TicketChained,
    TicketDelayed,
    TicketExpired,
    TicketFinished,
    TicketHeld,
    TicketIssued,
    TicketLetPass,
    TicketMissed,
    TicketNear,
    TicketRated,
    TicketRecalled,
    TicketRenumbered,
    TicketReopened,
    TicketRequeued,
    TicketResumed,
    TicketReturned,
    TicketTakenUpAgain,
    TicketTransferred,
    WindowClosed,
    WindowLost,
    WindowModeChanged,
    WindowOpened,
    WindowPaused,
    WindowRestored,
    WindowUnpaused,
)
from controller.hall.hindsight import learn as learn_wait
from controller.hall.model import (
    DayState,
    Hall,
    Lease,
    Leg,
    Outcome,
    Place,
    Session,
    Slip,
    Taken,
    Ticket,
    TicketClass,
    TicketState,
    WindowState,
    label,
)
from controller.hall.paces import Served, learn
from controller.hall.places import again_first
from controller.hall.plans import with_plan
from controller.hall.register import recorded
from controller.hall.roster import doubts_of
from controller.hall.service_day import in_state, opened, reckoned
from controller.hall.standing import passed_by, put, refigured, seat
from controller.hall.values import replace


def apply(hall: Hall, event: Event) -> Hall:
    """The hall after the event. Total: accepts every event."""
    if isinstance(event, OfHall):
        return _of_hall(hall, event)
    if isinstance(event, OfTicket):
        ticket = hall.tickets.get(event.ticket)
        return hall if ticket is None else _of_ticket(hall, ticket, event)
    if isinstance(event, OfBookings):
        return replace(hall, bookings=recorded(hall.bookings, event))
    session = hall.sessions.get(event.window)
    if session is None:
        return hall
    if isinstance(event, OfService):
        ticket = hall.tickets.get(event.ticket)
        return hall if ticket is None else _of_service(hall, ticket, session, event)
    return _of_window(hall, session, event)


Step = tuple[Event, Hall]  # what happens, and the hall after it


class Course:
    """What is decided so far at one instant, and the hall as it will be after it."""

    __slots__ = ("hall", "now", "steps")

    def __init__(self, hall: Hall, now: datetime) -> None:
        self.hall = hall
        self.now = now
        self.steps: list[Step] = []

    @property
    def events(self) -> list[Event]:
        return [event for event, _ in self.steps]

    def add(self, event: Event) -> None:
        self.hall = apply(self.hall, event)
        self.steps.append((event, self.hall))


# --- the hall and its day --------------------------------------------------------------------------


def _of_hall(hall: Hall, event: OfHall) -> Hall:
    match event:
        case PlanChanged():
            return with_plan(hall, event.plan)
        case DayOpened():
            return opened(hall, event)
        case DayReckoned():
            return reckoned(hall, event)
        case IssuingStopped():
            return in_state(hall, DayState.CLOSING)
        case DayClosed():
            return in_state(hall, DayState.CLOSED)
        case TicketIssued():
            return _issued(hall, event)
        case NumbersLeased():
            return _leased(hall, event)
        case NumbersPassedOver():
            return _passed_over(hall, event)
        case MeasureTaken():
            return replace(hall, taken=(*hall.taken, Taken(event.at, event.measure)))
        case PastVisitRated() | PastRatingVoided():
            return hall
        case _:
            assert_never(event)


def _issued(hall: Hall, event: TicketIssued) -> Hall:
    queue = hall.queues.get(event.queue)
    domain, prefix = ("", "") if queue is None else (queue.domain, queue.prefix)
    at = event.at if event.issued_at is None else event.issued_at
    ticket = Ticket(
        id=event.ticket,
        number=event.number,
        domain=domain,
        token=event.token,
        klass=event.klass,
        state=TicketState.WAITING,
        legs=(Leg(event.queue, at),),
        place=event.place,
        issued_at=at,
        waiting_since=at,
        press=event.press,
        slip=event.slip,
        slot=event.slot,
        person=event.person,
        item=event.item,
        cases=event.cases,
        chain=event.chain,
        expected=event.expected,
        why=event.why,
        precheck=event.precheck,
    )
    counters, presses, series = hall.counters, hall.presses, (domain, prefix)
    if event.count is not None:
        counters = counters.set(series, max(event.count, counters.get(series, 0)))
    if event.press is not None:
        presses = presses.set(event.press, event.ticket)
    return replace(
        put(hall, ticket),
        next_ticket=max(hall.next_ticket, event.ticket + 1),
        counters=counters,
        presses=presses,
        issued=hall.issued.set(event.queue, hall.issued.get(event.queue, 0) + 1),
        numbers=hall.numbers.set(label(domain, event.number), event.ticket),
        tokens=hall.tokens.set(event.token, event.ticket),
    )


def _leased(hall: Hall, event: NumbersLeased) -> Hall:
    lease = Lease(event.lease, event.unit, event.queue, event.first, event.last)
    return replace(
        hall, leases=hall.leases.set(event.lease, lease), next_lease=max(hall.next_lease, event.lease + 1)
    )


def _passed_over(hall: Hall, event: NumbersPassedOver) -> Hall:
    queue = hall.queues.get(event.queue)
    if queue is None:
        return hall
    series = queue.domain, queue.prefix
    last = max(event.last, hall.counters.get(series, 0))
    return replace(hall, counters=hall.counters.set(series, last))


# --- tickets wherever they are ---------------------------------------------------------------------


def _of_ticket(hall: Hall, ticket: Ticket, event: OfTicket) -> Hall:
    match event:
        case TicketRenumbered():
            renumbered = put(hall, replace(ticket, number=event.number, slip=Slip.UNCERTAIN))
            numbers = hall.numbers.set(label(ticket.domain, event.number), ticket.id)
            return replace(renumbered, numbers=numbers)
        case SlipRecorded():
            return put(hall, replace(ticket, slip=event.slip))
        case TicketReturned() | TicketLetPass():
            return put(hall, _waiting(ticket, event.place, event.at))
        case TicketAbandoned():
            return put(hall, _over(ticket, TicketState.ABANDONED, event.at))
        case TicketCancelled():
            return _cancelled(hall, ticket, event)
        case TicketExpired():
            return put(_leave(hall, ticket), _over(ticket, TicketState.EXPIRED, event.at))
        case TicketTakenUpAgain():
            return _taken_up(hall, ticket, event)
        case TicketDelayed():
            return put(_leave(hall, ticket), _waiting(ticket, event.place, event.at))
        case TicketNear():
            return put(hall, replace(ticket, near_told=True))
        case TicketRated():
            return put(hall, replace(ticket, rating=event.level))
        case RatingVoided():
            return put(hall, replace(ticket, rating=None, is_rating_void=True))
        case TicketRequeued():
            return _requeued(hall, ticket, event)
        case TicketTransferred():
            leg = Leg(event.queue, event.at, target=event.target, why=event.reason)
            moved = _next_leg(ticket, leg, event.at)
            return put(_leave(hall, ticket), _waiting(moved, event.place, event.at))
        case TicketChained():
            chained = replace(_next_leg(ticket, Leg(event.queue, event.at), event.at), chain=ticket.chain[1:])
            return put(hall, _waiting(chained, event.place, event.at))
        case _:
            assert_never(event)


def _waiting(ticket: Ticket, place: Place, since: datetime) -> Ticket:
    return replace(
        ticket,
        state=TicketState.WAITING,
        place=place,
        waiting_since=since,
        window=None,
        calls=0,
        first_called_at=None,
        last_called_at=None,
        missed_at=None,
        serving_since=None,
        held_why="",
    )


def _over(ticket: Ticket, state: TicketState, at: datetime) -> Ticket:
    leg = _ended(ticket, at)
    return replace(
        ticket, state=state, legs=(*ticket.legs[:-1], leg), served=leg.served, window=None, serving_since=None
    )


def _next_leg(ticket: Ticket, leg: Leg, at: datetime) -> Ticket:
    """The ticket on a new leg; what it was served so far stays with the leg that ends."""
    legs = (*ticket.legs[:-1], _ended(ticket, at), leg)
    return replace(ticket, legs=legs, served=timedelta(), is_reopened=False)


def _ended(ticket: Ticket, at: datetime) -> Leg:
    return replace(ticket.legs[-1], ended_at=at, served=_served(ticket, at))


def _served(ticket: Ticket, at: datetime) -> timedelta:
    """Service time of this leg up to `at`."""
    return ticket.served if ticket.serving_since is None else ticket.served + (at - ticket.serving_since)


def _cancelled(hall: Hall, ticket: Ticket, event: TicketCancelled) -> Hall:
    is_given_up = event.reason == GIVEN_UP
    hall = put(hall, replace(_over(ticket, TicketState.CANCELLED, event.at), is_given_up=is_given_up))
    return _counted(hall, ticket.legs[0].queue, -1) if event.quota_back else hall


def _taken_up(hall: Hall, ticket: Ticket, event: TicketTakenUpAgain) -> Hall:
    state = TicketState.WAITING if ticket.missed_at is None else TicketState.NO_SHOW
    legs = (*ticket.legs[:-1], replace(ticket.legs[-1], ended_at=None))
    again = replace(ticket, state=state, legs=legs, is_given_up=False, taken_up=ticket.taken_up + 1)
    hall = put(hall, again)
    return _counted(hall, ticket.legs[0].queue, 1) if event.quota_counts else hall


def _counted(hall: Hall, queue: str, change: int) -> Hall:
    return replace(hall, issued=hall.issued.set(queue, max(0, hall.issued.get(queue, 0) + change)))


def _requeued(hall: Hall, ticket: Ticket, event: TicketRequeued) -> Hall:
    leg = replace(ticket.legs[-1], target=None)
    back = _waiting(replace(ticket, legs=(*ticket.legs[:-1], leg)), event.place, ticket.waiting_since)
    return put(_leave(hall, ticket), back)


def _leave(hall: Hall, ticket: Ticket) -> Hall:
    """The hall with the ticket gone from the window it was called, served or held at."""
    session = None if ticket.window is None else hall.sessions.get(ticket.window)
    return hall if session is None else seat(hall, _freed(session, ticket.id))


def _freed(session: Session, ticket: int) -> Session:
    """The session without this ticket, whether it was at the desk or on hold."""
    if session.current != ticket:
        return replace(session, held=tuple(held for held in session.held if held != ticket))
    if session.state is WindowState.BUSY:
        return replace(session, current=None, state=WindowState.OPEN)
    former = WindowState.OPEN if session.former is WindowState.BUSY else session.former
    return replace(session, current=None, former=former)


# --- tickets at a window ---------------------------------------------------------------------------


def _of_service(hall: Hall, ticket: Ticket, session: Session, event: OfService) -> Hall:
    match event:
        case TicketCalled():
            return _called(hall, ticket, session, event)
        case TicketRecalled():
            return put(hall, replace(ticket, calls=ticket.calls + 1, last_called_at=event.at))
        case ServiceStarted():
            return _started(hall, ticket, session, event.at)
        case TicketMissed():
            missed = replace(
                ticket, state=TicketState.NO_SHOW, misses=ticket.misses + 1, missed_at=event.at, window=None
            )
            return put(seat(hall, _freed(session, ticket.id)), missed)
        case TicketHeld():
            return _held(hall, ticket, session, event)
        case TicketResumed():
            return _resumed(hall, ticket, session, event.at)
        case TicketFinished():
            return _finished(hall, ticket, session, event)
        case TicketReopened():
            return _reopened(hall, ticket, session, event.at)
        case _:
            assert_never(event)


def _called(hall: Hall, ticket: Ticket, session: Session, event: TicketCalled) -> Hall:
    leg = replace(ticket.legs[-1], window=session.window, called_at=event.at)
    called = replace(
        ticket,
        state=TicketState.CALLED,
        legs=(*ticket.legs[:-1], leg),
        window=session.window,
        calls=1,
        first_called_at=event.at,
        last_called_at=event.at,
    )
    greens = session.greens + 1 if ticket.klass is TicketClass.GREEN else 0
    is_overdue = event.reasons is not None and event.reasons.code == "overdue"
    overdue = session.overdue + 1 if is_overdue else 0
    hall = _compared(hall, ticket, event.at)
    hall = seat(hall, replace(session, current=ticket.id, greens=greens, overdue=overdue))
    return passed_by(put(hall, called), called, event.passed)


def _compared(hall: Hall, ticket: Ticket, at: datetime) -> Hall:
    """What the first call of a ticket that stands where it was issued teaches about estimates (K.12)."""
    told = ticket.expected
    if told is None or ticket.misses or len(ticket.legs) > 1 or ticket.place != again_first(hall, ticket):
        return hall
    since = ticket.issued_at if ticket.slot is None else max(ticket.issued_at, ticket.slot)
    waited_s = (at - since).total_seconds()
    return replace(hall, hindsight=learn_wait(hall.hindsight, told, ticket.queue, since.hour, waited_s))


def _started(hall: Hall, ticket: Ticket, session: Session, at: datetime) -> Hall:
    leg = replace(ticket.legs[-1], served_at=at)
    serving = replace(
        ticket, state=TicketState.SERVING, legs=(*ticket.legs[:-1], leg), serving_since=at, held_why=""
    )
    return put(seat(hall, _busy(session, ticket.id)), serving)


def _busy(session: Session, ticket: int) -> Session:
    return _at_work(session, WindowState.BUSY, ticket)


def _at_work(session: Session, state: WindowState, current: int | None) -> Session:
    """The session in this state with this ticket, and no pause any more."""
    return replace(
        session,
        state=state,
        current=current,
        pause_reason=None,
        paused_at=None,
        pause_until=None,
        pause_told=False,
    )


def _held(hall: Hall, ticket: Ticket, session: Session, event: TicketHeld) -> Hall:
    held = replace(
        ticket,
        state=TicketState.HELD,
        served=_served(ticket, event.at),
        serving_since=None,
        held_why=event.reason,
    )
    session = _freed(session, ticket.id)
    return put(seat(hall, replace(session, held=(*session.held, ticket.id))), held)


def _resumed(hall: Hall, ticket: Ticket, session: Session, at: datetime) -> Hall:
    hall = _leave(hall, ticket)
    session = _busy(hall.sessions[session.window], ticket.id)
    leg = replace(ticket.legs[-1], window=session.window)
    serving = replace(
        ticket,
        state=TicketState.SERVING,
        legs=(*ticket.legs[:-1], leg),
        window=session.window,
        serving_since=at,
        held_why="",
    )
    return put(seat(hall, session), serving)


def _finished(hall: Hall, ticket: Ticket, session: Session, event: TicketFinished) -> Hall:
    over = _over(ticket, TicketState.COMPLETED, event.at)
    done = replace(over, finished_at=event.at, outcome=event.outcome)
    hall = put(seat(hall, replace(_freed(session, ticket.id), last_finished=ticket.id)), done)
    last = (*hall.finished.get(ticket.queue, ()), done.served)
    finished = hall.finished.set(ticket.queue, last[-hall.plan.rules.estimate_from_last :])
    return _learned(replace(hall, finished=finished), done, session.clerk, event)


def _learned(hall: Hall, done: Ticket, clerk: str | None, event: TicketFinished) -> Hall:
    """What one finished service teaches of its matter and its clerk.

    A visit for nothing teaches nothing, and a service gone on with after its end has taught before.
    """
    queue, rules = hall.queues.get(done.queue), hall.plan.rules
    configured_s = 0.0 if queue is None else queue.mean_service.total_seconds()
    is_lesson = event.outcome is not Outcome.NOTHING and not done.is_reopened
    if queue is None or clerk is None or configured_s <= 0 or not is_lesson:
        return hall
    seconds = done.served.total_seconds() / done.cases
    served = Served(done.queue, done.item, clerk, queue.zone, seconds, configured_s)
    hall = replace(hall, paces=learn(hall.paces, doubts_of(rules), served))
    since = hall.figures_at
    if since is not None and event.at - since < rules.balance.learn_every:
        return hall
    return refigured(replace(hall, figures=hall.paces, figures_at=event.at))


def _reopened(hall: Hall, ticket: Ticket, session: Session, at: datetime) -> Hall:
    leg = replace(ticket.legs[-1], ended_at=None, served=timedelta())
    serving = replace(
        ticket,
        state=TicketState.SERVING,
        legs=(*ticket.legs[:-1], leg),
        window=session.window,
        serving_since=at,
        finished_at=None,
        outcome=None,
        is_reopened=True,
    )
    hall = put(seat(hall, replace(_busy(session, ticket.id), last_finished=None)), serving)
    times = list(hall.finished.get(ticket.queue, ()))
    if ticket.served in times:  # it will be counted again, in full, when it is finished again
        del times[len(times) - 1 - times[::-1].index(ticket.served)]
    return replace(hall, finished=hall.finished.set(ticket.queue, tuple(times)))


# --- window sessions -------------------------------------------------------------------------------


def _of_window(hall: Hall, session: Session, event: OfWindow) -> Hall:
    match event:
        case WindowOpened():
            return seat(
                hall, replace(session, state=WindowState.OPEN, since=event.at, clerk=event.clerk, greens=0)
            )
        case WindowPaused():
            return seat(hall, _paused(session, event))
        case PauseOverdue():
            return seat(hall, replace(session, pause_told=True))
        case WindowUnpaused():
            return seat(hall, _unpaused(session))
        case WindowModeChanged():
            return seat(hall, replace(session, mode=event.mode))
        case WindowClosed():
            return _closed(hall, session, event)
        case WindowLost():
            return seat(
                hall,
                replace(session, state=WindowState.OFFLINE, former=session.state, lost_at=event.at),
            )
        case WindowRestored():
            state = session.former or session.state
            return seat(hall, replace(session, state=state, former=None, lost_at=None))
        case ShiftsPlanned():
            return replace(hall, shifts=hall.shifts.set(event.window, event.shifts))
        case _:
            assert_never(event)


def _paused(session: Session, event: WindowPaused) -> Session:
    return replace(
        session,
        state=WindowState.PAUSED,
        pause_reason=event.reason,
        paused_at=event.at,
        pause_until=event.until,
        pause_told=False,
    )


def _unpaused(session: Session) -> Session:
    return _at_work(session, WindowState.OPEN, session.current)


def _closed(hall: Hall, session: Session, event: WindowClosed) -> Hall:
    closed = Session(session.window, WindowState.CLOSED, session.mode)
    other = None if event.hand_over_to is None else hall.sessions.get(event.hand_over_to)
    hall = seat(hall, closed)
    if other is None:
        return hall
    for id in session.held:
        ticket = hall.tickets.get(id)
        if ticket is not None:
            hall = put(hall, replace(ticket, window=other.window))
    return seat(hall, replace(other, held=(*other.held, *session.held)))
