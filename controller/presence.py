"""Which units are there: from wills, births and heartbeats, never from a retained word alone (R12, R13).

Times are seconds of the controller's monotonic clock, given by the caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from firmware.protocol.messages import Birth, ConfigState, Health, OutboxState, UnitState

TAKEOVERS = 3  # R17
TAKEOVER_WINDOW_S = 60.0  # R17


class Status(StrEnum):
    UNKNOWN = "unknown"  # never heard of since the controller started
    ONLINE = "online"
    SUSPECT = "suspect"  # says it is online, but has not spoken
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class Deadlines:
    """heartbeat_lost: without a live word; suspect, offline: of a unit known by a retained word only."""

    heartbeat_lost_s: float = 30.0
    suspect_s: float = 90.0
    offline_s: float = 180.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of one unit. claimed_s: when it was first said to be online; alive_s: last live word."""

    sess: int | None = None
    boot: int | None = None
    is_claimed: bool | None = None  # None: neither a birth nor a will said so yet
    claimed_s: float = 0.0
    alive_s: float | None = None
    up_since_s: float | None = None  # when its program started, by the earliest of its heartbeats
    birth: Birth | None = None
    health: Health | None = None
    config: ConfigState | None = None


@dataclass(slots=True)
class Takeovers:
    """Finds two boards that live under one identity, as after a card was copied (R17).

    They take the connection from each other, so births alternate between them. A board that only
    restarts, however often, is a new life each time and never the one before. A life comes back only with
    a newer session: a broker that was killed brings retained births of long ago again.
    """

    _lives: dict[str, list[tuple[float, object]]] = field(default_factory=dict)
    _sessions: dict[tuple[str, object], int] = field(default_factory=dict)  # of each life, the newest

    def born(self, unit: str, life: object, sess: int, now_s: float) -> bool:
        """Whether this birth shows two boards: three takeovers within a minute, of which one came back."""
        if sess <= self._sessions.get((unit, life), 0):
            return False
        self._sessions[unit, life] = sess
        recent = [(at_s, one) for at_s, one in self._lives.get(unit, []) if now_s - at_s < TAKEOVER_WINDOW_S]
        if not recent or recent[-1][1] != life:
            recent.append((now_s, life))
        self._lives[unit] = recent
        return len(recent) > TAKEOVERS and len({one for _, one in recent}) < len(recent)


@dataclass(slots=True)
class Lags:
    """Finds units that speak and are not heard, or not confirmed: a broker may drop what it has acked (F64).

    What a unit says of its outbox must move: its events arrive here, or our acks there. after_s: how long
    it may stand still while something waits.
    """

    after_s: float
    _stood: dict[str, tuple[tuple[int, int], float]] = field(default_factory=dict)

    def told(self, unit: str, outbox: OutboxState, heard: int, now_s: float) -> str | None:
        """The leaf on which nothing moves, once that has lasted; heard: its last event committed here."""
        if outbox.acked >= outbox.hi:
            self._stood.pop(unit, None)
            return None
        at = (heard, outbox.acked)
        before, since_s = self._stood.get(unit, (None, now_s))
        if before != at:
            self._stood[unit] = (at, now_s)
            return None
        if now_s - since_s < self.after_s:
            return None
        return "up/evt" if heard < outbox.hi else "down/ack"


@dataclass(slots=True)
class Presence:
    """All units of one hall that were heard of."""

    deadlines: Deadlines = field(default_factory=Deadlines)
    _seen: dict[str, Seen] = field(default_factory=dict)

    def of(self, unit: str) -> Seen:
        return self._seen.get(unit, Seen())

    def all(self) -> Mapping[str, Seen]:
        return dict(self._seen)

    def state(self, unit: str, state: UnitState, now_s: float) -> None:
        """A birth's or will's word. A will counts only for the session that is current (R12)."""
        seen = self.of(unit)
        if not state.online:
            if seen.sess in (None, state.sess):
                self._seen[unit] = replace(seen, sess=state.sess, is_claimed=False, alive_s=None)
            return
        is_new = not seen.is_claimed or seen.sess != state.sess
        self._seen[unit] = replace(
            _of_boot(seen, state.boot),
            sess=state.sess,
            is_claimed=True,
            claimed_s=now_s if is_new else seen.claimed_s,
        )

    def birth(self, unit: str, birth: Birth) -> None:
        """A self-description. It may be a retained one whose unit is gone: `state` or a live word decides."""
        seen = self.of(unit)
        if seen.sess is None or birth.sess > seen.sess:
            seen = _of_boot(seen, birth.boot)
            seen = replace(seen, sess=birth.sess, is_claimed=None, alive_s=None)
        self._seen[unit] = replace(seen, birth=birth)

    def config(self, unit: str, config: ConfigState) -> None:
        self._seen[unit] = replace(self.of(unit), config=config)

    def health(self, unit: str, health: Health, now_s: float) -> None:
        """A heartbeat, or a health document, which may be a retained one of long ago.

        It is a live word when it is a heartbeat (never retained) or newer than one heard before.
        """
        seen = self.of(unit)
        before = seen.health
        is_newer = before is not None and before.sess == health.sess and before.uptime_s < health.uptime_s
        kept = health if health.full else before or health
        up_since = seen.up_since_s
        if health.sess == seen.sess:
            up_since = min(now_s - health.uptime_s, now_s if up_since is None else up_since)
        self._seen[unit] = replace(seen, health=kept, up_since_s=up_since)
        if not health.full or is_newer:
            self.alive(unit, now_s)

    def alive(self, unit: str, now_s: float) -> None:
        """Something came that is never retained: the unit speaks now."""
        seen = self.of(unit)
        self._seen[unit] = replace(seen, alive_s=now_s, is_claimed=True)

    def age_s(self, unit: str, boot: int, mono_ms: int, now_s: float) -> float:
        """How long ago at least something happened that the unit dated so (R16); no clock is asked.

        0 while the unit has not said how long it runs. Of an earlier boot: as long as this one lasts.
        """
        seen = self.of(unit)
        if seen.up_since_s is None or seen.boot is None or boot > seen.boot:
            return 0.0
        happened_s = seen.up_since_s + (mono_ms / 1000 if boot == seen.boot else 0.0)
        return max(0.0, now_s - happened_s)

    def status(self, unit: str, now_s: float) -> Status:
        seen = self._seen.get(unit)
        if seen is None or seen.is_claimed is None:
            return Status.UNKNOWN
        if not seen.is_claimed:
            return Status.OFFLINE
        if seen.alive_s is not None:
            silent = now_s - seen.alive_s
            return Status.ONLINE if silent < self.deadlines.heartbeat_lost_s else Status.OFFLINE
        silent = now_s - seen.claimed_s
        if silent < self.deadlines.suspect_s:
            return Status.ONLINE
        return Status.SUSPECT if silent < self.deadlines.offline_s else Status.OFFLINE


def _of_boot(seen: Seen, boot: int) -> Seen:
    """What is known of a unit, in this boot of it."""
    return replace(seen, boot=boot, up_since_s=seen.up_since_s if boot == seen.boot else None)
