"""Taking a ticket and calling the next over HTTP, beside a bare POST with one durable row."""

from __future__ import annotations

import statistics
import threading
from collections.abc import Sequence
from pathlib import Path

from tests.bench.bare_web import bare_web
from tests.bench.clerk import Clerk, Kiosk
from tests.bench.rig import Controller, Spread, controller
from tests.bench.table import Row, at_least, at_most

ROUNDS = 5
WAITING = (100, 10_000)
TAKES, CALLS = 300, 150  # of one client in a round
CLIENTS = 8
EACH = 18  # of each of the eight clients in a round: together as many are called as came


def measure(folder: Path) -> list[Row]:
    return [row for waiting in WAITING for row in _measure(folder / str(waiting), waiting)]


def _measure(folder: Path, waiting: int) -> list[Row]:
    with (
        controller(folder / "hall", waiting, "mosquitto", CLIENTS) as hall,
        bare_web(folder / "bare", hall.settings.http_threads) as port,
        bare_web(folder / "flask", hall.settings.http_threads, "flask_app") as flask_port,
    ):
        clients = _Clients(hall, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{flask_port}")
        clients.round()
        rounds = [clients.round() for _ in range(ROUNDS)]
    mid = {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
    return [
        Row(
            f"{waiting:,} waiting: bare POST, one client",
            f"{mid['bare rate']:.0f}/s, p99 {mid['bare 1']:.2f} ms",
        ),
        Row(f"{waiting:,} waiting: bare POST, eight clients", f"p99 {mid['bare 8']:.2f} ms"),
        Row(
            f"{waiting:,} waiting: the same as a view of Flask, one client",
            f"{mid['flask rate']:.0f}/s, p99 {mid['flask 1']:.2f} ms; eight: p99 {mid['flask 8']:.2f} ms; "
            f"take {mid['take flask']:.2f} x, call p99 {mid['call 1 flask']:.2f} x and "
            f"{mid['call 8 flask']:.2f} x of it",
        ),
        Row(
            f"{waiting:,} waiting: take a ticket",
            f"{mid['take rate']:.0f}/s",
            at_least(mid["take ratio"], 0.6, "x bare"),
        ),
        Row(
            f"{waiting:,} waiting: call next, one client, p99",
            f"{mid['call 1']:.2f} ms",
            at_most(mid["call 1 ratio"], 3, "x bare"),
        ),
        Row(
            f"{waiting:,} waiting: call next, eight clients, p99",
            f"{mid['call 8']:.2f} ms",
            at_most(mid["call 8 ratio"], 3, "x bare"),
        ),
    ]


class _Clients:
    def __init__(self, hall: Controller, bare: str, flask: str) -> None:
        self._bare = [Kiosk(bare, None) for _ in range(CLIENTS)]
        self._flask = [Kiosk(flask, None) for _ in range(CLIENTS)]
        self._kiosk = Kiosk(hall.settings.web_url, "A")
        self._clerks = [Clerk(hall, window) for window in range(1, CLIENTS + 1)]

    def round(self) -> dict[str, float]:
        """Rates a second and p99s in milliseconds, bare and real in turn."""
        bare, took = _alone(self._bare[0], TAKES), _alone(self._kiosk, TAKES)
        flask, call = _alone(self._flask[0], CALLS), _alone(self._clerks[0], CALLS)
        bare_8 = _together(self._bare)
        flask_8 = _together(self._flask)
        call_8 = _together(self._clerks)
        return {
            "bare rate": len(bare) / sum(bare),
            "take rate": len(took) / sum(took),
            "take ratio": len(took) / sum(took) / (len(bare) / sum(bare)),
            **_against("1", Spread.of(bare), Spread.of(call)),
            **_against("8", Spread.of(bare_8), Spread.of(call_8)),
            "flask rate": len(flask) / sum(flask),
            "take flask": len(took) / sum(took) / (len(flask) / sum(flask)),
            "flask 1": Spread.of(flask).p99,
            "flask 8": Spread.of(flask_8).p99,
            "call 1 flask": Spread.of(call).p99 / Spread.of(flask).p99,
            "call 8 flask": Spread.of(call_8).p99 / Spread.of(flask_8).p99,
        }


def _against(name: str, bare: Spread, call: Spread) -> dict[str, float]:
    return {f"bare {name}": bare.p99, f"call {name}": call.p99, f"call {name} ratio": call.p99 / bare.p99}


def _alone(client: Kiosk | Clerk, times: int) -> list[float]:
    client.renew()
    return [client.act() for _ in range(times)]


def _together(clients: Sequence[Kiosk | Clerk]) -> list[float]:
    times: list[float] = []
    threads = [threading.Thread(target=lambda one=one: times.extend(_alone(one, EACH))) for one in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times
