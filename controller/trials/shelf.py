"""Comparisons of a site: started, watched, ended before their time, and kept as files under data_dir.

A folder each, data_dir/trials/NUMBER: request.json as asked, progress.json while it runs, and at the end
result.json or failure.json. One runs at a time; how one stands is read from its files and its process.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import msgspec

from controller.hall.model import HallError
from controller.settings import Settings
from controller.trials.work import Failure, Request, Result, write

MOST_KEPT = 100  # of a site; the oldest go first
STOP_TIMEOUT_S = 5.0


class TrialRunning(HallError):
    """Another comparison is under way; it has to end first."""


class State(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


class Asked(msgspec.Struct, frozen=True):
    """Who asked for a comparison, and when."""

    by: str
    at: datetime


# made by one thread: see messages.py
_requests, _asked = msgspec.json.Decoder(Request), msgspec.json.Decoder(Asked)
_results, _failures = msgspec.json.Decoder(Result), msgspec.json.Decoder(Failure)


@dataclass(frozen=True, slots=True)
class Trial:
    """One comparison as it stands. done, of: plays; of is 0 while the days are made ready."""

    id: int
    request: Request
    asked: Asked
    state: State
    done: int = 0
    of: int = 0
    failure: Failure | None = None


class Shelf:
    """Every comparison of a site. Any thread may ask."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.data_dir / "trials"
        self._where = msgspec.json.encode({"url": settings.database_url, "zone": settings.time_zone})
        self._running: tuple[int, subprocess.Popen[bytes]] | None = None
        self._gate = threading.Lock()

    def start(self, request: Request, by: str, now: datetime) -> int:
        """Begin a comparison; its number. Raises TrialRunning while another one is under way."""
        with self._gate:
            if self._running is not None and self._running[1].poll() is None:
                raise TrialRunning("another comparison is under way")
            folder = self._new_folder()
            write(folder / "request.json", request)
            write(folder / "asked.json", Asked(by, now))
            process = subprocess.Popen(
                [sys.executable, "-m", "controller.trials.work", str(folder.absolute())],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
            )
            self._running = int(folder.name), process
            if process.stdin is not None:
                process.stdin.write(self._where + b"\n")
                process.stdin.flush()
        self._forget_oldest()
        return int(folder.name)

    def all(self, hall: str) -> list[Trial]:
        """Those of a hall, newest first."""
        found = (self._read(folder) for folder in self._folders())
        return [trial for trial in found if trial is not None and trial.request.hall == hall]

    def get(self, hall: str, id: int) -> Trial | None:
        trial = self._read(self._folder / str(id))
        return trial if trial is not None and trial.request.hall == hall else None

    def result(self, id: int) -> Result | None:
        """What came of it; None while nothing has."""
        path = self._folder / str(id) / "result.json"
        return _results.decode(path.read_bytes()) if path.exists() else None

    def stop(self, id: int) -> None:
        """End it before its time; nothing happens when it has ended."""
        with self._gate:
            if self._running is not None and self._running[0] == id:
                _end(self._running[1])

    def forget(self, id: int) -> None:
        self.stop(id)
        shutil.rmtree(self._folder / str(id), ignore_errors=True)

    def close(self) -> None:
        if self._running is not None:
            self.stop(self._running[0])

    def _is_running(self, id: int) -> bool:
        running = self._running
        return running is not None and running[0] == id and running[1].poll() is None

    def _folders(self) -> Iterator[Path]:
        if self._folder.is_dir():
            named = [path for path in self._folder.iterdir() if path.name.isdecimal()]
            yield from sorted(named, key=lambda path: -int(path.name))

    def _new_folder(self) -> Path:
        number = next((int(folder.name) for folder in self._folders()), 0) + 1
        folder = self._folder / str(number)
        folder.mkdir(parents=True, mode=0o700)
        return folder

    def _forget_oldest(self) -> None:
        for folder in list(self._folders())[MOST_KEPT:]:
            shutil.rmtree(folder, ignore_errors=True)

    def _read(self, folder: Path) -> Trial | None:
        is_running = self._is_running(int(folder.name))  # asked first: it may end while we read
        try:
            request = _requests.decode((folder / "request.json").read_bytes())
            asked = _asked.decode((folder / "asked.json").read_bytes())
        except (OSError, msgspec.DecodeError):
            return None
        done, of = _progress(folder)
        failure = _failure(folder)
        state = State.RUNNING if is_running else State.STOPPED
        if (folder / "result.json").exists():
            state = State.DONE
        elif failure is not None:
            state = State.FAILED
        return Trial(int(folder.name), request, asked, state, done, of, failure)


def _progress(folder: Path) -> tuple[int, int]:
    path = folder / "progress.json"
    return msgspec.json.decode(path.read_bytes(), type=tuple[int, int]) if path.exists() else (0, 0)


def _failure(folder: Path) -> Failure | None:
    path = folder / "failure.json"
    return _failures.decode(path.read_bytes()) if path.exists() else None


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait(STOP_TIMEOUT_S)
    if process.stdin is not None:
        process.stdin.close()
