"""Which waiting ticket a window calls next, and why; and which free window takes a new ticket.

Pure. Only the heads of lines are looked at, never all who wait. In this order:

1. Whoever has waited longer than `oldest_first_after` goes first. Among several of them 2 to 4 decide, until
   one has waited longer than `strictly_oldest_after`: then the longest wait of all does. After
   `overdue_in_a_row` of them a green or due appointment ticket has its turn in between.
2. Nobody who has been passed by as often as allowed (Balance.passed_in_section, passed_in_hall) is passed
   again by a later ticket. Passing is counted exactly, over all windows that may call him, for every ticket
   that waits. It does not count when a higher class or a better level of this window goes before.
3. After `greens_in_a_row` green tickets another one is taken, at a green window always a green one; then the
   lowest level at this window (P.31); appointments whose time has not come only when nobody else waits.
4. Among the rest, none much younger than the oldest of its section and of all, the greatest index (Balance).

1 and 2 bound everybody's wait whatever the mix: once overdue, only those overdue longer, and a fixed share
of higher classes, go before. No window is kept idle for an appointment that will be due: checked in, it
competes from `appointment_head_start` before its slot and is called early rather than late. Sources: index
rules for convex costs, Mandelbaum & Stolyar, Operations Research 52(6), 2004; accumulating priority,
Stanford, Taylor & Ziedins, Queueing Systems 77, 2014.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, TypeAlias

from controller.hall.model import (
    Balance,
    Front,
    Hall,
    Session,
    Ticket,
    TicketClass,
    WindowMode,
    WindowState,
)
from controller.hall.places import due
from controller.hall.roster import Post, Roster, lines_of, roster_of

__all__ = [
    "Choice",
    "candidates",
    "lines_of",
    "next_ticket",
    "passed",
    "rank_idle",
    "scored",
    "serving_windows",
]

CLASSES = tuple(TicketClass)
NORMAL, APPOINTMENT, GREEN = range(len(CLASSES))  # ranks of CLASSES
NEVER = math.inf
LEAST_CLAIM_S = 1e-3  # of one whose time has not come, when nobody else waits
LEAST_SHARE = 0.05  # added to a section's share of pressure, so that a nearly empty one still counts


Head: TypeAlias = tuple[Front, Post]  # the head of one class in one of the window's lines


class Terms(NamedTuple):
    """The factors of an index, as Weighed keeps them."""

    rate: float
    claim_s: float
    cost: float
    length: float
    advantage: float
    pressure: float


class Scored(NamedTuple):
    """A head with its index; in order, ties go to the longer wait, then to the lower ticket."""

    score: float
    wait_s: float
    lowness: int  # minus the ticket's id
    head: Head
    terms: Terms


@dataclass(frozen=True, slots=True)
class Choice:
    """A ticket and why it goes first: a code and its facts, its number and level at the window among them.

    why: overdue; passed (often enough); transfer (to this very window); green; appointment; turn (the one
    who has waited longest); skilled, crowded or short, by what put it before that one.
    """

    ticket: int
    why: str
    facts: Mapping[str, str | int | float]
    window: int
    pool: Sequence[Head] = field(repr=False, default=())  # those the index decided among


def next_ticket(hall: Hall, window: int, now: datetime) -> Choice | None:
    """The ticket this window would call at `now`; None when nobody waits for it."""
    session = hall.sessions.get(window)
    if session is None or session.clerk is None:
        return None
    roster, at = roster_of(hall), now.timestamp()
    heads = _heads(hall, roster, window)
    if not heads:
        return None
    longest = at - min([front[1] for front, _ in heads])
    if longest > hall.plan.rules.oldest_first_after.total_seconds():
        between = _between(hall, roster, session, heads, at)
        if not between:
            return _overdue(hall, roster, session, heads, at)
        heads = between
    pool = _pool(hall, roster, session, heads, at)
    best = _best(hall, roster, window, pool, at)
    return _choice(hall, window, best, _why(hall, roster, window, best, pool, at), pool)


def scored(hall: Hall, choice: Choice, now: datetime) -> list[Scored]:
    """Those the index decided among, with all its terms, in no order."""
    return _scored(hall, roster_of(hall), choice.window, choice.pool, choice.pool, now.timestamp())


def candidates(hall: Hall, window: int, now: datetime) -> list[Ticket]:
    """The heads of all lines this window may call from, the likeliest first; the first is its next ticket."""
    choice = next_ticket(hall, window, now)
    if choice is None:
        return []
    pool = scored(hall, choice, now) if choice.pool else []
    order = [choice.ticket, *(-one.lowness for one in sorted(pool, reverse=True))]
    rest = sorted(_heads(hall, roster_of(hall), window), key=lambda head: (head[1].level, *_age(head)))
    order += [front.ticket for front, _ in rest]
    return [hall.tickets[id] for id in dict.fromkeys(order)]


def serving_windows(hall: Hall, queue: str) -> list[int]:
    """The windows that call from this queue now: staffed, in a mode and with a clerk that fit it."""
    return list(roster_of(hall).serving(queue))


def rank_idle(hall: Hall, queue: str) -> list[int]:
    """The free windows that serve a queue, the one that should take its next ticket first.

    The fastest first; but a window that serves many sections is kept for those, as long as one that serves
    few is hardly slower (Balance.idle_breadth).
    """
    roster = roster_of(hall)
    known = hall.queues.get(queue)
    if known is None:
        return []
    breadth, mean_s = hall.plan.rules.balance.idle_breadth.total_seconds(), roster.mean_s(queue)

    def cost(window: int) -> tuple[float, int]:
        takes_s = mean_s * math.exp(-roster.log_pace(window, known.zone))
        return takes_s + breadth * roster.sections(window), window

    free = (number for number in roster.serving(queue) if is_free(hall.sessions[number]))
    return sorted(free, key=cost)


def is_free(session: Session) -> bool:
    """Whether the window is staffed and has nobody called or served there."""
    return session.state is WindowState.OPEN and session.current is None


def passed(hall: Hall, window: int, ticket: Ticket) -> tuple[tuple[str, TicketClass], ...]:
    """The lines whose head the window might call and passes by when it calls this ticket, a later one.

    Nobody counts as passed by a higher class, or by a better level at this window.
    """
    heads = _heads(hall, roster_of(hall), window)
    level = min((post.level for front, post in heads if front.ticket == ticket.id), default=None)
    since = due(hall.plan.rules, ticket.klass, ticket.place)
    ranks = range(len(CLASSES)) if ticket.klass is TicketClass.NORMAL else [CLASSES.index(ticket.klass)]
    return tuple(
        (post.line, CLASSES[front.rank])
        for front, post in heads
        if front.due < since and front.rank in ranks and (level is None or post.level <= level)
    )


# --- who may be called -----------------------------------------------------------------------------
# These run over all heads of a window at every call: fields are unpacked or taken by their place.


def _heads(hall: Hall, roster: Roster, window: int) -> list[Head]:
    fronts = hall.fronts.get
    return [(front, post) for post in roster.posts(window) for front in fronts(post[0], ())]


def _age(head: Head) -> tuple[float, int]:
    return head[0].due, head[0].ticket


def _between(hall: Hall, roster: Roster, session: Session, heads: list[Head], at: float) -> list[Head]:
    """Higher classes that have their turn although somebody is overdue; none while it is the overdue's."""
    if session.overdue < hall.plan.rules.overdue_in_a_row:
        return []
    allowed = _allowed(roster.balance(session.window), heads)
    return [head for head in allowed if head[0].rank != NORMAL and head[0].due <= at]


