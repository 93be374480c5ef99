"""The processes of the demo: started in order, watched, started again, and stopped so that nothing stays.

Each child is the leader of a process group of its own, so that Ctrl-C in the terminal reaches only the
demo and children end in order; each ends by itself when the demo is killed.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from controller.children import die_with_parent
from controller.hall.model import HallError

RESTART_S = 1.0  # pause before a child that died is started again
TAIL_LINES = 12

_logger = logging.getLogger(__name__)


class ProcessFailed(HallError):
    """A process of the demo cannot start or keep running; the message ends with its last words."""


class Process:
    """One child. words: what comes after the interpreter's -m. log: its output, kept per start."""

    def __init__(self, name: str, words: Sequence[str], log: Path, pipe_output: bool = False) -> None:
        self.name = name
        self.log = log
        self._words = [sys.executable, "-m", *words]
        self._pipe_output = pipe_output
        self._child: subprocess.Popen[str] | None = None
        self._died_at = 0.0

    def start(self) -> None:
        """Only from the main thread: the child ends with the thread that started it."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as out:
            self._child = subprocess.Popen(
                self._words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if self._pipe_output else out,
                stderr=out,
                text=True,
                process_group=0,
                preexec_fn=die_with_parent,
            )

    @property
    def output(self) -> IO[str] | None:
        return self._child.stdout if self._child else None

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    @property
    def exit_code(self) -> int | None:
        """None while it runs or was never started."""
        return self._child.poll() if self._child else None

    def revive(self, now_s: float) -> None:
        """Start it again, RESTART_S after it was seen dead. now_s: monotonic."""
        if self.exit_code is None:
            self._died_at = 0.0
        elif not self._died_at:
            self._died_at = now_s
            _logger.warning("%s ended with %s and is started again", self.name, self.exit_code)
        elif now_s - self._died_at >= RESTART_S:
            self.start()

    def ask_to_end(self) -> None:
        if self._child is not None and self._child.poll() is None:
            with suppress(ProcessLookupError):
                self._child.terminate()

    def wait(self, deadline_s: float) -> bool:
        """Whether it ended by then (monotonic seconds)."""
        if self._child is None:
            return True
        try:
            self._child.wait(max(0.05, deadline_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            return False
        return True

    def end(self, deadline_s: float) -> None:
        """Wait for it; kill it and whatever it started when it does not end in time."""
        if self._child is None:
            return
        if not self.wait(deadline_s):
            _logger.warning("%s did not end in time and is killed", self.name)
        with suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()
        if self._child.stdout is not None:
            self._child.stdout.close()

    def failed(self) -> ProcessFailed:
        """What to tell the user about its end."""
        return ProcessFailed(
            f"{self.name} ended with code {self.exit_code}; last words in {self.log}:\n{self.last_words()}"
        )

    def last_words(self) -> str:
        with suppress(OSError):
            lines = self.log.read_text("utf-8", "replace").splitlines()
            return "\n".join(f"  {line}" for line in lines[-TAIL_LINES:])
        return "  (nothing)"


def stop_all(groups: Sequence[tuple[Sequence[Process], float]]) -> None:
    """End the groups one after another; each has its seconds, then it is killed."""
    for processes, seconds in groups:
        for process in processes:
            process.ask_to_end()
        deadline = time.monotonic() + seconds
        for process in processes:
            process.end(deadline)


class Lines:
    """The lines a child prints, read on a thread of its own. first: the first one, once it came."""

    def __init__(self, stream: IO[str]) -> None:
        self.first = ""
        self.came = threading.Event()
        self._stream = stream
        threading.Thread(target=self._read, name="lines", daemon=True).start()

    def _read(self) -> None:
        with suppress(ValueError, OSError):  # closed at the end
            for line in self._stream:
                self.first = self.first or line.strip()
                self.came.set()
