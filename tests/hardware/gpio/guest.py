"""What runs in the board of `make rig-gpio`: contacts are made at the pins, and what comes of it is timed.

python -m tests.hardware.gpio.guest, with pushes.txt (how many of each kind) in /mnt.
"""

from __future__ import annotations

import queue
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event

import msgspec
import paho.mqtt.client as mqtt
from gpiozero import Button
from gpiozero.pins.lgpio import LGPIOFactory
from paho.mqtt.enums import CallbackAPIVersion

from firmware.drivers.button import STEADY_S, ButtonDriver
from firmware.drivers.lamp import Lamp, Light
from firmware.protocol import topics
from firmware.protocol.codec import encode
from firmware.protocol.messages import DeviceConfig, Envelope, Pressed, Struct, UnitConfig
from firmware.protocol.outbox import Outbox
from tests.hardware.chip import Chip, say, until
from tests.hardware.node import NodeProcess

BUTTON, LAMP = 17, 27
PAUSE_S = 0.9  # between two pushes that shall both count
WITHIN_S = 0.75  # of contacts that are one push: the lockout is 0.8
ANSWER_S = 5.0
PORT = 1883
HALL, UNIT = "hall", "dispenser"
FOLDER, LOG = Path("/run/rig"), Path("/run/node.log")

BROKER = f"user root\nlistener {PORT} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n"
SETTINGS = f"""
hall = "{HALL}"
unit = "{UNIT}"
broker = "mqtt://127.0.0.1:{PORT}"
token = "rig"
data_dir = "{FOLDER / "node"}"
"""


def main() -> None:
    pushes = int(Path("/mnt/pushes.txt").read_text())
    FOLDER.mkdir()
    chip = Chip()
    chip.pull(BUTTON, is_high=True)
    say("bare", seconds=_bare(chip, pushes))
    _node(chip, pushes)  # before this process has the pins for good
    _driver(chip, pushes)
    say("lamp", seconds=_lamp(chip, pushes))
    say("done")


def _bare(chip: Chip, pushes: int) -> list[float]:
    """From the edge to the callback of a gpiozero Button."""
    heard: queue.Queue[float] = queue.Queue()
    factory = LGPIOFactory()
    button = Button(BUTTON, pull_up=True, bounce_time=None, pin_factory=factory)
    button.when_pressed = lambda: heard.put(time.monotonic())
    taken = [_told(chip, heard) for _ in range(pushes)]
    button.pin.when_changed = None
    button.close()
    factory.close()
    return taken


def _told(chip: Chip, heard: queue.Queue[float]) -> float:
    at = chip.push(BUTTON)
    later = heard.get(timeout=ANSWER_S) - at
    time.sleep(PAUSE_S)
    return later


def _driver(chip: Chip, pushes: int) -> None:
    """From the edge to the driver's report; and contacts that bounce, flicker, come too soon."""
    heard: queue.Queue[float] = queue.Queue()

    def report(what: Struct) -> None:
        if isinstance(what, Pressed):
            heard.put(time.monotonic())

    driver = ButtonDriver(DeviceConfig(device="button-1", kind="button", wire=f"gpio:{BUTTON}"), report)
    driver.start()
    _first_heard(chip, heard)
    say("driver", seconds=[_told(chip, heard) for _ in range(pushes)])
    for name, contact in (("bouncing", _bounce), ("flicker", _flicker), ("twice", _twice)):
        counted = [_counted(chip, heard, contact) for _ in range(pushes)]
        good = [pressed for pressed, is_good in counted if is_good]
        say("contacts", kind=name, made=len(good), pressed=sum(good))
    driver.stop()


def _counted(chip: Chip, heard: queue.Queue[float], contact: Callable[[Chip], bool]) -> tuple[int, bool]:
    """Presses heard of a contact, and whether it came out as it was meant: a busy machine may hold it up."""
    is_good = contact(chip)
    time.sleep(PAUSE_S)
    pressed = heard.qsize()
    while not heard.empty():
        heard.get()
    return pressed, is_good


def _first_heard(chip: Chip, heard: queue.Queue[float]) -> None:
    """Push until the pin is open."""

    def is_heard() -> bool:
        chip.push(BUTTON)
        time.sleep(PAUSE_S)
        return not heard.empty()

    until(is_heard, "the driver hears the button")
    while not heard.empty():
        heard.get()


