"""Days of citizens: who comes when, for which queue, and how long they are served.

Pure: chance is a random.Random handed in, so a seed names a day. Two sources: the shapes shipped in
controller/data (rounded figures of two real logs, see the README there), and a log of somebody's own,
followed event by event. What the crowd then does with these people is not decided here.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib.resources import files
from random import Random

from controller.hall.model import HallError

HALF_HOUR = timedelta(minutes=30)
DAY_S = 24 * 3600
# A lognormal of the measured spread has a tail no counter sees; a service stays within these factors of
# its queue's mean. The log's own 99th percentile lies at 5 to 9 times the mean of its type.
SHORTEST, LONGEST = 0.12, 6.0


class BadArrivals(HallError):
    """A file of arrivals says something we cannot follow. line: 1 is the header; column: its name."""

    def __init__(self, source: str, line: int, column: str, message: str) -> None:
        super().__init__(f"{source}, line {line}, column {column!r}: {message}")
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class Arrival:
    """One citizen. at: since local midnight. patience: leaves unserved after so long; None: stays."""

    at: timedelta
    queue: str
    service: timedelta
    is_priority: bool = False
    patience: timedelta | None = None


@dataclass(frozen=True, slots=True)
class ServiceType:
    """One kind of service in the log. share: of all citizens; cv: standard deviation over mean service."""

    code: str
    share: float
    high_priority: float
    cv: float


@dataclass(frozen=True, slots=True)
class Shapes:
    """What the logs say of any day. half_hours: start since midnight -> share of the day's citizens.

    weekdays: ISO weekday -> factor of the mean working day. queues: type -> (queue, part) pairs.
    """

    half_hours: Mapping[timedelta, float]
    weekdays: Mapping[int, float]
    types: tuple[ServiceType, ...]
    queues: Mapping[str, Sequence[tuple[str, float]]]


@dataclass(frozen=True, slots=True)
class Demand:
    """A day to make up: how many on a mean working day, and each queue's mean service.

    opens and last bound the arrivals; who would have come before `opens` stands at the door by then.
    """

    per_day: float
    mean_service: Mapping[str, timedelta]
    opens: timedelta
    last: timedelta
    weekday: int = 2


def shipped_shapes() -> Shapes:
    """The shapes of controller/data/shapes."""
    half_hours = {clock_time(row["starts"]): float(row["share"]) for row in _table("arrivals_by_half_hour")}
    weekdays = {int(row["weekday"]): float(row["factor"]) for row in _table("weekdays")}
    types = tuple(
        ServiceType(row["type"], float(row["share"]), float(row["high_priority"]), float(row["cv"]))
        for row in _table("service_types")
    )
    queues: dict[str, list[tuple[str, float]]] = {}
    for row in _table("types_to_queues"):
        queues.setdefault(row["type"], []).append((row["queue"], float(row["part"])))
    return Shapes(half_hours, weekdays, types, queues)


def made_up_day(shapes: Shapes, demand: Demand, chance: Random) -> list[Arrival]:
    """The citizens of one day in order of arrival; the same chance gives the same day."""
    return [_citizen(at, shapes, demand, chance) for at in _arrival_times(shapes, demand, chance)]


def service_time(mean: timedelta, cv: float, chance: Random) -> timedelta:
    """One service: lognormal with this mean and coefficient of variation, within SHORTEST..LONGEST means."""
    variance = math.log(1 + cv * cv)
    factor = math.exp(chance.gauss(-variance / 2, math.sqrt(variance)))
    return mean * min(max(factor, SHORTEST), LONGEST)


def clock_time(text: str) -> timedelta:
    """ "08:30" as time since midnight. Raises ValueError when it is not a time of day."""
    hours, colon, minutes = text.partition(":")
    found = timedelta(hours=int(hours), minutes=int(minutes))
    if not colon or not 0 <= int(minutes) < 60 or not timedelta() <= found <= timedelta(days=1):
        raise ValueError(f"{text!r} is not a time like 08:30")
    return found


def _table(name: str) -> Iterator[dict[str, str]]:
    text = (files("controller") / "data" / "shapes" / f"{name}.csv").read_text("utf-8")
    return csv.DictReader(text.splitlines())


def _arrival_times(shapes: Shapes, demand: Demand, chance: Random) -> list[timedelta]:
    """Poisson arrivals at each half hour's own rate; early comers are spread over the first minutes."""
    expected = demand.per_day * shapes.weekdays.get(demand.weekday, 1.0)
    times = []
    for starts, share in sorted(shapes.half_hours.items()):
        rate = expected * share
        position = chance.expovariate(rate) if rate > 0 else 1.0
        while position < 1.0:
            times.append(_not_before_the_doors(starts, position, demand.opens))
            position += chance.expovariate(rate)
    return sorted(at for at in times if demand.opens <= at < demand.last)


