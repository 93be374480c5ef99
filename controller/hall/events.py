"""What has happened. Past tense; stored for ever, replayed by `apply`, never refused.

Every event carries its own `at`, so that a replay needs no clock, and every number the rules worked
out, so that a replay needs no rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeAlias

from controller.hall.bookings import Way
from controller.hall.hindsight import Expected
from controller.hall.model import (
    Measure,
    Outcome,
    PauseReason,
    Place,
    Plan,
    PreCheck,
    Press,
    Shift,
    Slip,
    TicketClass,
    WindowMode,
)
from controller.hall.ratings import Channel
from controller.hall.sessions import DayKind
from controller.hall.weighing import Reasons

# --- the hall and its day


@dataclass(frozen=True, slots=True)
class PlanChanged:
    at: datetime
    plan: Plan
    note: str = ""


@dataclass(frozen=True, slots=True)
class DayOpened:
    """Counters restart; finished tickets of earlier days are forgotten by the live hall."""

    at: datetime
    date: date
    closes_at: datetime
    midnight: datetime | None = None  # by the hall's clock
    kinds: tuple[DayKind, ...] = ()  # of the day and those after it


@dataclass(frozen=True, slots=True)
class DayReckoned:
    """The calendar was changed while the day was open. kinds: of the day and those after it."""

    at: datetime
    kinds: tuple[DayKind, ...]
    closes_at: datetime
    is_called_off: bool = False


@dataclass(frozen=True, slots=True)
class IssuingStopped:
    at: datetime


@dataclass(frozen=True, slots=True)
class DayClosed:
    at: datetime


# --- tickets


@dataclass(frozen=True, slots=True)
class TicketIssued:
    at: datetime
    ticket: int
    number: str
    count: int | None  # the counter's value when the number came from it; None for an offline number
    queue: str
    klass: TicketClass
    token: str
    place: Place
    slip: Slip
    press: Press | None = None
    slot: datetime | None = None
    person: str | None = None
    item: str | None = None
    cases: int = 1
    chain: tuple[str, ...] = ()
    issued_at: datetime | None = None  # when it differs from `at`: taken offline
    expected: Expected | None = None  # the wait that is told; None when no window is to be open
    why: str = ""  # it has its class
    precheck: PreCheck | None = None


@dataclass(frozen=True, slots=True)
class TicketRenumbered:
    """The paper in the citizen's hand says `number`; `former` is a visible gap, never given again."""

    at: datetime
    ticket: int
    number: str
    former: str


@dataclass(frozen=True, slots=True)
class NumbersLeased:
    at: datetime
    lease: int
    unit: str
    queue: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class NumbersPassedOver:
    """The numbers up to `last` of the queue's series are a visible gap: papers may bear them."""

    at: datetime
    queue: str
    last: int


@dataclass(frozen=True, slots=True)
class SlipRecorded:
    at: datetime
    ticket: int
    slip: Slip


@dataclass(frozen=True, slots=True)
class TicketCalled:
    """First call of a leg or return, by rule or as a jump (T2, T13).

    passed: lines (queue, class) whose head had waited longer and was passed by, unless by a better level or
    a higher class. reasons: why it was this ticket; None in a log older than they are.
    """

    at: datetime
    ticket: int
    window: int
    jump: bool = False
    reason: str = ""
    passed: tuple[tuple[str, TicketClass], ...] = ()
    reasons: Reasons | None = None


@dataclass(frozen=True, slots=True)
class TicketRecalled:  # T3
    at: datetime
    ticket: int
    window: int


@dataclass(frozen=True, slots=True)
class ServiceStarted:  # T4
    at: datetime
    ticket: int
    window: int


@dataclass(frozen=True, slots=True)
class TicketMissed:  # T5
    at: datetime
    ticket: int
    window: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TicketReturned:  # T6
    at: datetime
    ticket: int
    place: Place


@dataclass(frozen=True, slots=True)
class TicketAbandoned:  # T7
    at: datetime
    ticket: int


