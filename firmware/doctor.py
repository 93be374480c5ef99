"""`servicehall node doctor`: what is wrong with this unit and what to do next, beside the unit itself.

Says the same as the technician's page in the web, from the unit's own store: it needs neither the controller
nor the network, and disturbs no agent that runs.
"""

from __future__ import annotations

import argparse
import fcntl
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from firmware.machine import MIB, Machine
from firmware.protocol import faults
from firmware.protocol.codec import BadMessage, decode
from firmware.protocol.messages import Faulted
from firmware.protocol.store_file import damage
from firmware.settings import BadSettings, NodeSettings, load

WORDS = {
    "zh": (
        "单元 {unit}（{hall}）",
        "程序{runs}",
        "在运行",
        "没有运行",
        "没有故障。",
        "自 {since}",
        "请：",
        "待送 {n} 条",
    ),
    "en": (
        "Unit {unit} of {hall}",
        "the agent {runs}",
        "runs",
        "does not run",
        "No faults.",
        "since {since}",
        "Do this:",
        "{n} messages wait to be sent",
    ),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One open fault. since: when it began, by the unit's clock then."""

    device: str
    code: str
    severity: str
    evidence: str = ""
    since: datetime | None = None


def main(argv: list[str]) -> int:
    """Say what is wrong with this unit and what to do; 1 when citizens notice it."""
    parser = argparse.ArgumentParser(prog="servicehall node doctor", description=main.__doc__)
    parser.add_argument("-c", "--config", type=Path, default=Path("unit.toml"))
    parser.add_argument("--lang", choices=sorted(WORDS), default="zh")
    words = parser.parse_args(argv)
    try:
        settings = load(words.config)
    except BadSettings as error:
        print(f"servicehall node doctor: {error}", file=sys.stderr)
        return 2
    store = settings.data_dir / "outbox.sqlite"
    found = sorted(findings(store, Machine(settings.data_dir)), key=_urgency)
    for line in report(settings, store, found, words.lang):
        print(line)
    return 1 if any(one.severity == faults.SEVERITIES[0] for one in found) else 0


def findings(store: Path, machine: Machine) -> list[Finding]:
    """What is wrong, as the unit itself has told it; and of the board what it has not told yet."""
    if not store.exists():
        return []
    harm = damage(store)
    if harm:
        return [Finding("node", "node.store_failed", faults.severity("node.store_failed"), harm)]
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as db:
        told = [_finding(db, *row) for row in db.execute("SELECT device, code, severity FROM fault")]
    known = {one.code for one in told}
    of_board = [
        Finding("node", code, faults.severity(code), evidence)
        for code, evidence in machine.faults().items()
        if code not in known
    ]
    return [*told, *of_board]


def report(settings: NodeSettings, store: Path, found: Sequence[Finding], lang: str) -> Iterator[str]:
    """The lines for the person who stands there."""
    title, runs, yes, no, none, since, do, waiting = WORDS[lang]
    state = runs.format(runs=yes if is_running(settings.data_dir) else no)
    room = Machine(settings.data_dir).room() if settings.data_dir.exists() else None
    free = f" · {room.free_bytes // MIB} MiB" if room else ""
    yield f"{title.format(unit=settings.unit, hall=settings.hall)} · {state}{free}"
    yield waiting.format(n=unsent(store))
    if not found:
        yield none
    for one in found:
        what, remedy = faults.words(one.code, lang)
        when = f" · {since.format(since=one.since.astimezone().strftime('%m-%d %H:%M'))}" if one.since else ""
        evidence = f" · {one.evidence}" if one.evidence else ""
        yield f"{'!' if one.severity == 'citizen' else '-'} {one.device}: {what}{when}{evidence}"
        yield f"  {do} {remedy}"


def unsent(store: Path) -> int:
    """Messages the controller has not confirmed."""
    if not store.exists():
        return 0
    try:
        with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as db:
            return int(db.execute("SELECT count(*) FROM event WHERE acked_at IS NULL").fetchone()[0])
    except sqlite3.DatabaseError:
        return 0


def is_running(data_dir: Path) -> bool:
    """Whether an agent holds the unit's data."""
    try:
        with (data_dir / "lock").open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _finding(db: sqlite3.Connection, device: str, code: str, severity: str) -> Finding:
    """An open fault, with the evidence and the time it was last told with."""
    rows = db.execute("SELECT body, ts FROM event WHERE t = 'Faulted' ORDER BY seq DESC LIMIT 500")
    for body, ts in rows:
        try:
            told = decode(body, Faulted)
        except BadMessage:
            continue
        if (told.device, told.code) == (device, code):
            return Finding(device, code, severity, told.detail, datetime.fromisoformat(ts))
    return Finding(device, code, severity)


def _urgency(one: Finding) -> tuple[int, str]:
    order = faults.SEVERITIES
    return (order.index(one.severity) if one.severity in order else len(order), one.device)
