"""The process of one camera: opens it, looks at its pictures, records them, hands out snapshots.

Everything that may block, crash or take 80 MiB is in here; camera.py starts it, listens and kills it when
it has been silent. Ends when its standard input ends.

    argv  one JSON object: Task
    in    a line each: {"ask": "snapshot", "id": 1} | {"ask": "spare", "is_scarce": true}
    out   4 bytes length of a JSON object (big-endian), the object, then its "body" bytes:
          {"t": "health", ...} about once a second; {"t": "snapshot", "id": 1, "body": 12345}
"""

from __future__ import annotations

import json
import os
import queue
import struct
import sys
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from firmware import vision, wires
from firmware.drivers.camera import Task
from firmware.drivers.footage import Ring, Room
from firmware.wires import pictures

TELL_S = 1.0
RETRY_S = (1.0, 30.0)  # between openings (F35)


class Recorder:
    """Frames into segments of a ring."""

    def __init__(self, task: Task) -> None:
        room = Room(task.most_mb * 1_000_000, task.spare_mb * 1_000_000)
        self.ring = Ring(Path(task.folder), room, pictures.is_playable)
        self.is_scarce = False
        self._task = task
        self._film: pictures.Film | None = None
        self._path = Path()
        self._until = 0.0

    @property
    def is_recording(self) -> bool:
        return self._film is not None

    def add(self, frame: vision.Frame, now_s: float) -> None:
        """Raises WireFault and OSError when it cannot be written."""
        if self._film is not None and (now_s >= self._until or self.is_scarce):
            self.end()
        if self._film is None and not self.is_scarce:
            self._begin(frame, now_s)
        if self._film is not None:
            self._film.add(frame)

    def end(self) -> None:
        film, self._film = self._film, None
        if film is not None:
            film.close()
            self.ring.end(self._path)

    def _begin(self, frame: vision.Frame, now_s: float) -> None:
        self._path = self.ring.begin(now_s)
        if self.ring.has_room():
            height, width = frame.shape[:2]
            self._film = pictures.Film(self._path, self._task.fps, width, height)
            self._until = now_s + self._task.segment_s


class Work:
    """The camera's one loop."""

    def __init__(self, task: Task, out: BinaryIO) -> None:
        self._task, self._out = task, out
        self._wire = wires.camera_wire(task.wire)
        self._watch = vision.Watch(task.for_s)
        self._recorder = Recorder(task) if task.folder else None
        self._asked: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._ended = threading.Event()
        self._tell_at = 0.0
        self._frames = self._opens = 0
        self._size = (0, 0)
        self._troubles: frozenset[str] = frozenset()
        self._detail = ""
        self._was_frozen = False

    def run(self) -> None:
        threading.Thread(target=self._listen, name="commands", daemon=True).start()
        retry_s = RETRY_S[0]
        while not self._ended.is_set():
            try:
                camera = pictures.open_camera(self._wire, self._task.width, self._task.height)
            except wires.WireFault as fault:
                self._gone(fault)
                self._rest(retry_s)
                retry_s = min(2 * retry_s, RETRY_S[1])
                continue
            retry_s = RETRY_S[0]
            self._use(camera)
        if self._recorder is not None:
            self._recorder.end()

    def _use(self, camera: pictures.Frames) -> None:
        """Look until the camera goes or nobody listens any more."""
        self._opens += 1
        due = time.monotonic()
        try:
            while not self._ended.is_set():
                if (now := time.monotonic()) < due:
                    camera.skip()
                    continue
                due = max(due + 1 / self._task.fps, now)
                self._see(camera.read(), now)
                if self._is_stuck():
                    return
        except wires.WireFault as fault:
            self._gone(fault)
        finally:
            camera.close()

    def _see(self, frame: vision.Frame, now_s: float) -> None:
        self._frames += 1
        self._size = (frame.shape[1], frame.shape[0])
        self._troubles, self._detail = self._watch.see(vision.look_at(frame), now_s), ""
        if self._recorder is not None:
            self._record(self._recorder, frame, now_s)
        self._answer(frame)
        if now_s >= self._tell_at:
            self._tell_health(now_s)

    def _is_stuck(self) -> bool:
        """Once for each time it freezes: opening it anew may help (F32)."""
        is_frozen = "frozen" in self._troubles
        is_news, self._was_frozen = is_frozen and not self._was_frozen, is_frozen
        return is_news

    def _record(self, recorder: Recorder, frame: vision.Frame, now_s: float) -> None:
        try:
            recorder.add(frame, now_s)
        except (wires.WireFault, OSError) as fault:
            self._detail = str(fault)
        if not recorder.is_recording:
            self._troubles |= {"not_recording"}

    def _gone(self, fault: wires.WireFault) -> None:
        self._troubles, self._detail = frozenset({"gone"}), str(fault)
        if self._recorder is not None:
            self._recorder.end()
        self._answer(None)
        self._tell_health(time.monotonic())

    def _rest(self, seconds: float) -> None:
        until_s = time.monotonic() + seconds
        while not self._ended.is_set() and time.monotonic() < until_s:
            self._ended.wait(min(TELL_S, seconds))
            self._answer(None)
            self._tell_health(time.monotonic())

    def _tell_health(self, now_s: float) -> None:
        self._tell_at = now_s + TELL_S
        ring = None if self._recorder is None else self._recorder.ring
        self._say(
            {
                "t": "health",
                "troubles": sorted(self._troubles),
                "detail": self._detail,
                "frames": self._frames,
                "opens": self._opens,
                "width": self._size[0],
                "height": self._size[1],
                "segments": 0 if ring is None else len(ring.segments()),
                "recorded_kb": 0 if ring is None else ring.size() // 1000,
                "mended": 0 if ring is None else ring.mended,
                "broken": 0 if ring is None else ring.broken,
            }
        )

    def _answer(self, frame: vision.Frame | None) -> None:
        """Hand the newest frame to those who asked; nothing when there is none."""
        while not self._asked.empty():
            asked = self._asked.get()
            if asked is not None:
                body = b"" if frame is None else pictures.jpeg(frame)
                self._say({"t": "snapshot", "id": asked["id"]}, body)

    def _listen(self) -> None:
        for line in sys.stdin:
            asked = json.loads(line)
            if asked["ask"] == "snapshot":
                self._asked.put(asked)
            elif self._recorder is not None:
                self._recorder.is_scarce = bool(asked["is_scarce"])
        self._ended.set()

    def _say(self, said: dict[str, Any], body: bytes = b"") -> None:
        head = json.dumps({**said, "body": len(body)}).encode()
        self._out.write(struct.pack(">I", len(head)) + head + body)
        self._out.flush()


def main(argv: list[str]) -> int:
    """Look after one camera until standard input ends."""
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)  # FFmpeg writes its complaints to standard output
        Work(msgspec.json.decode(argv[0], type=Task), out).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
