"""From a press to what people see, beside the bare pipeline: fifty devices, two hundred presses a second."""

from __future__ import annotations

import os
import pwd
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from controller.broker import program
from controller.settings import Settings
from tests.bench.bare import Bare, Parts
from tests.bench.pace import DEVICES
from tests.bench.rig import Spread, controller, free_port, listening
from tests.bench.table import Row, at_least, at_most
from tests.bench.units import Units

RATE = 200.0  # presses a second
SECONDS = 4.0  # of one round
ROUNDS = 5
EACH = 60  # presses of every device when they come as fast as they go
WAITING = 1000


def measure(folder: Path, broker: str) -> list[Row]:
    """Bare and real rounds in turn, so that whatever else the machine does meets both."""
    with (
        bare_broker(folder / "bare", broker) as port,
        controller(folder / "hall", WAITING, broker, DEVICES) as hall,
    ):
        bare, units = Bare(folder / "bare", port), Units(hall)
        try:
            rounds = [_round(bare, units) for _ in range(ROUNDS)]
        finally:
            units.stop()
            bare.stop()
    return _rows(rounds, broker)


def _round(bare: Bare, units: Units) -> dict[str, float]:
    """The figures of one round, in milliseconds or presses a second, and their ratios."""
    parts = bare.paced(RATE, SECONDS)
    slips = Spread.of(units.slips(RATE, SECONDS))
    calls = Spread.of(units.calls(RATE, SECONDS))
    flood, bare_flood = units.flood(EACH), bare.flood(EACH)
    return {**_parts(parts), **_against(parts, slips, "slips"), **_against(parts, calls, "calls")} | {
        "bare flood": bare_flood,
        "flood": flood,
        "flood ratio": flood / bare_flood,
    }


def _parts(parts: Parts) -> dict[str, float]:
    p50, p99 = parts.least()
    whole = Spread.of(parts.whole)
    return {
        "B": Spread.of(parts.way).p50,
        "Fn": Spread.of(parts.node).p50,
        "Fc": Spread.of(parts.controller).p50,
        "least p50": p50,
        "least p99": p99,
        "bare p50": whole.p50,
        "bare p99": whole.p99,
    }


def _against(parts: Parts, ours: Spread, name: str) -> dict[str, float]:
    p50, p99 = parts.least()
    return {
        f"{name} p50": ours.p50,
        f"{name} p99": ours.p99,
        f"{name} p50 ratio": ours.p50 / p50,
        f"{name} p99 ratio": ours.p99 / p99,
    }


def _rows(rounds: list[dict[str, float]], broker: str) -> list[Row]:
    mid = {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
    is_barred = broker == "mosquitto"
    rows = [
        Row(
            f"{broker}: bare pipeline, {RATE:.0f} presses/s",
            f"B {mid['B']:.2f}, Fn {mid['Fn']:.2f}, Fc {mid['Fc']:.2f} ms; 2B + Fn + Fc: p50 "
            f"{mid['least p50']:.2f}, p99s {mid['least p99']:.2f} ms; whole p50 {mid['bare p50']:.2f}, "
            f"p99 {mid['bare p99']:.2f} ms",
        )
    ]
    for name, what in (("slips", "button -> slip order"), ("calls", "call key -> window board")):
        rows += [
            Row(
                f"{broker}: {what}, p50",
                f"{mid[f'{name} p50']:.2f} ms",
                at_most(mid[f"{name} p50 ratio"], 1.5, "x (2B + Fn + Fc)"),
            ),
            Row(
                f"{broker}: {what}, p99",
                f"{mid[f'{name} p99']:.2f} ms",
                at_most(mid[f"{name} p99 ratio"], 3, "x the sum of p99s"),
            ),
        ]
    bar = at_least(mid["flood ratio"], 0.5, "x bare") if is_barred else None
    figure = f"{mid['flood']:.0f}/s, bare {mid['bare flood']:.0f}/s ({mid['flood ratio']:.2f} x)"
    return [*rows, Row(f"{broker}: presses as fast as they go", figure, bar)]


@contextmanager
def bare_broker(folder: Path, kind: str) -> Iterator[int]:
    """A broker of the kind with its defaults, no accounts and no limits; its MQTT port."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = _mosquitto(folder, port) if kind == "mosquitto" else _nats(folder, port)
    with listening(command, port, folder / "broker.log"):
        yield port


def _mosquitto(folder: Path, port: int) -> list[str]:
    config = folder / "mosquitto.conf"
    user = pwd.getpwuid(os.getuid()).pw_name
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nuser {user}\nset_tcp_nodelay true\n"
        "max_inflight_messages 500\nmax_queued_messages 10000\n"
    )
    return [program(Settings(broker="mosquitto")), "-c", str(config)]


def _nats(folder: Path, port: int) -> list[str]:
    config = folder / "nats.conf"
    config.write_text(
        'server_name: bare\nlisten: "127.0.0.1:-1"\n'
        f'jetstream {{ store_dir: "{folder}/jetstream" }}\n'
        f'mqtt {{ host: "127.0.0.1", port: {port} }}\n'
    )
    return [program(Settings(broker="nats")), "-c", str(config)]
