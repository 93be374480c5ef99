"""`make rig-gpio`: the button's and the lamp's drivers on real lgpio, at the pins of a simulated chip.

python -m tests.hardware.gpio [--pushes 20] [--cache var/rigs/arm64]

Boots an emulated arm64 board with 512 MB, makes contacts at its pins and times what comes of them: a bare
gpiozero callback, the driver's report, the message of `servicehall node` at another client of the broker.
Ends with 1 when a push was lost, made up or counted twice, or when a bar is missed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from tests.bench.rig import Spread
from tests.bench.table import Bar, Row, at_most
from tests.hardware import board

RIG = "rig-gpio"
TIMEOUT_S = 900.0
PUBLISH_RATIO = 2
COUNTED = {"bouncing": 1, "flicker": 0, "twice": 1}  # pushes that each kind of contact is
KINDS = {
    "bouncing": "pushes that bounce before and after",
    "flicker": "contacts too short for a push",
    "twice": "pushes twice within 0.8 s",
}


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(RIG, description=__doc__)
    parser.add_argument("--pushes", type=int, default=20)
    parser.add_argument("--cache", type=Path, default=board.REPOSITORY / "var/rigs/arm64")
    words = parser.parse_args(argv)
    made = board.prepare(RIG, words.cache, "tests.hardware.gpio.guest")
    times: dict[str, list[float]] = {}
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="rig-gpio-") as name:
        job = board.job_folder(Path(name))
        (job / "pushes.txt").write_text(str(words.pushes))
        for said in board.run(RIG, made, job, TIMEOUT_S):
            if said["what"] == "contacts":
                rows.append(_counted(said["kind"], said["made"], said["pressed"]))
            else:
                times[said["what"]] = said["seconds"]
    rows += _timed(times)
    for row in rows:
        print(row)
    return 0 if all(row.bar is None or row.bar.is_met for row in rows) else 1


def _counted(kind: str, made: int, pressed: int) -> Row:
    wanted = made * COUNTED[kind]
    return Row(f"{made} {KINDS[kind]}", f"{pressed} counted", Bar(f"{pressed} = {wanted}", pressed == wanted))


def _timed(times: dict[str, list[float]]) -> list[Row]:
    bare, published = (statistics.median(times[what]) for what in ("bare", "published"))
    return [
        Row("lamp ordered to the pin's level", str(Spread.of(times["lamp"]))),
        Row("edge to a bare gpiozero callback", str(Spread.of(times["bare"]))),
        Row("edge to the driver's report", str(Spread.of(times["driver"]))),
        Row("a message through the broker", str(Spread.of(times["hop"]))),
        Row(
            "edge to the node's message at another client",
            str(Spread.of(times["published"])),
            at_most(published / bare, PUBLISH_RATIO, "x"),
        ),
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
