"""The nouns of a service hall as frozen values: its plan, its tickets, its window sessions.

Names follow the glossary (zh-en). Everything people may change about a hall is in Plan; everything
that happens during a service day is in Ticket and Session. `Hall` holds one of each and the indexes
that keep every decision independent of how many tickets wait.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from immutables import Map

from controller.hall.bookings import Bookings
from controller.hall.hindsight import Expected, Hindsight
from controller.hall.line import Line
from controller.hall.paces import Paces
from controller.hall.ratings import USUAL_REASONS
from controller.hall.sessions import DayKind, Extended
from controller.hall.sessions import Sitting as Sitting

if TYPE_CHECKING:
    from controller.hall.roster import Roster


class HallError(Exception):
    """Anything this product raises on purpose."""


class Refused(HallError):
    """The rules say no; the message is for the person who asked.

    code: stable key of the reason, used to translate it (i18n). facts: what the translation mentions.
    """

    def __init__(self, code: str, message: str, **facts: object) -> None:
        super().__init__(message)
        self.code = code
        self.facts = facts


# --- the plan: what a hall is (ORG, S2.17, S3.10, P.31) ------------------------------------------


class TicketClass(StrEnum):
    NORMAL = "normal"
    APPOINTMENT = "appointment"
    GREEN = "green"  # 绿色通道: green channel


@dataclass(frozen=True, slots=True)
class PreCheck:
    """What the front desk found before it gave the ticket (S3.21).

    note: what is missing, or what else the window should know; nothing about who the visitor is.
    """

    is_complete: bool | None = None  # None: the papers were not looked at
    note: str = ""


class WindowMode(StrEnum):  # S3.10
    DEDICATED = "dedicated"
    COMPREHENSIVE = "comprehensive"
    BULK = "bulk"
    GREEN = "green"
    ISSUE = "issue"
    CONSULT = "consult"
    UNSOLVED = "unsolved"


@dataclass(frozen=True, slots=True)
class Text:
    """One text in both languages of the hall."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Balance:
    """How a window chooses among the heads of its lines (balance.py); every number may be tuned per hall.

    A head's index is rate x (waited + head start) x (1 + impatience x (waited / patience)^2) x (10 min /
    mean of its matter)^short_first x (this clerk's pace / mean pace of the clerks on duty)^own_hand x
    (its section's share of the longest section queue per window)^pressure; the greatest goes first. The last
    three together count at least 1 for a green ticket whose queue `green_windows` or fewer serve: among many
    the better hand is soon free, among few it may be long.
    """

    green_rate: float = 9.0  # how many times faster a green ticket's claim grows than a normal one's
    green_windows: int = 4  # where at most so many serve its queue, a green ticket is not held back
    appointment_rate: float = 3.0
    head_start: timedelta = timedelta(minutes=2)  # added to every wait, so that newcomers count too
    appointment_head_start: timedelta = timedelta(minutes=4)  # before its slot, when it begins to compete
    impatience: float = 0.5  # 0: cost grows with the wait; more: with its cube, in the end
    patience: timedelta = timedelta(minutes=30)  # wait at which impatience counts in full
    class_patience: timedelta = timedelta(minutes=10)  # the same for green and appointment tickets
    short_first: float = 0.9  # 0: length of the matter does not count
    own_hand: float = 10.0  # 0: who is good at it does not count
    pressure: float = 1.0  # 0: crowded sections do not count
    section_lead: timedelta = timedelta(minutes=10)  # at most so much younger than the oldest of its section
    hall_lead: timedelta = timedelta(minutes=40)  # and than the oldest of all lines of the window
    passed_in_section: int = 2  # nobody is passed more often by later ones of his section
    passed_in_hall: int = 30  # nor by later ones of all sections his windows serve
    idle_breadth: timedelta = timedelta(minutes=5)  # a free window is kept for this per section it serves
    learn_every: timedelta = timedelta(minutes=5)  # how often new paces are taken into use
    queue_doubt: float = 0.2  # how wrong a configured mean may be: standard deviation of its logarithm
    item_doubt: float = 0.3  # how much the items of one queue differ
    clerk_doubt: float = 0.08  # how much clerks differ in pace
    section_doubt: float = 0.06  # how much a clerk differs from section to section
    service_doubt: float = 0.7  # how much services of one kind differ, until there are enough
    day_drift: float = 0.03  # how much a pace may change over night


