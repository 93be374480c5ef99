"""A clerk of the crowd at a window with a hardware keypad: signs in, calls, starts, finishes, takes breaks.

Pure. A clerk looks at the LED bar, the digits of the keypad and who stands before the window, and pushes
keys. A number that comes up without the clerk having asked for one means that a person has taken the
window over in the browser: it is theirs until nobody is called there for a while.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from random import Random

from controller.demo.sight import Act, Key, Keypad, Pace, Seen, SendOn, SignIn, SignOut
from firmware.protocol.messages import Key as KeyName

PAUSES, HOLDS, TRANSFERS, FINISHES_BY_CALLING = 0.03, 0.03, 0.02, 0.3  # made up; per served citizen
HELD_FOR = timedelta(minutes=6)
LEFT_ALONE = timedelta(minutes=10)  # a person who took the window over would have called somebody
STRANGER_SERVICE = timedelta(minutes=4)
BREAK_MINUTES = (4.0, 10.0)
NO_SHOW_AFTER = timedelta(seconds=125)  # sample_plan: no_show_after is 120 s
RECALL_AFTER = timedelta(seconds=45)
SENT_ON = "sent_on"  # instead of a key: transferred on the console
LATE_NUMBER_S = 90.0  # real: a key pushed while the controller or the broker was away may still call somebody
KEY_ANSWER_S = 8.0  # real: no answer on the wires to a key for so long and it is pushed again
SIGN_IN_S = 20.0  # real
CALLING_KEYS = frozenset({KeyName.CALL_NEXT, KeyName.CALL_BACK})
IDLE_BEFORE_HOME = timedelta(minutes=2)


class Mood(StrEnum):
    AWAY = "away"  # not signed in yet
    FREE = "free"
    CALLING = "calling"  # asked for the next number and waits for it to come up
    CALLED = "called"
    SERVING = "serving"
    ENDING = "ending"  # pushed a key that ends this service, and waits for the number to go
    PAUSED = "paused"
    HANDS_OFF = "hands_off"  # a person works here in the browser
    HOME = "home"


@dataclass(frozen=True, slots=True)
class Clerk:
    """One clerk. until: end of the service or break. ending: the key last pushed to call or to end."""

    window: int
    mood: Mood = Mood.AWAY
    since: timedelta = timedelta()
    acted_at: timedelta | None = None
    number: str = ""
    until: timedelta = timedelta()
    ending: str = ""
    held_number: str = ""
    held_at: timedelta | None = None
    recalls: int = 0
    asked_at: timedelta | None = None  # last push of a key that calls, until a number came of it

    def to(self, mood: Mood, now: timedelta) -> Clerk:
        return replace(self, mood=mood, since=now, acted_at=None)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who belongs to the number shown, as the clerk sees it: is anybody there, and how long will it take."""

    is_here: bool
    service: timedelta = STRANGER_SERVICE


@dataclass(frozen=True, slots=True)
class Scene:
    """What a clerk looks at, besides the keys. visitor: None while no number is shown."""

    seen: Seen
    now: timedelta
    pace: Pace
    closes: timedelta
    visitor: Visitor | None

    def keypad(self, window: int) -> Keypad:
        return self.seen.keypads.get(window, Keypad())

    def is_due(self, clerk: Clerk, wait: timedelta) -> bool:
        """The clerk may act (again): never acted in this mood, or `wait` ago."""
        return clerk.acted_at is None or self.now - clerk.acted_at >= wait


def work(clerk: Clerk, scene: Scene, chance: Random) -> tuple[Clerk, list[Act]]:
    """What the clerk does now."""
    shown = scene.seen.number_at(clerk.window)
    match clerk.mood:
        case Mood.AWAY:
            return _arrive(clerk, scene)
        case Mood.FREE:
            return _be_free(clerk, scene, shown, chance)
        case Mood.CALLING:
            return _await_number(clerk, scene, shown)
        case Mood.CALLED:
            return _await_citizen(clerk, scene, shown)
        case Mood.SERVING:
            return _serve(clerk, scene, shown, chance)
        case Mood.ENDING:
            return _end(clerk, scene, shown)
        case Mood.PAUSED:
            return _pause(clerk, scene, shown)
        case Mood.HANDS_OFF:
            return _stand_by(clerk, scene, shown), []
        case Mood.HOME:
            return clerk, []


def _push(clerk: Clerk, scene: Scene, key: KeyName) -> tuple[Clerk, list[Act]]:
    asked_at = scene.now if key in CALLING_KEYS else clerk.asked_at
    return replace(clerk, acted_at=scene.now, asked_at=asked_at), [Key(clerk.window, key.value)]


