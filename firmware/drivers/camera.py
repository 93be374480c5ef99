"""A supervision camera: pictures, their health, snapshots and a ring of recordings, in a child process.

Hides the child (camera_child.py): starting it, starting it again with growing pauses, and killing it when
it has said nothing for SILENT_S, because OpenCV's read() may never return (F34). What is wrong with the
pictures is told as faults; a frozen stream is opened anew once.

options of the DeviceConfig: width, height (wished from a device), fps (5), record (folder of the ring;
none: no recording), most_mb (2000), spare_mb (500 stay free), segment_s (60), frozen_s (30), dark_s and
covered_s (20), silent_s (10).
"""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from importlib.util import find_spec
from typing import IO, Any

import msgspec

from firmware import wires
from firmware.drivers import Reporter
from firmware.drivers.faults import Faults
from firmware.protocol.messages import Capability, DeviceConfig

SILENT_S = 10.0  # F34; opening a stream that does not answer takes 5
FOR_S: Mapping[str, float] = {"frozen": 30.0, "dark": 20.0, "covered": 20.0}  # F32: 30 s, F33: 60 s
RETRY_S = (1.0, 60.0)
SNAPSHOT_S = 8.0
LOOK_S = 0.5
TROUBLES = frozenset({"gone", "frozen", "dark", "covered", "not_recording"})
CODES = frozenset(f"camera.{trouble}" for trouble in TROUBLES)


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What a camera shall do. folder: of recordings, "" for none. for_s: seconds until a trouble counts."""

    wire: str
    width: int = 640
    height: int = 360
    fps: float = 5.0
    for_s: dict[str, float] = {}
    folder: str = ""
    most_mb: int = 2000
    spare_mb: int = 500
    segment_s: float = 60.0


class Camera:
    """One camera. snapshot() gives a JPEG file."""

    def __init__(self, config: DeviceConfig, report: Reporter) -> None:
        """Raises WireFault when the wire means nothing, ValueError when an option is no number."""
        self.config = config
        wires.camera_wire(config.wire)
        self._task = _task(config)
        self._silent_s = float(config.options.get("silent_s", SILENT_S))
        self._faults = Faults(config.device, report)
        self._stop = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None
        self._heard_at = 0.0
        self._health: Mapping[str, Any] = {}
        self._asked: dict[int, Future[bytes]] = {}
        self._is_scarce = False
        self._counts = {"starts": 0, "kills": 0, "snapshots": 0}
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=config.device, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._end(self._child)
        if self._thread.ident is not None:
            self._thread.join(timeout=5)

    def health(self) -> str:
        return self._faults.worst()

    def counts(self) -> dict[str, int]:
        told = {name: value for name, value in self._health.items() if isinstance(value, int)}
        told.pop("body", None)
        return {**self._counts, **told}

    def capability(self) -> Capability:
        size = f"{self._health.get('width', 0)}x{self._health.get('height', 0)}"
        return Capability(
            device=self.config.device,
            kind="camera",
            model="" if size == "0x0" else size,
            can={"snapshot": True, "record": bool(self._task.folder)},
        )

    def snapshot(self) -> Future[bytes]:
        """The next picture as a JPEG file; b"" when the camera gives none."""
        asked: Future[bytes] = Future()
        with self._lock:
            self._counts["snapshots"] += 1
            number = self._counts["snapshots"]
            self._asked[number] = asked
            for late in [each for each in self._asked if each < number - 8]:
                self._asked.pop(late).set_result(b"")
        if not self._say({"ask": "snapshot", "id": number}):
            self._answered(number, b"")
        return asked

    def spare(self, is_scarce: bool) -> None:
        """Record nothing while the disk is scarce (F39)."""
        if is_scarce != self._is_scarce:
            self._is_scarce = is_scarce
            self._say({"ask": "spare", "is_scarce": is_scarce})

    # -- on the camera's thread

    def _run(self) -> None:
        retry_s = RETRY_S[0]
        while not self._stop.is_set():
            frames = self._once()
            if self._stop.is_set():
                return
            if not self._counts["starts"]:
                continue
            retry_s = RETRY_S[0] if frames else min(2 * retry_s, RETRY_S[1])
            self._faults.raised("camera.hung", f"its process was silent for {self._silent_s:.0f} s or died")
            self._stop.wait(retry_s)

    def _once(self) -> int:
        """Keep one child until it dies or falls silent; how many frames it saw."""
        if find_spec("cv2") is None:
            self._faults.raised(
                "camera.gone", "cameras need OpenCV: install servicehall[camera] on the board"
            )
            self._stop.wait(RETRY_S[1])
            return 0
        self._counts["starts"] += 1
        self._heard_at, self._health = time.monotonic(), {}
        command = [
            sys.executable,
            "-m",
            "firmware.drivers.camera_child",
            msgspec.json.encode(self._task).decode(),
        ]
        try:
            child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        except OSError as error:
            self._faults.raised("camera.hung", str(error))
            return 0
        self._child = child
        if self._is_scarce:
            self._say({"ask": "spare", "is_scarce": True})
        listener = threading.Thread(target=self._listen, args=(child,), name=f"{self.config.device} child")
        listener.start()
        while child.poll() is None and not self._stop.wait(LOOK_S):
            if time.monotonic() - self._heard_at > self._silent_s:
                self._counts["kills"] += 1
                break
        self._end(child)
        listener.join()
        self._forget_asked()
        return int(self._health.get("frames", 0))

    def _end(self, child: subprocess.Popen[bytes] | None) -> None:
        """End a child: politely, so that its film is whole, then by force."""
        if child is None:
            return
        with suppress(OSError, ValueError):
            if child.stdin is not None:
                child.stdin.close()
        if self._stop.is_set():
            with suppress(subprocess.TimeoutExpired):
                child.wait(timeout=2)
        child.kill()
        child.wait()

    def _listen(self, child: subprocess.Popen[bytes]) -> None:
        assert child.stdout is not None
        with child.stdout as said:
            while (head := _object(said)) is not None:
                self._heard_at = time.monotonic()
                body = said.read(head["body"])
                if head["t"] == "snapshot":
                    self._answered(head["id"], body)
                else:
                    self._heard(head)

    def _heard(self, health: Mapping[str, Any]) -> None:
        self._health = health
        self._faults.cleared("camera.hung")
        codes = {f"camera.{each}": str(health["detail"]) for each in health["troubles"] if each in TROUBLES}
        self._faults.only(codes, CODES)

    def _say(self, asked: Mapping[str, Any]) -> bool:
        """Whether the child could be told."""
        child = self._child
        try:
            if child is None or child.stdin is None:
                return False
            with self._lock:
                child.stdin.write(json.dumps(asked).encode() + b"\n")
                child.stdin.flush()
        except (OSError, ValueError):  # ValueError: its end is closed
            return False
        return True

    def _answered(self, number: int, picture: bytes) -> None:
        with self._lock:
            asked = self._asked.pop(number, None)
        if asked is not None:
            asked.set_result(picture)

    def _forget_asked(self) -> None:
        for number in list(self._asked):
            self._answered(number, b"")


def _object(said: IO[bytes]) -> dict[str, Any] | None:
    """The next object of a child; None when it has ended."""
    size = said.read(4)
    if len(size) < 4:
        return None
    text = said.read(struct.unpack(">I", size)[0])
    try:
        found: dict[str, Any] = json.loads(text)
    except ValueError:
        return None
    return found


def _task(config: DeviceConfig) -> Task:
    options = config.options
    return Task(
        wire=config.wire,
        width=int(options.get("width", "640")),
        height=int(options.get("height", "360")),
        fps=max(0.1, min(float(options.get("fps", "5")), 30.0)),
        for_s={trouble: float(options.get(f"{trouble}_s", usual)) for trouble, usual in FOR_S.items()},
        folder=options.get("record", ""),
        most_mb=int(options.get("most_mb", "2000")),
        spare_mb=int(options.get("spare_mb", "500")),
        segment_s=float(options.get("segment_s", "60")),
    )
