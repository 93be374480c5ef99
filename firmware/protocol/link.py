"""The unit's end of the conversation with the controller (rules R1-R20).

Hides the order of words on a connection (R14), the send window and resends (R4), acks (R6), session
and generation numbers (R11, R12), what makes an order late (R9), known (R8) or unknown (R1). What
it asks by itself is in questions.py. The broker is a lossy, duplicating, reordering pipe: an event is sent
until the controller's own ack, an order may come twice and is carried out once.
"""

from __future__ import annotations

import logging
import math
import random
import resource
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from itertools import takewhile

import msgspec
from msgspec.structs import replace as replace_fields

from firmware.protocol import topics
from firmware.protocol.guard import Guard
from firmware.protocol.logs import Outages
from firmware.protocol.messages import (
    VERSION,
    Ack,
    BadMessage,
    Birth,
    Board,
    Capability,
    Command,
    ConfigState,
    ControllerState,
    Envelope,
    Health,
    Order,
    Pressed,
    Reply,
    Result,
    ResultState,
    Struct,
    TimeQuality,
    UnitConfig,
    UnitState,
    Versions,
    decode,
    decode_order,
    encode,
)
from firmware.protocol.outbox import Entry, Outbox
from firmware.protocol.questions import News, Questions
from firmware.protocol.session import Broker, Session, SessionTiming, Will

__all__ = ["Broker", "Callbacks", "Link", "LinkTiming", "Received", "Session", "SessionTiming", "Will"]

BLOCKED_S = 0.2  # between tries when paho's queue is full
KEEP_DETAIL = 200  # characters of an error that travel to the controller

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LinkTiming:
    """Every time-out of the link, so that tests can compress them."""

    session: SessionTiming = field(default_factory=SessionTiming)
    window: int = 64  # R4
    resend_s: float = 2.0  # R4, doubling up to:
    resend_max_s: float = 30.0
    heartbeat_s: float = 10.0
    health_s: float = 30.0
    time_every_s: float = 600.0


@dataclass(frozen=True, slots=True)
class Received:
    """An order to carry out. deadline: time.monotonic() after which it is answered `expired` (R9)."""

    cid: str
    order: Order
    deadline: float

    @property
    def is_late(self) -> bool:
        return time.monotonic() > self.deadline


@dataclass(frozen=True, slots=True)
class Callbacks:
    """What the node does with what arrives. All run on the MQTT thread and must not wait."""

    on_order: Callable[[Received], None]
    on_config: Callable[[UnitConfig], None] = lambda config: None
    on_board: Callable[[Board], None] = lambda board: None
    on_up: Callable[[], None] = lambda: None
    on_down: Callable[[str], None] = lambda why: None
    capabilities: Callable[[], list[Capability]] = list
    devices: Callable[[], dict[str, str]] = dict  # device -> ok | worst fault
    counts: Callable[[], dict[str, int]] = dict  # what the devices count
    versions: Callable[[], Versions] = dict  # the snapshots held of the boards this unit shows


@dataclass(frozen=True, slots=True)
class Identity:
    """What a birth says of a unit that no connection changes."""

    hall: str
    unit: str
    app: str
    os: str = ""
    hw: dict[str, str] = field(default_factory=dict)
    pages: str = ""


class _Revision(Struct, frozen=True, kw_only=True):
    """Of a configuration that is otherwise unreadable."""

    rev: int = 0


