"""One message of a unit on its way to the hall's writer: what is posted for it, and what if refused.

Hides the kinds of reports. Whatever a message says, its number is committed with what follows from it;
a message nobody can use becomes a Poison, whose number is committed with the bytes set aside (R1, R7).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from msgspec.structs import replace

from controller import meanings, ratings, selftests
from controller.boards import window_of
from controller.devices import Devices
from controller.hall.commands import Rate
from controller.hall.model import Hall, Refused
from controller.hall.ratings import WorkDays
from controller.live import Answer, Excused, Heard, Live, Settled
from controller.meanings import Meaning, Message
from controller.orders import Renderer
from controller.people import unit_actor
from controller.presence import Presence
from controller.store.clock_jumps import jumped
from controller.store.devices import Fault, Record, SetAside, clear_fault, raise_fault, set_aside
from controller.store.orders import PendingOrder
from firmware.protocol import messages, topics
from firmware.protocol.codec import BadMessage, decode
from firmware.protocol.messages import (
    MAX_EVENT_BYTES,
    Envelope,
    Report,
    ResultState,
    Struct,
    TimeQuality,
    decode_report,
)

TOKEN_BYTES = 16  # 128 bits of chance (design: chance and secrets)
LATE_S = 2.0  # a message older than this was kept while nobody could be told
KEY_GOOD_FOR_S = 10.0  # whoever is at the window then is not who was there when the key was pressed


class Stamp(Struct, frozen=True, kw_only=True):
    """The identity of a message whose rest cannot be read."""

    ep: str
    seq: int


@dataclass(frozen=True, slots=True)
class Poison:
    """A message that cannot be used. count: under which name it is counted."""

    hub: Postings
    payload: bytes
    error: BadMessage
    count: str = "quarantined"

    def post(self, message: Message) -> Future[Answer]:
        row = self.hub.set_aside(message.unit, self.payload, self.error)
        return self.hub.live.post(None, unit_actor(message.unit), heard=_heard(message), records=[row])

    def results(self) -> Sequence[Settled]:
        return ()

    def offline_number(self) -> tuple[int, str] | None:
        return None


@dataclass(frozen=True, slots=True)
class Word:
    """A report that was understood, with its envelope and bytes."""

    hub: Postings
    envelope: Envelope
    report: Report
    payload: bytes
    came_s: float  # monotonic

    def post(self, message: Message) -> Future[Answer]:
        return self.hub.post(self, message)

    def results(self) -> Sequence[Settled]:
        """The orders this report says the end of."""
        return _results(self.report)

    def offline_number(self) -> tuple[int, str] | None:
        """The lease and number of a ticket given out offline."""
        report = self.report
        if isinstance(report, messages.IssuedOffline) and report.lease is not None:
            return report.lease, report.number
        return None


Posting = Poison | Word


@dataclass(frozen=True, slots=True)
class _Post:
    """Arguments for the writer besides the message's number."""

    meaning: Meaning | None = None
    settle: Sequence[Settled] = ()
    records: Sequence[Record] = ()
    orders: Sequence[PendingOrder] = ()
    excuse: Callable[[Refused, Hall, datetime], list[PendingOrder]] | None = None  # who asked is told of it


