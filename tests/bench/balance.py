"""The dispatch rule in an independent benchmark of service halls, when one is given.

BALANCE_BENCH=<folder with its run.py> make bench ARGS=balance

BALANCE_PYTHON names an interpreter of the same version that has the benchmark's own requirements (numpy);
`python3` unless told. The benchmark prints its tables itself and compares every policy with FIFO.
"""

from __future__ import annotations

import os
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from tests.bench.table import Row

ROOT = Path(__file__).parents[2]
DAYS = "10"  # of each scenario; the interval of a ratio is then about 0.05


def is_given() -> bool:
    return "BALANCE_BENCH" in os.environ


def measure(folder: Path) -> Iterator[list[Row]]:
    """Run the benchmark with the product's adapter; one row says whether it came to its end."""
    folder.mkdir(parents=True)
    bench = Path(os.environ["BALANCE_BENCH"])
    python = os.environ.get("BALANCE_PYTHON", "python3")
    paths = (ROOT, ROOT / "tests" / "bench", sysconfig.get_path("platlib"))
    asked = ["--adapter", "balance_adapter:Adapter", "--seeds", DAYS, "--out", str(folder / "results.json")]
    done = subprocess.run(
        [python, str(bench / "run.py"), *asked, "--no-estimates", "--no-small"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))},
        check=False,
    )
    yield [Row("balancing benchmark", "tables above" if done.returncode == 0 else f"exit {done.returncode}")]
