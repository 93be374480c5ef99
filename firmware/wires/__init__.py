"""Opened wires for the drivers, named as in the configuration.

The only place that imports gpiozero, serial, spidev and cv2. A driver gets a port, edges, a sink or
pictures and never learns whether hardware or an emulator stands at the other end: on an emulated unit
the same text names the emulator's end of the wire. What a kind of wire needs is imported when one is
opened, so a unit pays only for what hangs on it.
"""

from firmware.wires.fault import WireFault
from firmware.wires.lines import (
    FileWire,
    HidWire,
    LineWire,
    Port,
    SerialWire,
    TcpWire,
    line_wire,
    open_line,
    serial_wire,
)
from firmware.wires.pictures import CameraWire, camera_wire
from firmware.wires.pins import OutputPin, Pin, PinWire, open_button, open_lamp, pin_wire
from firmware.wires.screens import Browser, ScreenWire, is_connected, open_browser, screen_wire
from firmware.wires.sound import Sound, SoundWire, open_sound, sound_wire
from firmware.wires.spi import Spi, SpiWire, open_spi, spi_wire

__all__ = [
    "Browser",
    "CameraWire",
    "FileWire",
    "HidWire",
    "LineWire",
    "OutputPin",
    "Pin",
    "PinWire",
    "Port",
    "ScreenWire",
    "SerialWire",
    "Sound",
    "SoundWire",
    "Spi",
    "SpiWire",
    "TcpWire",
    "WireFault",
    "camera_wire",
    "is_connected",
    "line_wire",
    "open_browser",
    "open_button",
    "open_lamp",
    "open_line",
    "open_sound",
    "open_spi",
    "pin_wire",
    "screen_wire",
    "serial_wire",
    "sound_wire",
    "spi_wire",
]
