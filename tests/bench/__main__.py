"""`make bench`: the figures of docs/benchmarks.md, measured on this machine in one run.

python -m tests.bench [--small] [NAME ...]  without a name: all of BENCHES
--small: those of SMALLER with less of everything
`balance` is there only when BALANCE_BENCH names its folder (balance.py).
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench import (
    balance,
    citizens,
    engine,
    history,
    partition,
    press,
    reports,
    screens,
    size,
    streams,
    syncs,
    web,
)
from tests.bench.table import Row

Rows = list[Row]
BENCHES: dict[str, Callable[[Path], Iterator[Rows]]] = {
    "press": lambda folder: (press.measure(folder / broker, broker) for broker in ("mosquitto", "nats")),
    "web": lambda folder: iter([web.measure(folder)]),
    "streams": lambda folder: iter([streams.measure(folder)]),
    "screens": screens.measure,
    "citizens": citizens.measure,
    "engine": lambda folder: iter([engine.measure()]),
    "partition": lambda folder: iter([partition.measure(folder)]),
    "syncs": lambda folder: iter([syncs.measure(folder)]),
    "size": lambda folder: iter([size.measure(folder)]),
    "history": history.measure,
    "reports": reports.measure,
} | ({"balance": balance.measure} if balance.is_given() else {})


SMALLER = {"citizens": lambda folder: citizens.measure(folder, citizens.SMALL)}


def main(names: list[str]) -> int:
    benches = BENCHES | (SMALLER if "--small" in names else {})
    names = [name for name in names if name != "--small"]
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        print(f"bench: there is no {unknown[0]!r}; there are {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    load = f"load {os.getloadavg()[0]:.1f}"
    print(f"{platform.machine()}, {os.cpu_count()} cores, {load}, Python {platform.python_version()}")
    print("\n| what | figure | bar |\n|---|---|---|")
    met: list[bool] = []
    with tempfile.TemporaryDirectory(prefix="servicehall-bench-") as folder:
        for name in names or BENCHES:
            for rows in benches[name](Path(folder) / name):
                for row in rows:
                    print(row, flush=True)
                met += [row.bar.is_met for row in rows if row.bar is not None]
    print(f"\n{sum(met)} of {len(met)} bars met")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
