"""The boards of the halls for browsers that wait until something on them changes.

A board's tag is worked out from what it shows, so a browser that says which tag it has gets an answer
only when somebody would see a difference, also after a restart. Hides the waiting: one condition per
hall, each board drawn once per commit however many screens show it, and a limit to how many requests
may wait, because each holds a thread of the server.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from controller import boards
from controller.hall.model import Hall, Text
from controller.hall.waits import Forecast
from controller.live import Committed, Live
from controller.settings import Settings
from firmware.protocol import codec
from firmware.protocol.messages import Board

SHARE = 0.15  # of the server's threads may wait here; the rest is for streams and requests
COALESCE_S = 0.05  # commits this close together wake a screen once


@dataclass(frozen=True, slots=True)
class Shown:
    """A board as it is sent. tag: equal for as long as it looks the same."""

    tag: str
    board: Board


@dataclass(frozen=True, slots=True)
class Drawn:
    hall: Hall
    forecast: Forecast
    said: Text
    chosen: object
    shown: Shown

    def is_of(self, hall: Hall, forecast: Forecast, said: Text, chosen: object) -> bool:
        is_same = self.hall is hall and self.forecast is forecast
        return is_same and self.said == said and self.chosen == chosen


class Boards:
    """Who waits for boards. Raises KeyError for a hall or board that does not exist."""

    def __init__(self, halls: Mapping[str, Live], generation: int, settings: Settings) -> None:
        self._halls = halls
        self._generation = generation
        self._zone = settings.time_zone
        self._changed: dict[str, _Changed] = {}
        self._lock = threading.Lock()
        self._drawn: dict[tuple[str, str], Drawn] = {}
        self._free = threading.BoundedSemaphore(max(1, int(settings.http_threads * SHARE)))

    def now(self, hall: str, name: str) -> Shown:
        """The board as it is."""
        live = self._halls[hall]
        value, forecast, known = live.hall, live.lookout.now(), self._drawn.get((hall, name))
        now, source = live.clock.now(), live.shows.source(name)
        said = live.announcements.said(boards.zones_of(value, source), now)
        chosen = live.shows.state(value, name, now)
        if known is not None and known.is_of(value, forecast, said, chosen):
            return known.shown
        shown = self._draw(live, value, name, forecast, said)
        self._drawn[hall, name] = Drawn(value, forecast, said, chosen, shown)
        return shown

    def wait(self, hall: str, name: str, tag: str, timeout_s: float) -> Shown | None:
        """The board as soon as its tag is not `tag`; None when that did not happen within timeout_s.

        Raises TooMany at once when it would have to wait and too many do.
        """
        changed, deadline = self._changes(hall), time.monotonic() + timeout_s
        seen = changed.version
        shown = self.now(hall, name)
        if shown.tag != tag:
            return shown
        if not self._free.acquire(blocking=False):
            raise TooMany
        try:
            while shown.tag == tag:
                seen = changed.wait(seen, deadline - time.monotonic())
                if time.monotonic() >= deadline or changed.is_closed:
                    break
                shown = self.now(hall, name)
        finally:
            self._free.release()
        return shown if shown.tag != tag else None

    def close(self) -> None:
        """Let everybody who waits go."""
        with self._lock:
            for changed in self._changed.values():
                changed.close()

    def _changes(self, hall: str) -> _Changed:
        """Of a hall that may have been added only now."""
        with self._lock:
            if hall not in self._changed:
                self._changed[hall] = _Changed(self._halls[hall])
            return self._changed[hall]

    def wake(self, hall: str) -> None:
        """Let screens of a hall look again: something changed that is no event of it."""
        self._changes(hall).changed()

    def _draw(self, live: Live, hall: Hall, name: str, forecast: Forecast, said: Text) -> Shown:
        now = live.clock.now()
        looks = boards.looks(hall, live.shows.source(name), now, self._zone, forecast)
        if looks is None:
            raise KeyError(name)
        looks = live.shows.dress(boards.announcing(looks, said), hall, name, now)
        tag = hashlib.blake2b(codec.encode(looks), digest_size=9).hexdigest()
        return Shown(tag, replace(looks, ts=now, ver=live.seq, gen=self._generation))


class TooMany(Exception):
    """More screens wait than the server has threads for; this one has to ask again."""


class _Changed:
    """Counts the commits of one hall and wakes who waits for the next."""

    def __init__(self, live: Live) -> None:
        self._condition = threading.Condition()
        self._closing = threading.Event()
        self.version = 0
        self._end: Callable[[], None] = live.subscribe(self._committed)

    @property
    def is_closed(self) -> bool:
        return self._closing.is_set()

    def _committed(self, _done: Committed) -> None:
        self.changed()

    def changed(self) -> None:
        with self._condition:
            self.version += 1
            self._condition.notify_all()

    def wait(self, seen: int, timeout_s: float) -> int:
        """The version, as soon as it is more than `seen` or after timeout_s."""
        with self._condition:
            self._condition.wait_for(lambda: self.is_closed or self.version > seen, timeout_s)
        self._closing.wait(min(COALESCE_S, max(0.0, timeout_s)))
        return self.version

    def close(self) -> None:
        self._end()
        self._closing.set()
        with self._condition:
            self._condition.notify_all()
