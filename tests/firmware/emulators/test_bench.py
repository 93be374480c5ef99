"""The bench: its settings, its page and API on loopback, and what it leaves behind: nothing."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from firmware.emulators.bench import Bench, BenchFault, read_settings
from firmware.emulators.bench_http import Server
from tests.waiting import until

TOML = """
unit = "node-1"
label = "一号取号机"
dir = "{dir}"
[[device]]
device = "printer-1"
kind = "printer"
[[device]]
device = "button-1"
kind = "button"
pin = 17
[[device]]
device = "keypad-3"
kind = "keypad"
address = 3
faces = 5
[[device]]
device = "led-3"
kind = "led"
address = 3
[[device]]
device = "speaker-1"
kind = "speaker"
"""


def written(tmp_path: Path, text: str = TOML) -> Path:
    file = tmp_path / "bench.toml"
    file.write_text(text.replace("{dir}", str(tmp_path / "n1")), encoding="utf-8")
    return file


class Client:
    """A browser or a program at the bench's API."""

    def __init__(self, url: str) -> None:
        self.port = urlsplit(url).port or 0

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[HTTPResponse, Any]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
            if data is not None:
                headers.setdefault("Content-Type", "application/json")
            connection.request(method, path, data, headers)
            answer = connection.getresponse()
            raw = answer.read()
            is_json = answer.headers.get_content_type() == "application/json"
            return answer, json.loads(raw) if is_json else raw
        finally:
            connection.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    (tmp_path / "n1").mkdir()
    made = Bench(read_settings(written(tmp_path)))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def client(bench: Bench) -> Iterator[Client]:
    server = Server(bench, "127.0.0.1", 0, [])
    server.start()
    yield Client(server.url)
    bench.changes.close()
    server.stop()


def test_the_state_names_every_device_and_its_wire(client: Client, tmp_path: Path) -> None:
    _, state = client.ask("GET", "/state")
    assert [each["kind"] for each in state["devices"]] == ["printer", "button", "keypad", "led", "speaker"]
    assert state["devices"][1]["wire"] == f"gpio:emulated:{tmp_path}/n1/gpio.sock#17"
    assert state["label"] == "一号取号机"


def test_a_long_poll_returns_when_something_changes(client: Client, bench: Bench) -> None:
    _, before = client.ask("GET", "/state")
    client.ask("POST", "/break", {"device": "printer-1", "fault": "paper_out", "on": True})
    answer, after = client.ask("GET", f"/state?after={before['ver']}")
    assert answer.status == 200
    assert after["devices"][0]["faults"]["paper_out"] is True


def test_buttons_and_keys_can_be_pressed(client: Client) -> None:
    for path, body in (
        ("/press", {"device": "button-1", "held_s": 0}),
        ("/key", {"device": "keypad-3", "key": "call_next"}),
        ("/rate", {"device": "keypad-3", "value": 4}),
    ):
        answer, _ = client.ask("POST", path, body)
        assert answer.status == 200
    _, state = client.ask("GET", "/state")
    assert state["devices"][1]["button"]["presses"] == 1
    assert state["devices"][2]["keypad"]["keys"] == 2
    answer, raw = client.ask("GET", "/raw?device=keypad-3")
    assert answer.status == 200
    assert raw["device"] == "keypad-3"


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/press", {"device": "button-9"}, 404, "unknown"),
        ("/press", {"device": "led-3"}, 400, "kind"),
        ("/press", {}, 400, "device"),
        ("/press", {"device": "button-1", "held_s": "long"}, 400, "held_s"),
        ("/key", {"device": "keypad-3", "key": "dance"}, 400, "key"),
        ("/key", {"device": "keypad-3", "key": "hex:zz"}, 400, "key"),
        ("/rate", {"device": "keypad-3", "value": 9}, 400, "key"),
        ("/rate", {"device": "keypad-3", "value": True}, 400, "value"),
        ("/break", {"device": "led-3", "fault": "paper_out", "on": True}, 404, "unknown"),
        ("/break", {"device": "led-3", "fault": "dead", "on": "yes"}, 400, "on"),
        ("/dance", {}, 404, "path"),
        ("/press", [1], 400, "json"),
        ("/press", b"{", 400, "json"),
        ("/press", b"x" * 5000, 413, "size"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(
    client: Client, path: str, body: Any, status: int, code: str
) -> None:
    answer, said = client.ask("POST", path, body)
    assert (answer.status, said["error"]["code"]) == (status, code)
    assert said["error"]["zh"]


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Host": "evil.example"}, "host"),
        ({"Origin": "http://evil.example"}, "origin"),
        ({"Origin": "null"}, "origin"),
        ({"Content-Type": "text/plain"}, "type"),
    ],
)
def test_another_site_cannot_press_our_buttons(client: Client, headers: dict[str, str], code: str) -> None:
    answer, said = client.ask("POST", "/press", {"device": "button-1"}, **headers)
    assert (answer.status >= 400, said["error"]["code"]) == (True, code)
    _, state = client.ask("GET", "/state")
    assert state["devices"][1]["button"]["presses"] == 0


