"""Which accidents befall a hall, and when: drawn from a seed, so that the seed brings all of them again.

Pure. A deck of every accident that is possible is shuffled and dealt out, then shuffled again, so that
even a short run meets the controller, the broker and a unit. When is a part of the run, from 0 to 1.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class What(StrEnum):
    KILL = "kill"  # SIGKILL; started again as systemd would
    STOP = "stop"  # SIGSTOP, and SIGCONT later: a process that hangs
    CUT = "cut"  # the network between a unit and the broker takes everything and delivers nothing
    FULL = "full"  # the disk takes no more bytes
    JUMP = "jump"  # the wall clock is set


WORKER, SUPERVISOR, BROKER, MACHINE = "worker", "supervisor", "broker", "machine"
CONTROLLER: Mapping[What, Sequence[str]] = {  # whom of the controller's machine it may meet
    What.KILL: (WORKER, WORKER, SUPERVISOR, BROKER, BROKER, MACHINE),
    What.STOP: (WORKER, BROKER),
    What.CUT: (),
    What.FULL: (MACHINE,),
    What.JUMP: (MACHINE,),
}
LENGTH_S: Mapping[What, tuple[float, float]] = {  # stops and cuts beyond the keep-alive, and within it
    What.STOP: (0.5, 12.0),
    What.CUT: (0.5, 15.0),
    What.FULL: (1.0, 10.0),
}
JUMPS_S = (-2400.0, -90.0, -30.0, 30.0, 90.0, 900.0, 2400.0)  # a hall's day has room for these
UNIT_JUMPS_S = (*JUMPS_S, 86_400.0, -31_536_000.0, -1_700_000_000.0)  # a unit's may be anything (F49)
EDGE = 0.05  # of the run without accidents, before the first and after the last


@dataclass(frozen=True, slots=True)
class Accident:
    """One accident. at: part of the run; length_s: until it is over; by_s: of a clock, from the true time."""

    at: float
    what: What
    victim: str
    length_s: float = 0.0
    by_s: float = 0.0

    def __str__(self) -> str:
        length = f" for {self.length_s:.1f} s" if self.length_s else ""
        by = f" by {self.by_s:+.0f} s" if self.by_s else ""
        return f"{self.at:.3f} {self.what} {self.victim}{length}{by}"


def schedule(seed: str, count: int, units: Sequence[str], kinds: Collection[What]) -> list[Accident]:
    """`count` accidents of these kinds, first to last. The same arguments give the same accidents."""
    chance = random.Random(seed)
    times = sorted(chance.uniform(EDGE, 1 - EDGE) for _ in range(count))
    cards = _dealt(chance, units, [kind for kind in What if kind in kinds])
    return [_accident(chance, at, *card) for at, card in zip(times, cards, strict=False)]


def _dealt(chance: random.Random, units: Sequence[str], kinds: Sequence[What]) -> Iterator[tuple[What, str]]:
    deck = [(kind, victim) for kind in kinds for victim in (*CONTROLLER[kind], *units)]
    while True:
        chance.shuffle(deck)
        yield from deck


def _accident(chance: random.Random, at: float, what: What, victim: str) -> Accident:
    length_s = round(chance.uniform(*LENGTH_S[what]), 1) if what in LENGTH_S else 0.0
    by_s = chance.choice(JUMPS_S if victim == MACHINE else UNIT_JUMPS_S) if what is What.JUMP else 0.0
    return Accident(at, what, victim, length_s, by_s)
