"""The boards this unit knows: the newest snapshot of each, kept over a restart.

Hides which of two snapshots is newer (F23, F24), when they are written down, and how somebody waits
for the next one. A display is never blank because a line is cut: it shows the last snapshot (F25).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from datetime import datetime

from firmware.protocol.codec import BadMessage, decode, encode
from firmware.protocol.messages import Board, DeviceConfig, QueueLine, UnitConfig
from firmware.protocol.outbox import Outbox, SavedBoard

MOST_BOARDS = 1000  # 300 windows, their zones and kiosks; more is a mistake of the sender


ALL = "#"
OF_ZONE = "z-"
OF_QUEUES = ("k-", OF_ZONE)  # boards of kiosks and zones say how queues stand


def wanted_boards(config: UnitConfig) -> set[str]:
    """The boards a unit shows; all of them for a dispenser none of whose own says how its queue stands."""
    shown = {name for device in config.devices for name in boards_of(device)}
    is_dispenser = any(device.queue for device in config.devices)
    tells_queues = any(device.board.startswith(OF_QUEUES) for device in config.devices)
    return {ALL} if is_dispenser and not tells_queues else shown


def boards_of(device: DeviceConfig) -> set[str]:
    """The board a device shows; a loudspeaker's is that of its area, which tells what is still called."""
    heard = f"{OF_ZONE}{device.zone}" if device.kind == "speaker" and device.zone else ""
    return {name for name in (device.board, heard) if name}


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

    def is_called(self, zone: str, window: int, number: str) -> bool:
        """Whether the window calls the number, as far as the board of its area tells."""
        board = self.get(f"{OF_ZONE}{zone}")
        face = next((one for one in board.windows if one.number == window), None) if board else None
        return face is None or (face.ticket == number and face.is_called)

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


def why_shut(line: QueueLine, now: datetime | None, *, is_linked: bool) -> tuple[str, str] | None:
    """What is said instead of giving a ticket of this queue, in Chinese and English; None when one is given.

    now: the hall's time, None while nobody said it. Sessions begin and end by it, also the one that ran when
    the board was drawn. What else the board says counts while no controller can be asked.
    """
    running = (one for one in line.shut if now is not None and one.start <= now < one.end)
    shut = next(running, None)
    if shut is not None:
        return shut.zh, shut.en
    is_over = now is not None and any((one.zh, one.en) == (line.why_zh, line.why_en) for one in line.shut)
    return None if line.is_open or is_linked or is_over else (line.why_zh, line.why_en)


def cursor_of(board: Board) -> str:
    """What a page sends to ask for something newer."""
    return f"{board.gen}.{board.ver}"