@dataclass(frozen=True, slots=True)
class Rules:
    """Every number the state machines mark as configurable, with their defaults (state machines 1, 2)."""

    number_digits: int = 3  # at least; numbers grow past 999
    lease_from: int = 501  # where the numbers set aside for dispensers begin, out of sight of the day's own
    call_every: timedelta | None = timedelta(seconds=20)  # P.48: system repeats; None: only the clerk does
    recall_after: timedelta = timedelta(seconds=5)  # T3
    no_show_calls: int = 3  # T5
    no_show_after: timedelta = timedelta(seconds=60)  # T5, since the first call
    return_within: timedelta = timedelta(minutes=60)  # T6
    misses_allowed: int = 2  # T6: a return needs fewer misses than this
    return_behind: int = 3  # T6, P.48
    held_per_window: int = 3  # T8
    reopen_within: timedelta = timedelta(minutes=10)  # T14
    window_lost_after: timedelta = timedelta(minutes=2)  # T16
    close_grace: timedelta = timedelta(minutes=30)  # T17
    let_pass_behind: int = 3  # T18
    appointment_lead: timedelta = timedelta(minutes=30)  # dispatch rule
    green_credit: timedelta = timedelta(minutes=60)  # dispatch rule
    greens_in_a_row: int = 2  # dispatch rule
    oldest_first_after: timedelta = timedelta(minutes=90)  # dispatch rule
    strictly_oldest_after: timedelta = timedelta(minutes=150)  # before, the index decides among the overdue
    overdue_in_a_row: int = 2  # then a green or due appointment ticket, if any waits
    balance: Balance = Balance()
    book_from: int = 1  # A1, P.27: working days ahead, at least
    book_until: int = 5  # and at most
    bookings_a_day: int = 1  # of one person for one matter
    slot_length: timedelta = timedelta(minutes=30)
    booked_share: float = 0.5  # of what the windows can do that is given to bookings; the rest walks in
    change_before: timedelta = timedelta(hours=2)  # A5, A6
    check_in_before: timedelta = timedelta(minutes=30)  # A7: before the slot begins
    check_in_after: timedelta = timedelta(minutes=15)  # A7, A8: after it began
    absences_allowed: int = 3  # A8: with so many,
    absences_within: timedelta = timedelta(days=90)  # in so long,
    blocked_for: timedelta = timedelta(days=30)  # nothing can be booked for so long
    special_within: timedelta = timedelta(hours=4)  # A2: of working time, until it is decided
    near_turn: int = 3  # T2, P.28
    home_share: int = 0  # of a hundred who wait, how many may have taken theirs at home; 0: none is given out
    home_a_day: int = 2  # tickets one phone may take at home in a day
    home_unused: int = 2  # that nobody came for within 30 days, after which a phone gets none
    pause_reminder: timedelta = timedelta(minutes=15)  # W2
    long_wait: timedelta = timedelta(minutes=30)  # P.28: from here on the hall needs help
    least_saved: timedelta = timedelta(minutes=30)  # of all together in an hour; less is not worth a move
    estimate_from_last: int = 20  # finished tickets
    estimate_step: timedelta = timedelta(minutes=5)
    rating_prompt: timedelta = timedelta(seconds=30)  # G1: at the window, after the service
    rating_days: int = 5  # G3, P.10: working days after the visit
    fewest_ratings: int = 5  # S2.23: clerks see no sum of fewer
    call_back_days: int = 1  # G5, P.10
    call_attempts: int = 3  # G5
    rectify_days: int = 5  # G6, P.10
    extended_days: int = 15  # G6, P.10: the longest a complex one may take
    appeal_days: int = 3  # G8: after it was verified


@dataclass(frozen=True, slots=True)
class Department:
    """进驻部门: whose matters and people are here, and since when (S0.16)."""

    id: str
    name: Text
    since: date | None = None
    decision: str = ""  # the paper by which it came


@dataclass(frozen=True, slots=True)
class CallingDomain:
    """叫号系统: a number series of its own, with its zones (S2.17)."""

    id: str
    name: Text


@dataclass(frozen=True, slots=True)
class Zone:
    """工作区: where people wait for some windows; has its own screens and one queue of spoken sentences."""

    id: str
    name: Text


