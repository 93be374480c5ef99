"""What a full hall's citizens look at while thirty calls a second are made on one controller.

A thousand displays hang on 250 nodes, which are the product's own link without drivers: each shows three
windows and an area. Five thousand phones ask about their ticket as phone.js does, every 15.5 to 17 s and with
the tag they have. Meanwhile another request is timed, and afterwards every display and every phone
is asked when it showed what was called. `--small` does the same with a twentieth of everything, and phones
that ask ten times as often.
"""

from __future__ import annotations

import heapq
import http.client
import logging
import random
import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.boards import of_window, of_zone
from firmware.protocol.guard import Guard
from firmware.protocol.link import Callbacks, Identity, Link, Received
from firmware.protocol.messages import Board, Result, ResultState
from firmware.protocol.outbox import Outbox
from firmware.protocol.session import Broker
from tests.bench.clerk import Clerk, calling, connect, looks
from tests.bench.rig import HALL, Crew, Spread, controller, wait_for, zone_of
from tests.bench.table import Row, at_least, at_most

DISPLAYS_OF_A_NODE = 4  # three windows and their area
NODES_OF_A_PROCESS = 125
LEAST_S, SPREAD_S = 15.5, 1.5  # between two questions of a phone (phone.js)
ASKERS = 16  # threads that ask for all phones
AFTER_S = 20.0  # by when a phone has shown what was called
NUMBER = re.compile(rb'class="number">([^<]+)<')
LOOK = re.compile(rb'data-look="(\w+)"')
WAITS = (b"waiting", b"near")
MORE = "http_threads = 400\nhttp_connections = 1600\n"


@dataclass(frozen=True, slots=True)
class Size:
    nodes: int
    windows: int
    phones: int
    calls: float  # a second
    seconds: float
    hurry: float = 1.0  # how much sooner than a real one a phone asks again


WHOLE = Size(250, 300, 5000, 30.0, 25.0)
SMALL = Size(12, 30, 250, 5.0, 5.0, hurry=10.0)


class _Noted(Clerk):
    """A clerk whose watch says when each call was made."""

    def __init__(self, *facts: Any) -> None:
        self.called_at: list[float] = []
        super().__init__(*facts)

    def call(self) -> None:
        self.called_at.append(time.monotonic())
        super().call()


