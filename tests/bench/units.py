"""Fifty units: the product's own outbox and link, and hands that press without end.

A unit here is a node without its drivers: every press is committed by the outbox and sent by the link, and
what the controller answers comes back through both. Each stands at a window of its own, with a dispenser's
button, a printer that takes no time, and a keypad.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from firmware.protocol.guard import Guard
from firmware.protocol.link import Callbacks, Identity, Link, Received
from firmware.protocol.messages import Board, Key, KeyPressed, Pressed, Print, Result, ResultState
from firmware.protocol.outbox import Outbox
from firmware.protocol.session import Broker
from tests.bench.pace import DEVICES, begin, flood, groups, paced, soon
from tests.bench.rig import HALL, KIOSK, Controller, Crew, wait_for


class Units:
    """The units of a hall."""

    def __init__(self, hall: Controller) -> None:
        facts = (hall.folder, hall.settings.broker_url)
        self._crew = Crew(_units, [(*facts, [_named(hall, n) for n in numbers]) for numbers in groups()])

    @property
    def pids(self) -> list[int]:
        return self._crew.pids

    def slips(self, rate: float, seconds: float) -> list[float]:
        """Seconds from a button to the order that answers it (the number a citizen sees)."""
        return self._times("slips", rate, seconds)

    def calls(self, rate: float, seconds: float) -> list[float]:
        """Seconds from a call key or a start key to the board of the window."""
        return self._times("calls", rate, seconds)

    def flood(self, each: int) -> float:
        """Presses a second that were answered, of `each` per unit as fast as they go."""
        start = soon()
        ends: list[float] = self._crew.ask(("flood", start, each, 0.0))
        return each * DEVICES / (max(ends) - start)

    def stop(self) -> None:
        self._crew.stop()

    def _times(self, what: str, rate: float, seconds: float) -> list[float]:
        answers: list[list[float]] = self._crew.ask((what, soon(), rate, seconds))
        return [one for answer in answers for one in answer]


def _named(hall: Controller, number: int) -> tuple[int, str, str]:
    name = hall.units[number]
    return number, name, hall.tokens[name]


class _Unit:
    def __init__(self, number: int, name: str, folder: Path, broker: Broker) -> None:
        self.number, self._window = number, number + 1
        self.slip_at: dict[int, float] = {}
        self.pressed_at: dict[int, float] = {}
        self.board: Board | None = None
        self.shown_at = 0.0
        self.news = threading.Condition()
        self.outbox = Outbox.open(folder / f"{name}.db")
        callbacks = Callbacks(self._on_order, on_board=self._on_board)
        self.link = Link(
            broker, Identity(HALL, name, "bench"), self.outbox, callbacks, Guard(logging.getLogger("bench"))
        )
        self.link.follow({f"w{self._window}", KIOSK})
        self.link.start()

    def _on_order(self, received: Received) -> None:
        order, now = received.order, time.monotonic()
        if isinstance(order, Print) and order.press is not None:
            with self.news:
                self.slip_at.setdefault(order.press, now)
                self.news.notify_all()
        self.link.tell(Result(cid=received.cid, state=ResultState.DONE))

    def _on_board(self, board: Board) -> None:
        if board.window is not None and board.window.number == self._window:
            with self.news:
                self.board, self.shown_at = board, time.monotonic()
                self.news.notify_all()

    def wait_for_news(self, condition: Callable[[], bool]) -> None:
        with self.news:
            if not self.news.wait_for(condition, 10):
                raise SystemExit(f"bench: nothing was shown at window {self._window} within 10 s")


class _Button:
    """Presses the dispenser's button; its press is shown when the slip's order is there."""

    def __init__(self, unit: _Unit) -> None:
        self.number, self._unit, self._last = unit.number, unit, 0

    def press(self, began: float) -> None:
        self._last, _ = self._unit.outbox.press(Pressed(input="button-1"))
        self._unit.pressed_at[self._last] = began
        self._unit.link.wake()

    def wait(self) -> None:
        self._unit.wait_for_news(lambda: self._last in self._unit.slip_at)


class _Keypad:
    """Presses "call next" and "start" in turn; a press is shown when the window's board says so."""

    def __init__(self, unit: _Unit) -> None:
        self.number, self._unit = unit.number, unit
        self._began = 0.0
        self._is_calling = False
        self.times: list[float] = []

    def press(self, began: float) -> None:
        self._is_calling = not self._is_calling
        self._began = began
        key = Key.CALL_NEXT if self._is_calling else Key.START
        self._unit.outbox.append(KeyPressed(device="keypad-1", key=key))
        self._unit.link.wake()

    def wait(self) -> None:
        self._unit.wait_for_news(self._is_shown)
        self.times.append(self._unit.shown_at - self._began)

    def _is_shown(self) -> bool:
        board = self._unit.board
        face = None if board is None else board.window
        return face is not None and bool(face.ticket) and face.is_called == self._is_calling


def _units(pipe: Any, folder: Path, url: str, named: Sequence[tuple[int, str, str]]) -> None:
    begin()
    units = [_Unit(number, name, folder, Broker.at(url, name, token)) for number, name, token in named]
    wait_for(lambda: all(unit.link.is_up and unit.board is not None for unit in units), 60)
    pads = [_Keypad(unit) for unit in units]
    ending = threading.Event()
    house = threading.Thread(target=_keep_house, args=(units, ending))
    house.start()
    pipe.send("ready")
    while (asked := pipe.recv()) is not None:
        what, start, amount, seconds = asked
        if what == "calls":
            pipe.send(_calls(pads, start, amount, seconds))
        else:
            pipe.send(_slips(units, what, start, amount, seconds))
    ending.set()
    house.join()
    for unit in units:
        unit.link.stop()
        unit.outbox.close()


def _keep_house(units: Sequence[_Unit], ending: threading.Event) -> None:
    """What a node's housekeeping does for its store, once a second each."""
    turns = itertools.cycle(units)
    while not ending.wait(1 / len(units)):
        next(turns).outbox.settle_down()


def _calls(pads: Sequence[_Keypad], start: float, rate: float, seconds: float) -> list[float]:
    for pad in pads:
        pad.times.clear()
    paced(pads, start, rate, seconds)
    return [one for pad in pads for one in pad.times]


def _slips(
    units: Sequence[_Unit], what: str, start: float, amount: float, seconds: float
) -> list[float] | float:
    for unit in units:
        unit.slip_at.clear()
        unit.pressed_at.clear()
    buttons = [_Button(unit) for unit in units]
    if what == "flood":
        return flood(buttons, start, int(amount), lambda: sum(len(unit.slip_at) for unit in units))
    paced(buttons, start, amount, seconds)
    return [unit.slip_at[seq] - began for unit in units for seq, began in unit.pressed_at.items()]