@dataclass(frozen=True, slots=True)
class Queue:
    """A line people wait in for one kind of matter (P.31)."""

    code: str  # "A"; unique in the hall
    name: Text
    domain: str  # CallingDomain.id
    prefix: str  # of its numbers; "" for bare numbers
    zone: str  # Zone.id, where its citizens wait
    mean_service: timedelta  # configured mean, until enough tickets are finished
    skill: str | None = None  # what a clerk needs (S3.10)
    daily_quota: int | None = None
    slot_places: int | None = None  # bookings a slot takes; None: by the windows that are there, 0: none
    is_bulk: bool = False
    description: Text | None = None
    department: str | None = None  # Department.id


@dataclass(frozen=True, slots=True)
class Serves:
    """That a window takes a queue, and how.

    level: lower goes first at this window (P.31). overflow: only while no window serves the queue
    without overflow and is staffed (S3.10 fallback). modes: window modes in which it holds; empty = all.
    """

    queue: str
    level: int = 0
    overflow: bool = False
    modes: frozenset[WindowMode] = frozenset()


@dataclass(frozen=True, slots=True)
class Window:
    number: int
    name: Text
    zone: str
    serves: tuple[Serves, ...]
    mode: WindowMode = WindowMode.COMPREHENSIVE  # at login
    balance: Balance | None = None  # instead of the hall's, where another way of choosing is tried
    department: str | None = None  # Department.id


@dataclass(frozen=True, slots=True)
class Clerk:
    """窗口人员 as the hall shows them. id is the person's; staff_number is on the plate (S0.25)."""

    id: str
    staff_number: str
    name: str
    skills: frozenset[str] = frozenset()
    department: str | None = None  # Department.id: the home unit (S4.24)


@dataclass(frozen=True, slots=True)
class RatingReason:
    """Something a citizen may name as the reason of a bad rating (P.12)."""

    id: str
    name: Text


@dataclass(frozen=True, slots=True)
class Plan:
    """What a hall is: everything its staff may change without a developer."""

    name: Text = Text("政务服务大厅", "Service hall")
    rules: Rules = field(default_factory=Rules)
    domains: tuple[CallingDomain, ...] = ()
    zones: tuple[Zone, ...] = ()
    queues: tuple[Queue, ...] = ()
    windows: tuple[Window, ...] = ()
    clerks: tuple[Clerk, ...] = ()
    departments: tuple[Department, ...] = ()
    rating_reasons: tuple[RatingReason, ...] = tuple(
        RatingReason(id, Text(zh, en)) for id, zh, en in USUAL_REASONS
    )
    hours: tuple[Sitting, ...] = ()  # of a usual day; (): not said
    extended: tuple[Extended, ...] = ()  # sessions beside them
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4)  # Monday is 0
    address: Text = Text("", "")  # published with the hours
    rev: int = 0


# --- tickets (state machine 1) ---------------------------------------------------------------------


class TicketState(StrEnum):
    WAITING = "waiting"
    CALLED = "called"
    SERVING = "serving"
    HELD = "held"
    NO_SHOW = "no_show"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    ABANDONED = "abandoned"
    EXPIRED = "expired"


FINAL = frozenset({TicketState.COMPLETED, TicketState.CANCELLED, TicketState.ABANDONED, TicketState.EXPIRED})


class Slip(StrEnum):
    """The paper, an attribute of the ticket and not its state (design: edge)."""

    NONE = "none"  # phone, guide
    PENDING = "pending"
    PRINTED = "printed"
    UNCERTAIN = "uncertain"
    VOID = "void"


class Outcome(StrEnum):  # T11
    CASE = "case"
    ENQUIRY = "enquiry"
    COLLECTION = "collection"
    NOTHING = "nothing"


class PauseReason(StrEnum):  # W2
    BREAK = "break"
    BACK_OFFICE = "back_office"
    FAULT = "fault"
    MEETING = "meeting"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Press:
    """The identity of a ticket taken at a device: which unit, which life of its store, which message."""

    unit: str
    epoch: str
    seq: int


@dataclass(frozen=True, slots=True)
class Leg:
    """One wait and service of a ticket in one queue; a transfer or a chain starts another."""

    queue: str
    began_at: datetime
    window: int | None = None
    target: int | None = None  # transferred to this very window
    called_at: datetime | None = None
    served_at: datetime | None = None
    ended_at: datetime | None = None
    why: str = ""
    served: timedelta = timedelta()  # of a leg that has ended


# Where a ticket stands in its line: key time of the dispatch rule, rank among equal key times, ticket id.
Place = tuple[datetime, int, int]


