"""A unit for the contract: the real link and outbox, and a dispenser that prints without a printer."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from pathlib import Path

from firmware.protocol import store_setup
from firmware.protocol.clock import UnitClock
from firmware.protocol.guard import Guard
from firmware.protocol.link import Broker, Callbacks, Identity, Link, LinkTiming, Received
from firmware.protocol.messages import (
    Board,
    ConfigState,
    IssuedOffline,
    Lease,
    Pressed,
    Print,
    Printed,
    Refuse,
    Report,
    Result,
    ResultState,
    UnitConfig,
)
from firmware.protocol.outbox import Outbox, offline_cid
from firmware.protocol.whereabouts import resolve
from tests.deadlines import either
from tests.firmware.far_end import HALL, QUICK, FarEnd
from tests.waiting import until

TIMING = either(
    LinkTiming(session=QUICK, resend_s=0.2, resend_max_s=0.8, heartbeat_s=0.3, health_s=1.0), LinkTiming()
)


class Unit:
    """Keeps what it is told. Orders are done at once, unless it is told to wait; slips: what came out."""

    def __init__(
        self,
        login: Broker,
        folder: Path,
        timing: LinkTiming = TIMING,
        *,
        board: str = "",
        chance: random.Random | None = None,
        find: Callable[[str], list[str]] = resolve,
        clock: UnitClock | None = None,
        hall: str = HALL,
    ) -> None:
        """board: serial number of its hardware. find: the addresses of a name."""
        self.name, self.login, self.folder = login.user, login, folder
        self.outbox = open_outbox(folder, clock)
        self.guard = Guard(logging.getLogger("unit"))
        self.orders: list[Received] = []
        self.configs: list[UnitConfig] = []
        self.boards: list[Board] = []
        self.slips: list[str] = []
        self.refusals: list[str] = []
        self.is_doing = True
        self.shows: tuple[str, ...] = ()  # boards of its displays
        self.ups = 0
        self.downs: list[str] = []
        self.broken: Callable[[], None] = lambda: None
        callbacks = Callbacks(
            on_order=self._take,
            on_config=self.configs.append,
            on_board=self.boards.append,
            on_up=self._count_up,
            on_down=self.downs.append,
            versions=self._versions,
        )
        identity = Identity(hall, self.name, "0.1", hw={"serial-number": board})
        self.link = Link(login, identity, self.outbox, callbacks, self.guard, timing, chance, find=find)

    def _count_up(self) -> None:
        self.ups += 1
        self.broken()

    def _take(self, received: Received) -> None:
        self.orders.append(received)
        self.broken()
        if self.is_doing:
            self.do(received)

    def _versions(self) -> dict[str, tuple[int, int]]:
        held = {board.board: (board.gen, board.ver) for board in self.boards}
        return {name: held.get(name, (0, 0)) for name in self.shows}

    def do(self, received: Received) -> None:
        """Carry an order out and tell of it, as slips and orders of a node do."""
        match received.order:
            case Print() as order:
                self._print(received.cid, order)
            case Refuse() as refusal:
                self._refuse(received.cid, refusal)
            case Lease() as lease:
                done = Result(cid=received.cid, state=ResultState.DONE)
                self.outbox.take_lease(lease, done)
                self.link.tell(done)
            case _:
                self.finish(received.cid)

    def _print(self, cid: str, order: Print) -> None:
        if not self.outbox.begin_slip(cid, order):
            self.finish(cid, ResultState.FAILED, "press_settled")
            return
        self.slips.append(order.number)
        done = Result(cid=cid, state=ResultState.DONE)
        self.outbox.finish(done, Printed(order=cid, press=order.press), slip=cid)
        self.link.tell(done)
        self.link.wake()

    def _refuse(self, cid: str, order: Refuse) -> None:
        if order.press is not None and self.outbox.refuse(order.press, order.zh, order.en):
            self.refusals.append(order.en)
        self.finish(cid)

    def finish(self, cid: str, state: ResultState = ResultState.DONE, code: str = "") -> None:
        result = Result(cid=cid, state=state, code=code)
        self.outbox.finish(result)
        self.link.tell(result)

    def say(self, report: Report) -> int:
        seq = self.outbox.append(report)
        self.link.wake()
        return seq

    def press(self, times: int = 1) -> int:
        """So many presses of the first button; the number of the last."""
        for _ in range(times):
            self.outbox.press(Pressed(input="button-1"))
        self.link.wake()
        return self.outbox.last

    def press_alone(self, queue: str = "A") -> IssuedOffline:
        """A press that the unit numbers and prints itself."""
        seq, _ = self.outbox.press(Pressed(input="button-1"))
        issued = self.outbox.number_offline(seq, queue, self.name.rpartition("-")[2])
        assert issued is not None
        self.slips.append(issued.number)
        cid = offline_cid(seq)
        self.outbox.finish(None, Printed(order=cid, press=seq), slip=cid)
        self.link.wake()
        return issued

    def meet(self, controller: FarEnd) -> None:
        """Start, and wait until it hears the controller: the generation is news to a fresh store, so it
        announces itself a second time (R14)."""
        self.link.start()
        until(lambda: len(controller.births()) >= 2, what="the unit hears the controller")

    def applied(self) -> None:
        """Say that the last configuration is in force."""
        rev = self.configs[-1].rev
        self.link.report_config(ConfigState(rev=rev, applied=rev))

    @property
    def is_quiet(self) -> bool:
        """Everything it said is acked."""
        return self.outbox.acked == self.outbox.last

    def close(self) -> None:
        self.link.stop()
        self.outbox.close()


def open_outbox(folder: Path, clock: UnitClock | None = None) -> Outbox:
    """The store in a folder, made in this process when there is none: a child would take half a second."""
    path = folder / "outbox.sqlite"
    if not path.exists():
        store_setup.main([str(path)])
    return Outbox.open(path, clock)
