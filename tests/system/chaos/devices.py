"""Devices without wires for units that must be fast, and the people who use them.

They have the surface of the real drivers; everything else of the unit is the real one. What people see
and are given is appended to a file, one line a fact in one write, so that a killed unit leaves whole
facts. The people stop when the file `calm` lies beside it.
"""

from __future__ import annotations

import json
import os
import random
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from firmware.drivers import Reporter
from firmware.drivers.roll import Roll
from firmware.protocol.messages import (
    Board,
    Capability,
    DeviceConfig,
    Key,
    KeyPressed,
    Pressed,
    Print,
    Printed,
    Rated,
    Speak,
    Spoken,
    WindowBoard,
)
from tests.system.chaos.promises import Called, Paper, Promise, Voted

FOLDER = "CHAOS_FOLDER"  # where facts go and `calm` is looked for
UNIT = "CHAOS_UNIT"
PACE_S = "CHAOS_PACE_S"  # mean seconds between two presses of one button
ASK_AGAIN_S = 3.0  # a clerk pushes a key again when nothing came of it
VOTES = 0.5  # of visits


class Facts:
    """What this process writes down, and how its people behave."""

    def __init__(self) -> None:
        self.unit = os.environ[UNIT]
        self.pace_s = float(os.environ[PACE_S])
        folder = Path(os.environ[FOLDER])
        self._calm = folder / "calm"
        self._file = os.open(folder / f"{self.unit}.facts", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(self, promise: Promise) -> None:
        line = json.dumps({"kind": type(promise).__name__, **asdict(promise)}, ensure_ascii=False)
        os.write(self._file, f"{line}\n".encode())

    @property
    def is_calm(self) -> bool:
        return self._calm.exists()


class Device:
    """What all of them share; whoever uses it lives on a thread of its own."""

    def __init__(self, config: DeviceConfig, report: Reporter) -> None:
        self.config, self._report = config, report
        self._facts = Facts()
        self._chance = random.Random(f"{self._facts.unit}/{config.device}")
        self._end = threading.Event()
        self._news = threading.Event()
        self._person = threading.Thread(target=self._live, name=config.device, daemon=True)

    def start(self) -> None:
        self._person.start()

    def stop(self) -> None:
        self._end.set()
        self._news.set()

    def health(self) -> str:
        return "ok"

    def counts(self) -> dict[str, int]:
        return {}

    def capability(self) -> Capability:
        return Capability(device=self.config.device, kind=self.config.kind)

    def _live(self) -> None:
        """What its person does; nothing, unless a kind says more."""


class Button(Device):
    """Pushed again and again, at random."""

    def _live(self) -> None:
        pace_s = self._facts.pace_s
        while not self._end.wait(self._chance.uniform(0.2 * pace_s, 1.8 * pace_s)):
            if not self._facts.is_calm:
                self._report(Pressed(input=self.config.device))


class Printer(Device):
    """Prints at once: a slip is a fact in the file."""

    def __init__(self, config: DeviceConfig, report: Reporter) -> None:
        super().__init__(config, report)
        self.roll = Roll()
        self._work = ThreadPoolExecutor(1, "printer")

    def is_ready(self) -> bool:
        return True

    def submit(self, cid: str, order: Print, mark: Callable[[], None] | None = None) -> Future[Printed]:
        return self._work.submit(self._print, cid, order, mark)

    def _print(self, cid: str, order: Print, mark: Callable[[], None] | None) -> Printed:
        if mark is not None:
            mark()
        if order.number:
            self._facts.note(Paper(self._facts.unit, order.number, order.qr.rpartition("/")[2]))
        return Printed(order=cid, press=order.press)

    def stop(self) -> None:
        super().stop()
        self._work.shutdown(wait=False, cancel_futures=True)


class Keypad(Device):
    """A clerk looks at the window's board and pushes the next key; a citizen rates."""

    _board: WindowBoard | None = None
    _vote: tuple[str, int] | None = None
    _asked: tuple[str, str] | None = None

    def paint(self, board: Board) -> None:
        self._board = board.window
        self._news.set()

    def ask_rating(self, board: str = "", ticket: str = "") -> None:
        self._asked = (board, ticket)
        self._news.set()

    def thank(self, level: int) -> None:
        """Comes on the thread that rates, once the vote is stored; the controller's thanks come later."""
        vote, self._vote = self._vote, None
        if vote is not None and vote[1] == level:
            self._facts.note(Voted(self._facts.unit, *vote))

    def beep(self) -> None:
        """The key did nothing; the clerk looks at the board anyway."""

    def _live(self) -> None:
        pushed: tuple[str, str] = ("", "")
        while not self._end.is_set():
            is_news = self._news.wait(ASK_AGAIN_S)
            self._news.clear()
            self._rate()
            push = self._next_key()
            if push is not None and (push != pushed or not is_news):
                pushed = push
                self._report(KeyPressed(device=self.config.device, key=push[0]))

    def _next_key(self) -> tuple[str, str] | None:
        """The key that fits what the board shows, and what it shows."""
        board = self._board
        if board is None or board.state not in ("open", "busy"):
            return None
        if board.is_called:
            self._facts.note(Called(self._facts.unit, board.number, board.ticket))
            return Key.START, board.ticket
        if board.ticket:
            return (Key.FINISH if self._chance.random() < 0.7 else Key.CALL_NEXT), board.ticket
        if board.waiting and not self._facts.is_calm:
            return Key.CALL_NEXT, ""
        return None

    def _rate(self) -> None:
        asked, self._asked = self._asked, None
        if asked is not None and self._chance.random() < VOTES:
            self._vote = (asked[1], self._chance.randint(1, 5))
            rated = Rated(device=self.config.device, level=self._vote[1], board=asked[0], ticket=asked[1])
            self._report(rated)
            self._vote = None


class Bar(Device):
    """An LED bar: the shelf of the unit remembers what it shows."""

    def paint(self, board: Board) -> None:
        """Nothing to keep."""


class Speaker(Device):
    """Speaks at once, and says so."""

    def say(self, cid: str, order: Speak, good_for_s: float | None = None) -> Future[bool]:
        said: Future[bool] = Future()
        self._report(Spoken(order=cid))
        said.set_result(True)
        return said
