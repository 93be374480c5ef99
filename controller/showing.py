"""Boards on their way to the screens: drawn, sent in the order of their versions, and timed.

Hides which thread sends. A window's own board leaves on the hall's writer, right after the commit that
changed it; boards on which much meets are left to the bus's loop, which draws each at most so often.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

from controller.hall.events import TicketCalled
from controller.live import Committed
from controller.screens import Screens
from controller.timings import Timing
from firmware.protocol.codec import encode
from firmware.protocol.messages import Board

Say = Callable[[str, bytes], bool]  # the name of a board and its bytes (none: it is gone); whether they left


class Showing:
    """The boards of one hall. Safe from any thread."""

    def __init__(self, screens: Screens, say: Say, board_sent: Timing) -> None:
        """board_sent: from the commit of a call to the first board that shows it."""
        self._screens, self._say, self._board_sent = screens, say, board_sent
        self._turn = threading.Lock()  # held until what was drawn is sent: no board overtakes another
        self._called_s: float | None = None  # when a call was stored that no board shows yet

    def committed(self, done: Committed, now_s: float) -> None:
        """Show what a commit changed: the windows' own boards at once."""
        if self._called_s is None and any(isinstance(event, TicketCalled) for event in done.events):
            self._called_s = now_s
        self._screens.touch(done.effects)
        if self._screens.is_dirty:
            with self._turn:
                self._send(self._screens.refresh_windows())

    def refresh(self, now_s: float) -> None:
        """Send the other boards that look different and are due."""
        with self._turn:
            fresh, gone = self._screens.refresh(now_s)
            self._send(fresh)
        for name in gone:
            self._say(name, b"")

    def again(self) -> None:
        """Send every board as last shown: the connection is new."""
        with self._turn:
            for board in self._screens.all():
                self._say(board.board, encode(board))

    def _send(self, fresh: Iterable[Board]) -> None:
        for board in fresh:
            if self._say(board.board, encode(board)) and self._called_s is not None:
                self._board_sent.observe(time.monotonic() - self._called_s)
                self._called_s = None