class Postings:
    """Reads and posts the messages of one hall's units."""

    def __init__(
        self,
        live: Live,
        devices: Devices,
        renderer: Renderer,
        presence: Presence,
        after: WorkDays,
    ) -> None:
        """after: the working days that the clocks of bad ratings count."""
        self.live, self._devices, self._renderer, self._presence = live, devices, renderer, presence
        self._after = after
        now = live.clock.now()
        for one in devices.faults(live.id):
            age_s = live.clock.real_seconds(now - one.since)
            live.outages.resume(part_of(one.unit, one.device, one.code), age_s)

    def read(self, unit: str, payload: bytes) -> tuple[Message, Posting]:
        """The message in `payload`. Raises BadMessage when not even its number can be read."""
        try:
            if len(payload) > MAX_EVENT_BYTES:
                raise BadMessage(f"an event of {len(payload)} bytes is over {MAX_EVENT_BYTES}")
            envelope = decode(payload, Envelope)
            message = Message(unit, envelope.ep, _positive(envelope.seq))
            report = decode_report(envelope)
        except BadMessage as error:
            stamp = decode(payload, Stamp)
            return Message(unit, stamp.ep, _positive(stamp.seq)), Poison(self, payload, error)
        if report is None:
            unknown = BadMessage(
                f"kind {envelope.t} of version {envelope.v} is not known here", "t", "update the controller"
            )
            return message, Poison(self, payload, unknown, "unknown_kinds")
        return message, Word(self, envelope, report, payload, time.monotonic())

    def post(self, word: Word, message: Message) -> Future[Answer]:
        """Hand a report to the writer. Raises NotRunning."""
        made = self._made(word, message)

        def refused(why: Refused, hall: Hall, now: datetime) -> Excused:
            orders = made.excuse(why, hall, now) if made.excuse else []
            return Excused(orders, self._kept(word, message.unit, why))

        return self.live.post(
            made.meaning.command if made.meaning else None,
            made.meaning.by if made.meaning else unit_actor(message.unit),
            heard=_heard(message),
            settle=made.settle,
            records=made.records,
            orders=made.orders,
            on_refused=refused,
        )

    def _kept(self, word: Word, unit: str, why: Refused) -> list[Record]:
        """The row of a paper that is out already, or a rating given, and is refused."""
        if not _is_out(word.report):
            return []
        error = BadMessage(f"refused: {why}", "d", "look at the ticket and decide")
        return [self.set_aside(unit, word.payload, error)]

    def poison_of(self, posting: Word, unit: str, error: BaseException) -> Poison:
        """What stands for a report that this program fails on."""
        text = f"{type(error).__name__}: {error}"
        return Poison(self, posting.payload, BadMessage(text, "d", "report this to the makers"))

    def set_aside(self, unit: str, payload: bytes, error: BadMessage) -> Record:
        topic = topics.up(self.live.id, unit, "evt")
        now = self.live.clock.now()
        return set_aside(
            self.live.id, SetAside(unit, topic, payload, str(error), error.field, error.remedy, now)
        )

    def _made(self, word: Word, message: Message) -> _Post:
        match word.report:
            case messages.Pressed():
                return self._press(word, word.report, message)
            case messages.IssuedOffline():
                taken_at = self._hall_time(word.envelope)
                return _Post(meanings.of_offline(message, word.report, _token(), taken_at))
            case messages.KeyPressed():
                return self._key(word, word.report, message)
            case messages.Rated():
                return self._rating(word, word.report, message)
            case messages.Scanned():
                return _Post(meanings.of_scan(self.live.hall, message, word.report))
            case messages.Printed() | messages.PrintUncertain() | messages.NotPrinted():
                meaning = meanings.of_slip(self.live.hall, message, word.report)
                return _Post(meaning, settle=_results(word.report))
            case messages.Spoken():
                return _Post(settle=_results(word.report))
            case messages.Faulted() | messages.Recovered():
                return _Post(records=[self._fault(word, word.report, message)])
            case messages.Examined():
                record = selftests.found(self.live.id, message.unit, word.report)
                return _Post(records=[record], settle=_results(word.report))
            case messages.ClockJumped():
                at = self._hall_time(word.envelope)
                return _Post(records=[jumped(self.live.id, message.unit, at, word.report)])
            case messages.CardShown():
                return _Post()

    def _press(self, word: Word, report: messages.Pressed, message: Message) -> _Post:
        def excuse(why: Refused, hall: Hall, now: datetime) -> list[PendingOrder]:
            refuse = self._renderer.refuse
            return [refuse(message.unit, report.input, message.seq, message.epoch, why, now)]

        if report.is_refused:
            return _Post()  # whoever pressed has gone; only a restored database does not know it (F81)
        asked_at, day = self._if_late(word.envelope, message), self.live.hall.day
        now = self.live.clock.now()
        if asked_at is not None and day is not None and day.was_closed_at(asked_at, now):
            report = replace(report, number="")  # a slip of an earlier day is no ticket of this one
        try:
            if report.appointment or report.who:
                person = self._devices.person_of(report.who) if report.who else ""
                meaning = meanings.of_check_in(self.live.hall, message, report, _token(), now, person)
            else:
                meaning = meanings.of_press(self._devices.book, message, report, _token(), asked_at)
        except Refused as why:
            kept = self._kept(word, message.unit, why)
            return _Post(orders=excuse(why, self.live.hall, self.live.clock.now()), records=kept)
        return _Post(meaning, excuse=excuse)

    def _key(self, word: Word, report: messages.KeyPressed, message: Message) -> _Post:
        def excuse(why: Refused, hall: Hall, now: datetime) -> list[PendingOrder]:
            return [self._renderer.beep(message.unit, report.device, now)]

        if (age_s := self._age_s(word.envelope, message)) > KEY_GOOD_FOR_S:
            late = BadMessage(f"key {report.key} comes {age_s:.0f} s late", "d", "none: it is kept here")
            return _Post(records=[self.set_aside(message.unit, word.payload, late)])
        self._touch(message.unit, report.device)
        try:
            meaning = meanings.of_key(self._devices.book, self.live.hall, message, report)
        except Refused as why:
            return _Post(orders=excuse(why, self.live.hall, self.live.clock.now()))
        return _Post(meaning, excuse=excuse)

    def _rating(self, word: Word, report: messages.Rated, message: Message) -> _Post:
        self._touch(message.unit, report.device)
        rated_at = self._if_late(word.envelope, message)
        meaning = meanings.of_rating(self._devices.book, self.live.hall, message, report, rated_at)
        if meaning is None:
            error = BadMessage(
                f"a rating of {report.level} without a finished ticket", "d", "none: it is kept here"
            )
            return _Post(records=[self.set_aside(message.unit, word.payload, error)])
        rated = cast(Rate, meaning.command)
        kept = ratings.record(self.live, self._after, rated.ticket, rated.level, rated.channel)
        return _Post(meaning, records=[kept])

    def _touch(self, unit: str, device: str) -> None:
        placed = self._devices.book.device(unit, device)
        window = window_of(placed.board) if placed else None
        if window is not None:
            self.live.touch(window)

    def _fault(self, word: Word, report: messages.Faulted | messages.Recovered, message: Message) -> Record:
        at = self._hall_time(word.envelope)
        part = part_of(message.unit, report.device, report.code)
        if isinstance(report, messages.Recovered):
            self.live.outages.end(part)
            return clear_fault(self.live.id, message.unit, report.device, report.code, at)
        self.live.outages.begin(part, report.detail or report.severity)
        fault = Fault(message.unit, report.device, report.code, report.severity, report.detail, at)
        return raise_fault(self.live.id, fault)

    def _if_late(self, envelope: Envelope, message: Message) -> datetime | None:
        """The hall's time of what comes late; None when it is as good as now."""
        age_s = self._age_s(envelope, message)
        clock = self.live.clock
        return clock.now() - timedelta(seconds=age_s * clock.speed) if age_s > LATE_S else None

    def _age_s(self, envelope: Envelope, message: Message) -> float:
        """Real seconds since it happened. A unit's clock is asked only about what was before its last start:
        ours may have been set meanwhile, and then every unit's is wrong until it asks again."""
        age_s = self._presence.age_s(message.unit, envelope.boot, envelope.mono, time.monotonic())
        boot = self._presence.of(message.unit).boot
        is_dated = envelope.tq is not TimeQuality.UNTRUSTED and envelope.ts.tzinfo is not None
        if boot is None or envelope.boot >= boot or not is_dated:
            return age_s
        return max(age_s, (self.live.clock.real_now() - envelope.ts).total_seconds())

    def _hall_time(self, envelope: Envelope) -> datetime:
        """When it happened, in the hall's time; a clock that may not be believed counts as now (R16)."""
        now = self.live.clock.now()
        if envelope.tq is TimeQuality.UNTRUSTED or envelope.ts.tzinfo is None:
            return now
        return min(now, self.live.clock.setting.hall_time(envelope.ts))


