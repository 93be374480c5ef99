"""The network between a unit and the broker, in our hands so that it can be cut.

Where root runs the tests each unit lives in a network namespace, and its cable is a pair of virtual
interfaces of which one is taken down: TCP itself finds out. Elsewhere a proxy stands between, which
holds every packet. Both deliver what was under way when they are mended, if anybody still waits for it.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from tests.faults.proxy import Proxy, Rule
from tests.system.chaos.machines import WallClock

CERTIFICATE_DAYS = 36_500
LONG_AGO_S = -1_760_000_000.0
_numbers = itertools.count(os.getpid() % 160 * 100)  # of cables on this machine; others begin elsewhere


class Network(Protocol):
    """How one unit reaches the broker. prefix: what its program runs under."""

    prefix: Sequence[str]

    def url(self, port: int) -> str: ...
    def cut(self) -> None: ...
    def mend(self) -> None: ...
    def close(self) -> None: ...


class Proxied:
    """A proxy on loopback in front of the broker's port."""

    prefix: Sequence[str] = ()

    def __init__(self) -> None:
        self._proxy: Proxy | None = None
        self._rule: Rule | None = None

    def url(self, port: int) -> str:
        self._proxy = self._proxy or Proxy(port)
        return f"mqtt://127.0.0.1:{self._proxy.port}"

    def cut(self) -> None:
        if self._proxy is not None:
            self._rule = self._proxy.hold(lambda packet: True)

    def mend(self) -> None:
        if self._proxy is not None and self._rule is not None:
            self._rule.lift()
            self._proxy.release()

    def close(self) -> None:
        if self._proxy is not None:
            self._proxy.close()


class Cable:
    """A namespace of the unit's own and a cable to it. address: of the broker's end."""

    def __init__(self) -> None:
        number = next(_numbers)
        self._space, self._near, self._far = f"sh{number}", f"sh{number}a", f"sh{number}b"
        near, far = (f"10.77.{number // 64}.{number % 64 * 4 + end}" for end in (1, 2))  # a /30 each
        self.address = near
        self.prefix: Sequence[str] = ("ip", "netns", "exec", self._space)
        self._ip(f"netns add {self._space}")
        self._ip(f"link add {self._near} type veth peer name {self._far} netns {self._space}")
        self._ip(f"addr add {near}/30 dev {self._near}")
        self._ip(f"-n {self._space} addr add {far}/30 dev {self._far}")
        self._ip(f"-n {self._space} link set lo up")
        self._ip(f"-n {self._space} link set {self._far} up")
        self.mend()

    def url(self, port: int) -> str:
        return f"mqtts://{self.address}:{port}"

    @staticmethod
    def is_possible() -> bool:
        return os.geteuid() == 0 and all(shutil.which(program) for program in ("ip", "openssl"))

    def cut(self) -> None:
        self._ip(f"link set {self._near} down")

    def mend(self) -> None:
        self._ip(f"link set {self._near} up")

    def close(self) -> None:
        with suppress(subprocess.CalledProcessError):
            self._ip(f"netns del {self._space}")  # takes both ends of the cable with it

    def _ip(self, words: str) -> None:
        subprocess.run(["ip", *words.split()], check=True)


def listening(folder: Path, cables: Sequence[Cable]) -> str:
    """The controller's settings for a broker at the near ends of these cables, with TLS as they need."""
    cert, key = folder / "broker.pem", folder / "broker.key"
    names = ",".join(f"IP:{address}" for address in ("127.0.0.1", *(cable.address for cable in cables)))
    words = f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days {CERTIFICATE_DAYS}"
    names_and_files = ["-addext", f"subjectAltName={names}", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(
        ["openssl", *words.split(), "-subj", "/CN=broker", *names_and_files],
        env={**os.environ, **_long_ago(folder)},
        check=True,
        capture_output=True,
    )
    files = f'mqtt_tls_cert = "{cert}"\nmqtt_tls_key = "{key}"\nmqtt_tls_ca = "{cert}"\n'
    return f'mqtt_host = "0.0.0.0"\n{files}'


def _long_ago(folder: Path) -> dict[str, str]:
    """Certificates are good since the seventies, for units whose clock is wrong (F49)."""
    if not WallClock.is_possible():
        return {}
    clock = WallClock(folder / "certificates.clock")
    clock.set(LONG_AGO_S)
    return clock.environment
