"""Cameras: a V4L2 device, a network stream, or a clip, as a source of frames. Imports OpenCV when opened.

    camera:/dev/v4l/by-id/usb-...-video-index0   a USB or CSI camera, named by its serial number or port (F36)
    camera:rtsp://10.0.0.9/stream1               a network camera, over TCP
    camera:http://10.0.0.9/video.mjpg            one that sends pictures over HTTP, as the emulator does

For a process of its own: OpenCV takes 80 MiB, and its read() may never return (F34; opencv #4468, #24393).
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmware.wires.fault import WireFault, after

OPEN_MS, READ_MS = 5000, 5000  # taken only by the FFMPEG backend (opencv #23207)
STREAMS = ("rtsp://", "rtsps://", "http://", "https://")


@dataclass(frozen=True, slots=True)
class CameraWire:
    source: str

    @property
    def is_stream(self) -> bool:
        return self.source.startswith(STREAMS)

    @property
    def name(self) -> str:
        """Without the password a stream's address may have."""
        scheme, slashes, rest = self.source.partition("//")
        return f"{scheme}{slashes}{rest.rpartition('@')[2]}" if self.is_stream else self.source


def camera_wire(text: str) -> CameraWire:
    """What "camera:SOURCE" says. Raises WireFault."""
    source = after("camera:", text)
    if not source.startswith((*STREAMS, "/")):
        raise WireFault("text", f"wire {text!r}: write camera:/dev/v4l/by-id/... or camera:rtsp://...")
    return CameraWire(source)


class Frames:
    """An open camera: read() gives (height, width, 3) uint8, BGR."""

    def __init__(self, wire: CameraWire, width: int, height: int) -> None:
        """width, height: wished from a device; a stream has its own. Raises WireFault gone."""
        cv2 = _opencv()
        self._wire = wire
        if wire.is_stream:
            timeouts = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_MS]
            self._capture = cv2.VideoCapture(wire.source, cv2.CAP_FFMPEG, timeouts)
        else:
            self._capture = cv2.VideoCapture(wire.source, cv2.CAP_V4L2)
            self._capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
            self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        if not self._capture.isOpened():
            raise WireFault("gone", f"{wire.name} gives no picture; check its plug, power and address")

    def skip(self) -> None:
        """Take a frame off the stream without decoding it. Raises WireFault."""
        if not self._capture.grab():
            raise self._gone()

    def read(self) -> Any:
        """The newest frame. Raises WireFault when the camera went away."""
        is_there, frame = self._capture.read()
        if not is_there or frame is None:
            raise self._gone()
        return frame

    def close(self) -> None:
        self._capture.release()

    def _gone(self) -> WireFault:
        return WireFault("gone", f"{self._wire.name} stopped sending; check its plug, power and network")


class Film:
    """A file that frames are added to. Closed or not, what was written can be played."""

    def __init__(self, path: Path, fps: float, width: int, height: int) -> None:
        """Raises WireFault when it cannot be written."""
        cv2 = _opencv()
        code = cv2.VideoWriter.fourcc(*"mp4v")
        self._writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, code, fps, (width, height))
        if not self._writer.isOpened():
            raise WireFault("gone", f"{path} cannot be written")

    def add(self, frame: Any) -> None:
        self._writer.write(frame)

    def close(self) -> None:
        self._writer.release()


def open_camera(wire: CameraWire, width: int, height: int) -> Frames:
    """The camera, sending. Raises WireFault."""
    return Frames(wire, width, height)


def jpeg(frame: Any, quality: int = 80) -> bytes:
    """The frame as a JPEG file."""
    cv2 = _opencv()
    is_done, data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not is_done:
        raise WireFault("gone", "the frame cannot be made a picture")
    return bytes(data)


def is_playable(path: Path) -> bool:
    """Whether a film has at least one whole frame."""
    cv2 = _opencv()
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        return bool(capture.isOpened() and capture.read()[0])
    finally:
        capture.release()


def _opencv() -> Any:
    os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp")
    os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "8")  # what is fatal alone
    try:
        import cv2
    except ImportError as error:
        raise WireFault("gone", "cameras need OpenCV: install servicehall[camera] on the board") from error
    with suppress(AttributeError):
        cv2.setNumThreads(1)
    return cv2
