"""What a unit notices by itself: its board, its clock, its disk, its own threads, its restarts."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from firmware import machine as boards
from firmware.house import STARTS, House
from firmware.machine import MIB, Machine, Room
from firmware.protocol.clock import UnitClock
from firmware.protocol.codec import decode
from firmware.protocol.messages import ClockJumped, ConfigState, Faulted, Recovered
from tests.firmware.hall_unit import (
    SLOW,
    applied,
    healths,
    is_in_service,
    keep_config,
    node_running,
    node_settings,
)
from tests.waiting import until

CAN_MOUNT = subprocess.run(["unshare", "-Urm", "true"], capture_output=True, check=False).returncode == 0


class Board:
    """The board of a unit, in a state a test sets. ahead: of its clock before the real one."""

    def __init__(self, folder: Path) -> None:
        self.root, self.free_mib, self.ahead = folder / "board", 1024, timedelta()
        self.machine = Machine(
            folder,
            self.root,
            lambda path: Room(2048 * MIB, self.free_mib * MIB, 1000),
            lambda: _now() + self.ahead,
        )

    def _room(self, path: Path) -> Room:
        return Room(2048 * MIB, self.free_mib * MIB, 1000)

    def says(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)


def _now() -> datetime:
    return UnitClock().now()


@pytest.fixture
def board(folder) -> Board:
    return Board(folder)


@pytest.fixture
def node(folder, hardware, relay, controller, board, monkeypatch) -> Iterator:
    """A unit in service on a board of the test; it looks at it at every turn."""
    monkeypatch.setattr("firmware.house.BOARD_S", 0.0)
    monkeypatch.setattr("firmware.node.HOUSEKEEPING_S", 0.05)
    with node_running(node_settings(folder / "unit", relay.port), board.machine) as found:
        controller.configure(hardware.config())
        until(lambda: is_in_service(found, controller), SLOW, what="the unit is in service")
        yield found


def codes(controller, kind) -> list[str]:
    return [one.code for one in controller.reports(kind)]


# --- its board


def test_f43_f44_a_board_in_need_is_a_fault_with_evidence_and_serves_on(node, controller, board, hardware):
    board.says(boards.THROTTLED, "1\n")
    board.says(boards.TEMPERATURE, "85000\n")
    until(lambda: set(codes(controller, "Faulted")) == {"node.low_power", "node.hot"}, SLOW)
    hardware.push()
    until(lambda: hardware.slips(), SLOW)
    board.says(boards.THROTTLED, "10000\n")
    board.says(boards.TEMPERATURE, "60000\n")
    until(lambda: set(codes(controller, "Recovered")) == {"node.low_power", "node.hot"}, SLOW)
    assert "85 degrees" in [one.detail for one in controller.reports("Faulted")]


# --- its clock


@pytest.mark.parametrize("step", [timedelta(days=1), timedelta(hours=-2)])
def test_f50_a_clock_that_jumps_is_told_and_moves_nothing(node, controller, board, hardware, step):
    board.ahead = step
    (jump,) = until(lambda: controller.reports("ClockJumped"), SLOW)
    assert isinstance(jump, ClockJumped)
    assert abs(jump.to_ts - jump.from_ts - step) < timedelta(seconds=5)
    hardware.push()
    until(lambda: controller.reports("Printed"), SLOW)
    assert [type(one).__name__ for one in controller.reports()] == ["ClockJumped", "Pressed", "Printed"]


def test_f53_a_clock_that_is_not_the_controllers_is_a_fault_and_the_controllers_counts(
    folder, hardware, relay, controller, board, monkeypatch
):
    monkeypatch.setattr("firmware.node.HOUSEKEEPING_S", 0.05)
    controller.time = _now() - timedelta(hours=1)
    with node_running(node_settings(folder / "unit", relay.port), board.machine) as node:
        fault = until(lambda: controller.reports("Faulted"), SLOW)[0]
        assert (fault.code, fault.severity) == ("node.clock_wrong", "maintenance")
        assert fault.detail.startswith("+3")
        assert abs(node.outbox.clock.now() - controller.time) < timedelta(minutes=1)


def test_f49_a_board_that_starts_in_1970_serves_at_once(folder, hardware, relay, controller, monkeypatch):
    board = Board(folder)
    board.ahead = datetime(1970, 1, 1, tzinfo=UTC) - _now()
    with node_running(node_settings(folder / "unit", relay.port), board.machine) as node:
        controller.configure(hardware.config())
        until(lambda: is_in_service(node, controller), SLOW, what="the unit is in service")
        hardware.push()
        until(lambda: hardware.slips(), SLOW)
        assert codes(controller, "Faulted") == []


# --- its disk


def test_f39_on_a_nearly_full_disk_logs_stop_and_tickets_go_on(node, controller, board, hardware, caplog):
    caplog.set_level("INFO")
    until(lambda: (node._settings.data_dir / "reserve").exists(), SLOW)
    board.free_mib = 10
    until(lambda: codes(controller, "Faulted") == ["node.disk_full"], SLOW)
    hardware.push()
    until(lambda: hardware.slips(), SLOW)
    board.free_mib = 1024
    until(lambda: codes(controller, "Recovered") == ["node.disk_full"], SLOW)


FULL = """
import sys
from pathlib import Path
from firmware.machine import MIB, Reserve
from firmware.protocol.messages import Pressed
from firmware.protocol.outbox import Outbox, StoreFault
folder = Path(sys.argv[1])
outbox, reserve = Outbox.open(folder / "outbox.sqlite"), Reserve(folder / "reserve", MIB)
reserve.keep()
with (folder / "video").open("wb", buffering=0) as video:
    try:
        while video.write(bytes(4096)):
            pass
    except OSError:
        pass