def _bounce(chip: Chip) -> bool:
    """A push as of a worn switch: some contacts before it holds, and some after it is let go."""
    began = time.monotonic()
    for _ in range(5):
        _flicker(chip)
    chip.push(BUTTON)
    for _ in range(5):
        _flicker(chip)
    return time.monotonic() - began < WITHIN_S


def _flicker(chip: Chip) -> bool:
    """A contact shorter than a push, as by interference."""
    began = time.monotonic()
    chip.pull(BUTTON, is_high=False)
    chip.pull(BUTTON, is_high=True)
    return time.monotonic() - began < STEADY_S


def _twice(chip: Chip) -> bool:
    began = time.monotonic()
    chip.push(BUTTON)
    chip.push(BUTTON)
    return time.monotonic() - began < WITHIN_S


def _lamp(chip: Chip, times: int) -> list[float]:
    """From the order to the level of the pin."""
    lamp = Lamp(DeviceConfig(device="lamp-1", kind="lamp", wire=f"gpio:{LAMP}"), lambda report: None)
    lamp.start()
    taken = []
    for n in range(2 * times):
        light = Light.DARK if n % 2 else Light.LIT
        began = time.monotonic()
        lamp.show(light)
        until(lambda light=light: chip.is_high(LAMP) is (light is Light.LIT), f"the lamp is {light.value}")  # type: ignore[misc]
        taken.append(time.monotonic() - began)
    lamp.stop()
    return taken[1:]  # the first opened the pin


def _node(chip: Chip, pushes: int) -> None:
    """From the edge to the message at another client of the broker; and the broker's own part of it."""
    (FOLDER / "broker.conf").write_text(BROKER)
    broker = subprocess.Popen(["mosquitto", "-c", str(FOLDER / "broker.conf")])
    listener = Listener()
    say("hop", seconds=[listener.hop() for _ in range(pushes)])
    _keep_config()
    node = NodeProcess(FOLDER / "unit.toml", LOG)
    _first_heard(chip, listener.pressed)
    say("published", seconds=[_told(chip, listener.pressed) for _ in range(pushes)])
    node.stop()
    listener.close()
    broker.terminate()
    broker.wait()


def _keep_config() -> None:
    """Leave a configuration in the node's store, as if an earlier run had got it."""
    settings = FOLDER / "unit.toml"
    settings.write_text(SETTINGS)
    settings.chmod(0o600)
    (FOLDER / "node").mkdir()
    button = DeviceConfig(device="button-1", kind="button", wire=f"gpio:{BUTTON}", queue="A")
    outbox = Outbox.open(FOLDER / "node/outbox.sqlite")
    outbox.put("config", encode(UnitConfig(rev=1, position=UNIT, devices=[button])))
    outbox.close()


class Listener:
    """Another client of the broker; when it heard of each press."""

    def __init__(self) -> None:
        self.pressed: queue.Queue[float] = queue.Queue()
        self._known: set[int] = set()
        self._echoes: queue.Queue[float] = queue.Queue()
        is_listening = Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = lambda client, data, message: self._hear(message)
        self._client.on_connect = self._listen
        self._client.on_subscribe = lambda *about: is_listening.set()
        until(self._is_connected, "the broker listens")
        self._client.loop_start()
        is_listening.wait(ANSWER_S)

    def hop(self) -> float:
        """Seconds of a message through the broker alone."""
        began = time.monotonic()
        self._client.publish("echo", b"x" * 216, qos=1)
        later = self._echoes.get(timeout=ANSWER_S) - began
        time.sleep(0.1)
        return later

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _is_connected(self) -> bool:
        try:
            self._client.connect("127.0.0.1", PORT)
        except OSError:
            return False
        return True

    def _listen(self, *about: object) -> None:
        self._client.subscribe([(f"{topics.ROOT}/#", 1), ("echo", 1)])

    def _hear(self, message: mqtt.MQTTMessage) -> None:
        now = time.monotonic()
        if message.topic == "echo":
            self._echoes.put(now)
        elif message.topic == topics.up(HALL, UNIT, "evt"):
            envelope = msgspec.json.decode(message.payload, type=Envelope)
            if (
                envelope.t == "Pressed" and envelope.seq not in self._known
            ):  # nobody acknowledges: it is resent
                self._known.add(envelope.seq)
                self.pressed.put(now)


if __name__ == "__main__":
    try:
        main()
    finally:
        sys.stderr.write(LOG.read_text() if LOG.exists() else "")
