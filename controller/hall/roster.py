"""Who may call whom now: the lines of every window with what a choice needs to know of each beforehand.

A Roster holds from one change of staff, mode, plan or figures to the next. It is worked out window by
window when first asked for and remembered, which nobody outside notices; so a choice only looks up heads.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from controller.hall import paces
from controller.hall.model import Balance, Hall, Rules, Serves, Session, WindowMode, WindowState
from controller.hall.paces import Doubts
from controller.hall.places import window_line

STAFFED = frozenset({WindowState.OPEN, WindowState.BUSY})  # somebody sits there and calls
USUAL_S = 600.0  # the mean whose length factor is 1
LEAST_CAPACITY = 0.3  # windows; a section hardly served must not look infinitely crowded


class Post(NamedTuple):
    """A line at a window. length and advantage are factors of its heads' index (Balance)."""

    line: str
    level: int
    section: str
    length: float
    advantage: float


@dataclass(frozen=True, slots=True)
class Tuned:
    """Balance in plain seconds, by class in the order of TicketClass, as the index needs it."""

    rate: tuple[float, float, float]
    head_start: tuple[float, float, float]
    patience: tuple[float, float, float]

    @classmethod
    def by(cls, it: Balance) -> Tuned:
        start, soon = it.head_start.total_seconds(), it.class_patience.total_seconds()
        return cls(
            (1.0, it.appointment_rate, it.green_rate),
            (start, it.appointment_head_start.total_seconds(), start),
            (it.patience.total_seconds(), soon, soon),
        )


class Roster:
    """Posts and capacities of a hall as it is staffed and as its figures are."""

    def __init__(self, hall: Hall, changed: int | None = None) -> None:
        """changed: the one window whose staff differs from hall.roster's; None: anything may differ."""
        self._hall = Hall(  # without its tickets, which would be kept alive
            hall.id,
            hall.plan,
            sessions=hall.sessions,
            figures=hall.figures,
            queues=hall.queues,
            windows=hall.windows,
            clerks=hall.clerks,
            servers=hall.servers,
        )
        self._sizes = Counter(queue.zone for queue in hall.plan.queues)
        self.tuned = Tuned.by(hall.plan.rules.balance)
        self._own = {one.number: one.balance for one in hall.plan.windows if one.balance is not None}
        self._own_tuned = {number: Tuned.by(one) for number, one in self._own.items()}
        self.staffed = {number for number, one in hall.sessions.items() if one.state in STAFFED}
        self._lines: dict[int, dict[str, int]] = {}
        self._shares: dict[int, dict[str, float]] = {}
        if hall.roster is not None and changed is not None:
            self._keep(hall.roster, changed)
        self._posts: dict[int, tuple[Post, ...]] = {}
        self._serving: dict[str, tuple[int, ...]] = {}
        self._usual: dict[str, float] = {}
        self._lengths: dict[tuple[str, str | None, float], float] = {}
        self._capacity: dict[str, float] | None = None

    def _keep(self, former: Roster, changed: int) -> None:
        """Take over the lines that do not depend on who sits at the changed window."""
        for number, lines in list(former._lines.items()):
            window = self._hall.windows.get(number)
            if number != changed and window is not None and not any(one.overflow for one in window.serves):
                self._lines[number] = lines
                if number in former._shares:
                    self._shares[number] = former._shares[number]

    def lines(self, window: int) -> Mapping[str, int]:
        """The lines the window may call from, with their level there; lower levels go first."""
        lines = self._lines.get(window)
        if lines is None:
            lines = self._lines[window] = lines_of(self._hall, self._hall.sessions[window])
        return lines

    def posts(self, window: int) -> tuple[Post, ...]:
        """The lines the window may call from; its own, of those transferred to it, last."""
        posts = self._posts.get(window)
        if posts is None:
            posts = self._posts[window] = tuple(self._posts_of(window))
        return posts

    def serving(self, queue: str) -> tuple[int, ...]:
        """The staffed windows that call from this queue, in a mode and with a clerk that fit it."""
        windows = self._serving.get(queue)
        if windows is None:
            servers = self._hall.servers.get(queue, ())
            windows = self._serving[queue] = tuple(
                number for number in servers if number in self.staffed and queue in self.lines(number)
            )
        return windows

    def capacity(self, section: str) -> float:
        """How many staffed windows work for a section; one that serves several counts for a part of each."""
        if self._capacity is None:
            self._capacity = self._capacities()
        return max(LEAST_CAPACITY, self._capacity.get(section, 0.0))

    def mean_s(self, queue: str, item: str | None = None) -> float:
        """Mean service time of a matter with a usual clerk, in seconds."""
        known = self._hall.queues.get(queue)
        configured = USUAL_S if known is None else known.mean_service.total_seconds()
        return max(1.0, configured * paces.length(self._hall.figures, queue, item))

    def balance(self, window: int) -> Balance:
        """How this window chooses: its own way, or the hall's."""
        return self._own.get(window) or self._hall.plan.rules.balance

    def tuned_of(self, window: int) -> Tuned:
        """The same in plain seconds."""
        return self._own_tuned.get(window) or self.tuned

    def length(self, queue: str, item: str | None = None, window: int | None = None) -> float:
        """The index's factor for how long a matter takes: 1 at ten minutes. window: in whose index."""
        balance = self._hall.plan.rules.balance if window is None else self.balance(window)
        power = balance.short_first
        factor = self._lengths.get((queue, item, power))
        if factor is None:
            factor = self._lengths[queue, item, power] = (USUAL_S / self.mean_s(queue, item)) ** power
        return factor

    def log_pace(self, window: int, section: str) -> float:
        """Logarithm of the pace of the clerk at the window in a section."""
        clerk = self._hall.sessions[window].clerk
        return 0.0 if clerk is None else paces.pace(self._hall.figures, clerk, section)

    def sections(self, window: int) -> int:
        """How many sections the window serves now."""
        return len(self._shares_of(window))

    def _posts_of(self, window: int) -> list[Post]:
        hall, posts = self._hall, []
        for line, level in self.lines(window).items():
            queue = hall.queues.get(line)
            if queue is None:
                posts.append(Post(line, level, hall.windows[window].zone, 1.0, 1.0))
            else:
                length, advantage = (
                    self.length(line, window=window),
                    self._advantage(window, line, queue.zone),
                )
                posts.append(Post(line, level, queue.zone, length, advantage))
        return posts

    def _advantage(self, window: int, queue: str, section: str) -> float:
        usual = self._usual.get(queue)
        if usual is None:
            logs = [self.log_pace(number, section) for number in self.serving(queue)]
            usual = self._usual[queue] = sum(logs) / len(logs) if logs else 0.0
        ahead = self.log_pace(window, section) - usual
        return math.exp(self.balance(window).own_hand * ahead)

    def _shares_of(self, window: int) -> Mapping[str, float]:
        """How a window's work is shared among its sections: by the part of each one's queues it serves."""
        shares = self._shares.get(window)
        if shares is None:
            served: dict[str, float] = {}
            for line in self.lines(window):
                queue = self._hall.queues.get(line)
                if queue is not None:
                    served[queue.zone] = served.get(queue.zone, 0.0) + 1.0
            parts = {section: n / self._sizes[section] for section, n in served.items()}
            whole = sum(parts.values())
            shares = self._shares[window] = {one: part * part / whole for one, part in parts.items()}
        return shares

    def _capacities(self) -> dict[str, float]:
        capacity: dict[str, float] = {}
        for number in sorted(self.staffed):
            for section, share in self._shares_of(number).items():
                capacity[section] = capacity.get(section, 0.0) + share
        return capacity


