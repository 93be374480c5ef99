"""The bare pipeline: the smallest honest program with the same reads, writes and messages as ours.

A device commits a press durably and publishes it; one script takes all that has come, commits it in one
transaction and publishes an answer to each device. No rules, no retries, no acks: what is left of our
times above these is what the product adds. Each press carries the clock (CLOCK_MONOTONIC is one clock for
all processes), so that the parts of the path are known as well as the whole.
"""

from __future__ import annotations

import json
import queue
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from tests.bench.pace import DEVICES, begin, flood, groups, paced, soon
from tests.bench.rig import Crew, Spread, wait_for

PAD = "x" * 120  # makes a press about as long as ours


@dataclass(slots=True)
class Parts:
    """Seconds of every press: commits on device and controller, each way through the broker, the whole."""

    node: list[float] = field(default_factory=list)
    controller: list[float] = field(default_factory=list)
    way: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)

    def least(self) -> tuple[float, float]:
        """2B + Fn + Fc in milliseconds: of their medians, and of their p99s."""
        way, node, controller = Spread.of(self.way), Spread.of(self.node), Spread.of(self.controller)
        return 2 * way.p50 + node.p50 + controller.p50, 2 * way.p99 + node.p99 + controller.p99


class Bare:
    """The processes of the pipeline, on a broker that lets everybody in."""

    def __init__(self, folder: Path, port: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._controller = Crew(_controller, [(folder, port)])
        self._devices = Crew(_devices, [(folder, port, numbers) for numbers in groups()])

    def paced(self, rate: float, seconds: float) -> Parts:
        answers: list[list[dict[str, Any]]] = self._devices.ask(("paced", soon(), rate, seconds))
        return _parts([one for answer in answers for one in answer])

    def flood(self, each: int) -> float:
        """Presses a second that came all the way, of `each` per device as fast as they go."""
        start = soon()
        ends: list[float] = self._devices.ask(("flood", start, each, 0.0))
        return each * DEVICES / (max(ends) - start)

    def stop(self) -> None:
        self._devices.stop()
        self._controller.stop()


def connected(name: str, port: int, topic: str, heard: Callable[[bytes], None]) -> Client:
    """A client that is subscribed."""
    client = Client(CallbackAPIVersion.VERSION2, client_id=name)
    ready = threading.Event()
    client.on_socket_open = _without_delay
    client.max_inflight_messages_set(200)
    client.on_connect = lambda c, *rest: c.subscribe(topic, 0)
    client.on_subscribe = lambda *rest: ready.set()

    def arrived(_client: Client, _data: Any, message: MQTTMessage) -> None:
        heard(bytes(message.payload))

    client.on_message = arrived
    client.connect("127.0.0.1", port, 60)
    client.loop_start()
    wait_for(ready.is_set, 10)
    return client


def _without_delay(client: Client, data: Any, sock: Any) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def database(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    db.execute("pragma journal_mode=wal")
    db.execute("pragma synchronous=full")
    db.execute("create table if not exists event(id integer primary key, device text, body text, at real)")
    return db


# --- the controller's process


def _controller(pipe: Any, folder: Path, port: int) -> None:
    came: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
    client = connected("bare", port, "press/#", lambda payload: came.put((time.monotonic(), payload)))
    db = database(folder / "controller.db")
    threading.Thread(target=_serve, args=(client, db, came), daemon=True).start()
    pipe.send("ready")
    pipe.recv()


def _serve(client: Client, db: sqlite3.Connection, came: queue.SimpleQueue[tuple[float, bytes]]) -> None:
    number = 0
    while True:
        batch = [came.get()]
        while not came.empty():
            batch.append(came.get())
        began, presses = time.monotonic(), []
        db.execute("begin immediate")
        for at, payload in batch:
            press = json.loads(payload)
            db.execute(
                "insert into event(device, body, at) values (?, ?, ?)",
                (press["device"], payload, press["at"]),
            )
            presses.append((at, press))
        db.execute("commit")
        took = time.monotonic() - began
        for at, press in presses:
            number += 1
            answer = {**press, "number": f"A{number}", "came": at, "commit": took, "left": time.monotonic()}
            client.publish(f"shown/{press['device']}", json.dumps(answer), 1)


# --- the devices' process


class _Device:
    def __init__(self, number: int, folder: Path, port: int, shown: Callable[[dict[str, Any]], None]) -> None:
        self.number, self._name, self._shown = number, f"d{number}", shown
        self._db = database(folder / f"{self._name}.db")
        self._client = connected(self._name, port, f"shown/{self._name}", self._heard)
        self._presses = 0
        self._answered = threading.Semaphore(0)

    def press(self, began: float) -> None:
        """Commit, then publish."""
        self._presses += 1
        press = {"device": self._name, "n": self._presses, "at": began, "pad": PAD}
        self._db.execute(
            "insert into event(device, body, at) values (?, ?, ?)", (self._name, json.dumps(press), began)
        )
        self._client.publish(f"press/{self._name}", json.dumps({**press, "stored": time.monotonic()}), 1)

    def wait(self) -> None:
        self._answered.acquire(timeout=10)

    def _heard(self, payload: bytes) -> None:
        now, answer = time.monotonic(), json.loads(payload)
        self._shown({**answer, "shown": now})
        self._answered.release()


def _devices(pipe: Any, folder: Path, port: int, numbers: Sequence[int]) -> None:
    begin()
    shown: list[dict[str, Any]] = []
    devices = [_Device(number, folder, port, shown.append) for number in numbers]
    pipe.send("ready")
    while (asked := pipe.recv()) is not None:
        shown.clear()
        what, start, amount, seconds = asked
        if what == "paced":
            paced(devices, start, amount, seconds)
            pipe.send(shown)
        else:
            pipe.send(flood(devices, start, amount, lambda: len(shown)))


def _parts(shown: Sequence[dict[str, Any]]) -> Parts:
    return Parts(
        node=[one["stored"] - one["at"] for one in shown],
        controller=[one["commit"] for one in shown],
        way=[one["came"] - one["stored"] for one in shown] + [one["shown"] - one["left"] for one in shown],
        whole=[one["shown"] - one["at"] for one in shown],
    )