def _not_before_the_doors(starts: timedelta, position: float, opens: timedelta) -> timedelta:
    """Arrival at `position` of a half hour. In the half hour in which the doors open, after they opened."""
    first = opens if starts < opens < starts + HALF_HOUR else starts
    return first + (starts + HALF_HOUR - first) * position


def _citizen(at: timedelta, shapes: Shapes, demand: Demand, chance: Random) -> Arrival:
    kind = chance.choices(shapes.types, [each.share for each in shapes.types])[0]
    queue = _deal(shapes.queues[kind.code], chance)
    service = service_time(demand.mean_service[queue], kind.cv, chance)
    return Arrival(at, queue, service, is_priority=chance.random() < kind.high_priority)


def _deal(parts: Sequence[tuple[str, float]], chance: Random) -> str:
    return chance.choices([queue for queue, _ in parts], [part for _, part in parts])[0]


# --- a log of somebody's own --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Log:
    """Arrivals read from a file, by its days in order; a file without days has one, named ""."""

    days: Mapping[str, list[Arrival]]

    def nth_day(self, n: int) -> list[Arrival]:
        """The n-th day (0 = first), beginning again after the last."""
        names = sorted(self.days)
        return self.days[names[n % len(names)]]


def read_arrivals(
    lines: Iterable[str],
    queue_codes: Sequence[str],
    chance: Random,
    types: Mapping[str, Sequence[tuple[str, float]]],
    source: str = "arrivals",
) -> Log:
    """The arrivals of a CSV file. Raises BadArrivals naming the line and the column.

    Needed columns: arrival_s and service_s (seconds since midnight; seconds), and either queue (one of
    queue_codes) or type (dealt to queues as `types` says, by chance where a type has several). Optional:
    day; priority (2 is high); queue_s with outcome, where HANG left after queue_s unserved and PHANTOM is
    left out. Other columns are ignored.
    """
    rows = csv.DictReader(lines)
    header = list(rows.fieldnames or ())
    _check_header(header, source)
    days: dict[str, list[Arrival]] = {}
    try:
        for row in rows:
            if row.get("outcome") != "PHANTOM":
                reader = _Row(row, rows.line_num, source, queue_codes, types)
                days.setdefault(row.get("day") or "", []).append(reader.arrival(chance))
    except csv.Error as error:
        raise BadArrivals(source, rows.line_num, header[0], f"not CSV: {error}") from error
    if not days:
        raise BadArrivals(source, 2, header[0], "there is not one arrival in it")
    return Log({day: sorted(people, key=lambda one: one.at) for day, people in days.items()})


def _check_header(header: Sequence[str], source: str) -> None:
    for column in ("arrival_s", "service_s"):
        if column not in header:
            raise BadArrivals(source, 1, column, f"missing; the header has {', '.join(header) or 'nothing'}")
    if "queue" not in header and "type" not in header:
        raise BadArrivals(
            source, 1, "queue", "missing, and so is 'type'; one of them says whom to queue up for"
        )


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the file, and how to complain about it."""

    cells: Mapping[str, str | None]
    line: int
    source: str
    queue_codes: Sequence[str]
    types: Mapping[str, Sequence[tuple[str, float]]]

    def arrival(self, chance: Random) -> Arrival:
        """The citizen this line tells of. Raises BadArrivals, as the rest here."""
        at = self.seconds("arrival_s", DAY_S)
        hung_up = self.cells.get("outcome") == "HANG"
        return Arrival(
            timedelta(seconds=at),
            self.queue(chance),
            timedelta(seconds=self.seconds("service_s", DAY_S)),
            is_priority=(self.cells.get("priority") or "").strip() == "2",
            patience=timedelta(seconds=self.seconds("queue_s", DAY_S)) if hung_up else None,
        )

    def seconds(self, column: str, most: float) -> float:
        """The number in a column, from 0 to `most`."""
        text = (self.cells.get(column) or "").strip()
        try:
            value = float(text)
        except ValueError:
            raise self.bad(column, f"{text!r} is not a number of seconds") from None
        if not 0 <= value <= most:
            raise self.bad(column, f"{text} is not between 0 and {most:.0f} seconds")
        return value

    def queue(self, chance: Random) -> str:
        """The code of the queue that is named, or one by chance among those its type is spread over."""
        code = (self.cells.get("queue") or "").strip()
        if code or "queue" in self.cells:
            if code not in self.queue_codes:
                raise self.bad(
                    "queue", f"there is no queue {code!r}; there are {', '.join(self.queue_codes)}"
                )
            return code
        kind = (self.cells.get("type") or "").strip()
        if kind in self.queue_codes:
            return kind
        if kind not in self.types:
            raise self.bad("type", f"type {kind!r} is not known; known are {', '.join(sorted(self.types))}")
        return _deal(self.types[kind], chance)

    def bad(self, column: str, message: str) -> BadArrivals:
        return BadArrivals(self.source, self.line, column, message)
