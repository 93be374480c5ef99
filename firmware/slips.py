"""Slips on their way through the printer: each printed at most once, whatever is repeated or cut off.

Hides the durable mark before the first byte, what a printer's outcome means for the order and for the
controller, and the slips that a power cut left between mark and end (F14).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from datetime import datetime
from functools import partial
from typing import Any

from firmware.devices import Devices
from firmware.protocol.guard import Guard
from firmware.protocol.link import Received
from firmware.protocol.messages import (
    IssuedOffline,
    NotPrinted,
    Print,
    Printed,
    PrintUncertain,
    QueueLine,
    Result,
    ResultState,
    SlipLine,
)
from firmware.protocol.outbox import Outbox, Settled, offline_cid

SlipReport = Printed | PrintUncertain | NotPrinted

POWER_CUT = "the unit stopped while printing"
LATE_DATA = ("网络恢复后显示排队情况", "Queue data delayed")

log = logging.getLogger(__name__)


class Late(Exception):
    """The order's time to live ended before its turn came."""


class AlreadySettled(Exception):
    """The press has got another number, or a refusal, before this slip's turn came (F17)."""


class Slips:
    """What this unit prints. Safe from any thread; nothing here waits for a printer.

    tell: hands a result to the controller; forget: lets the order be begun again when it comes again;
    later: runs a step on another thread; ended: called with each press whose slip came to an end, and
    whether it was printed (None: nobody knows, or it needs none).
    """

    def __init__(
        self,
        outbox: Outbox,
        devices: Devices,
        guard: Guard,
        *,
        tell: Callable[[Result | None], None],
        forget: Callable[[str], None],
        later: Callable[[Callable[[], None]], None],
        ended: Callable[[int, bool | None], None],
    ) -> None:
        self._outbox, self._devices, self._guard = outbox, devices, guard
        self._tell, self._forget, self._later, self._ended = tell, forget, later, ended
        self._is_stopping = False

    def recover(self) -> None:
        """Report the slips that nobody saw end, after a restart. They are not printed again."""
        for mark in self._outbox.open_slips():
            log.error("slip %s (%s) was begun and its end is not known", mark.cid, mark.number)
            report = PrintUncertain(order=mark.cid, press=mark.press, why=POWER_CUT)
            result = None if _is_own(mark.cid, mark.press) else result_of(mark.cid, report)
            self._outbox.finish(result, report, slip=mark.cid)

    def stop(self) -> None:
        """From now on a slip that is cancelled stays undone; its order comes again."""
        self._is_stopping = True

    def print_order(self, received: Received, order: Print) -> None:
        """Print a slip the controller asked for; its result is told when it is known."""

        def mark() -> None:
            if received.is_late:
                raise Late
            if not self._outbox.begin_slip(received.cid, order):
                raise AlreadySettled

        if order.press is not None and order.press_epoch == self._outbox.epoch:
            outcome = self._outbox.outcome(order.press)
            if outcome is not None and outcome.how is not Settled.PRINT:
                self._settle(_press_settled(received.cid))
                return
        future = self._devices.submit(order.device, received.cid, order, mark)
        if future is None:
            self._without_printer(received.cid, order)
            return
        future.add_done_callback(
            lambda done: self._guard.run("slip", lambda: self._order_ended(received, order, done))
        )

    def print_offline(self, issued: IssuedOffline, line: QueueLine | None) -> None:
        """Print the slip of a number this unit gave out; its mark is durable already.

        line: what is known of the queue, for its name.
        """
        cid = offline_cid(issued.press)
        order = Print(
            device="",
            lines=offline_lines(issued, line, self._taken_at()),
            press=issued.press,
            number=issued.number,
        )
        future = self._devices.submit("", cid, order, None)
        if future is None:  # a unit without a printer has shown the number: there is no paper to report
            self._outbox.finish(None, None, slip=cid)
            self._ended(issued.press, None)
            return
        future.add_done_callback(
            lambda done: self._guard.run("slip", lambda: self._own_ended(issued, line, done))
        )

    def _taken_at(self) -> datetime | None:
        """What the clock in the hall shows, else a time that can be believed."""
        clock = self._outbox.clock
        hall = clock.hall()
        if hall is not None:
            return hall[0].astimezone()
        return clock.now().astimezone() if clock.is_believable else None

    def _order_ended(self, received: Received, order: Print, future: Future[SlipReport]) -> None:
        self._forget_unless(received.cid, lambda: self._take_outcome(received, order, future))

    def _without_printer(self, cid: str, order: Print) -> None:
        """A number for a screen (no device named) is done when it is known; a slip cannot be printed."""
        if order.device:
            self._finish(cid, order, NotPrinted(order=cid, press=order.press, why="printer.gone"))
        elif self._outbox.begin_slip(cid, order):
            result = Result(cid=cid, state=ResultState.DONE)
            self._outbox.finish(result, slip=cid)
            self._tell(result)
            self._end(order, None)
        else:
            self._settle(_press_settled(cid))

    def _take_outcome(self, received: Received, order: Print, future: Future[SlipReport]) -> None:
        cid = received.cid
        try:
            report = future.result()
        except Late:
            self._settle(Result(cid=cid, state=ResultState.EXPIRED))
            self._end(order, False)
        except AlreadySettled:
            self._settle(_press_settled(cid))
        except CancelledError:
            # Its printer was reconfigured: the new one takes the slip over.
            self._forget(cid) if self._is_stopping else self._later(
                partial(self.print_order, received, order)
            )
        else:
            self._finish(cid, order, report)

    def _own_ended(self, issued: IssuedOffline, line: QueueLine | None, future: Future[SlipReport]) -> None:
        if future.cancelled():
            if not self._is_stopping:
                self._later(partial(self.print_offline, issued, line))
            return
        report = future.result()
        self._outbox.finish(None, report, slip=report.order)
        self._tell(None)
        self._ended(issued.press, _is_printed(report))

    def _finish(self, cid: str, order: Print, report: SlipReport) -> None:
        result = result_of(cid, report)
        self._outbox.finish(result, report, slip=cid)
        self._tell(result)
        self._end(order, _is_printed(report))

    def _end(self, order: Print, is_printed: bool | None) -> None:
        if order.press is not None and order.press_epoch == self._outbox.epoch:
            self._ended(order.press, is_printed)

    def _settle(self, result: Result) -> None:
        self._outbox.finish(result)
        self._tell(result)

    def _forget_unless(self, cid: str, step: Callable[[], Any]) -> None:
        """Let an order be begun again whose end could not be written down."""
        if not self._guard.run("slip.end", step):
            self._forget(cid)