def _overdue(hall: Hall, roster: Roster, session: Session, heads: list[Head], at: float) -> Choice:
    """The best of those who have waited too long; the oldest once it has waited far too long."""
    rules, window, best = hall.plan.rules, session.window, min(heads, key=_age)
    late = [head for head in heads if at - head[0].due > rules.oldest_first_after.total_seconds()]
    pool: Sequence[Head] = ()
    if len(late) > 1 and at - best[0].due <= rules.strictly_oldest_after.total_seconds():
        pool = _pool(hall, roster, session, late, at)
        best = _best(hall, roster, window, pool, at)
    minutes = int((at - best[0].due) // 60)
    return _choice(hall, window, best, "overdue", pool, minutes=minutes)


def _allowed(balance: Balance, heads: list[Head]) -> list[Head]:
    """The heads that pass by nobody who was passed by often enough. The oldest is always among them."""
    near, far = balance.passed_in_section, balance.passed_in_hall
    full = [head for head in heads if head[0][5] >= near or head[0][6] >= far]
    if not full:
        return heads
    return [head for head in heads if not any(_wrongs(head, other, far) for other in full)]


def _wrongs(head: Head, full: Head, far: int) -> bool:
    """Whether calling the head would pass by one who was passed by often enough, in its section or in all."""
    (front, post), (other, place) = head, full
    return (
        other.due < front.due
        and place.level <= post.level
        and front.rank in (NORMAL, other.rank)
        and (other.far >= far or _may_share_section(post, place))
    )


def _may_share_section(one: Post, other: Post) -> bool:
    """Whether two lines are of one section, as far as one knows: a window's own line may hold any."""
    own = one.line.startswith("@") or other.line.startswith("@")
    return own or one.section == other.section


def _pool(hall: Hall, roster: Roster, session: Session, heads: list[Head], at: float) -> list[Head]:
    """The heads the index decides among (2, 3 and the leads of 4); never empty."""
    rules, balance = hall.plan.rules, roster.balance(session.window)
    heads = _allowed(balance, heads)
    if session.mode is WindowMode.GREEN:
        heads = [head for head in heads if head[0].rank == GREEN] or heads
    elif session.greens >= rules.greens_in_a_row:
        heads = [head for head in heads if head[0].rank != GREEN] or heads
    soon = at + balance.appointment_head_start.total_seconds()
    heads = [head for head in heads if head[0][1] < soon] or heads
    levels = [post[1] for _, post in heads]
    if max(levels) != min(levels):
        heads = [head for head in heads if head[1].level == min(levels)]
    return _not_too_young(balance, heads)


def _not_too_young(balance: Balance, heads: list[Head]) -> list[Head]:
    """The heads at most their leads younger than the oldest of their class in their section and in all."""
    near, far = balance.section_lead.total_seconds(), balance.hall_lead.total_seconds()
    dues = [front[1] for front, _ in heads]
    if max(dues) - min(dues) <= min(near, far):
        return heads
    oldest: tuple[dict[str, float], ...] = ({}, {}, {})  # per class: of each section
    for front, post in heads:
        of_class, section, since = oldest[front[0]], post[2], front[1]
        if since < of_class.get(section, NEVER):
            of_class[section] = since
    latest = tuple(
        {section: min(since + near, min(of_class.values()) + far) for section, since in of_class.items()}
        for of_class in oldest
    )
    return [head for head in heads if head[0][1] <= latest[head[0][0]][head[1][2]]]


# --- the index -------------------------------------------------------------------------------------


def _best(hall: Hall, roster: Roster, window: int, pool: Sequence[Head], at: float) -> Head:
    """The head with the greatest index; ties go to the longer wait, then to the lower ticket.

    The same index as _scored works out, without keeping its terms.
    """
    if len(pool) == 1:
        return pool[0]
    balance, tuned = roster.balance(window), roster.tuned_of(window)
    pressures, impatience = _pressures(hall, roster, pool, balance.pressure), balance.impatience
    by_rank = tuple(zip(tuned.rate, tuned.head_start, tuned.patience, strict=True))
    best, most, last, weight = pool[0], -1.0, None, 0.0
    for head in pool:
        (rank, since, ticket, queue, item, _, _), post = head
        if post is not last:
            last, weight = post, post[3] * post[4] * pressures[post[2]]
        rate, start, patience = by_rank[rank]
        waited = at - since
        late = waited / patience if waited > 0.0 else 0.0
        claim = waited + start
        score = rate * (claim if claim > LEAST_CLAIM_S else LEAST_CLAIM_S) * (1.0 + impatience * late * late)
        held = weight
        if item is not None or queue != post[0]:
            held *= roster.length(queue, item, window) / post[3]
        if held < 1.0 and rank == GREEN and _is_spared(roster, balance, post):
            held = 1.0
        score *= held
        if score > most or (score == most and (since, ticket) < best[0][1:3]):
            best, most = head, score
    return best


def _scored(
    hall: Hall, roster: Roster, window: int, heads: Sequence[Head], pool: Sequence[Head], at: float
) -> list[Scored]:
    """The heads, out of a pool, with their index and its terms."""
    balance, tuned = roster.balance(window), roster.tuned_of(window)
    pressures = _pressures(hall, roster, pool, balance.pressure)
    scored = []
    for head in heads:
        (rank, since, ticket, queue, item, _, _), post = head
        waited_s = at - since
        late = max(0.0, waited_s) / tuned.patience[rank]
        rate, claim_s = tuned.rate[rank], max(waited_s + tuned.head_start[rank], LEAST_CLAIM_S)
        cost = 1.0 + balance.impatience * late * late
        length = post.length if item is None and queue == post.line else roster.length(queue, item, window)
        held = length, post.advantage, pressures[post.section]
        if math.prod(held) < 1.0 and rank == GREEN and _is_spared(roster, balance, post):
            held = 1.0, 1.0, 1.0
        terms = Terms(rate, claim_s, cost, *held)
        scored.append(Scored(math.prod(terms), waited_s, -ticket, head, terms))
    return scored


def _is_spared(roster: Roster, balance: Balance, post: Post) -> bool:
    """Whether so few windows serve a line that its green tickets are held back by nothing."""
    return len(roster.serving(post.line)) <= balance.green_windows


def _pressures(hall: Hall, roster: Roster, pool: Sequence[Head], power: float) -> dict[str, float]:
    """Each section's waiting tickets per window, as a share of the greatest, to the power of the rule."""
    crowds = {
        section: hall.crowds.get(section, 0) / roster.capacity(section)
        for section in {post[2] for _, post in pool}
    }
    most = max(crowds.values()) or 1.0
    return {section: (crowd / most + LEAST_SHARE) ** power for section, crowd in crowds.items()}


# --- in words --------------------------------------------------------------------------------------


def _why(hall: Hall, roster: Roster, window: int, head: Head, pool: Sequence[Head], at: float) -> str:
    front, balance = head[0], roster.balance(window)
    if hall.tickets[front.ticket].legs[-1].target is not None:
        return "transfer"
    if front.rank != NORMAL:
        return "green" if front.rank == GREEN else "appointment"
    if front.near >= balance.passed_in_section or front.far >= balance.passed_in_hall:
        return "passed"
    oldest = min([one[0][1:3] for one in pool])
    if front[1:3] == oldest:
        return "turn"
    longest = next(one for one in pool if one[0][1:3] == oldest)
    mine, other = (one.terms for one in _scored(hall, roster, window, (head, longest), pool, at))
    most, code = max(
        (mine.advantage / other.advantage, "skilled"),
        (mine.pressure / other.pressure, "crowded"),
        (mine.length / other.length, "short"),
    )
    return code if most > 1.0 else "turn"


def _choice(
    hall: Hall, window: int, head: Head, why: str, pool: Sequence[Head] = (), **facts: str | int | float
) -> Choice:
    front, post = head
    number = hall.tickets[front.ticket].number
    return Choice(front.ticket, why, {"number": number, "level": post.level, **facts}, window, pool)
