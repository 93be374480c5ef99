"""The boards of one running hall, kept current and versioned; told to whoever shows them.

Hides which boards an effect touches and which of them really look different. A board is drawn again
only when something it may show has changed, and counts as new only when somebody could see it.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Collection, Iterable
from datetime import datetime

from controller import boards
from controller.boards import Version
from controller.hall.effects import Effect
from controller.hall.model import Hall, Text
from controller.hall.waits import Forecast
from controller.shows import Shows
from firmware.protocol.messages import Board


class Screens:
    """Any thread may read and wait; of those that draw, one at a time."""

    def __init__(
        self,
        read: Callable[[], Hall],
        now: Callable[[], datetime],
        gen: int,
        *,
        every_s: float = 0.0,
        time_zone: str = "",
        forecast: Callable[[], Forecast | None] = lambda: None,
        said: Callable[[Collection[str], datetime], Text] = lambda zones, now: Text("", ""),
        shows: Shows | None = None,
    ) -> None:
        """every_s: real seconds that pass between two drawings of one board; the first is at once.

        forecast: of the waits as last made; it must not take time. said: announced to people of some areas.
        """
        self._said, self._shows = said, shows
        self._forecast = forecast
        self._read, self._now, self._gen = read, now, gen
        self._every_s, self._time_zone = every_s, time_zone
        self._drawn_at: dict[str, float] = {}
        self._changed = threading.Condition()
        self._dirty: set[str] = set()
        self._late: set[str] = set()
        self._is_all_dirty = True
        self._shown: dict[str, Board] = {}
        self._looks: dict[str, Board] = {}
        self._is_closed = False

    @property
    def is_dirty(self) -> bool:
        return self._is_all_dirty or bool(self._dirty)

    def touch(self, told: Iterable[Effect]) -> None:
        """Something happened: the boards it may have changed are drawn at the next refresh."""
        hall, told = self._read(), list(told)
        now, late = boards.touched(hall, told), boards.touched_late(hall, told)
        with self._changed:
            self._dirty |= now | self._displays_of(now)
            self._late |= late

    def touch_late(self) -> None:
        """Let the boards be drawn on which only the number of those waiting has changed."""
        with self._changed:
            self._dirty |= self._late | self._displays_of(self._late)
            self._late.clear()

    def touch_waits(self) -> None:
        """Let the boards be drawn that tell waits and announcements: there are new ones, or later."""
        names = {name for name in boards.names(self._read()) if boards.window_of(name) is None}
        with self._changed:
            self._dirty |= names | self._displays_of(names)

    def touch_all(self) -> None:
        with self._changed:
            self._is_all_dirty = True

    def refresh_windows(self) -> list[Board]:
        """Draw the windows' boards that are dirty, and nothing else: those that look different now."""
        with self._changed:
            names = {name for name in self._dirty if boards.window_of(name) is not None}
            self._dirty -= names
        return self._show(names)

    def refresh(self, now_s: float = math.inf) -> tuple[list[Board], list[str]]:
        """Draw what is dirty and due: boards that look different now, and the names of those that are gone.

        now_s: monotonic. A board on which many windows meet stays dirty when it was drawn less than
        `every_s` ago; a window's own is drawn at once, as it changes no faster than its clerk.
        """
        hall = self._read()
        with self._changed:
            known = self._names(hall) if self._is_all_dirty else None
            gone = [] if known is None else [name for name in self._shown if name not in known]
            waiting = self._dirty if known is None else known
            names = {name for name in waiting if self._is_due(name, now_s)}
            self._drawn_at.update(dict.fromkeys(names, now_s))
            self._dirty = waiting - names
            self._is_all_dirty = False
            for name in gone:
                del self._shown[name], self._looks[name]
        return self._show(names), gone

    def _show(self, names: Iterable[str]) -> list[Board]:
        hall, now = self._read(), self._now()
        fresh = [board for name in sorted(names) if (board := self._draw(hall, name, now)) is not None]
        with self._changed:
            self._shown.update({board.board: board for board in fresh})
            self._changed.notify_all()
        return fresh

    def _names(self, hall: Hall) -> set[str]:
        return {*boards.names(hall), *(self._shows.displays if self._shows else ())}

    def _displays_of(self, names: Collection[str]) -> set[str]:
        return self._shows.touched(names) if self._shows else set()

    def _is_due(self, name: str, now_s: float) -> bool:
        return (
            boards.window_of(name) is not None or now_s >= self._drawn_at.get(name, -math.inf) + self._every_s
        )

    def all(self) -> list[Board]:
        """Every board as last shown."""
        with self._changed:
            return list(self._shown.values())

    def get(self, name: str) -> Board | None:
        """The board as last shown; None when there is none of that name."""
        with self._changed:
            return self._shown.get(name)

    def newer(self, name: str, held: tuple[int, int]) -> Board | None:
        """The board as last shown when it is newer than (gen, ver)."""
        board = self.get(name)
        return board if board is not None and (board.gen, board.ver) > held else None

    def wait(self, name: str, after: int, timeout_s: float) -> Board | None:
        """The board once its version is another than `after`; None when that takes longer than timeout_s."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or self._is_other(name, after), timeout_s)
            board = self._shown.get(name)
            return board if board is not None and board.ver != after else None

    def close(self) -> None:
        """Let everybody who waits go."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _is_other(self, name: str, after: int) -> bool:
        board = self._shown.get(name)
        return board is not None and board.ver != after

    def _draw(self, hall: Hall, name: str, now: datetime) -> Board | None:
        source = self._shows.source(name) if self._shows else name
        looks = boards.looks(hall, source, now, self._time_zone, self._forecast())
        if looks is not None:
            looks = boards.announcing(looks, self._said(boards.zones_of(hall, source), now))
        if looks is not None and self._shows:
            looks = self._shows.dress(looks, hall, name, now)
        if looks is None or looks == self._looks.get(name):
            return None
        self._looks[name] = looks
        before = self._shown.get(name)
        return boards.issued(looks, Version(self._gen, before.ver + 1 if before else 1), now)
