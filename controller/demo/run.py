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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.util import find_spec
from pathlib import Path
from random import Random
from types import FrameType

import msgspec

from controller.demo.crowd_process import CrowdConfig, Place, recall
from controller.demo.hall import CLERKS, HALL, QUEUES
from controller.demo.morning import OPENS, Morning, hall_clock
from controller.demo.nodes import (
    GREEN_QUEUES,
    LONGEST_SOCKET,
    SOCKET_LIMIT,
    at_windows,
    button_of,
)
from controller.demo.processes import Lines, Process
from controller.demo.welcome import welcome
from controller.demo.works import DemoFault, Works, choose_ports
from controller.hall.model import HallError
from controller.settings import Settings
from controller.simulate import Arrival, Demand, Log, made_up_day, read_arrivals, shipped_shapes

SPEED = 8.0  # a day in an hour; a slip (1-4 s on the wire) still takes well under a minute of the hall
FASTEST = 10.0  # design: beyond it the wires cannot follow
CITIZENS = 380  # on a mean working day: seven windows are busy but keep up
LAST_ARRIVAL = timedelta(hours=16, minutes=50)
FIRST_SERVICE_S = 120.0  # after so long without any service the addresses are told all the same
DAY_OVER = "今天的业务办完了, 下一个工作日开始。 The day is over; the next working day begins."
NEEDED = (
    ("flask", "controller"),
    ("granian", "controller"),
    ("serial", "node"),
    ("gpiozero", "node"),
    ("escpos", "node"),
)

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    data: Path
    port: int
    speed: float
    arrivals: Path | None
    seed: int
    citizens: int = CITIZENS


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
        _check_parts()
        ports = choose_ports(options.port, Settings().mqtt_port, options.port + 1)
        shutil.rmtree(options.data / "log", ignore_errors=True)
        self._options = options
        self._log = log
        self._stop = stop
        self._works = Works(options.data, run_dir, ports, options.speed)
        self._memory = options.data / "crowd.json"

    def run(self) -> None:
        """Days one after another until stopped. Raises HallError."""
        print("样例大厅正在准备… The sample hall is being made ready…", flush=True)
        while not self._stop.is_set():
            kept = recall(self._memory)
            self._day(self._works.prepare(is_day_over=kept is not None and kept.has_ended))

    def _day(self, morning: Morning) -> None:
        file = self._works.run_dir / "crowd.json"
        log = self._options.data / "log" / "crowd.log"
        crowd = Process("crowd", ["controller.demo.crowd_process", str(file)], log, pipe_output=True)
        try:
            self._works.start(self._stop)
            if not self._stop.is_set():
                file.write_bytes(msgspec.json.encode(self._crowd_config(morning)))
                crowd.start()
                self._welcome(morning, crowd)
                self._watch(crowd)
        finally:
            self._works.stop(also_first=[crowd])

    def _welcome(self, morning: Morning, crowd: Process) -> None:
        """Wait for the first service, and say where it can be seen."""
        if crowd.output is None:
            return
        said, works, latest = Lines(crowd.output), self._works, time.monotonic() + FIRST_SERVICE_S
        everything = [works.controller, *works.benches.values(), *works.units.values()]
        works.until(
            lambda: said.came.is_set() or crowd.exit_code is not None or time.monotonic() > latest,
            everything,
            self._stop,
            deadline_s=2 * FIRST_SERVICE_S,
        )
        if not self._stop.is_set() and crowd.exit_code is None:
            text = welcome(works.settings, works.ports.pages, morning, said.first, self._options.data)
            print(text, flush=True)

    def _watch(self, crowd: Process) -> None:
        """Until stopped or the day is over; what dies in between is started again, the controller is not."""
        works = self._works
        while not self._stop.wait(0.3):
            if works.controller.exit_code is not None:
                raise works.controller.failed()
            if crowd.exit_code == 0:
                print(DAY_OVER, flush=True)
                return
            for process in (*works.benches.values(), *works.units.values(), crowd):
                process.revive(time.monotonic())

    def _crowd_config(self, morning: Morning) -> CrowdConfig:
        works = self._works
        clock = hall_clock(works.settings).setting

        def place(pair: tuple[str, str]) -> Place:
            return Place(works.bench_url(pair[0]), pair[1])

        def buttons(codes: Sequence[str], is_green: bool) -> dict[str, Place]:
            found = {code: button_of(works.nodes, code, is_green) for code in codes}
            return {code: place(pair) for code, pair in found.items() if pair is not None}

        web = works.settings.web_url
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
            keypads={n: place(pair) for n, pair in at_windows(works.nodes, "keypad").items()},
            bars={n: place(pair) for n, pair in at_windows(works.nodes, "led").items()},
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
