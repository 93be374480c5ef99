"""Memory of controller and node. PSS shares pages out among those who share them."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil

from tests.bench.rig import HALL, Controller, controller, wait_for
from tests.bench.table import Row, at_most

BROKERS = ("nats-server", "mosquitto")


def measure(folder: Path) -> list[Row]:
    with controller(folder / "first", 100, "mosquitto") as hall:
        rows = _controller(hall)
    with controller(folder / "second", 100) as hall:
        return rows + _controller(hall) + _node(hall)


def _controller(hall: Controller) -> list[Row]:
    own = [one for one in hall.processes() if _name(one) not in BROKERS]
    rows = [Row(f"memory of {_name(one)}", f"{_pss(one):.0f} MiB PSS") for one in hall.processes()]
    total = sum(_pss(one) for one in own)
    return [*rows, Row("controller without broker", f"{total:.0f} MiB PSS", at_most(total, 120, "MiB"))]


def _node(hall: Controller) -> list[Row]:
    """The agent of a display without hardware: what every node has, before its drivers."""
    unit = hall.folder / "unit.toml"
    unit.write_text(
        f'hall = "{HALL}"\nunit = "display"\nbroker = "{hall.settings.broker_url}"\n'
        f'token = "{hall.tokens["display"]}"\ndata_dir = "{hall.folder / "node"}"\n'
    )
    unit.chmod(0o600)
    began = time.monotonic()
    log = hall.folder / "node.log"
    with log.open("wb") as out:
        command = [sys.executable, "-m", "firmware.cli", "node", "-c", str(unit)]
        node = subprocess.Popen(command, stdout=out, stderr=out)
        wait_for(lambda: b"in force" in log.read_bytes(), 30)
        took = time.monotonic() - began
        main = psutil.Process(node.pid)
        own, tree = _pss(main), _total([main, *main.children(recursive=True)])
        node.terminate()
        node.wait(10)
    return [
        Row("node: start to its configuration in force", f"{took:.2f} s"),
        Row("node, main process", f"{own:.0f} MiB PSS", at_most(own, 45, "MiB")),
        Row("node, with its children", f"{tree:.0f} MiB PSS", at_most(tree, 100, "MiB")),
    ]


def _name(process: psutil.Process) -> str:
    program, words = Path(process.cmdline()[0]).name, " ".join(process.cmdline())
    if program in BROKERS:
        return program
    if "web_process" not in words:
        return "supervisor"
    parent = process.parent()
    is_worker = parent is not None and "web_process" in " ".join(parent.cmdline())
    return "web worker (halls, bus, pages)" if is_worker else "web master"


def _total(processes: Iterable[psutil.Process]) -> float:
    total = 0.0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            total += _pss(process)
    return total


def _pss(process: psutil.Process) -> float:
    """MiB."""
    return float(process.memory_full_info().pss) / 2**20