pressed = 0
try:
    while True:
        outbox.press(Pressed(input="button-1"))
        pressed += 1
except StoreFault as fault:
    print(fault)
assert reserve.release()
for _ in range(20):
    outbox.press(Pressed(input="button-1"))
print(outbox.last == pressed + 20)
outbox.close()
print(Outbox.open(folder / "outbox.sqlite").last == pressed + 20)
"""


@pytest.mark.system
@pytest.mark.skipif(not CAN_MOUNT, reason="a small disk of one's own needs a user namespace")
def test_f39_a_disk_that_is_really_full_takes_tickets_from_the_reserve(folder):
    """Room that was kept takes the tickets when recordings have filled the disk to its last byte."""
    (folder / "disk").mkdir()
    script = 'mount -t tmpfs -o size=3m none "$1" && exec "$2" -c "$3" "$1"'
    command = ["unshare", "-Urm", "sh", "-c", script, "sh", str(folder / "disk"), sys.executable, FULL]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    said, kept, is_durable = done.stdout.splitlines()
    assert "disk is full" in said
    assert (kept, is_durable) == ("True", "True")


READ_ONLY = """
import subprocess, sys
from pathlib import Path
from firmware.protocol.messages import Pressed
from firmware.protocol.outbox import Outbox, StoreFault
folder = Path(sys.argv[1])
outbox = Outbox.open(folder / "outbox.sqlite")
outbox.press(Pressed(input="button-1"))
outbox.close()
subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
try:
    Outbox.open(folder / "outbox.sqlite").press(Pressed(input="button-1"))
except StoreFault as fault:
    print(fault)
"""


@pytest.mark.system
@pytest.mark.skipif(not CAN_MOUNT, reason="a disk of one's own needs a user namespace")
def test_f40_a_disk_that_turned_read_only_is_a_store_fault(folder):
    """A press that cannot be durable is refused, whatever the file system's error is."""
    (folder / "disk").mkdir()
    script = 'mount -t tmpfs -o size=3m none "$1" && exec "$2" -c "$3" "$1"'
    command = ["unshare", "-Urm", "sh", "-c", script, "sh", str(folder / "disk"), sys.executable, READ_ONLY]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "outbox.sqlite: " in done.stdout


# --- faults that come and go


