"""From a press to a number, whoever gives it.

The press is the ticket's identity (unit, epoch, seq); the number is a label. Hides the wait for the
controller's answer, the number we give ourselves when none comes (F16), the answer that comes too
late (F17), and how somebody at a page learns what became of his tap.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from firmware.devices import Devices
from firmware.protocol.guard import Guard
from firmware.protocol.messages import IssuedOffline, Pressed, Print, QueueLine, Refuse
from firmware.protocol.outbox import Outbox, Settled
from firmware.shelf import Shelf, why_shut

REMEMBERED = 256  # answers kept in memory for pages; older ones come from the store
LOOK_AGAIN_S = 0.2  # whoever waits: an outcome that only the store knows wakes nobody
NO_PAPER = (
    "printer_out",
    "本机暂停出号，请到其他取号机或导办台",
    "This machine is out of service; please use another",
)
NOT_OPEN = ("not_open", "现在不能取号", "Tickets are not being issued now")
NOT_LINKED = (
    "not_linked",
    "本机暂时不能签到，请到导办台",
    "Nobody can check in here now; please ask the guide desk",
)
NOT_PRINTED = (
    "not_printed",
    "小票没有打出来，这个号码已作废，请到其他取号机或导办台",
    "The slip was not printed and its number is void; please use another machine or ask the guide desk",
)
UNKNOWN_QUEUE = ("unknown_queue", "没有这项业务", "There is no such service")

log = logging.getLogger(__name__)


class PressRefused(Exception):
    """No number for this press, and none was used up. code, zh, en: why, for program and person."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.code, self.zh, self.en = code, zh, en


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a press so far. is_printed: None while, or when, that is not known."""

    number: str = ""
    queue: str = ""
    qr: str = ""
    ahead: int | None = None
    is_printed: bool | None = None
    has_ended: bool = False  # its slip is through, or there is none
    refusal: PressRefused | None = None

    @property
    def is_settled(self) -> bool:
        return bool(self.number) or self.refusal is not None


class Presses:
    """Every press of this unit. Safe from any thread.

    changed: called after an event was stored; print_offline: prints a number we gave out.
    """

    def __init__(
        self,
        outbox: Outbox,
        devices: Devices,
        shelf: Shelf,
        guard: Guard,
        *,
        is_linked: Callable[[], bool],
        changed: Callable[[], None],
        print_offline: Callable[[IssuedOffline], None],
    ) -> None:
        self._outbox, self._devices, self._shelf, self._guard = outbox, devices, shelf, guard
        self._is_linked, self._changed, self._print_offline = is_linked, changed, print_offline
        self.grant_timeout_s = 0.3  # design: edge; replaced by the configuration's
        self.suffix = ""
        self._waiting: dict[int, threading.Timer] = {}  # presses without an answer
        self._answers: OrderedDict[int, Answer] = OrderedDict()
        self._answered = threading.Condition()

    def take(self, report: Pressed, key: str = "") -> int:
        """Store a press and see that it gets a number; its seq. The same key is the same press.

        Raises PressRefused while it is known that nothing could be printed (F01): no number is used.
        """
        known = self._outbox.press_of(key) if key else None
        if known is not None:
            return known
        if report.appointment or report.who:
            return self._check_in(report, key)
        queue = self._queue_of(report)
        self._refuse_if_hopeless(queue, is_chosen=bool(report.choice))
        line = self._shelf.queue(queue)
        seq, is_new = self._outbox.press(self._devices.with_card(report), key)
        if is_new:
            ahead = line.waiting if line is not None and self._is_linked() else None
            self._note(seq, Answer(queue=queue, ahead=ahead))
            self._await_answer(seq, queue)
            self._changed()
        return seq

    def _check_in(self, report: Pressed, key: str) -> int:
        """A press for an appointment: only the controller knows it, so nothing is numbered here."""
        printer = self._devices.printer()
        refusal = PressRefused(*NO_PAPER) if printer is not None and not printer.is_ready() else None
        if refusal is None and not self._is_linked():
            refusal = PressRefused(*NOT_LINKED)
        if refusal is not None:
            self._guard.count("presses_refused")
            raise refusal
        seq, is_new = self._outbox.press(report, key)
        if is_new:
            self._note(seq, Answer())
            with self._answered:
                self._waiting[seq] = threading.Timer(0.0, lambda: None)  # never started: no time is too late
            self._changed()
        return seq

    def answered(self, order: Print | Refuse) -> bool:
        """The controller's answer arrived. False when it is too late: nothing may be printed for it."""
        seq = order.press
        if seq is None or order.press_epoch != self._outbox.epoch:
            return True
        with self._answered:
            timer = self._waiting.pop(seq, None)
        if timer is not None:
            timer.cancel()
        else:
            outcome = self._outbox.outcome(seq)
            if outcome is None:  # Numbered here this instant, or before a restart: the store will tell.
                return True
            if outcome.how is not Settled.PRINT:
                return False
        if isinstance(order, Print):
            self._note(seq, replace(self.answer(seq), number=order.number, qr=order.qr))
        else:
            self._note(seq, Answer(refusal=PressRefused("refused", order.zh, order.en), has_ended=True))
        return True

    def slip_ended(self, seq: int, is_printed: bool | None) -> None:
        """The slip came out (True), certainly did not (False: its number is void), or nobody knows."""
        refusal = PressRefused(*NOT_PRINTED) if is_printed is False else None
        self._note(seq, replace(self.answer(seq), is_printed=is_printed, has_ended=True, refusal=refusal))

    def answer(self, seq: int) -> Answer:
        """What is known of a press now."""
        with self._answered:
            known = self._answers.get(seq)
        if known is not None and known.is_settled:
            return known
        outcome = self._outbox.outcome(seq)
        if outcome is None:
            return known or Answer()
        if outcome.how is Settled.REFUSED:
            return Answer(refusal=PressRefused("refused", outcome.zh, outcome.en), has_ended=True)
        return replace(known or Answer(has_ended=True), number=outcome.number, qr=outcome.qr)

    def wait(self, seq: int, timeout_s: float) -> Answer:
        """The answer once it has a number or a refusal, or after timeout_s; a slip under way is waited
        for as long again."""
        answer = self._wait_until(seq, timeout_s, lambda answer: answer.is_settled)
        if answer.number and not answer.has_ended:
            answer = self._wait_until(seq, timeout_s, lambda answer: answer.has_ended)
        return answer

    def stop(self) -> None:
        """Give out no more numbers."""
        with self._answered:
            timers, self._waiting = list(self._waiting.values()), {}
        for timer in timers:
            timer.cancel()

    # --- inside

    def _queue_of(self, report: Pressed) -> str:
        driver = self._devices.get(report.input)
        return report.choice or (driver.config.queue if driver is not None else "")

    def _refuse_if_hopeless(self, queue: str, *, is_chosen: bool) -> None:
        refusal = self._refusal(queue, is_chosen=is_chosen)
        if refusal is not None:
            self._guard.count("presses_refused")
            raise refusal

    def _refusal(self, queue: str, *, is_chosen: bool) -> PressRefused | None:
        printer = self._devices.printer()
        if printer is not None and not printer.is_ready():
            return PressRefused(*NO_PAPER)
        line = self._shelf.queue(queue)
        if not queue or (is_chosen and line is None and self._shelf.knows_queues()):
            return PressRefused(*UNKNOWN_QUEUE)
        return None if line is None else self._shut(line)

    def _shut(self, line: QueueLine) -> PressRefused | None:
        hall = self._outbox.clock.hall()
        why = why_shut(line, hall[0] if hall else None, is_linked=self._is_linked())
        return None if why is None else PressRefused("not_open", why[0] or NOT_OPEN[1], why[1] or NOT_OPEN[2])

    def _await_answer(self, seq: int, queue: str) -> None:
        timeout_s = self.grant_timeout_s if self._is_linked() else 0.0
        timer = threading.Timer(
            timeout_s, self._guard.run, ("press.offline", lambda: self._number_offline(seq, queue))
        )
        timer.daemon = True
        with self._answered:
            if self._answers[seq].is_settled:
                return
            self._waiting[seq] = timer
        timer.start()

    def _number_offline(self, seq: int, queue: str) -> None:
        with self._answered:
            if self._waiting.pop(seq, None) is None:
                return
        has_slip = self._devices.printer() is not None
        issued = self._outbox.number_offline(seq, queue, self.suffix, has_slip=has_slip)
        if issued is None:
            return
        log.warning("no answer within %.1f s: press %d gets %s", self.grant_timeout_s, seq, issued.number)
        self._guard.count("offline_numbers")
        self._note(seq, replace(self.answer(seq), number=issued.number, ahead=None))
        self._changed()
        self._print_offline(issued)

    def _note(self, seq: int, answer: Answer) -> None:
        with self._answered:
            self._answers[seq] = answer
            self._answers.move_to_end(seq)
            while len(self._answers) > REMEMBERED:
                self._answers.popitem(last=False)
            self._answered.notify_all()

    def _wait_until(self, seq: int, timeout_s: float, is_enough: Callable[[Answer], bool]) -> Answer:
        until = time.monotonic() + timeout_s
        while True:
            with self._answered:
                answer = self.answer(seq)
                left_s = until - time.monotonic()
                if is_enough(answer) or left_s <= 0:
                    return answer
                self._answered.wait(min(left_s, LOOK_AGAIN_S))
