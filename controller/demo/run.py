"""`servicehall demo`: a whole sample hall on this machine, with emulated hardware and a crowd.

Starts the controller, four nodes with a bench each, and the crowd, as processes of their own; when a day is
over the next working day begins. Ctrl-C ends it all and leaves nothing but the data folder.
"""

from __future__ import annotations

import argparse
import fcntl
import logging
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.util import find_spec
from pathlib import Path
from random import Random
from types import FrameType

import msgspec

from controller.children import is_free
from controller.demo import benches
from controller.demo.crowd_process import CrowdConfig, Place, recall
from controller.demo.hall import CLERKS, HALL, QUEUES
from controller.demo.morning import OPENS, Morning, hall_clock, prepare
from controller.demo.nodes import (
    GREEN_QUEUES,
    LONGEST_SOCKET,
    SOCKET_LIMIT,
    Node,
    at_windows,
    bench_toml,
    button_of,
    sample_nodes,
)
from controller.demo.processes import Lines, Process, stop_all
from controller.demo.welcome import welcome
from controller.hall.model import HallError
from controller.settings import Settings, load
from controller.simulate import Arrival, Demand, Log, made_up_day, read_arrivals, shipped_shapes

SPEED = 8.0  # a day in an hour; a slip (1-4 s on the wire) still takes well under a minute of the hall
FASTEST = 10.0  # design: beyond it the wires cannot follow
CITIZENS = 380  # on a mean working day: seven windows are busy but keep up
LAST_ARRIVAL = timedelta(hours=16, minutes=50)
READY_S = 60.0  # from start to the first answer of a process, on a slow board
NEEDED = (
    ("flask", "controller"),
    ("gunicorn", "controller"),
    ("serial", "node"),
    ("gpiozero", "node"),
    ("escpos", "node"),
)

_logger = logging.getLogger(__name__)


class DemoFault(HallError):
    """The demo cannot start; one sentence says why and what to do."""


@dataclass(frozen=True, slots=True)
class Options:
    data: Path
    port: int
    speed: float
    arrivals: Path | None
    seed: int
    citizens: int = CITIZENS


@dataclass(frozen=True, slots=True)
class Ports:
    """Where things listen on loopback. pages and bench: per node."""

    http: int
    mqtt: int
    pages: dict[str, int]
    bench: dict[str, int]

    def bench_url(self, node: str) -> str:
        return f"http://127.0.0.1:{self.bench[node]}"


