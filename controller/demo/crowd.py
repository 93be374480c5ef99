"""All the people of the sample hall's day: who is at the dispenser, who waits, who sits at the windows.

Pure: `look` takes what the wires show and gives what people do about it. They come as the day's arrivals
say, one after another at the one dispenser. A number nobody of the crowd holds belongs to a stranger:
whoever is playing with the wires page gets served like everybody else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random

from controller.demo import citizens, clerks
from controller.demo.citizens import Citizen, Step, Told
from controller.demo.clerks import SENT_ON, Clerk, Mood, Scene, Visitor
from controller.demo.sight import Act, Pace, Press, Seen, Slip
from controller.simulate import Arrival
from firmware.protocol.messages import Key as KeyName

SLIP_S = 12.0  # real: a slip takes 1-4 s at 9600 baud, an offline one 0.3 s more, a restart some seconds
PRESSES = 3
UNSEEN = timedelta(minutes=10)  # who came so long ago, while the demo was stopped and forgot, has left again
STRANGERS_WALK = 12.0  # s of the hall; at least 2 s real
WALK_REAL_S = 2.0
SERVED = frozenset({KeyName.FINISH.value, KeyName.CALL_NEXT.value})
SENT_ELSEWHERE = frozenset({KeyName.HOLD.value, SENT_ON})


@dataclass(slots=True)
class Crowd:
    """The people of one day. People and clerks are values; the crowd holds the present ones.

    date: ISO day. line: citizens before the dispenser, the first is at it. presses and pressed_at: of the
    first in line. taken: numbers whose slip somebody has picked up. coming: index of the next arrival.
    """

    date: str
    people: dict[int, Citizen] = field(default_factory=dict)
    staff: dict[int, Clerk] = field(default_factory=dict)
    line: list[int] = field(default_factory=list)
    presses: int = 0
    pressed_at: timedelta | None = None
    taken: list[str] = field(default_factory=list)
    coming: int = 0
    shown_since: dict[int, tuple[str, timedelta]] = field(default_factory=dict)
    without_slip: int = 0
    has_ended: bool = False  # the day is over and everybody went home

    @property
    def is_over(self) -> bool:
        """Every clerk has gone home or left the window to a person."""
        return all(clerk.mood in (Mood.HOME, Mood.HANDS_OFF) for clerk in self.staff.values())

    def look(
        self,
        seen: Seen,
        now: timedelta,
        arrivals: Sequence[Arrival],
        closes: timedelta,
        pace: Pace,
        chance: Random,
    ) -> list[Act]:
        """Everybody looks up once. now, closes: hall time since midnight."""
        self._arrive(arrivals, now, chance)
        if now >= closes:
            self._send_home_without_number(now)
        acts = self._dispense(seen, now, pace)
        self._note_numbers(seen, now)
        for person in list(self.people.values()):
            if person.step is not Step.GONE:
                self.people[person.id], done = citizens.live(person, seen, now, pace)
                acts += done
        for clerk in list(self.staff.values()):
            acts += self._work(clerk, seen, now, closes, pace, chance)
        return acts

    # --- the doors and the dispenser

    def _arrive(self, arrivals: Sequence[Arrival], now: timedelta, chance: Random) -> None:
        while self.coming < len(arrivals) and arrivals[self.coming].at <= now:
            if now - arrivals[self.coming].at > UNSEEN:
                self.coming += 1
                continue
            person = citizens.new_citizen(self.coming, arrivals[self.coming], now, chance)
            self.people[person.id] = person
            self.line.append(person.id)
            self.coming += 1

    def _send_home_without_number(self, now: timedelta) -> None:
        """No more tickets are given out."""
        for id in self.line:
            self.people[id] = self.people[id].at(Step.GONE, now)
        self.without_slip += len(self.line)
        self.line, self.presses, self.pressed_at = [], 0, None

    def _dispense(self, seen: Seen, now: timedelta, pace: Pace) -> list[Act]:
        """The first in line presses and waits for the slip; without one after PRESSES tries steps aside."""
        fresh = [slip for slip in seen.slips if slip.number not in self.taken]
        self.taken += [slip.number for slip in fresh]
        if not self.line:
            return []
        first = self.people[self.line[0]]
        mine = next((slip for slip in fresh if slip.number.startswith(first.queue)), None)
        if mine is not None and self.pressed_at is not None:
            self._step_aside(replace(first.at(Step.WAITING, now), number=mine.number, url=mine.url))
            return []
        if self.pressed_at is not None and now - self.pressed_at < pace.real(SLIP_S):
            return []
        if self.presses >= PRESSES:
            self.without_slip += 1
            self._step_aside(first.at(Step.GONE, now))
            return []
        self.presses, self.pressed_at = self.presses + 1, now
        return [Press(first.queue, first.is_green)]

    def _step_aside(self, first: Citizen) -> None:
        self.people[first.id] = first
        self.line.pop(0)
        self.presses, self.pressed_at = 0, None

    # --- the windows

    def _note_numbers(self, seen: Seen, now: timedelta) -> None:
        """Since when each window shows the number it shows."""
        for window in seen.bars:
            number = seen.number_at(window)
            if number is None:
                self.shown_since.pop(window, None)
            elif self.shown_since.get(window, ("", now))[0] != number:
                self.shown_since[window] = (number, now)

    def _work(
        self, clerk: Clerk, seen: Seen, now: timedelta, closes: timedelta, pace: Pace, chance: Random
    ) -> list[Act]:
        scene = Scene(seen, now, pace, closes, self._visitor(clerk.window, seen, now, pace))
        after, acts = clerks.work(clerk, scene, chance)
        self.staff[clerk.window] = after
        if after.mood is Mood.ENDING:
            self._tell(after)
        return acts

    def _visitor(self, window: int, seen: Seen, now: timedelta, pace: Pace) -> Visitor | None:
        number = seen.number_at(window)
        if number is None:
            return None
        person = self.holder(number)
        if person is None:
            since = self.shown_since.get(window, (number, now))[1]
            return Visitor(now - since >= pace.at_least(STRANGERS_WALK, WALK_REAL_S))
        return Visitor(person.step is Step.AT_WINDOW and person.window == window, person.service)

    def holder(self, number: str) -> Citizen | None:
        """Who of the crowd took this number; of a keypad's three digits, whoever of those stands there."""
        named = [one for one in self.people.values() if one.number and one.number == number]
        if named or len(number) > 3:
            return named[0] if named else None
        alike = [one for one in self.people.values() if one.number.endswith(number)]
        return next((one for one in alike if one.step is Step.AT_WINDOW), None)

    def _tell(self, clerk: Clerk) -> None:
        """The clerk says goodbye or asks to come back: what the key pushed means for the citizen."""
        here = (
            one for one in self.people.values() if (one.step, one.window) == (Step.AT_WINDOW, clerk.window)
        )
        person = next((one for one in here if one.number.endswith(clerk.number[-3:])), None)
        if person is None or person.told is not Told.NOTHING:
            return
        if clerk.ending in SERVED:
            self.people[person.id] = replace(person, told=Told.DONE)
        elif clerk.ending in SENT_ELSEWHERE:
            left = person.service * 0.5
            self.people[person.id] = replace(person, told=Told.COME_BACK, service=left)


def new_day(date: str, windows: Sequence[int]) -> Crowd:
    """The hall before its doors open, with a clerk for each of these windows."""
    return Crowd(date, staff={window: Clerk(window) for window in windows})


def slips_known(crowd: Crowd, slips: Sequence[Slip]) -> None:
    """Slips that hang from the printer since before the crowd came: nobody picks them up now."""
    crowd.taken += [slip.number for slip in slips if slip.number not in crowd.taken]
