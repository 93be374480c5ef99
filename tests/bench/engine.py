"""What a decision costs with a hundred and with ten thousand waiting, and how large and dear boards are then.

Without a process, disk or broker: decide, apply and effects of a whole visit at one window, at a queue
that stays as long as it is.
"""

from __future__ import annotations

import statistics
import time
from datetime import UTC, date, datetime, timedelta

from controller import boards
from controller.hall import engine
from controller.hall.commands import CallNext, ChangePlan, Command, Finish, Login, OpenDay, Start, TakeTicket
from controller.hall.model import Hall, Plan
from firmware.protocol.codec import encode
from tests.bench.rig import HALL, KIOSK, plan
from tests.bench.table import Row, at_most

FEW, MANY = 100, 10_000
ROUNDS = 5
VISITS = 150  # of a round
OPENING = datetime(2025, 3, 3, 1, tzinfo=UTC)
NAMES = ("w1", "z-zone-0", KIOSK)


class _Crowd:
    """A hall in which so many wait, and its clock."""

    def __init__(self, waiting: int) -> None:
        self.hall: Hall = engine.new_hall(HALL, Plan())
        self.now = OPENING
        self._tickets = 0
        for command in (ChangePlan(plan(8)), OpenDay(date(2025, 3, 3), OPENING + timedelta(hours=9))):
            self._do(command)
        for window in range(1, 9):
            self._do(Login(window, f"clerk-{window}"))
        for _ in range(waiting):
            self._take()

    def visits(self) -> float:
        """Processor seconds of a visit."""
        began = time.process_time()
        for _ in range(VISITS):
            self._take()
            for command in (CallNext(1), Start(1), Finish(1)):
                self._do(command)
        return (time.process_time() - began) / VISITS

    def drawing(self) -> float:
        """Processor seconds of one board of each kind, with its bytes."""
        began = time.process_time()
        for _ in range(VISITS):
            self.size()
        return (time.process_time() - began) / VISITS

    def size(self) -> int:
        """Bytes of one board of each kind."""
        drawn = [boards.looks(self.hall, name, self.now) for name in NAMES]
        return sum(len(encode(board)) for board in drawn if board is not None)

    def _take(self) -> None:
        self._tickets += 1
        self._do(TakeTicket("A", f"token-{self._tickets}"))

    def _do(self, command: Command) -> None:
        self.now += timedelta(milliseconds=100)
        self.hall, _, _ = engine.run(self.hall, command, self.now)


def measure() -> list[Row]:
    few, many = _Crowd(FEW), _Crowd(MANY)
    for crowd in (few, many):
        crowd.visits()
    decided = [(few.visits(), many.visits()) for _ in range(ROUNDS)]
    drawn = [(few.drawing(), many.drawing()) for _ in range(ROUNDS)]
    return [
        _row(f"decide, apply, effects of a visit, {MANY:,} waiting / {FEW}", decided),
        _row(f"drawing a board of each kind, {MANY:,} waiting / {FEW}", drawn),
        Row(
            f"bytes of a board of each kind, {MANY:,} waiting / {FEW}",
            f"{many.size()} / {few.size()}",
            at_most(many.size() / few.size(), 1.05, "x"),
        ),
    ]


def _row(what: str, rounds: list[tuple[float, float]]) -> Row:
    few, many = (statistics.median(one[n] for one in rounds) * 1e6 for n in (0, 1))
    ratio = statistics.median(many / few for few, many in rounds)
    return Row(what, f"{many:.0f} / {few:.0f} us of CPU", at_most(ratio, 1.2, "x"))