def main(argv: list[str]) -> int:
    """Run a whole sample hall on this machine: emulated hardware, a crowd, every screen."""
    options = _options(argv)
    logging.basicConfig(level=logging.WARNING, format="servicehall demo: %(message)s")
    stop = threading.Event()

    def leave(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
    try:
        log = None if options.arrivals is None else _read_log(options.arrivals, options.seed)
        with _alone(options.data), _run_folder(options.data) as run_dir:
            Demo(options, log, run_dir, stop).run()
    except HallError as error:
        print(f"servicehall demo: {error}", file=sys.stderr)
        return 1
    return 0


def _options(argv: Sequence[str]) -> Options:
    parser = argparse.ArgumentParser("servicehall demo", description=main.__doc__)
    parser.add_argument("--data", type=Path, default=Path("var/demo"), metavar="DIR", help="where it is kept")
    parser.add_argument("--port", type=int, default=8080, help="of the web pages, on loopback (8080)")
    parser.add_argument(
        "--speed",
        type=float,
        default=SPEED,
        help=f"how fast the hall's day goes by, 1 to {FASTEST:g} ({SPEED:g})",
    )
    parser.add_argument(
        "--arrivals", type=Path, metavar="FILE", help="CSV of citizens to follow instead of made-up ones"
    )
    parser.add_argument("--seed", type=int, default=1, help="names the made-up days (1)")
    parser.add_argument("--citizens", type=int, default=CITIZENS, help=f"on a mean day ({CITIZENS})")
    words = parser.parse_args(argv)
    if not 1 <= words.speed <= FASTEST:
        parser.error(f"--speed must be from 1 to {FASTEST:g}: the wires are real and cannot go faster")
    if not 1 <= words.port <= 65535:
        parser.error("--port must be from 1 to 65535")
    return Options(words.data.resolve(), words.port, words.speed, words.arrivals, words.seed, words.citizens)


def _read_log(file: Path, seed: int) -> Log:
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            codes = [queue.code for queue in QUEUES]
            return read_arrivals(lines, codes, Random(seed), shipped_shapes().queues, str(file))  # noqa: S311
    except (OSError, UnicodeDecodeError) as error:
        raise DemoFault(f"arrivals file {file} cannot be read: {error}") from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """The data folder is ours until the end. Raises DemoFault when another demo has it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "demo.lock").open("w")
    except OSError as error:
        raise DemoFault(f"cannot write to {folder}: {error.strerror}; choose another with --data") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DemoFault(f"a demo is running in {folder} already; choose another with --data") from None
        yield


@contextmanager
def _run_folder(data: Path) -> Iterator[Path]:
    """Where sockets and cables hang while it runs; nothing of it stays. Elsewhere if the path is too long."""
    folder = data / "run"
    if len(str(folder)) + len(LONGEST_SOCKET) > SOCKET_LIMIT:
        folder = Path(tempfile.mkdtemp(prefix="servicehall-"))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Demo:
    """One run of the demo. stop: set from outside when it shall end."""

    def __init__(self, options: Options, log: Log | None, run_dir: Path, stop: threading.Event) -> None:
        self._options = options
        self._log = log
        self._run_dir = run_dir
        self._stop = stop
        self._nodes = sample_nodes(run_dir)
        self._memory = options.data / "crowd.json"
        _check_parts()
        self._ports = _choose_ports(options.port, self._nodes)
        self._settings = self._write_settings()
        shutil.rmtree(options.data / "log", ignore_errors=True)

    def run(self) -> None:
        """Days one after another until stopped. Raises HallError."""
        print("样例大厅正在准备… The sample hall is being made ready…", flush=True)
        while not self._stop.is_set():
            kept = recall(self._memory)
            is_over = kept is not None and kept.has_ended
            morning = prepare(
                self._settings,
                self._nodes,
                self._options.data / "units",
                self._options.speed,
                is_day_over=is_over,
            )
            self._write_unit_files()
            self._day(morning)

    def _day(self, morning: Morning) -> None:
        controller = self._process("controller", "serve", "-c", str(self._options.data / "controller.toml"))
        hardware = [self._bench(node) for node in self._nodes]
        units = [self._unit(node) for node in self._nodes]
        crowd = Process(
            "crowd",
            ["controller.demo.crowd_process", str(self._run_dir / "crowd.json")],
            self._options.data / "log" / "crowd.log",
            pipe_output=True,
        )
        try:
            self._start(controller, hardware, units, crowd, morning)
            self._watch(controller, [*hardware, *units], crowd)
        finally:
            stop_all([([crowd, *units], 3.0), ([controller], 4.5), (hardware, 1.5)])

    def _start(
        self,
        controller: Process,
        hardware: Sequence[Process],
        units: Sequence[Process],
        crowd: Process,
        morning: Morning,
    ) -> None:
        for process in (controller, *hardware):
            process.start()
        self._await(self._is_hardware_there, hardware)
        self._await(lambda: _answers(f"{self._settings.web_url}/healthz"), [controller])
        for process in units:
            process.start()
        config = self._crowd_config(morning)
        (self._run_dir / "crowd.json").write_bytes(msgspec.json.encode(config))
        if self._stop.is_set():
            return
        crowd.start()
        self._welcome(morning, crowd, [controller, *hardware, *units])

    def _welcome(self, morning: Morning, crowd: Process, others: Sequence[Process]) -> None:
        if crowd.output is None:
            return
        said = Lines(crowd.output)
        self._await(said.came.is_set, [crowd, *others], deadline_s=4 * READY_S)
        if said.first:
            print(
                welcome(self._settings, self._ports.pages, morning, said.first, self._options.data),
                flush=True,
            )

    def _watch(self, controller: Process, others: Sequence[Process], crowd: Process) -> None:
        """Until stopped or the day is over; what dies in between is started again, the controller is not."""
        while not self._stop.wait(0.3):
            if controller.exit_code is not None:
                raise controller.failed()
            if crowd.exit_code == 0:
                print(
                    "今天的业务办完了, 下一个工作日开始。 The day is over; the next working day begins.",
                    flush=True,
                )
                return
            for process in (*others, crowd):
                process.revive(time.monotonic())

    def _await(
        self, ready: Callable[[], bool], needed: Sequence[Process], deadline_s: float = READY_S
    ) -> None:
        """Until `ready` or stopped. Raises HallError when a needed process ends, or at the deadline."""
        ends_at = time.monotonic() + deadline_s
        while not self._stop.is_set() and not ready():
            for process in needed:
                if process.exit_code is not None:
                    raise process.failed()
            if time.monotonic() > ends_at:
                names = ", ".join(process.name for process in needed)
                raise DemoFault(
                    f"no answer from {names} within {deadline_s:g} s; see {self._options.data}/log"
                )
            self._stop.wait(0.1)

    def _is_hardware_there(self) -> bool:
        return all(_answers(f"{self._ports.bench_url(node.name)}/state") for node in self._nodes)

    # --- files and processes

    def _write_settings(self) -> Settings:
        file = self._options.data / "controller.toml"
        file.write_text(
            "# Written anew by every `servicehall demo`.\n"
            f'data_dir = "data"\nhttp_port = {self._ports.http}\nmqtt_port = {self._ports.mqtt}\n'
            "speech_times = 1\ndemo = true\n"
        )
        return load(file)

    def _write_unit_files(self) -> None:
        """To what `unit add` wrote: where the unit keeps its store and serves its pages, and its bench."""
        for node in self._nodes:
            with (self._options.data / "units" / f"{node.name}.toml").open("a") as file:
                file.write(
                    f'data_dir = "{self._options.data / "units" / node.name}"\n'
                    f'pages = "127.0.0.1:{self._ports.pages[node.name]}"\n'
                    f'bench = "{self._ports.bench_url(node.name)}/"\n'
                )

    def _process(self, name: str, *words: str) -> Process:
        return Process(name, ["firmware.cli", *words], self._options.data / "log" / f"{name}.log")

    def _bench(self, node: Node) -> Process:
        file = self._run_dir / f"{node.name}-bench.toml"
        speaker_speed = max(1.0, self._options.speed / 4)
        file.write_text(bench_toml(node, self._run_dir, self._ports.bench[node.name], speaker_speed))
        return self._process(f"{node.name}-bench", "bench", "-c", str(file))

    def _unit(self, node: Node) -> Process:
        file = self._options.data / "units" / f"{node.name}.toml"
        return self._process(node.name, "node", "-c", str(file))

    def _crowd_config(self, morning: Morning) -> CrowdConfig:
        clock = hall_clock(self._settings).setting

        def place(pair: tuple[str, str]) -> Place:
            return Place(self._ports.bench_url(pair[0]), pair[1])

        def buttons(codes: Sequence[str], is_green: bool) -> dict[str, Place]:
            found = {code: button_of(self._nodes, code, is_green) for code in codes}
            return {code: place(pair) for code, pair in found.items() if pair is not None}

        web = self._settings.web_url
        return CrowdConfig(
            date=morning.date.isoformat(),
            midnight=morning.midnight,
            closes_s=morning.closes.total_seconds(),
            clock_epoch=clock.epoch,
            clock_offset_s=clock.offset.total_seconds(),
            speed=clock.speed,
            seed=self._options.seed,
            buttons=buttons([queue.code for queue in QUEUES], False),
            green_buttons=buttons(GREEN_QUEUES, True),
            printers=[place(("node-1", "printer-1"))],
            keypads={n: place(pair) for n, pair in at_windows(self._nodes, "keypad").items()},
            bars={n: place(pair) for n, pair in at_windows(self._nodes, "led").items()},
            sign_in={one.window: f"{web}/in/{morning.links[one.id]}" for one in CLERKS if one.window},
            windows_url=f"{web}/w/{HALL}/?choose=1",
            arrivals=self._arrivals(morning.date),
            memory=str(self._memory),
        )

    def _arrivals(self, day: date) -> list[Arrival]:
        """The citizens of this day: made up, named by seed and date, or the log's days in turn."""
        opens = timedelta(hours=OPENS.hour, minutes=OPENS.minute)
        if self._log is not None:
            people = self._log.nth_day(day.toordinal())
            return [one for one in people if opens <= one.at < LAST_ARRIVAL]
        means = {queue.code: queue.mean_service for queue in QUEUES}
        demand = Demand(self._options.citizens, means, opens, LAST_ARRIVAL, day.isoweekday())
        chance = Random(f"{self._options.seed} {day}")  # noqa: S311 - a day by its name, no secret
        return made_up_day(shipped_shapes(), demand, chance)


def _check_parts() -> None:
    """Raises DemoFault naming what is not installed."""
    missing = sorted({extra for module, extra in NEEDED if find_spec(module) is None})
    if missing:
        raise DemoFault(f"parts are not installed; run: pip install 'servicehall[{','.join(missing)}]'")


def _choose_ports(http: int, nodes: Sequence[Node]) -> Ports:
    """The web's port as asked; for the rest the next free ones. Raises DemoFault."""
    if not is_free("127.0.0.1", http):
        raise DemoFault(f"port {http} is in use by another program; choose another with --port")
    free = _free_ports(http + 1)
    mqtt = next(_free_ports(Settings().mqtt_port))
    pages = {node.name: next(free) for node in nodes}
    return Ports(http, mqtt, pages, {node.name: next(free) for node in nodes})


def _free_ports(first: int) -> Iterator[int]:
    for port in range(first, 65536):
        if is_free("127.0.0.1", port):
            yield port
    raise DemoFault(f"no port after {first} is free; choose another with --port")


def _answers(url: str) -> bool:
    try:
        benches.ask(url, timeout_s=2.0)
    except ValueError:
        return True  # an answer, if not JSON
    except OSError:
        return False
    return True
