"""What a bench.toml says: the emulated devices of one unit and how they are wired."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Literal

import msgspec

from firmware.emulators import bench_http
from firmware.emulators.printer import FONT, MODEL, ROLL_MM

LONGEST_DIR = 80  # a unix socket's path may have 107 bytes


class BenchFault(Exception):
    """The bench cannot be set up; the message says what to change."""


class _Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    device: str
    label: str = ""


class _OnSerial(_Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    link: str = ""  # name of the symlink; "" = the device's name. The same link is the same cable.
    baud: int = 9600


class PrinterSettings(_OnSerial, frozen=True, kw_only=True, tag_field="kind", tag="printer"):
    paper_mm: float = ROLL_MM
    wire: Literal["serial", "usb", "tcp"] = "serial"
    model: str = MODEL  # what it calls itself; "" = an old one that cannot say
    font: str = FONT


class KeypadSettings(_OnSerial, frozen=True, kw_only=True, tag_field="kind", tag="keypad"):
    address: int
    faces: int = 4


class LedSettings(_OnSerial, frozen=True, kw_only=True, tag_field="kind", tag="led"):
    address: int = 1
    columns: int = 16
    speaks: Literal["plain", "stx", "lines"] = "plain"


class ButtonSettings(_Settings, frozen=True, kw_only=True, tag_field="kind", tag="button"):
    pin: int


class SpeakerSettings(_Settings, frozen=True, kw_only=True, tag_field="kind", tag="speaker"):
    speed: float = 1.0
    keeps: int = 12  # sentences that were said


class ReaderSettings(_OnSerial, frozen=True, kw_only=True, tag_field="kind", tag="reader"):
    baud: int = 115200  # as readers of identity cards come
    reads: Literal["code", "id_card"] = "code"
    wire: Literal["serial", "hid"] = "serial"


class LampSettings(_Settings, frozen=True, kw_only=True, tag_field="kind", tag="lamp"):
    pin: int


class KeysSettings(_Settings, frozen=True, kw_only=True, tag_field="kind", tag="keys"):
    pins: list[int] = []  # [] = a keypad on USB


class MatrixSettings(_Settings, frozen=True, kw_only=True, tag_field="kind", tag="matrix"):
    chips: int = 4


class ScreenSettings(_Settings, frozen=True, kw_only=True, tag_field="kind", tag="screen"):
    """A screen with a browser of its own; screens that show pages elsewhere have no wire to emulate."""


class CameraSettings(_Settings, frozen=True, kw_only=True, tag_field="kind", tag="camera"):
    clip: str = ""  # an animated picture to show; "" = a drawn hall
    port: int = 0  # of its pictures on loopback; 0 = any that is free
    fps: float = 10.0


DeviceSettings = (
    PrinterSettings
    | KeypadSettings
    | LedSettings
    | ButtonSettings
    | SpeakerSettings
    | ReaderSettings
    | CameraSettings
    | LampSettings
    | ScreenSettings
    | MatrixSettings
    | KeysSettings
)


class BenchSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    unit: str
    dir: str
    device: list[DeviceSettings]
    label: str = ""
    label_en: str = ""
    host: str = "127.0.0.1"
    port: int = 0
    seed: int = 1
    frames: list[str] = []  # further origins that may frame the page, like http://hall.local:8000


def read_settings(path: Path) -> BenchSettings:
    """The settings of `path`. Raises BenchFault naming the field that is wrong."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        settings = msgspec.convert(table, BenchSettings)
    except OSError as error:
        raise BenchFault(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise BenchFault(f"{path}: {error}") from error
    if settings.host not in bench_http.LOOPBACK:
        raise BenchFault(f"{path}: host {settings.host!r} would let others press the buttons; use 127.0.0.1")
    names = [each.device for each in settings.device]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BenchFault(f"{path}: device {twice[0]!r} is there twice")
    if len(os.path.abspath(settings.dir)) > LONGEST_DIR:
        raise BenchFault(f"{path}: dir is longer than {LONGEST_DIR} characters; sockets need a shorter one")
    return settings