def measure(folder: Path, size: Size = WHOLE) -> Iterator[list[Row]]:
    with controller(folder, size.phones, "mosquitto", size.windows, MORE) as hall:
        step = max(1, size.windows // int(size.calls))
        clerks = {window: _Noted(hall, window) for window in range(1, size.windows + 1, step)}
        where = (hall.settings.web_url, hall.settings.broker_url, hall.folder)
        numbers = range(size.nodes)
        groups = [numbers[n : n + NODES_OF_A_PROCESS] for n in range(0, size.nodes, NODES_OF_A_PROCESS)]
        named = [[(n, hall.units[n], hall.tokens[hall.units[n]]) for n in group] for group in groups]
        displays = Crew(_nodes, [(*where[1:], one, size.windows) for one in named])
        phones = Crew(_phones, [(where[0], size.phones, size.hurry)])
        began = time.monotonic()
        try:
            with calling(list(clerks.values()), size.calls, size.seconds) as calls:
                others = looks(hall, size.seconds)
            time.sleep(AFTER_S / size.hurry)
            shown = [one for each in displays.ask("shown") for one in each]
            asked, unchanged, seen = phones.ask("seen")[0]
            took = time.monotonic() - began
        finally:
            displays.stop()
            phones.stop()
    called = {window: clerk.called_at for window, clerk in clerks.items()}
    yield list(_rows(size, called, calls, others, shown, (asked / took, unchanged / max(1, asked), seen)))


def _rows(
    size: Size,
    called: dict[int, list[float]],
    calls: list[float],
    others: Spread,
    shown: list[tuple[str, list[tuple[str, float]]]],
    told: tuple[float, float, dict[str, float]],
) -> Iterator[Row]:
    rate, unchanged, seen = told
    at = _when(called, shown)
    lags, missed = _lags(at, shown)
    waits = [seen[number] - moment for number, (_, moment) in at.items() if number in seen]
    unseen = len(at) - len(waits)
    whole = f"{size.nodes * DISPLAYS_OF_A_NODE:,} displays, {size.phones:,} phones"
    yield Row(
        f"{whole}: calls made ({size.calls:.0f}/s wanted)",
        f"{len(calls) / size.seconds:.0f}/s, {Spread.of(calls)}",
    )
    yield Row("phones' questions a second, of them unchanged", f"{rate:.0f}/s, {unchanged:.0%}")
    yield Row(
        f"{whole}, {len(calls) / size.seconds:.0f} calls/s: another request, p99",
        f"{others.p99:.1f} ms, p50 {others.p50:.1f} ms",
        at_most(others.p99, 50, "ms"),
    )
    yield Row(
        "from the clerk's key to the display, the slowest",
        f"{max(lags, default=0.0):.2f} s, {Spread.of(lags or [0.0])}; never shown: {missed}",
        at_most(max(lags, default=99.0) if not missed else 99.0, 1, "s"),
    )
    yield Row(
        "from the clerk's key to the phone, the slowest",
        f"{max(waits, default=0.0):.1f} s of {len(waits)}; never shown: {unseen}",
        at_most(max(waits, default=99.0) if not unseen else 99.0, AFTER_S, "s"),
    )
    yield Row("calls that could be followed", str(len(at)), at_least(len(at), len(calls), "calls"))


def _when(
    called: dict[int, list[float]], shown: list[tuple[str, list[tuple[str, float]]]]
) -> dict[str, tuple[int, float]]:
    """Of every number called: at which window, and when. The n-th number of a window is its n-th call."""
    found = {}
    for window, moments in called.items():
        at_window = [events for board, events in shown if board == of_window(window)]
        for number, moment in zip(
            (name for name, _ in max(at_window, key=len, default=[])), moments, strict=False
        ):
            found[number] = (window, moment)
    return found


def _lags(
    at: dict[str, tuple[int, float]], shown: list[tuple[str, list[tuple[str, float]]]]
) -> tuple[list[float], int]:
    """How long each display took to show each number it had to, and how many it never showed."""
    wanted: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for number, (window, moment) in at.items():
        for board in (of_window(window), of_zone(f"zone-{zone_of(window)}")):
            wanted[board].append((number, moment))
    lags, missed = [], 0
    for board, events in shown:
        known = dict(events)
        lags += [known[number] - moment for number, moment in wanted[board] if number in known]
        missed += sum(number not in known for number, _ in wanted[board])
    return lags, missed


# --- the processes of the nodes


class _Node:
    """A node with four displays: when each showed which number first."""

    def __init__(self, number: int, name: str, folder: Path, broker: Broker, windows: int) -> None:
        first = (number * (DISPLAYS_OF_A_NODE - 1)) % windows
        shown = [1 + (first + n) % windows for n in range(DISPLAYS_OF_A_NODE - 1)]
        boards = {*map(of_window, shown), of_zone(f"zone-{zone_of(shown[0])}")}
        self.shown: dict[str, dict[str, float]] = {board: {} for board in boards}
        self.held = dict.fromkeys(boards, (0, 0))
        self.outbox = Outbox.open(folder / f"{name}.db")
        callbacks = Callbacks(self._on_order, on_board=self._on_board, versions=lambda: dict(self.held))
        guard = Guard(logging.getLogger("bench"))
        self.link = Link(broker, Identity(HALL, name, "bench"), self.outbox, callbacks, guard)
        self.link.follow(boards)
        self.link.start()

    def _on_order(self, received: Received) -> None:
        self.link.tell(Result(cid=received.cid, state=ResultState.DONE))

    def _on_board(self, board: Board) -> None:
        now, known = time.monotonic(), self.shown.get(board.board, {})
        numbers = [call.number for call in board.calls]
        if board.window is not None and board.window.ticket:
            numbers.append(board.window.ticket)
        for number in numbers:
            known.setdefault(number, now)
        self.held[board.board] = (board.gen, board.ver)


def _nodes(pipe: Any, url: str, folder: Path, named: Sequence[tuple[int, str, str]], windows: int) -> None:
    nodes = [
        _Node(number, name, folder, Broker.at(url, name, token), windows) for number, name, token in named
    ]
    wait_for(lambda: all(min(node.held.values()) > (0, 0) for node in nodes), 90)
    pipe.send("ready")
    while pipe.recv() is not None:
        pipe.send([(board, list(known.items())) for node in nodes for board, known in node.shown.items()])
    for node in nodes:
        node.link.stop()
        node.outbox.close()


# --- the process of the phones


class _Phones:
    """All phones, the one whose turn is next first."""

    def __init__(self, url: str, count: int, hurry: float) -> None:
        self._url, self._hurry = url, hurry
        self._chance = random.Random(20260302)
        began = time.monotonic()
        turns = [(began + self._chance.uniform(0, LEAST_S + SPREAD_S) / hurry, n) for n in range(count)]
        self._turns = sorted(turns)
        self._tags = [""] * count
        self._lock = threading.Lock()
        self.asked, self.unchanged = 0, 0
        self.seen: dict[str, float] = {}  # number -> when its phone said it was called
        for _ in range(ASKERS):
            threading.Thread(target=self._ask, daemon=True).start()

    def _ask(self) -> None:
        connection = connect(self._url)
        while True:
            with self._lock:
                due, phone = heapq.heappop(self._turns)
            time.sleep(max(0.0, due - time.monotonic()))
            connection = self._poll(connection, phone)
            with self._lock:
                pause = (LEAST_S + self._chance.uniform(0, SPREAD_S)) / self._hurry
                heapq.heappush(self._turns, (time.monotonic() + pause, phone))

    def _poll(self, connection: http.client.HTTPConnection, phone: int) -> http.client.HTTPConnection:
        headers = {"If-None-Match": self._tags[phone]} if self._tags[phone] else {}
        try:
            connection.request("GET", f"/t/token-{phone}?part=1", headers=headers)
            answer = connection.getresponse()
            page = answer.read()
        except (http.client.HTTPException, OSError):  # the server ends a connection that rested
            connection.close()
            return self._poll(connect(self._url), phone)
        self._tags[phone] = answer.getheader("ETag", "")
        self._note(answer.status, page)
        return connection

    def _note(self, status: int, page: bytes) -> None:
        with self._lock:
            self.asked += 1
            self.unchanged += status == 304
        look, number = LOOK.search(page), NUMBER.search(page)
        if look and number and look[1] not in WAITS:
            self.seen.setdefault(number[1].decode(), time.monotonic())


def _phones(pipe: Any, url: str, count: int, hurry: float) -> None:
    phones = _Phones(url, count, hurry)
    wait_for(lambda: phones.asked >= count, 60)
    phones.asked = phones.unchanged = 0
    pipe.send("ready")
    while pipe.recv() is not None:
        pipe.send((phones.asked, phones.unchanged, dict(phones.seen)))
