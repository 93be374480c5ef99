"""What this machine is, read once from one TOML file into one frozen value.

Hides TOML, types, ranges and the rules about listeners that need TLS. What the hall's staff may
change is not here: it lives in the database. An empty file runs a controller on loopback.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from controller import message_settings
from controller.guide import SETS
from controller.hall.model import HallError
from controller.policy import IDLE_MINUTES, LOCK_MINUTES, SESSION_HOURS, TRIES, Policy
from controller.roles import Role
from firmware.protocol import logs, toml_file

ENVIRONMENT = "SERVICEHALL_CONFIG"  # how the supervisor tells the web process which file it read
EMBEDDED = ("nats", "mosquitto")


class BadSettings(HallError):
    """The settings file cannot be used; the message is one sentence naming the key and the file."""


def _idle() -> Mapping[str, float]:
    return dict(IDLE_MINUTES)


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting of a controller with its default. Relative paths start at the file's folder."""

    # where things are kept
    data_dir: Path = Path("data")
    store_url: str = ""  # "" = SQLite in data_dir
    time_zone: str = "Asia/Shanghai"

    # the web face
    http_host: str = "127.0.0.1"
    http_port: int = 8080
    http_threads: int = 96  # a live screen holds one thread each; well above the number of screens
    http_connections: int = 1000
    http_tls_cert: Path | None = None
    http_tls_key: Path | None = None
    behind_proxy: bool = False  # a reverse proxy in front does TLS and is the only one that reaches us
    public_url: str = ""  # what the QR code of a slip points to; "" = this host and port

    # the message broker
    broker: str = "nats"  # nats | mosquitto | mqtt://host:port | mqtts://host:port
    broker_program: str = ""  # path of nats-server or mosquitto; "" = found by itself
    broker_credentials: Path | None = None  # of an external broker: one line "user:password", mode 0600
    mqtt_host: str = "127.0.0.1"
    mqtt_port: int = 1884  # beside the 1883 of a Mosquitto that the system may already run
    mqtt_tls_cert: Path | None = None
    mqtt_tls_key: Path | None = None
    mqtt_tls_ca: Path | None = None  # who signed the broker's certificate

    # deadlines of the edge, in real seconds (design: edge; R5, R10, R13)
    heartbeat_lost_s: float = 30.0
    suspect_after_s: float = 90.0
    offline_after_s: float = 180.0
    lag_after_s: float = 30.0  # a unit whose outbox stands still so long is not heard, or not confirmed (F64)
    reorder_wait_s: float = 2.0
    order_resend_s: float = 3.0
    order_ttl_s: float = 30.0
    slip_ttl_s: float = 120.0
    speech_ttl_s: float = 180.0  # of a call behind others; one that is answered meanwhile is not said
    board_every_s: float = 0.1  # one board is published at most this often
    mqtt_keepalive_s: int = 15  # R20

    # what is kept of the edge, in days
    set_aside_days: float = 90.0  # messages nobody could use
    marks_days: float = 400.0  # how far a unit's store was heard that says nothing any more

    # what is kept of persons, in days; what they did stays in the log and the audit trail
    visitor_days: float = 30.0  # what ties a ticket to its holder
    contact_days: float = 30.0  # numbers to call back about a bad rating, after its case is over
    words_days: float = 400.0  # what visitors wrote with a rating
    conduct_days: float = (
        1100.0  # the register of daily conduct: three years, as annual assessments look back
    )
    sign_in_days: float = 200.0  # sessions and links; six months are asked for (P.37)

    # what is said and printed
    speech_times: int = 2
    speech_english: bool = True
    lease_size: int = 40  # numbers a dispenser may give out by itself
    disclosure_sets: tuple[str, ...] = (
        "guide",
        "nine",
    )  # what a guide says before it is published: of six, seven, law

    # messages to citizens (docs/howto/messages.md)
    sms_carrier: str = "log"  # log (nothing is sent) | http | smpp | modem
    sms_address: str = ""  # https://... of a gateway, smpp://host:port, or serial:/dev/...?baud=115200
    sms_user: str = ""  # system id of SMPP; {user} for a gateway
    sms_secret_file: Path | None = None  # password or key, mode 0600
    sms_sender: str = ""  # who it comes from, as the carrier allows
    sms_body: str = '{"to": "{number}", "text": "{text}", "id": "{id}"}'  # JSON a gateway is sent
    sms_header: str = "Authorization: Bearer {secret}"  # the header with the secret
    sms_ok: tuple[str, ...] = ()  # what a gateway's answer says when it took it, like "code=0"
    sms_id_field: str = "id"  # where it tells its id, like "data.0.id"
    sms_in_fields: tuple[str, ...] = ()  # how a gateway names what it tells us, like "number=from"
    sms_in_token_file: Path | None = None  # what it sends as bearer token then, mode 0600
    sms_country: str = "86"  # of a number without one
    sms_price: float = 0.05  # of one part, for the count of costs
    message_days: float = 30.0  # numbers and texts of messages and answers are kept
    push_hosts: tuple[str, ...] = (
        "fcm.googleapis.com",
        "updates.push.services.mozilla.com",
        "*.push.apple.com",
        "*.notify.windows.com",
    )  # push services that phones may name; () = no notices to browsers
    push_contact: str = ""  # mailto: or https: by which they reach who runs this; "" = public_url

    open_data_licence: str = "CC-BY-4.0"  # SPDX identifier, told with what everybody may use

    # tickets from home and at kiosks
    kiosk_networks: tuple[str, ...] = ()  # where kiosks in browsers may be, like "10.1.0.0/16"; () = anywhere

    # signing in
    second_factor_roles: tuple[str, ...] = ("admin", "hall_manager", "technician")  # who has to have one
    oidc_issuer: str = ""  # address of an OpenID Connect provider that vouches for staff; "" = none
    oidc_client_id: str = ""  # as registered there, with PUBLIC_URL/sign-in/oidc/back to come back to
    oidc_client_secret_file: Path | None = None  # none = a public client
    oidc_claim: str = "preferred_username"  # what of its token is the staff number
    oidc_scope: str = "openid profile"  # what is asked for
    oidc_name: str = "统一身份认证"  # what the key on the sign-in page says
    idle_minutes: Mapping[str, float] = field(default_factory=_idle)  # by role; one not named keeps it
    session_hours: float = SESSION_HOURS  # the longest a sign-in lasts, used or not
    sign_in_tries: int = TRIES  # wrong passwords or codes of one person that lock the account
    sign_in_lock_minutes: float = LOCK_MINUTES  # within so long, and for so long

    audit_anchors: Path | None = None  # file for a daily anchor of the audit trail; none = in data_dir

    # what is seen from outside
    log_format: str = "text"  # text | json: a line for people, or an object a line for programs
    metrics_token_file: Path | None = None  # who sends this bearer token may read /metrics from elsewhere

    # the demo hall
    demo: bool = False

    @property
    def database_url(self) -> str:
        return self.store_url or f"sqlite:///{self.data_dir / 'hall.sqlite'}"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def policy(self) -> Policy:
        """How people sign in here."""
        idle = {**IDLE_MINUTES, **self.idle_minutes}
        return Policy(
            {role: timedelta(minutes=minutes) for role, minutes in idle.items()},
            timedelta(hours=self.session_hours),
            self.sign_in_tries,
            timedelta(minutes=self.sign_in_lock_minutes),
        )

    def needs_second_factor(self, roles: frozenset[Role]) -> bool:
        """Whether somebody with these roles works with a second factor only; in the demo nobody does."""
        return not self.demo and not roles.isdisjoint(self.second_factor_roles)

    @property
    def is_broker_embedded(self) -> bool:
        return self.broker in EMBEDDED

    @property
    def broker_url(self) -> str:
        """Where units and the controller find the broker."""
        if not self.is_broker_embedded:
            return self.broker
        scheme = "mqtts" if self.mqtt_tls_cert else "mqtt"
        return f"{scheme}://{_reachable(self.mqtt_host)}:{self.mqtt_port}"

    @property
    def web_url(self) -> str:
        """What a browser on this machine opens."""
        scheme = "https" if self.http_tls_cert else "http"
        return f"{scheme}://{_reachable(self.http_host)}:{self.http_port}"

    @property
    def first_link(self) -> Path:
        """The file with the first administrator's link, while nobody can sign in (first.py)."""
        return self.data_dir / "first-administrator"

    @property
    def slip_url(self) -> str:
        """What the address in a slip's QR code starts with, without a slash at its end."""
        return (self.public_url or self.web_url).rstrip("/")


