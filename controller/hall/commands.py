"""What somebody may ask of the hall. Imperative; may be Refused. Each names its row of the state machines.

`reason` texts are written by people and are kept; they never carry personal data of a citizen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from controller.hall.bookings import Slot, Way
from controller.hall.hindsight import Expected
from controller.hall.model import (
    Measure,
    Outcome,
    PauseReason,
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

# --- the hall and its day


@dataclass(frozen=True, slots=True)
class ChangePlan:
    plan: Plan
    note: str = ""  # why, in the words of who changes it


@dataclass(frozen=True, slots=True)
class OpenDay:
    """midnight, kinds: of the day, so that sessions beside the usual hours hold (duty.py)."""

    date: date
    closes_at: datetime
    midnight: datetime | None = None
    kinds: tuple[DayKind, ...] = ()


@dataclass(frozen=True, slots=True)
class ReckonDay:
    """The calendar says now that the day that is open, and those after it, are of these kinds."""

    date: date
    kinds: tuple[DayKind, ...]


@dataclass(frozen=True, slots=True)
class CloseDay:
    """Stop issuing now and expire whoever still waits (T17), as the manager decides after the list."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed: repeat calls, no-shows, abandonments, lost windows, reminders, closing."""


# --- tickets


@dataclass(frozen=True, slots=True)
class TakeTicket:  # T1
    queue: str
    token: str
    klass: TicketClass = TicketClass.NORMAL
    press: Press | None = None
    slot: datetime | None = None
    person: str | None = None
    item: str | None = None
    cases: int = 1
    chain: tuple[str, ...] = ()
    asked_at: datetime | None = None  # of a press that comes late; None: now
    expected: Expected | None = None  # the wait of one who joins, from the last look ahead
    why: str = ""  # the class, in the words of who gives it
    precheck: PreCheck | None = None


@dataclass(frozen=True, slots=True)
class AcceptOffline:
    """A dispenser gave out `number` by itself because no answer came in time.

    A ticket the controller had issued for the same press takes that number; its own becomes a gap.
    taken_at: None for now. day: the business date the unit went by; None when it did not know one.
    """

    press: Press
    queue: str
    number: str
    token: str
    taken_at: datetime | None
    klass: TicketClass = TicketClass.NORMAL
    day: date | None = None
    item: str | None = None


@dataclass(frozen=True, slots=True)
class LeaseNumbers:
    unit: str
    queue: str
    size: int


@dataclass(frozen=True, slots=True)
class PassOverNumbers:
    """Dispensers may have given out so many more numbers of a queue than this hall knows (F81): none of
    them is given out again, neither here nor in a lease."""

    queue: str
    size: int


@dataclass(frozen=True, slots=True)
class RecordSlip:
    """What became of the paper. VOID cancels a waiting ticket as not printed."""

    ticket: int
    slip: Slip


@dataclass(frozen=True, slots=True)
class ReturnTicket:  # T6
    ticket: int


@dataclass(frozen=True, slots=True)
class CancelTicket:  # T12
    ticket: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TakeUpAgain:
    """T12 undone: who gave up a place by mistake wants it back."""

    ticket: int


@dataclass(frozen=True, slots=True)
class LetPass:  # T18
    ticket: int


@dataclass(frozen=True, slots=True)
class Rate:
    """One rating a visit (S0.23): level 1 (very poor) to 5 (very good)."""

    ticket: int
    level: int
    channel: Channel = Channel.DEVICE


@dataclass(frozen=True, slots=True)
class RatePast:
    """The same of a visit on an earlier day (P.10), which the hall itself has forgotten.

    number: of the visit; until: when its time to be rated is over.
    """

    ticket: int
    level: int
    channel: Channel
    number: str
    until: datetime


@dataclass(frozen=True, slots=True)
class VoidRating:
    """G9: an appeal against a rating was upheld; it goes out of all scores."""

    ticket: int


# --- at a window


@dataclass(frozen=True, slots=True)
class CallNext:
    """T2. Finishes the ticket being served first, with `outcome` (P.30 finish and next)."""

    window: int
    outcome: Outcome = Outcome.ENQUIRY


@dataclass(frozen=True, slots=True)
class Recall:  # T3
    window: int


@dataclass(frozen=True, slots=True)
class Start:  # T4
    window: int


@dataclass(frozen=True, slots=True)
class NoShow:  # T5
    window: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Delay:
    """Put the visitor called back into the line (P.30 delay): behind so many people, or behind as many as are
    called within `length`; as far as somebody who lets others pass, when neither is said."""

    window: int
    behind: int | None = None
    length: timedelta | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Hold:  # T8
    window: int
    reason: str


