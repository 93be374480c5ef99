"""The supervisor and what it keeps running, as real processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from controller.lock import lock
from controller.settings import Settings
from controller.web_process import options
from tests.controller.brokers import free_port
from tests.processes import below
from tests.waiting import until

SLOW = 90.0  # seconds; a start imports the whole web face on a busy machine
COMMAND = [sys.executable, "-m", "firmware.cli", "serve", "-c"]


class Serving:
    """A running `servicehall serve`."""

    def __init__(self, folder: Path, broker: str, more: str = "") -> None:
        """more: lines of its settings file."""
        self.http_port, self.mqtt_port = free_port(), free_port()
        self.config = folder / "controller.toml"
        self.config.write_text(
            f"http_port = {self.http_port}\nmqtt_port = {self.mqtt_port}\n"
            f'broker = "{broker}"\nhttp_threads = 8\n{more}'
        )
        self.log = (folder / "log").open("w+")
        self.process = subprocess.Popen([*COMMAND, str(self.config)], stdout=self.log, stderr=self.log)

    def children(self) -> dict[str, psutil.Process]:
        """The processes below the supervisor: broker, web server and its worker."""
        found = {}
        for child, words in below(self.process.pid):
            is_broker = "broker" in " ".join(words)
            with suppress(psutil.Error):
                is_web = child.ppid() == self.process.pid
                found["broker" if is_broker else "web" if is_web else "worker"] = child
        return found

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}/healthz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def said(self) -> str:
        self.log.flush()
        return Path(self.log.name).read_text()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(10)


@contextmanager
def serving(folder: Path, broker: str = "nats", more: str = "") -> Iterator[Serving]:
    found = Serving(folder, broker, more)
    try:
        until(lambda: found.process.poll() is not None or "open at" in found.said(), SLOW, what=found.said())
        yield found
    finally:
        if found.process.poll() is None:
            found.stop()
        found.log.close()


def run(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    config = folder / "controller.toml"
    config.write_text(text)
    return subprocess.run([*COMMAND, str(config)], capture_output=True, text=True, timeout=SLOW, check=False)


@pytest.mark.system
def test_one_command_runs_broker_and_web_and_one_signal_ends_them(tmp_path: Path) -> None:
    with serving(tmp_path) as found:
        assert found.answers(), found.said()
        children = found.children()
        assert set(children) == {"broker", "web", "worker"}
        assert f"servicehall: open at http://127.0.0.1:{found.http_port}" in found.said()
        assert found.stop() == 0
        assert not [child for child in children.values() if child.is_running()]


@pytest.mark.system
def test_a_killed_worker_comes_back_while_the_broker_stays(tmp_path: Path) -> None:
    with serving(tmp_path, "mosquitto") as found:
        before = found.children()
        before["worker"].kill()
        until(lambda: found.answers() and found.children().get("worker") != before["worker"], SLOW)
        assert found.children()["broker"] == before["broker"]


@pytest.mark.system
def test_everything_that_dies_is_started_again(tmp_path: Path) -> None:
    with serving(tmp_path) as found:
        before = found.children()
        before["broker"].kill()
        before["web"].kill()
        until(lambda: found.answers() and set(found.children()) == set(before), SLOW)
        assert not set(found.children().values()) & set(before.values())


@pytest.mark.system
def test_nothing_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    with serving(tmp_path) as found:
        children = found.children()
        os.kill(found.process.pid, signal.SIGKILL)
        found.process.wait()
        until(lambda: not [child for child in children.values() if child.is_running()], 30)


def test_a_port_in_use_is_one_sentence_that_names_the_setting(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for setting, other in (("http_port", "mqtt_port"), ("mqtt_port", "http_port")):
            ended = run(tmp_path, f"{setting} = {port}\n{other} = {free_port()}\n")
            assert (ended.returncode, ended.stdout) == (1, "")
            assert ended.stderr == (
                f"servicehall serve: port {port} is used by another program; set {setting} to a free port\n"
            )


def test_bad_settings_are_one_sentence(tmp_path: Path) -> None:
    ended = run(tmp_path, "http_prot = 1\n")
    assert ended.returncode == 1
    assert ended.stderr.startswith("servicehall serve: unknown setting 'http_prot'")
    assert ended.stderr.count("\n") == 1


def test_a_second_controller_on_the_same_data_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    held = lock(tmp_path / "data")
    ended = run(tmp_path, f"http_port = {free_port()}\nmqtt_port = {free_port()}\n")
    held.close()
    assert ended.returncode == 1
    assert f"is in use by process {os.getpid()}" in ended.stderr


@pytest.mark.system
def test_a_database_that_cannot_be_opened_ends_the_command_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "hall.sqlite").write_bytes(b"this is no database " * 100)
    ended = run(tmp_path, f"http_port = {free_port()}\nmqtt_port = {free_port()}\n")
    assert ended.returncode == 1
    assert "servicehall serve: the database is damaged" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_one_worker_of_many_threads_is_asked_for_and_no_second_one_ever() -> None:
    asked = options(Settings())
    assert asked["workers"] == 1
    assert asked["blocking_threads"] == Settings().http_threads >= 64
    assert not {"reload", "respawn_failed_workers", "workers_lifetime", "workers_max_rss"} & set(asked)
    assert options(Settings(http_host="[::1]"))["address"] == "::1"