def test_f62_a_plug_that_comes_and_goes_is_told_thrice_and_not_a_hundred_times(node, controller):
    for _ in range(50):
        node._report(Faulted(device="led-1", code="led.gone"))
        node._report(Recovered(device="led-1", code="led.gone"))
    told = until(lambda: _told(controller, "Faulted") >= 4 and controller.reports(), SLOW)
    assert [type(one).__name__[0] for one in told] == list("FRFRFF")
    assert told[-1].detail == "comes and goes: 3 times within a minute"
    assert controller.reports("Recovered") != []


def _told(controller, kind: str) -> int:
    return len(controller.reports(kind))


# --- its own threads


def test_f46_a_thread_that_hangs_is_not_all_well(node, monkeypatch):
    """The watchdog hears nothing while orders are not handed over, whatever else lives."""
    monkeypatch.setattr("firmware.house.STUCK_S", 0.2)
    house = House(node, node._own_faults, node._machine, node._reserve)
    until(lambda: house.is_moving(time.monotonic()))
    free = threading.Event()
    node.hand_over(lambda: free.wait(SLOW))
    until(lambda: not house.is_moving(time.monotonic()))
    free.set()
    until(lambda: house.is_moving(time.monotonic()))


class Systemd:
    """What systemd does with Type=notify and WatchdogSec=: whoever says nothing for so long is killed."""

    def __init__(self, folder: Path) -> None:
        self.address = str(folder / "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address)

    def heard(self, within_s: float) -> str:
        """The next word; "" when none comes in time."""
        self._socket.settimeout(within_s)
        try:
            return self._socket.recv(64).decode()
        except TimeoutError:
            return ""

    def close(self) -> None:
        self._socket.close()


@pytest.mark.system
def test_f46_a_unit_that_hangs_is_ended_and_the_next_has_everything(process, folder, controller, hardware):
    """The watchdog's deadline is 5 s here, 30 s in the unit file; what was pressed before is not lost."""
    keep_config(folder / "unit", hardware.config())
    systemd = Systemd(folder)
    process.start(NOTIFY_SOCKET=systemd.address)
    until(lambda: healths(controller) and healths(controller)[-1].devices.get("printer-1") == "ok", SLOW)
    controller.is_granting = controller.is_acking = False
    hardware.push()
    until(lambda: controller.reports("Pressed"), SLOW)
    assert systemd.heard(SLOW) == "READY=1"
    os.kill(process.process.pid, signal.SIGSTOP)
    while systemd.heard(5.0):
        pass
    process.kill()
    systemd.close()
    controller.is_granting = controller.is_acking = True
    process.start()
    until(lambda: controller.reports("Printed"), SLOW)
    assert len(controller.reports("Pressed")) == len(hardware.slips()) == 1


# --- starts that do not last


@pytest.mark.system
def test_f48_a_unit_that_keeps_restarting_waits_without_devices_and_says_so(
    process, folder, controller, hardware
):
    """After five starts that did not last it is reachable and runs no device, until it is configured anew."""
    keep_config(folder / "unit", hardware.config())
    for start in range(STARTS):
        process.start()
        until(lambda start=start: len({birth.boot for birth in controller.births()}) > start, SLOW)
        process.kill()
    process.start()
    until(lambda: "node.restarts" in codes(controller, "Faulted"), SLOW)
    controller.configure(hardware.config(1))
    refused = until(lambda: [one for one in _configs(controller) if one.errors], SLOW)
    assert "did not last" in refused[0].errors[0]
    controller.configure(hardware.config(2))
    until(lambda: applied(controller) == 2, SLOW)
    until(lambda: "node.restarts" in codes(controller, "Recovered"), SLOW)

    def pushes_again() -> bool:
        """Until the printer has said that it has paper, a push gets no slip."""
        hardware.push()
        return bool(hardware.slips())

    until(pushes_again, 2 * SLOW, every=1.0)


def _configs(controller) -> list[ConfigState]:
    return [decode(one, ConfigState) for leaf, one in controller.heard() if leaf == "cfg"]


def test_a_unit_that_ends_in_order_has_started_well(folder, hardware, settings):
    keep_config(folder / "unit", hardware.config())
    for _ in range(STARTS + 1):
        with node_running(node_settings(folder / "unit", settings.mqtt_port)) as node:
            assert not node.starts.is_minimal