@dataclass(frozen=True, slots=True)
class Resume:  # T9
    window: int
    ticket: int


@dataclass(frozen=True, slots=True)
class Transfer:
    """T10: exactly one of to_queue and to_window."""

    ticket: int
    reason: str
    to_queue: str | None = None
    to_window: int | None = None


@dataclass(frozen=True, slots=True)
class Finish:  # T11
    window: int
    outcome: Outcome = Outcome.ENQUIRY
    reason: str = ""


@dataclass(frozen=True, slots=True)
class JumpCall:  # T13
    window: int
    ticket: int
    reason: str


@dataclass(frozen=True, slots=True)
class Reopen:  # T14
    window: int
    ticket: int
    reason: str


# --- window sessions


@dataclass(frozen=True, slots=True)
class Login:  # W1
    window: int
    clerk: str


@dataclass(frozen=True, slots=True)
class Pause:  # W2
    window: int
    reason: PauseReason
    length: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Unpause:  # W3
    window: int


@dataclass(frozen=True, slots=True)
class ChangeMode:  # W5
    window: int
    mode: WindowMode


@dataclass(frozen=True, slots=True)
class Logout:
    """W6. hand_over_to: window that takes the held tickets, when there are any."""

    window: int
    hand_over_to: int | None = None


@dataclass(frozen=True, slots=True)
class LoseWindow:  # W7
    window: int


@dataclass(frozen=True, slots=True)
class RestoreWindow:  # W8
    window: int


@dataclass(frozen=True, slots=True)
class PlanShifts:
    """When a window is to be staffed today; instead of what was planned for it before."""

    window: int
    shifts: tuple[Shift, ...]


@dataclass(frozen=True, slots=True)
class TakeMeasure:
    """Carry out what was advised (advice.py)."""

    measure: Measure


# --- appointments (state machine 3)


@dataclass(frozen=True, slots=True)
class BookAppointment:
    """A1. persons: digests of who comes, one at least; tail: last four digits of the phone.

    instead_of: an appointment the hall took back, so that no limit of this person stands in the way.
    """

    queue: str
    slot: Slot
    code: str
    token: str
    persons: tuple[str, ...]
    way: Way
    item: str | None = None
    tail: str = ""
    instead_of: int | None = None


@dataclass(frozen=True, slots=True)
class RequestAppointment:
    """A2: outside the usual slots - urgent, at home, after hours. slot: the time that is wished for."""

    queue: str
    slot: Slot
    code: str
    token: str
    persons: tuple[str, ...]
    way: Way
    wish: str
    item: str | None = None
    tail: str = ""


@dataclass(frozen=True, slots=True)
class ApproveAppointment:  # A3
    appointment: int
    slot: Slot
    at_window: int | None = None


@dataclass(frozen=True, slots=True)
class RejectAppointment:
    """A4. reason: with another offer, in words."""

    appointment: int
    reason: str


@dataclass(frozen=True, slots=True)
class MoveAppointment:  # A5
    appointment: int
    slot: Slot


@dataclass(frozen=True, slots=True)
class CancelAppointment:
    """A6. is_accepted: staff take the reason for a late one, so that it does not count."""

    appointment: int
    reason: str = ""
    is_accepted: bool = False


@dataclass(frozen=True, slots=True)
class CheckIn:
    """A7. token: of the ticket that is to be issued."""

    appointment: int
    token: str
    press: Press | None = None


@dataclass(frozen=True, slots=True)
class CancelSlots:
    """A10: the hall takes no bookings in this span, and takes back those it has. queues: (): all."""

    start: datetime
    end: datetime
    queues: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class TakeBack:
    """A10: the hall takes these back, such as those for a matter that has ended by then."""

    appointments: tuple[int, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class ReopenSlots:
    closure: int


@dataclass(frozen=True, slots=True)
class LiftBlock:
    """Forgive the absences of who booked this (A8)."""

    appointment: int


Command = (
    ChangePlan
    | OpenDay
    | ReckonDay
    | CloseDay
    | Tick
    | TakeTicket
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
    | CallNext
    | Recall
    | Start
    | NoShow
    | Delay
    | Hold
    | Resume
    | Transfer
    | Finish
    | JumpCall
    | Reopen
    | Login
    | Pause
    | Unpause
    | ChangeMode
    | Logout
    | LoseWindow
    | RestoreWindow
    | PlanShifts
    | TakeMeasure
    | BookAppointment
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
