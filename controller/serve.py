"""The supervisor: keeps the embedded broker and the web process running until it is told to stop.

Small on purpose, because everything ends with it: children die with their parent. The broker outlives
a web process that crashes, so units stay connected meanwhile. Nothing here knows a hall.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from types import FrameType

from controller.broker import Broker
from controller.children import die_with_parent, here, is_free
from controller.hall.model import HallError
from controller.lock import lock
from controller.settings import ENVIRONMENT, Settings, load
from firmware.protocol import logs

STOP_TIMEOUT_S = 8.0
BACK_OFF_S = (0.5, 30.0)
STEADY_S = 60.0  # a process that ran so long starts its next back-off from the beginning
START_TIMEOUT_S = 60.0

log = logging.getLogger(__name__)


class PortTaken(HallError):
    """Another program listens where we should; the message says which setting to change."""


class WebChild:
    """The web process as a child; `run` keeps it running, `stop` ends it."""

    def __init__(self, settings: Settings, config: Path, ended: threading.Event) -> None:
        """ended: set when the first start fails, for then no further one would do better."""
        self._settings, self._config, self._ended = settings, config, ended
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._has_answered = False
        self.has_failed = False

    def run(self) -> None:
        """Start it, and start it again whenever it ends, until `stop`."""
        pause_s = BACK_OFF_S[0]
        while not self._stopping.is_set():
            began = time.monotonic()
            self._process = self._start()
            threading.Thread(target=self._announce, name="web-announce", daemon=True).start()
            code = self._process.wait()
            if self._stopping.is_set():
                return
            if not self._has_answered:
                log.error("the web process does not start (exit code %s)", code)
                self.has_failed = True
                self._ended.set()
                return
            log.error("the web process ended (exit code %s); starting it again", code)
            if time.monotonic() - began > STEADY_S:
                pause_s = BACK_OFF_S[0]
            self._stopping.wait(pause_s)
            pause_s = min(2 * pause_s, BACK_OFF_S[1])

    def _announce(self) -> None:
        """Say once that the hall is open, as soon as it answers."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while not (self._has_answered or self._stopping.wait(0.1)) and time.monotonic() < deadline:
            if _answers(self._settings):
                self._has_answered = True
                print(f"servicehall: open at {self._settings.web_url}", flush=True)
                _tell_first(self._settings)

    def stop(self) -> None:
        self._stopping.set()
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            log.error("the web process did not end in time; it is killed")
            process.kill()
            process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "controller.web_process"],
            stdin=subprocess.DEVNULL,
            env={**os.environ, ENVIRONMENT: str(self._config)},
            preexec_fn=die_with_parent,
            start_new_session=True,  # Ctrl-C is for the supervisor alone
        )


def main(argv: list[str]) -> int:
    """Run the controller: broker, halls and web pages, until Ctrl-C."""
    parser = argparse.ArgumentParser("servicehall serve", description=main.__doc__)
    parser.add_argument("-c", "--config", type=Path, default=Path("controller.toml"), help="settings file")
    words = parser.parse_args(argv)
    try:
        settings = load(words.config)
        logs.set_up(settings.log_format)
        check(settings)
        return _serve(settings, words.config.absolute())
    except (HallError, OSError) as error:
        print(f"servicehall serve: {error}", file=sys.stderr)
        return 1


def check(settings: Settings) -> None:
    """Raises HallError with one sentence when another program has our port or another controller our data."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock(settings.data_dir).close()
    if not is_free(settings.http_host, settings.http_port):
        raise PortTaken(f"port {settings.http_port} is used by another program; set http_port to a free port")


def _serve(settings: Settings, config: Path) -> int:
    told = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        told.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    broker, web = Broker(settings), WebChild(settings, config, told)
    try:
        broker.start()
        keeper = threading.Thread(target=web.run, name="web-keeper")
        keeper.start()
        told.wait()
    finally:
        web.stop()
        broker.stop()
    keeper.join()
    return 1 if web.has_failed else 0


def _tell_first(settings: Settings) -> None:
    """While nobody can sign in: where the first administrator begins. The link itself is for a person at
    the terminal; a log gets the name of the file it lies in."""
    if (path := settings.first_link).exists():
        link = path.read_text().strip() if sys.stdout.isatty() else f"the address in {path}"
        print(f"servicehall: nobody can sign in yet; the first administrator opens {link}", flush=True)


def _answers(settings: Settings) -> bool:
    """Whether the web face answers; who answers is not the question, so no certificate is checked."""
    host, port = here(settings.http_host), settings.http_port
    if settings.http_tls_cert is None:
        connection = HTTPConnection(host, port, timeout=5)
    else:
        unchecked = ssl.create_default_context()
        unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
        connection = HTTPSConnection(host, port, timeout=5, context=unchecked)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status < 500
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
