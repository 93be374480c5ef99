"""Where a ticket stands, for who asks at this unit's kiosk: as the controller says, else as the boards tell.

Hides that one question is put at a time, and how long the controller may take. While it is away the answer
says so, and what the screens of this unit showed last of that number.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from firmware.protocol.messages import Board
from firmware.protocol.progress import AWAY, Asked, Progress, Told, plain, tidy
from firmware.shelf import Shelf

WAIT_S = 3.0  # an answer takes a few milliseconds; somebody stands there and waits
CANNOT = ("现在查不到最新进度", "The progress cannot be looked up now")
LAST_CALL = ("屏幕上最后显示：请到 {n} 号窗口", "The screens last said: please go to window {n}")
LAST_NEXT = ("屏幕上最后显示：即将叫号", "The screens last showed it among the next to be called")
WATCH = ("请看大屏，或到导办台问一问", "Please watch the screens, or ask at the guide desk")


class Desk:
    """Answers one at a time. Safe from any thread."""

    def __init__(self, ask: Callable[[Asked, float], Progress | None], shelf: Shelf) -> None:
        """ask: the controller, None when it does not answer within the seconds given."""
        self._ask, self._shelf = ask, shelf
        self._turn = threading.Lock()

    def answer(self, asked: Asked) -> Progress | None:
        """Where the ticket stands; None while another question is under way."""
        if not self._turn.acquire(blocking=False):
            return None
        try:
            return self._ask(asked, WAIT_S) or as_shown(asked, self._shelf.all())
        finally:
            self._turn.release()


def as_shown(asked: Asked, boards: Iterable[Board]) -> Progress:
    """What the boards told last of a number, while the controller cannot be asked."""
    number, boards = plain(asked.number), list(boards)
    window = next((at for board in boards for shown, at in _calls(board) if plain(shown) == number), None)
    is_next = any(plain(one) == number for board in boards for line in board.queues for one in line.next)
    known = LAST_CALL if window is not None else LAST_NEXT if is_next else ("", "")
    zh, en = (
        Told(headline=cannot, where=shown.format(n=window), tip=watch)
        for cannot, shown, watch in zip(CANNOT, known, WATCH, strict=True)
    )
    return Progress(number=tidy(asked.number), look=AWAY, window=window, zh=zh, en=en)


def _calls(board: Board) -> Iterable[tuple[str, int]]:
    """The numbers a board calls or shows as being served, and where."""
    faces = [*board.windows, *([board.window] if board.window else [])]
    return [
        *((call.number, call.window) for call in board.calls),
        *((face.ticket, face.number) for face in faces if face.ticket),
    ]
