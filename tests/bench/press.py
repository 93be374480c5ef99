"""From a press to what people see: a keypad's "call next" to the board, a button to its slip's order.

The parts of the bare path are measured in the same run: B, one message through the broker; F, one durable
commit. The sum 2B + 2F is what the path cannot be faster than with one commit at each end.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from pathlib import Path

from firmware.protocol import topics
from firmware.protocol.guard import Guard
from firmware.protocol.link import Link, Received
from firmware.protocol.messages import Board, Key, KeyPressed, Pressed, Print, decode
from firmware.protocol.outbox import Outbox
from firmware.protocol.session import Broker, Session
from tests.bench.rig import HALL, WINDOWS, Controller, Spread, controller, wait_for

ROUNDS = 50  # of each window


def measure(folder: Path, broker: str) -> list[tuple[str, str]]:
    """Rows (what, figure)."""
    with controller(folder, WINDOWS * ROUNDS + 100, broker) as hall:
        trip, commit = one_way(hall), commits(folder / "commit.db")
        shown, slips = Displays(hall).times(), slip_times(hall)
    bare = 2 * trip.p50 + 2 * commit.p50
    return [
        (f"one message through {broker}, B", str(trip)),
        ("one durable commit, F", str(commit)),
        (f"call key -> window board, {broker}", f"{shown}; {shown.p50 / bare:.2f} x (2B + 2F) at p50"),
        (f"button -> slip order, {broker}", f"{slips}; {slips.p50 / bare:.2f} x (2B + 2F) at p50"),
    ]


def commits(path: Path, count: int = 300) -> Spread:
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("pragma journal_mode=wal")
    db.execute("pragma synchronous=full")
    db.execute("create table event(id integer primary key, body text)")
    times = []
    for _ in range(count):
        began = time.perf_counter()
        db.execute("insert into event(body) values (?)", ("x" * 200,))
        times.append(time.perf_counter() - began)
        time.sleep(0.002)  # at the pace of presses, not flat out
    db.close()
    return Spread.of(times)


def one_way(hall: Controller, count: int = 300) -> Spread:
    """Half the time of a question and its answer: a unit may not hear itself, and the controller's part of
    "what time is it" is small."""
    answered = threading.Event()
    topic = topics.up(HALL, "pad-1", "req")
    broker = Broker.at(hall.settings.broker_url, "pad-1", hall.tokens["pad-1"])
    session = Session(
        broker,
        client_id="pad-1",
        guard=Guard(logging.getLogger("bench")),
        on_message=lambda _topic, _payload: answered.set(),
        filters=(topics.down(HALL, "pad-1", "rep"),),
    )
    session.start()
    wait_for(lambda: session.is_up, 20)
    times = []
    for number in range(count):
        answered.clear()
        began = time.perf_counter()
        session.publish(topic, b'{"rid":"%d","t":"time"}' % number)
        if answered.wait(2):
            times.append((time.perf_counter() - began) / 2)
    session.stop()
    return Spread.of(times)


class Displays:
    """Presses the call key of each window in turn and waits for the number on that window's board."""

    def __init__(self, hall: Controller) -> None:
        self._shown: dict[str, str] = {}
        self._news = threading.Condition()
        self._pads = {n: hall.link_of(f"pad-{n}") for n in range(1, WINDOWS + 1)}
        self._screen = self._watch(hall)
        wait_for(lambda: self._screen.is_up and all(link.is_up for _, link in self._pads.values()), 30)

    def _watch(self, hall: Controller) -> Session:
        broker = Broker.at(hall.settings.broker_url, "display", hall.tokens["display"])
        session = Session(
            broker,
            client_id="display",
            guard=Guard(logging.getLogger("bench")),
            on_message=self._on_board,
            filters=(topics.board(HALL, "#"),),
        )
        session.start()
        return session

    def _on_board(self, topic: str, payload: bytes) -> None:
        board = decode(payload, Board)
        if board.window is None:
            return
        with self._news:
            self._shown[board.board] = board.window.ticket if board.window.is_called else ""
            self._news.notify_all()

    def times(self) -> Spread:
        times = [self._call(n, *self._pads[n]) for _ in range(ROUNDS) for n in range(1, WINDOWS + 1)]
        for outbox, link in self._pads.values():
            link.stop()
            outbox.close()
        self._screen.stop()
        return Spread.of(times[WINDOWS:])  # the first call of each window warms up

    def _call(self, window: int, outbox: Outbox, link: Link) -> float:
        began = time.perf_counter()
        self._key(outbox, link, Key.CALL_NEXT)
        self._wait(lambda: bool(self._shown.get(f"w{window}")))
        took = time.perf_counter() - began
        self._key(outbox, link, Key.START)
        self._wait(lambda: not self._shown.get(f"w{window}"))
        return took

    def _key(self, outbox: Outbox, link: Link, key: Key) -> None:
        outbox.append(KeyPressed(device="keypad-1", key=key))
        link.wake()

    def _wait(self, condition: object) -> None:
        with self._news:
            if not self._news.wait_for(condition, 10):  # type: ignore[arg-type]
                raise SystemExit("bench: a call did not reach its board within 10 s")


def slip_times(hall: Controller, count: int = 200) -> Spread:
    came = threading.Event()

    def on_order(received: Received) -> None:
        if isinstance(received.order, Print):
            came.set()

    outbox, link = hall.link_of("slips", on_order)
    wait_for(lambda: link.is_up, 20)
    times = []
    for _ in range(count):
        came.clear()
        began = time.perf_counter()
        outbox.append(Pressed(input="button-1"))
        link.wake()
        if not came.wait(10):
            raise SystemExit("bench: no order to print came within 10 s")
        times.append(time.perf_counter() - began)
    link.stop()
    outbox.close()
    return Spread.of(times)
