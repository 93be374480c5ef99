"""Why a ticket is called, in words: a line for the clerk, a table for who asks on, sentences for a citizen.

The numbers are those the choice was made of (hall/reasons.py); nothing is worked out anew. Hides how the
factors of two candidates are compared, so that a page only draws rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from controller import i18n
from controller.hall import reasons
from controller.hall.balance import candidates, next_ticket
from controller.hall.model import Hall, Ticket
from controller.hall.weighing import MOST_WEIGHED, Reasons, Weighed

Number = Callable[[int], str]  # of a ticket by its id, as it stands on the slip


@dataclass(frozen=True, slots=True)
class Row:
    """One candidate. against: why it did not come first, as against.<code>; "" of the one that did.

    share: its index as a share of the first one's. The terms are as they are shown; none where no index
    was made for it.
    """

    ticket: int
    number: str
    waited: int
    against: str = ""
    share: float | None = None
    terms: tuple[str, ...] = ()
    passed: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Explained:
    """A call in full. line: one sentence. before: tickets that stood before it in its queue."""

    line: str
    before: int
    windows: int
    staffed: int
    rows: tuple[Row, ...]


TERMS = ("rate", "minutes", "late", "length", "advantage", "pressure")  # of Row.terms, as term.<code>


def explained(why: Reasons, lang: str, number: Number) -> Explained:
    """The reasons kept with a call."""
    code, facts = reasons.for_clerk(why)
    line = i18n.t(lang, f"why.{code}", **facts)
    return Explained(line, why.before, why.windows, why.staffed, tuple(_rows(why.candidates, number)))


def next_explained(hall: Hall, window: int, now: datetime, lang: str) -> Explained | None:
    """Why the next ticket of a window is this one and no other; None when nobody waits for it."""
    choice = next_ticket(hall, window, now)
    if choice is None:
        return None
    why = explained(reasons.of_choice(hall, choice, now), lang, lambda id: hall.tickets[id].number)
    known = {row.ticket for row in why.rows}
    heads = islice((one for one in candidates(hall, window, now) if one.id not in known), MOST_WEIGHED)
    others = (_unweighed(one, hall.tickets[choice.ticket], now) for one in heads)
    rows = (*why.rows, *others)[:MOST_WEIGHED]
    return Explained(why.line, why.before, why.windows, why.staffed, rows)


def for_citizen(hall: Hall, ticket: Ticket, lang: str) -> list[str]:
    """What somebody who waits may know beside how many stand before him, as sentences."""
    told = reasons.for_citizen(hall, ticket.id)
    return [i18n.t(lang, f"plainly.{code}", **facts) for code, facts in told if code != "before"]


def _rows(candidates: tuple[Weighed, ...], number: Number) -> Iterator[Row]:
    first = candidates[0] if candidates else None
    for one in candidates:
        terms = (one.rate, one.claim_s / 60, one.cost, one.length, one.advantage, one.pressure)
        yield Row(
            one.ticket,
            number(one.ticket),
            _minutes(one.waited_s),
            "" if first is None or one is first else _against(first, one),
            None if first is None or not first.score else one.score / first.score,
            tuple(f"{term:.2f}" for term in terms),
            (one.near, one.far),
        )


def _unweighed(ticket: Ticket, first: Ticket, now: datetime) -> Row:
    waited_s = (now - ticket.waiting_since).total_seconds()
    is_younger = ticket.waiting_since > first.waiting_since
    against = "" if ticket is first else "waited" if is_younger else "rule"
    return Row(ticket.id, ticket.number, _minutes(waited_s), against)


def _against(first: Weighed, other: Weighed) -> str:
    """What most put the first one ahead of the other."""
    ahead = {
        "waited": (first.claim_s * first.cost) / (other.claim_s * other.cost),
        "class": first.rate / other.rate,
        "longer": first.length / other.length,
        "slower": first.advantage / other.advantage,
        "quieter": first.pressure / other.pressure,
    }
    most = max(ahead, key=lambda code: ahead[code])
    return most if ahead[most] > 1.0 else "rule"


def _minutes(seconds: float) -> int:
    return max(0, int(seconds // 60))
