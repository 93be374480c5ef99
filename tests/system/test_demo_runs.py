"""`servicehall demo` as a newcomer runs it: untouched until citizens are served, stopped, and run again."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from controller.children import is_free
from tests.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

SERVED_S = 120  # from the command to the first citizen being served; about 15 s on a quiet machine
ENDED_S = 15  # the demo promises 10
ALL_PROCESSES = (
    10  # the demo, the controller with broker and web, four benches, four units, the crowd: at least
)


class Run:
    """One run of the command; its words as they come."""

    def __init__(self, data: Path, port: int, *more: str) -> None:
        self.data = data
        self.said = data.parent / "said.txt"
        with self.said.open("ab") as out:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "firmware.cli",
                    "demo",
                    "--data",
                    str(data),
                    "--port",
                    str(port),
                    *more,
                ],
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )

    def words(self) -> str:
        return self.said.read_text("utf-8")

    def until_served(self, times: int = 1) -> None:
        def is_served() -> bool:
            assert self.process.poll() is None, self.words()
            return self.words().count("is being served at window") >= times

        until(is_served, SERVED_S, what="a citizen is being served")

    def ended(self, number: int = signal.SIGINT) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(ENDED_S)


def family(data: Path) -> list[psutil.Process]:
    """Processes that have to do with this data folder."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if any(str(data) in part for part in process.info["cmdline"] or ()):
            found.append(process)
    return found


def events(data: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(f"file:{data / 'data' / 'hall.sqlite'}?mode=ro", uri=True)) as base:
        return base.execute("select kind, body from event order by seq").fetchall()


def kinds(data: Path) -> list[str]:
    return [kind for kind, _ in events(data)]


def free_port() -> int:
    """Where this process looks: others that look at the same time begin elsewhere."""
    first = 20_000 + os.getpid() % 300 * 40
    return next(port for port in range(first, first + 40) if is_free("127.0.0.1", port))


def test_the_demo_serves_stops_cleanly_and_goes_on(tmp_path: Path):
    data, port = tmp_path / "demo", free_port()
    first = Run(data, port, "--speed", "10")
    try:
        first.until_served()
        assert first.ended() == 0
    finally:
        first.process.kill()
    assert family(data) == []
    assert not (data / "run").exists()
    before, issued = events(data), kinds(data).count("TicketIssued")
    assert kinds(data).count("DayOpened") == 1

    second = Run(data, port, "--speed", "10")
    try:
        second.until_served(times=2)
        until(lambda: kinds(data).count("TicketIssued") > issued, SERVED_S, what="more citizens come")
        assert second.ended(signal.SIGTERM) == 0
    finally:
        second.process.kill()
    after = events(data)
    assert after[: len(before)] == before
    assert kinds(data).count("DayOpened") == 1
    assert family(data) == []


def test_a_killed_demo_takes_its_processes_with_it(tmp_path: Path):
    data = tmp_path / "demo"
    run = Run(data, free_port(), "--speed", "10")
    until(lambda: len(family(data)) >= ALL_PROCESSES, SERVED_S, what="everything has been started")
    run.process.kill()
    run.process.wait()
    until(lambda: family(data) == [], 20, what="every process of the demo is gone")


def test_a_used_port_gets_one_sentence(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        run = Run(tmp_path / "demo", port)
        assert run.process.wait(30) == 1
    assert run.words().strip() == (
        f"servicehall demo: port {port} is in use by another program; choose another with --port"
    )


def test_a_bad_arrivals_file_gets_one_sentence(tmp_path: Path):
    (tmp_path / "mine.csv").write_text("arrival_s,queue,service_s\n32400,A,60\n32500,X,60\n")
    run = Run(tmp_path / "demo", free_port(), "--arrivals", str(tmp_path / "mine.csv"))
    assert run.process.wait(30) == 1
    (line,) = run.words().splitlines()
    assert "mine.csv, line 3, column 'queue'" in line