def test_the_page_and_its_pictures_are_served_and_nothing_else(client: Client) -> None:
    for path in ("/", "/bench.js", "/bench.css", "/tokens.css", "/qr.svg?text=A023"):
        answer, _ = client.ask("GET", path)
        assert answer.status == 200, path
        assert "frame-ancestors" in answer.headers["Content-Security-Policy"]
    for path in (
        "/../bench.py",
        "/bench.py",
        "/%2e%2e/bench.py",
        "/wav?device=speaker-1",
        "/qr.svg",
        "/raw?device=x",
    ):
        answer, _ = client.ask("GET", path)
        assert answer.status in (400, 404), path


def test_a_loudspeaker_gives_nothing_back_for_what_is_no_sound(bench: Bench, tmp_path: Path) -> None:
    for sent in (b"", struct.pack(">I", 4) + b"RIFF", struct.pack(">I", 2**31), b"\0\0"):
        with socket.socket(socket.AF_UNIX) as sender:
            sender.settimeout(10)
            sender.connect(str(tmp_path / "n1" / "speaker-1.sock"))
            sender.sendall(sent)
            sender.shutdown(socket.SHUT_WR)
            assert sender.recv(16) == b""


# --- settings ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("pin = 17", "pin = 17\npins = 18", "pins"),
        ("pin = 17", "", "pin"),
        ('kind = "led"', 'kind = "toaster"', "toaster"),
        ('unit = "node-1"', 'unit = "node-1"\nhost = "0.0.0.0"', "0.0.0.0"),
        ('device = "led-3"', 'device = "keypad-3"', "twice"),
        ("[[device]]", "[[device", "bench.toml"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, before: str, after: str, said: str) -> None:
    with pytest.raises(BenchFault, match=said):
        read_settings(written(tmp_path, TOML.replace(before, after, 1)))


def test_a_directory_too_deep_for_sockets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchFault, match="shorter"):
        read_settings(written(tmp_path, TOML.replace("{dir}", "/tmp/" + "x" * 90)))


def test_two_kinds_cannot_share_a_cable(tmp_path: Path) -> None:
    text = TOML.replace('kind = "led"', 'kind = "led"\nlink = "keypad-3"')
    with pytest.raises(BenchFault, match="cable"):
        Bench(read_settings(written(tmp_path, text)))


# --- the command ------------------------------------------------------------------------------------


def started(config: Path) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "firmware.cli", "bench", "-c", str(config)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_it_says_where_it_is_and_leaves_nothing_behind(tmp_path: Path) -> None:
    config = written(tmp_path)
    with started(config) as bench:
        note = tmp_path / "n1" / "bench.json"
        until(note.exists, timeout=30)
        url = until(lambda: json.loads(note.read_text() or "{}"))["url"]
        assert Client(url).ask("GET", "/state")[0].status == 200
        with started(config) as second:
            _, said = second.communicate(timeout=30)
            assert second.returncode == 1
            assert "another bench" in said
        bench.send_signal(signal.SIGTERM)
        out, errors = bench.communicate(timeout=30)
    assert (bench.returncode, errors) == (0, "")
    assert url in out
    assert not os.path.lexists(tmp_path / "n1")
