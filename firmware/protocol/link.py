"""The unit's end of the conversation with the controller (rules R1-R20).

Hides the order of words on a connection (R14), acks (R6), session numbers (R12) and what the unit says of
itself. When events leave is in window.py (R4), which orders are carried out in orders.py (R8, R9, R11), and
what it asks by itself in questions.py. The broker is a lossy, duplicating, reordering pipe: an event is sent
until the controller's own ack, an order may come twice and is carried out once.
"""

from __future__ import annotations

import logging
import math
import random
import resource
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from itertools import takewhile

import msgspec
from msgspec.structs import replace as replace_fields

from firmware.protocol import topics
from firmware.protocol.codec import BadMessage, decode, encode
from firmware.protocol.guard import Guard
from firmware.protocol.logs import Outages
from firmware.protocol.messages import (
    Ack,
    Birth,
    Board,
    Capability,
    Command,
    ConfigState,
    ControllerState,
    Envelope,
    Health,
    Pressed,
    Reply,
    Result,
    Struct,
    UnitConfig,
    UnitState,
)
from firmware.protocol.news import News, Versions
from firmware.protocol.orders import KEEP_DETAIL, Orders, Received
from firmware.protocol.outbox import Entry, Outbox
from firmware.protocol.pictures import Picture
from firmware.protocol.progress import Asked, Progress
from firmware.protocol.questions import Questions
from firmware.protocol.session import Broker, Session, SessionTiming, Will
from firmware.protocol.whereabouts import Whereabouts, resolve
from firmware.protocol.window import Pace, Window

__all__ = ["Broker", "Callbacks", "Link", "LinkTiming", "Received", "Session", "SessionTiming", "Will"]

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

    @property
    def pace(self) -> Pace:
        return Pace(self.window, self.resend_s, self.resend_max_s)


