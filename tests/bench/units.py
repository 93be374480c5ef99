"""Fifty units in one process: the product's own outbox and link, and hands that press without end.

A unit here is a node without its drivers: every press is committed by the outbox and sent by the link, and
what the controller answers comes back through both. Each stands at a window of its own, with a dispenser's
button, a printer that takes no time, and a keypad.
"""

from __future__ import annotations

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
from tests.bench.pace import flood, paced
from tests.bench.rig import HALL, Controller, Process, wait_for


class Units:
    """The process of the units of a hall."""

    def __init__(self, hall: Controller) -> None:
        tokens = [hall.tokens[name] for name in hall.units]
        self._process = Process(_units, hall.folder, hall.settings.broker_url, hall.units, tokens)

    def slips(self, rate: float, seconds: float) -> list[float]:
        """Seconds from a button to the order that answers it (the number a citizen sees)."""
        times: list[float] = self._process.ask(("slips", rate, seconds))
        return times

    def calls(self, rate: float, seconds: float) -> list[float]:
        """Seconds from a call key or a start key to the board of the window."""
        times: list[float] = self._process.ask(("calls", rate, seconds))
        return times

    def flood(self, each: int) -> float:
        """Presses a second that were answered, of `each` per unit as fast as they go."""
        rate: float = self._process.ask(("flood", each, 0.0))
        return rate

    def stop(self) -> None:
        self._process.stop()


class _Unit:
    def __init__(self, name: str, window: int, folder: Path, broker: Broker) -> None:
        self._window = window
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
        self._unit, self._last = unit, 0

    def press(self, began: float) -> None:
        self._last, _ = self._unit.outbox.press(Pressed(input="button-1"))
        self._unit.pressed_at[self._last] = began
        self._unit.link.wake()

    def wait(self) -> None:
        self._unit.wait_for_news(lambda: self._last in self._unit.slip_at)


class _Keypad:
    """Presses "call next" and "start" in turn; a press is shown when the window's board says so."""

    def __init__(self, unit: _Unit) -> None:
        self._unit = unit
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


def _units(pipe: Any, folder: Path, url: str, names: Sequence[str], tokens: Sequence[str]) -> None:
    units = [
        _Unit(name, number, folder, Broker.at(url, name, token))
        for number, (name, token) in enumerate(zip(names, tokens, strict=True), start=1)
    ]
    wait_for(lambda: all(unit.link.is_up and unit.board is not None for unit in units), 60)
    pads = [_Keypad(unit) for unit in units]
    pipe.send("ready")
    while (asked := pipe.recv()) is not None:
        what, amount, seconds = asked
        if what == "calls":
            pipe.send(_calls(pads, amount, seconds))
        else:
            pipe.send(_slips(units, what, amount, seconds))
    for unit in units:
        unit.link.stop()
        unit.outbox.close()


def _calls(pads: Sequence[_Keypad], rate: float, seconds: float) -> list[float]:
    for pad in pads:
        pad.times.clear()
    paced(pads, rate, seconds)
    return [one for pad in pads for one in pad.times]


def _slips(units: Sequence[_Unit], what: str, amount: float, seconds: float) -> list[float] | float:
    for unit in units:
        unit.slip_at.clear()
        unit.pressed_at.clear()
    buttons = [_Button(unit) for unit in units]
    if what == "flood":
        return flood(buttons, int(amount), lambda: sum(len(unit.slip_at) for unit in units))
    paced(buttons, amount, seconds)
    return [unit.slip_at[seq] - began for unit in units for seq, began in unit.pressed_at.items()]
