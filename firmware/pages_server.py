"""Serves a unit's own pages, as a child process of the agent: `python -m firmware.pages_server SOCKET FD`.

Hides HTTP. It has its own memory and dies with the agent (end of its standard input). What it serves:
the files of firmware/pages under /pages/, and the page API by asking the agent over a socket file
(see inquiries). FD is the listening socket, opened by the agent, so that a restart loses nobody.
"""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from firmware import picture

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".woff2": "font/woff2",
    ".png": "image/png",
}
FILE = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9]+)+")
BOARD = re.compile(r"[A-Za-z0-9_-]{1,64}")
CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
DIGITS = re.compile(r"[0-9]{4,8}")  # of an appointment's code, or the end of a phone number
KEY = re.compile(r"[\x21-\x7e]{8,128}")
MAX_BODY_BYTES = 4096
MOST_ASKED = 64  # letters of a part of a question; messages are not imported here for one number
MOST_CARDS = 2**31  # laid on a reader since the agent began
REQUEST_S = 10.0  # a client slower than this with its request is cut off
ASK_S = 40.0  # longer than any answer of the agent takes
MOST_AT_ONCE = 64  # a unit has a few screens; more is somebody else
POLICY = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors *"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: status, headers besides the length, bytes."""

    status: int
    headers: dict[str, str]
    body: bytes = b""


