"""How long matters take and how fast clerks are: what the hall knew, and what every service teaches.

Pure, and nothing here looks at a plan. The logarithm of a service time is taken as

    log(configured mean) - spread^2 / 2 + queue + item - clerk - clerk in this section + chance

where each term is a belief with a mean (0 until something is learned) and a variance. A service moves every
term by its share of the surprise, so few services move little and a settled belief hardly moves (empirical
Bayes with normal beliefs, West & Harrison, Bayesian Forecasting and Dynamic Models, 2nd ed., ch. 4). A
surprise counts for at most OUTLIER spreads, so one forgotten key does not spoil a pace (Huber).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeVar

from immutables import Map

OUTLIER = 2.5  # spreads; a normal surprise is larger once in eighty services
SHORTEST_S = 5.0  # a service shorter than this is a slip of the finger
SPREAD_WORTH = 50.0  # services that the assumed spread is worth
SPREAD_MEMORY = 5000.0  # services after which older ones fade

_Key = TypeVar("_Key")


class Belief(NamedTuple):
    """A normal belief about one term of a logarithm."""

    mean: float
    variance: float


class Doubts(NamedTuple):
    """How far the terms may lie from 0 before anything is learned: standard deviations."""

    queue: float
    item: float
    clerk: float
    section: float
    service: float


class Served(NamedTuple):
    """A finished service: its matter, who did it, how long it took and what the plan said."""

    queue: str
    item: str | None
    clerk: str
    section: str
    seconds: float
    configured_s: float


@dataclass(frozen=True, slots=True)
class Paces:
    """Beliefs per queue, (queue, item), clerk, (clerk, section); and how far chance spread so far."""

    queues: Map[str, Belief] = field(default_factory=Map)
    items: Map[tuple[str, str], Belief] = field(default_factory=Map)
    clerks: Map[str, Belief] = field(default_factory=Map)
    sections: Map[tuple[str, str], Belief] = field(default_factory=Map)
    squares: float = 0.0  # of the surprises
    count: float = 0.0


def spread(paces: Paces, doubts: Doubts) -> float:
    """Standard deviation of the logarithm of services of one kind by one clerk."""
    known = SPREAD_WORTH * doubts.service**2 + paces.squares
    return math.sqrt(known / (SPREAD_WORTH + paces.count))


def length(paces: Paces, queue: str, item: str | None = None) -> float:
    """How many times longer than configured this matter takes on average with a usual clerk."""
    return math.exp(_mean(paces.queues.get(queue)) + _item(paces, queue, item))


def pace(paces: Paces, clerk: str, section: str) -> float:
    """Logarithm of how many times faster than usual the clerk serves matters of a section."""
    return _mean(paces.clerks.get(clerk)) + _mean(paces.sections.get((clerk, section)))


def learn(paces: Paces, doubts: Doubts, served: Served) -> Paces:
    """The paces after one more service."""
    key, skill = (served.queue, served.item or ""), (served.clerk, served.section)
    queue = paces.queues.get(served.queue) or Belief(0.0, doubts.queue**2)
    item = paces.items.get(key) or Belief(0.0, doubts.item**2 if served.item else 0.0)
    clerk = paces.clerks.get(served.clerk) or Belief(0.0, doubts.clerk**2)
    section = paces.sections.get(skill) or Belief(0.0, doubts.section**2)
    sigma = spread(paces, doubts)
    expected = math.log(served.configured_s) - sigma**2 / 2
    expected += queue.mean + item.mean - clerk.mean - section.mean
    surprise = math.log(max(SHORTEST_S, served.seconds)) - expected
    surprise = max(-OUTLIER * sigma, min(OUTLIER * sigma, surprise))
    total = sigma**2 + queue.variance + item.variance + clerk.variance + section.variance
    fade = min(1.0, SPREAD_MEMORY / (paces.count + 1.0))
    return Paces(
        queues=paces.queues.set(served.queue, _moved(queue, surprise, total)),
        items=paces.items.set(key, _moved(item, surprise, total)) if served.item else paces.items,
        clerks=paces.clerks.set(served.clerk, _moved(clerk, -surprise, total)),
        sections=paces.sections.set(skill, _moved(section, -surprise, total)),
        squares=fade * (paces.squares + surprise**2 * sigma**2 / total),
        count=fade * (paces.count + 1.0),
    )


def known(paces: Paces, clerk: str, section: str, log_pace: float, variance: float) -> Paces:
    """The paces with what is known beforehand of a clerk's pace in a section, by its logarithm."""
    belief = Belief(log_pace - _mean(paces.clerks.get(clerk)), variance)
    return replace(paces, sections=paces.sections.set((clerk, section), belief))


def overnight(paces: Paces, doubts: Doubts, drift: float) -> Paces:
    """The paces on another day: a little less sure, and never less than before anything was learned."""
    return replace(
        paces,
        queues=_doubted(paces.queues, doubts.queue, drift),
        items=_doubted(paces.items, doubts.item, drift),
        clerks=_doubted(paces.clerks, doubts.clerk, drift),
        sections=_doubted(paces.sections, doubts.section, drift),
    )


def _doubted(beliefs: Map[_Key, Belief], doubt: float, drift: float) -> Map[_Key, Belief]:
    most = doubt**2
    return Map(
        {
            key: Belief(one.mean, max(one.variance, min(most, one.variance + drift**2)))
            for key, one in beliefs.items()
        }
    )


def _moved(belief: Belief, surprise: float, total: float) -> Belief:
    share = belief.variance / total
    return Belief(belief.mean + share * surprise, belief.variance * (1.0 - share))


def _mean(belief: Belief | None) -> float:
    return 0.0 if belief is None else belief.mean


def _item(paces: Paces, queue: str, item: str | None) -> float:
    return 0.0 if item is None else _mean(paces.items.get((queue, item)))
