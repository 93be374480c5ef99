"""A ticket printer on a serial line, a USB device file or the network: a slip is printed, certainly not
printed, or it is not sure.

Hides what the printer turns out to be (escpos_talk, profiles), status questions before and after each
slip, write timeouts, re-opening with back-off, and the difference between what was handed to the line
and what is on paper:

    NotPrinted        nothing was written: the printer was away, silent or said that it cannot
    Printed           everything was written and the printer says afterwards that all is well;
                      is_confirmed is False for models that have no status to ask for (F11)
    PrintUncertain    something was written, and then paper, power, cable or answer was missing (F02, F07)

Bytes in flight are never written again: whether to print a copy is for people to decide.

options of the DeviceConfig: status (auto | ask | none), profile (80mm, 58mm, ...: profiles.py), charset
(gbk | gb2312 | ascii), qr (native | raster), cut (full | partial | none), roll_m and spare_m (metres of a
new roll, and left when it is near its end), logo (base64 of a PNG), font (path, for rare characters).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import replace
from enum import Enum

from firmware import wires
from firmware.drivers import Reporter
from firmware.drivers.escpos_status import CODES, Status
from firmware.drivers.escpos_talk import ANSWER_S, Found, NoStatus, Talk
from firmware.drivers.faults import Faults
from firmware.drivers.helper import HelperFault
from firmware.drivers.lines import Waiting
from firmware.drivers.profiles import BadProfile, Profile, profile_for
from firmware.drivers.roll import Roll
from firmware.drivers.slip import Layout, font_path, is_png
from firmware.protocol.messages import Capability, DeviceConfig, NotPrinted, Print, Printed, PrintUncertain

Outcome = Printed | PrintUncertain | NotPrinted

POLL_S = 1.0  # F01: out of paper is known within 2 s, a refill within 3 s
SETTLE_S = 2.0  # beyond the time the bytes take, until the printer answers after a slip
PRINTING_S = 10.0  # the slowest mechanics: 150 mm of paper at 30 mm/s, twice
BLANK = Print(device="", lines=[])  # laid out, not printed, to see whether it can be done
LOOK_S = 30.0  # A printer without status is asked this often whether it has one by now.
CONNECTION = frozenset({"printer.gone", "printer.no_answer", "printer.blocked", "printer.wrong_device"})


class Asks(Enum):
    """Option `status`."""

    AUTO = "auto"  # find out
    ALWAYS = "ask"  # it has one: silence is a fault
    NEVER = "none"


class Printer:
    """One printer, spoken to by one thread of its own."""

    def __init__(self, config: DeviceConfig, report: Reporter) -> None:
        """Raises WireFault when the wire or an option means nothing."""
        self.config = config
        self.roll = Roll()
        self._wire = wires.line_wire(config.wire)
        self._faults = Faults(config.device, report)
        self._asks = _asks(config)
        self._profile = _profile(config)
        self._found = Found(tells_status=self._asks is Asks.ALWAYS)
        self._layout = Layout(_logo(config), config.options.get("font", ""))
        self._port: wires.Port | None = None
        self._talk: Talk | None = None
        self._look_at = 0.0  # when a printer without status is asked once more
        self._stop = threading.Event()
        self._waiting = Waiting(self._wire, self._stop)
        self._work = ThreadPoolExecutor(max_workers=1, thread_name_prefix=config.device)
        self._watch = threading.Thread(target=self._poll, name=f"{config.device} watch", daemon=True)
        self._counts = {"slips": 0, "uncertain": 0, "not_printed": 0, "reopens": 0, "bytes": 0}

    def start(self) -> None:
        self._work.submit(self._laid_out, BLANK)  # so that the first slip does not wait for its libraries
        self._watch.start()

    def stop(self) -> None:
        """Ends after the slip in hand; slips not begun are cancelled."""
        self._stop.set()
        if not self._layout.has_answered:
            self._layout.close()  # it may take a minute
        self._work.shutdown(wait=True, cancel_futures=True)
        if self._watch.ident is not None:
            self._watch.join(timeout=5)
        self._layout.close()
        self._close()

    def health(self) -> str:
        return self._faults.worst()

    def counts(self) -> dict[str, int]:
        left = self.roll.slips_left(self._profile.roll_mm)
        return {
            **self._counts,
            "helper_starts": self._layout.starts,
            "paper_used_mm": round(self.roll.used_mm),
            **({} if left is None else {"slips_left": left}),
        }

    def is_ready(self) -> bool:
        """False while it is known that a slip cannot be printed: presses are then refused."""
        return self._faults.worst() in ("ok", "printer.near_end")

    def capability(self) -> Capability:
        """What is known of the printer now: a model that cannot say how it is is an unconfirmed one (F11)."""
        found, profile = self._found, self._profile
        return Capability(
            device=self.config.device,
            kind="printer",
            model=found.model,
            can={
                "status": found.tells_status,
                "done": found.tells_done,
                "qr": profile.qr == "native",
                "cut": profile.cut != "none",
                "chinese": profile.charset != "ascii",
                "rare_characters": bool(font_path(self.config.options.get("font", ""))),
            },
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
        why, slip, mm = self._unable(), b"", 0.0
        if why is None:
            why, slip, mm = self._laid_out(order)
        if why is not None:
            self._counts["not_printed"] += 1
            return NotPrinted(order=cid, press=order.press, why=why)
        if mark is not None:
            mark()
        self.roll.take(mm)
        why = self._written(slip)
        if why is not None:
            self._counts["uncertain"] += 1
            return PrintUncertain(order=cid, press=order.press, why=why)
        self._counts["slips"] += 1
        return Printed(order=cid, press=order.press, is_confirmed=self._found.tells_status)

    def _laid_out(self, order: Print) -> tuple[str | None, bytes, float]:
        """The slip and its length in mm, or the fault code of why it cannot be laid out."""
        try:
            slip, mm = self._layout.slip(order, self._profile)
        except (HelperFault, OSError) as fault:  # OSError: no process could be started
            if not self._stop.is_set():  # else it was ended by ourselves
                self._faults.raised("printer.layout", str(fault))
            return "printer.layout", b"", 0.0
        self._faults.cleared("printer.layout")
        return None, slip, mm

    def _unable(self) -> str | None:
        """Why nothing can be printed now, as a fault code."""
        if self._port is None:
            self._open()
        elif not self._found.tells_status and time.monotonic() >= self._look_at:
            self._discover()
        if self._faults.has("printer.layout"):
            self._laid_out(BLANK)  # presses are refused until it can be done again
        return self._checked()

    def _written(self, slip: bytes) -> str | None:
        """Write the slip and ask how it went: None, or the fault code that makes it uncertain."""
        assert self._talk is not None
        try:
            self._talk.write(slip, self._found.tells_done)
        except wires.WireFault as fault:
            self._lost(fault)
            return f"printer.{fault.what}"
        self._counts["bytes"] += len(slip)
        why = self._finished(len(slip) / self._wire.bytes_per_s + SETTLE_S)
        if why == "printer.cutter":
            self._recover_cutter()
        return why

    def _finished(self, within_s: float) -> str | None:
        """How a slip went: the printer says that it is done, or what hinders it."""
        if not self._found.tells_done:
            return self._checked(within_s)
        until_s = time.monotonic() + within_s + PRINTING_S
        while self._talk is not None and time.monotonic() < until_s:
            try:
                if self._talk.is_done_within(POLL_S):
                    return self._checked()
            except wires.WireFault as fault:
                self._lost(fault)
                return f"printer.{fault.what}"
            if (why := self._checked(within_s)) is not None:
                return why
        return self._checked() or "printer.no_answer"

    def _checked(self, answer_s: float = ANSWER_S) -> str | None:
        """Ask for the status and keep the faults in step; the code of what hinders printing, or None."""
        if self._talk is None:
            return self._faults.worst() if self._faults.worst() in CONNECTION else "printer.gone"
        if not self._found.tells_status:
            return None
        try:
            status = self._talk.status(answer_s)
        except wires.WireFault as fault:
            self._lost(fault)
            return f"printer.{fault.what}"
        except NoStatus as silence:
            self._faults.only({silence.code: str(silence)}, CONNECTION)
            return silence.code
        self._heard(status)
        return status.hindrance

    def _heard(self, status: Status) -> None:
        """Keep the faults and the roll in step with what the printer says of itself."""
        was_out = self._faults.has("printer.paper_out")
        self._faults.only({}, CONNECTION)
        self._faults.only(status.codes, CODES)
        if was_out and "printer.paper_out" not in status.codes:
            self.roll.renew()
        self.roll.sense("printer.near_end" in status.codes, self._profile)

    def _recover_cutter(self) -> None:
        """One try to free the cutter (F05); the next poll tells whether it helped."""
        if self._talk is not None:
            try:
                self._talk.recover()
            except wires.WireFault as fault:
                self._lost(fault)

    def _open(self) -> None:
        try:
            self._port = wires.open_line(self._wire)
        except wires.WireFault as fault:
            self._faults.only({"printer.gone": str(fault)}, CONNECTION)
            return
        self._talk = Talk(self._port)
        self._counts["reopens"] += 1
        self._discover()

    def _discover(self) -> None:
        """Find out what the printer can; what was found before stays true of one that is silent now."""
        self._look_at = time.monotonic() + LOOK_S
        if self._talk is None or self._asks is Asks.NEVER:
            self._faults.only({}, CONNECTION)
            return
        try:
            self._found = self._talk.discover()
        except NoStatus as silence:
            is_wrong = silence.code == "printer.wrong_device"
            if is_wrong or self._asks is Asks.ALWAYS or self._found.tells_status:
                self._found = replace(self._found, tells_status=True)  # so that _checked goes on asking
            else:
                self._faults.only({}, CONNECTION)
            return
        except wires.WireFault as fault:
            self._lost(fault)
            return
        self._profile = _profile(self.config, self._found)

    def _lost(self, fault: wires.WireFault) -> None:
        self._faults.only({f"printer.{fault.what}": str(fault)}, CONNECTION)
        self._close()

    def _close(self) -> None:
        port, self._port, self._talk = self._port, None, None
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


def _asks(config: DeviceConfig) -> Asks:
    """Whether a printer is asked how it is. One whose wire does not tell that it has power must answer."""
    said = config.options.get("status", "auto")
    if said not in (each.value for each in Asks):
        known = ", ".join(each.value for each in Asks)
        raise wires.WireFault("text", f"{config.device}: status is {known}, not {said!r}")
    asks = Asks(said)
    return Asks.ALWAYS if asks is Asks.AUTO and wires.line_wire(config.wire).can_be_silent else asks


def _logo(config: DeviceConfig) -> str:
    logo = config.options.get("logo", "")
    if logo and not is_png(logo):
        raise wires.WireFault("text", f"{config.device}: logo is no PNG file in base64")
    return logo


def _profile(config: DeviceConfig, found: Found | None = None) -> Profile:
    try:
        return profile_for(config.options, found.model if found else "", found.font if found else "")
    except BadProfile as error:
        raise wires.WireFault("text", f"{config.device}: {error}") from error
