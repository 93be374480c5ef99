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
    Balance,
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
from controller.hall.roster import Roster, Tuned, roster_of

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

    until: up to when calls were looked at. is_cut: whether more calls would follow then. crowds: who waits
    then, per zone. windows: those that call or will.
    """

    calls: Mapping[int, float] = field(default_factory=dict)
    joins: Mapping[Joiner, float] = field(default_factory=dict)
    until: float = 0.0
    is_cut: bool = False
    crowds: Mapping[str, int] = field(default_factory=dict)
    windows: frozenset[int] = frozenset()


def look(
    hall: Hall,
    now: datetime,
    joiners: Iterable[Joiner] = (),
    *,
    tickets: Iterable[int] | None = None,
    most_calls: int = MOST_CALLS,
) -> Outlook:
    """The calls to come, until all these tickets and the joiners are called; None: until everybody is."""
    wanted = None if tickets is None else {id for id in tickets if _waits(hall, id)}
    return Play(hall, now.timestamp(), tuple(joiners)).run(wanted, most_calls)


def can_call(hall: Hall, queue: str, outlook: Outlook) -> bool:
    """Whether any window that was seen to call, or will, calls from the queue."""
    return not outlook.windows.isdisjoint(_known(roster_of(hall), hall).callers.get(queue, ()))


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
    """One class of one line: its head, those behind it, and who may have passed it. Dead: nobody is left.

    section: whose crowd presses, and whose people see who is called; home: that of the head's own queue,
    another one only in the line of tickets transferred to one window.
    """

    __slots__ = (
        "asked",
        "due",
        "far",
        "group",
        "home",
        "is_own",
        "item",
        "key",
        "line",
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
        self.line = key[0]
        self.rank = rank
        self.queue = queue
        self.section = self.home = section
        self.is_own = key[0].startswith("@")
        self.group = section.index * len(CLASSES) + rank
        self.rest: Iterator[tuple[float, int]] | None = None  # behind the head, once it has moved
        self.asked: list[Joiner] = []  # behind everybody, the last one next
        self.seen: list[tuple[float, bool]] = []
        self.due = NOBODY
        self.ticket: int | None = None
        self.item: str | None = None
        self.near = self.far = 0
        self.weight = self.start = self.patience = 0.0


class Play:
    """The play: lanes, windows by when they are free, and what was found out."""

    def __init__(self, hall: Hall, now: float, joiners: tuple[Joiner, ...]) -> None:
        self.hall, self.now = hall, now
        self.shifts = {number: _times(hall, shifts) for number, shifts in hall.shifts.items()}
        self.roster, self.rules = roster_of(hall), hall.plan.rules
        self.known = _known(self.roster, hall)
        self.overdue_s = self.rules.oldest_first_after.total_seconds()
        self.strictly_s = self.rules.strictly_oldest_after.total_seconds()
        self.sections: dict[str, Section] = {}
        self.lanes: dict[tuple[str, TicketClass], Lane] = {}
        self.heads: dict[int, list[Lane]] = {window: [] for window in self.known.windows}
        self.greens = {number: hall.sessions[number].greens for number in self.heads}
        self.overdue = {number: hall.sessions[number].overdue for number in self.heads}
        self.targeted: set[int] = set()  # windows with a line of their own
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
        rank, usual = CLASSES.index(klass), self.known.usual
        lane = Lane((line, klass), rank, queue, self._section(line_zone(self.hall, line)))
        lane.start, lane.patience = usual.start[rank], usual.patience[rank]
        self.lanes[line, klass] = lane
        heads, callers = self.heads, self.known.callers.get(line, ())
        for window in callers:
            heads[window].append(lane)
        if lane.is_own:
            self.targeted.update(callers)
        return lane

    def _section(self, name: str) -> Section:
        section = self.sections.get(name)
        if section is None:
            section = Section(
                name, len(self.sections), self.hall.crowds.get(name, 0), self.roster.capacity(name)
            )
            self.sections[name] = section
        return section

    def _stand(self, lane: Lane, front: Front) -> None:
        lane.due, lane.ticket, lane.item = front.due, front.ticket, front.item
        lane.near, lane.far = front.near, front.far
        lane.seen = list(self.hall.passes.get(lane.key, ()))
        self._weigh(lane, front.queue)

    def _advance(self, lane: Lane) -> None:
        """The next of the lane at its head: those who wait, then those asked about, then nobody."""
        if lane.rest is None:
            lane.rest = self._behind(lane)
        queue, following = lane.queue, next(lane.rest, None)
        if following is not None:
            lane.due, lane.ticket = following
            lane.item = self._item(following[1])
            queue = self._queue(lane)
        elif lane.asked:
            lane.due, lane.ticket, lane.item = lane.asked[-1].due, None, lane.asked[-1].item
        else:
            lane.due, lane.ticket = NOBODY, None
            self.deaths += 1
            return
        if lane.seen:
            lane.seen = [one for one in lane.seen if one[0] > lane.due]
            lane.far, lane.near = len(lane.seen), sum(one[1] for one in lane.seen)
        self._weigh(lane, queue)

    def _weigh(self, lane: Lane, queue: str) -> None:
        """What follows from who stands at the head."""
        if lane.rank == APPOINTMENT and lane.due > self.latest_slot:
            self.latest_slot = lane.due
        if lane.is_own:
            lane.queue, lane.home = queue, self._section(_zone(self.hall, queue))
        lane.weight = self.known.usual.rate[lane.rank] * self.roster.length(queue, lane.item)

    def _item(self, ticket: int) -> str | None:
        return self.hall.tickets[ticket].item

    def _queue(self, lane: Lane) -> str:
        """The queue of the head; only a window's own line holds tickets of several."""
        return self.hall.tickets[lane.ticket].queue if lane.is_own and lane.ticket else lane.queue

    def _behind(self, lane: Lane) -> Iterator[tuple[float, int]]:
        places, rules, klass = iter(self.hall.lines.get(lane.key, ())), self.rules, lane.key[1]
        next(places, None)
        return ((due(rules, klass, place), place[2]) for place in places)

    # --- the play

    def run(self, wanted: set[int] | None, most_calls: int) -> Outlook:
        free = [
            (at, number)
            for number, heads in self.heads.items()
            if heads and (at := self._free_at(number)) is not None
        ]
        windows = frozenset(number for _, number in free)
        heapq.heapify(free)
        missing = sum(len(lane.asked) for lane in self.lanes.values())
        missing += self._waiting() if wanted is None else len(wanted)
        left, at = most_calls, 0.0
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
            missing -= wanted is None or lane.ticket in wanted
            free_at = self._staffed_from(window, at + self._takes(window, lane))
            self._take(window, lane, at)
            if free_at is not None:
                heapq.heappush(free, (free_at, window))
        crowds = {name: section.crowd for name, section in self.sections.items()}
        return Outlook(self.calls, self.joins, at, bool(free and missing), crowds, windows)

    def _waiting(self) -> int:
        return sum(len(line) for line in self.hall.lines.values())

    def _take(self, window: int, taken: Lane, at: float) -> None:
        """The head of a lane goes to the window: those it passes are counted, the next one moves up."""
        since, rank, home, heads = taken.due, taken.rank, taken.home, self.heads[window]
        levels = self.known.levels.get(window)
        if levels is not None:
            heads = [lane for lane in heads if levels[lane.line] <= levels[taken.line]]
        for lane in [lane for lane in heads if lane.due < since]:
            if rank == NORMAL or rank == lane.rank:
                is_near = lane.home is home
                lane.seen.append((since, is_near))
                lane.far += 1
                lane.near += is_near
        self.calls[taken.ticket] = at  # type: ignore[index]
        self.greens[window] = self.greens[window] + 1 if rank == GREEN else 0
        home.move(-1)
        self._advance(taken)

    # --- the rule of balance.py, which it must follow

    def _choose(self, window: int, at: float) -> Lane | None:
        """The lane the window calls from: the best index of those the rule allows."""
        heads = self._manned(window)
        if not heads:
            return None
        ways = self.known.own.get(window, self.known.usual)
        dues = [lane.due for lane in heads]
        oldest = min(dues)
        if at - oldest > self.overdue_s:
            between = self._between(window, ways, heads, at)
            if between:
                self.overdue[window], heads = 0, between
            else:
                self.overdue[window] += 1
                heads = self._late(heads, oldest, at)
        elif self.overdue[window]:
            self.overdue[window] = 0
        if len(heads) > 1:
            heads = self._in_turn(window, ways, self._allowed(window, ways, heads), at)
        if len(heads) > 1 and max(dues) - oldest > ways.least_lead_s:
            heads = _not_too_young(ways, heads)
        return heads[0] if len(heads) == 1 else self._best(window, ways, heads, at)

    def _manned(self, window: int) -> list[Lane]:
        """The window's lanes with somebody in them; forgets the others."""
        heads = self.heads[window]
        if self.left.get(window) != self.deaths:
            self.left[window] = self.deaths
            heads = self.heads[window] = [lane for lane in heads if lane.due != NOBODY]
        return heads

    def _between(self, window: int, ways: Ways, heads: list[Lane], at: float) -> list[Lane]:
        """Higher classes that have their turn although somebody is overdue."""
        if self.overdue[window] < self.rules.overdue_in_a_row:
            return []
        allowed = self._allowed(window, ways, heads)
        return [lane for lane in allowed if lane.rank != NORMAL and lane.due <= at]

    def _late(self, heads: list[Lane], oldest: float, at: float) -> list[Lane]:
        """Those who have waited too long; the oldest alone once it has waited far too long."""
        if at - oldest > self.strictly_s:
            return [min([lane for lane in heads if lane.due == oldest], key=_ticket)]
        return [lane for lane in heads if at - lane.due > self.overdue_s]

    def _allowed(self, window: int, ways: Ways, heads: list[Lane]) -> list[Lane]:
        """The heads that pass by nobody who was passed by often enough."""
        near, far, few = ways.near_most, ways.far_most, ways.fewest
        full = [lane for lane in heads if lane.far >= few]  # who was passed nearby counts there too
        if not full or not (full := [lane for lane in full if lane.near >= near or lane.far >= far]):
            return heads
        levels = self.known.levels.get(window)
        if levels is not None or window in self.targeted:
            return [lane for lane in heads if not any(_wrongs(lane, one, far, levels) for one in full)]
        in_hall, in_group = [NOBODY] * len(CLASSES), dict[int, float]()
        for lane in full:
            if lane.far >= far:
                in_hall[lane.rank] = min(lane.due, in_hall[lane.rank])
            for group in (lane.group, lane.group - lane.rank):  # its own class, and the normal one
                in_group[group] = min(lane.due, in_group.get(group, NOBODY))
        in_hall[NORMAL], limit = min(in_hall), in_group.get
        return [lane for lane in heads if lane.due <= min(in_hall[lane.rank], limit(lane.group, NOBODY))]

    def _in_turn(self, window: int, ways: Ways, heads: list[Lane], at: float) -> list[Lane]:
        """The heads of the right class, due soon, of the lowest level."""
        if self.hall.sessions[window].mode is WindowMode.GREEN:
            heads = [lane for lane in heads if lane.rank == GREEN] or heads
        elif self.greens[window] >= self.rules.greens_in_a_row:
            heads = [lane for lane in heads if lane.rank != GREEN] or heads
        soon = at + ways.soon_s
        if self.latest_slot >= soon:
            heads = [lane for lane in heads if lane.due < soon] or heads
        levels = self.known.levels.get(window)
        if levels is not None:
            level = min([levels[lane.line] for lane in heads])
            heads = [lane for lane in heads if levels[lane.line] == level]
        return heads

    def _best(self, window: int, ways: Ways, heads: list[Lane], at: float) -> Lane:
        """The greatest index of balance.py; ties go to the longer wait, then to the lower ticket."""
        impatience, power, own = ways.impatience, ways.pressure, ways.window is not None
        best, most, advantages = heads[0], -1.0, self.known.advantages[window]
        greatest = max([lane.section.share for lane in heads]) or 1.0
        floor, spared = LEAST_SHARE * greatest, ways.rate[GREEN] * greatest**power
        for lane in heads:
            waited_s = at - lane.due
            claim_s = waited_s + (ways.start[lane.rank] if own else lane.start)
            if waited_s > 0.0:
                late = waited_s * (ways.patience[lane.rank] if own else lane.patience)
                claim_s *= 1.0 + impatience * late * late
            elif claim_s < LEAST_CLAIM_S:
                claim_s = LEAST_CLAIM_S
            pressure = lane.section.share + floor
            if power != 1.0:
                pressure **= power
            weight = self._weight(ways, lane) if own else lane.weight
            held = weight * advantages[lane.line] * pressure
            if held < spared and lane.rank == GREEN and self._is_spared(ways, lane):
                held = spared
            score = held * claim_s
            if score > most:
                best, most = lane, score
            elif score == most and (lane.due, _ticket(lane)) < (best.due, _ticket(best)):
                best = lane
        return best

    def _weight(self, ways: Ways, lane: Lane) -> float:
        """Weight of a lane at a window that chooses in a way of its own."""
        return ways.rate[lane.rank] * self.roster.length(lane.queue, lane.item, ways.window)

    def _is_spared(self, ways: Ways, lane: Lane) -> bool:
        return len(self.roster.serving(lane.line)) <= ways.green_windows

    # --- windows

    def _takes(self, window: int, lane: Lane) -> float:
        return self.known.takes_s(window, lane.queue, lane.item, lane.home.name)

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
        for start, end in shifts:
            if end > at:
                return at if start <= at else start
        return None


