"""Whom an event concerns: papers, sentences, faces of windows, zones and queues, messages, alarms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from controller.hall.effects import (
    AppointmentNews,
    Effect,
    LeaseGrant,
    ManagerAlarm,
    NearTurn,
    PaperTicket,
    QueueFace,
    RatingRequest,
    RatingThanks,
    SpokenCall,
    WindowFace,
    ZoneFace,
)
from controller.hall.events import (
    AppointmentApproved,
    AppointmentBooked,
    AppointmentHallCancelled,
    AppointmentMoved,
    AppointmentRejected,
    DayClosed,
    DayOpened,
    DayReckoned,
    Event,
    IssuingStopped,
    MeasureTaken,
    NumbersLeased,
    NumbersPassedOver,
    OfBookings,
    OfWindow,
    PastRatingVoided,
    PastVisitRated,
    PauseOverdue,
    PlanChanged,
    RatingVoided,
    ServiceStarted,
    SlipRecorded,
    TicketAbandoned,
    TicketCalled,
    TicketFinished,
    TicketIssued,
    TicketNear,
    TicketRated,
    TicketRecalled,
    TicketResumed,
    WindowLost,
)
from controller.hall.model import Hall, Slip, Ticket

NEWS = (
    AppointmentBooked,
    AppointmentApproved,
    AppointmentRejected,
    AppointmentMoved,
    AppointmentHallCancelled,
)


def effects(hall: Hall, event: Event) -> list[Effect]:
    """Who must be told of the event; hall is the hall after it. Each effect is there once."""
    if isinstance(event, PlanChanged | DayOpened | DayReckoned | IssuingStopped | DayClosed):
        return list(_everybody(hall))
    if isinstance(event, NumbersLeased):
        return [LeaseGrant(event.lease, event.unit)] if event.unit else []
    if isinstance(event, NumbersPassedOver | MeasureTaken | PastVisitRated | PastRatingVoided):
        return []
    if isinstance(event, OfWindow):
        return list(dict.fromkeys(_of_window(hall, event)))
    if isinstance(event, OfBookings):
        return [AppointmentNews(event.appointment)] if isinstance(event, NEWS) else []
    ticket = hall.tickets.get(event.ticket)
    return [] if ticket is None else list(dict.fromkeys(_of_ticket(hall, ticket, event)))


def _everybody(hall: Hall) -> Iterator[Effect]:
    yield from (WindowFace(window) for window in hall.windows)
    yield from (ZoneFace(zone.id) for zone in hall.plan.zones)
    yield from (QueueFace(queue) for queue in hall.queues)


def _of_window(hall: Hall, event: OfWindow) -> Iterator[Effect]:
    if isinstance(event, PauseOverdue):
        yield ManagerAlarm("pause_overdue", event.window)
        return
    if isinstance(event, WindowLost):
        yield ManagerAlarm("window_lost", event.window)
    yield from _window_faces(hall, [event.window])
    window = hall.windows.get(event.window)
    if window is not None:  # expected waits change with every window that opens or closes
        yield from (QueueFace(serves.queue) for serves in window.serves)


def _of_ticket(hall: Hall, ticket: Ticket, event: Event) -> Iterator[Effect]:
    match event:
        case TicketIssued(press=press) if press is not None and ticket.slip is Slip.PENDING:
            yield PaperTicket(ticket.id, press)
        case TicketCalled() | TicketRecalled() | TicketResumed():
            zones = dict.fromkeys(_zones(hall, ticket, event.window))
            yield from (SpokenCall(ticket.id, event.window, zone) for zone in zones)
        case TicketFinished() if ticket.rating is None:
            yield RatingRequest(event.window, ticket.id)
        case TicketNear():
            yield NearTurn(ticket.id)
        case TicketRated():
            yield from (RatingThanks(window, ticket.id) for window in _windows(ticket)[-1:])
    yield from _faces(hall, ticket, event)


def _faces(hall: Hall, ticket: Ticket, event: Event) -> Iterator[Effect]:
    """The screens that show the ticket, or showed it before the event."""
    if isinstance(event, TicketNear | TicketRated | RatingVoided | SlipRecorded | TicketAbandoned):
        return
    yield from _window_faces(hall, _windows(ticket)[-1:])
    if isinstance(event, TicketRecalled | ServiceStarted):
        return  # nobody joined or left a line
    for code in dict.fromkeys(leg.queue for leg in ticket.legs[-2:]):
        yield QueueFace(code)
        if code in hall.queues:
            yield ZoneFace(hall.queues[code].zone)


def _window_faces(hall: Hall, windows: Iterable[int]) -> Iterator[Effect]:
    for window in windows:
        yield WindowFace(window)
        if window in hall.windows:
            yield ZoneFace(hall.windows[window].zone)


def _windows(ticket: Ticket) -> list[int]:
    """The windows the ticket was at, the latest last."""
    return [leg.window for leg in ticket.legs if leg.window is not None]


def _zones(hall: Hall, ticket: Ticket, window: int) -> Iterator[str]:
    """Where a call is to be heard: at the window, and where the queue's citizens wait."""
    if window in hall.windows:
        yield hall.windows[window].zone
    if ticket.queue in hall.queues:
        yield hall.queues[ticket.queue].zone
