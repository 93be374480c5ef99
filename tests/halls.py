"""A small hall to try rules on, and a clock that only moves when a test says so.

hall = small_hall(waiting=["A001", "A002"])      # 08:30, day open, clerks at windows 1 and 2
hall = run(hall, CallNext(1), Start(1), after(minutes=3), Finish(1))
assert queue(hall, "A") == ["A002"]
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from controller.hall import engine
from controller.hall.commands import Command, Login, OpenDay, TakeTicket
from controller.hall.effects import Effect
from controller.hall.events import Event
from controller.hall.model import (
    FINAL,
    CallingDomain,
    Clerk,
    Hall,
    Plan,
    Queue,
    Refused,
    Rules,
    Serves,
    Session,
    Text,
    Ticket,
    Window,
    Zone,
)
from controller.hall.places import walk

TODAY = date(2025, 3, 3)
OPENING = datetime(2025, 3, 3, 0, 30, tzinfo=UTC)  # 08:30 in Shanghai
CLOSING = datetime(2025, 3, 3, 9, 0, tzinfo=UTC)  # 17:00


@dataclass(frozen=True)
class after:
    """Time passes before the next command; no Tick by itself."""

    length: timedelta

    def __init__(self, length: timedelta | None = None, **parts: float) -> None:
        object.__setattr__(self, "length", length or timedelta(**parts))


@dataclass(frozen=True)
class Told:
    """A hall with its clock and all that happened to it."""

    hall: Hall
    now: datetime
    events: tuple[Event, ...] = ()
    effects: tuple[Effect, ...] = ()


def small_plan(rules: Rules | None = None, **changes: object) -> Plan:
    """Queues A and B (main), T (tax, skill "tax"), G (bulk) and windows 1-4.

    Window 1 serves A; 2 serves A, then B; 3 serves B, T and, as overflow, A; 4 serves G in bulk mode.
    """
    minutes = timedelta(minutes=6)
    plan = Plan(
        rules=rules or Rules(),
        domains=(CallingDomain("main", Text("大厅", "Main")), CallingDomain("tax", Text("税务", "Tax"))),
        zones=(Zone("east", Text("东区", "East")), Zone("west", Text("西区", "West"))),
        queues=(
            Queue("A", Text("社保", "Social security"), "main", "A", "east", minutes),
            Queue("B", Text("户籍", "Registration"), "main", "B", "east", minutes),
            Queue("T", Text("办税", "Tax"), "tax", "A", "west", minutes, skill="tax"),
            Queue("G", Text("集团业务", "Group business"), "main", "G", "west", minutes, is_bulk=True),
        ),
        windows=(
            Window(1, Text("一号", "One"), "east", (Serves("A"),)),
            Window(2, Text("二号", "Two"), "east", (Serves("A"), Serves("B", level=1))),
            Window(
                3, Text("三号", "Three"), "west", (Serves("B"), Serves("T"), Serves("A", 2, overflow=True))
            ),
            Window(4, Text("四号", "Four"), "west", (Serves("A"), Serves("G"))),
        ),
        clerks=(
            Clerk("wang", "001", "王芳"),
            Clerk("li", "002", "李强"),
            Clerk("zhao", "003", "赵敏", frozenset({"tax"})),
            Clerk("sun", "004", "孙磊", frozenset({"tax"})),
        ),
    )
    return replace(plan, **changes)  # type: ignore[arg-type]


def told(plan: Plan | None = None) -> Told:
    """A hall of that plan at opening time, before its day is opened."""
    return Told(engine.new_hall("hall", plan or small_plan()), OPENING)


def go(state: Told, *steps: Command | after) -> Told:
    """What comes of the commands, one after another; time passes only by `after`. Raises Refused."""
    for step in steps:
        if isinstance(step, after):
            state = replace(state, now=state.now + step.length)
            continue
        hall, events, effects = engine.run(state.hall, step, state.now)
        state = Told(hall, state.now, (*state.events, *events), (*state.effects, *effects))
    return state


def refusal(state: Told, command: Command) -> Refused:
    """The refusal a command meets; AssertionError when it is carried out."""
    try:
        events = engine.decide(state.hall, command, state.now)
    except Refused as refused:
        return refused
    raise AssertionError(f"{command} was not refused but decided {events}")


def small(waiting: str = "", plan: Plan | None = None, staff: str = "wang@1 li@2") -> Told:
    """An open small hall: tickets taken in the queues named ("A A B"), ten seconds apart, and clerks."""
    state = go(told(plan), OpenDay(TODAY, CLOSING))
    for login in staff.split():
        clerk, window = login.split("@")
        state = go(state, Login(int(window), clerk))
    for code in waiting.split():
        state = go(state, take(state, code), after(seconds=10))
    return state


def small_hall(waiting: str = "", plan: Plan | None = None, staff: str = "wang@1 li@2") -> Hall:
    return small(waiting, plan, staff).hall


def run(hall: Hall, *commands: Command, now: datetime = OPENING + timedelta(hours=1)) -> Hall:
    """The hall after the commands, all given at `now`. Raises Refused."""
    for command in commands:
        hall, _, _ = engine.run(hall, command, now)
    return hall


def take(state: Told | Hall, queue: str, **more: object) -> TakeTicket:
    hall = state.hall if isinstance(state, Told) else state
    return TakeTicket(queue, token=f"token-{hall.next_ticket}", **more)  # type: ignore[arg-type]


def queue(state: Told | Hall, line: str) -> list[str]:
    """The numbers that wait in a queue (or in a window's line, "@3"), in order."""
    hall = state.hall if isinstance(state, Told) else state
    return [hall.tickets[place[2]].number for place in walk(hall, line)]


def ticket(state: Told | Hall, number: str, domain: str = "main") -> Ticket:
    """Today's ticket of that number, whatever became of it."""
    hall = state.hall if isinstance(state, Told) else state
    return hall.tickets[hall.numbers[domain, number]]


def id_of(state: Told | Hall, number: str, domain: str = "main") -> int:
    return ticket(state, number, domain).id


def active(state: Told | Hall) -> list[Ticket]:
    hall = state.hall if isinstance(state, Told) else state
    return [hall.tickets[id] for id in sorted(hall.tickets) if hall.tickets[id].state not in FINAL]


def session(state: Told | Hall, window: int) -> Session:
    hall = state.hall if isinstance(state, Told) else state
    return hall.sessions[window]
