"""A unit with emulated hardware: a bench whose ptys and sockets the real drivers open, and a node on it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from controller.settings import Settings
from firmware.emulators.bench import Bench, BenchSettings
from firmware.emulators.bench import ButtonSettings as Button
from firmware.emulators.bench import KeypadSettings as Pad
from firmware.emulators.bench import LedSettings as Led
from firmware.emulators.bench import PrinterSettings as Paper
from firmware.emulators.bench import SpeakerSettings as Voice
from firmware.machine import Machine
from firmware.node import Node
from firmware.protocol.codec import decode, encode
from firmware.protocol.messages import (
    Board,
    ConfigState,
    DeviceConfig,
    Envelope,
    Health,
    Lease,
    Pressed,
    Print,
    QueueLine,
    SlipLine,
    UnitConfig,
    WindowBoard,
)
from firmware.protocol.outbox import Outbox, UnitClock
from firmware.settings import NodeSettings
from tests.deadlines import either
from tests.faults.proxy import Proxy
from tests.firmware.far_end import HALL, SECRET, UNIT, FarEnd
from tests.waiting import until

DEVICES = ("button-1", "button-2", "printer-1", "keypad-1", "led-1", "speaker-1")
SLOW = 20.0  # seconds for what goes through several processes on a busy machine
COMPRESSED: dict[str, Any] = {
    "keepalive_s": 2,
    "connect_timeout_s": 1.0,
    "backoff_min_s": 0.05,
    "backoff_max_s": 0.3,
    "subscribe_again_s": 0.3,
    "boards_save_s": 0.1,
    "poll_wait_s": 1.0,
}
FAST_BAUD = 115200  # so that a slip takes a tenth of a second


class Hardware:
    """What stands around the node, and what people see and do there."""

    def __init__(self, folder: Path) -> None:
        self.bench = Bench(
            BenchSettings(
                unit=UNIT,
                dir=str(folder),
                device=[
                    Button(device="button-1", pin=17),
                    Button(device="button-2", pin=27),
                    Paper(device="printer-1", baud=FAST_BAUD),
                    Pad(device="keypad-1", address=3, baud=FAST_BAUD),
                    Led(device="led-1", address=1, baud=FAST_BAUD),
                    Voice(device="speaker-1", speed=20.0),
                ],
            )
        )
        self.bench.start()

    def close(self) -> None:
        self.bench.stop()

    def seen(self, device: str) -> dict[str, Any]:
        state = next(one for one in self.bench.state()["devices"] if one["device"] == device)
        found: dict[str, Any] = state[state["kind"]]
        return found

    def wire(self, device: str) -> str:
        return next(str(one["wire"]) for one in self.bench.state()["devices"] if one["device"] == device)

    def push(self, button: str = "button-1") -> None:
        emulator: Any = self.bench.device(button)
        until(lambda: emulator.state()["is_wired"], what=f"{button} is wired")
        emulator.press()

    def break_it(self, device: str, fault: str, *, is_broken: bool = True) -> None:
        self.bench.set_fault(device, fault, is_broken)

    def new_roll(self) -> None:
        self.break_it("printer-1", "paper_out", is_broken=False)

    def slips(self) -> list[str]:
        """The text of every slip that was cut off."""
        slips = self.seen("printer-1")["slips"]
        return ["\n".join(line.get("text", "") for line in slip["lines"]) for slip in slips if slip["is_cut"]]

    def config(self, rev: int = 1, *, without: tuple[str, ...] = (), **changes: Any) -> UnitConfig:
        """The configuration that fits this hardware."""
        devices = [
            DeviceConfig(
                device=button,
                kind="button",
                wire=self.wire(button),
                queue=queue,
                options={"lockout_ms": "50"},
            )
            for button, queue in (("button-1", "A"), ("button-2", "B"))
        ] + [
            DeviceConfig(device="printer-1", kind="printer", wire=self.wire("printer-1")),
            DeviceConfig(device="keypad-1", kind="keypad", wire=self.wire("keypad-1"), address=3, board="w3"),
            DeviceConfig(device="led-1", kind="led", wire=self.wire("led-1"), address=1, board="w3"),
            DeviceConfig(device="speaker-1", kind="speaker", wire=self.wire("speaker-1"), zone="east"),
        ]
        known = {
            "grant_timeout_ms": 5000,
            "suffix": "2",
            **either({"resend_s": 0.2, "heartbeat_s": 0.3, "health_s": 1.0}, {}),
        }
        return UnitConfig(
            rev=rev,
            position="hall-1",
            devices=[one for one in devices if one.device not in without],
            **(known | changes),
        )


class Controller(FarEnd):
    """A far end that answers presses with numbers while `is_granting`."""

    def __init__(self, settings: Settings, gen: int = 1) -> None:
        self.is_granting = True
        self.printer = "printer-1"  # "": the unit shall only show its numbers
        self.granted: dict[tuple[str, int], str] = {}  # press -> number
        self._granting = threading.Lock()
        super().__init__(settings, gen)

    def _take(self, envelope: Envelope) -> None:
        super()._take(envelope)
        if envelope.t == "Pressed" and self.is_granting:
            self.grant(envelope.ep, envelope.seq, decode(bytes(envelope.d), Pressed))

    def grant(self, epoch: str, seq: int, pressed: Pressed | None = None) -> None:
        """Send the slip of a press; the same press always has the same number and order."""
        with self._granting:
            number = self.granted.setdefault((epoch, seq), f"A{len(self.granted) + 1:03d}")
        order = Print(
            device=self.printer,
            lines=[SlipLine(text=number, size=4)] if self.printer else [],
            qr=f"https://hall.example/t/{number}",
            press=seq,
            press_epoch=epoch,
            number=number,
        )
        self.order(f"slip-{number}", order)

    def lease(self, first: int, last: int) -> None:
        order = Lease(lease=first, queue="A", day="2026-11-23", prefix="A", first=first, last=last)
        self.order(f"lease-{first}", order)


@contextmanager
def controller_at(settings: Settings, gen: int = 1) -> Iterator[Controller]:
    found = Controller(settings, gen)
    try:
        yield found
    finally:
        found.close()


def node_settings(folder: Path, mqtt_port: int, **changes: Any) -> NodeSettings:
    settings = NodeSettings(
        hall=HALL,
        unit=UNIT,
        broker=f"mqtt://127.0.0.1:{mqtt_port}",
        token=SECRET,
        data_dir=folder,
        selftest_after_s=3600.0,  # a test that wants one asks for it
    )
    return replace(settings, **{**either(COMPRESSED, {}), **changes})


@contextmanager
def node_running(settings: NodeSettings, machine: Machine | None = None) -> Iterator[Node]:
    """A node in this process, closed in the end."""
    node = Node(settings, machine)
    runner = threading.Thread(target=node.run, name="node")
    node.start()
    runner.start()
    try:
        yield node
    finally:
        node.stop()
        runner.join()
        node.close()


def keep_config(folder: Path, config: UnitConfig, *, day: str = "2026-11-23") -> None:
    """Leave a configuration in a node's store, as if an earlier run had got it."""
    outbox = Outbox.open(folder / "outbox.sqlite")
    outbox.put("config", encode(config))
    outbox.put("day", day)
    outbox.close()


