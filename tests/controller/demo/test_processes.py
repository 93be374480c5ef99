"""Children of the demo: they end when told, are killed when they do not, and are started again."""

from __future__ import annotations

import time
from pathlib import Path

import psutil
import pytest

from controller.demo.processes import Process, stop_all
from tests.waiting import until


def child(tmp_path: Path, name: str, code: str) -> Process:
    """A child running a module of this text; the test stands in its folder."""
    (tmp_path / f"{name}.py").write_text(code)
    return Process(name, [name], tmp_path / "log" / f"{name}.log")


@pytest.fixture(autouse=True)
def _stand_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_stubborn_child_and_its_own_children_are_killed(tmp_path: Path):
    stubborn = child(
        tmp_path,
        "stubborn",
        "import signal, subprocess, threading\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "subprocess.Popen(['sleep', '600'])\n"
        "print('ready', flush=True)\n"
        "threading.Event().wait()\n",
    )
    stubborn.start()
    until(lambda: "ready" in stubborn.log.read_text(), 10)
    assert stubborn.pid is not None
    family = [psutil.Process(stubborn.pid), *psutil.Process(stubborn.pid).children()]
    assert len(family) == 2
    stop_all([([stubborn], 0.2)])
    gone, alive = psutil.wait_procs(family, timeout=5)
    assert (len(gone), alive) == (2, [])


def test_a_dead_child_is_started_again_and_tells_its_last_words(tmp_path: Path):
    brief = child(tmp_path, "brief", "print('cannot open the printer')\nraise SystemExit(4)\n")
    brief.start()
    until(lambda: brief.exit_code == 4, 10)
    failure = str(brief.failed())
    assert "brief ended with code 4" in failure
    assert "cannot open the printer" in failure
    first, now = brief.pid, time.monotonic()
    brief.revive(now)
    brief.revive(now + 0.5)
    assert brief.pid == first
    brief.revive(now + 5)
    assert brief.pid != first
    stop_all([([brief], 5.0)])
