"""Steps of units' own clocks, as the pages of those who look for a wrong time tell them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from controller.store.clock_jumps import Jump, jumps
from web.status import lasting
from web.visit import the_site

SHORT = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True)
class Step:
    """before, after: what the unit's clock showed, in the hall's time zone; by: with its sign, in words."""

    unit: str
    at: datetime
    before: str
    after: str
    by: str


def steps(hall: str, since: datetime, until: datetime, unit: str = "") -> Sequence[Step]:
    """In a hall, or of one unit, between two moments of the hall's clock; newest first."""
    with the_site().store.reading() as c:
        return [_step(one) for one in jumps(c, hall, since, until, unit)]


def _step(jump: Jump) -> Step:
    sign = "-" if jump.by_s < 0 else "+"
    by = f"{sign}{lasting(timedelta(seconds=abs(jump.by_s)))}"
    return Step(jump.unit, jump.at, _shown(jump.before), _shown(jump.after), by)


def _shown(told: str) -> str:
    """A time a unit wrote; one so far off that no zone can be reckoned for it as it stands."""
    moment = datetime.fromisoformat(told)
    zoned = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    try:
        return zoned.astimezone(the_site().settings.zone).strftime(SHORT)
    except OverflowError:
        return told
