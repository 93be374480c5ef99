"""What a log says of every ticket and window, worked out without the hall's own bookkeeping.

A second, simpler reading of the events: the hall's `apply` may be wrong, and then its replay is wrong
in the same way. Covers one service day, in which every queue has a prefix of its own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from controller.hall import events as e
from controller.hall.events import Event
from controller.hall.model import Press, Slip

LEAVES = (
    e.TicketMissed,
    e.TicketHeld,
    e.TicketTransferred,
    e.TicketFinished,
    e.TicketCancelled,
    e.TicketRequeued,
    e.TicketAbandoned,
    e.TicketExpired,
)


@dataclass(slots=True)
class Story:
    """Everything the auditor asks of a log. at: where each ticket is; seen_at: (ticket, window), ever."""

    issued: dict[int, e.TicketIssued] = field(default_factory=dict)
    numbers: dict[int, list[str]] = field(default_factory=dict)  # of a ticket, the last one is its own
    given: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))  # number -> tickets, ever
    tokens: Counter[str] = field(default_factory=Counter)
    presses: dict[Press, list[int]] = field(default_factory=lambda: defaultdict(list))
    slips: dict[int, Slip] = field(default_factory=dict)
    at: dict[int, int] = field(default_factory=dict)
    seen_at: set[tuple[int, int]] = field(default_factory=set)
    finished: set[tuple[int, int]] = field(default_factory=set)
    ratings: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    clashes: list[str] = field(default_factory=list)  # two at one window, or one at two

    def tickets(self, number: str) -> list[int]:
        """The tickets that ever had the number."""
        return self.given.get(number, [])

    def number(self, ticket: int) -> str:
        """The one it has in the end; "" of a ticket nobody was given."""
        return self.numbers.get(ticket, [""])[-1]


def read(log: Iterable[Event]) -> Story:
    """The story that the events tell."""
    story = Story()
    for event in log:
        _note(story, event)
    return story


def _note(story: Story, event: Event) -> None:
    match event:
        case e.TicketIssued():
            _issue(story, event)
        case e.TicketRenumbered():
            story.numbers.setdefault(event.ticket, []).append(event.number)
            story.given[event.number].append(event.ticket)
        case e.SlipRecorded():
            story.slips[event.ticket] = event.slip
        case e.TicketRated():
            story.ratings[event.ticket].append(event.level)
        case e.TicketCalled() | e.TicketResumed() | e.TicketReopened():
            _enter(story, event.ticket, event.window, type(event).__name__)
        case e.ServiceStarted() | e.TicketRecalled():
            _check_there(story, event.ticket, event.window, type(event).__name__)
        case _ if isinstance(event, LEAVES):
            _leave(story, event)


def _issue(story: Story, event: e.TicketIssued) -> None:
    story.issued[event.ticket] = event
    story.numbers[event.ticket] = [event.number]
    story.given[event.number].append(event.ticket)
    story.tokens[event.token] += 1
    story.slips[event.ticket] = event.slip
    if event.press is not None:
        story.presses[event.press].append(event.ticket)


def _enter(story: Story, ticket: int, window: int, what: str) -> None:
    if ticket in story.at:
        story.clashes.append(f"{what} {story.number(ticket)} to {window} while it is at {story.at[ticket]}")
    others = [story.number(one) for one, at in story.at.items() if at == window and one != ticket]
    if others:
        story.clashes.append(f"{what} {story.number(ticket)} to {window} while {', '.join(others)} is there")
    story.at[ticket] = window
    story.seen_at.add((ticket, window))


def _check_there(story: Story, ticket: int, window: int, what: str) -> None:
    if story.at.get(ticket) != window:
        story.clashes.append(
            f"{what} {story.number(ticket)} at {window}, but it is at {story.at.get(ticket)}"
        )


def _leave(story: Story, event: object) -> None:
    ticket = int(getattr(event, "ticket"))  # noqa: B009 - every kind of LEAVES has one
    window = story.at.pop(ticket, None)
    if isinstance(event, e.TicketFinished):
        if window not in (None, event.window):
            story.clashes.append(f"finished {story.number(ticket)} at {event.window}, but it is at {window}")
        story.finished.add((ticket, event.window))