class Link:
    """Sends a unit's events and receives its orders. Safe from any thread."""

    def __init__(
        self,
        broker: Broker,
        identity: Identity,
        outbox: Outbox,
        callbacks: Callbacks,
        guard: Guard,
        timing: LinkTiming | None = None,
        chance: random.Random | None = None,
    ) -> None:
        self._identity, self._outbox, self._callbacks, self._guard = identity, outbox, callbacks, guard
        self._timing = timing or LinkTiming()
        self._chance = chance or random.SystemRandom()
        self._started = time.monotonic()
        self._gen = int(outbox.get("gen") or 0)
        self._config = ConfigState(rev=0, applied=0)
        self._is_controller_there = False
        self._there_at = time.monotonic()
        self._followed = {
            topics.board(identity.hall, "#")
        }  # filters of boards; all until the configuration is known
        self._running: set[str] = set()  # cids being carried out
        self._wake = threading.Condition(threading.RLock())
        self._sending = (
            threading.Lock()
        )  # held by the thread that sends events: another would send them twice
        self._is_ending = False
        self._outages = Outages(log)
        self._is_announced = False
        self._sent = outbox.acked  # the highest seq handed over on this connection
        self._resend_wait = self._timing.resend_s
        self._resend_at = math.inf
        self._blocked_until = 0.0  # the connection took no more just now
        self._window_number = 0  # counts resets, seen by a send under way
        self._heartbeat_at = self._health_at = math.inf
        self._pump = threading.Thread(target=self._run, name="link", daemon=True)
        hall, unit = identity.hall, identity.unit
        self._handlers: dict[str, Callable[[bytes], None]] = {
            topics.down(hall, unit, "ack"): self._on_ack,
            topics.down(hall, unit, "cmd"): self._on_command,
            topics.down(hall, unit, "cfg"): self._on_config,
            topics.down(hall, unit, "rep"): self._on_reply,
            topics.controller_state(hall): self._on_controller,
        }
        self._boards = topics.board(hall, "")
        self.session = Session(
            broker,
            client_id=unit,
            guard=guard,
            on_message=self._on_message,
            on_up=self._on_up,
            on_down=self._on_down,
            will=self._will,
            filters=topics.unit_rights(hall, unit).subscribe,
            timing=self._timing.session,
            chance=self._chance,
        )
        self._questions = Questions(
            lambda request: self._publish("req", request),
            outbox.clock,
            self._news,
            self.session.renew,
            self._announce,
            outbox.forget_leases,
            self._outages,
        )

    @property
    def is_up(self) -> bool:
        return self.session.is_up

    def start(self) -> None:
        self.session.start()
        self._pump.start()

    def stop(self) -> None:
        """Say goodbye, so that the controller need not wait for a will."""
        with self._wake:
            self._is_ending = True
            self._wake.notify()
        goodbye = encode(self._state(is_online=False, why="stopped"))
        self.session.stop(last=(topics.up(self._identity.hall, self._identity.unit, "state"), goodbye))
        if self._pump.is_alive():
            self._pump.join(self._timing.session.stop_timeout_s)

    def wake(self) -> None:
        """There is a new event in the outbox: it is sent on the caller's thread, which need not be woken."""
        with self._sending:
            self._guard.run("link.send", self._send_events)

    def follow(self, boards: Collection[str]) -> None:
        """Receive these boards and no others: 200 units that heard all would cost 200 messages a call."""
        wanted = {topics.board(self._identity.hall, name) for name in boards}
        self.session.unsubscribe(sorted(self._followed - wanted))
        self.session.subscribe(sorted(wanted - self._followed))
        self._followed = wanted

    def tell(self, result: Result) -> None:
        """Tell the controller what became of an order. Lost words are asked for again (R8)."""
        with self._wake:
            self._running.discard(result.cid)
        self._publish("res", result)

    def forget(self, cid: str) -> None:
        """The order could not be ended: begin it anew when it comes again."""
        with self._wake:
            self._running.discard(cid)

    @property
    def silent_s(self) -> float:
        """Seconds since the controller was last known to be there; 0 while it is."""
        unanswered_since = self._questions.silent_since
        if self.is_up and self._is_controller_there and unanswered_since is None:
            return 0.0
        return time.monotonic() - (unanswered_since or self._there_at)

    @property
    def is_alive(self) -> bool:
        """Whether the threads that send and receive live (for the watchdog)."""
        return self._pump.is_alive() and self.session.is_alive

    def report_config(self, state: ConfigState, timing: LinkTiming | None = None) -> None:
        """Say which configuration is in force (R15), and adopt its timing."""
        with self._wake:
            self._config = state
            if timing is not None:
                self._timing = replace(timing, session=self._timing.session)
        self._publish("cfg", state, retain=True)

    def report_birth(self) -> None:
        """Describe the unit anew, because its devices changed."""
        self._publish("birth", self._birth(), retain=True)

    def report_health(self) -> None:
        """Send the health document now, because a device changed."""
        with self._wake:
            self._health_at = 0.0
            self._wake.notify()

    # --- the connection

    def _will(self) -> Will:
        self._outbox.next_session()
        topic = topics.up(self._identity.hall, self._identity.unit, "state")
        return Will(topic, encode(self._state(is_online=False, why="connection lost")))

    def _on_up(self) -> None:
        log.info("connected, session %d", self._outbox.session)
        self._outages.end("broker")
        self._announce()
        self._guard.run("link.on_up", self._callbacks.on_up)

    def _announce(self) -> None:
        """R14: birth, state, cfg, health; then the outbox from its first unacked event."""
        self._publish("birth", self._birth(), retain=True)
        self._publish("state", self._state(is_online=True), retain=True)
        self._publish("cfg", self._config, retain=True)
        self._publish("health", self._health(is_full=True), retain=True)
        now = time.monotonic()
        with self._wake:
            self._heartbeat_at, self._health_at = now + self._timing.heartbeat_s, now + self._timing.health_s
            self._questions.begin(now, self._timing.heartbeat_s)
            self._reset_window()
            self._is_announced = True
            self._wake.notify()

    def _on_down(self, why: str) -> None:
        with self._wake:
            self._is_announced = False
            self._questions.end()
            if self._is_controller_there:
                self._there_at = time.monotonic()
        if not self._is_ending:
            self._outages.begin("broker", why)
        self._guard.run("link.on_down", lambda: self._callbacks.on_down(why))

    def _publish(self, leaf: str, message: Struct, *, retain: bool = False) -> bool:
        topic = topics.up(self._identity.hall, self._identity.unit, leaf)
        return self.session.publish(topic, encode(message), retain=retain)

    # --- sending

    def _run(self) -> None:
        while True:
            with self._wake:
                if not self._is_ending and not self._has_work():
                    self._wake.wait(self._idle_s())
                if self._is_ending:
                    return
                if not self._is_announced:
                    continue
            with self._sending:
                self._guard.run("link.pump", self._send_events)
            self._guard.run("link.health", self._tell_health)
            self._guard.run("link.ask", self._ask)

    def _has_work(self) -> bool:
        return self._is_announced and self._due() <= time.monotonic()

    def _due(self) -> float:
        in_flight = self._sent - self._outbox.acked
        has_room = self._outbox.last > self._sent and in_flight < self._timing.window
        send_at = self._blocked_until if has_room else math.inf
        resend_at = self._resend_at if in_flight > 0 else math.inf
        return min(send_at, resend_at, self._heartbeat_at, self._health_at, self._questions.due())

    def _idle_s(self) -> float | None:
        """Seconds to sleep; not past the first resend of what another thread sends meanwhile."""
        if not self._is_announced:
            return None
        return min(max(0.0, self._due() - time.monotonic()), self._timing.resend_s / 2)

    def _send_events(self) -> None:
        with self._wake:
            self._resend_when_due()
            start, was_idle, window = self._sent, self._sent <= self._outbox.acked, self._window_number
            room = self._timing.window - max(0, self._sent - self._outbox.acked) if self._is_announced else 0
        if room <= 0 or start >= self._outbox.last:
            return
        entries = self._outbox.after(start, room)
        sent = [entry.seq for entry in takewhile(self._send, entries)]
        with self._wake:
            if sent and self._window_number == window:
                self._sent = max(self._sent, sent[-1])
            if sent and was_idle:
                self._resend_at = time.monotonic() + self._jittered(self._resend_wait)
            if len(sent) < len(entries):
                self._blocked_until = time.monotonic() + BLOCKED_S

    def _resend_when_due(self) -> None:
        if self._sent > self._outbox.acked and time.monotonic() >= self._resend_at:
            self._guard.count("resends", self._sent - self._outbox.acked)
            self._sent = self._outbox.acked
            self._resend_wait = min(self._resend_wait * 2, self._timing.resend_max_s)
            self._resend_at = time.monotonic() + self._jittered(self._resend_wait)

    def _reset_window(self) -> None:
        self._window_number += 1
        self._sent = self._outbox.acked
        self._resend_wait = self._timing.resend_s
        self._resend_at = math.inf

    def _jittered(self, wait_s: float) -> float:
        return min(wait_s * self._chance.uniform(0.75, 1.25), self._timing.resend_max_s)

    def _send(self, entry: Entry) -> bool:
        envelope = Envelope(
            t=entry.t,
            ep=self._outbox.epoch,
            seq=entry.seq,
            sess=self._outbox.session,
            boot=entry.boot,
            mono=entry.mono,
            ts=entry.ts,
            tq=entry.tq,
            d=msgspec.Raw(_said_again(entry) if entry.number else entry.body),
        )
        return self._publish("evt", envelope)

    def _tell_health(self) -> None:
        now = time.monotonic()
        with self._wake:
            is_full, is_heartbeat = now >= self._health_at, now >= self._heartbeat_at
            if is_full:
                self._health_at = now + self._timing.health_s
            if is_full or is_heartbeat:
                self._heartbeat_at = now + self._timing.heartbeat_s
        if is_full or is_heartbeat:
            # Only the full document is retained: a retained heartbeat would be no evidence of life (R13).
            self._publish("health", self._health(is_full=is_full), retain=is_full)

    def _ask(self) -> None:
        now = time.monotonic()
        if now >= self._questions.due():
            self._questions.ask(now, self._timing.heartbeat_s, self._timing.time_every_s)

    # --- receiving

    def _on_message(self, topic: str, payload: bytes) -> None:
        try:
            handler = self._handlers.get(topic)
            if handler is not None:
                handler(payload)
            elif topic.startswith(self._boards) and payload:
                self._callbacks.on_board(decode(payload, Board))
        except BadMessage as error:
            self._guard.count("bad_messages")
            log.error("%s: %s (field %s; %s)", topic, error, error.field, error.remedy)

    def _on_ack(self, payload: bytes) -> None:
        ack = decode(payload, Ack)
        if ack.ep != self._outbox.epoch:
            self._guard.count("acks_of_another_epoch")
            return
        if ack.hi > self._outbox.last:
            self._guard.count("acks_beyond")  # This store is older than what was sent: a copied card.
            log.error("the controller acks %d, this store ends at %d", ack.hi, self._outbox.last)
            return
        lowest_missed = min((first for first, last in ack.miss if first <= last), default=None)
        if lowest_missed is not None and lowest_missed <= self._outbox.acked:
            self._outbox.rewind(max(0, lowest_missed - 1))
            with self._wake:
                self._reset_window()
                self._wake.notify()
            return
        with self._wake:
            if self._outbox.heard(ack.hi):
                self._sent = max(self._sent, ack.hi)
                self._resend_wait = self._timing.resend_s
                self._resend_at = time.monotonic() + self._jittered(self._resend_wait)
            self._wake.notify()
        self._send_missed(ack)

    def _send_missed(self, ack: Ack) -> None:
        for first, last in ack.miss:
            if self._outbox.acked < first <= last:
                last = min(last, self._sent)
                entries = self._outbox.after(first - 1, max(0, min(last - first + 1, self._timing.window)))
                self._guard.count("missed", len(entries))
                for entry in entries:
                    self._send(entry)

    def _on_command(self, payload: bytes) -> None:
        command = decode(payload, Command)
        if command.gen < self._gen:  # R11: from a controller that was replaced
            self._guard.count("fenced")
            self._publish("res", Result(cid=command.cid, state=ResultState.REJECTED, code="fenced"))
            return
        self._learn_generation(command.gen)
        known = self._outbox.result(command.cid)
        if known is not None:  # R8
            self._guard.count("orders_again")
            self._publish("res", known)
            return
        with self._wake:
            is_running = command.cid in self._running
        if not is_running:
            self._begin(command)
        else:
            self._publish("res", Result(cid=command.cid, state=ResultState.RECEIVED))

    def _begin(self, command: Command) -> None:
        try:
            order = decode_order(command) if command.v <= VERSION else None
        except BadMessage as error:
            self._guard.count("bad_messages")
            self._reject(command, "bad_order", f"{error.field}: {error}")
            return
        if order is None:
            self._reject(
                command, "unknown_order", f"this unit does not know {command.t} of version {command.v}"
            )
            return
        left_s = self._left_s(command)
        if left_s <= 0:
            result = Result(cid=command.cid, state=ResultState.EXPIRED)
            self._outbox.finish(result)
            self._publish("res", result)
            self._questions.ask_time_again()
            self.wake()
            return
        with self._wake:
            self._running.add(command.cid)
        self._publish("res", Result(cid=command.cid, state=ResultState.RECEIVED))
        self._callbacks.on_order(Received(command.cid, order, time.monotonic() + left_s))

    def _reject(self, command: Command, code: str, detail: str) -> None:
        """Not remembered: after an update this unit may know the order."""
        log.error("order %s rejected: %s", command.cid, detail)
        result = Result(cid=command.cid, state=ResultState.REJECTED, code=code, detail=detail[:KEEP_DETAIL])
        self._publish("res", result)

    def _left_s(self, command: Command) -> float:
        """R9: from receipt on our own clock; and of the controller's time, when we know it well."""
        ttl_s = command.ttl_ms / 1000
        clock = self._outbox.clock
        if clock.quality() is not TimeQuality.SYNCED:
            return ttl_s
        return min(ttl_s, ttl_s - clock.real_s(command.iss))

    def _on_config(self, payload: bytes) -> None:
        if not payload:
            return
        try:
            config = decode(payload, UnitConfig)
        except BadMessage as error:
            self._guard.count("bad_messages")
            errors = [f"{error.field}: {error}"[:KEEP_DETAIL]]
            rev = _revision(payload)
            self.report_config(ConfigState(rev=rev, applied=self._config.applied, errors=errors))
            return
        if config.rev > self._config.applied:
            self._callbacks.on_config(config)
        else:
            self._publish("cfg", self._config, retain=True)

    def _on_controller(self, payload: bytes) -> None:
        if not payload:
            return
        state = decode(payload, ControllerState)
        if state.gen < self._gen:
            self._guard.count("fenced")
            return
        self._is_controller_there, self._there_at = state.online, time.monotonic()
        self._questions.excuse(not state.online)
        if state.day and state.day != self._outbox.get("day"):
            self._outbox.put("day", state.day)
        if self._learn_generation(state.gen) and self._is_announced:
            self._announce()

    def _learn_generation(self, gen: int) -> bool:
        if gen <= self._gen:
            return False
        self._gen = gen
        self._outbox.put("gen", gen)
        return True

    def _on_reply(self, payload: bytes) -> None:
        self._questions.answered(decode(payload, Reply), self._timing.time_every_s)
        with self._wake:
            self._wake.notify()

    # --- what we say of ourselves

    def _news(self) -> News:
        outbox = self._outbox
        return News(self._callbacks.versions(), self._config.rev, outbox.session, outbox.leases())

    def _state(self, *, is_online: bool, why: str = "") -> UnitState:
        return UnitState(online=is_online, sess=self._outbox.session, boot=self._outbox.boot, why=why)

    def _birth(self) -> Birth:
        identity = self._identity
        return Birth(
            unit=identity.unit,
            sess=self._outbox.session,
            boot=self._outbox.boot,
            app=identity.app,
            os=identity.os,
            hw=identity.hw,
            caps=self._callbacks.capabilities(),
            outbox=self._outbox.state(),
            pages=identity.pages,
        )

    def _health(self, *, is_full: bool) -> Health:
        return Health(
            sess=self._outbox.session,
            uptime_s=round(time.monotonic() - self._started, 1),
            outbox=self._outbox.state(),
            devices=self._callbacks.devices() if is_full else {},
            counts={**self._callbacks.counts(), **self._guard.counts()} if is_full else {},
            rss_kib=_rss_kib() if is_full else 0,
            cfg_rev=self._config.applied,
            full=is_full,
        )


def _said_again(entry: Entry) -> bytes:
    """A press with the number its slip bears: a controller that has forgotten it gives it no other (F81)."""
    return encode(replace_fields(decode(entry.body, Pressed), number=entry.number))


def _revision(payload: bytes) -> int:
    try:
        return decode(payload, _Revision).rev
    except BadMessage:
        return 0


def _rss_kib() -> int:
    """Memory of this process in KiB. Source: proc(5), second field of statm, in pages."""
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize() // 1024
