"""The agent of one unit: owns its drivers, store and link; orders in, reports out.

Nothing here waits for a device or for the network: drivers run their own threads and children, the
store takes a commit, the link sends when it can. Three threads are ours: the node's own (new
configurations, housekeeping, the watchdog), one that hands orders to devices, and the link's.

Record first, act second: a press is stored before a number is asked for, a slip is marked before its
bytes, a rating is stored before anybody is thanked.
"""

from __future__ import annotations

import argparse
import fcntl
import logging
import platform
import queue
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from firmware import doctor, heap
from firmware.devices import Devices, shows
from firmware.drivers.faults import Faults
from firmware.errands import Errands
from firmware.fault_topics import FaultTopics
from firmware.house import House, Starts, notify
from firmware.inquiries import Inquiries
from firmware.machine import Machine, Reserve, hardware
from firmware.pages_child import PagesChild, listen
from firmware.presses import Presses, PressRefused
from firmware.progress import Desk
from firmware.protocol import catalogue, logs, topics
from firmware.protocol.catalogue import Matter
from firmware.protocol.codec import BadMessage, decode, encode
from firmware.protocol.guard import Guard
from firmware.protocol.link import Callbacks, Identity, Link, LinkTiming, Received
from firmware.protocol.messages import (
    Ack,
    Board,
    ConfigState,
    Examine,
    Faulted,
    IssuedOffline,
    Pressed,
    Print,
    Rated,
    Recovered,
    Refuse,
    Report,
    Result,
    ResultState,
    Spoken,
    Struct,
    UnitConfig,
)
from firmware.protocol.outbox import Outbox, StoreFault
from firmware.salvage import salvages
from firmware.selftest import SelfTest
from firmware.settings import BadSettings, NodeSettings, load
from firmware.shelf import Shelf, boards_of, wanted_boards
from firmware.slips import Slips
from firmware.troubles import Troubles

HOUSEKEEPING_S = 1.0
SETTLED_S = 2.0  # by then the boards that came with a call have been heard
STORE = "outbox.sqlite"  # in the folder of the unit's data
OWN = "node"  # the device name under which the agent reports itself

log = logging.getLogger(__name__)