def _arrive(clerk: Clerk, scene: Scene) -> tuple[Clerk, list[Act]]:
    if not scene.seen.is_closed(clerk.window):
        return clerk.to(Mood.FREE, scene.now), []
    if scene.now >= scene.closes + IDLE_BEFORE_HOME:
        return clerk.to(Mood.HOME, scene.now), []  # nobody can open a window any more
    if scene.is_due(clerk, scene.pace.real(SIGN_IN_S)):
        return replace(clerk, acted_at=scene.now), [SignIn(clerk.window)]
    return clerk, []


def _be_free(clerk: Clerk, scene: Scene, shown: str | None, chance: Random) -> tuple[Clerk, list[Act]]:
    if shown is not None:
        return _number_without_asking(clerk, scene, shown)
    if scene.seen.is_paused(clerk.window):
        return _unpause(clerk, scene)
    if scene.seen.is_closed(clerk.window) and scene.now - clerk.since > scene.pace.real(SIGN_IN_S):
        return clerk.to(Mood.HANDS_OFF, scene.now), []  # somebody signed this clerk out
    if scene.now - clerk.since < scene.pace.at_least(12 + clerk.window % 4, 2.0):
        return clerk, []
    if clerk.held_at is not None and scene.now - clerk.held_at >= HELD_FOR:
        calling = replace(clerk.to(Mood.CALLING, scene.now), held_at=None, ending=KeyName.CALL_BACK.value)
        return _push(calling, scene, KeyName.CALL_BACK)
    if scene.keypad(clerk.window).waiting:
        if chance.random() < PAUSES:
            return take_break(clerk, scene.now, chance)
        calling = replace(clerk.to(Mood.CALLING, scene.now), ending=KeyName.CALL_NEXT.value)
        return _push(calling, scene, KeyName.CALL_NEXT)
    is_over = scene.now >= scene.closes and scene.now - clerk.since >= IDLE_BEFORE_HOME
    if is_over and clerk.held_at is None:
        return clerk.to(Mood.HOME, scene.now), [SignOut(clerk.window)]
    return clerk, []


def _unpause(clerk: Clerk, scene: Scene) -> tuple[Clerk, list[Act]]:
    """Paused without wanting to be: a key thought lost was not. It looks the same while the unit is away."""
    if scene.now - clerk.since < scene.pace.real(KEY_ANSWER_S) or not scene.is_due(
        clerk, scene.pace.real(2 * KEY_ANSWER_S)
    ):
        return clerk, []
    return _push(clerk, scene, KeyName.PAUSE)


def _number_without_asking(clerk: Clerk, scene: Scene, shown: str) -> tuple[Clerk, list[Act]]:
    """A number the clerk knows is work left over from before a restart, one that comes late was asked for.

    Any other is somebody else's call.
    """
    is_late = clerk.asked_at is not None and scene.now - clerk.asked_at < scene.pace.real(LATE_NUMBER_S)
    if is_late or shown[-3:] == clerk.number[-3:]:
        return _called(clerk, scene, shown), []
    return clerk.to(Mood.HANDS_OFF, scene.now), []


def _stand_by(clerk: Clerk, scene: Scene, shown: str | None) -> Clerk:
    """Somebody else works here; when nobody has for a while and people wait, the clerk goes on."""
    seen, window = scene.seen, clerk.window
    if shown is not None or seen.is_paused(window) or seen.is_closed(window):
        return replace(clerk, since=scene.now)
    is_left = scene.now - clerk.since >= LEFT_ALONE and scene.keypad(window).waiting
    return clerk.to(Mood.FREE, scene.now) if is_left else clerk


def _called(clerk: Clerk, scene: Scene, shown: str) -> Clerk:
    return replace(clerk.to(Mood.CALLED, scene.now), number=shown, recalls=0, asked_at=None)


def _await_number(clerk: Clerk, scene: Scene, shown: str | None) -> tuple[Clerk, list[Act]]:
    if shown is not None:
        called = _called(clerk, scene, shown)
        if clerk.ending == KeyName.CALL_BACK.value:
            return _begin(called, scene), []
        return called, []
    if not scene.is_due(clerk, scene.pace.real(KEY_ANSWER_S)):
        return clerk, []
    return clerk.to(Mood.FREE, scene.now), []  # taken by another window, or the key was lost: look again


