"""Holds a hall to what its clients were promised. Pure: evidence in, everything that is wrong out.

Each kind of wrong has a check of its own, and each check its test: an auditor that finds nothing must
be one that would have found something.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from controller.hall.events import Event
from controller.hall.model import Press, Slip
from tests.system.chaos.promises import Called, Finished, Numbered, Paper, Pressed, Promise, Voted
from tests.system.chaos.story import Story, read

P = TypeVar("P", bound=Promise)


class Kind(StrEnum):
    LOST_TICKET = "an acknowledged ticket is lost"
    DOUBLED_NUMBER = "a number was given twice"
    DOUBLED_TICKET = "one tap or press became two tickets"
    TWO_WINDOWS = "a ticket at two windows, or two at one"
    LOST_CALL = "an acknowledged call is lost"
    LOST_FINISH = "an acknowledged end of a visit is lost"
    LOST_VOTE = "a vote that was thanked for is lost"
    LOST_PRESS = "a press became neither a ticket nor a refusal"
    STRAY_PAPER = "paper nobody knows of"
    DOUBLED_PAPER = "a number came out twice"
    MISSING_PAPER = "a slip recorded as printed that nobody holds"
    UNTOLD = "a unit still has something to tell"
    REPLAY = "the log does not lead to the hall as it is"
    BOARD = "a board shows something else than the hall"


@dataclass(frozen=True, slots=True)
class Wrong:
    """One finding. fact: what was promised or seen; log: what the log says of it."""

    kind: Kind
    fact: str
    log: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.fact}; the log says: {self.log}"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known when a run is over.

    kept_votes: (number, level) of ratings the hall refused and set aside; refused_presses: those whose
    person was told no. untold: unit -> events it still holds unacked. replay: how the replayed log and
    the hall as it was differ, in sentences. shown, hall: what boards show and what they should, each as
    a text; a board of the hall that somebody lacks is missing from `shown`.
    """

    events: Sequence[Event]
    promises: Sequence[Promise]
    kept_votes: frozenset[tuple[str, int]] = frozenset()
    refused_presses: frozenset[Press] = frozenset()
    untold: Mapping[str, int] = field(default_factory=dict)
    replay: Sequence[str] = ()
    shown: Mapping[tuple[str, str], str] = field(default_factory=dict)
    hall: Mapping[tuple[str, str], str] = field(default_factory=dict)
    is_paper_complete: bool = True  # every slip that came out is among the promises


def audit(evidence: Evidence) -> list[Wrong]:
    """Everything that is wrong, in the order of the checks."""
    story = read(evidence.events)
    return [wrong for check in CHECKS for wrong in check(evidence, story)]


# --- numbers and tickets


def _doubled(evidence: Evidence, story: Story) -> Iterator[Wrong]:
    for number, tickets in story.given.items():
        if len(set(tickets)) > 1:
            yield Wrong(Kind.DOUBLED_NUMBER, number, f"tickets {tickets} have it")
    for token, times in story.tokens.items():
        if times > 1:
            yield Wrong(Kind.DOUBLED_TICKET, f"token {token}", f"{times} tickets")
    for press, tickets in story.presses.items():
        valid = [ticket for ticket in tickets if story.slips[ticket] is not Slip.VOID]
        if len(valid) > 1:  # of a void one nothing came out, and its person got another
            yield Wrong(Kind.DOUBLED_TICKET, f"{press}", f"tickets {valid}")


def _lost_tickets(evidence: Evidence, story: Story) -> Iterator[Wrong]:
    by_token = {issued.token: id for id, issued in reversed(story.issued.items())}
    answers: dict[str, set[str]] = defaultdict(set)
    for promise in _of(evidence, Numbered):
        answers[promise.key].add(promise.token)
        ticket = by_token.get(promise.token)
        if ticket is None:
            yield Wrong(Kind.LOST_TICKET, f"{promise}", f"no such token; {_says(story, promise.number)}")
        elif promise.number not in story.numbers[ticket]:
            yield Wrong(Kind.LOST_TICKET, f"{promise}", f"the token opens {story.number(ticket)}")
    for key, tokens in answers.items():
        if len(tokens) > 1:
            yield Wrong(Kind.DOUBLED_TICKET, f"tap {key}", f"tokens {sorted(tokens)}")


