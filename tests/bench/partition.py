"""Fifty units cut off, for a minute and for eight hours, and what happens when the line is back.

Each unit has its own store, link and piece of network. While it is cut off it gives out numbers and takes
ratings as on a day of 5,000 tickets; the eight hours pass on its clock, not on ours. When the line is back
all tell at once what they kept, and clerks go on calling meanwhile.
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import statistics
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from controller.settings import Settings
from firmware.protocol import topics
from firmware.protocol.clock import UnitClock
from firmware.protocol.codec import decode
from firmware.protocol.guard import Guard
from firmware.protocol.link import LinkTiming
from firmware.protocol.messages import Board, Rated
from firmware.protocol.session import Broker, Session
from tests.bench.clerk import Clerk
from tests.bench.pace import DEVICES, begin, groups
from tests.bench.rig import HALL, Controller, Crew, Spread, controller, wait_for
from tests.bench.table import Row, at_most
from tests.contract.unit import Unit
from tests.faults.proxy import Proxy, proxy_to

TICKETS_A_DAY, DAY = 5000, timedelta(hours=8)
RATED_EVERY = 2  # tickets
CALLING = (1, 11, 21, 31, 41)  # windows, each of a zone and a queue of its own
CALL_EVERY_S = 0.5  # of each clerk
WAITING = 4000  # more than these can call meanwhile
CALM_S = 10.0
LONGEST_S = 300.0
SHOWN_S = 30.0
CUT_S = 60.0  # really, so that units have come to their longest back-off (R20)
BACK_S, PER_THOUSAND_S = 35.0, 5.0  # the first: F54
CALL_S = 1.0  # the goal of the status page from a key to the board


class Return(NamedTuple):
    """How a unit came back: events it had kept, when it was connected, when the last of them was acked."""

    events: int
    back_at: float
    acked_at: float


def measure(folder: Path) -> list[Row]:
    with controller(folder, WAITING, "mosquitto", DEVICES, opened=DAY + timedelta(hours=1)) as hall:
        units = Crew(_units, [(hall.folder, hall.settings.mqtt_port, _named(hall, one)) for one in groups()])
        try:
            with _calls(hall) as calls:
                time.sleep(CALM_S)
                before = calls.since(0.0)
                return [
                    Row("a call to its board, no partition", str(Spread.of(before))),
                    *_partition(hall, units, calls, "60 s", 60.0),
                    *_partition(hall, units, calls, "8 h", DAY.total_seconds()),
                ]
        finally:
            units.stop()


def _partition(hall: Controller, units: Crew, calls: _Calls, what: str, seconds: float) -> list[Row]:
    began = time.monotonic()
    units.ask(("cut", 0.0))
    kept = [number for part in units.ask(("keep", seconds)) for number in part]
    time.sleep(max(0.0, began + CUT_S - time.monotonic()))
    healed = time.monotonic()
    found = [Return(*one) for part in units.ask(("heal", 0.0)) for one in part]
    _check(hall.settings, kept)
    meanwhile = Spread.of(calls.since(healed, max(one.acked_at for one in found)))
    return [
        *_delivered(what, healed, found),
        Row(
            f"{what}: a call to its board meanwhile",
            str(meanwhile),
            at_most(meanwhile.p99 / 1000, CALL_S, "s, p99"),
        ),
    ]


def _delivered(what: str, healed: float, found: Sequence[Return]) -> list[Row]:
    """Of more than a thousand events the whole time counts, of fewer that of a unit since it was back."""
    events = sum(one.events for one in found)
    backs = [one.back_at - healed for one in found]
    own = [one.acked_at - one.back_at for one in found]
    whole = max(one.acked_at for one in found) - healed
    per_thousand = whole / events * 1000 if events > 1000 else max(own)
    return [
        Row(
            f"{what}: units back after the line",
            f"median {statistics.median(backs):.1f} s, last {max(backs):.1f} s",
            at_most(max(backs), BACK_S, "s"),
        ),
        Row(
            f"{what}: {events} events acked, after the line was back",
            f"{whole:.1f} s; of one unit since it was back, median {statistics.median(own):.1f} s, "
            f"longest {max(own):.1f} s",
            at_most(per_thousand, PER_THOUSAND_S, "s per 1,000"),
        ),
    ]


def _check(settings: Settings, kept: Sequence[str]) -> None:
    """Every number that citizens hold is in the hall, once."""
    with closing(sqlite3.connect(f"file:{settings.data_dir / 'hall.sqlite'}?mode=ro", uri=True)) as base:
        known = [str(row[0]) for row in base.execute("SELECT number FROM ticket")]
    if len(set(known)) != len(known) or len(set(kept)) != len(kept) or not set(kept) <= set(known):
        raise SystemExit("bench: a number was lost or doubled")


def _named(hall: Controller, numbers: range) -> list[tuple[str, str]]:
    return [(hall.units[n], hall.tokens[hall.units[n]]) for n in numbers]


# --- live calls


class _Calls:
    """Clerks who call and start, each at a steady pace, and when the window's board said so."""

    def __init__(self, hall: Controller) -> None:
        self._times: list[tuple[float, float]] = []  # when it began, seconds it took
        self._ending = threading.Event()
        self._boards: Mapping[str, queue.SimpleQueue[Board]] = {f"w{n}": queue.SimpleQueue() for n in CALLING}
        login = Broker.at(hall.settings.broker_url, "display", hall.tokens["display"])
        filters = [topics.board(HALL, name) for name in self._boards]
        self._session = Session(
            login, "display", Guard(logging.getLogger("bench")), on_message=self._shown, filters=filters
        )
        self._session.start()
        wait_for(lambda: self._session.is_up, 20)
        clerks = [(n, Clerk(hall, n)) for n in CALLING]
        self._threads = [threading.Thread(target=self._work, args=one) for one in clerks]
        for thread in self._threads:
            thread.start()

    def since(self, began: float, ended: float = float("inf")) -> list[float]:
        return [took for at, took in list(self._times) if began <= at <= ended]

    def stop(self) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join(30)
        self._session.stop()

    def _shown(self, topic: str, payload: bytes) -> None:
        board = decode(payload, Board)
        self._boards[board.board].put(board)

    def _work(self, window: int, clerk: Clerk) -> None:
        boards = self._boards[f"w{window}"]
        while not self._ending.wait(CALL_EVERY_S):
            began = time.monotonic()
            clerk.call()
            while not _is_called(boards.get(timeout=SHOWN_S)):
                pass
            self._times.append((began, time.monotonic() - began))
            clerk.start()
            while _is_called(boards.get(timeout=SHOWN_S)):
                pass


