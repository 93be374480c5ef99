"""The hall fast-forwarded: whom each window would call when, if everything went as expected from now on.

Pure. A light copy of the hall - what stands at the head of each line, when each window will be free - is
played by the dispatch rule of balance.py with mean service times and nobody joining but those who are asked
about. They stand behind everybody and take no time of a window, so any number can be asked about at once
and nobody changes anybody's turn. Work ends with the last one asked about, or after MOST_CALLS calls.

Left out: people who will come, people who will not answer, and windows that will open without a shift.
hindsight.py learns what that is worth in this hall.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from weakref import WeakKeyDictionary

from controller.hall.balance import APPOINTMENT, GREEN, LEAST_CLAIM_S, LEAST_SHARE, NORMAL
from controller.hall.model import (
    Front,
    Hall,
    Session,
    Shift,
    TicketClass,
    TicketState,
    WindowMode,
    WindowState,
)
from controller.hall.places import due
from controller.hall.roster import Roster, roster_of

CLASSES = tuple(TicketClass)
MOST_CALLS = 600  # looked ahead at most; a wait beyond them is told as "longer than"
PAUSE_LEFT_S = 300.0  # of a pause without an end, when it has lasted as long as pauses may
NOBODY = math.inf  # due of a lane in which nobody is left


class Joiner(NamedTuple):
    """Somebody who might take a ticket now. due: from when the wait counts, seconds since 1970."""

    queue: str
    klass: TicketClass
    due: float
    item: str | None = None


@dataclass(frozen=True, slots=True)
class Outlook:
    """When each would be called, in seconds since 1970. Who is in neither is beyond what was looked at.

    until: up to when calls were looked at; 0.0 when no window will call anybody. crowds: who waits then, per
    zone.
    """

    calls: Mapping[int, float] = field(default_factory=dict)
    joins: Mapping[Joiner, float] = field(default_factory=dict)
    until: float = 0.0
    crowds: Mapping[str, int] = field(default_factory=dict)


def look(
    hall: Hall,
    now: datetime,
    joiners: Iterable[Joiner] = (),
    *,
    tickets: Iterable[int] | None = None,
    most_calls: int = MOST_CALLS,
) -> Outlook:
    """The calls to come. tickets: only until these are called too; None: all who wait, unless there are
    joiners."""
    asked = tuple(joiners)
    if tickets is None and not asked:
        tickets = (place[2] for line in hall.lines.values() for place in line)
    wanted = {id for id in tickets or () if _waits(hall, id)}
    return Play(hall, now.timestamp(), asked).run(wanted, most_calls)


def _waits(hall: Hall, id: int) -> bool:
    ticket = hall.tickets.get(id)
    return ticket is not None and ticket.state is TicketState.WAITING


# --- the light copy --------------------------------------------------------------------------------


class Section:
    """A zone's crowd per window working for it."""

    __slots__ = ("capacity", "crowd", "index", "name", "share")

    def __init__(self, name: str, index: int, crowd: int, capacity: float) -> None:
        self.name = name
        self.index = index
        self.crowd = crowd
        self.capacity = capacity
        self.share = crowd / capacity

    def move(self, by: int) -> None:
        self.crowd += by
        self.share = self.crowd / self.capacity


class Lane:
    """One class of one line: its head, those behind it, and who may have passed it. Dead: nobody is left."""

    __slots__ = (
        "asked",
        "due",
        "far",
        "group",
        "item",
        "key",
        "near",
        "patience",
        "queue",
        "rank",
        "rest",
        "section",
        "seen",
        "start",
        "ticket",
        "weight",
    )

    def __init__(self, key: tuple[str, TicketClass], rank: int, queue: str, section: Section) -> None:
        self.key = key
        self.rank = rank
        self.queue = queue
        self.section = section
        self.group = section.index * len(CLASSES) + rank
        self.rest: Iterator[tuple[float, int]] | None = None  # behind the head, once it has moved
        self.asked: list[Joiner] = []  # behind everybody, the last one next
        self.seen: list[tuple[float, bool]] = []
        self.due = NOBODY
        self.ticket: int | None = None
        self.item: str | None = None
        self.near = self.far = 0
        self.weight = self.start = self.patience = 0.0


LinePost = tuple[Lane, int, float]  # level and advantage of the lane at one window