def _press_settled(cid: str) -> Result:
    return Result(cid=cid, state=ResultState.FAILED, code="press_settled")


def _is_printed(report: SlipReport) -> bool | None:
    match report:
        case Printed():
            return True
        case NotPrinted():
            return False
        case PrintUncertain():
            return None


def result_of(cid: str, report: SlipReport) -> Result:
    """What an order has come to, from what its slip reported."""
    match report:
        case Printed():
            return Result(cid=cid, state=ResultState.DONE)
        case PrintUncertain():
            return Result(cid=cid, state=ResultState.FAILED, code="uncertain", detail=report.why)
        case NotPrinted():
            return Result(cid=cid, state=ResultState.FAILED, code="not_printed", detail=report.why)


def offline_lines(issued: IssuedOffline, line: QueueLine | None, taken_at: datetime | None) -> list[SlipLine]:
    """The slip of a number given out without the controller: no place in line, no estimate, no code.

    taken_at: local time; None while the clock cannot be believed.
    """
    names = (
        [SlipLine(text=line.zh, size=2, align="center"), SlipLine(text=line.en, align="center")]
        if line
        else []
    )
    when = [SlipLine(text=f"取号 Taken  {taken_at:%Y-%m-%d %H:%M}", align="center")] if taken_at else []
    return [
        SlipLine(text=issued.number, size=4, align="center", is_bold=True),
        *names,
        *(SlipLine(text=text, align="center") for text in LATE_DATA),
        *when,
    ]


def refusal_lines(zh: str, en: str) -> list[SlipLine]:
    """What a dispenser without a screen tells a person who gets no number."""
    return [SlipLine(text=zh, size=2, align="center"), SlipLine(text=en, align="center")]


def _is_own(cid: str, press: int | None) -> bool:
    return press is not None and cid == offline_cid(press)