def part_of(unit: str, device: str, code: str) -> str:
    """How a fault of a device is called in the log: "node-1/printer-1 printer.paper_out"."""
    return f"{unit}/{device} {code}"


def _is_out(report: Report) -> bool:
    """Somebody holds the paper of it, or has given his vote."""
    is_on_paper = isinstance(report, messages.Pressed) and report.number != ""
    return is_on_paper or isinstance(report, messages.IssuedOffline | messages.Rated)


def _heard(message: Message) -> Heard:
    return Heard(message.unit, message.epoch, message.seq)


def _token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


def _positive(seq: int) -> int:
    if seq < 1:
        raise BadMessage(f"seq {seq} is not a message's number", "seq")
    return seq


def _results(report: Report) -> list[Settled]:
    """What became of the order a report is about; offline slips are no order of ours."""
    match report:
        case messages.Examined(order=""):
            return []
        case messages.Printed(order=cid) | messages.Spoken(order=cid) | messages.Examined(order=cid):
            return [(cid, ResultState.DONE, "")]
        case messages.PrintUncertain(order=cid):
            return [(cid, ResultState.FAILED, "uncertain")]
        case messages.NotPrinted(order=cid, why=why):
            return [(cid, ResultState.FAILED, why[:64])]
        case _:
            return []
