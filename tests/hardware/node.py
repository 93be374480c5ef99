"""In the board: `servicehall node` as systemd runs it, and what it takes of the memory."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

READY_TIMEOUT_S = 180.0


class NodeProcess:
    """One start of the node. ready_s: from the command until it told systemd that it is ready."""

    def __init__(self, settings: Path, log: Path) -> None:
        notices = log.with_suffix(".notify")
        notices.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd, log.open("ab") as out:
            systemd.bind(str(notices))
            systemd.settimeout(READY_TIMEOUT_S)
            began = time.monotonic()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "firmware.cli", "node", "-c", str(settings)],
                stdout=out,
                stderr=out,
                env={**os.environ, "NOTIFY_SOCKET": str(notices)},
            )
            while b"READY=1" not in systemd.recv(1024):
                pass
            self.ready_s = time.monotonic() - began

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(60)

    @property
    def own_mb(self) -> float:
        """RSS of the main process."""
        return _field_mb(Path(f"/proc/{self._process.pid}/status"), "VmRSS")

    @property
    def peak_mb(self) -> float:
        """The most its RSS has been."""
        return _field_mb(Path(f"/proc/{self._process.pid}/status"), "VmHWM")

    @property
    def tree(self) -> dict[str, float]:
        """PSS of the main process and of each child, by what it runs."""
        found: dict[str, float] = {}
        for pid in [self._process.pid, *_children(self._process.pid)]:
            with suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
                name = next((word for word in words if word.startswith("firmware.")), words[0])
                found[f"{name} {pid}"] = _field_mb(Path(f"/proc/{pid}/smaps_rollup"), "Pss")
        return found


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            text = stat.read_text()
            if int(text.rpartition(")")[2].split()[1]) == pid:
                child = int(stat.parent.name)
                found += [child, *_children(child)]
    return found


def _field_mb(file: Path, name: str) -> float:
    """MiB, of a field that the kernel tells in KiB."""
    line = next(line for line in file.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) / 1024