class NodeProcess:
    """A node as it runs in the field: `servicehall node -c unit.toml`."""

    def __init__(self, folder: Path, settings: NodeSettings) -> None:
        self._file = folder / "unit.toml"
        values = {
            "hall": settings.hall,
            "unit": settings.unit,
            "broker": settings.broker,
            "token": settings.token,
            "data_dir": str(settings.data_dir),
            "pages": settings.pages,
            "keepalive_s": settings.keepalive_s,
            "backoff_min_s": settings.backoff_min_s,
            "backoff_max_s": settings.backoff_max_s,
            "steady_s": settings.steady_s,
            "selftest_after_s": settings.selftest_after_s,
        }
        self._file.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items()))
        self._file.chmod(0o600)
        self._log = (folder / "node.log").open("ab")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, **environment: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "firmware.cli", "node", "-c", str(self._file)]
        self.process = subprocess.Popen(command, stderr=self._log, env={**os.environ, **environment})
        return self.process

    def kill(self) -> None:
        """As a power cut would end it."""
        self.end(signal.SIGKILL)

    def end(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(20)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()
        self._log.close()


def window_board(ver: int, line: str, *, gen: int = 1) -> Board:
    window = WindowBoard(
        number=3, zh="3号窗口", en="Window 3", state="busy", ticket="A007", waiting=4, line=line
    )
    return Board(board="w3", ver=ver, gen=gen, ts=UnitClock().now(), window=window)


def kiosk_board(ver: int, *, is_open: bool = True) -> Board:
    line = QueueLine(
        code="A",
        zh="社保",
        en="Social insurance",
        waiting=5,
        windows=2,
        wait_min=10,
        wait_max=15,
        wait="about",
        is_rough=True,
        is_open=is_open,
        why_zh="" if is_open else "今日取号已结束",
        why_en="" if is_open else "No more tickets today",
    )
    return Board(board="k-main", ver=ver, gen=1, ts=UnitClock().now(), queues=[line])


# --- how it is


def is_in_service(node: Node, controller: Controller) -> bool:
    health = node.devices.health()
    is_known = node.outbox.get("day") is not None
    return is_known and len(health) == 6 and set(health.values()) == {"ok"} and applied(controller) == 1


def applied(controller: Controller) -> int:
    """The configuration the unit says is in force."""
    said = [decode(one, ConfigState) for leaf, one in controller.heard() if leaf == "cfg"]
    return said[-1].applied if said else 0


def offline(relay: Proxy, node: Node) -> None:
    relay.is_refusing = True
    relay.cut()
    until(lambda: not node.link.is_up)


def online(relay: Proxy, node: Node) -> None:
    relay.is_refusing = False
    until(lambda: node.link.is_up)


def healths(controller: Controller) -> list[Health]:
    found = [decode(one, Health) for leaf, one in controller.heard() if leaf == "health"]
    return [one for one in found if one.full]
