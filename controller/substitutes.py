"""A and B persons (AB岗): who stands in for whom when somebody is on leave (S0.33).

Pure. Each queue has an A person and a B person; while A is on leave, B takes A's turns at its windows. Both
away is what a manager is told before it happens.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from controller.hall.model import Plan, Refused
from controller.store.rosters import Turn


@dataclass(frozen=True, slots=True)
class Pair:
    """Of one queue: the clerks who answer for it, the second while the first is away."""

    queue: str
    first: str | None
    second: str | None


@dataclass(frozen=True, slots=True)
class Leave:
    """Somebody is away on these days, both included."""

    id: int
    clerk: str
    first: date
    last: date


def check_pair(pair: Pair) -> None:
    if pair.first is not None and pair.first == pair.second:
        raise Refused("pair_same", "the A and the B person are not the same")


def check_leave(leave: Leave) -> None:
    if leave.last < leave.first:
        raise Refused("leave_order", "a leave ends before it begins")


def away(leaves: Collection[Leave], day: date) -> frozenset[str]:
    return frozenset(one.clerk for one in leaves if one.first <= day <= one.last)


def uncovered(pairs: Sequence[Pair], leaves: Collection[Leave], day: date) -> list[Pair]:
    """The queues whose A person is away with no B person to stand in."""
    gone = away(leaves, day)
    return [one for one in pairs if one.first in gone and (one.second is None or one.second in gone)]


def with_substitutes(
    turns: Sequence[Turn], plan: Plan, pairs: Sequence[Pair], leaves: Collection[Leave]
) -> list[Turn]:
    """The turns as they will be: of who is away, the B person's of a queue of that window, who is free then;
    nobody's when there is none."""
    serves = {window.number: {one.queue for one in window.serves} for window in plan.windows}
    found: list[Turn] = []
    for turn in turns:
        if turn.clerk is None or turn.clerk not in away(leaves, turn.day):
            found.append(turn)
            continue
        standing_in = _seconds(turn, pairs, serves.get(turn.window, set()))
        gone = away(leaves, turn.day)
        free = (one for one in standing_in if one not in gone and not _is_busy(one, turn, [*found, *turns]))
        found.append(replace(turn, clerk=next(free, None)))
    return found


def _seconds(turn: Turn, pairs: Sequence[Pair], queues: Collection[str]) -> Iterator[str]:
    for pair in pairs:
        if pair.first == turn.clerk and pair.second is not None and pair.queue in queues:
            yield pair.second


def _is_busy(clerk: str, turn: Turn, others: Sequence[Turn]) -> bool:
    return any(
        one.clerk == clerk and one.day == turn.day and one.start < turn.end and turn.start < one.end
        for one in others
    )
