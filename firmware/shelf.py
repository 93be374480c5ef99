"""The boards this unit knows: the newest snapshot of each, kept over a restart.

Hides which of two snapshots is newer (F23, F24), when they are written down, and how somebody waits
for the next one. A display is never blank because a line is cut: it shows the last snapshot (F25).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

from firmware.protocol.messages import BadMessage, Board, QueueLine, UnitConfig, decode, encode
from firmware.protocol.outbox import Outbox, SavedBoard

MOST_BOARDS = 1000  # 300 windows, their zones and kiosks; more is a mistake of the sender


ALL = "#"
OF_QUEUES = ("k-", "z-")  # boards of kiosks and zones say how queues stand


def wanted_boards(config: UnitConfig) -> set[str]:
    """The boards a unit shows; all of them for a dispenser none of whose own says how its queue stands."""
    shown = {device.board for device in config.devices if device.board}
    is_dispenser = any(device.queue for device in config.devices)
    return {ALL} if is_dispenser and not any(name.startswith(OF_QUEUES) for name in shown) else shown


class Shelf:
    """The newest board of each name. Safe from any thread."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._boards: dict[str, Board] = {}
        self._unsaved: set[str] = set()
        self._changed = threading.Condition()
        for saved in outbox.boards():
            try:
                self._boards[saved.name] = decode(saved.body, Board)
            except BadMessage:
                continue  # Written by another version; the next snapshot replaces it.

    def take(self, board: Board) -> bool:
        """Keep the board if it is newer than the one known; whether it was."""
        with self._changed:
            known = self._boards.get(board.board)
            if known is not None and (board.gen, board.ver) <= (known.gen, known.ver):
                return False
            if known is None and len(self._boards) >= MOST_BOARDS:
                return False
            self._boards[board.board] = board
            self._unsaved.add(board.board)
            self._changed.notify_all()
            return True

    def get(self, name: str) -> Board | None:
        with self._changed:
            return self._boards.get(name)

    def all(self) -> list[Board]:
        """Every board that is known."""
        with self._changed:
            return list(self._boards.values())

    def versions(self, names: Iterable[str]) -> dict[str, tuple[int, int]]:
        """Which snapshot is held of each, (gen, ver); (0, 0) of one never seen."""
        with self._changed:
            held = {name: self._boards.get(name) for name in names}
        return {name: (board.gen, board.ver) if board else (0, 0) for name, board in held.items()}

    def wait(self, name: str, cursor: str, timeout_s: float) -> Board | None:
        """The board once it is another than `cursor` names; None after timeout_s without news."""
        until = time.monotonic() + timeout_s
        with self._changed:
            while True:
                board = self._boards.get(name)
                if board is not None and cursor_of(board) != cursor:
                    return board
                left_s = until - time.monotonic()
                if left_s <= 0 or not self._changed.wait(left_s):
                    return None

    def queue(self, code: str) -> QueueLine | None:
        """How a queue stands, from any board that shows it; kiosk boards (`k-`) first."""
        with self._changed:
            boards = sorted(self._boards.values(), key=lambda board: (board.board[:2] != "k-", board.board))
        return next((line for board in boards for line in board.queues if line.code == code), None)

    def knows_queues(self) -> bool:
        """Whether any board says which queues there are."""
        with self._changed:
            return any(board.queues for board in self._boards.values())

    def save(self) -> None:
        """Write down what is new since the last time: one commit, or none."""
        with self._changed:
            names, self._unsaved = self._unsaved, set()
            boards = [self._boards[name] for name in names]
        if boards:
            self._outbox.save_boards(
                [SavedBoard(board.board, board.gen, board.ver, encode(board)) for board in boards]
            )


def cursor_of(board: Board) -> str:
    """What a page sends to ask for something newer."""
    return f"{board.gen}.{board.ver}"
