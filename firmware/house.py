"""What a unit does by itself once a second: looks at its board, its clock, its room, its own threads.

Hides when each thing is due, and what must have moved before systemd hears that all is well. Nothing here
waits for a device; a lock that somebody never gives back stops this thread too, and with it the word to the
watchdog.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from firmware.drivers.faults import Faults
from firmware.machine import Machine, Reserve
from firmware.protocol.messages import ClockJumped, Examine, TimeQuality

if TYPE_CHECKING:
    from firmware.node import Node

SWEEP_S = 3600.0
JUMP = timedelta(seconds=5)  # edge-peers 4.4
BOARD_S = 5.0  # between two looks at the board
STUCK_S = 10.0  # an order is handed over in milliseconds; drivers are exchanged in 5 s at most
STARTS = 5  # F48: so many that did not, and the next goes without devices
FAILURES = 3  # F70
FAILURES_WITHIN_S = 3600.0
OF_BOARD = frozenset({"node.low_power", "node.hot", "node.disk_full"})

log = logging.getLogger(__name__)


class House:
    """Of one running node."""

    def __init__(self, node: Node, faults: Faults, machine: Machine, reserve: Reserve) -> None:
        self._node, self._faults, self._machine, self._reserve = node, faults, machine, reserve
        now, settings = time.monotonic(), node.settings
        self._save_every_s = settings.boards_save_s
        self._save_at, self._sweep_at, self._board_at = now + self._save_every_s, now, now
        self._steady_at: float | None = now + settings.steady_s
        self._test_at: float | None = now + settings.selftest_after_s
        self._usual_level: int | None = None  # of the log, while a full disk has silenced it
        self._wall_ahead = machine.wall() - timedelta(seconds=now)
        self._failed, self._failed_at = 0, now
        self._beat_at, self._is_beating = now, False

    def turn(self) -> None:
        now = time.monotonic()
        self._node.keep_pages()
        self._watch_clock(now)
        self._watch_program(now)
        self._node.troubles.calm(now)
        self._node.salvage(now)
        if now >= self._board_at:
            self._board_at = now + BOARD_S
            self._look_at_board()
        if now >= self._save_at:
            self._save_at = now + self._save_every_s
            self._node.save_boards()
        if now >= self._sweep_at:
            self._sweep_at = now + SWEEP_S
            self._node.outbox.sweep()
        if self._steady_at is not None and now >= self._steady_at:
            self._steady_at = None
            self._node.starts.steady()
        if self._test_at is not None and now >= self._test_at:
            self._test_at = None
            self._node.examine(Examine(what="quick"))
        self._node.outbox.settle_down()
        if self.is_moving(now):
            notify("WATCHDOG=1")

    def is_moving(self, now_s: float) -> bool:
        """Whether everything a restart could mend has moved lately (F46).

        Asks for the locks of store, link and drivers on the way: one that is never given back ends here.
        """
        self._node.outbox.state()
        self._node.link.wake()
        self._node.devices.health()
        if not self._is_beating:
            self._is_beating = True
            self._node.hand_over(self._beat)
        return self._node.is_working and now_s - self._beat_at < STUCK_S

    def _beat(self) -> None:
        """On the thread that hands orders over."""
        self._beat_at, self._is_beating = time.monotonic(), False

    def _look_at_board(self) -> None:
        found = self._machine.faults()
        self._faults.only(found, OF_BOARD)
        is_scarce = "node.disk_full" in found
        # What is written beside tickets and votes stops first: here the log, in the cameras their recordings.
        self._silence(is_scarce)
        if not is_scarce:
            self._reserve.keep()
        self._node.devices.spare(is_scarce)
        if self._node.devices.tend():
            self._node.link.report_birth()

    def _silence(self, is_scarce: bool) -> None:
        """Let the log hold errors only while it lasts; then everything it held before."""
        root = logging.getLogger()
        if is_scarce and self._usual_level is None:
            self._usual_level = root.level
            root.setLevel(logging.ERROR)
        elif not is_scarce and self._usual_level is not None:
            root.setLevel(self._usual_level)
            self._usual_level = None

    def _watch_clock(self, now_s: float) -> None:
        """Report a step of the wall clock (F50), and one that is not the controller's (F53).

        Nothing here goes by it.
        """
        wall, clock = self._machine.wall(), self._node.outbox.clock
        expected = self._wall_ahead + timedelta(seconds=now_s)
        if abs(wall - expected) > JUMP:
            self._wall_ahead = wall - timedelta(seconds=now_s)
            self._node.outbox.append(ClockJumped(from_ts=expected, to_ts=wall))
        if clock.quality() is not TimeQuality.SYNCED:
            return
        ahead = wall - clock.now()
        if abs(ahead) > JUMP:
            self._faults.raised("node.clock_wrong", f"{ahead.total_seconds():+.0f} s off the controller's")
        else:
            self._faults.cleared("node.clock_wrong")

    def _watch_program(self, now_s: float) -> None:
        """Steps that failed and were survived are a fault when they are many (F70)."""
        counts = {what: n for what, n in self._node.guard.counts().items() if what.startswith("failed.")}
        failed = sum(counts.values())
        if failed >= self._failed + FAILURES:
            worst = max(counts, key=lambda what: counts[what])
            self._faults.raised("node.program", f"{worst.removeprefix('failed.')}: {counts[worst]} times")
            self._failed, self._failed_at = failed, now_s
        elif now_s - self._failed_at > FAILURES_WITHIN_S:
            self._failed, self._failed_at = failed, now_s
            self._faults.cleared("node.program")


class Starts:
    """Counts starts that did not last, durably; the sixth in a row goes without devices (F48)."""

    def __init__(self, read: Callable[[], int], write: Callable[[int], None]) -> None:
        self._write = write
        self._count = read()
        self.is_minimal = self._count >= STARTS
        write(self._count + 1)

    def steady(self) -> None:
        """This start has lasted, or ends in order."""
        self._write(0)

    @property
    def count(self) -> int:
        """Starts before this one that did not last."""
        return self._count


def notify(state: str) -> None:
    """Tell systemd how we are; nothing happens without it. Source: sd_notify(3)."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.connect("\0" + address[1:] if address[0] == "@" else address)
        systemd.sendall(state.encode())