def _await_citizen(clerk: Clerk, scene: Scene, shown: str | None) -> tuple[Clerk, list[Act]]:
    if shown is None:
        return clerk.to(Mood.FREE, scene.now), []
    if shown[-3:] != clerk.number[-3:]:
        return clerk.to(Mood.HANDS_OFF, scene.now), []
    waited = scene.now - clerk.since
    if scene.visitor is not None and scene.visitor.is_here:
        if waited >= scene.pace.at_least(4, 0.8) and scene.is_due(clerk, scene.pace.real(KEY_ANSWER_S)):
            return _begin(clerk, scene), [Key(clerk.window, KeyName.START.value)]
        return clerk, []
    if waited >= NO_SHOW_AFTER:
        pushed = scene.is_due(clerk, scene.pace.real(KEY_ANSWER_S))
        return _push(clerk, scene, KeyName.NO_SHOW) if pushed else (clerk, [])
    if waited >= RECALL_AFTER and clerk.recalls == 0:
        after, acts = _push(clerk, scene, KeyName.RECALL)
        return replace(after, recalls=1), acts
    return clerk, []


def _begin(clerk: Clerk, scene: Scene) -> Clerk:
    service = scene.visitor.service if scene.visitor else STRANGER_SERVICE
    return replace(clerk.to(Mood.SERVING, scene.now), until=scene.now + service)


def _serve(clerk: Clerk, scene: Scene, shown: str | None, chance: Random) -> tuple[Clerk, list[Act]]:
    if shown is None:
        return clerk.to(Mood.FREE, scene.now), []  # transferred or finished by a manager
    if shown[-3:] != clerk.number[-3:]:
        return clerk.to(Mood.HANDS_OFF, scene.now), []
    if scene.seen.is_called(clerk.window) and scene.now - clerk.since >= scene.pace.real(KEY_ANSWER_S):
        started = replace(clerk, since=scene.now)
        return started, [Key(clerk.window, KeyName.START.value)]  # the first push was lost
    if scene.now < clerk.until:
        return clerk, []
    return _push_ending(clerk, scene, _choose_ending(clerk, scene, chance))


def _choose_ending(clerk: Clerk, scene: Scene, chance: Random) -> KeyName | None:
    """The key that ends this service; None: it goes on at another window."""
    draw = chance.random()
    if draw < HOLDS and clerk.held_at is None and scene.now < scene.closes:
        return KeyName.HOLD
    if draw < HOLDS + TRANSFERS and scene.now < scene.closes:
        return None
    if draw < HOLDS + TRANSFERS + FINISHES_BY_CALLING and scene.keypad(clerk.window).waiting:
        return KeyName.CALL_NEXT
    return KeyName.FINISH


def _push_ending(clerk: Clerk, scene: Scene, key: KeyName | None) -> tuple[Clerk, list[Act]]:
    ending = clerk.to(Mood.ENDING, scene.now)
    if key is None:
        return replace(ending, ending=SENT_ON, acted_at=scene.now), [SendOn(clerk.window)]
    return _push(replace(ending, ending=key.value), scene, key)


def _end(clerk: Clerk, scene: Scene, shown: str | None) -> tuple[Clerk, list[Act]]:
    if shown is not None and shown[-3:] == clerk.number[-3:]:
        if not scene.is_due(clerk, scene.pace.real(KEY_ANSWER_S)):
            return clerk, []
        return _push(replace(clerk, ending=KeyName.FINISH.value), scene, KeyName.FINISH)
    if clerk.ending == KeyName.HOLD.value:
        held = replace(clerk, held_number=clerk.number, held_at=scene.now)
        return held.to(Mood.FREE, scene.now), []
    if shown is not None:
        return _called(clerk, scene, shown), []
    return clerk.to(Mood.FREE, scene.now), []


def _pause(clerk: Clerk, scene: Scene, shown: str | None) -> tuple[Clerk, list[Act]]:
    if shown is not None:
        return clerk.to(Mood.HANDS_OFF, scene.now), []
    if scene.now < clerk.until:
        return clerk, []
    if not scene.seen.is_paused(clerk.window):
        return clerk.to(Mood.FREE, scene.now), []
    if not scene.is_due(clerk, scene.pace.real(KEY_ANSWER_S)):
        return clerk, []
    return _push(clerk, scene, KeyName.PAUSE)


def take_break(clerk: Clerk, now: timedelta, chance: Random) -> tuple[Clerk, list[Act]]:
    """A break for some minutes; only a free clerk takes one."""
    length = timedelta(minutes=chance.uniform(*BREAK_MINUTES))
    paused = replace(clerk.to(Mood.PAUSED, now), until=now + length, acted_at=now)
    return paused, [Key(clerk.window, KeyName.PAUSE.value)]