class Pages:
    """Answers requests; knows no sockets but the agent's."""

    def __init__(self, agent: str, folder: Traversable | None = None) -> None:
        self._agent = agent
        self._folder = folder or files("firmware") / "pages"

    def get(self, target: str) -> Reply:
        parts = urlsplit(target)
        path = unquote(parts.path)
        if path == "/":
            return Reply(302, {"Location": "pages/kiosk.html"})
        if path.startswith("/pages/"):
            return self._file(path.removeprefix("/pages/"))
        if path.startswith("/api/board/"):
            after = parse_qs(parts.query).get("after", [""])[-1]
            return self._board(path.removeprefix("/api/board/"), after[:64])
        if path == "/api/card":
            return self._asked({"ask": "card"})
        if path == "/api/matters":
            return self._asked({"ask": "matters"})
        if path == "/api/progress":
            return self._progress({name: said[-1] for name, said in parse_qs(parts.query).items()})
        return _problem(404, "not_found", "没有这个页面", f"there is no page {path[:100]!r}")

    def post(self, target: str, key: str, body: bytes) -> Reply:
        path = urlsplit(target).path
        if path not in ("/api/tickets", "/api/check-in"):
            return _problem(404, "not_found", "没有这个页面", "tickets are taken at /api/tickets")
        if not KEY.fullmatch(key):
            return _problem(400, "no_key", "请求有误", "the header Idempotency-Key needs 8 to 128 characters")
        try:
            asked = json.loads(body)
        except (ValueError, RecursionError):
            return _problem(400, "not_json", "请求有误", "the body is not JSON")
        if path == "/api/check-in":
            code, card = (asked.get("code"), asked.get("card")) if isinstance(asked, dict) else (None, None)
            if isinstance(card, int) and 0 < card < MOST_CARDS and code is None:
                return self._asked({"ask": "ticket", "card": card, "key": key})
            if not isinstance(code, str) or not DIGITS.fullmatch(code):
                return _problem(400, "no_code", "请输入预约码", "the field code must be 4 to 8 digits")
            return self._asked({"ask": "ticket", "appointment": code, "key": key})
        queue, item = (asked.get("queue"), asked.get("item") or "") if isinstance(asked, dict) else (None, "")
        if not isinstance(queue, str) or not CODE.fullmatch(queue):
            return _problem(400, "no_queue", "请求有误", "the field queue must be the code of a queue")
        if not isinstance(item, str) or not (item == "" or CODE.fullmatch(item)):
            return _problem(400, "no_item", "请求有误", "the field item must be the code of a matter")
        return self._asked({"ask": "ticket", "queue": queue, "item": item, "key": key})

    def _file(self, name: str) -> Reply:
        suffix = os.path.splitext(name)[1]
        file = self._folder / name if FILE.fullmatch(name) and suffix in TYPES else None
        if file is None or not file.is_file():
            return _problem(404, "not_found", "没有这个页面", f"there is no page {name[:100]!r}")
        headers = {
            "Content-Type": TYPES[suffix],
            "Cache-Control": "no-cache",
            "Content-Security-Policy": POLICY,
        }
        return Reply(200, headers, file.read_bytes())

    def _board(self, name: str, after: str) -> Reply:
        if not BOARD.fullmatch(name):
            return _problem(404, "unknown_board", "没有这个屏", "there is no such board")
        return self._asked({"ask": "board", "name": name, "after": after})

    def _progress(self, said: Mapping[str, str]) -> Reply:
        """Where a ticket stands, by its number or by the token of its slip."""
        number, token, board = (said.get(name, "")[:MOST_ASKED] for name in ("number", "token", "board"))
        return self._asked({"ask": "progress", "number": number, "token": token, "name": board})

    def _asked(self, question: dict[str, str | int]) -> Reply:
        """What the agent answers; 503 while it does not."""
        try:
            answer = self._ask(question)
        except (OSError, ValueError) as error:
            print(f"the agent does not answer: {error}", file=sys.stderr)
            return _problem(503, "no_agent", "本机正在启动，请稍候", "this unit is starting; please wait")
        headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
        for field, header in (("age_s", "Age"), ("hall_time", "Hall-Time"), ("speed", "Hall-Speed")):
            if field in answer:
                headers[header] = str(answer[field])
        if "cursor" in answer:
            headers["ETag"] = f'"{answer["cursor"]}"'
        shown = answer.get("body")
        if shown and shown.get("url") and shown.get("printed") is not True:
            shown["qr"] = qr_picture(shown["url"])
        body = json.dumps(shown, ensure_ascii=False).encode() if "body" in answer else b""
        return Reply(int(answer["status"]), headers, body)

    def _ask(self, question: dict[str, str | int]) -> dict[str, Any]:
        with socket.socket(socket.AF_UNIX) as agent:
            agent.settimeout(ASK_S)
            agent.connect(self._agent)
            agent.sendall(json.dumps(question).encode() + b"\n")
            with agent.makefile("rb") as lines:
                answer: dict[str, Any] = json.loads(lines.readline())
                return answer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "servicehall"
    sys_version = ""
    timeout = REQUEST_S
    server: Server

    def do_GET(self) -> None:
        self._reply(self.server.pages.get(self.path))

    def do_HEAD(self) -> None:
        self._reply(self.server.pages.get(self.path))

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            self._reply(
                _problem(413, "too_large", "请求过大", f"send at most {MAX_BODY_BYTES} bytes, with a length")
            )
            return
        body = self.rfile.read(int(length))
        self._reply(self.server.pages.post(self.path, self.headers.get("Idempotency-Key", ""), body))

    def _reply(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("X-Content-Type-Options", "nosniff")
        if reply.status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command != "HEAD" and reply.body:
            self.wfile.write(reply.body)

    def log_message(self, format: str, *args: object) -> None:
        """No line a request: screens ask every few seconds, and a unit's disk is small."""


class Server(ThreadingHTTPServer):
    """Serves on a socket somebody else opened."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, listener: socket.socket, pages: Pages) -> None:
        self.pages = pages
        self._room = threading.BoundedSemaphore(MOST_AT_ONCE)
        super().__init__(listener.getsockname()[:2], _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exc_info()[1]
        if not isinstance(error, ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


def qr_picture(text: str) -> str:
    """A QR code as the address of a picture: what a phone reads where no slip says it."""
    return f"data:image/svg+xml;base64,{base64.b64encode(picture.qr_svg(text).encode()).decode()}"


def _problem(status: int, code: str, zh: str, en: str) -> Reply:
    body = json.dumps({"error": {"code": code, "zh": zh, "en": en}}, ensure_ascii=False).encode()
    return Reply(status, {"Content-Type": "application/json", "Cache-Control": "no-store"}, body)


def main(argv: list[str]) -> int:
    """Serve until the agent's end of our standard input closes."""
    agent, descriptor = argv
    listener = socket.socket(fileno=int(descriptor))
    server = Server(listener, Pages(agent))
    threading.Thread(target=server.serve_forever, name="http", daemon=True).start()
    sys.stdin.buffer.read()
    server.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