class Play:
    """The play: lanes, windows by when they are free, and what was found out."""

    def __init__(self, hall: Hall, now: float, joiners: tuple[Joiner, ...]) -> None:
        self.hall, self.now = hall, now
        self.shifts = {number: _times(hall, shifts) for number, shifts in hall.shifts.items()}
        self.roster, self.rules = roster_of(hall), hall.plan.rules
        self.known = _known(self.roster, hall)
        self.near_lead_s = self.rules.balance.section_lead.total_seconds()
        self.far_lead_s = self.rules.balance.hall_lead.total_seconds()
        self.near_most = self.rules.balance.passed_in_section
        self.far_most = self.rules.balance.passed_in_hall
        self.soon_s = self.roster.tuned.head_start[APPOINTMENT]
        self.overdue_s = self.rules.oldest_first_after.total_seconds()
        self.sections: dict[str, Section] = {}
        self.lanes: dict[tuple[str, TicketClass], Lane] = {}
        self.posts: dict[int, list[LinePost]] = {}
        self.greens: dict[int, int] = {}
        self.overdue: dict[int, int] = {}
        self.calls: dict[int, float] = {}
        self.joins: dict[Joiner, float] = {}
        self.deaths = 0  # of lanes
        self.left: dict[int, int] = {}  # per window: lanes dead when its posts were last gone through
        self.latest_slot = 0.0  # of the appointments at the head of a lane so far
        for line, fronts in hall.fronts.items():
            for front in fronts:
                self._stand(self._lane(line, CLASSES[front.rank], front.queue), front)
        for joiner in joiners:
            lane = self._lane(joiner.queue, joiner.klass, joiner.queue)
            lane.asked.insert(0, joiner)
            if lane.due == NOBODY:
                self._advance(lane)

    def _lane(self, line: str, klass: TicketClass, queue: str) -> Lane:
        """The lane of that line and class, seen by the windows that call from it."""
        known = self.lanes.get((line, klass))
        if known is not None:
            return known
        rank, tuned = CLASSES.index(klass), self.roster.tuned
        lane = Lane((line, klass), rank, queue, self._section(queue))
        lane.start, lane.patience = tuned.head_start[rank], 1.0 / tuned.patience[rank]
        self.lanes[line, klass] = lane
        for window, level, advantage in self.known.callers.get(line, ()):
            self.posts.setdefault(window, []).append((lane, level, advantage))
        return lane

    def _section(self, queue: str) -> Section:
        name = _zone(self.hall, queue)
        section = self.sections.get(name)
        if section is None:
            section = Section(
                name, len(self.sections), self.hall.crowds.get(name, 0), self.roster.capacity(name)
            )
            self.sections[name] = section
        return section

    def _stand(self, lane: Lane, front: Front) -> None:
        lane.due, lane.ticket, lane.item = front.due, front.ticket, front.item
        if front.rank == APPOINTMENT:
            self.latest_slot = max(self.latest_slot, front.due)
        lane.near, lane.far = front.near, front.far
        lane.seen = list(self.hall.passes.get(lane.key, ()))
        lane.weight = self.roster.tuned.rate[lane.rank] * self.roster.length(lane.queue, lane.item)

    def _advance(self, lane: Lane) -> None:
        """The next of the lane at its head: those who wait, then those asked about, then nobody."""
        if lane.rest is None:
            lane.rest = self._behind(lane)
        following = next(lane.rest, None)
        if following is not None:
            lane.due, lane.ticket = following
            lane.item = self._item(following[1])
        elif lane.asked:
            lane.due, lane.ticket, lane.item = lane.asked[-1].due, None, lane.asked[-1].item
        else:
            lane.due, lane.ticket = NOBODY, None
            self.deaths += 1
            return
        if lane.rank == APPOINTMENT:
            self.latest_slot = max(self.latest_slot, lane.due)
        if lane.seen:
            lane.seen = [one for one in lane.seen if one[0] > lane.due]
            lane.far, lane.near = len(lane.seen), sum(one[1] for one in lane.seen)
        lane.weight = self.roster.tuned.rate[lane.rank] * self.roster.length(lane.queue, lane.item)

    def _item(self, ticket: int) -> str | None:
        return self.hall.tickets[ticket].item

    def _behind(self, lane: Lane) -> Iterator[tuple[float, int]]:
        places, rules, klass = iter(self.hall.lines.get(lane.key, ())), self.rules, lane.key[1]
        next(places, None)
        return ((due(rules, klass, place), place[2]) for place in places)

    # --- the play

    def run(self, wanted: set[int], most_calls: int) -> Outlook:
        free = [(at, number) for number in self.posts if (at := self._free_at(number)) is not None]
        heapq.heapify(free)
        missing, left, at = (
            len(wanted) + sum(len(lane.asked) for lane in self.lanes.values()),
            most_calls,
            0.0,
        )
        while free and left and missing:
            at, window = heapq.heappop(free)
            lane = self._choose(window, at)
            while lane is not None and lane.ticket is None:
                self.joins[lane.asked.pop()] = at
                missing -= 1
                self._advance(lane)
                lane = self._choose(window, at)
            if lane is None:
                continue  # nobody is left for this window
            left -= 1
            missing -= lane.ticket in wanted
            free_at = self._staffed_from(window, at + self._takes(window, lane))
            self._take(window, lane, at)
            if free_at is not None:
                heapq.heappush(free, (free_at, window))
        crowds = {name: section.crowd for name, section in self.sections.items()}
        return Outlook(self.calls, self.joins, at, crowds)

    def _take(self, window: int, taken: Lane, at: float) -> None:
        """The head of a lane goes to the window: those it passes are counted, the next one moves up."""
        since, rank, section = taken.due, taken.rank, taken.section
        for lane, _, _ in self.posts[window]:
            if lane.due < since and (rank == NORMAL or rank == lane.rank):
                is_near = lane.section is section
                lane.seen.append((since, is_near))
                lane.far += 1
                lane.near += is_near
        self.calls[taken.ticket] = at  # type: ignore[index]
        self.greens[window] = self._greens(window) + 1 if rank == GREEN else 0
        section.move(-1)
        self._advance(taken)

    def _greens(self, window: int) -> int:
        greens = self.greens.get(window)
        return self.hall.sessions[window].greens if greens is None else greens

    def _overdue(self, window: int) -> int:
        overdue = self.overdue.get(window)
        return self.hall.sessions[window].overdue if overdue is None else overdue

    # --- the rule of balance.py, which it must follow

    def _choose(self, window: int, at: float) -> Lane | None:
        """The lane the window calls from: the best index of those the rule allows."""
        posts = self._manned(window)
        if len(posts) < 2:
            return posts[0][0] if posts else None
        oldest = min([lane.due for lane, _, _ in posts])
        if at - oldest > self.overdue_s:
            overdue = self._overdue(window)
            higher = [post for post in posts if post[0].rank != NORMAL and post[0].due <= at]
            if overdue < self.rules.overdue_in_a_row or not higher:
                self.overdue[window] = overdue + 1
                return next(lane for lane, _, _ in posts if lane.due == oldest)
            posts = higher
        self.overdue[window] = 0
        pool = self._in_turn(window, posts, at)
        return self._best(pool if len(pool) == 1 else self._allowed(pool, posts) or pool, at)

    def _manned(self, window: int) -> list[LinePost]:
        """The posts with somebody in the lane; forgets the others."""
        posts = self.posts[window]
        if self.left.get(window) != self.deaths:
            self.left[window] = self.deaths
            posts = self.posts[window] = [post for post in posts if post[0].due != NOBODY]
        return posts

    def _in_turn(self, window: int, posts: list[LinePost], at: float) -> list[LinePost]:
        """The heads of the right class, due soon, of the lowest level."""
        if self.hall.sessions[window].mode is WindowMode.GREEN:
            posts = [post for post in posts if post[0].rank == GREEN] or posts
        elif self._greens(window) >= self.rules.greens_in_a_row:
            posts = [post for post in posts if post[0].rank != GREEN] or posts
        soon = at + self.soon_s
        if self.latest_slot >= soon:
            posts = [post for post in posts if post[0].due < soon] or posts
        if window in self.known.levelled:
            level = min(post[1] for post in posts)
            posts = [post for post in posts if post[1] == level]
        return posts

    def _allowed(self, pool: list[LinePost], posts: list[LinePost]) -> list[LinePost]:
        """Those who pass by nobody passed too often, and are not much younger than the oldest of their class.

        Levels are left out of who counts as passed; they hardly ever differ among those who compete.
        """
        near, far = self.near_most, self.far_most
        full, full_near = [NOBODY] * len(CLASSES), dict[int, float]()
        in_section: dict[int, float] = {}  # the oldest of each class
        for lane, _, _ in posts:
            since, group = lane.due, lane.group
            if since < in_section.get(group, NOBODY):
                in_section[group] = since
            if lane.far >= far and since < full[lane.rank]:
                full[lane.rank] = since
            elif lane.near >= near and since < full_near.get(group, NOBODY):
                full_near[group] = since
        if pool is not posts:
            in_section = {}
            for lane, _, _ in pool:
                in_section[lane.group] = min(lane.due, in_section.get(lane.group, NOBODY))
        return self._within(pool, in_section, full, full_near)

    def _within(
        self,
        pool: list[LinePost],
        in_section: dict[int, float],
        full: list[float],
        full_near: dict[int, float],
    ) -> list[LinePost]:
        """Those of the pool not younger than the limits that follow from who is oldest and who is full."""
        classes = len(CLASSES)
        in_hall = [NOBODY] * classes
        for group, since in in_section.items():
            in_hall[group % classes] = min(since, in_hall[group % classes])
        latest = [min(one + self.far_lead_s, passed) for one, passed in zip(in_hall, full, strict=True)]
        latest[NORMAL] = min(latest[NORMAL], *full)
        near_s = self.near_lead_s
        limits = {group: min(since + near_s, latest[group % classes]) for group, since in in_section.items()}
        for group, since in full_near.items():
            for one in (group, group - group % classes):  # its own class, and the normal one
                limits[one] = min(since, limits.get(one, NOBODY))
        return [post for post in pool if post[0].due <= limits[post[0].group]]

    def _best(self, posts: list[LinePost], at: float) -> Lane:
        impatience, power = self.rules.balance.impatience, self.rules.balance.pressure
        best, most = posts[0][0], -1.0
        if len(posts) == 1:
            return best
        floor = LEAST_SHARE * max([lane.section.share for lane, _, _ in posts])
        for lane, _, advantage in posts:
            waited_s = at - lane.due
            claim_s = waited_s + lane.start
            if waited_s > 0.0:
                late = waited_s * lane.patience
                claim_s *= 1.0 + impatience * late * late
            elif claim_s < LEAST_CLAIM_S:
                claim_s = LEAST_CLAIM_S
            pressure = lane.section.share + floor
            if power != 1.0:
                pressure **= power
            score = lane.weight * advantage * claim_s * pressure
            if score > most:
                best, most = lane, score
        return best

    # --- windows

    def _takes(self, window: int, lane: Lane) -> float:
        return self.known.takes_s(window, lane.queue, lane.item, lane.section.name)

    def _free_at(self, number: int) -> float | None:
        """When a window can call somebody; None when it will not."""
        session = self.hall.sessions[number]
        state = session.former if session.state is WindowState.OFFLINE else session.state
        if state is WindowState.CLOSED:
            later = [start for start, _ in self.shifts.get(number, ()) if start > self.now]
            return min(later, default=None)
        if state is WindowState.PAUSED:
            return self._staffed_from(number, self._pause_end(session))
        current = None if session.current is None else self.hall.tickets.get(session.current)
        if current is None:
            return self.now
        began = current.serving_since or current.last_called_at
        age_s = 0.0 if began is None else max(0.0, self.now - began.timestamp())
        mean_s = self.known.takes_s(number, current.queue, current.item, _zone(self.hall, current.queue))
        return self._staffed_from(number, self.now + remaining_s(mean_s, age_s))

    def _pause_end(self, session: Session) -> float:
        if session.pause_until is not None:
            return max(self.now, session.pause_until.timestamp())
        began = self.now if session.paused_at is None else session.paused_at.timestamp()
        return max(self.now + PAUSE_LEFT_S, began + self.rules.pause_reminder.total_seconds())

    def _staffed_from(self, number: int, at: float) -> float | None:
        """The first moment from `at` on at which the window is staffed; None when it goes home."""
        shifts = self.shifts.get(number)
        if not shifts:
            return at
        return min([max(at, start) for start, end in shifts if end > at], default=None)


