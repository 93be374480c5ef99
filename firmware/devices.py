"""The drivers of a unit, as its configuration wants them.

Hides what a new configuration changes: only devices whose own lines differ are stopped and started,
so that a button whose neighbour is being replaced still takes presses. A configuration is taken whole
or not at all (R15).
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from datetime import date
from functools import partial
from typing import Any, Protocol

from msgspec.structs import replace

from firmware import drivers, wires
from firmware.cards import CardAtHand, shown
from firmware.drivers import Driver
from firmware.drivers.reader import CardRead
from firmware.drivers.roll import Roll
from firmware.protocol.clock import UnitClock
from firmware.protocol.guard import Guard
from firmware.protocol.messages import (
    Board,
    Capability,
    DeviceConfig,
    Pressed,
    Print,
    Struct,
    UnitConfig,
)

SHOWING = ("led", "keypad", "lamp", "matrix")  # kinds that draw a board themselves
KEEP_MM = 2000  # of paper between two notes of it: 20 slips
STOP_S = 5.0  # a slip in hand is finished; without one, stopping takes a fraction of a second


class Kept(Protocol):
    """What outlives a restart: small values by name (the outbox). clock: as the controller said."""

    @property
    def clock(self) -> UnitClock: ...

    def get(self, name: str) -> str | int | bytes | None: ...
    def put(self, name: str, value: str | int | bytes) -> None: ...


class Devices:
    """The running drivers. Read from any thread; configured by one."""

    def __init__(self, report: Callable[[Struct], None], guard: Guard, kept: Kept | None = None) -> None:
        self._tell, self._guard, self._kept = report, guard, kept
        self._card = CardAtHand()
        self._told: list[Capability] = []
        self._kept_mm: dict[str, int] = {}
        self._drivers: dict[str, Driver] = {}
        self._lock = threading.Lock()
        self._changing = threading.Lock()  # held while drivers are exchanged

    def configure(self, config: UnitConfig, on_removed: Callable[[str], None]) -> list[str]:
        """Make it so, or say in sentences why not; then nothing has changed.

        on_removed: called with each device that was stopped, before its successor starts.
        """
        errors = contradictions(config)
        wanted = {device.device: device for device in config.devices}
        fresh: dict[str, Driver] = {}
        for device in config.devices:
            if not self._runs(device):
                self._build(device, fresh, errors)
        if errors:
            return errors
        with self._changing:
            self._exchange(wanted, fresh, on_removed)
        return []

    def _exchange(
        self, wanted: dict[str, DeviceConfig], fresh: dict[str, Driver], on_removed: Callable[[str], None]
    ) -> None:
        gone = {name: driver for name, driver in self._all().items() if wanted.get(name) != driver.config}
        for name, driver in gone.items():
            self._guard.run(f"stop.{name}", driver.stop)
            on_removed(name)
        with self._lock:
            kept = {name: driver for name, driver in self._drivers.items() if name not in gone}
            self._drivers = kept | fresh
        for name, driver in fresh.items():
            self._guard.run(f"start.{name}", driver.start)

    def stop(self) -> None:
        """Stop all drivers at the same time."""
        stopping = [
            threading.Thread(
                target=self._guard.run, args=(f"stop.{name}", driver.stop), name=f"stop {name}", daemon=True
            )
            for name, driver in self._all().items()
        ]
        for thread in stopping:
            thread.start()
        until = time.monotonic() + STOP_S
        for thread in stopping:
            thread.join(max(0.0, until - time.monotonic()))

    def get(self, name: str) -> Driver | None:
        return self._all().get(name)

    def of_kind(self, kind: str) -> list[Driver]:
        return [driver for driver in self._all().values() if driver.config.kind == kind]

    def printer(self, name: str = "") -> Driver | None:
        """The printer of that name, or the unit's first."""
        named = self.get(name)
        if named is not None and named.config.kind == "printer":
            return named
        return next(iter(self.of_kind("printer")), None)

    def keypad(self, name: str) -> Driver | None:
        named = self.get(name)
        return named if named is not None and named.config.kind == "keypad" else None

    def submit(
        self, name: str, cid: str, order: Print, mark: Callable[[], None] | None
    ) -> Future[Any] | None:
        """Hand a slip to the printer of that name, or the unit's first; None when there is none.

        Waits while drivers are exchanged: a slip is not lost to a printer that is being replaced.
        """
        with self._changing:
            printer = self.printer(name)
            return None if printer is None else printer.submit(cid, order, mark)

    def paint(self, board: Board) -> None:
        """Show a board on every device that belongs to it."""
        for driver in self._all().values():
            if driver.config.kind in SHOWING and shows(driver.config, board):
                self._guard.run(f"paint.{driver.config.device}", partial(driver.paint, board))

    def page_asked(self, board: str) -> None:
        """A page of this unit has asked for that board: the screen that shows it lives."""
        for driver in self.of_kind("screen"):
            if driver.config.board == board:
                driver.seen()

    def spare(self, is_scarce: bool) -> None:
        """Let cameras record nothing while the disk is nearly full: tickets and votes come first (F39)."""
        for camera in self.of_kind("camera"):
            self._guard.run(f"spare.{camera.config.device}", partial(camera.spare, is_scarce))

    def with_card(self, press: Pressed) -> Pressed:
        """The press, of the green class if a card that was shown just now says so."""
        return self._card.apply(press)

    def card(self) -> tuple[bool, int]:
        """Whether somebody can check in by a card here, and the number of the last card shown."""
        options = [driver.config.options for driver in self.of_kind("reader")]
        return any(one.get("reads") == "id_card" and one.get("key") for one in options), self._card.count

    def who(self, number: int) -> str:
        """The digest of the card of this number; "" when it is gone."""
        return self._card.who(number)

    def tend(self) -> bool:
        """Write down how much paper is used; whether devices turned out to be other than was told."""
        for name, roll in self._rolls().items():
            kept = self._kept_mm.get(name, 0)
            if self._kept is not None and not 0 <= roll.used_mm - kept < KEEP_MM:
                self._kept.put(_roll_key(name), round(roll.used_mm))
                self._kept_mm[name] = round(roll.used_mm)
        return self._capabilities() != self._told

    def capabilities(self) -> list[Capability]:
        """What the devices are found to be, as it is told now."""
        self._told = self._capabilities()
        return self._told

    def health(self) -> dict[str, str]:
        return {name: driver.health() for name, driver in self._all().items()}

    def counts(self) -> dict[str, int]:
        """What the drivers count, under `device.what`."""
        return {
            f"{name}.{what}": number
            for name, driver in self._all().items()
            for what, number in driver.counts().items()
        }

    def _capabilities(self) -> list[Capability]:
        return [driver.capability() for driver in self._all().values()]

    def _rolls(self) -> dict[str, Roll]:
        return {name: driver.roll for name, driver in self._all().items() if driver.config.kind == "printer"}

    def _report(self, report: Struct) -> None:
        """On to the node; of a card only what may leave this unit."""
        if isinstance(report, CardRead):
            config = self._all()[report.device].config
            told = shown(report, config, self.today())
            self._card.shown(told)
            report = replace(told, who="")  # it leaves the unit only with a check-in
        self._tell(report)

    def today(self) -> date | None:
        """The business date as the controller told it last, or the date in the hall when its clock was told
        and is further on; None while neither was. This unit's own clock may be wrong: it is not asked."""
        if self._kept is None:
            return None
        told, hall = self._kept.get("day"), self._kept.clock.hall()
        days = [date.fromisoformat(told)] if isinstance(told, str) and told else []
        if hall is not None:
            days.append(hall[0].astimezone().date())
        return max(days, default=None)

    def _all(self) -> dict[str, Driver]:
        with self._lock:
            return dict(self._drivers)

    def _runs(self, device: DeviceConfig) -> bool:
        driver = self.get(device.device)
        return driver is not None and driver.config == device

    def _build(self, device: DeviceConfig, into: dict[str, Driver], errors: list[str]) -> None:
        try:
            into[device.device] = driver = drivers.build(device, self._report)
            if device.kind == "printer" and self._kept is not None:
                used_mm = self._kept.get(_roll_key(device.device))
                driver.roll.used_mm = float(used_mm) if isinstance(used_mm, int) else 0.0
        except (drivers.UnknownKind, wires.WireFault) as error:
            errors.append(str(error))
        except ValueError as error:
            errors.append(f"{device.device}: an option is no number: {error}")


def shows(config: DeviceConfig, board: Board) -> bool:
    """Whether the device shows that board: its own; the lamp of a button any that tells of its queue."""
    if config.kind == "lamp" and not config.board:
        return any(line.code == config.queue for line in board.queues)
    return config.board == board.board


def _roll_key(device: str) -> str:
    return f"paper.{device}"


def contradictions(config: UnitConfig) -> list[str]:
    """What in a configuration contradicts itself, in sentences."""
    names = Counter(device.device for device in config.devices)
    errors = [f"{name} is there {times} times" for name, times in names.items() if times > 1]
    places: dict[tuple[str, int | None], str] = {}
    for device in config.devices:
        if device.kind == "screen":
            continue
        other = places.setdefault((device.wire, device.address), device.device)
        if other != device.device:  # F31
            errors.append(
                f"{device.device} and {other} have the same wire {device.wire!r} and address {device.address}"
            )
    return errors
