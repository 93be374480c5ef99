"""Orders on their way to this unit's devices: carried out one after another, in the order of arrival.

Hides the thread they are handed over on, what each kind asks of which device, and that they wait while a
configuration is taken up: an order that comes between the connection and the first configuration, or right
behind one, means the devices that are about to be there. A unit that never had a configuration waits for its
first so long as one can still be on its way; then it says that it has no such device.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

from firmware.devices import Devices
from firmware.drivers import Driver
from firmware.protocol.guard import Guard
from firmware.protocol.link import Received
from firmware.protocol.messages import (
    AskRating,
    Beep,
    Examine,
    Lease,
    Print,
    Refuse,
    Result,
    ResultState,
    Speak,
    Thank,
)
from firmware.protocol.outbox import Outbox
from firmware.selftest import SelfTest
from firmware.shelf import Shelf
from firmware.slips import Slips, refusal_lines

SETTLED_S = 2.0  # by then the boards that came with a call have been heard


class Errands:
    """Takes orders from any thread. What it knows of configurations is told and read on its own thread, so
    that it holds for the orders that came after it.

    tell: hands a result to the controller; forget: lets an order be begun again when it comes again;
    first_config_s: how long orders wait for a first configuration, which comes with the first messages.
    """

    def __init__(
        self,
        outbox: Outbox,
        devices: Devices,
        shelf: Shelf,
        slips: Slips,
        selftest: SelfTest,
        guard: Guard,
        *,
        tell: Callable[[Result | None], None],
        forget: Callable[[str], None],
        is_ending: Callable[[], bool],
        first_config_s: float,
    ) -> None:
        self._outbox, self._devices, self._shelf, self._slips = outbox, devices, shelf, slips
        self._selftest, self._guard = selftest, guard
        self._tell, self._forget, self._is_ending = tell, forget, is_ending
        self._first_config_s = first_config_s
        self._steps: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="orders", daemon=True)
        self._has_devices = outbox.get("config") is not None  # or will have said why not
        self._configs = 0  # being taken up
        self._waiting: list[Received] = []
        self._patience_ends: float | None = None  # monotonic; of those that wait for a first configuration

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Orders that were not carried out come again after the next start."""
        self._steps.put(None)
        self._thread.join(1.0)

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def take(self, received: Received) -> None:
        self._steps.put(partial(self._take, received))

    def put(self, step: Callable[[], None]) -> None:
        """Run a step between two orders."""
        self._steps.put(step)

    def wait_for_config(self) -> None:
        """Let the orders that come from now on wait until one more configuration is settled."""
        self._steps.put(partial(self._count_configs, 1))

    def config_settled(self) -> None:
        """A configuration that was waited for is in force, or refused."""
        self._steps.put(partial(self._count_configs, -1))

    # --- on its own thread

    def _run(self) -> None:
        while True:
            try:
                step = self._steps.get(timeout=self._patience_s())
            except queue.Empty:
                step = self._give_up
            if step is None:
                return
            self._guard.run("orders", step)

    def _patience_s(self) -> float | None:
        return None if self._patience_ends is None else max(0.0, self._patience_ends - time.monotonic())

    def _take(self, received: Received) -> None:
        if self._has_devices and not self._configs:
            self._hand_over(received)
            return
        self._waiting.append(received)
        if not self._has_devices and self._patience_ends is None:
            self._patience_ends = time.monotonic() + self._first_config_s

    def _count_configs(self, more: int) -> None:
        self._configs += more
        if not self._configs:
            self._give_up()

    def _give_up(self) -> None:
        """Wait no longer: whatever devices there are now are those that the orders meet."""
        self._has_devices, self._patience_ends = True, None
        if not self._configs:
            waiting, self._waiting = self._waiting, []
            for received in waiting:
                self._hand_over(received)

    def _hand_over(self, received: Received) -> None:
        if not self._guard.run("order", partial(self._carry_out, received)):
            self._forget(received.cid)

    def _carry_out(self, received: Received) -> None:
        cid, order = received.cid, received.order
        match order:
            case Print():
                self._slips.print_order(received, order)
            case Refuse():
                self._refuse(cid, order)
            case Speak():
                self._speak(received, order)
            case AskRating():
                self._at_keypad(received, order.device, lambda pad: pad.ask_rating(order.board, order.ticket))
            case Thank():
                self._at_keypad(received, order.device, lambda pad: pad.thank(order.level))
            case Beep():
                self._at_keypad(received, order.device, lambda pad: pad.beep())
            case Lease():
                result = Result(cid=cid, state=ResultState.DONE)
                self._outbox.take_lease(order, result)
                self._tell(result)
            case Examine():
                self.examine(order, cid)

    # --- the kinds of orders

    def examine(self, order: Examine, cid: str = "") -> None:
        """Test what is asked, on a thread of its own, and report it. cid: of an order that asked."""

        def test() -> None:
            examined = self._selftest.examine(order.what, order.device, cid)
            result = Result(cid=cid, state=ResultState.DONE) if cid else None
            self._outbox.finish(result, examined)
            self._tell(result)

        threading.Thread(target=self._guard.run, args=("examine", test), name="selftest", daemon=True).start()

    def _refuse(self, cid: str, order: Refuse) -> None:
        is_news = order.press_epoch != self._outbox.epoch or self._outbox.refuse(
            order.press, order.zh, order.en
        )
        self._finish(Result(cid=cid, state=ResultState.DONE, code="" if is_news else "press_settled"))
        asked_by = self._devices.get(order.device)
        if is_news and asked_by is not None and asked_by.config.kind == "button":
            # A dispenser without a screen can say why only on paper.
            slip = Print(device="", lines=refusal_lines(order.zh, order.en))
            self._devices.submit("", f"{cid}-paper", slip, None)

    def _speak(self, received: Received, order: Speak) -> None:
        speaker = self._devices.get(order.device)
        if speaker is None or speaker.config.kind != "speaker":
            self._no_device(received.cid, order.device)
            return
        now_s, zone = time.monotonic(), speaker.config.zone

        def is_due() -> bool:
            is_new = time.monotonic() - now_s < SETTLED_S
            return is_new or self._shelf.is_called(zone, order.window, order.number)

        said: Future[bool] = speaker.say(received.cid, order, received.deadline - now_s, is_due)
        said.add_done_callback(
            lambda done: self._guard.run("speech", lambda: self._spoken(received.cid, done))
        )

    def _spoken(self, cid: str, said: Future[bool]) -> None:
        """Spoken, which comes before, has ended the order if it was said."""
        if said.cancelled() or said.result() or self._is_ending():
            return
        self._finish(Result(cid=cid, state=ResultState.FAILED, code="not_spoken"))

    def _at_keypad(self, received: Received, name: str, step: Callable[[Driver], object]) -> None:
        pad = self._devices.keypad(name)
        if received.is_late:
            self._finish(Result(cid=received.cid, state=ResultState.EXPIRED))
        elif pad is None:
            self._no_device(received.cid, name)
        else:
            step(pad)
            self._finish(Result(cid=received.cid, state=ResultState.DONE))

    def _no_device(self, cid: str, name: str) -> None:
        self._finish(
            Result(cid=cid, state=ResultState.FAILED, code="no_device", detail=f"there is no {name!r} here")
        )

    def _finish(self, result: Result) -> None:
        self._outbox.finish(result)
        self._tell(result)
