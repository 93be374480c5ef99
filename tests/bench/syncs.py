"""How often a press and its slip make a disk be flushed, and what they write: on a node, on the controller.

A program that presses runs under strace, which notes every flush. A checkpoint, which moves the write-ahead
log into the database once in some thousand pages, flushes the log, the database and the log's new beginning
(SQLite, "Write-Ahead Logging", 2.3); it is counted apart.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
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
from firmware.protocol.messages import Pressed, Print, Printed, Result, ResultState, SlipLine
from firmware.protocol.outbox import Outbox
from tests.bench.rig import HALL, Controller
from tests.bench.table import Row, at_most

PRESSES = 400
LOG, OTHER = re.compile(r"f(data)?sync\(\d+<[^>]*-wal>"), re.compile(r"f(data)?sync\(")
WRITTEN = re.compile(r"pwrite64\(.* = (\d+)$")
QR = "https://hall.example.gov.cn/t/0123456789abcdefghijkl"
BEGIN, END = "presses begin", "presses end"  # printed, so that they stand in the trace


def measure(folder: Path) -> list[Row]:
    if shutil.which("strace") is None:
        return [Row("flushes of a press", "not counted: that takes strace")]
    ticket = _trace(folder, "ticket")
    return [
        _row("node, a press", _trace(folder, "node"), PRESSES),
        _row("node, a press and its slip", ticket, 3 * PRESSES),
        Row("node, written for a press and its slip", f"{_written(ticket) / PRESSES / 1000:.1f} kB"),
        _row("controller, presses one after the other", _trace(folder, "controller"), PRESSES),
        _row("controller, as many that wait when it begins", _trace(folder, "batch"), 2),
    ]


def _row(what: str, trace: Sequence[str], commits: int) -> Row:
    log = sum(1 for line in trace if LOG.search(line))
    database = sum(1 for line in trace if OTHER.search(line)) - log
    ours = max(0, log - 2 * database)
    figure = f"{ours} for {PRESSES} presses, and {log + database - ours} of {database} checkpoints"
    return Row(f"flushes, {what}", figure, at_most(ours / commits, 1, "for each commit"))


def _written(trace: Sequence[str]) -> int:
    """Bytes put into files at a place of theirs: SQLite's log and, at checkpoints, its database."""
    return sum(int(found[1]) for line in trace if (found := WRITTEN.search(line)))


def _trace(folder: Path, part: str) -> list[str]:
    """What the system was asked for while the presses were made."""
    trace = folder / f"{part}.trace"
    trace.parent.mkdir(parents=True, exist_ok=True)
    command = ["strace", "-f", "-y", "-e", "trace=fsync,fdatasync,write,pwrite64", "-o", str(trace)]
    program = [sys.executable, "-m", "tests.bench.syncs", part, str(folder / part)]
    subprocess.run([*command, *program], check=True, stdout=subprocess.DEVNULL)
    return trace.read_text(errors="replace").partition(BEGIN)[2].partition(END)[0].splitlines()


# --- what is traced


def press_on_node(folder: Path, *, is_printing: bool = False) -> None:
    folder.mkdir(parents=True)
    store_setup.main([str(folder / "outbox.sqlite")])
    outbox = Outbox.open(folder / "outbox.sqlite")
    print(BEGIN, flush=True)
    for n in range(PRESSES):
        seq, _ = outbox.press(Pressed(input="button-1"))
        if is_printing:
            _print(outbox, seq, f"slip-{n}", f"A{n:03d}")
    print(END, flush=True)
    outbox.close()


def _print(outbox: Outbox, seq: int, cid: str, number: str) -> None:
    """The marks of a slip: one before its bytes, one when it is out."""
    lines = [SlipLine(text=number, size=4), SlipLine(text="综合窗口 1-4")]
    order = Print(device="printer-1", lines=lines, press=seq, press_epoch=outbox.epoch, number=number, qr=QR)
    outbox.begin_slip(cid, order)
    outbox.finish(Result(cid=cid, state=ResultState.DONE), Printed(order=cid, press=seq), slip=cid)


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
        "ticket": lambda folder: press_on_node(folder, is_printing=True),
        "controller": press_on_controller,
        "batch": lambda folder: press_on_controller(folder, is_batch=True),
    }[sys.argv[1]](Path(sys.argv[2]))  # type: ignore[no-untyped-call]