def load(path: Path) -> Settings:
    """The settings in the TOML file `path`. Raises BadSettings with one sentence."""
    return read(toml_file.table(path, BadSettings), path)


def from_environment() -> Settings:
    """The settings the supervisor of this process was started with."""
    name = os.environ.get(ENVIRONMENT)
    if not name:
        raise BadSettings(f"{ENVIRONMENT} names no settings file; start with: servicehall serve -c FILE")
    return load(Path(name))


def read(table: Mapping[str, Any], path: Path) -> Settings:
    """Settings from decoded TOML. path: the file it came from, for relative paths and for messages."""
    values = toml_file.values(table, Settings, path, BadSettings)
    values.setdefault("data_dir", path.absolute().parent / Settings().data_dir)
    settings = Settings(**values)
    _check_ranges(settings, path)
    _check_listeners(settings, path)
    return settings


def _check_ranges(settings: Settings, path: Path) -> None:
    for one in fields(Settings):
        value = getattr(settings, one.name)
        if one.name.endswith("_port") and not 1 <= value <= 65535:
            raise BadSettings(f"setting '{one.name}' in {path} must be a port from 1 to 65535, not {value}")
        if isinstance(value, int | float) and not isinstance(value, bool) and value <= 0:
            raise BadSettings(f"setting '{one.name}' in {path} must be more than 0, not {value}")
    if settings.log_format not in logs.FORMATS:
        raise BadSettings(
            f"setting 'log_format' in {path} must be {' or '.join(logs.FORMATS)}, not {settings.log_format!r}"
        )
    for name in ("second_factor_roles", "idle_minutes"):
        if unknown := set(getattr(settings, name)) - set(Role):
            raise BadSettings(
                f"setting '{name}' in {path} names {', '.join(sorted(unknown))}; roles are {', '.join(Role)}"
            )
    if any(minutes <= 0 for minutes in settings.idle_minutes.values()):
        raise BadSettings(f"setting 'idle_minutes' in {path} must have numbers above 0")
    if unknown := set(settings.disclosure_sets) - set(SETS):
        raise BadSettings(
            f"setting 'disclosure_sets' in {path} names {', '.join(sorted(unknown))}; "
            f"sets are {', '.join(SETS)}"
        )
    if sentence := message_settings.wrong(settings):
        raise BadSettings(f"in {path}, setting {sentence}")
    try:
        ZoneInfo(settings.time_zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise BadSettings(
            f"setting 'time_zone' in {path} must be a name like Asia/Shanghai, not {settings.time_zone!r}"
        ) from error
    if not settings.is_broker_embedded:
        _check_broker_url(settings, path)


def _check_broker_url(settings: Settings, path: Path) -> None:
    parts = urlsplit(settings.broker)
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        raise BadSettings(
            f"setting 'broker' in {path} must be nats, mosquitto, mqtt://host:port or mqtts://host:port, "
            f"not {settings.broker!r}"
        )
    if parts.username or parts.password:
        raise BadSettings(
            f"setting 'broker' in {path} must not hold a password; put user:password into a file "
            f"of mode 0600 and name it in broker_credentials"
        )
    if parts.scheme == "mqtt" and not is_loopback(parts.hostname):
        raise BadSettings(
            f"setting 'broker' in {path} would send passwords unencrypted to {parts.hostname}; use mqtts://"
        )


def _check_listeners(settings: Settings, path: Path) -> None:
    for name in ("http", "mqtt"):
        cert, key = getattr(settings, f"{name}_tls_cert"), getattr(settings, f"{name}_tls_key")
        if (cert is None) != (key is None):
            raise BadSettings(f"settings '{name}_tls_cert' and '{name}_tls_key' in {path} belong together")
        for file in (cert, key):
            if file is not None and not file.is_file():
                raise BadSettings(f"setting '{name}_tls_*' in {path} names {file}, which is not a file")
    if settings.is_broker_embedded and not settings.mqtt_tls_cert and not is_loopback(settings.mqtt_host):
        raise BadSettings(
            f"mqtt_host {settings.mqtt_host} in {path} can be reached from outside without encryption; set "
            'mqtt_tls_cert and mqtt_tls_key, or mqtt_host = "127.0.0.1"'
        )
    _check_oidc(settings, path)
    token = settings.metrics_token_file
    if token is not None and (not token.is_file() or token.stat().st_mode & 0o077):
        raise BadSettings(
            f"metrics_token_file {token} in {path} must be a file that only its owner may read; make it "
            f"with: install -m 600 /dev/null {token}"
        )
    if not (settings.http_tls_cert or settings.behind_proxy or is_loopback(settings.http_host)):
        raise BadSettings(
            f"http_host {settings.http_host} in {path} can be reached from outside without encryption; set "
            "http_tls_cert and http_tls_key, or behind_proxy = true when a proxy in front does TLS, or "
            'http_host = "127.0.0.1"'
        )


def _check_oidc(settings: Settings, path: Path) -> None:
    if not settings.oidc_issuer:
        return
    parts = urlsplit(settings.oidc_issuer)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise BadSettings(f"setting 'oidc_issuer' in {path} must begin with https://")
    if not settings.oidc_client_id:
        raise BadSettings(f"oidc_issuer in {path} needs oidc_client_id, as it is registered there")
    secret = settings.oidc_client_secret_file
    if secret is not None and (not secret.is_file() or secret.stat().st_mode & 0o077):
        raise BadSettings(
            f"oidc_client_secret_file {secret} in {path} must be a file only its owner may read"
        )


def is_loopback(host: str) -> bool:
    """Only programs of this machine can reach a listener on `host`."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _reachable(host: str) -> str:
    if host in ("0.0.0.0", "::", "[::]", ""):  # noqa: S104 - a comparison
        return "127.0.0.1"
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
