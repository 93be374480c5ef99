"""The unit of `make rig-arm64`: a dispenser that is also a window's, so that it has one of most things.

Its button and its lamp hang on the board's pins; all else is emulated at the other end of its wire.
"""

from __future__ import annotations

from pathlib import Path

from firmware.emulators.bench import Bench
from firmware.emulators.bench_settings import BenchSettings, DeviceSettings
from firmware.emulators.bench_settings import KeypadSettings as Pad
from firmware.emulators.bench_settings import LedSettings as Led
from firmware.emulators.bench_settings import PrinterSettings as Paper
from firmware.emulators.bench_settings import SpeakerSettings as Voice
from firmware.protocol.messages import DeviceConfig

UNIT = "dispenser"
FOLDER = Path("/run/bench")  # of the emulated hardware, on the board
BUTTON, LAMP = 17, 27
FAST_BAUD = 115200
VOICE_SPEED = 20.0  # so that a sentence is over soon


def hardware() -> Bench:
    devices: list[DeviceSettings] = [
        Paper(device="printer-1", baud=FAST_BAUD),
        Pad(device="keypad-1", address=1, baud=FAST_BAUD),
        Led(device="led-1", address=1, baud=FAST_BAUD),
        Voice(device="speaker-1", speed=VOICE_SPEED),
    ]
    return Bench(BenchSettings(unit=UNIT, dir=str(FOLDER), device=devices))


def devices(queue: str, zone: str, window: str) -> list[DeviceConfig]:
    """As a technician would enter them. window: whose board the keypad and the bar show."""
    wires = {one["device"]: str(one["wire"]) for one in hardware().state()["devices"]}
    return [
        DeviceConfig(device="button-1", kind="button", wire=f"gpio:{BUTTON}", queue=queue),
        DeviceConfig(device="lamp-1", kind="lamp", wire=f"gpio:{LAMP}", queue=queue),
        DeviceConfig(device="printer-1", kind="printer", wire=wires["printer-1"]),
        DeviceConfig(device="keypad-1", kind="keypad", wire=wires["keypad-1"], address=1, board=window),
        DeviceConfig(device="led-1", kind="led", wire=wires["led-1"], address=1, board=window),
        DeviceConfig(device="speaker-1", kind="speaker", wire=wires["speaker-1"], zone=zone),
    ]