def roster_of(hall: Hall) -> Roster:
    """The hall's roster; worked out anew for a hall that was put together by hand."""
    return Roster(hall) if hall.roster is None else hall.roster


def doubts_of(rules: Rules) -> Doubts:
    it = rules.balance
    return Doubts(it.queue_doubt, it.item_doubt, it.clerk_doubt, it.section_doubt, it.service_doubt)


def is_same_staff(one: Session | None, other: Session) -> bool:
    """Whether a window's session means the same to a roster before and after a change."""
    return one is not None and (one.state in STAFFED, one.mode, one.clerk) == (
        other.state in STAFFED,
        other.mode,
        other.clerk,
    )


def lines_of(hall: Hall, session: Session) -> dict[str, int]:
    """The lines a session may call from, with their level at this window; lower levels go first."""
    window = hall.windows.get(session.window)
    if window is None:
        return {}
    levels: dict[str, int] = {}
    for serves in window.serves:
        if _takes(hall, session, serves) and not (serves.overflow and _is_covered(hall, serves.queue)):
            levels[serves.queue] = min(serves.level, levels.get(serves.queue, serves.level))
    levels[window_line(session.window)] = min((serves.level for serves in window.serves), default=0)
    return levels


def _takes(hall: Hall, session: Session, serves: Serves) -> bool:
    """Whether mode (W5, S2.16) and the clerk's skills (S3.10) let the session serve this queue."""
    queue = hall.queues.get(serves.queue)
    if queue is None or (serves.modes and session.mode not in serves.modes):
        return False
    if queue.is_bulk is not (session.mode is WindowMode.BULK):
        return False
    clerk = None if session.clerk is None else hall.clerks.get(session.clerk)
    return queue.skill is None or (clerk is not None and queue.skill in clerk.skills)


def _is_covered(hall: Hall, queue: str) -> bool:
    """Whether a staffed window serves the queue as its own and not as overflow."""
    return any(
        serves.queue == queue and not serves.overflow and _takes(hall, hall.sessions[number], serves)
        for number in hall.servers.get(queue, ())
        if hall.sessions[number].state in STAFFED
        for serves in hall.windows[number].serves
    )
