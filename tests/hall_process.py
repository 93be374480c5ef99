"""A whole hall in processes of its own for tests: controller, broker, four units, four benches, no crowd.

Its wires are the demo's; time-outs are compressed through settings. Everything a test does to it goes over
a wire, HTTP or a signal; what was stored is read from the database file beside it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from controller.clock import real_now
from controller.demo import benches
from controller.demo.processes import Process
from controller.demo.works import Extras, Works, choose_ports
from controller.store import Store
from controller.store.people import People
from tests.processes import below
from tests.waiting import until

CONTROLLER = """
speech_times = 1
order_resend_s = 0.5
reorder_wait_s = 0.5
mqtt_keepalive_s = 5
"""
UNIT = """
backoff_min_s = 0.2
backoff_max_s = 1.0
connect_timeout_s = 2.0
keepalive_s = 5
steady_s = 0.5
"""


class HallProcess:
    """A hall that runs. node-1 is the dispenser, node-2 and node-3 the windows, node-4 voice and displays."""

    def __init__(
        self, folder: Path, run_dir: Path, speed: float = 1.0, *, controller: str = "", unit: str = ""
    ) -> None:
        """controller, unit: more lines of TOML for their files."""
        first = _first_port()
        ports = choose_ports(None, first + 20, first)
        self.works = Works(folder, run_dir, ports, speed, Extras(CONTROLLER + controller, UNIT + unit))
        self.morning = self.works.prepare(is_day_over=False)
        self._stop = threading.Event()

    @property
    def url(self) -> str:
        return self.works.settings.web_url

    def start(self) -> None:
        self.works.start(self._stop)
        until(
            lambda: self.bar(1) == "窗口未开" and self.bar(8) == "窗口未开", 40, what="LED bars show windows"
        )
        until(self._has_leases, 40, what="the dispenser has numbers of its own")

    def stop(self) -> None:
        self._stop.set()
        self.works.stop()

    # --- the wires

    def device(self, node: str, name: str) -> Mapping[str, Any]:
        """The face of a device as its bench draws it; {} while the bench is away."""
        try:
            state = benches.ask(f"{self.works.bench_url(node)}/state")
        except OSError:
            return {}
        return next((one for one in state["devices"] if one["device"] == name), {})

    def press(self, queue: str) -> None:
        """Push the dispenser's button of a queue, once a unit listens to it."""
        button = f"button-{'ABCDEF'.index(queue) + 1}"
        until(lambda: self.device("node-1", button).get("button", {}).get("is_wired"), 40, what=button)
        benches.ask(f"{self.works.bench_url('node-1')}/press", {"device": button})

    def new_roll(self) -> None:
        """Put paper into the dispenser's printer."""
        what = {"device": "printer-1", "fault": "paper_out", "on": False}
        benches.ask(f"{self.works.bench_url('node-1')}/break", what)

    def lay_card(self, person: int | None) -> None:
        """Lay a made-up person's card on the dispenser's reader; None takes it away."""
        benches.ask(f"{self.works.bench_url('node-1')}/lay", {"device": "cards-1", "person": person})

    def key(self, window: int, key: str) -> None:
        """Push a key of the window's keypad; again when no unit answers the frame, as a person would."""
        answered = self.keypad(window)["answered"]
        for _ in range(10):
            what = {"device": f"keypad-{window}", "key": key}
            benches.ask(f"{self.works.bench_url(_node(window))}/key", what)
            with suppress(AssertionError):
                until(lambda: self.keypad(window)["answered"] > answered, 2)
                return
        raise AssertionError(f"no unit answers the keypad of window {window}")

    def rate(self, window: int, value: int) -> None:
        what = {"device": f"keypad-{window}", "value": value}
        benches.ask(f"{self.works.bench_url(_node(window))}/rate", what)

    def bar(self, window: int) -> str:
        return benches.bar(self.device(_node(window), f"led-{window}"))

    def keypad(self, window: int) -> Mapping[str, Any]:
        return self.device(_node(window), f"keypad-{window}").get("keypad", {})  # type: ignore[no-any-return]

    def slips(self) -> list[Mapping[str, Any]]:
        """Every slip that was printed and cut."""
        slips = self.device("node-1", "printer-1").get("printer", {}).get("slips", [])
        return [slip for slip in slips if slip["is_cut"]]

    def numbers(self) -> list[str]:
        return [slip.number for slip in benches.slips(self.device("node-1", "printer-1"))]

    def sentences(self, zone: str) -> list[str]:
        device = self.device("node-4", f"speaker-{zone}")
        return [one["text"] for one in device.get("speaker", {}).get("sentences", [])]

    # --- the processes

    def kill_node(self, node: str) -> None:
        """SIGKILL, and start it again as systemd would."""
        _kill(self.works.units[node])
        self.works.units[node].start()

    def kill_worker(self) -> int:
        """SIGKILL of the process that is the controller; its supervisor starts another. Its pid."""
        return self._kill(self.worker())

    def kill_broker(self) -> int:
        return self._kill(self.broker())

    def worker(self) -> psutil.Process:
        """The process that is the controller."""
        return self._child("controller.web_process", youngest=True)

    def broker(self) -> psutil.Process:
        return self._child({"nats": "nats-server"}.get(self.works.settings.broker, "mosquitto"))

    def kill_everything(self) -> None:
        """The power of the controller's machine: supervisor, worker and broker at once, then on again."""
        controller = self.works.controller
        family = [psutil.Process(controller.pid), *psutil.Process(controller.pid).children(recursive=True)]
        for member in family:
            with suppress(psutil.NoSuchProcess):
                member.kill()
        psutil.wait_procs(family, timeout=10)
        controller.end(0)
        controller.start()

    def _kill(self, victim: psutil.Process) -> int:
        victim.send_signal(signal.SIGKILL)
        return victim.pid

    def _child(self, word: str, youngest: bool = False) -> psutil.Process:
        found = [
            child
            for child, words in below(self.works.controller.pid or 0)
            if any(word in part for part in words[:4])
        ]
        assert found, f"no process {word} under the controller"
        return max(found, key=lambda child: child.create_time()) if youngest else found[0]

    # --- what was stored

    def sign_in_link(self, person: str) -> str:
        """A fresh one-time link, as `servicehall person link` gives it."""
        store = Store.open(self.works.settings.database_url, real_now())
        try:
            return f"{self.url}/in/{People(store).link(person, real_now())}"
        finally:
            store.close()

    def events(self, ticket: int | None = None) -> list[tuple[str, dict[str, Any]]]:
        """(kind, body) of every event stored, in order."""
        where = "" if ticket is None else " where ticket = ?"
        rows = self._rows(
            f"select kind, body from event{where} order by seq", () if ticket is None else (ticket,)
        )
        return [(kind, json.loads(body)) for kind, body in rows]

    def kinds(self, ticket: int) -> list[str]:
        return [kind for kind, _ in self.events(ticket)]

    def tickets(self) -> list[tuple[int, str, str, str, int | None]]:
        """(id, number, state, slip, rating) of every ticket."""
        return self._rows("select id, number, state, slip, rating from ticket order by id")

    def ticket(self, number: str) -> tuple[int, str, str, str, int | None] | None:
        return next((row for row in self.tickets() if row[1] == number), None)

    def _has_leases(self) -> bool:
        return self._rows("select count(*) from event where kind = 'NumbersLeased'")[0][0] >= 1

    def _rows(self, query: str, values: tuple[object, ...] = ()) -> list[Any]:
        file = self.works.settings.data_dir / "hall.sqlite"
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=5)) as base:
            return base.execute(query, values).fetchall()


@contextmanager
def running_hall(folder: Path, speed: float = 1.0) -> Iterator[HallProcess]:
    """A started hall, stopped at the end. Its cables hang in a folder of their own, whose path is short."""
    cables = Path(tempfile.mkdtemp(prefix="sh-"))
    hall = HallProcess(folder, cables, speed)
    try:
        hall.start()
        yield hall
    finally:
        hall.stop()
        shutil.rmtree(cables, ignore_errors=True)


def _node(window: int) -> str:
    return "node-2" if window <= 4 else "node-3"


def _kill(process: Process) -> None:
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.end(0)


def _first_port() -> int:
    """Where this process looks for its ports: others that look at the same time begin elsewhere."""
    return 20_000 + os.getpid() % 300 * 40  # below 32768, where the system hands out ports by itself
