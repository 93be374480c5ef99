"""The works of a sample hall: its controller, benches and units as processes over one data folder.

Hides ports, files and the order of starting and stopping. The demo adds a crowd to it; tests use it bare.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from controller.children import is_free
from controller.demo import benches
from controller.demo.morning import Morning, prepare
from controller.demo.nodes import Node, bench_toml, sample_nodes
from controller.demo.processes import Process, stop_all
from controller.hall.model import HallError
from controller.settings import Settings, load

READY_S = 60.0  # from start to the first answer of a process, on a slow board


class DemoFault(HallError):
    """The demo cannot start; one sentence says why and what to do."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where things listen on loopback. pages and bench: per node. camera: None without OpenCV."""

    http: int
    mqtt: int
    pages: Mapping[str, int]
    bench: Mapping[str, int]
    camera: int | None = None


@dataclass(frozen=True, slots=True)
class Extras:
    """More lines for the files written: of the controller and of every unit, as TOML."""

    controller: str = "speech_times = 1\n"
    unit: str = ""


class Works:
    """Controller, benches and units of one data folder. run_dir: where cables and sockets hang."""

    def __init__(
        self, data: Path, run_dir: Path, ports: Ports, speed: float, extras: Extras | None = None
    ) -> None:
        self.data, self.run_dir, self.ports, self.speed = data, run_dir, ports, speed
        self.nodes: tuple[Node, ...] = sample_nodes(run_dir, ports.camera)
        self._extras = extras or Extras()
        self.settings = self._write_settings()
        config = str(data / "controller.toml")
        self.controller = self._process("controller", "serve", "-c", config)
        self.benches = {node.name: self._bench(node) for node in self.nodes}
        self.units = {node.name: self._unit(node) for node in self.nodes}

    def prepare(self, *, is_day_over: bool) -> Morning:
        """The hall with an open day, and the files of its units. Nothing may run. Raises HallError."""
        morning = prepare(self.settings, self.nodes, self.data / "units", self.speed, is_day_over=is_day_over)
        for node in self.nodes:
            self._complete_unit_file(node)
        return morning

    def start(self, stop: threading.Event) -> None:
        """Everything running, units last; returns early when `stop` is set. Raises HallError."""
        for process in (self.controller, *self.benches.values()):
            process.start()
        self.until(self._is_hardware_there, list(self.benches.values()), stop)
        self.until(self._is_controller_there, [self.controller], stop)
        if not stop.is_set():
            for process in self.units.values():
                process.start()

    def stop(self, also_first: Sequence[Process] = ()) -> None:
        """End units, controller and benches in this order; `also_first` with the units. At most 9.5 s."""
        units, hardware = list(self.units.values()), list(self.benches.values())
        stop_all([([*also_first, *units], 2.5), ([self.controller], 4.0), (hardware, 3.0)])

    def until(
        self,
        ready: Callable[[], bool],
        needed: Sequence[Process],
        stop: threading.Event,
        deadline_s: float = READY_S,
    ) -> None:
        """Wait until `ready`, or `stop` is set. Raises HallError when a needed process ends, or too late."""
        ends_at = time.monotonic() + deadline_s
        while not stop.is_set() and not ready():
            for process in needed:
                if process.exit_code is not None:
                    raise process.failed()
            if time.monotonic() > ends_at:
                names = ", ".join(process.name for process in needed)
                raise DemoFault(f"no answer from {names} within {deadline_s:g} s; see {self.data}/log")
            stop.wait(0.1)

    def bench_url(self, node: str) -> str:
        return f"http://127.0.0.1:{self.ports.bench[node]}"

    def pages_url(self, node: str) -> str:
        return f"http://127.0.0.1:{self.ports.pages[node]}/pages"

    def _is_hardware_there(self) -> bool:
        return all(answers(f"{self.bench_url(node.name)}/state") for node in self.nodes)

    def _is_controller_there(self) -> bool:
        return answers(f"{self.settings.web_url}/healthz")

    # --- files and processes

    def _write_settings(self) -> Settings:
        file = self.data / "controller.toml"
        file.write_text(
            "# Written anew by every start of the demo.\n"
            f'data_dir = "data"\nhttp_port = {self.ports.http}\nmqtt_port = {self.ports.mqtt}\n'
            f"demo = true\n{self._extras.controller}"
        )
        return load(file)

    def _complete_unit_file(self, node: Node) -> None:
        """To what `unit add` writes: where the unit keeps its store and serves its pages, and its bench."""
        with (self.data / "units" / f"{node.name}.toml").open("a") as file:
            file.write(
                f'data_dir = "{self.data / "units" / node.name}"\n'
                f'pages = "127.0.0.1:{self.ports.pages[node.name]}"\n'
                f'bench = "{self.bench_url(node.name)}/"\n{self._extras.unit}'
            )

    def _process(self, name: str, *words: str) -> Process:
        return Process(name, ["firmware.cli", *words], self.data / "log" / f"{name}.log")

    def _bench(self, node: Node) -> Process:
        file = self.run_dir / f"{node.name}-bench.toml"
        speaker_speed = max(1.0, self.speed / 4)
        file.write_text(bench_toml(node, self.run_dir, self.ports.bench[node.name], speaker_speed))
        return self._process(f"{node.name}-bench", "bench", "-c", str(file))

    def _unit(self, node: Node) -> Process:
        file = self.data / "units" / f"{node.name}.toml"
        return self._process(node.name, "node", "-c", str(file))


def choose_ports(http: int | None, mqtt: int, first: int) -> Ports:
    """The web's port as asked, else a free one; for the rest the next free ones. Raises DemoFault.

    mqtt, first: where to look for the broker's port, and for those of the nodes.
    """
    if http is not None and not is_free("127.0.0.1", http):
        raise DemoFault(f"port {http} is in use by another program; choose another with --port")
    free = _free_ports(first)
    web = next(free) if http is None else http
    names = [node.name for node in sample_nodes(Path("/"))]
    return Ports(
        web,
        next(_free_ports(mqtt)),
        {name: next(free) for name in names},
        {name: next(free) for name in names},
        next(free) if find_spec("cv2") is not None else None,
    )


def answers(url: str) -> bool:
    """Somebody speaks HTTP there, and well."""
    try:
        benches.ask(url, timeout_s=2.0)
    except ValueError:
        return True  # an answer, if not JSON
    except OSError:
        return False
    return True


def _free_ports(first: int) -> Iterator[int]:
    for port in range(first, 65536):
        if is_free("127.0.0.1", port):
            yield port
    raise DemoFault(f"no port after {first} is free; choose another with --port")
