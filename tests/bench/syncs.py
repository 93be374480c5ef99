"""How often a press makes a disk be flushed: on its node, and on the controller.

A program that presses runs under strace, which notes every flush. A checkpoint, which moves the write-ahead
log into the database once in some thousand pages, flushes the log, the database and the log's new beginning
(SQLite, "Write-Ahead Logging", 2.3); it is counted apart.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from concurrent.futures import Future, wait
from itertools import count
from pathlib import Path

from controller.clock import HallClock, real_now
from controller.hall.commands import TakeTicket
from controller.hall.model import Press
from controller.live import Answer, Heard, Live
from controller.people import unit_actor
from controller.store import Store
from firmware.protocol import store_setup
from firmware.protocol.messages import Pressed
from firmware.protocol.outbox import Outbox
from tests.bench.rig import HALL, Controller
from tests.bench.table import Row, at_most

PRESSES = 400
LOG, OTHER = re.compile(r"f(data)?sync\(\d+<[^>]*-wal>"), re.compile(r"f(data)?sync\(")
BEGIN, END = "presses begin", "presses end"  # printed, so that they stand in the trace


def measure(folder: Path) -> list[Row]:
    if shutil.which("strace") is None:
        return [Row("flushes of a press", "not counted: that takes strace")]
    return [
        _row("node, a press", _flushes(folder, "node"), PRESSES),
        _row("controller, presses one after the other", _flushes(folder, "controller"), PRESSES),
        _row("controller, as many that wait when it begins", _flushes(folder, "batch"), 2),
    ]


def _row(what: str, flushes: tuple[int, int], commits: int) -> Row:
    log, database = flushes
    ours = max(0, log - 2 * database)
    figure = f"{ours} for {PRESSES} presses, and {log + database - ours} of {database} checkpoints"
    return Row(f"flushes, {what}", figure, at_most(ours / commits, 1, "for each commit"))


def _flushes(folder: Path, part: str) -> tuple[int, int]:
    """Flushes of write-ahead logs while the presses were made, and of databases."""
    trace = folder / f"{part}.trace"
    trace.parent.mkdir(parents=True, exist_ok=True)
    command = ["strace", "-f", "-y", "-e", "trace=fsync,fdatasync,write", "-o", str(trace)]
    program = [sys.executable, "-m", "tests.bench.syncs", part, str(folder / part)]
    subprocess.run([*command, *program], check=True, stdout=subprocess.DEVNULL)
    lines = trace.read_text(errors="replace").partition(BEGIN)[2].partition(END)[0].splitlines()
    ours = sum(1 for line in lines if LOG.search(line))
    return ours, sum(1 for line in lines if OTHER.search(line)) - ours


# --- what is traced


def press_on_node(folder: Path) -> None:
    folder.mkdir(parents=True)
    store_setup.main([str(folder / "outbox.sqlite")])
    outbox = Outbox.open(folder / "outbox.sqlite")
    print(BEGIN, flush=True)
    for _ in range(PRESSES):
        outbox.press(Pressed(input="button-1"))
    print(END, flush=True)
    outbox.close()


def press_on_controller(folder: Path, *, is_batch: bool = False) -> None:
    settings = Controller(folder, 100).settings
    store = Store.open(settings.database_url, real_now())
    live = Live(HALL, store, HallClock(), lambda hall, told, now: [], tick_every=None)
    numbers = count(1)

    def press() -> Future[Answer]:
        n = next(numbers)
        command = TakeTicket("A", f"press-{n}", press=Press("unit-1", "bench", n))
        return live.post(command, unit_actor("unit-1"), heard=Heard("unit-1", "bench", n))

    live.start()
    print(BEGIN, flush=True)
    if is_batch:
        wait([press() for _ in range(PRESSES)])
    else:
        for _ in range(PRESSES):
            press().result()
    print(END, flush=True)
    live.stop()
    store.close()


if __name__ == "__main__":
    {
        "node": press_on_node,
        "controller": press_on_controller,
        "batch": lambda folder: press_on_controller(folder, is_batch=True),
    }[sys.argv[1]](Path(sys.argv[2]))  # type: ignore[no-untyped-call]
