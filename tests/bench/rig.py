"""A hall for measuring: a real controller process with its broker, furnished by the product's own code."""

from __future__ import annotations

import logging
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
from firmware.protocol.guard import Guard
from firmware.protocol.link import Callbacks, Identity, Link, Received
from firmware.protocol.messages import DeviceConfig, UnitConfig
from firmware.protocol.outbox import Outbox
from firmware.protocol.session import Broker

HALL = "bench"
WINDOWS = 8


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


def plan() -> Plan:
    queue = Queue("A", Text("综合", "General"), "main", "A", "east", timedelta(minutes=5))
    windows = [
        Window(n, Text(f"{n} 号窗口", f"Window {n}"), "east", (Serves("A"),)) for n in range(1, WINDOWS + 1)
    ]
    return Plan(
        rules=Rules(call_every=None),
        domains=(CallingDomain("main", Text("大厅", "Main")),),
        zones=(Zone("east", Text("东区", "East")),),
        queues=(queue,),
        windows=tuple(windows),
        clerks=tuple(Clerk(f"clerk-{n}", f"{n:03d}", f"甲{n}") for n in range(1, WINDOWS + 1)),
    )


class Controller:
    """A controller process over a hall in which `waiting` people wait and every window has its clerk."""

    def __init__(self, folder: Path, waiting: int, broker: str = "nats") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.config = folder / "controller.toml"
        self.config.write_text(
            f"http_port = {free_port()}\nmqtt_port = {free_port()}\n"
            f'broker = "{broker}"\nbehind_proxy = true\n'
        )
        self.settings: Settings = load(self.config)
        self.tokens: dict[str, str] = {}
        self.link = ""
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
        live = Live(HALL, store, HallClock(), lambda hall, told, now: [], tick_every=None)
        live.start()
        self._fill(live, waiting)
        live.stop()
        store.close()

    def _people(self, store: Store) -> None:
        people = People(store)
        for n in range(1, WINDOWS + 1):
            role = frozenset({Role.CLERK})
            people.add(Person(f"clerk-{n}", f"甲{n}", f"{n:03d}", HALL, role, is_active=True), real_now())
        self.link = people.link("clerk-1", real_now())

    def _devices(self, devices: Devices) -> None:
        for n in range(1, WINDOWS + 1):
            pad = DeviceConfig(
                device="keypad-1", kind="keypad", wire="serial:/dev/null", address=1, board=f"w{n}"
            )
            self._place(devices, f"pad-{n}", [pad])
        printer = DeviceConfig(device="printer-1", kind="printer", wire="serial:/dev/null")
        button = DeviceConfig(device="button-1", kind="button", wire="gpio:17", queue="A")
        self._place(devices, "slips", [printer, button])
        self._place(
            devices, "display", [DeviceConfig(device="screen-1", kind="screen", wire="screen:", board="w1")]
        )

    def _place(self, devices: Devices, name: str, parts: list[DeviceConfig]) -> None:
        config = UnitConfig(rev=0, position=name, devices=parts)
        devices.put_position(HALL, name, Text(name, name), config, real_now())
        self.tokens[name] = devices.add_unit(HALL, name, real_now(), name)

    def _fill(self, live: Live, waiting: int) -> None:
        live.submit(ChangePlan(plan()), SYSTEM)
        today: date = live.clock.now().date()
        live.submit(OpenDay(today, live.clock.now() + timedelta(hours=8)), SYSTEM)
        for n in range(1, WINDOWS + 1):
            live.submit(Login(n, f"clerk-{n}"), SYSTEM)
        asked = [
            live.post(TakeTicket("A", f"token-{n}", TicketClass.NORMAL), CITIZEN) for n in range(waiting)
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

    def link_of(
        self, unit: str, on_order: Callable[[Received], None] = lambda order: None
    ) -> tuple[Outbox, Link]:
        """A unit's outbox and link, started: what a node is without its devices."""
        outbox = Outbox.open(self.folder / f"{unit}.db")
        broker = Broker.at(self.settings.broker_url, unit, self.tokens[unit])
        link = Link(
            broker,
            Identity(HALL, unit, "bench"),
            outbox,
            Callbacks(on_order),
            Guard(logging.getLogger("bench")),
        )
        link.start()
        return outbox, link


@contextmanager
def controller(folder: Path, waiting: int, broker: str = "nats") -> Iterator[Controller]:
    made = Controller(folder, waiting, broker)
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


def wait_for(condition: Callable[[], object], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"bench: {condition} did not come true within {timeout_s} s")
        time.sleep(0.005)
