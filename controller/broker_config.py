"""What stands in the configuration files of the two brokers: accounts, allow-lists, limits.

Pure texts, except for the name of the user we run as. Everything not allowed is denied.
"""

from __future__ import annotations

import json
import os
import pwd
from dataclasses import asdict, dataclass
from pathlib import Path

from controller.settings import Settings
from firmware.protocol import codec, topics

# Brokers count their own headers as payload; the protocol's limit is enforced by its decoder.
MAX_PAYLOAD = codec.MAX_PAYLOAD_BYTES + 4096


@dataclass(frozen=True, slots=True)
class Account:
    """Who may connect. secret_hash: see hash_secret."""

    user: str
    secret_hash: str
    rights: topics.Rights


def nats_subjects(filter_: str) -> list[str]:
    """An MQTT topic filter as NATS subjects; `x/#` also means `x` itself (edge-peers 3.2)."""
    subject = filter_.replace("/", ".").replace("+", "*")
    return [subject[:-2], subject[:-1] + ">"] if subject.endswith(".#") else [subject]


def nats_config(settings: Settings, accounts: list[Account], folder: Path) -> str:
    """nats-server's configuration: MQTT for the listed users, its own protocol for nobody.

    A NATS client listener cannot be switched off; it gets a random loopback port on which no account
    may log in. sync_interval: a power cut loses no retained snapshot.
    """
    users = ",\n".join(_nats_user(account) for account in accounts)
    return f"""server_name: servicehall
listen: "127.0.0.1:-1"
max_payload: {MAX_PAYLOAD}
log_file: {_quoted(folder / "log")}
logfile_size_limit: 10MB
logfile_max_num: 3
jetstream {{
  store_dir: {_quoted(folder / "jetstream")}
  sync_interval: always
  max_memory_store: 64MB
  max_file_store: 1GB
}}
mqtt {{
  host: {_quoted(settings.mqtt_host.strip("[]"))}
  port: {settings.mqtt_port}
  reject_qos2_publish: true
{_nats_tls(settings)}}}
authorization {{ users: [
{users}
] }}
"""


def _nats_user(account: Account) -> str:
    allow = {
        side: json.dumps([subject for one in filters for subject in nats_subjects(one)])
        for side, filters in asdict(account.rights).items()
    }
    password = account.secret_hash.split(" ")[0]
    return (
        f"  {{ user: {_quoted(account.user)}, password: {_quoted(password)},\n"
        '    allowed_connection_types: ["MQTT"],\n'
        f"    permissions: {{ publish: {{ allow: {allow['publish']} }}, "
        f"subscribe: {{ allow: {allow['subscribe']} }} }} }}"
    )


def _nats_tls(settings: Settings) -> str:
    if settings.mqtt_tls_cert is None:
        return ""
    cert, key = _quoted(settings.mqtt_tls_cert), _quoted(settings.mqtt_tls_key)
    return f"  tls {{ cert_file: {cert}, key_file: {key} }}\n"


def mosquitto_config(settings: Settings, folder: Path) -> str:
    """Mosquitto's configuration. Its persistence is a snapshot, which nothing here relies on.

    Defaults changed: queue 1000, in flight 20, autosave 1800 s (infrastructure 4). Started by root it
    would become another user and could not read files that only we may read, hence `user`.
    """
    tls = ""
    if settings.mqtt_tls_cert is not None:
        tls = f"certfile {settings.mqtt_tls_cert}\nkeyfile {settings.mqtt_tls_key}\n"
    return f"""listener {settings.mqtt_port} {settings.mqtt_host.strip("[]")}
{tls}user {pwd.getpwuid(os.getuid()).pw_name}
allow_anonymous false
password_file {folder / "passwords"}
acl_file {folder / "acl"}
persistence true
persistence_location {folder}/
autosave_interval 60
max_queued_messages 10000
max_inflight_messages 500
message_size_limit {MAX_PAYLOAD}
set_tcp_nodelay true
sys_interval 0
log_dest file {folder / "log"}
log_type error
log_type warning
"""


def mosquitto_passwords(accounts: list[Account]) -> str:
    """The text of Mosquitto's password file."""
    return "".join(f"{account.user}:{account.secret_hash.split(' ')[1]}\n" for account in accounts)


def mosquitto_acl(accounts: list[Account]) -> str:
    """The text of Mosquitto's file of who may say and hear what."""
    lines: list[str] = []
    for account in accounts:
        lines.append(f"user {account.user}")
        lines += [f"topic write {one}" for one in account.rights.publish]
        lines += [f"topic read {one}" for one in account.rights.subscribe]
    return "\n".join(lines) + "\n"


def _quoted(value: object) -> str:
    return json.dumps(str(value))