@dataclass(frozen=True, slots=True)
class Ticket:
    id: int  # counter of the hall, never reused
    number: str  # the label "A023": unique per calling domain and day
    domain: str
    token: str  # 128 bits of chance, handed in; opens the phone page
    klass: TicketClass
    state: TicketState
    legs: tuple[Leg, ...]  # the last one is now
    place: Place
    issued_at: datetime
    waiting_since: datetime
    press: Press | None = None
    slip: Slip = Slip.NONE
    slot: datetime | None = None  # of a checked-in appointment
    person: str | None = None  # keyed hash of who took it, if identified
    item: str | None = None
    cases: int = 1  # of a bulk ticket (S2.16)
    chain: tuple[str, ...] = ()  # queues still to visit (T15)
    window: int | None = None  # at which it is called, served or held
    calls: int = 0
    first_called_at: datetime | None = None
    last_called_at: datetime | None = None
    misses: int = 0
    missed_at: datetime | None = None
    serving_since: datetime | None = None
    served: timedelta = timedelta()  # up to the last hold or finish
    finished_at: datetime | None = None
    outcome: Outcome | None = None
    rating: int | None = None  # 1..5, once (S0.23)
    is_rating_void: bool = False  # it was rated, and an appeal was upheld (G9)
    held_why: str = ""
    near_told: bool = False  # the near-turn message goes out once (P.28)
    expected: Expected | None = None  # the wait told when it was issued, when there was one to tell
    is_reopened: bool = False  # after it was completed (T14)
    why: str = ""  # it has its class, in the words of who gave it
    precheck: PreCheck | None = None
    is_given_up: bool = False  # cancelled by its holder, who may take it up again
    taken_up: int = 0  # how often that was done

    @property
    def queue(self) -> str:
        return self.legs[-1].queue


# --- windows (state machine 2) ---------------------------------------------------------------------


class WindowState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    BUSY = "busy"
    PAUSED = "paused"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class Session:
    """A window as it is now. A window without a clerk is CLOSED."""

    window: int
    state: WindowState
    mode: WindowMode
    since: datetime | None = None
    clerk: str | None = None
    current: int | None = None  # ticket called or being served
    held: tuple[int, ...] = ()
    last_finished: int | None = None  # may be reopened (T14) and rated
    pause_reason: PauseReason | None = None
    paused_at: datetime | None = None
    pause_until: datetime | None = None
    pause_told: bool = False  # reminder given (W2)
    greens: int = 0  # green tickets called in a row
    overdue: int = 0  # tickets called in a row because they had waited too long
    lost_at: datetime | None = None
    former: WindowState | None = None  # before OFFLINE (W8)


# --- the day and the hall --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shift:
    """班次: a time at which a window is to be staffed; between two of them is a break."""

    start: datetime
    end: datetime


class MeasureKind(StrEnum):
    """What may be done about long waits (S2.37, P.28)."""

    OPEN = "open"  # a clerk at hand opens a closed window
    RESERVE = "reserve"  # a clerk who has not been at a window today is called in to open one
    TAKE = "take"  # a window takes further queues
    DELAY = "delay"  # a break begins later


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure with all it takes to carry it out, and what is expected of it in the hour after."""

    kind: MeasureKind
    window: int
    clerk: str | None = None  # who opens the window
    queues: tuple[str, ...] = ()  # that the window would help; TAKE: that it takes in addition
    delay: timedelta = timedelta()
    waiting_s: float = 0.0  # waiting of all together in the next hour if nothing is done
    saved_s: float = 0.0  # of it saved by the measure
    doubt_s: float = 0.0  # standard error of saved_s


@dataclass(frozen=True, slots=True)
class Taken:
    """A measure that was carried out."""

    at: datetime
    measure: Measure


class DayState(StrEnum):
    OPEN = "open"  # tickets are issued
    CLOSING = "closing"  # no new tickets; those waiting are still served
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class ServiceDay:
    """midnight: when it begins by the hall's clock; kinds: what it is and the days after it. Both are
    missing where nobody said them; sessions then limit nothing. is_called_off: the calendar has made it a
    free day since it was opened; no more tickets are given out."""

    date: date
    state: DayState
    opened_at: datetime
    closes_at: datetime
    midnight: datetime | None = None
    kinds: tuple[DayKind, ...] = ()
    is_called_off: bool = False

    def was_closed_at(self, at: datetime, now: datetime) -> bool:
        """Whether it was opened only after `at`; not known while the hall's clock stands before that."""
        return at < self.opened_at <= now