@dataclass(frozen=True, slots=True)
class Callbacks:
    """What the node does with what arrives. All run on the MQTT thread and must not wait."""

    on_order: Callable[[Received], None]
    on_config: Callable[[UnitConfig], None] = lambda config: None
    on_board: Callable[[Board], None] = lambda board: None
    on_up: Callable[[], None] = lambda: None
    on_down: Callable[[str], None] = lambda why: None
    on_other_ack: Callable[[Ack], None] = lambda ack: None  # of a store before this one
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
        find: Callable[[str], list[str]] = resolve,
    ) -> None:
        """find: the addresses of a name."""
        self._identity, self._outbox, self._callbacks, self._guard = identity, outbox, callbacks, guard
        self._timing = timing or LinkTiming()
        self._started = time.monotonic()
        self._config = ConfigState(rev=0, applied=0)
        self._is_controller_there = False
        self._there_at = time.monotonic()
        # Filters of boards; all of them until the configuration is known.
        self._followed = {topics.board(identity.hall, "#")}
        self._boards = topics.board(identity.hall, "")
        self._wake = threading.Condition(threading.RLock())
        self._sending = threading.Lock()  # held while events are sent: another thread would send them twice
        self._is_ending = False
        self._outages = Outages(log)
        self._is_announced = False
        self._heartbeat_at = self._health_at = math.inf
        self._pump = threading.Thread(target=self._run, name="link", daemon=True)
        chance = chance or random.SystemRandom()
        self._window = Window(outbox.acked, self._timing.pace, chance)
        self._orders = Orders(outbox, guard, self._tell, callbacks.on_order, self._came_late)
        self._handlers = self._make_handlers()
        place = f"address of {broker.host}"  # of this broker: another one's name must not lead to it
        whereabouts = Whereabouts(
            broker.host,
            broker.also,
            recall=lambda: str(outbox.get(place) or ""),
            keep=lambda address: outbox.put(place, address),
            find=find,
        )
        self.session = self._make_session(broker, chance, whereabouts)
        self._questions = Questions(
            lambda request: self._publish("req", request),
            outbox.clock,
            self._news,
            self.session.renew,
            self._announce,
            outbox.forget_leases,
            self._outages,
        )

    def _make_handlers(self) -> Mapping[str, Callable[[bytes], None]]:
        """What takes a message, by its topic."""
        hall, unit = self._identity.hall, self._identity.unit
        return {
            topics.down(hall, unit, "ack"): self._on_ack,
            topics.down(hall, unit, "cmd"): lambda payload: self._orders.came(decode(payload, Command)),
            topics.down(hall, unit, "cfg"): self._on_config,
            topics.down(hall, unit, "rep"): self._on_reply,
            topics.controller_state(hall): self._on_controller,
        }

    def _make_session(self, broker: Broker, chance: random.Random, whereabouts: Whereabouts) -> Session:
        hall, unit = self._identity.hall, self._identity.unit
        return Session(
            broker,
            client_id=unit,
            guard=self._guard,
            on_message=self._on_message,
            on_up=self._on_up,
            on_down=self._on_down,
            will=self._will,
            filters=topics.unit_rights(hall, unit).subscribe,
            timing=self._timing.session,
            chance=chance,
            whereabouts=whereabouts,
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
        self._orders.ended(result.cid)
        self._tell(result)

    def say(self, envelope: Envelope) -> bool:
        """Say an event of a store before this one, under its own epoch (F41)."""
        return self._publish("evt", envelope)

    def show(self, picture: Picture) -> bool:
        """Hand a picture over, once; whether the connection took it."""
        return self._publish("pic", picture)

    def forget(self, cid: str) -> None:
        """The order could not be ended: begin it anew when it comes again."""
        self._orders.ended(cid)

    def where(self, asked: Asked, wait_s: float) -> Progress | None:
        """Where a ticket stands, as the controller says; None when it is away or says nothing in time."""
        return None if self.silent_s > 0 else self._questions.where(asked, wait_s)

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
                self._window.pace = timing.pace
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
            self._window.reset(self._outbox.acked)
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

    def _tell(self, result: Result) -> None:
        self._publish("res", result)

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
        send_at = self._window.due(self._outbox.acked, self._outbox.last)
        return min(send_at, self._heartbeat_at, self._health_at, self._questions.due())

    def _idle_s(self) -> float | None:
        """Seconds to sleep; not past the first resend of what another thread sends meanwhile."""
        if not self._is_announced:
            return None
        return min(max(0.0, self._due() - time.monotonic()), self._timing.resend_s / 2)

    def _send_events(self) -> None:
        with self._wake:
            if expired := self._window.expire(self._outbox.acked, time.monotonic()):
                self._guard.count("resends", expired)
            room = self._window.room(self._outbox.acked)
            may_send = self._is_announced and room.size > 0
        if not may_send or room.start >= self._outbox.last:
            return
        entries = self._outbox.after(room.start, room.size)
        sent = [entry.seq for entry in takewhile(self._send, entries)]
        with self._wake:
            if sent:
                self._window.handed_over(room, sent[-1], time.monotonic())
            if len(sent) < len(entries):
                self._window.blocked(time.monotonic())

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
            d=msgspec.Raw(_said_again(entry) if entry.number or entry.is_refused else entry.body),
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
            self._callbacks.on_other_ack(ack)
            return
        if ack.hi > self._outbox.last:
            self._guard.count("acks_beyond")  # This store is older than what was sent: a copied card.
            log.error("the controller acks %d, this store ends at %d", ack.hi, self._outbox.last)
            return
        lowest_missed = min((first for first, last in ack.miss if first <= last), default=None)
        if lowest_missed is not None and lowest_missed <= self._outbox.acked:
            self._outbox.rewind(max(0, lowest_missed - 1))
            with self._wake:
                self._window.reset(self._outbox.acked)
                self._wake.notify()
            return
        with self._wake:
            if self._outbox.heard(ack.hi):
                self._window.heard(ack.hi, time.monotonic())
            self._wake.notify()
        self._send_missed(ack)

    def _send_missed(self, ack: Ack) -> None:
        for first, last in ack.miss:
            if self._outbox.acked < first <= last:
                last = min(last, self._window.sent)
                entries = self._outbox.after(first - 1, max(0, min(last - first + 1, self._timing.window)))
                self._guard.count("missed", len(entries))
                for entry in entries:
                    self._send(entry)

    def _came_late(self) -> None:
        self._questions.ask_time_again()
        self.wake()

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
        if self._orders.is_fenced(state.gen):
            return
        self._is_controller_there, self._there_at = state.online, time.monotonic()
        self._questions.excuse(not state.online)
        if state.day and state.day != self._outbox.get("day"):
            self._outbox.put("day", state.day)
        if self._orders.learn(state.gen) and self._is_announced:
            self._announce()

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
    """A press with what came of it: a controller that has forgotten it gives it no (other) number (F81)."""
    press = decode(entry.body, Pressed)
    return encode(replace_fields(press, number=entry.number, is_refused=entry.is_refused))


def _revision(payload: bytes) -> int:
    try:
        return decode(payload, _Revision).rev
    except BadMessage:
        return 0


def _rss_kib() -> int:
    """Memory of this process in KiB. Source: proc(5), second field of statm, in pages."""
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize() // 1024
