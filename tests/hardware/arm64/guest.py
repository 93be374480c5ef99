"""What runs in the board of `make rig-arm64`: starts the node, draws tickets, looks at its memory.

python -m tests.hardware.arm64.guest, with unit.toml and tickets.txt (how many) in /mnt.
"""

from __future__ import annotations

import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.hardware.arm64.unit import BUTTON, FOLDER, LAMP, hardware
from tests.hardware.chip import Chip, say, until
from tests.hardware.node import NodeProcess

# What a node cannot be without, and nothing of ours.
BARE = """
import json, sqlite3, serial, paho.mqtt.client, lgpio, gpiozero
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmRSS:")))
"""
STARTS = 3
OPENING_S = 3.0  # from taking a pin to hearing its edges, on a busy machine
JOB, LOG = Path("/mnt"), Path("/run/node.log")


def main() -> None:
    tickets = int((JOB / "tickets.txt").read_text())
    say("board", machine=platform.machine(), python=platform.python_version(), kernel=platform.release())
    for _ in range(STARTS):
        _import_bare()
    chip, bench = Chip(), hardware()
    chip.pull(BUTTON, is_high=True)
    FOLDER.mkdir()
    bench.start()
    node = _first_start(chip)
    for _ in range(STARTS):
        node.stop()
        node = NodeProcess(JOB / "unit.toml", LOG)
        say("start", seconds=node.ready_s)
    say("idle", own=node.own_mb, tree=node.tree)
    until(lambda: chip.is_high(LAMP), "the lamp of the button is lit")
    until(lambda: chip.is_taken(BUTTON), "the button's pin is open")
    time.sleep(OPENING_S)
    _draw(chip, bench, node, tickets)
    _call(bench)
    say("node", own=node.own_mb, peak=node.peak_mb, tree=node.tree)
    node.stop()
    say("done")


def _import_bare() -> None:
    began = time.monotonic()
    said = subprocess.run(
        [sys.executable, "-c", BARE], check=True, capture_output=True, text=True, cwd="/run"
    )
    say("bare", seconds=time.monotonic() - began, own=int(said.stdout) / 1024)


def _first_start(chip: Chip) -> NodeProcess:
    """The start of a new board: it knows nothing, and hears from the controller what hangs on it."""
    began = time.monotonic()
    node = NodeProcess(JOB / "unit.toml", LOG)
    until(lambda: b"in force" in LOG.read_bytes(), "its configuration is in force")
    say("first start", ready=node.ready_s, configured=time.monotonic() - began)
    return node


def _draw(chip: Chip, bench: Any, node: NodeProcess, tickets: int) -> None:
    """Push the button for each ticket and wait for its slip."""
    for n in range(1, tickets + 1):
        began = chip.push(BUTTON)
        until(lambda n=n: _slips(bench) == n, f"slip {n} is cut off")  # type: ignore[misc]
        say("slip", n=n, seconds=time.monotonic() - began, own=node.own_mb, tree=sum(node.tree.values()))


def _slips(bench: Any) -> int:
    slips = bench.device("printer-1").state()["slips"]
    return max((slip["id"] for slip in slips if slip["is_cut"]), default=0)


def _call(bench: Any) -> None:
    """The window's clerk calls by the keypad, and the hall hears it."""
    began = time.monotonic()
    bench.device("keypad-1").press("call_next")
    until(lambda: bench.device("speaker-1").state()["said"], "the call is spoken")
    say("spoken", seconds=time.monotonic() - began)


if __name__ == "__main__":
    try:
        main()
    finally:
        sys.stderr.write(LOG.read_text() if LOG.exists() else "")
