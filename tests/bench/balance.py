"""The dispatch rule and the waits told, in an independent benchmark of service halls, when one is given.

BALANCE_BENCH=<folder with its run.py> make bench ARGS=balance

BALANCE_DAYS days of each scenario are played (6 unless told; 30 give the figures of docs/benchmarks.md), once
by FIFO and once by the product; balance_days.py plays them. BALANCE_LINES names the file that keeps them, so
that a run that was ended goes on. BALANCE_PYTHON names an interpreter of the same version that has the
benchmark's own requirements (numpy); `python3` unless told.

A ratio is to FIFO on the same day. A bar is met when the upper end of the 95 % interval meets it: of paired
ratios (Student's t), or of a ratio of sums where single days are too small (Cochran, Sampling Techniques, 3rd
ed., 6.4).
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import Any

from controller.trials.compare import margin
from tests.bench.table import Bar, Row, at_least

ROOT = Path(__file__).parents[2]
DAYS = "6"
Line = dict[str, Any]
Interval = tuple[float, float]  # mean and half of the 95 % interval

MEAN = {"county_peak": 0.90, "city": 0.85, "city_monday": 0.85, "integrated": 0.92, "stress": 1.00}
P95 = {"city": 1.00, "city_monday": 1.00, "integrated": 1.12, "stress": 1.12}
OF_SUMS = {"max": 1.25, "p95_priority": 0.30, "p95_appointment": 0.60}
OVERTAKES = {"same_p99": 5.0, "same_max": 10.0}
ERRORS = {"city": ("QL-naive", 0.75), "city_monday": ("QL-naive", 0.75), "stress": ("QL", 1.00)}
ADVISED = {"open": 0.90, "skill": 0.60}
LONGEST = "longest wait"
ADVISERS = {
    "before": "advised before the day",
    "after": "advised after it, from its log",
    LONGEST: "the section that waited longest",
}
HELD = (0.75, 0.88)
SAID = {
    "max": "longest wait",
    "p95_priority": "green, p95",
    "p95_appointment": "appointments, p95",
    "same_p99": "overtakes in the section, p99",
    "same_max": "the same, mean of each day's most",
}


def is_given() -> bool:
    return "BALANCE_BENCH" in os.environ


def measure(folder: Path) -> Iterator[list[Row]]:
    """Play the days and hold them against the bars."""
    folder.mkdir(parents=True)
    kept = Path(os.environ.get("BALANCE_LINES", folder / "lines.json")).absolute()
    paths = (ROOT, ROOT / "tests" / "bench", sysconfig.get_path("platlib"))
    program = ROOT / "tests" / "bench" / "balance_days.py"
    asked = [os.environ["BALANCE_BENCH"], str(kept), os.environ.get("BALANCE_DAYS", DAYS)]
    subprocess.run(
        [os.environ.get("BALANCE_PYTHON", "python3"), str(program), *asked],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))},
        check=True,
    )
    lines: dict[str, list[Line]] = {}
    for text in kept.read_text().splitlines():
        line = json.loads(text)
        lines.setdefault(line["scenario"], []).append(line)
    for scenario, days in lines.items():
        yield list(SORTS.get(scenario.split()[0], _rows)(scenario, days))


def _rows(scenario: str, days: list[Line]) -> Iterator[Row]:
    name = f"{scenario}, {len(days)} days"
    if scenario != "county45":  # hardly anybody waits there
        yield from _against_fifo(name, scenario, days)
    for what, limit in OVERTAKES.items() if scenario in MEAN else ():
        yield _row(f"{name}: {SAID[what]}", _mean([day["product"][what] for day in days]), limit)
    if "waits product" in days[0]:
        yield from _told(name, scenario, days)


def _against_fifo(name: str, scenario: str, days: list[Line]) -> Iterator[Row]:
    for what, limits in (("mean", MEAN), ("p95", P95)):
        ratios = [day["product"][what] / day["fifo"][what] for day in days if day["fifo"][what] > 0]
        yield _row(f"{name}: {what} wait / FIFO", _mean(ratios), limits.get(scenario))
    for what, limit in OF_SUMS.items() if scenario in MEAN else ():
        ratio = _ratio([(day["product"][what], day["fifo"][what]) for day in days])
        yield _row(f"{name}: {SAID[what]} / FIFO", ratio, limit)


def _told(name: str, scenario: str, days: list[Line]) -> Iterator[Row]:
    known, most = ERRORS.get(scenario, (None, None))
    for other in ("QL-naive", "QL"):
        errors = _ratio([(day["waits product"]["mae"], day[f"waits {other}"]["mae"]) for day in days])
        yield _row(f"{name}: error of a wait told / {other}", errors, most if other == known else None)
    held = _mean([day["waits product"]["cover"] for day in days])
    width_min = _mean([day["waits product"]["width"] / 60.0 for day in days])[0]
    bar = Bar(f"{HELD[0]:.0%} to {HELD[1]:.0%}", HELD[0] <= held[0] <= HELD[1])
    yield Row(f"{name}: within P10-P90", f"{held[0]:.1%} +- {held[1]:.1%}, {width_min:.1f} min wide", bar)


def _advised(scenario: str, days: list[Line]) -> Iterator[Row]:
    for kind, least in ADVISED.items():
        best = mean(day[kind]["best"] for day in days) / 60.0
        for who, what in ADVISERS.items():
            share, half = _ratio([(day[kind][who], day[kind]["best"]) for day in days])
            bar = at_least(share, least) if who != LONGEST else None
            figure = f"{share:.2f} +- {half:.2f} of {best:.1f} min"
            yield Row(f"{scenario}, {len(days)} days: share of the best {kind}, {what}", figure, bar)


def _costs(_: str, days: list[Line]) -> Iterator[Row]:
    for day in days:
        other = next(name for name in day if name not in ("scenario", "day", "product"))
        ours, theirs = day["product"], day[other]
        bar = Bar(f"{ours / theirs:.2f} x {other} <= 1", ours <= theirs)
        yield Row(f"processor time of one {day['day']}", f"{ours * 1e6:.0f} us, {theirs * 1e6:.0f} us", bar)


def _row(what: str, found: Interval, limit: float | None) -> Row:
    middle, half = found
    bar = None if limit is None else Bar(f"{middle + half:.3f} <= {limit:g}", middle + half <= limit)
    return Row(what, f"{middle:.3f} +- {half:.3f}", bar)


def _mean(values: list[float]) -> Interval:
    off = margin(values)
    return mean(values), math.inf if off is None else off


def _ratio(pairs: list[tuple[float, float]]) -> Interval:
    """Sum over sum, and the interval of that ratio; days of which either is unknown do not count."""
    pairs = [both for both in pairs if not any(math.isnan(one) for one in both)]
    ratio = sum(over for over, _ in pairs) / sum(under for _, under in pairs)
    off = margin([over - ratio * under for over, under in pairs])
    return ratio, math.inf if off is None else off / mean(under for _, under in pairs)


SORTS = {"cost": _costs, "advice": _advised}  # of scenarios; days against FIFO are all others
