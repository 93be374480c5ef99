"""A unit's own pages: real HTTP to the child process, real presses behind it."""

from __future__ import annotations

import base64
import http.client
import json
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
from msgspec.structs import replace

from controller.settings import Settings
from firmware.node import Node
from firmware.progress import Desk
from firmware.protocol.catalogue import Matter, pack
from firmware.protocol.messages import Call
from firmware.protocol.outbox import Outbox
from firmware.protocol.progress import Asked
from firmware.shelf import Shelf
from tests.firmware.hall_unit import (
    Controller,
    Hardware,
    keep_config,
    kiosk_board,
    node_running,
    node_settings,
)
from tests.waiting import until

KEY = "0123456789abcdef"


@dataclass(frozen=True)
class Answered:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Browser:
    """Somebody at the kiosk."""

    def __init__(self, node: Node) -> None:
        self.port = int(node.pages_url.split(":")[2].split("/")[0])

    def ask(self, method: str, target: str, body: bytes | None = None, **headers: str) -> Answered:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            line.request(
                method, target, body, {name.replace("_", "-"): value for name, value in headers.items()}
            )
            answer = line.getresponse()
            return Answered(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            line.close()

    def get(self, target: str) -> Answered:
        return self.ask("GET", target)

    def take(self, queue: str = "A", key: str = KEY, **more: str) -> Answered:
        body = json.dumps({"queue": queue, **more}).encode()
        return self.ask("POST", "/api/tickets", body, Idempotency_Key=key)


@pytest.fixture
def node(folder: Path, settings: Settings, hardware: Hardware, controller: Controller) -> Iterator[Node]:
    keep_config(folder / "unit", hardware.config())
    with node_running(node_settings(folder / "unit", settings.mqtt_port, pages="127.0.0.1:0")) as found:
        controller.show(kiosk_board(3))
        until(lambda: found.shelf.get("k-main"), 20, what="the board is there")
        until(lambda: set(found.devices.health().values()) == {"ok"}, 20, what="the devices are good")
        yield found


@pytest.fixture
def browser(node: Node) -> Browser:
    return Browser(node)


@pytest.fixture(scope="module")
def kiosk() -> Iterator[Browser]:
    """At a unit nobody changes: for questions that must not change anything."""
    with ExitStack() as parts:
        folder = Path(parts.enter_context(tempfile.TemporaryDirectory(prefix="sh-")))
        found = parts.enter_context(node_running(node_settings(folder / "unit", 9, pages="127.0.0.1:0")))
        found._on_board(kiosk_board(3))
        yield Browser(found)
        assert found.outbox.last == 0


@pytest.fixture
def lonely(folder: Path, hardware: Hardware) -> Iterator[Node]:
    """A unit whose controller cannot be reached."""
    keep_config(folder / "unit", hardware.config())
    with node_running(node_settings(folder / "unit", 9, pages="127.0.0.1:0")) as found:
        until(lambda: set(found.devices.health().values()) == {"ok"}, 20)
        yield found


def test_the_kiosk_page_and_its_parts_are_served(kiosk):
    page = kiosk.get("/pages/kiosk.html")
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert kiosk.get("/pages/kiosk.js").headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert kiosk.get("/").headers["Location"] == "pages/kiosk.html"


@pytest.mark.parametrize(
    "target",
    [
        "/pages/../settings.py",
        "/pages/%2e%2e/settings.py",
        "/pages/..%2fnode.py",
        "/pages//etc/passwd",
        "/pages/none.html",
        "/pages/",
        "/pages/.hidden.html",
        "/etc/passwd",
        "/api/board/",
        "/api/board/a%00b",
        "/" + "x" * 5000,
    ],
)
def test_what_is_no_page_is_not_found(kiosk, target):
    assert kiosk.get(target).status == 404


def test_a_board_comes_with_its_cursor_and_its_age(browser):
    board = browser.get("/api/board/k-main")
    assert (board.status, board.headers["ETag"]) == (200, '"1.3"')
    assert float(board.headers["Age"]) == 0
    assert board.json["queues"][0]["zh"] == "社保"


def test_a_question_for_news_waits_for_them(browser, controller):
    answers: list[Answered] = []
    waiter = threading.Thread(target=lambda: answers.append(browser.get("/api/board/k-main?after=1.3")))
    waiter.start()
    controller.show(kiosk_board(4))
    waiter.join()
    assert (answers[0].status, answers[0].headers["ETag"]) == (200, '"1.4"')


def test_a_question_for_news_ends_when_there_are_none(kiosk):
    answer = kiosk.get("/api/board/k-main?after=1.3")
    assert (answer.status, answer.body) == (204, b"")


def test_an_unknown_board_is_not_found(kiosk):
    assert kiosk.get("/api/board/k-none").json["error"]["code"] == "unknown_board"


def test_a_tap_gives_the_controllers_number_and_a_slip(browser, controller, hardware):
    answer = browser.take()
    assert answer.status == 201
    assert answer.json == {
        "number": "A001",
        "queue": "A",
        "ahead": 5,
        "wait_min": 10,
        "wait_max": 15,
        "wait": "about",
        "is_rough": True,
        "url": "https://hall.example/t/A001",
        "printed": True,
    }
    assert len(hardware.slips()) == 1
    (pressed,) = controller.reports("Pressed")
    assert (pressed.input, pressed.choice) == ("kiosk", "A")


def test_the_same_key_is_the_same_ticket_even_when_both_come_at_once(browser, controller, hardware):
    answers: list[Answered] = []
    taps = [threading.Thread(target=lambda: answers.append(browser.take())) for _ in range(4)]
    for tap in taps:
        tap.start()
    for tap in taps:
        tap.join()
    answers.append(browser.take())
    assert {(answer.status, answer.json["number"]) for answer in answers} == {(201, "A001")}
    assert len(hardware.slips()) == 1
    assert len(controller.reports("Pressed")) == 1


def test_the_same_key_is_the_same_ticket_after_a_restart(folder, settings, controller, hardware):
    keep_config(folder / "unit", hardware.config())
    places = node_settings(folder / "unit", settings.mqtt_port, pages="127.0.0.1:0")
    numbers = []
    for _ in range(2):
        with node_running(places) as node:
            until(lambda node=node: node.link.is_up and set(node.devices.health().values()) == {"ok"}, 20)
            numbers.append(Browser(node).take().json["number"])
    assert numbers == ["A001", "A001"]
    assert len(controller.reports("Pressed")) == 1


def test_without_the_controller_the_kiosk_gives_numbers_of_its_own(lonely, hardware):
    answer = Browser(lonely).take()
    assert (answer.status, answer.json["number"], answer.json["ahead"]) == (201, "A-2-001", None)
    assert answer.json["printed"] is True
    assert "Queue data delayed" in hardware.slips()[0]


def test_the_age_of_what_is_shown_grows_without_the_controller(lonely):
    lonely._on_board(kiosk_board(3))
    browser = Browser(lonely)
    until(lambda: float(browser.get("/api/board/k-main").headers["Age"]) > 0)


def test_without_the_controller_a_queue_known_to_be_closed_gives_no_number(lonely):
    lonely._on_board(kiosk_board(3, is_open=False))
    answer = Browser(lonely).take()
    assert (answer.status, answer.json["error"]["zh"]) == (409, "今日取号已结束")


def test_f01_without_paper_the_kiosk_says_so(browser, hardware, node):
    hardware.break_it("printer-1", "paper_out")
    until(lambda: node.devices.health()["printer-1"] == "printer.paper_out", 20)
    answer = browser.take()
    assert (answer.status, answer.json["error"]["code"]) == (409, "printer_out")
    assert node.outbox.outcome(1) is None


def test_a_slip_that_did_not_come_out_voids_the_number_on_the_screen_too(
    folder, settings, controller, hardware
):
    keep_config(folder / "unit", hardware.config(without=("printer-1",)))
    with node_running(node_settings(folder / "unit", settings.mqtt_port, pages="127.0.0.1:0")) as node:
        until(lambda: node.link.is_up, 20)
        answer = Browser(node).take()
    assert (answer.status, answer.json["error"]["code"]) == (409, "not_printed")


def test_a_kiosk_without_a_printer_shows_the_code_its_slip_would_have(folder, settings, controller, hardware):
    keep_config(folder / "unit", hardware.config(without=("printer-1",)))
    controller.printer = ""
    with node_running(node_settings(folder / "unit", settings.mqtt_port, pages="127.0.0.1:0")) as node:
        until(lambda: node.link.is_up, 20)
        answer = Browser(node).take().json
    assert (answer["number"], answer["printed"]) == ("A001", None)
    kind, _, picture = answer["qr"].partition(",")
    assert kind == "data:image/svg+xml;base64"
    assert b"<svg" in base64.b64decode(picture)


def test_matters_are_found_that_came_with_the_configuration(folder, hardware):
    known = [Matter(code="110-1", name="社会保障卡申领", queue="A", bring=["身份证"], days=0)]
    keep_config(folder / "unit", hardware.config(catalogue=pack(known)))
    with node_running(node_settings(folder / "unit", 9, pages="127.0.0.1:0")) as node:
        answer = Browser(node).get("/api/matters")
    [found] = answer.json["matters"]
    assert (found["name"], found["queue"], found["bring"]) == ("社会保障卡申领", "A", ["身份证"])


def test_a_kiosk_alone_offers_no_matter_that_has_ended_by_the_business_day_it_was_told(folder, hardware):
    ends = {"gone": date(2026, 11, 23), "last-day": date(2026, 11, 24), "stays": None}
    known = [Matter(code=code, name=code, queue="A", until=until) for code, until in ends.items()]
    keep_config(folder / "unit", hardware.config(catalogue=pack(known)), day="2026-11-23")
    with node_running(node_settings(folder / "unit", 9, pages="127.0.0.1:0")) as node:
        browser = Browser(node)
        shown = [one["code"] for one in browser.get("/api/matters").json["matters"]]
        refused = browser.take("A", item="gone")
        assert browser.get("/api/card").json == {"reader": False, "card": 0}
        gone = browser.ask("POST", "/api/check-in", b'{"card": 1}', Idempotency_Key=KEY)
        assert (gone.status, gone.json["error"]["code"]) == (409, "card_gone")
    assert shown == ["last-day", "stays"]
    assert (refused.status, refused.json["error"]["code"]) == (409, "matter_ended")


def test_cut_off_it_says_so_and_what_the_screens_showed_last(folder, hardware):
    called = Call(number="A007", window=3, at=datetime(2026, 11, 23, tzinfo=UTC))
    with node_running(node_settings(folder / "unit", 9, pages="127.0.0.1:0")) as node:
        node.shelf.take(replace(kiosk_board(1), calls=[called]))
        browser = Browser(node)
        shown = browser.get("/api/progress?number=a7&board=k-main").json
        silent = browser.get("/api/progress?number=B001").json
    assert (shown["look"], shown["window"], "3 号窗口" in shown["zh"]["where"]) == ("away", 3, True)
    assert (silent["look"], silent["window"], silent["en"]["where"]) == ("away", None, "")


def test_a_kiosk_answers_one_question_about_a_number_at_a_time(folder):
    with closing(Outbox.open(folder / "outbox.sqlite")) as outbox:
        meanwhile = []
        desk = Desk(lambda asked, wait_s: meanwhile.append(desk.answer(asked)), Shelf(outbox))
        assert desk.answer(Asked(number="A1")).look == "away"
    assert meanwhile == [None]


def test_a_catalogue_that_cannot_be_read_leaves_a_kiosk_without_search(folder, hardware):
    keep_config(folder / "unit", hardware.config(catalogue=b"no catalogue"))
    with node_running(node_settings(folder / "unit", 9, pages="127.0.0.1:0")) as node:
        browser = Browser(node)
        assert browser.get("/api/matters").json == {"matters": []}
        assert node.config.position == "hall-1"


def test_an_unknown_queue_is_refused(kiosk):
    assert kiosk.take("Z").json["error"]["code"] == "unknown_queue"


@pytest.mark.parametrize(
    ("body", "key", "status", "code"),
    [
        (b'{"queue": "A"}', "", 400, "no_key"),
        (b'{"queue": "A"}', "short", 400, "no_key"),
        (b'{"queue": "A"}', "k" * 129, 400, "no_key"),
        (b"{", KEY, 400, "not_json"),
        (b"\xff\xfe", KEY, 400, "not_json"),
        (b"[" * 4000, KEY, 400, "not_json"),
        (b"[]", KEY, 400, "no_queue"),
        (b'{"queue": 7}', KEY, 400, "no_queue"),
        (b'{"queue": "../A"}', KEY, 400, "no_queue"),
        (b'{"queue": "A", "item": {"a": 1}}', KEY, 400, "no_item"),
        (b'{"queue": "' + b"A" * 5000 + b'"}', KEY, 413, "too_large"),
    ],
)
def test_a_bad_request_is_answered_with_what_is_wrong(kiosk, body, key, status, code):
    answer = kiosk.ask("POST", "/api/tickets", body, Idempotency_Key=key)
    assert (answer.status, answer.json["error"]["code"]) == (status, code)


def test_a_body_without_a_length_is_refused(kiosk):
    answer = kiosk.ask("POST", "/api/tickets", None, Transfer_Encoding="chunked", Idempotency_Key=KEY)
    assert answer.status == 413


@pytest.mark.parametrize(
    "noise", [b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"\r\n" * 50, b"POST / HTTP/9.9\r\n\r\n"]
)
def test_what_is_no_http_harms_nobody(kiosk, noise):
    with socket.create_connection(("127.0.0.1", kiosk.port)) as line:
        line.sendall(noise)
    assert kiosk.get("/pages/kiosk.html").status == 200


def test_the_agents_socket_answers_rubbish_with_what_is_wrong(node, folder):
    for question in (b"{}\n", b"rubbish\n", b'{"ask": "secrets"}\n', b'{"ask": "board", "more": 1}\n'):
        with socket.socket(socket.AF_UNIX) as agent:
            agent.connect(str(folder / "unit" / "pages.sock"))
            agent.sendall(question)
            assert json.loads(agent.recv(4096))["body"]["error"]["code"] == "bad_question"


def test_the_pages_come_back_when_their_process_dies(browser, folder):
    child = until(lambda: pages_process(folder))
    os.kill(child.pid, signal.SIGKILL)
    until(lambda: pages_process(folder) not in (None, child), 20)
    assert browser.get("/pages/kiosk.html").status == 200


def pages_process(folder: Path) -> psutil.Process | None:
    """The process that serves the pages of the unit in `folder`."""
    for child in psutil.Process().children():
        with suppress(psutil.ZombieProcess, psutil.NoSuchProcess):
            if str(folder / "unit" / "pages.sock") in child.cmdline():
                return child
    return None


def test_the_pages_end_with_the_agent(folder, settings):
    with node_running(node_settings(folder / "unit", settings.mqtt_port, pages="127.0.0.1:0")):
        child = until(lambda: pages_process(folder))
        assert child is not None
        child_pid = child.pid
    assert not psutil.pid_exists(child_pid)
