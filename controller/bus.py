"""Between the hall and its devices: reports become commands, effects become orders and boards.

Hides MQTT and everything it does wrong: the broker is a pipe that loses, doubles and reorders. A unit's
messages are put in order (intake), committed with their number (live), and only then acked. Orders are
sent until answered; boards and configurations are retained snapshots, sent again on every connection.
Bytes that are no message are set aside with the reason, counted, and everything else goes on.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass

from msgspec import to_builtins

from controller import broker, meanings, progress
from controller.boards import window_of
from controller.courier import Courier, Results
from controller.devices import Book, Devices
from controller.hall.model import Refused
from controller.hall.ratings import WorkDays
from controller.intake import Due, Intake
from controller.leases import AboutNumbers, Leases
from controller.live import Answer, Committed, Live, NotRunning, PendingOrder, Settled
from controller.news import lacking
from controller.orders import Renderer
from controller.people import SYSTEM, unit_actor
from controller.pictures import Pictures
from controller.postings import Poison, Posting, Postings, Word
from controller.presence import Deadlines, Presence, Seen, Status
from controller.quarantine import Quarantine
from controller.screens import Screens
from controller.settings import Settings
from controller.showing import Showing
from controller.store import log as event_log
from controller.store import orders as stored_orders
from controller.store.devices import Record, set_aside_count
from controller.store.orders import FINAL
from controller.troubles import Troubles
from firmware.protocol import messages, topics
from firmware.protocol.codec import BadMessage, decode, encode
from firmware.protocol.guard import Guard
from firmware.protocol.messages import ResultState, Struct
from firmware.protocol.progress import asked_in
from firmware.protocol.session import Broker, Session, SessionTiming, Will

IDLE_S = 0.25  # the loop looks at its deadlines at least this often
TOGETHER_S = 0.01  # acks and shared boards of so long leave together, behind the orders that people wait for
UPKEEP_S = 1.0
STATE_EVERY_S = 10.0
ECHO_LOST_S = 2.5 * STATE_EVERY_S
REDRAW_S = 5.0  # what a board shows may change with time alone
BACK_OFF_S = (0.2, 3.0)  # of the controller; there is one, so it need not be as patient as 200 nodes (R20)

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class UnitStatus:
    """A unit as the technician sees it."""

    unit: str
    status: Status
    seen: Seen


class Bus:
    """The bus of one hall. start() and stop() once each; any thread may read its state."""

    def __init__(
        self,
        live: Live,
        devices: Devices,
        settings: Settings,
        gen: int,
        renderer: Renderer,
        after: WorkDays,
    ) -> None:
        self.live, self.devices, self.settings, self.gen = live, devices, settings, gen
        self.hall, self.renderer = live.id, renderer
        self.guard = Guard(_logger)
        self.screens = _screens(live, settings, gen)
        self.presence = Presence(_deadlines(settings))
        self.pictures = Pictures(devices)
        self._renderer = renderer
        self._postings = Postings(live, devices, renderer, self.presence, after)
        self._intake = Intake(live, self._postings, self.guard, self._on_stored)
        self._results = Results()
        self._courier = Courier(live.clock, gen, settings.order_resend_s, live.timings)
        self._pressed: dict[str, float] = {}  # unit -> when the press came that is being committed
        self._leases = Leases(
            lambda: live.hall, lambda: devices.book, self._ask_numbers, settings.lease_size, set()
        )
        self._configs: dict[str, bytes] = {}
        self._configs_of: Book | None = None  # what they were made of
        self._troubles = Troubles(
            self.hall, devices, self.presence, live.clock, self._record, live.outages, settings.lag_after_s
        )
        self._quarantine = Quarantine(self.hall, settings, live.clock, self._record)
        self._day: object = None
        self._announce = False
        self._upkeep_at = self._redraw_at = self._state_at = 0.0
        self._echoed_at = 0.0  # when our own state came back from the broker, or this connection began
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"bus-{self.hall}", daemon=True)
        self._unsubscribe: Callable[[], None] = lambda: None
        self._handlers = self._make_handlers()
        self.session = self._make_session(broker.login(settings))
        self._showing = Showing(self.screens, self._say_board, live.timings.board_sent)

    def _make_handlers(self) -> Mapping[str, Callable[[str, bytes], None]]:
        """What takes a unit's message, by the last part of its topic."""
        return {
            "evt": self._on_event,
            "res": self._on_result,
            "state": self._on_state,
            "birth": self._on_birth,
            "health": self._on_health,
            "cfg": self._on_config_state,
            "req": self._on_request,
            "pic": self.pictures.keep,
        }

    def _make_session(self, login: broker.Login) -> Session:
        return Session(
            Broker(login.host, login.port, login.user, login.password, str(login.ca or ""), login.is_tls),
            f"controller-{self.hall}",
            self.guard,
            on_message=self._on_message,
            on_up=self._on_up,
            on_down=self._on_down,
            will=lambda: Will(topics.controller_state(self.hall), encode(self._state(is_online=False))),
            filters=[topics.up(self.hall, "+", "#"), topics.controller_state(self.hall)],
            timing=SessionTiming(
                keepalive_s=self.settings.mqtt_keepalive_s,
                backoff_min_s=BACK_OFF_S[0],
                backoff_max_s=BACK_OFF_S[1],
            ),
        )

    # --- for others

    def start(self) -> None:
        """Begin; the live hall runs already. Orders that were pending at the last stop are sent again."""
        self._unsubscribe = self.live.subscribe(self._on_committed)
        with self.live.store.reading() as c:
            self._courier.add(stored_orders.pending(c, self.hall), time.monotonic())
            self._leases.known.update(event_log.marks(c, self.hall))
        self.session.start()
        self._thread.start()

    def stop(self) -> None:
        """Say goodbye and end. Safe to call twice."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._wake.set()
        self._unsubscribe()
        self.screens.close()
        if self._thread.is_alive():
            self._thread.join(5.0)
        topic = topics.controller_state(self.hall)
        self.session.publish(topic, encode(self._state(is_online=False)), retain=True)
        self.session.stop()

    @property
    def is_up(self) -> bool:
        """The broker can be reached."""
        return self.session.is_up

    @property
    def is_stalled(self) -> bool:
        """Messages wait because the store cannot take them."""
        return self._intake.is_stalled

    def units(self) -> list[UnitStatus]:
        """Every unit that may connect, and how it is."""
        now_s = time.monotonic()
        return [
            UnitStatus(unit.id, self.presence.status(unit.id, now_s), self.presence.of(unit.id))
            for unit in self.devices.book.units_of(self.hall)
        ]

    def counts(self) -> Mapping[str, int]:
        """What was counted since the start: quarantined, unknown_kinds, duplicates, asked_again, ..."""
        return self.guard.counts()

    def set_aside_total(self) -> int:
        """Messages set aside in this hall, ever."""
        with self.live.store.reading() as c:
            return set_aside_count(c, self.hall)

    def pending_orders(self) -> int:
        return len(self._courier)

    def copy_of(self, ticket: int, unit: str, *, is_first: bool = False) -> PendingOrder | None:
        """The order for one more slip, marked as a copy unless it is the first (F14); None when the unit has
        no printer."""
        hall = self.live.hall
        now = self.live.clock.now()
        return self._renderer.copy(hall, hall.tickets[ticket], unit, now, is_first=is_first)

    # --- from the broker, on the session's thread

    def _on_up(self) -> None:
        _logger.info("hall %s: connected to the broker", self.hall)
        self.live.outages.end("broker")
        self._echoed_at = time.monotonic()
        self._announce = True
        self._wake.set()

    def _on_down(self, why: str) -> None:
        if not self._stopping.is_set():
            self.live.outages.begin("broker", why)

    def _on_message(self, topic: str, payload: bytes) -> None:
        if topic == topics.controller_state(self.hall):
            self._on_echo(payload)
            return
        origin = topics.origin(topic)
        if origin is None or origin.hall != self.hall or not payload or origin.leaf.startswith(topics.FAULT):
            self.guard.count("ignored")
            return
        handle = self._handlers.get(origin.leaf)
        try:
            if handle is None:
                raise BadMessage(f"there is no leaf {origin.leaf}", "topic", "update the controller")
            handle(origin.unit, payload)
        except BadMessage as error:
            self.guard.count("quarantined")
            self._quarantine.keep(origin.unit, topic, payload, error)

    def _on_event(self, unit: str, payload: bytes) -> None:
        if self._troubles.is_cloned(unit):
            self.guard.count("from_clones")
            return
        message, posting = self._postings.read(unit, payload)
        self.presence.alive(unit, time.monotonic())
        if isinstance(posting, Poison):
            self.guard.count(posting.count)
        if not self._intake.hear(message, posting):
            self.guard.count("duplicates")
            self._wake.set()

    def _on_stored(self, unit: str, posting: Posting) -> None:
        """On the writer's thread: a message of a unit is stored."""
        self._courier.settle(posting.results(), unit, time.monotonic())
        self._note_time(unit, posting)
        if (used := posting.offline_number()) is not None:
            self._leases.used(unit, *used)
        self._wake.set()

    def _note_time(self, unit: str, posting: Posting) -> None:
        if isinstance(posting, Word):
            self.live.timings.report_committed.observe(time.monotonic() - posting.came_s)
            if isinstance(posting.report, messages.Pressed):
                self._pressed[unit] = posting.came_s

    def _on_result(self, unit: str, payload: bytes) -> None:
        result = decode(payload, messages.Result)
        self.presence.alive(unit, time.monotonic())
        if result.code == "fenced":
            self.guard.count("fenced")
            _logger.error("hall %s: %s obeys a controller of a later generation", self.hall, unit)
        if result.state is ResultState.RECEIVED:
            self._courier.received(result.cid, time.monotonic())
        settled = (result.cid, result.state, result.code)
        if result.state in FINAL and self._courier.settle([settled], unit, time.monotonic()):
            self._results.add(unit, settled)

    def _on_state(self, unit: str, payload: bytes) -> None:
        self.presence.state(unit, decode(payload, messages.UnitState), time.monotonic())

    def _on_birth(self, unit: str, payload: bytes) -> None:
        birth, now_s = decode(payload, messages.Birth), time.monotonic()
        before = self.presence.of(unit).sess
        self.presence.birth(unit, birth)
        self._troubles.born(unit, birth)
        if self._troubles.is_cloned(unit):
            return
        hi = self._intake.heard_up_to(unit, birth.outbox.ep)
        self._courier.again(now_s, unit)
        self._recall(unit, birth.outbox, hi)
        is_live = before is not None and birth.sess > before  # A retained birth may be older than it says.
        if is_live and birth.outbox.hi < hi:
            self._troubles.set_back(unit, birth.outbox.hi, hi)
        self._leases.keep(unit, birth.outbox.ep)
        self._wake.set()

    def _on_health(self, unit: str, payload: bytes) -> None:
        health = decode(payload, messages.Health)
        now_s, hi = time.monotonic(), self.live.heard_up_to(unit, health.outbox.ep)
        self.presence.health(unit, health, now_s)
        if not (self.is_stalled or self._troubles.is_cloned(unit)):
            self._troubles.waits(unit, health.outbox, hi, now_s)
            self._recall(unit, health.outbox, hi)
        self._touch_windows(unit)

    def _on_config_state(self, unit: str, payload: bytes) -> None:
        told = decode(payload, messages.ConfigState)
        self.presence.config(unit, told)
        self.devices.outrank(unit, max(told.rev, told.applied))

    def _recall(self, unit: str, outbox: messages.OutboxState, hi: int) -> None:
        """Have the unit say again what it was acked, when this database is older than that (F81)."""
        if outbox.acked > hi:
            self._send_ack(Due(unit, outbox.ep, hi, [(hi + 1, outbox.acked)]))
            self._leases.recall(unit, outbox.ep, outbox.acked - hi)

    def _touch_windows(self, unit: str) -> None:
        """A keypad that works keeps its window from counting as lost (W7)."""
        if self.presence.status(unit, time.monotonic()) is not Status.ONLINE:
            return
        health = self.presence.of(unit).health
        for device in self.devices.book.devices_of(unit):
            window = window_of(device.board)
            is_well = health is None or health.devices.get(device.device, "ok") == "ok"
            if device.kind == "keypad" and window is not None and is_well:
                self.live.touch(window)

    def _on_request(self, unit: str, payload: bytes) -> None:
        request = decode(payload, messages.Request)
        self.presence.alive(unit, time.monotonic())
        match request.t:
            case "time":
                clock = self.live.clock
                told: dict[str, object] = {"hall": clock.now().isoformat(), "speed": clock.speed}
            case "news":
                told = self._news(unit, request)
            case "ticket":
                told = self._where(request)
            case _:
                raise BadMessage(f"there is no request {request.t}", "t", "update the controller")
        reply = messages.Reply(rid=request.rid, t=request.t, ts=self.live.clock.real_now(), d=told)
        self._publish(topics.down(self.hall, unit, "rep"), reply)

    def _news(self, unit: str, request: messages.Request) -> dict[str, object]:
        """Send again what the unit lacks; what that is."""
        wanted, birth = self.devices.book.config_of(unit), self.presence.of(unit).birth
        found = lacking(request, self.screens, wanted, birth, self._leases.held(unit))
        if found.told["forget"] and birth is not None:
            self._leases.keep(unit, birth.outbox.ep)
        for board in found.boards:
            self.guard.count("boards_again")
            self._publish(topics.board(self.hall, board.board), board, retain=True)
        if found.config is not None:
            self._publish(topics.down(self.hall, unit, "cfg"), found.config, retain=True)
        return found.told

    def _where(self, request: messages.Request) -> dict[str, object]:
        """Where the ticket stands that somebody at the unit's kiosk asks about."""
        live, asked = self.live, asked_in(request.d)
        stands = progress.answer(live.hall, asked, live.clock.now(), live.lookout.now(), self.settings.zone)
        told: dict[str, object] = to_builtins(stands)
        return told

    def _on_echo(self, payload: bytes) -> None:
        """Our own state came back: the broker carries what we say, and to us."""
        try:
            if payload and decode(payload, messages.ControllerState).gen == self.gen:
                self._echoed_at = time.monotonic()
        except BadMessage:
            self.guard.count("ignored")  # of another version; our own next one replaces it

    def _ask_numbers(self, unit: str, command: AboutNumbers) -> None:
        self._post_quietly(
            lambda: self.live.post(command, unit_actor(unit)), lambda: self._leases.failed(unit, command)
        )

    # --- from the hall, on the writer's thread

    def _on_committed(self, committed: Committed) -> None:
        now_s = time.monotonic()
        self._courier.add(committed.orders, now_s, self._pressed)
        self._pressed.clear()
        if not self._announce:
            self._send_orders(committed.orders)
        self._showing.committed(committed, now_s)
        self._wake.set()

    # --- the loop

    def _run(self) -> None:
        """What can wait a moment: acks, boards on which much meets, what is sent again."""
        while not self._stopping.is_set():
            self._wake.wait(self.settings.board_every_s if self.screens.is_dirty else IDLE_S)
            self._stopping.wait(TOGETHER_S)
            self._wake.clear()
            self.guard.run("bus.step", self._step)

    def _step(self) -> None:
        now_s = time.monotonic()
        if self._announce and self.session.is_up:
            self._announce = False
            self._announce_all(now_s)
        self._send_acks()
        self._send_orders()
        for unit, result in self._results.due(now_s):
            self._settle(result, unit, is_sure=True)
        if self.screens.is_dirty:
            self._showing.refresh(now_s)
        if now_s >= self._upkeep_at:
            self._upkeep_at = now_s + UPKEEP_S
            self._upkeep(now_s)

    def _announce_all(self, now_s: float) -> None:
        """What a new connection needs: our state, every configuration, every board, every order."""
        self._publish(topics.controller_state(self.hall), self._state(is_online=True), retain=True)
        self._configs.clear()
        self._configs_of = None
        self._send_configs()
        self._showing.again()
        self._courier.again(now_s)
        self._intake.ack_all()

    def _send_acks(self) -> None:
        if self.session.is_up:
            for due in self._intake.acks():
                self._send_ack(due)

    def _send_ack(self, due: Due) -> None:
        unit, epoch, hi, miss = due
        hi = min(hi, self.live.heard_up_to(unit, epoch))  # a gap passed over is no commit yet
        ack = messages.Ack(ep=epoch, hi=hi, miss=list(miss))
        # Lost, it is given again when the unit sends again; at QoS 1 it would cost a PUBACK for each press.
        self.session.publish(topics.down(self.hall, unit, "ack"), encode(ack), qos=0)

    def _send_orders(self, among: Iterable[PendingOrder] | None = None) -> None:
        if self.session.is_up:
            for unit, command in self._courier.due(time.monotonic(), self._may_be_here, among):
                self._publish(topics.down(self.hall, unit, "cmd"), command)

    def _may_be_here(self, unit: str) -> bool:
        """A unit that is gone gets its orders when it is born again; one that is two gets none."""
        return (
            not self._troubles.is_cloned(unit)
            and self.presence.status(unit, time.monotonic()) is not Status.OFFLINE
        )

    def _send_configs(self) -> None:
        """Each unit's whole configuration, retained; taken away from units that are shut out."""
        book = self.devices.book
        if not self.session.is_up or book is self._configs_of:
            return
        self._configs_of = book
        for unit in book.units.values():
            config = book.config_of(unit.id)
            payload = encode(config) if config is not None else b""
            if unit.hall == self.hall and self._configs.get(unit.id) != payload:
                self._configs[unit.id] = payload
                self.session.publish(topics.down(self.hall, unit.id, "cfg"), payload, retain=True)

    def _upkeep(self, now_s: float) -> None:
        self._say_state(now_s)
        self._retry_and_ask(now_s)
        self._expire(now_s)
        self._troubles.watch(now_s)
        if self.devices.refresh():
            self.devices.sync_accounts()
        self._send_configs()
        self.screens.touch_late()
        if now_s >= self._redraw_at:
            self._redraw_at = now_s + REDRAW_S
            self.screens.touch_all()
            self._leases.ask_again()
            self._quarantine.forget(now_s)
        self._watch_day()

    def _say_state(self, now_s: float) -> None:
        """Say now and then that we are there; a connection on which we do not hear it ourselves is dead."""
        if not self.session.is_up or now_s < self._state_at:
            return
        self._state_at = now_s + STATE_EVERY_S
        if now_s - self._echoed_at > ECHO_LOST_S:
            self._echoed_at = now_s
            self.session.renew("the broker does not bring back what the controller says")
        else:
            self._publish(topics.controller_state(self.hall), self._state(is_online=True), retain=True)

    def _retry_and_ask(self, now_s: float) -> None:
        for gap in self._intake.retry(now_s, self.settings.reorder_wait_s):
            self.guard.count("asked_again")
            self._send_ack(gap)

    def _expire(self, now_s: float) -> None:
        late = self._courier.expired(now_s)
        if late:
            self.guard.count("orders_expired", len(late))
        for order in late:
            self._settle((order.cid, ResultState.EXPIRED, "no_answer"), order.unit, is_sure=False)

    def _settle(self, result: Settled, unit: str, *, is_sure: bool) -> None:
        """Note what became of an order, and what one that is out of time says about its slip."""
        cid, state, _ = result
        is_late = state is ResultState.EXPIRED
        meaning = meanings.of_expired(self.live.hall, cid, unit, is_sure=is_sure) if is_late else None
        command = meaning.command if meaning else None
        self._post_quietly(lambda: self.live.post(command, unit_actor(unit), settle=[result]))

    def _watch_day(self) -> None:
        """A new service day: units hear its date and get new leases."""
        hall = self.live.hall
        day = hall.day.date if hall.day else None
        if day == self._day:
            return
        self._day = day
        self._publish(topics.controller_state(self.hall), self._state(is_online=True), retain=True)
        for unit, seen in self.presence.all().items():
            if seen.birth is not None:
                self._leases.keep(unit, seen.birth.outbox.ep)

    # --- small steps

    def _state(self, *, is_online: bool) -> messages.ControllerState:
        day = self.live.hall.day
        return messages.ControllerState(
            online=is_online,
            gen=self.gen,
            ts=self.live.clock.real_now(),
            day=day.date.isoformat() if day else "",
        )

    def _say_board(self, name: str, payload: bytes) -> bool:
        return self.session.publish(topics.board(self.hall, name), payload, retain=True)

    def _publish(self, topic: str, message: Struct, *, retain: bool = False) -> None:
        self.session.publish(topic, encode(message), retain=retain)

    def _record(self, row: Record) -> None:
        self._post_quietly(lambda: self.live.post(None, SYSTEM, records=[row]))

    def _post_quietly(
        self, post: Callable[[], Future[Answer]], failed: Callable[[], None] = lambda: None
    ) -> None:
        """Post what nobody waits for; what goes wrong is counted and logged, and `failed` called."""
        try:
            post().add_done_callback(lambda done: self._note_failure(done, failed))
        except NotRunning:
            self.guard.count("after_stop")

    def _note_failure(self, done: Future[Answer], failed: Callable[[], None]) -> None:
        error = done.exception()
        if error is not None:
            failed()
        if error is not None and not isinstance(error, Refused):
            self.guard.count("not_posted")
            _logger.error("hall %s: a row could not be stored: %s", self.hall, error)


def _screens(live: Live, settings: Settings, gen: int) -> Screens:
    return Screens(
        lambda: live.hall,
        live.clock.now,
        gen,
        every_s=settings.board_every_s,
        time_zone=settings.time_zone,
        forecast=live.lookout.latest,
        said=live.announcements.said,
        shows=live.shows,
    )


def _deadlines(settings: Settings) -> Deadlines:
    return Deadlines(settings.heartbeat_lost_s, settings.suspect_after_s, settings.offline_after_s)