class Known:
    """What one roster means to every play: who calls from a line, and how long a matter takes where."""

    def __init__(self, roster: Roster, windows: Iterable[int]) -> None:
        self.roster = roster
        self.callers: dict[str, list[tuple[int, int, float]]] = {}
        self.levelled: set[int] = set()
        self._takes_s: dict[tuple[int, str, str | None], float] = {}
        for window in windows:
            posts = roster.posts(window)
            for post in posts:
                self.callers.setdefault(post.line, []).append((window, post.level, post.advantage))
            if len({post.level for post in posts}) > 1:
                self.levelled.add(window)

    def takes_s(self, window: int, queue: str, item: str | None, section: str) -> float:
        """Mean service time of a matter at a window, in seconds."""
        known = self._takes_s.get((window, queue, item))
        if known is None:
            pace = self.roster.log_pace(window, section)
            known = self._takes_s[window, queue, item] = self.roster.mean_s(queue, item) * math.exp(-pace)
        return known


_rosters: WeakKeyDictionary[Roster, Known] = WeakKeyDictionary()  # of living halls; nobody outside notices


def _known(roster: Roster, hall: Hall) -> Known:
    known = _rosters.get(roster)
    if known is None:
        known = _rosters[roster] = Known(roster, sorted(hall.sessions))
    return known


def _times(hall: Hall, shifts: Iterable[Shift]) -> list[tuple[float, float]]:
    """Shifts in seconds since 1970; the one that lasts until the hall closes has no end while people wait."""
    closes_at = None if hall.day is None else hall.day.closes_at
    return [
        (one.start.timestamp(), NOBODY if closes_at is None or one.end >= closes_at else one.end.timestamp())
        for one in shifts
    ]


def remaining_s(mean_s: float, age_s: float) -> float:
    """How much longer a service of that age is expected to last."""
    return max(mean_s - age_s, 0.35 * mean_s)


def _zone(hall: Hall, queue: str) -> str:
    known = hall.queues.get(queue)
    return "" if known is None else known.zone