@dataclass(frozen=True, slots=True)
class Shut:
    """When a queue gives out no tickets. is_booked: who has booked is served then; again: when tickets are
    given out next, by the hall's clock; None: not on any day that is known."""

    start: datetime
    end: datetime
    is_booked: bool
    again: tuple[date, time] | None


@dataclass(frozen=True, slots=True)
class Lease:
    """号段: numbers set aside for one dispenser's offline use, never issued online (design: edge)."""

    id: int
    unit: str
    queue: str
    first: int
    last: int


class Front(NamedTuple):
    """The head of one class in a line, as a choice sees it. rank: of its class in TicketClass."""

    rank: int
    due: float  # since when its wait counts, in seconds since 1970: issue, or the slot
    ticket: int
    queue: str
    item: str | None
    near: int  # later tickets of its section called before it
    far: int  # the same, of every section


Pass = tuple[float, bool]  # since when the one who passed had waited; whether it was of the same section


@dataclass(frozen=True, slots=True)
class Hall:
    """A service hall at one instant. A value: readers on other threads need no lock.

    tickets: today's, and those of an earlier day still at a window. lines: who waits, per (queue,
    class), in place order; ages: the same tickets per queue in order of waiting_since. counters: last
    number given per (domain, prefix). presses and tokens: today's tickets by how they were asked for.
    finished: per queue the service times of its last finished tickets, newest last. A ticket transferred
    to one window waits in the line "@3" of that window instead of its queue's. missed: the no-shows in
    order of (missed_at, ticket). persons: active tickets per (queue, person).

    fronts: per line the head of each class, all that a choice looks at; crowds: how many wait per zone.
    passes: per (queue, class) the later tickets called past its head: since when they waited, and whether
    in the same section. paces: what services taught about queues and clerks; figures: the paces that
    choices go by since figures_at, and roster: who may call whom, worked out from them. shifts: of today
    per window, by start; a window without any stays as it is. taken: measures of today. hindsight: what
    became of the waits that were told.
    """

    id: str
    plan: Plan = field(default_factory=Plan)
    day: ServiceDay | None = None
    next_ticket: int = 1
    next_lease: int = 1
    tickets: Map[int, Ticket] = field(default_factory=Map)
    sessions: Map[int, Session] = field(default_factory=Map)
    lines: Map[tuple[str, TicketClass], Line] = field(default_factory=Map)
    ages: Map[str, Line] = field(default_factory=Map)
    counters: Map[tuple[str, str], int] = field(default_factory=Map)
    issued: Map[str, int] = field(default_factory=Map)  # per queue today, for the quota
    leases: Map[int, Lease] = field(default_factory=Map)
    presses: Map[Press, int] = field(default_factory=Map)
    numbers: Map[tuple[str, str], int] = field(default_factory=Map)  # by label() -> ticket
    tokens: Map[str, int] = field(default_factory=Map)
    finished: Map[str, tuple[timedelta, ...]] = field(default_factory=Map)
    missed: Line = field(default_factory=Line)
    shifts: Map[int, tuple[Shift, ...]] = field(default_factory=Map)
    taken: tuple[Taken, ...] = ()
    hindsight: Hindsight = field(default_factory=Hindsight)
    bookings: Bookings = field(default_factory=Bookings)
    persons: Map[tuple[str, str], int] = field(default_factory=Map)
    fronts: Map[str, tuple[Front, ...]] = field(default_factory=Map)
    crowds: Map[str, int] = field(default_factory=Map)
    passes: Map[tuple[str, TicketClass], tuple[Pass, ...]] = field(default_factory=Map)
    paces: Paces = field(default_factory=Paces)
    figures: Paces = field(default_factory=Paces)
    figures_at: datetime | None = None
    queues: Mapping[str, Queue] = field(default_factory=dict)  # of plan, by code
    windows: Mapping[int, Window] = field(default_factory=dict)  # of plan, by number
    clerks: Mapping[str, Clerk] = field(default_factory=dict)  # of plan, by id
    servers: Mapping[str, tuple[int, ...]] = field(default_factory=dict)  # windows whose plan names a queue
    shut: Mapping[str, tuple[Shut, ...]] = field(default_factory=dict)  # per queue today (duty.py)
    roster: Roster | None = field(default=None, compare=False, repr=False)


def label(domain: str, number: str) -> tuple[str, str]:
    """What Hall.numbers has a number under: the same for A-2a-001 and A-2A-001, which nobody tells apart who
    reads one out or types it."""
    return domain, number.upper()
