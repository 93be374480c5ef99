"""A ticket printer on a serial line: a slip is printed, certainly not printed, or it is not sure.

Hides status questions before and after each slip, write timeouts, re-opening with back-off, and the
difference between what was handed to the line and what is on paper:

    NotPrinted        nothing was written: the printer was away, silent or said that it cannot
    Printed           everything was written and the printer says afterwards that all is well;
                      is_confirmed is False for models that have no status to ask for (F11)
    PrintUncertain    something was written, and then paper, power, cable or answer was missing (F02, F07)

Bytes in flight are never written again: whether to print a copy is for people to decide.

options of the DeviceConfig: status (ask | none), qr (native | raster).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor

from firmware import wires
from firmware.drivers import Reporter
from firmware.drivers.escpos_status import CODES, QUERIES, RECOVER, Status, is_status, status_of
from firmware.drivers.faults import Faults
from firmware.drivers.lines import Waiting
from firmware.drivers.slip import slip_bytes
from firmware.protocol.messages import Capability, DeviceConfig, NotPrinted, Print, Printed, PrintUncertain

Outcome = Printed | PrintUncertain | NotPrinted

POLL_S = 1.0  # F01: out of paper is known within 2 s, a refill within 3 s
ANSWER_S = 1.0  # for one status byte; a printer that is busy feeding answers late
ASKS = 2  # F05, F09: once more before a fault
SETTLE_S = 2.0  # beyond the time the bytes take, until the printer answers after a slip
CONNECTION = frozenset({"printer.gone", "printer.no_answer", "printer.blocked", "printer.wrong_device"})


class _NoStatus(Exception):
    """The printer did not say how it is. code: the fault that makes."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class Printer:
    """One printer, spoken to by one thread of its own."""

    def __init__(self, config: DeviceConfig, report: Reporter) -> None:
        self.config = config
        self._wire = wires.line_wire(config.wire)
        self._faults = Faults(config.device, report)
        self._has_status = config.options.get("status", "ask") != "none"
        self._port: wires.Port | None = None
        self._stop = threading.Event()
        self._waiting = Waiting(self._wire, self._stop)
        self._work = ThreadPoolExecutor(max_workers=1, thread_name_prefix=config.device)
        self._watch = threading.Thread(target=self._poll, name=f"{config.device} watch", daemon=True)
        self._counts = {"slips": 0, "uncertain": 0, "not_printed": 0, "reopens": 0, "bytes": 0}

    def start(self) -> None:
        self._watch.start()

    def stop(self) -> None:
        """Ends after the slip in hand; slips not begun are cancelled."""
        self._stop.set()
        self._work.shutdown(wait=True, cancel_futures=True)
        if self._watch.ident is not None:
            self._watch.join(timeout=5)
        self._close()

    def health(self) -> str:
        return self._faults.worst()

    def counts(self) -> dict[str, int]:
        return dict(self._counts)

    def is_ready(self) -> bool:
        """False while it is known that a slip cannot be printed: presses are then refused."""
        return self._faults.worst() in ("ok", "printer.near_end")

    def capability(self) -> Capability:
        return Capability(
            device=self.config.device,
            kind="printer",
            can={"status": self._has_status, "qr": True, "cut": True},
        )

    def submit(self, cid: str, order: Print, mark: Callable[[], None] | None = None) -> Future[Outcome]:
        """Print one slip in turn. mark: called once, before the first byte; an error of its own reaches
        the Future, and nothing is printed."""
        return self._work.submit(self._print, cid, order, mark)

    def print(self, cid: str, order: Print, mark: Callable[[], None] | None = None) -> Outcome:
        """As submit, waiting for the outcome."""
        return self.submit(cid, order, mark).result()

    # -- on the printer's thread

    def _print(self, cid: str, order: Print, mark: Callable[[], None] | None) -> Outcome:
        slip = slip_bytes(order, self.config.options.get("qr", "native"))
        why = self._unable()
        if why is not None:
            self._counts["not_printed"] += 1
            return NotPrinted(order=cid, press=order.press, why=why)
        if mark is not None:
            mark()
        why = self._written(slip)
        if why is not None:
            self._counts["uncertain"] += 1
            return PrintUncertain(order=cid, press=order.press, why=why)
        self._counts["slips"] += 1
        return Printed(order=cid, press=order.press, is_confirmed=self._has_status)

    def _unable(self) -> str | None:
        """Why nothing can be printed now, as a fault code."""
        if self._port is None:
            self._open()
        return self._checked(ANSWER_S)

    def _written(self, slip: bytes) -> str | None:
        """Write the slip and ask how it went: None, or the fault code that makes it uncertain."""
        assert self._port is not None
        try:
            self._port.write(slip)
        except wires.WireFault as fault:
            self._lost(fault)
            return f"printer.{fault.what}"
        self._counts["bytes"] += len(slip)
        why = self._checked(len(slip) / self._wire.bytes_per_s + SETTLE_S)
        if why == "printer.cutter":
            self._recover_cutter()
        return why

    def _checked(self, answer_s: float) -> str | None:
        """Ask for the status and keep the faults in step; the code of what hinders printing, or None."""
        if self._port is None:
            return "printer.gone"
        if not self._has_status:
            return None
        try:
            status = self._ask(self._port, answer_s)
        except wires.WireFault as fault:
            self._lost(fault)
            return f"printer.{fault.what}"
        except _NoStatus as silence:
            self._faults.only({silence.code: str(silence)}, CONNECTION)
            return silence.code
        self._faults.only({}, CONNECTION)
        self._faults.only(status.codes, CODES)
        return status.hindrance

    def _ask(self, port: wires.Port, answer_s: float) -> Status:
        port.forget_input()
        answers = {}
        for n, question in QUERIES.items():
            answers[n] = self._answer(port, question, answer_s)
            answer_s = ANSWER_S  # only the first answer comes behind a slip
        return status_of(answers)

    def _answer(self, port: wires.Port, question: bytes, answer_s: float) -> int:
        heard = b""
        for _ in range(ASKS):
            port.write(question)
            until_s = time.monotonic() + answer_s
            while time.monotonic() < until_s:
                heard = port.read(16)
                if len(heard) == 1 and is_status(heard[0]):
                    return heard[0]
                if heard:
                    break
            port.forget_input()
        if heard:
            raise _NoStatus(
                "printer.wrong_device", f"answered {heard.hex()}: not a printer, or another speed"
            )
        raise _NoStatus("printer.no_answer", "no answer to DLE EOT; check its power and cable")

    def _recover_cutter(self) -> None:
        """One try to free the cutter (F05); the next poll tells whether it helped."""
        if self._port is not None:
            try:
                self._port.write(RECOVER)
            except wires.WireFault as fault:
                self._lost(fault)

    def _open(self) -> None:
        try:
            self._port = wires.open_line(self._wire)
        except wires.WireFault as fault:
            self._faults.only({"printer.gone": str(fault)}, CONNECTION)
            return
        self._counts["reopens"] += 1
        if not self._has_status:
            self._faults.only({}, CONNECTION)

    def _lost(self, fault: wires.WireFault) -> None:
        self._faults.only({f"printer.{fault.what}": str(fault)}, CONNECTION)
        self._close()

    def _close(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            port.forget_output()
            port.close()

    # -- on the watching thread

    def _poll(self) -> None:
        """Ask for the status once a second between slips; look for a printer that is away."""
        while not self._stop.is_set():
            try:
                self._work.submit(self._unable).result()
            except (RuntimeError, CancelledError):  # stopped meanwhile
                return
            if self._port is None:
                self._waiting.pause()
            else:
                self._waiting.reset()
                self._stop.wait(POLL_S)
