"""The controller's end of the conversation, small: it speaks the real protocol over a real broker,
keeps what it was told, and acks like the real one - after having kept it, in order, once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from controller import broker as brokers
from controller.broker import Account, hash_secret
from controller.settings import Settings
from firmware.protocol import topics
from firmware.protocol.clock import UnitClock
from firmware.protocol.codec import decode, encode, raw
from firmware.protocol.guard import Guard
from firmware.protocol.link import Broker, Session, SessionTiming
from firmware.protocol.messages import (
    Ack,
    Birth,
    Board,
    Command,
    ControllerState,
    Envelope,
    Order,
    Reply,
    Request,
    Result,
    ResultState,
    Struct,
    UnitConfig,
    UnitState,
    decode_report,
)
from tests.controller.brokers import running, settings_for
from tests.deadlines import either
from tests.waiting import until

HALL, UNIT, SECRET = "hall", "node-1", "node-1-secret"
QUICK = either(
    SessionTiming(
        keepalive_s=2, connect_timeout_s=1.0, backoff_min_s=0.05, backoff_max_s=0.3, subscribe_again_s=0.3
    ),
    SessionTiming(),
)


@contextmanager
def broker_for(kind: str, folder: Path) -> Iterator[Settings]:
    """A running broker that knows the controller and node-1."""
    settings = settings_for(kind, folder)
    account = Account(UNIT, hash_secret(SECRET), topics.unit_rights(HALL, UNIT))
    brokers.set_accounts(settings, lambda: [account])
    with running(settings):
        yield settings


def unit_login(settings: Settings) -> Broker:
    return Broker("127.0.0.1", settings.mqtt_port, UNIT, SECRET)


class FarEnd:
    """Acks while `is_acking`; `events` are unique and in order, `arrivals` everything that came."""

    def __init__(self, settings: Settings, gen: int = 1) -> None:
        login = brokers.login(settings)
        self.gen = gen
        self.is_acking = True
        self.arrivals: list[Envelope] = []
        self.events: dict[tuple[str, int], Envelope] = {}
        self.said: list[tuple[str, Struct | bytes]] = []  # everything else, in order
        self.time: datetime | None = None  # what it answers to questions about time
        self.hall_clock: dict[str, Any] = {}  # and with it
        self.newer: dict[str, tuple[int, int]] | None = {}  # boards it says to have; None: no answer
        self._lock = threading.Lock()
        self.guard = Guard(logging.getLogger("far-end"))
        self.session = Session(
            Broker(login.host, login.port, login.user, login.password),
            "far-end",
            self.guard,
            on_message=self._on_message,
            on_up=self.appear,
            filters=topics.controller_rights().subscribe,
            timing=QUICK,
        )
        self.session.start()
        until(lambda: self.session.is_up, what="the far end is connected")

    def close(self) -> None:
        self.session.stop()

    # --- what it says

    def appear(self, day: str = "2026-11-23") -> None:
        state = ControllerState(online=True, gen=self.gen, ts=UnitClock().now(), day=day)
        self.session.publish(topics.controller_state(HALL), encode(state), retain=True)

    def leave(self) -> None:
        """Say goodbye, but listen on."""
        state = ControllerState(online=False, gen=self.gen, ts=UnitClock().now())
        self.session.publish(topics.controller_state(HALL), encode(state), retain=True)

    def order(self, cid: str, order: Order, *, gen: int | None = None, ttl_ms: int = 20_000) -> None:
        command = Command(
            cid=cid,
            t=type(order).__name__,
            gen=self.gen if gen is None else gen,
            iss=self.time or UnitClock().now(),
            ttl_ms=ttl_ms,
            d=raw(order),
        )
        self.down("cmd", encode(command))

    def raw_order(self, cid: str, kind: str, body: bytes = b"{}") -> None:
        """An order as no program of this version would send it."""
        command = Command(
            cid=cid, t=kind, gen=self.gen, iss=UnitClock().now(), ttl_ms=20_000, d=msgspec.Raw(body)
        )
        self.down("cmd", encode(command))

    def configure(self, config: UnitConfig) -> None:
        self.down("cfg", encode(config), retain=True)

    def show(self, board: Board) -> None:
        self.session.publish(topics.board(HALL, board.board), encode(board), retain=True)

    def ack(self, ep: str, hi: int, *miss: tuple[int, int]) -> None:
        self.down("ack", encode(Ack(ep=ep, hi=hi, miss=list(miss))))

    def down(self, leaf: str, payload: bytes, *, retain: bool = False) -> None:
        self.session.publish(topics.down(HALL, UNIT, leaf), payload, retain=retain)

    # --- what it heard

    def reports(self, kind: str = "") -> list[Struct]:
        """Reports in seq order, each once."""
        with self._lock:
            found = [self.events[key] for key in sorted(self.events)]
        return [decode_report(one) for one in found if not kind or one.t == kind]  # type: ignore[misc]

    def results(self, cid: str) -> list[Result]:
        return [one for leaf, one in self.heard() if isinstance(one, Result) and one.cid == cid]

    def ended(self, cid: str) -> Result | None:
        """The definite result of an order, once there is one."""
        return next((one for one in self.results(cid) if one.state is not ResultState.RECEIVED), None)

    def leaves(self) -> list[str]:
        return [leaf for leaf, _ in self.heard()]

    def heard(self) -> list[tuple[str, Struct | bytes]]:
        with self._lock:
            return list(self.said)

    def births(self) -> list[Birth]:
        return [one for _, one in self.heard() if isinstance(one, Birth)]

    def states(self) -> list[UnitState]:
        return [one for _, one in self.heard() if isinstance(one, UnitState)]

    def _on_message(self, topic: str, payload: bytes) -> None:
        origin = topics.origin(topic)
        if origin is None:  # its own state, back from the broker
            return
        if origin.leaf == "evt":
            self._take(decode(payload, Envelope))
            return
        kinds = {"birth": Birth, "state": UnitState, "res": Result, "req": Request}
        message = decode(payload, kinds[origin.leaf]) if origin.leaf in kinds else payload
        with self._lock:
            self.said.append((origin.leaf, message))
        if isinstance(message, Request):
            self._answer(message)

    def _answer(self, request: Request) -> None:
        if request.t == "news" and self.newer is not None:
            self.down("rep", encode(Reply(rid=request.rid, t="news", d={"boards": self.newer})))
        if request.t == "time" and self.time is not None:
            self.down("rep", encode(Reply(rid=request.rid, t="time", ts=self.time, d=self.hall_clock)))

    def _take(self, envelope: Envelope) -> None:
        with self._lock:
            self.arrivals.append(envelope)
            self.said.append(("evt", envelope))
            self.events[envelope.ep, envelope.seq] = envelope
            hi = 0
            while (envelope.ep, hi + 1) in self.events:
                hi += 1
        if self.is_acking:
            self.ack(envelope.ep, hi)


@contextmanager
def far_end(settings: Settings, gen: int = 1) -> Iterator[FarEnd]:
    found = FarEnd(settings, gen)
    try:
        yield found
    finally:
        found.close()
