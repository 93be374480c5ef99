"""A network camera: pictures of a hall over HTTP, one after another (multipart/x-mixed-replace).

It draws a hall with people walking through it, or shows a clip again and again. faults: frozen (the same
picture), dark, covered (a cap on the lens), stall (the connection stays, nothing comes: F34), unplug.
"""

from __future__ import annotations

import io
import math
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image, ImageDraw, ImageSequence

SIZE = (640, 360)
FPS = 10.0
LOOP = 120  # pictures of the drawn hall, until it begins again
NOISE = 6  # of a sensor, in steps of brightness
BOUNDARY = b"--frame\r\n"
FAULTS = ("frozen", "dark", "covered", "stall")


class CameraEmulator:
    """One camera. clip: an animated picture to show in place of the drawn hall. port: of its pictures on
    loopback, 0 for any that is free. fps: pictures a second."""

    kind = "camera"

    def __init__(
        self,
        chance: Random,
        changed: Callable[[], None],
        clip: Path | None = None,
        *,
        port: int = 0,
        fps: float = FPS,
    ) -> None:
        self.frames = 0
        self.pause_s = 1 / fps
        self._chance, self._changed = chance, changed
        self._clip = _read_clip(clip) if clip is not None else None
        self._faults: set[str] = set()
        self._last = b""
        self._began = time.monotonic()
        self._lock = threading.Lock()
        handler = type("CameraHandler", (_Handler,), {"camera": self})
        self._handler = handler
        self._http: ThreadingHTTPServer | None = _server(("127.0.0.1", port), handler)
        self._address: tuple[str, int] = ("127.0.0.1", self._http.server_address[1])
        self.wire_text = f"camera:http://127.0.0.1:{self._address[1]}/video.mjpg"

    @property
    def is_plugged(self) -> bool:
        return self._http is not None

    def start(self) -> None:
        if self._http is None:
            self._http = _server(self._address, self._handler)
        threading.Thread(target=self._http.serve_forever, args=(0.1,), name="camera", daemon=True).start()

    def stop(self) -> None:
        server, self._http = self._http, None
        if server is not None:
            server.shutdown()
            server.server_close()

    def faults(self) -> dict[str, bool]:
        return {**{name: name in self._faults for name in FAULTS}, "unplug": not self.is_plugged}

    def set_fault(self, name: str, is_on: bool) -> None:
        if name == "unplug":
            if is_on:
                self.stop()
            elif not self.is_plugged:
                self.start()
        else:
            (self._faults.add if is_on else self._faults.discard)(name)
        self._changed()

    def state(self) -> dict[str, Any]:
        return {"frames": self.frames, "is_watched": self.frames > 0, "size": list(SIZE)}

    def picture(self) -> bytes:
        """What it sees now, as a JPEG file."""
        with self._lock:
            if "frozen" in self._faults and self._last:
                return self._last
            self._last = _jpeg(self._noisy(self._seen()))
            return self._last

    def next(self) -> bytes | None:
        """The next picture of the stream; None while it stalls."""
        if "stall" in self._faults:
            return None
        self.frames += 1
        return self.picture()

    def _seen(self) -> Image.Image:
        if "dark" in self._faults:
            return Image.new("RGB", SIZE, (4, 4, 5))
        if "covered" in self._faults:
            return Image.new("RGB", SIZE, (96, 84, 80))
        at = int((time.monotonic() - self._began) * FPS)
        return self._clip[at % len(self._clip)].copy() if self._clip else drawn_hall(at % LOOP)

    def _noisy(self, picture: Image.Image) -> Image.Image:
        """With a few points brighter or darker, as a sensor's are: no two pictures are equal."""
        pen = ImageDraw.Draw(picture)
        for _ in range(60):
            x, y = self._chance.randrange(picture.width), self._chance.randrange(picture.height)
            red, green, blue = picture.getpixel((x, y))  # type: ignore[misc]
            step = self._chance.randint(-NOISE, NOISE)
            pen.point((x, y), (red + step, green + step, blue + step))
        return picture


def drawn_hall(at: int) -> Image.Image:
    """A hall with three counters and people who walk up and down. at: number of the picture, 0 to LOOP-1."""
    picture = Image.new("RGB", SIZE, (206, 204, 198))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, SIZE[0], 110), fill=(178, 190, 196))
    for tile in range(0, SIZE[0], 40):
        pen.line((tile, 150, 320 + (tile - 320) * 2, SIZE[1]), fill=(190, 188, 182))
    for counter in range(3):
        left = 50 + counter * 195
        pen.rectangle((left, 90, left + 150, 150), fill=(112, 84, 62))
        pen.rectangle((left + 40, 40, left + 110, 66), fill=(24, 24, 24))
        pen.text((left + 62, 46), f"0{counter + 1}", fill=(240, 60, 40))
    for person in range(3):
        x = 320 + 250 * math.sin(math.tau * (at / LOOP + person / 3))
        y, tall = 190 + 40 * person, 80 + 20 * person
        coat = ((60, 70, 120), (130, 50, 60), (50, 100, 70))[person]
        pen.ellipse((x - 9, y - 18, x + 9, y), fill=(205, 165, 140))
        pen.rounded_rectangle((x - 17, y, x + 17, y + tall * 0.6), 8, fill=coat)
        pen.rectangle((x - 12, y + tall * 0.6, x + 12, y + tall), fill=(40, 40, 48))
    return picture


def _read_clip(path: Path) -> list[Image.Image]:
    with Image.open(path) as clip:
        return [frame.convert("RGB").resize(SIZE) for frame in ImageSequence.Iterator(clip)]


def _jpeg(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=85)
    return file.getvalue()


def _server(address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(address, handler)
    server.daemon_threads = True
    return server


class _Handler(BaseHTTPRequestHandler):
    camera: CameraEmulator
    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        pause = threading.Event()
        try:
            while self.camera.is_plugged:
                picture = self.camera.next()
                if picture is not None:
                    head = b"Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(picture)
                    self.wfile.write(BOUNDARY + head + picture + b"\r\n")
                pause.wait(self.camera.pause_s)
        except OSError:
            return  # the watcher left

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the bench's page shows what it does."""
