"""A citizen of the crowd: takes a slip, waits until the number stands over a window, is served, rates.

Pure. What one is like (patient, with a phone, willing to rate) is drawn once, on arrival.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from random import Random

from controller.demo.sight import Act, Keypad, Pace, Phone, RateKey, Seen
from controller.simulate import Arrival

WALKS_AWAY = 0.04  # of citizens, made up; the log's callers hang up more readily than people in a hall leave
RATES = 0.75
HAS_PHONE = 0.15
LETS_PASS = 0.1  # of those with the phone page open
RATINGS = (3, 2, 1, 0)
RATING_SHARES = (0.55, 0.35, 0.06, 0.04)
SHORTEST_PATIENCE, PATIENCE_MINUTES = timedelta(minutes=6), 19.0  # 25 minutes on average
GIVES_UP = timedelta(minutes=90)  # after this without being called again, one goes home
LOOKS_AGAIN = timedelta(minutes=3)
RATING_PROMPT_S = 3.0  # real: a key, two commits, two hops and one frame at 9600 baud take far less


class Step(StrEnum):
    IN_LINE = "in_line"  # at the dispenser
    WAITING = "waiting"
    WALKING = "walking"
    AT_WINDOW = "at_window"
    LEAVING = "leaving"  # the number went off the bar
    RATING = "rating"
    GONE = "gone"


class Told(StrEnum):
    """What the clerk said when the number went off the bar."""

    NOTHING = "nothing"
    DONE = "done"
    COME_BACK = "come_back"  # held or transferred: the number will be shown again


@dataclass(frozen=True, slots=True)
class Citizen:
    """One person. since: when this step began. service: how long the matter takes at a window."""

    id: int
    queue: str
    service: timedelta
    step: Step
    since: timedelta
    came_at: timedelta
    patience: timedelta | None
    rating: int | None
    has_phone: bool
    lets_pass: bool
    is_green: bool = False
    number: str = ""
    url: str = ""
    window: int | None = None
    told: Told = Told.NOTHING
    looked_at: timedelta | None = None

    def at(self, step: Step, now: timedelta, window: int | None = None) -> Citizen:
        return replace(self, step=step, since=now, window=window)


def new_citizen(id: int, arrival: Arrival, now: timedelta, chance: Random) -> Citizen:
    """The citizen of an arrival, with a temper drawn from `chance`."""
    patience = arrival.patience
    if patience is None and chance.random() < WALKS_AWAY:
        patience = SHORTEST_PATIENCE + timedelta(minutes=chance.expovariate(1 / PATIENCE_MINUTES))
    rating = chance.choices(RATINGS, RATING_SHARES)[0] if chance.random() < RATES else None
    has_phone = chance.random() < HAS_PHONE
    return Citizen(
        id=id,
        queue=arrival.queue,
        service=arrival.service,
        step=Step.IN_LINE,
        since=now,
        came_at=now,
        patience=patience,
        rating=rating,
        has_phone=has_phone,
        lets_pass=has_phone and chance.random() < LETS_PASS,
        is_green=arrival.is_priority,
    )


def live(citizen: Citizen, seen: Seen, now: timedelta, pace: Pace) -> tuple[Citizen, list[Act]]:
    """What the citizen does about what is seen now."""
    match citizen.step:
        case Step.WAITING:
            return _wait(citizen, seen, now)
        case Step.WALKING:
            return _walk(citizen, seen, now, pace)
        case Step.AT_WINDOW:
            return _stand(citizen, seen, now)
        case Step.LEAVING:
            return _leave(citizen, seen, now, pace)
        case Step.RATING:
            return _rate(citizen, seen, now, pace)
        case Step.IN_LINE | Step.GONE:
            return citizen, []


def _wait(citizen: Citizen, seen: Seen, now: timedelta) -> tuple[Citizen, list[Act]]:
    window = seen.window_of(citizen.number)
    if window is not None:
        return citizen.at(Step.WALKING, now, window), []
    if citizen.patience is not None and now - citizen.came_at > citizen.patience:
        return citizen.at(Step.GONE, now), []
    if now - citizen.since > GIVES_UP:
        return citizen.at(Step.GONE, now), []
    return _look_at_phone(citizen, now)


def _look_at_phone(citizen: Citizen, now: timedelta) -> tuple[Citizen, list[Act]]:
    if not (citizen.has_phone and citizen.url):
        return citizen, []
    if citizen.looked_at is not None and now - citizen.looked_at < LOOKS_AGAIN:
        return citizen, []
    lets_pass = citizen.lets_pass and citizen.looked_at is not None
    after = replace(citizen, looked_at=now, lets_pass=citizen.lets_pass and not lets_pass)
    return after, [Phone(citizen.url, "let_pass" if lets_pass else "look")]


def _walk(citizen: Citizen, seen: Seen, now: timedelta, pace: Pace) -> tuple[Citizen, list[Act]]:
    if seen.window_of(citizen.number) != citizen.window:
        return citizen.at(Step.WAITING, now), []
    walk = pace.at_least(6 + citizen.id % 9, 1.0)  # 6 to 14 s through the hall
    return (citizen.at(Step.AT_WINDOW, now, citizen.window) if now - citizen.since >= walk else citizen), []


def _stand(citizen: Citizen, seen: Seen, now: timedelta) -> tuple[Citizen, list[Act]]:
    if is_shown(citizen, seen):
        return citizen, []
    return citizen.at(Step.LEAVING, now, citizen.window), []


def is_shown(citizen: Citizen, seen: Seen) -> bool:
    """The citizen's number stands at the window they are at."""
    return citizen.window is not None and seen.number_at(citizen.window) in (
        citizen.number,
        citizen.number[-3:],
    )


def _leave(citizen: Citizen, seen: Seen, now: timedelta, pace: Pace) -> tuple[Citizen, list[Act]]:
    """Off the bar: rate when asked, sit down again when told to, go home when done."""
    if is_shown(citizen, seen):
        return citizen.at(Step.AT_WINDOW, now, citizen.window), []
    if citizen.told is Told.COME_BACK:
        return replace(citizen.at(Step.WAITING, now), told=Told.NOTHING), []
    if seen.keypads.get(citizen.window or 0, Keypad()).asks_rating:
        step = Step.GONE if citizen.rating is None else Step.RATING
        return citizen.at(step, now, citizen.window), []
    if now - citizen.since < pace.real(RATING_PROMPT_S):
        return citizen, []
    return citizen.at(Step.GONE if citizen.told is Told.DONE else Step.WAITING, now), []


def _rate(citizen: Citizen, seen: Seen, now: timedelta, pace: Pace) -> tuple[Citizen, list[Act]]:
    if not seen.keypads.get(citizen.window or 0, Keypad()).asks_rating:
        return citizen.at(Step.GONE, now), []  # the clerk has called the next one already
    if now - citizen.since < pace.at_least(4, 1.0):
        return citizen, []
    if citizen.window is None or citizen.rating is None:
        return citizen.at(Step.GONE, now), []
    return citizen.at(Step.GONE, now), [RateKey(citizen.window, citizen.rating)]