@dataclass(frozen=True, slots=True)
class TicketHeld:  # T8
    at: datetime
    ticket: int
    window: int
    reason: str


@dataclass(frozen=True, slots=True)
class TicketResumed:  # T9
    at: datetime
    ticket: int
    window: int


@dataclass(frozen=True, slots=True)
class TicketTransferred:  # T10
    at: datetime
    ticket: int
    queue: str
    place: Place
    reason: str
    target: int | None = None  # this very window


@dataclass(frozen=True, slots=True)
class TicketFinished:  # T11
    at: datetime
    ticket: int
    window: int
    outcome: Outcome
    reason: str = ""


GIVEN_UP = "citizen"  # the reason of a cancellation by who holds the ticket


@dataclass(frozen=True, slots=True)
class TicketCancelled:  # T12
    at: datetime
    ticket: int
    reason: str
    quota_back: bool


@dataclass(frozen=True, slots=True)
class TicketTakenUpAgain:
    """T12 undone: it stands again where it stood. quota_counts: it was given back, and is used again."""

    at: datetime
    ticket: int
    quota_counts: bool = False


@dataclass(frozen=True, slots=True)
class TicketReopened:  # T14
    at: datetime
    ticket: int
    window: int
    reason: str


@dataclass(frozen=True, slots=True)
class TicketChained:  # T15
    at: datetime
    ticket: int
    queue: str
    place: Place


@dataclass(frozen=True, slots=True)
class TicketRequeued:
    """T16: its window was lost before service began; back to the head of its queue."""

    at: datetime
    ticket: int
    place: Place


@dataclass(frozen=True, slots=True)
class TicketExpired:  # T17
    at: datetime
    ticket: int


@dataclass(frozen=True, slots=True)
class TicketLetPass:  # T18
    at: datetime
    ticket: int
    place: Place


@dataclass(frozen=True, slots=True)
class TicketDelayed:
    """Called, and put back into the line by its window (P.30 delay)."""

    at: datetime
    ticket: int
    window: int
    place: Place
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TicketNear:
    """Its turn is near: told once (P.28)."""

    at: datetime
    ticket: int


@dataclass(frozen=True, slots=True)
class TicketRated:
    at: datetime
    ticket: int
    level: int
    channel: Channel = Channel.DEVICE


@dataclass(frozen=True, slots=True)
class RatingVoided:  # G9
    at: datetime
    ticket: int


@dataclass(frozen=True, slots=True)
class PastVisitRated:
    """A visit of an earlier day was rated, which the hall has forgotten (P.10)."""

    at: datetime
    ticket: int
    level: int
    channel: Channel


@dataclass(frozen=True, slots=True)
class PastRatingVoided:  # G9, likewise
    at: datetime
    ticket: int


# --- window sessions


@dataclass(frozen=True, slots=True)
class WindowOpened:  # W1
    at: datetime
    window: int
    clerk: str


@dataclass(frozen=True, slots=True)
class WindowPaused:  # W2
    at: datetime
    window: int
    reason: PauseReason
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class PauseOverdue:  # W2: event after 15 min
    at: datetime
    window: int
    length: timedelta


@dataclass(frozen=True, slots=True)
class WindowUnpaused:  # W3
    at: datetime
    window: int


@dataclass(frozen=True, slots=True)
class WindowModeChanged:  # W5
    at: datetime
    window: int
    mode: WindowMode


@dataclass(frozen=True, slots=True)
class WindowClosed:
    """W6. held: tickets handed to window `hand_over_to`."""

    at: datetime
    window: int
    hand_over_to: int | None = None


@dataclass(frozen=True, slots=True)
class WindowLost:  # W7
    at: datetime
    window: int


@dataclass(frozen=True, slots=True)
class WindowRestored:  # W8
    at: datetime
    window: int


@dataclass(frozen=True, slots=True)
class ShiftsPlanned:
    at: datetime
    window: int
    shifts: tuple[Shift, ...]


