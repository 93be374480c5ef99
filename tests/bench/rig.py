"""A hall for measuring: a real controller process with its broker, furnished by the product's own code."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psutil

from controller.clock import HallClock, real_now
from controller.devices import Devices
from controller.hall.commands import ChangePlan, Login, OpenDay, TakeTicket
from controller.hall.model import (
    CallingDomain,
    Clerk,
    Plan,
    Queue,
    Rules,
    Serves,
    Text,
    TicketClass,
    Window,
    Zone,
)
from controller.live import Live
from controller.people import CITIZEN, SYSTEM, Role
from controller.settings import Settings, load
from controller.store import Store
from controller.store.people import People, Person
from controller.store.records import add_hall
from firmware.protocol.messages import DeviceConfig, UnitConfig

HALL = "bench"
KIOSK = "k-main"
WINDOWS_OF_A_ZONE = 10


@dataclass(frozen=True, slots=True)
class Spread:
    """Times of one thing, in milliseconds."""

    p50: float
    p99: float
    count: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Spread:
        rows = sorted(one * 1000 for one in seconds)
        return cls(statistics.median(rows), rows[min(len(rows) - 1, int(len(rows) * 0.99))], len(rows))

    def __str__(self) -> str:
        return f"p50 {self.p50:.2f} ms, p99 {self.p99:.2f} ms (n={self.count})"


def plan(windows: int) -> Plan:
    """A hall of zones with ten windows each, and a queue for each zone."""
    zones = range(1 + (windows - 1) // WINDOWS_OF_A_ZONE)
    return Plan(
        rules=Rules(call_every=None),
        domains=(CallingDomain("main", Text("大厅", "Main")),),
        zones=tuple(Zone(f"zone-{n}", Text(f"{n + 1} 区", f"Zone {n + 1}")) for n in zones),
        queues=tuple(
            Queue(queue(n), Text("综合", "General"), "main", queue(n), f"zone-{n}", timedelta(minutes=5))
            for n in zones
        ),
        windows=tuple(
            Window(n, Text(f"{n} 号窗口", f"Window {n}"), f"zone-{zone_of(n)}", (Serves(queue(zone_of(n))),))
            for n in range(1, windows + 1)
        ),
        clerks=tuple(Clerk(f"clerk-{n}", f"{n:03d}", f"甲{n}") for n in range(1, windows + 1)),
    )


def zone_of(window: int) -> int:
    return (window - 1) // WINDOWS_OF_A_ZONE


def queue(zone: int) -> str:
    return chr(ord("A") + zone)


class Controller:
    """A controller process over a hall in which `waiting` people wait and every window has its clerk.

    units: one at each window, with a button, a printer and a keypad. more: further settings. opened: how
    long ago the day was.
    """

    def __init__(
        self,
        folder: Path,
        waiting: int,
        broker: str = "nats",
        windows: int = 8,
        more: str = "",
        *,
        opened: timedelta = timedelta(),
    ) -> None:
        self.windows, self._opened = windows, opened
        self.units = [f"unit-{n}" for n in range(1, windows + 1)]
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.config = folder / "controller.toml"
        self.config.write_text(
            f"http_port = {free_port()}\nmqtt_port = {free_port()}\n"
            f'broker = "{broker}"\nbehind_proxy = true\n{more}'
        )
        self.settings: Settings = load(self.config)
        self.tokens: dict[str, str] = {}
        self.links: dict[int, str] = {}
        self._prepare(waiting)
        self.started_s = 0.0
        self.process: subprocess.Popen[bytes] | None = None

    def _prepare(self, waiting: int) -> None:
        self.settings.data_dir.mkdir(parents=True, exist_ok=True)
        store = Store.open(self.settings.database_url, real_now())
        with store.writing() as c:
            add_hall(c, HALL, Text("测速大厅", "Bench hall"), real_now())
        self._people(store)
        self._devices(Devices(store, self.settings))
        clock = HallClock(real=lambda: real_now() - self._opened)
        live = Live(HALL, store, clock, lambda hall, told, now: [], tick_every=None)
        live.start()
        self._fill(live, waiting)
        live.stop()
        store.close()

    def _people(self, store: Store) -> None:
        people = People(store)
        for n in range(1, self.windows + 1):
            role = frozenset({Role.CLERK})
            people.add(Person(f"clerk-{n}", f"甲{n}", f"{n:03d}", HALL, role, is_active=True), real_now())
            self.links[n] = people.link(f"clerk-{n}", real_now())

    def _devices(self, devices: Devices) -> None:
        for n, name in enumerate(self.units, start=1):
            parts = [
                DeviceConfig(device="button-1", kind="button", wire="gpio:17", queue=queue(zone_of(n))),
                DeviceConfig(device="printer-1", kind="printer", wire="serial:/dev/null"),
                DeviceConfig(
                    device="keypad-1", kind="keypad", wire="serial:/dev/one", address=1, board=f"w{n}"
                ),
                DeviceConfig(device="screen-1", kind="screen", wire="screen:", board=KIOSK),
            ]
            self._place(devices, name, parts)
        screen = DeviceConfig(device="screen-1", kind="screen", wire="screen:", board="w1")
        self._place(devices, "display", [screen])

    def _place(self, devices: Devices, name: str, parts: list[DeviceConfig]) -> None:
        config = UnitConfig(rev=0, position=name, devices=parts)
        devices.put_position(HALL, name, Text(name, name), config, real_now())
        self.tokens[name] = devices.add_unit(HALL, name, real_now(), name)

    def _fill(self, live: Live, waiting: int) -> None:
        live.submit(ChangePlan(plan(self.windows)), SYSTEM)
        today: date = live.clock.now().date()
        live.submit(OpenDay(today, real_now() + timedelta(hours=8)), SYSTEM)
        for n in range(1, self.windows + 1):
            live.submit(Login(n, f"clerk-{n}"), SYSTEM)
        codes = [queue.code for queue in live.hall.plan.queues]
        asked = [
            live.post(TakeTicket(codes[n % len(codes)], f"token-{n}", TicketClass.NORMAL), CITIZEN)
            for n in range(waiting)
        ]
        for one in asked:
            one.result(120)

    def start(self) -> None:
        began = time.monotonic()
        command = [sys.executable, "-m", "firmware.cli", "serve", "-c", str(self.config)]
        log = (self.folder / "controller.log").open("ab")
        self.process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for(lambda: answers(f"{self.settings.web_url}/healthz"), 60)
        self.started_s = time.monotonic() - began

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)

    def processes(self) -> list[psutil.Process]:
        assert self.process is not None
        top = psutil.Process(self.process.pid)
        return [top, *top.children(recursive=True)]


class Crew:
    """A function in several processes; each says "ready" and then answers whatever all are asked."""

    def __init__(self, work: Callable[..., None], parts: Sequence[tuple[object, ...]]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipes, self._processes = [], []
        for part in parts:
            ours, theirs = context.Pipe()
            process = context.Process(target=work, args=(theirs, *part), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)
        for pipe in self._pipes:
            pipe.recv()

    @property
    def pids(self) -> list[int]:
        return [process.pid or 0 for process in self._processes]

    def ask(self, question: object) -> list[Any]:
        for pipe in self._pipes:
            pipe.send(question)
        return [pipe.recv() for pipe in self._pipes]

    def stop(self) -> None:
        for pipe in self._pipes:
            pipe.send(None)
        for process in self._processes:
            process.join(20)


@contextmanager
def controller(
    folder: Path,
    waiting: int,
    broker: str = "nats",
    windows: int = 8,
    more: str = "",
    *,
    opened: timedelta = timedelta(),
) -> Iterator[Controller]:
    made = Controller(folder, waiting, broker, windows, more, opened=opened)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    with suppress(OSError):
        return bool(urllib.request.urlopen(url, timeout=1).status == 200)
    return False


def listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@contextmanager
def listening(command: list[str], port: int, log: Path, **environment: str) -> Iterator[int]:
    """A program that listens on `port`, until the end; log: where it writes."""
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=stream, env={**os.environ, **environment})
    try:
        wait_for(lambda: listens(port), 20)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def wait_for(condition: Callable[[], object], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"bench: {condition} did not come true within {timeout_s} s")
        time.sleep(0.005)
