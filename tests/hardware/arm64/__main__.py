"""`make rig-arm64`: the node on an emulated arm64 board with 512 MB: how much memory, how soon ready.

python -m tests.hardware.arm64 [--tickets 20] [--cache var/rigs/arm64]

Installs the wheel and the node's locked dependencies in an arm64 Debian, boots it, and lets `servicehall
node` there serve a unit of a controller on this machine, over TLS: pins of a simulated chip, and ptys for
the printer, the keypad, the bar and the loudspeaker. Ends with 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from controller.clock import real_now
from controller.devices import Devices
from controller.hall.model import Text
from controller.store import Store
from firmware.protocol.messages import UnitConfig
from tests.bench.rig import HALL, Controller
from tests.bench.table import Row, at_most
from tests.hardware import board
from tests.hardware.arm64 import unit

RIG = "rig-arm64"
TIMEOUT_S = 1200.0
OWN_MB, TREE_MB, READY_RATIO = 40, 100, 5


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(RIG, description=__doc__)
    parser.add_argument("--tickets", type=int, default=20)
    parser.add_argument("--cache", type=Path, default=board.REPOSITORY / "var/rigs/arm64")
    words = parser.parse_args(argv)
    made = board.prepare(RIG, words.cache, "tests.hardware.arm64.guest")
    with tempfile.TemporaryDirectory(prefix="rig-arm64-") as name:
        folder = Path(name)
        job = board.job_folder(folder)
        (job / "tickets.txt").write_text(str(words.tickets))
        hall = _hall(folder / "hall", job)
        hall.start()
        try:
            said = [_shown(one) for one in board.run(RIG, made, job, TIMEOUT_S)]
        finally:
            hall.stop()
    rows = _rows(said)
    for row in rows:
        print(row)
    return 0 if all(row.bar is None or row.bar.is_met for row in rows) else 1


def _hall(folder: Path, job: Path) -> Controller:
    """A controller with one window and the board's unit, whose settings are put into `job`."""
    folder.mkdir()
    _certify(folder)
    tls = {"cert": folder / "cert.pem", "key": folder / "key.pem", "ca": folder / "cert.pem"}
    more = "".join(f'mqtt_tls_{name} = "{file}"\n' for name, file in tls.items())
    hall = Controller(folder, waiting=0, broker="mosquitto", windows=1, more=more)
    store = Store.open(hall.settings.database_url, real_now())
    devices = Devices(store, hall.settings)
    config = UnitConfig(rev=0, position=unit.UNIT, devices=unit.devices("A", "zone-0", "w1"))
    devices.put_position(HALL, unit.UNIT, Text("取号机", "Dispenser"), config, real_now())
    token = devices.add_unit(HALL, unit.UNIT, real_now(), unit.UNIT)
    store.close()
    (job / "ca.pem").write_bytes(tls["ca"].read_bytes())
    settings = job / "unit.toml"
    settings.write_text(
        f'hall = "{HALL}"\nunit = "{unit.UNIT}"\ntoken = "{token}"\nca_file = "ca.pem"\n'
        f'broker = "mqtts://{board.HOST}:{hall.settings.mqtt_port}"\ndata_dir = "/run/node"\n'
    )
    settings.chmod(0o600)
    return hall


def _certify(folder: Path) -> None:
    names = f"subjectAltName=IP:127.0.0.1,IP:{board.HOST}"
    words = ["-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=rig", "-addext", names]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(["openssl", "req", "-x509", *words, *files], check=True, capture_output=True)


def _shown(said: dict[str, Any]) -> dict[str, Any]:
    figures = {key: round(one, 2) if isinstance(one, float) else one for key, one in said.items()}
    print(*(f"{key} {one}" for key, one in figures.items() if key != "what"), sep=", ", end="")
    print(f"  ({said['what']})", flush=True)
    return said


def _rows(said: list[dict[str, Any]]) -> list[Row]:
    def all_of(what: str, figure: str) -> list[float]:
        return [one[figure] for one in said if one["what"] == what]

    bare, ready = (statistics.median(all_of(what, "seconds")) for what in ("bare", "start"))
    slips, (node,) = all_of("slip", "own"), [one for one in said if one["what"] == "node"]
    trees = [*all_of("slip", "tree"), sum(node["tree"].values())]
    ratio = at_most(ready / bare, READY_RATIO, "x")
    return [
        Row("Python, its libraries and nothing of ours", f"{max(all_of('bare', 'own')):.1f} MiB RSS"),
        Row("node, main process", f"{node['own']:.1f} MiB RSS", at_most(node["own"], OWN_MB, "MiB")),
        Row("the same, the most it has been", f"{node['peak']:.1f} MiB RSS"),
        Row("the same, after the first slip and the last", f"{slips[0]:.1f}, {slips[-1]:.1f} MiB RSS"),
        Row(
            "node with its children, the most",
            f"{max(trees):.1f} MiB PSS",
            at_most(max(trees), TREE_MB, "MiB"),
        ),
        Row("import of the libraries", f"{bare:.2f} s"),
        Row("start to ready", f"{ready:.2f} s", ratio),
        Row("first start to the configuration in force", f"{all_of('first start', 'configured')[0]:.2f} s"),
        Row("button to the slip's cut", f"{statistics.median(all_of('slip', 'seconds')):.2f} s"),
        Row("key to the call spoken", f"{all_of('spoken', 'seconds')[0]:.2f} s"),
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
