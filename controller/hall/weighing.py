"""What is kept with a call of why it was this ticket: the numbers that decided, as reasons.py finds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

MOST_WEIGHED = 5  # candidates kept with a call


class Weighed(NamedTuple):
    """One candidate of a call with every number its index was made of (Balance)."""

    ticket: int
    waited_s: float
    rate: float
    claim_s: float  # waited and head start
    cost: float  # what waiting long adds
    length: float
    advantage: float
    pressure: float
    score: float  # rate x claim_s x cost x length x advantage x pressure
    near: int  # later ones of its section called before it so far
    far: int  # and of all sections


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why this ticket was called: one code with its facts for the clerk, all numbers for the manager.

    before: tickets that stood before it in its queue. windows: of `staffed` windows, those that serve it.
    candidates: the called one first, then at most MOST_WEIGHED - 1 next best; none where no index decided.
    """

    code: str
    facts: Mapping[str, str | int | float]
    before: int
    windows: int
    staffed: int
    candidates: tuple[Weighed, ...] = ()