@dataclass(frozen=True, slots=True)
class MeasureTaken:
    """Something advised was carried out; what follows from it stands in the events beside this one."""

    at: datetime
    measure: Measure


# --- appointments (state machine 3)


@dataclass(frozen=True, slots=True)
class AppointmentBooked:
    """A1; A2 where it is special: then the time is what was asked for and nobody has agreed yet."""

    at: datetime
    appointment: int
    queue: str
    day: date
    start: datetime
    end: datetime
    code: str
    token: str
    persons: tuple[str, ...]
    way: Way
    item: str | None = None
    tail: str = ""
    wish: str = ""
    is_special: bool = False


@dataclass(frozen=True, slots=True)
class AppointmentApproved:  # A3
    at: datetime
    appointment: int
    day: date
    start: datetime
    end: datetime
    window: int | None = None


@dataclass(frozen=True, slots=True)
class AppointmentRejected:  # A4
    at: datetime
    appointment: int
    reason: str


@dataclass(frozen=True, slots=True)
class AppointmentMoved:  # A5
    at: datetime
    appointment: int
    day: date
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class AppointmentCancelled:
    """A6. counts: too late and without a reason that was accepted, so it is an absence."""

    at: datetime
    appointment: int
    counts: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AppointmentCheckedIn:
    """A7; its ticket was issued just before."""

    at: datetime
    appointment: int
    ticket: int


@dataclass(frozen=True, slots=True)
class AppointmentMissed:  # A8
    at: datetime
    appointment: int


@dataclass(frozen=True, slots=True)
class AppointmentFulfilled:  # A9
    at: datetime
    appointment: int


@dataclass(frozen=True, slots=True)
class AppointmentHallCancelled:  # A10
    at: datetime
    appointment: int
    reason: str


@dataclass(frozen=True, slots=True)
class SlotsClosed:
    """No bookings in this span. queues: (): all of them."""

    at: datetime
    closure: int
    start: datetime
    end: datetime
    queues: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class SlotsReopened:
    at: datetime
    closure: int


@dataclass(frozen=True, slots=True)
class BlockLifted:
    """The absences of these persons are forgiven (A8)."""

    at: datetime
    persons: tuple[str, ...]


OfAppointment: TypeAlias = (
    AppointmentApproved
    | AppointmentRejected
    | AppointmentMoved
    | AppointmentCancelled
    | AppointmentCheckedIn
    | AppointmentMissed
    | AppointmentFulfilled
    | AppointmentHallCancelled
)
OfBookings: TypeAlias = AppointmentBooked | SlotsClosed | SlotsReopened | BlockLifted | OfAppointment
OfHall: TypeAlias = (
    PlanChanged
    | DayOpened
    | DayReckoned
    | IssuingStopped
    | DayClosed
    | TicketIssued
    | NumbersLeased
    | NumbersPassedOver
    | MeasureTaken
    | PastVisitRated
    | PastRatingVoided
)
OfTicket: TypeAlias = (
    TicketRenumbered
    | SlipRecorded
    | TicketReturned
    | TicketAbandoned
    | TicketCancelled
    | TicketTakenUpAgain
    | TicketChained
    | TicketExpired
    | TicketLetPass
    | TicketDelayed
    | TicketNear
    | TicketRated
    | RatingVoided
    | TicketRequeued
    | TicketTransferred
)
OfService: TypeAlias = (
    TicketCalled
    | TicketRecalled
    | ServiceStarted
    | TicketMissed
    | TicketHeld
    | TicketResumed
    | TicketFinished
    | TicketReopened
)
OfWindow: TypeAlias = (
    WindowOpened
    | WindowPaused
    | PauseOverdue
    | WindowUnpaused
    | WindowModeChanged
    | WindowClosed
    | WindowLost
    | WindowRestored
    | ShiftsPlanned
)

Event: TypeAlias = OfHall | OfTicket | OfService | OfWindow | OfBookings