def _ticket(lane: Lane) -> float:
    """The ticket at the head; one who has none yet would have the highest."""
    return NOBODY if lane.ticket is None else lane.ticket


def _wrongs(lane: Lane, full: Lane, far: int, levels: Mapping[str, int] | None) -> bool:
    """Whether calling from the lane would pass by one who was passed by often enough."""
    return (
        full.due < lane.due
        and (levels is None or levels[full.line] <= levels[lane.line])
        and lane.rank in (NORMAL, full.rank)
        and (full.far >= far or lane.is_own or full.is_own or lane.section is full.section)
    )


def _not_too_young(ways: Ways, heads: list[Lane]) -> list[Lane]:
    """The heads at most their leads younger than the oldest of their class in their section and in all."""
    near_s, far_s = ways.near_lead_s, ways.far_lead_s
    in_section: dict[int, float] = {}  # the oldest of each class
    for lane in heads:
        since, group = lane.due, lane.group
        if group not in in_section or since < in_section[group]:
            in_section[group] = since
    heads = [lane for lane in heads if lane.due <= in_section[lane.group] + near_s]
    in_hall = [NOBODY] * len(CLASSES)
    for lane in heads:  # whoever is oldest in its section is still among them
        if lane.due < in_hall[lane.rank]:
            in_hall[lane.rank] = lane.due
    return [lane for lane in heads if lane.due <= in_hall[lane.rank] + far_s]