def _is_called(board: Board) -> bool:
    return board.window is not None and board.window.is_called


@contextmanager
def _calls(hall: Controller) -> Iterator[_Calls]:
    calls = _Calls(hall)
    try:
        yield calls
    finally:
        calls.stop()


# --- units, in processes of their own


class _Past(UnitClock):
    """A unit's clock in a simulated past: everything it dates happened lag_s ago."""

    def __init__(self) -> None:
        super().__init__()
        self.lag_s = 0.0

    def mono_ms(self) -> int:
        return super().mono_ms() - int(self.lag_s * 1000)

    def now(self) -> datetime:
        return super().now() - timedelta(seconds=self.lag_s)


def _units(pipe: Any, folder: Path, port: int, named: Sequence[tuple[str, str]]) -> None:
    begin()
    with proxy_to(port) as network:
        units = [_unit(folder, network, name, token) for name, token in named]
        wait_for(lambda: all(unit.link.is_up and unit.outbox.get("day") for unit, _ in units), 60)
        pipe.send("ready")
        while (asked := pipe.recv()) is not None:
            what, seconds = asked
            match what:
                case "cut":
                    pipe.send(_cut(network, units))
                case "keep":
                    pipe.send([number for unit, clock in units for number in _keep(unit, clock, seconds)])
                case _:
                    pipe.send(_heal(network, units))
        for unit, _ in units:
            unit.close()


def _unit(folder: Path, network: Proxy, name: str, token: str) -> tuple[Unit, _Past]:
    clock = _Past()
    login = Broker("127.0.0.1", network.port, name, token)
    place = folder / name
    place.mkdir(exist_ok=True)
    unit = Unit(login, place, LinkTiming(), clock=clock, hall=HALL)
    unit.link.follow({"k-main"})
    unit.link.start()
    return unit, clock


def _cut(network: Proxy, units: Sequence[tuple[Unit, _Past]]) -> None:
    network.is_refusing = True
    network.cut()
    wait_for(lambda: not any(unit.link.is_up for unit, _ in units), 60)


def _keep(unit: Unit, clock: _Past, seconds: float) -> list[str]:
    """Tickets and ratings at the pace of a day, evenly over the seconds before now; at least one of each."""
    share = TICKETS_A_DAY / DEVICES * seconds / DAY.total_seconds()
    tickets = max(1, round(share))
    numbers = []
    for n in range(tickets):
        clock.lag_s = seconds * (1 - n / tickets)
        numbers.append(unit.press_alone(_queue(unit)).number)
        if n % RATED_EVERY == 0:
            unit.say(Rated(device="keypad-1", level=5))
    clock.lag_s = 0.0
    return numbers


def _queue(unit: Unit) -> str:
    return chr(ord("A") + (int(unit.name.rpartition("-")[2]) - 1) // 10)


def _heal(network: Proxy, units: Sequence[tuple[Unit, _Past]]) -> list[Return]:
    kept = [unit.outbox.last - unit.outbox.acked for unit, _ in units]
    ups, ends = [0.0] * len(units), [0.0] * len(units)
    network.is_refusing = False
    deadline = time.monotonic() + LONGEST_S
    while not all(ends):
        now = time.monotonic()
        if now > deadline:
            raise SystemExit("bench: what units kept was not delivered")
        for n, (unit, _) in enumerate(units):
            ups[n] = ups[n] or (now if unit.link.is_up else 0.0)
            ends[n] = ends[n] or (now if unit.is_quiet else 0.0)
        time.sleep(0.02)
    return [Return(*one) for one in zip(kept, ups, ends, strict=True)]
