"""Memory and start time of controller, broker and node. PSS shares pages out among those who share them."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil

from tests.bench.rig import HALL, Controller, controller, wait_for


def measure(folder: Path) -> list[tuple[str, str]]:
    """Rows (what, figure)."""
    with controller(folder, 100) as hall:
        rows = [("controller: start to first answer, broker included", f"{hall.started_s:.2f} s")]
        rows += [(f"memory of {_name(one)}", _memory(one)) for one in hall.processes()]
        rows += _node(hall)
    return rows


def _node(hall: Controller) -> list[tuple[str, str]]:
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
        node = subprocess.Popen(
            [sys.executable, "-m", "firmware.cli", "node", "-c", str(unit)], stdout=out, stderr=out
        )
        wait_for(lambda: b"in force" in log.read_bytes(), 30)
        took = time.monotonic() - began
        memory = _memory(psutil.Process(node.pid))
        node.terminate()
        node.wait(10)
    return [("node: start to its configuration in force", f"{took:.2f} s"), ("memory of node", memory)]


def _name(process: psutil.Process) -> str:
    words = " ".join(process.cmdline())
    for name in ("nats-server", "mosquitto"):
        if name in words:
            return name
    if "web_process" not in words:
        return "supervisor"
    parent = process.parent()
    is_worker = parent is not None and "web_process" in " ".join(parent.cmdline())
    return "web worker (halls, bus, pages)" if is_worker else "web master"


def _memory(process: psutil.Process) -> str:
    full = process.memory_full_info()
    return f"{full.pss / 2**20:.0f} MiB PSS, {full.rss / 2**20:.0f} MiB RSS"
