"""Readers of identity cards and of codes, on a serial line, the network, or as a USB keyboard.

Hides how each is spoken to: a card reader is asked over and over whether a card lies on it, a scanner
sends lines, and one in keyboard mode types them. The same card or code within AGAIN_S is told once.

A card leaves this file as CardRead, for the node alone: what of it goes on to the controller is decided
in firmware/cards.py.

options of the DeviceConfig: reads (code | id_card); of cards also green_from (age in years) and key, with
which a check-in hashes a card's number: the controller's own unless one is set, and then none is found.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from firmware import wires
from firmware.drivers import Reporter, hid, id_frames
from firmware.drivers.faults import Faults
from firmware.drivers.lines import Line
from firmware.protocol.messages import Capability, DeviceConfig, Scanned, Struct

AGAIN_S = 3.0  # a code held a little longer, a card shifted on the reader
LOOK_S = 0.4  # between questions whether a card is there
ANSWER_S = 1.0  # beyond the time the answer takes on the line
CARD_BYTES = 1295  # of the longest answer
MISSES = 3  # answers that may fail to come
TRIES = 5  # to read a card that was found
IDLE_S = 0.3  # a scanner without a line end has said all after this silence
LONGEST_CODE = 512
READS = ("code", "id_card")


class CardRead(Struct, frozen=True, kw_only=True):
    """A card on a reader, for the node alone: never stored, never sent."""

    device: str
    number: str
    birth: date


class Reader:
    """One reader. Reports Scanned, or CardRead."""

    def __init__(self, config: DeviceConfig, report: Reporter) -> None:
        """Raises WireFault when the wire or an option means nothing."""
        self.config = config
        wire = wires.line_wire(config.wire)
        reads = config.options.get("reads", "code")
        if reads not in READS or (reads == "id_card" and isinstance(wire, wires.HidWire)):
            raise wires.WireFault(
                "text", f"{config.device}: reads is code or, on a line, id_card, not {reads!r}"
            )
        int(config.options.get("green_from", "0"))  # Raises ValueError: it is an age.
        self._faults = Faults(config.device, report)
        self._last = _Last()
        self._report = report
        self._talk = self._make(reads, wire)
        self._line = Line(wire, self._talk)

    def start(self) -> None:
        self._line.start()

    def stop(self) -> None:
        self._line.stop()

    def health(self) -> str:
        return self._faults.worst()

    def counts(self) -> dict[str, int]:
        return {**self._talk.counts, "reopens": self._line.reopens}

    def capability(self) -> Capability:
        is_card = isinstance(self._talk, _Cards)
        model = self._talk.module if isinstance(self._talk, _Cards) else ""
        return Capability(
            device=self.config.device,
            kind="reader",
            model=model,
            can={"id_card": is_card, "code": not is_card},
        )

    def _make(self, reads: str, wire: wires.LineWire) -> _Cards | _Codes | _TypedCodes:
        if reads == "id_card":
            return _Cards(self._faults, self._card, wire.bytes_per_s)
        if isinstance(wire, wires.HidWire):
            return _TypedCodes(self._faults, self._code)
        return _Codes(self._faults, self._code)

    def _code(self, text: str) -> None:
        code = "".join(char for char in text if char.isprintable()).strip()
        if code and self._last.is_new(code):
            self._report(Scanned(device=self.config.device, code=code))

    def _card(self, card: id_frames.Card) -> None:
        if self._last.is_new(card.number):
            self._report(CardRead(device=self.config.device, number=card.number, birth=card.birth))


@dataclass(slots=True)
class _Last:
    """What was read last, so that it is told once."""

    what: str = ""
    at_s: float = float("-inf")

    def is_new(self, what: str) -> bool:
        now = time.monotonic()
        is_new = what != self.what or now - self.at_s >= AGAIN_S
        self.what, self.at_s = what, now
        return is_new


class _Codes:
    """A scanner that sends lines."""

    def __init__(self, faults: Faults, tell: Callable[[str], None]) -> None:
        self.counts = {"codes": 0}
        self._faults, self._tell = faults, tell
        self._rest = b""
        self._heard_at = 0.0

    def opened(self) -> None:
        self._faults.cleared("reader.gone")
        self._rest = b""

    def gone(self, fault: wires.WireFault) -> None:
        self._faults.raised("reader.gone", str(fault))

    def received(self, data: bytes) -> None:
        self._heard_at = time.monotonic()
        *codes, self._rest = (self._rest + data).replace(b"\r", b"\n").split(b"\n")
        self._rest = self._rest[-LONGEST_CODE:]
        for code in codes:
            self._read(code)

    def turn(self, port: wires.Port) -> None:
        if self._rest and time.monotonic() - self._heard_at > IDLE_S:
            code, self._rest = self._rest, b""
            self._read(code)

    def _read(self, code: bytes) -> None:
        if code:
            self.counts["codes"] += 1
            self._tell(code[:LONGEST_CODE].decode(errors="replace"))


class _TypedCodes:
    """A scanner that types its codes like a keyboard."""

    def __init__(self, faults: Faults, tell: Callable[[str], None]) -> None:
        self.counts = {"codes": 0}
        self._faults, self._tell = faults, tell
        self._events, self._typing = hid.Events(), hid.Typing(LONGEST_CODE)

    def opened(self) -> None:
        self._faults.cleared("reader.gone")
        self._events = hid.Events()
        self._typing.forget()

    def gone(self, fault: wires.WireFault) -> None:
        self._faults.raised("reader.gone", str(fault))

    def received(self, data: bytes) -> None:
        for stroke in self._events.feed(data):
            code = self._typing.take(stroke)
            if code:
                self.counts["codes"] += 1
                self._tell(code)

    def turn(self, port: wires.Port) -> None:
        """Nothing to write to a keyboard."""


class _Cards:
    """A card reader: asked whether a card is there, then to select it, then to read it."""

    def __init__(self, faults: Faults, tell: Callable[[id_frames.Card], None], bytes_per_s: float) -> None:
        self.counts = {"cards": 0, "unread": 0, "bad_frames": 0}
        self.module = ""  # number of its security module, once it was told
        self._faults, self._tell = faults, tell
        self._answer_s = ANSWER_S + CARD_BYTES / bytes_per_s
        self._frames = id_frames.Reader()
        self._asked: tuple[int, int] | None = None
        self._next = id_frames.STATUS
        self._due_at = self._until = 0.0
        self._misses = self._tries = 0

    def opened(self) -> None:
        self._faults.cleared("reader.gone")
        self._frames.forget()
        self._asked, self._misses, self._tries = None, 0, 0
        self._ask_next(id_frames.STATUS, 0.0)

    def gone(self, fault: wires.WireFault) -> None:
        self._faults.raised("reader.gone", str(fault))

    def received(self, data: bytes) -> None:
        for answer in id_frames.answers(self._frames.feed(data)):
            asked, self._asked = self._asked, None
            if asked is not None:
                self._misses = 0
                self._faults.cleared("reader.no_answer")
                self._heard(asked, answer)
        self.counts["bad_frames"] = self._frames.broken

    def turn(self, port: wires.Port) -> None:
        now = time.monotonic()
        if self._asked is not None and now >= self._until:
            self._missed()
        if self._asked is None and now >= self._due_at:
            self._asked, self._until = self._next, now + self._answer_s
            port.write(id_frames.question(self._asked))

    def _heard(self, asked: tuple[int, int], answer: id_frames.Answer) -> None:
        """What the answer to a question means, and what is asked next."""
        match asked, answer.code:
            case _, id_frames.FAILED | id_frames.UNAUTHORISED:
                self._faults.raised("reader.failed", f"it answers {answer.code:02X}: not ready for any card")
                self._ask_next(id_frames.STATUS, AGAIN_S)
            case id_frames.STATUS, id_frames.OK:
                self._faults.cleared("reader.failed")
                self._ask_next(id_frames.FIND if self.module else id_frames.MODULE, 0.0)
            case id_frames.MODULE, _:
                self.module = answer.data[:16].hex().upper() or "unknown"
                self._ask_next(id_frames.FIND, 0.0)
            case id_frames.FIND, id_frames.FOUND:
                self._tries = TRIES
                self._ask_next(id_frames.SELECT, 0.0)
            case id_frames.SELECT, id_frames.OK:
                self._ask_next(id_frames.READ, 0.0)
            case id_frames.READ, id_frames.OK:
                self._read(answer.data)
            case _:
                self._look_on()

    def _read(self, data: bytes) -> None:
        try:
            card = id_frames.card_in(data)
        except id_frames.BadCard:
            self.counts["unread"] += 1
        else:
            self.counts["cards"] += 1
            self._tries = 0
            self._tell(card)
        self._look_on()

    def _look_on(self) -> None:
        """For another card; or once more for this one, which is not found again until it was lifted: what was
        selected and could not be read is selected anew."""
        self._tries = max(0, self._tries - 1)
        self._ask_next(id_frames.SELECT if self._tries else id_frames.FIND, LOOK_S)

    def _ask_next(self, command: tuple[int, int], after_s: float) -> None:
        self._next, self._due_at = command, time.monotonic() + after_s

    def _missed(self) -> None:
        self._asked = None
        self._frames.forget()
        self._misses += 1
        if self._misses >= MISSES:
            self._faults.raised("reader.no_answer", "no answer; check its power and speed")
            self._tries = 0
        if self._tries:
            self._look_on()
        else:
            self._ask_next(id_frames.STATUS, LOOK_S)