class Ways(NamedTuple):
    """How a window chooses (Balance), in plain numbers; those of a class by its rank. window: whose alone."""

    window: int | None
    near_lead_s: float
    far_lead_s: float
    least_lead_s: float
    near_most: int
    far_most: int
    fewest: int
    soon_s: float
    impatience: float
    pressure: float
    green_windows: int
    rate: tuple[float, ...]
    start: tuple[float, ...]
    patience: tuple[float, ...]  # 1 / seconds

    @classmethod
    def of(cls, it: Balance, window: int | None = None) -> Ways:
        tuned = Tuned.by(it)
        return cls(
            window,
            it.section_lead.total_seconds(),
            it.hall_lead.total_seconds(),
            min(it.section_lead, it.hall_lead).total_seconds(),
            it.passed_in_section,
            it.passed_in_hall,
            min(it.passed_in_section, it.passed_in_hall),
            it.appointment_head_start.total_seconds(),
            it.impatience,
            it.pressure,
            it.green_windows,
            tuned.rate,
            tuned.head_start,
            tuple(1.0 / one for one in tuned.patience),
        )


class Known:
    """What one roster means to every play: who calls from a line, how, and how long a matter takes where."""

    def __init__(self, roster: Roster, windows: Iterable[int], usual: Balance) -> None:
        self.roster = roster
        self.windows = tuple(windows)
        self.usual = Ways.of(usual)
        self.own: dict[int, Ways] = {}
        self.callers: dict[str, list[int]] = {}
        self.advantages: dict[int, dict[str, float]] = {}  # per window and line
        self.levels: dict[int, dict[str, int]] = {}  # the same, of windows whose lines are not all on one
        self._takes_s: dict[tuple[int, str, str | None], float] = {}
        for window in self.windows:
            posts, balance = roster.posts(window), roster.balance(window)
            if balance is not usual:
                self.own[window] = Ways.of(balance, window)
            for post in posts:
                self.callers.setdefault(post.line, []).append(window)
            self.advantages[window] = {post.line: post.advantage for post in posts}
            if len({post.level for post in posts}) > 1:
                self.levels[window] = {post.line: post.level for post in posts}

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
        known = _rosters[roster] = Known(roster, sorted(hall.sessions), hall.plan.rules.balance)
    return known


def _times(hall: Hall, shifts: Iterable[Shift]) -> list[tuple[float, float]]:
    """Shifts in seconds since 1970; the one that lasts until the hall closes has no end while people wait."""
    closes_at = None if hall.day is None else hall.day.closes_at
    return sorted(
        (one.start.timestamp(), NOBODY if closes_at is None or one.end >= closes_at else one.end.timestamp())
        for one in shifts
    )


def remaining_s(mean_s: float, age_s: float) -> float:
    """How much longer a service of that age is expected to last."""
    return max(mean_s - age_s, 0.35 * mean_s)


def line_zone(hall: Hall, line: str) -> str:
    """The zone a line belongs to: its queue's, or that of the window whose own it is."""
    if line.startswith("@") and (window := hall.windows.get(int(line[1:]))) is not None:
        return window.zone
    return _zone(hall, line)


def _zone(hall: Hall, queue: str) -> str:
    known = hall.queues.get(queue)
    return "" if known is None else known.zone