class Node:
    """One unit. start(), then run() until stop() is called from anywhere."""

    def __init__(self, settings: NodeSettings, machine: Machine | None = None) -> None:
        """machine: the board this runs on, unless another is given."""
        self._settings = settings
        self._machine = machine or Machine(settings.data_dir)
        self.guard = Guard(log)
        self.outbox = Outbox.open(settings.data_dir / STORE)
        self._salvages = salvages(settings.data_dir / STORE)
        self.shelf = Shelf(self.outbox)
        self.devices = Devices(self._report, self.guard, self.outbox)
        self._listener = listen(settings.pages_address)
        self._ending = threading.Event()
        self._tasks: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self.outages = logs.Outages(log)
        self.config = UnitConfig(rev=0, position="", devices=[])
        self.starts = Starts(
            lambda: int(self.outbox.get("starts") or 0), lambda n: self.outbox.put("starts", n)
        )
        self._own_faults = Faults(OWN, self._report)
        self.troubles = Troubles(self.outbox, self.outages, self._store_fault)
        self._reserve = Reserve(settings.data_dir / "reserve")
        self._matters: Sequence[Matter] = ()
        self._fault_topics = FaultTopics(self.outbox, self._publish_retained)
        self.link = self._make_link()
        self.slips = self._make_slips()
        self.presses = self._make_presses()
        self._selftest = self._make_selftest()
        self._errands = self._make_errands()
        self._inquiries: Inquiries | None = None
        self._pages: PagesChild | None = None

    @property
    def pages_url(self) -> str:
        """Where this unit's pages are; "" when it serves none."""
        if self._listener is None:
            return ""
        host, port = self._listener.getsockname()[:2]
        return f"http://{host}:{port}/pages/"

    def start(self) -> None:
        """Recover what a power cut left, take up the last good configuration, connect."""
        self.slips.recover()
        for fault in self.outbox.faults():  # Drivers raise again what is still so.
            self.outbox.append(Recovered(device=fault.device, code=fault.code))
        self._report_store()
        self._resume_config()
        self._errands.start()
        self.link.start()
        if self._listener is not None:
            self._serve_pages(self._listener)
        log.info("unit %s of hall %s runs", self._settings.unit, self._settings.hall)

    def run(self) -> None:
        """Do the node's own work until stop()."""
        house = House(self, self._own_faults, self._machine, self._reserve)
        notify("READY=1")
        while not self._ending.is_set():
            self.guard.run("housekeeping", house.turn)
            try:
                task = self._tasks.get(timeout=HOUSEKEEPING_S)
            except queue.Empty:
                task = None
            if task is not None:
                self.guard.run("task", task)

    def stop(self) -> None:
        """Ask run() to end. Safe from a signal handler."""
        self._ending.set()
        self._tasks.put(None)

    def close(self) -> None:
        """End everything that start() began; presses from here on are not taken."""
        notify("STOPPING=1")
        self.presses.stop()
        self.slips.stop()
        if self._pages is not None:
            self._pages.stop()
        self.devices.stop()
        self._errands.stop()
        self.link.stop()
        if self._inquiries is not None:
            self._inquiries.close()
        self.guard.run("boards", self.shelf.save)
        self.guard.run("starts", self.starts.steady)
        self.outbox.close()
        if self._listener is not None:
            self._listener.close()

    @property
    def is_working(self) -> bool:
        """Whether every thread that a restart could mend is alive (for the watchdog)."""
        return self._errands.is_alive and self.link.is_alive

    # --- reports, on threads of the drivers

    def _report(self, report: Struct) -> None:
        self.guard.run("report", lambda: self._take_report(report))

    def _take_report(self, report: Any) -> None:
        if self._selftest.takes(report):
            return
        match report:
            case Pressed():
                self._pressed(report)
            case Rated():
                keypad = self.devices.keypad(report.device)
                if self._store(report) and keypad is not None:
                    keypad.thank(report.level)
            case Spoken():
                result = Result(cid=report.order, state=ResultState.DONE)
                self.outbox.finish(result, report)
                self._tell(result)
            case Faulted():
                self.troubles.began(report)
            case Recovered():
                self.troubles.ended(report)
            case _:
                self._store(report)

    def _pressed(self, report: Pressed) -> None:
        try:
            self._with_reserve(lambda: self.presses.take(report))
        except PressRefused as refused:
            log.warning("%s: no number given: %s", report.input, refused)
        except StoreFault as fault:
            self._store_failed(fault)
        else:
            self.outages.end("store")

    def _store_fault(self, report: Faulted | Recovered) -> None:
        self._store(report)
        self._fault_topics.tell()
        self.link.report_health()

    def _store(self, report: Report) -> bool:
        """Whether the report is durable now."""
        try:
            self._with_reserve(lambda: self.outbox.append(report))
        except StoreFault as fault:
            self._store_failed(fault)
            return False
        except BadMessage as error:
            self.guard.count("too_large")
            log.error("a report is not sent: %s", error)
            return False
        self.outages.end("store")
        self.link.wake()
        return True

    def _with_reserve(self, step: Callable[[], object]) -> None:
        """Do what must be stored; on a full disk once more with the room that was kept for it (F39)."""
        try:
            step()
        except StoreFault:
            if not self._reserve.release():
                raise
            log.error("the disk is full: the reserve is given to the store")
            step()

    def _store_failed(self, fault: StoreFault) -> None:
        """Say once that nothing is durable any more: no numbers are given out until it is (F40)."""
        self.guard.count("store_faults")
        if self.outages.begin("store", str(fault)):
            self.link.report_health()

    def _tell(self, result: Result | None) -> None:
        """Send a result, when there is one, and the events stored with it."""
        if result is not None:
            self.link.tell(result)
        self.link.wake()

    def _print_offline(self, issued: IssuedOffline) -> None:
        self.slips.print_offline(issued, self.shelf.queue(issued.queue))

    # --- orders, boards and configurations, on the thread of the connection

    def _on_board(self, board: Board) -> None:
        if self.shelf.take(board):
            self.devices.paint(board)

    def _on_order(self, received: Received) -> None:
        if isinstance(received.order, Print | Refuse):
            self.presses.answered(received.order)
        self._errands.take(received)

    def _on_config(self, config: UnitConfig) -> None:
        self._errands.wait_for_config()
        self._tasks.put(lambda: self._take_up(config))

    def _take_up(self, config: UnitConfig) -> None:
        try:
            self._configure(config)
        finally:
            self._errands.config_settled()

    def _resume_config(self) -> None:
        """Take up the last good configuration; a store without one waits for the controller."""
        kept = self.outbox.get("config")
        if self.starts.is_minimal:
            self._own_faults.raised("node.restarts", f"{self.starts.count} starts in a row did not last")
        elif isinstance(kept, bytes):
            try:
                self._configure(decode(kept, UnitConfig), is_kept=True)
            except BadMessage as error:
                log.error("the kept configuration cannot be read: %s", error)

    def _configure(self, config: UnitConfig, *, is_kept: bool = False) -> None:
        errors = self._without_devices(config) or self.devices.configure(config, self.troubles.forget)
        if errors:
            log.error("configuration %d is refused: %s", config.rev, "; ".join(errors))
            self._own_faults.raised("node.config", f"revision {config.rev}: {errors[0]}")
            self.link.report_config(ConfigState(rev=config.rev, applied=self.config.rev, errors=errors))
            return
        self._own_faults.cleared("node.config")
        self.config, self._matters = config, self._matters_in(config)
        self.link.follow(wanted_boards(config))
        self.presses.grant_timeout_s = config.grant_timeout_ms / 1000
        self.presses.suffix = config.suffix or self._settings.unit.rpartition("-")[2]
        if not is_kept:
            self.outbox.put("config", encode(config))
        timing = self._timing(config)
        self.link.report_config(ConfigState(rev=config.rev, applied=config.rev), timing)
        self.link.report_birth()
        for device in config.devices:
            self._repaint(device.device)
        log.info("configuration %d is in force: %d devices", config.rev, len(config.devices))

    def _repaint(self, device: str) -> None:
        """Show what is known of the device's boards."""
        driver = self.devices.get(device)
        for board in self.shelf.all():
            if driver is not None and shows(driver.config, board):
                self.devices.paint(board)

    def _without_devices(self, config: UnitConfig) -> list[str]:
        """Why a unit that keeps restarting takes up no configuration: it may be what ends it (F48).

        One newer than that is taken up, and the unit is as before.
        """
        kept = self.outbox.get("config")
        if not self.starts.is_minimal or not isinstance(kept, bytes):
            return []
        if config.rev > decode(kept, UnitConfig).rev:
            self.starts.is_minimal = False
            self._own_faults.cleared("node.restarts")
            return []
        return [f"{self.starts.count} starts in a row did not last; the unit waits without devices"]

    def _matters_in(self, config: UnitConfig) -> Sequence[Matter]:
        """A catalogue that cannot be read is no reason to stand still: the kiosks search their queues."""
        try:
            return catalogue.unpack(config.catalogue)
        except BadMessage as error:
            log.error("configuration %d: %s", config.rev, error)
            return ()

    def _timing(self, config: UnitConfig) -> LinkTiming:
        return replace(
            self._settings.timing,
            resend_s=config.resend_s,
            heartbeat_s=config.heartbeat_s,
            health_s=config.health_s,
        )

    # --- parts

    def _make_selftest(self) -> SelfTest:
        store, silent_s = self._settings.data_dir / STORE, lambda: self.link.silent_s
        show = self.link.show
        return SelfTest(self.outbox, store, self.devices, self._machine, silent_s, self._repaint, show)

    def _make_slips(self) -> Slips:
        return Slips(
            self.outbox,
            self.devices,
            self.guard,
            tell=self._tell,
            forget=self.link.forget,
            later=self.hand_over,
            ended=lambda press, is_printed: self.presses.slip_ended(press, is_printed),
        )

    def _make_presses(self) -> Presses:
        return Presses(
            self.outbox,
            self.devices,
            self.shelf,
            self.guard,
            is_linked=lambda: self.link.is_up,
            changed=self.link.wake,
            print_offline=self._print_offline,
        )

    def _make_errands(self) -> Errands:
        return Errands(
            self.outbox,
            self.devices,
            self.shelf,
            self.slips,
            self._selftest,
            self.guard,
            tell=self._tell,
            forget=self.link.forget,
            is_ending=self._ending.is_set,
            first_config_s=self._settings.first_config_s,
        )

    def _make_link(self) -> Link:
        settings = self._settings
        identity = Identity(
            hall=settings.hall,
            unit=settings.unit,
            app=version("servicehall"),
            os=platform.platform(),
            hw=hardware(),
            pages=settings.bench or self.pages_url,
        )
        callbacks = Callbacks(
            on_up=self._fault_topics.again,
            on_order=self._on_order,
            on_other_ack=lambda ack: self._tasks.put(lambda: self._salvage_heard(ack)),
            on_config=self._on_config,
            on_board=self._on_board,
            capabilities=lambda: self.devices.capabilities(),
            devices=self._health,
            counts=lambda: self.devices.counts(),
            versions=self._versions,
        )
        return Link(settings.login, identity, self.outbox, callbacks, self.guard, settings.timing)

    def _publish_retained(self, leaf: str, payload: bytes) -> bool:
        topic = topics.up(self._settings.hall, self._settings.unit, leaf)
        return self.link.session.publish(topic, payload, retain=True)

    def _versions(self) -> dict[str, tuple[int, int]]:
        return self.shelf.versions({name for one in self.config.devices for name in boards_of(one)})

    def _health(self) -> dict[str, str]:
        own = "node.store_failed" if self.outages.is_out("store") else self._own_faults.worst()
        return {**self.devices.health(), **({} if own == "ok" else {OWN: own})}

    def _report_store(self) -> None:
        if self.outbox.set_aside is not None:
            left = sum(len(one) for one in self._salvages)
            detail = f"kept as {self.outbox.set_aside.name}; {left} of its events can still be told"
            self._own_faults.raised("node.store_replaced", detail)

    def _serve_pages(self, listener: socket.socket) -> None:
        self._inquiries = Inquiries(
            self._settings.data_dir / "pages.sock",
            self.shelf,
            self.presses,
            self.outbox.clock,
            self.guard,
            matters=lambda: self._matters,
            devices=self.devices,
            desk=Desk(self.link.where, self.shelf),
            silent_s=lambda: self.link.silent_s,
            answer_wait_s=self._settings.answer_wait_s,
            poll_wait_s=self._settings.poll_wait_s,
        )
        self._pages = PagesChild(self._inquiries.path, listener)
        log.info("pages at %s", self.pages_url)

    def hand_over(self, step: Callable[[], None]) -> None:
        """Run a step on the thread that hands orders over."""
        self._errands.put(step)

    def examine(self, order: Examine) -> None:
        """Test what is asked, on a thread of its own, and report it."""
        self._errands.examine(order)

    def salvage(self, now_s: float) -> None:
        """Tell what stores before this one had not told (F41)."""
        if self.link.is_up:
            for one in self._salvages:
                for envelope in one.due(now_s):
                    self.link.say(envelope)

    def _salvage_heard(self, ack: Ack) -> None:
        for one in self._salvages:
            one.heard(ack)
        self._salvages = [one for one in self._salvages if not one.is_told]

    def save_boards(self) -> None:
        self.shelf.save()

    def keep_pages(self) -> None:
        if self._pages is not None:
            self._pages.keep()

    @property
    def settings(self) -> NodeSettings:
        return self._settings


@contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    """Hold the data of this unit: two agents on one store would print everything twice."""
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (data_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise BadSettings(f"another agent runs with the data in {data_dir}; stop it first") from error
        yield


def main(argv: list[str]) -> int:
    """Run the agent of one unit; `doctor` says what is wrong with it and what to do."""
    if argv[:1] == ["doctor"]:
        return doctor.main(argv[1:])
    parser = argparse.ArgumentParser(prog="servicehall node", description=main.__doc__)
    parser.add_argument(
        "-c", "--config", type=Path, default=Path("unit.toml"), help="as `servicehall unit add` writes it"
    )
    words = parser.parse_args(argv)
    try:
        settings = load(words.config)
        heap.keep_small()
        logs.set_up(settings.log_format)
        with _alone(settings.data_dir):
            _run(Node(settings))
    except (BadSettings, StoreFault) as error:
        print(f"servicehall node: {error}", file=sys.stderr)
        return 1
    return 0


def _run(node: Node) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: node.stop())
    try:
        node.start()
        node.run()
    finally:
        node.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