def _lost_presses(evidence: Evidence, story: Story) -> Iterator[Wrong]:
    for promise in _of(evidence, Pressed):
        press = Press(promise.unit, promise.epoch, promise.seq)
        if press not in story.presses and press not in evidence.refused_presses:
            yield Wrong(Kind.LOST_PRESS, f"{promise}", "nothing")


# --- paper


def _papers(evidence: Evidence, story: Story) -> Iterator[Wrong]:
    out = Counter(paper.number for paper in _of(evidence, Paper))
    for number, times in out.items():
        if times > 1:
            yield Wrong(Kind.DOUBLED_PAPER, f"{times} slips say {number}", _says(story, number))
    for paper in set(_of(evidence, Paper)):
        owners = [ticket for ticket in story.tickets(paper.number) if story.number(ticket) == paper.number]
        if not owners or (paper.token and story.issued[owners[0]].token != paper.token):
            yield Wrong(Kind.STRAY_PAPER, f"{paper}", _says(story, paper.number))
    if evidence.is_paper_complete:
        yield from _missing_papers(story, out)


def _missing_papers(story: Story, out: Counter[str]) -> Iterator[Wrong]:
    for ticket, slip in story.slips.items():
        if slip is Slip.PRINTED and not out[story.number(ticket)]:
            yield Wrong(Kind.MISSING_PAPER, story.number(ticket), "printed")


# --- windows


def _two_windows(evidence: Evidence, story: Story) -> Iterator[Wrong]:
    for clash in story.clashes:
        yield Wrong(Kind.TWO_WINDOWS, clash, "so")


def _lost_calls(evidence: Evidence, story: Story) -> Iterator[Wrong]:
    for promise in set(_of(evidence, Called)):
        if not any((ticket, promise.window) in story.seen_at for ticket in story.tickets(promise.number)):
            yield Wrong(Kind.LOST_CALL, f"{promise}", _says(story, promise.number))
    for end in set(_of(evidence, Finished)):
        if not any((ticket, end.window) in story.finished for ticket in story.tickets(end.number)):
            yield Wrong(Kind.LOST_FINISH, f"{end}", _says(story, end.number))


def _lost_votes(evidence: Evidence, story: Story) -> Iterator[Wrong]:
    for vote in set(_of(evidence, Voted)):
        levels = [level for ticket in story.tickets(vote.number) for level in story.ratings[ticket]]
        if vote.level not in levels and (vote.number, vote.level) not in evidence.kept_votes:
            yield Wrong(Kind.LOST_VOTE, f"{vote}", f"ratings {levels}; {_says(story, vote.number)}")


# --- what is there now


def _untold(evidence: Evidence, story: Story) -> Iterator[Wrong]:
    for unit, depth in evidence.untold.items():
        if depth:
            yield Wrong(Kind.UNTOLD, f"{unit} holds {depth} events", "not heard")


def _replay(evidence: Evidence, story: Story) -> Iterator[Wrong]:
    for sentence in evidence.replay:
        yield Wrong(Kind.REPLAY, sentence, "replayed from the first event")


def _boards(evidence: Evidence, story: Story) -> Iterator[Wrong]:
    for place, wanted in evidence.hall.items():
        shown = evidence.shown.get(place)
        if shown != wanted:
            yield Wrong(Kind.BOARD, f"{' '.join(place)} shows {shown!r}", f"{wanted!r}")


CHECKS: Sequence[Callable[[Evidence, Story], Iterator[Wrong]]] = (
    _doubled,
    _lost_tickets,
    _lost_presses,
    _papers,
    _two_windows,
    _lost_calls,
    _lost_votes,
    _untold,
    _replay,
    _boards,
)


def _of(evidence: Evidence, kind: type[P]) -> list[P]:
    return [promise for promise in evidence.promises if isinstance(promise, kind)]


def _says(story: Story, number: str) -> str:
    """What the log knows of a number, in one line."""
    tickets = story.tickets(number)
    if not tickets:
        return f"no ticket {number}"
    ticket = tickets[-1]
    windows = [window for one, window in sorted(story.seen_at) if one == ticket]
    issued = story.issued.get(ticket)
    return (
        f"ticket {ticket} has had {story.numbers.get(ticket)}, slip {story.slips.get(ticket)}, "
        f"press {issued.press if issued else None}, called to {windows}, rated {story.ratings[ticket]}"
    )
