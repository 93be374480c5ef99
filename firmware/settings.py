"""What this unit is, read once from its unit.toml into one frozen value.

Hides TOML, types and the checks that a wrong file gets: an unknown key, a file that others may read,
a certificate that is not the one the controller named. What the unit's devices are is not here: it
comes from the controller.
"""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from firmware.protocol import logs, toml_file, topics
from firmware.protocol.link import Broker, LinkTiming, SessionTiming


class BadSettings(Exception):
    """The settings file cannot be used; the message is one sentence naming the key and the file."""


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """Every setting of a unit. Relative paths start at the file's folder."""

    # as `servicehall unit add` writes them
    hall: str  # id of the hall
    unit: str  # id of this board
    broker: str  # mqtt://host:port or mqtts://host:port
    broker_also: str = ""  # other names or addresses of its host, with commas: tried after where it was last
    token: str = ""  # this unit's secret; keep the file readable by its owner only
    token_file: Path | None = None  # a file holding the token, in place of `token`
    ca_file: Path | None = None  # PEM of the authority that signed the broker's certificate
    ca_fingerprint: str = ""  # "sha256:..." of that authority, compared at the start

    # where things are kept, and what this unit shows
    data_dir: Path = Path("data")
    pages: str = ""  # host:port at which this unit serves its own pages; "" = it serves none
    bench: str = ""  # address of the page of this unit's emulated hardware, when it has such

    log_format: str = "text"  # text | json: a line for people, or an object a line for programs

    # deadlines of the link, in seconds; those of the configuration replace resend, heartbeat and health
    keepalive_s: int = 15  # R20
    connect_timeout_s: float = 5.0
    backoff_min_s: float = 1.0  # R20
    backoff_max_s: float = 30.0
    subscribe_again_s: float = 2.0  # after each connect, for what the broker lost meanwhile
    window: int = 64  # events under way at once (R4)
    resend_s: float = 2.0  # R4, doubling up to resend_max_s
    resend_max_s: float = 30.0
    heartbeat_s: float = 10.0
    health_s: float = 30.0
    time_every_s: float = 600.0  # between questions about the time (R16)

    # deadlines of the unit, in seconds
    boards_save_s: float = 10.0  # boards are written down at most this often
    answer_wait_s: float = 5.0  # a page waits this long for a number, and then for its slip
    poll_wait_s: float = 25.0  # a page's question for news is answered after this long at the latest
    first_config_s: float = 10.0  # orders to a unit that never had a configuration wait so long for its first
    selftest_after_s: float = 5.0  # after its start the unit tests itself, when its devices have been opened
    steady_s: float = 30.0  # a start that lasted so long was a good one; after five that did not, no devices

    @property
    def login(self) -> Broker:
        login = Broker.at(self.broker, self.unit, self._secret, str(self.ca_file or ""))
        return replace(login, also=tuple(self.broker_also.replace(",", " ").split()))

    @property
    def timing(self) -> LinkTiming:
        session = SessionTiming(
            keepalive_s=self.keepalive_s,
            connect_timeout_s=self.connect_timeout_s,
            backoff_min_s=self.backoff_min_s,
            backoff_max_s=self.backoff_max_s,
            subscribe_again_s=self.subscribe_again_s,
        )
        return LinkTiming(
            session=session,
            window=self.window,
            resend_s=self.resend_s,
            resend_max_s=self.resend_max_s,
            heartbeat_s=self.heartbeat_s,
            health_s=self.health_s,
            time_every_s=self.time_every_s,
        )

    @property
    def pages_address(self) -> tuple[str, int] | None:
        """Host and port of the pages; None when this unit serves none."""
        if not self.pages:
            return None
        host, _, port = self.pages.rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def _secret(self) -> str:
        return self.token_file.read_text(encoding="utf-8").strip() if self.token_file else self.token


def load(path: Path) -> NodeSettings:
    """The settings in the TOML file `path`. Raises BadSettings with one sentence."""
    settings = read(toml_file.table(path, BadSettings), path)
    secret_file = settings.token_file or path
    if secret_file.stat().st_mode & 0o077:
        raise BadSettings(
            f"{secret_file} holds a secret and others may read it; run: chmod 600 {secret_file}"
        )
    return settings


def read(table: Mapping[str, Any], path: Path) -> NodeSettings:
    """Settings from decoded TOML. path: the file it came from, for relative paths and for messages."""
    values = toml_file.values(table, NodeSettings, path, BadSettings)
    for field in fields(NodeSettings):
        if field.default is MISSING and field.name not in values:
            raise BadSettings(
                f"setting '{field.name}' is missing in {path}; `servicehall unit add` writes the file"
            )
    values.setdefault("data_dir", path.absolute().parent / "data")
    settings = NodeSettings(**values)
    _check(settings, path)
    return settings


def _check(settings: NodeSettings, path: Path) -> None:
    for name, value in (("hall", settings.hall), ("unit", settings.unit)):
        if not topics.is_id(value):
            raise BadSettings(f"setting '{name}' in {path} must be 1 to 32 of a-z, 0-9 and -, not {value!r}")
    for field in fields(settings):
        value = getattr(settings, field.name)
        if isinstance(value, int | float) and value <= 0:
            raise BadSettings(f"setting '{field.name}' in {path} must be more than 0, not {value}")
    if (settings.token == "") == (settings.token_file is None):
        raise BadSettings(f"{path} must hold either 'token' or 'token_file'")
    for name in ("token_file", "ca_file"):
        file = getattr(settings, name)
        if file is not None and not file.is_file():
            raise BadSettings(f"setting '{name}' in {path} names {file}, which is not a file")
    if settings.log_format not in logs.FORMATS:
        raise BadSettings(
            f"setting 'log_format' in {path} must be {' or '.join(logs.FORMATS)}, not {settings.log_format!r}"
        )
    _check_broker(settings, path)
    _check_pages(settings, path)


def _check_broker(settings: NodeSettings, path: Path) -> None:
    try:
        login = settings.login
    except ValueError as error:
        raise BadSettings(f"setting 'broker' in {path}: {error}") from error
    if not login.is_tls and not _is_loopback(login.host):
        raise BadSettings(f"setting 'broker' in {path} would send the token unencrypted; use mqtts://")
    if settings.ca_file is not None and settings.ca_fingerprint:
        found = fingerprint(settings.ca_file)
        if found != settings.ca_fingerprint.lower():
            raise BadSettings(
                f"{settings.ca_file} is not the authority of 'ca_fingerprint' in {path}: its own is {found}"
            )


def fingerprint(certificate: Path) -> str:
    """ "sha256:" and the digest of the first certificate in a PEM file. Raises BadSettings."""
    try:
        der = ssl.PEM_cert_to_DER_cert(certificate.read_text(encoding="ascii"))
    except ValueError as error:
        raise BadSettings(f"{certificate} is not a PEM certificate: {error}") from error
    return f"sha256:{hashlib.sha256(der).hexdigest()}"


def _check_pages(settings: NodeSettings, path: Path) -> None:
    if not settings.pages:
        return
    host, colon, port = settings.pages.rpartition(":")
    if not (host and colon and port.isdecimal() and int(port) <= 65535):
        raise BadSettings(
            f"setting 'pages' in {path} must be host:port like 127.0.0.1:8090, not {settings.pages!r}"
        )
    if not _is_loopback(host.strip("[]")):
        raise BadSettings(
            f"setting 'pages' in {path} must be a loopback address: screens of other machines get their "
            "pages from the controller"
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(urlsplit(f"//{host}").hostname or host).is_loopback
    except ValueError:
        return False
