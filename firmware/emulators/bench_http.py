"""The bench's page and control API over HTTP, on loopback only.

A page of another site open in the same browser must not press our buttons: the Host must be a loopback
name (no rebinding), an Origin must be our own, and a POST must be JSON (no plain form can send it).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from firmware import picture
from firmware.emulators.camera import CameraEmulator
from firmware.emulators.fifo import UsbKeysEmulator
from firmware.emulators.gpio import ButtonEmulator, KeysEmulator
from firmware.emulators.keypad import KeypadEmulator, UnknownKey
from firmware.emulators.reader import PEOPLE, CardReaderEmulator, ScannerEmulator
from firmware.emulators.speaker import SpeakerEmulator

if TYPE_CHECKING:
    from firmware.emulators.bench import Bench

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
PAGE = Path(__file__).parent / "page"
TOKENS = Path(__file__).parents[1] / "pages" / "tokens.css"  # the colours of all our pages
TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}
POLL_S = 25.0
LONGEST_BODY = 4096
LONGEST_QR = 1000


class Wrong(Exception):
    """A request that cannot be answered as asked."""

    def __init__(self, status: HTTPStatus, code: str, en: str, zh: str) -> None:
        super().__init__(en)
        self.status, self.code, self.en, self.zh = status, code, en, zh


class Server:
    """The page's server on threads of its own. Raises OSError when the port is taken."""

    def __init__(self, bench: Bench, host: str, port: int, frames: list[str]) -> None:
        handler = type("BenchHandler", (_Handler,), {"bench": bench, "frames": " ".join(frames)})
        self._http = ThreadingHTTPServer((host, port), handler)
        self._http.daemon_threads = True
        self.url = f"http://{host}:{self._http.server_address[1]}/"
        self._thread = threading.Thread(target=self._http.serve_forever, name="bench page", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(timeout=5)


class _Handler(BaseHTTPRequestHandler):
    bench: Bench
    frames: str
    protocol_version = "HTTP/1.1"
    server_version = "servicehall-bench"
    sys_version = ""
    timeout = 60

    def do_GET(self) -> None:
        routes: Mapping[str, Callable[[dict[str, str]], None]] = {
            "/state": self._state,
            "/raw": self._raw,
            "/qr.svg": self._qr,
            "/wav": self._wav,
            "/picture": self._picture,
        }
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        route = routes.get(parts.path)
        self._guarded(lambda: self._file(parts.path) if route is None else route(query))

    def do_POST(self) -> None:
        self._guarded(self._command)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a page that polls would fill the log."""

    def _guarded(self, work: Callable[[], None]) -> None:
        from firmware.emulators.bench import UnknownDevice

        try:
            self._check_sender()
            work()
        except Wrong as wrong:
            self._error(wrong)
        except UnknownDevice as unknown:
            self._error(Wrong(HTTPStatus.NOT_FOUND, "unknown", str(unknown), "没有这个设备或故障"))
        except UnknownKey as unknown:
            self._error(Wrong(HTTPStatus.BAD_REQUEST, "key", str(unknown), "没有这个按键"))
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            self.close_connection = True  # the browser left

    def _check_sender(self) -> None:
        host = self.headers.get("Host", "")
        if urlsplit(f"//{host}").hostname not in LOOPBACK:
            raise Wrong(HTTPStatus.FORBIDDEN, "host", f"Host {host!r} is not this machine", "只能在本机访问")
        origin = self.headers.get("Origin")
        if origin is not None and origin != f"http://{host}":
            raise Wrong(
                HTTPStatus.FORBIDDEN, "origin", f"Origin {origin!r} is another site", "不允许其他网站操作"
            )

    # -- reading

    def _state(self, query: dict[str, str]) -> None:
        after = query.get("after", "")
        if after.isdigit() and not self.bench.changes.after(int(after), POLL_S):
            self._send(HTTPStatus.NO_CONTENT, "", b"")
            return
        self._json(self.bench.state())

    def _raw(self, query: dict[str, str]) -> None:
        device = query.get("device", "")
        self._json({"device": device, "chunks": self.bench.raw(device)})

    def _qr(self, query: dict[str, str]) -> None:
        text = query.get("text", "")
        if not 0 < len(text) <= LONGEST_QR:
            raise Wrong(
                HTTPStatus.BAD_REQUEST, "text", f"text must have 1 to {LONGEST_QR} characters", "文字太长"
            )
        try:
            svg = picture.qr_svg(text).encode()
        except ValueError as error:
            raise Wrong(HTTPStatus.BAD_REQUEST, "text", str(error), "文字太长") from error
        self._send(HTTPStatus.OK, "image/svg+xml", svg, "max-age=86400")

    def _wav(self, query: dict[str, str]) -> None:
        speaker = self.bench.device(query.get("device", ""))
        sound = speaker.last_wav() if isinstance(speaker, SpeakerEmulator) else b""
        if not sound:
            raise Wrong(HTTPStatus.NOT_FOUND, "silent", "nothing was said yet", "还没有播报")
        self._send(HTTPStatus.OK, "audio/wav", sound)

    def _picture(self, query: dict[str, str]) -> None:
        """What a camera sees now."""
        camera = self.bench.device(query.get("device", ""))
        if not isinstance(camera, CameraEmulator):
            raise Wrong(HTTPStatus.BAD_REQUEST, "kind", f"that is a {camera.kind}", "设备类型不对")
        self._send(HTTPStatus.OK, "image/jpeg", camera.picture())

    def _file(self, path: str) -> None:
        name = path.removeprefix("/") or "index.html"
        file = TOKENS if name == TOKENS.name else PAGE / name
        if "/" in name or file.suffix not in TYPES or not file.is_file():
            raise Wrong(HTTPStatus.NOT_FOUND, "path", f"nothing at {path}", "没有这个页面")
        self._send(HTTPStatus.OK, TYPES[file.suffix], file.read_bytes())

    # -- doing

    def _command(self) -> None:
        commands: Mapping[str, Callable[[dict[str, Any]], None]] = {
            "/press": self._press,
            "/key": self._key,
            "/rate": self._rate,
            "/push": self._push,
            "/scan": self._scan,
            "/lay": self._lay,
            "/break": self._break,
        }
        body = self._body()
        command = commands.get(urlsplit(self.path).path)
        if command is None:
            raise Wrong(
                HTTPStatus.NOT_FOUND, "path", f"no command; there are {', '.join(commands)}", "没有这个操作"
            )
        command(body)
        self._json({"ver": self.bench.changes.version})

    def _body(self) -> dict[str, Any]:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > LONGEST_BODY:
            self.close_connection = True
            raise Wrong(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                "size",
                f"a body has at most {LONGEST_BODY} bytes",
                "请求过大",
            )
        raw = self.rfile.read(int(length))
        if self.headers.get_content_type() != "application/json":
            raise Wrong(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "type", "send application/json", "请发送 JSON")
        try:
            body = json.loads(raw)
        except ValueError as error:
            raise Wrong(HTTPStatus.BAD_REQUEST, "json", f"not JSON: {error}", "不是 JSON") from error
        if not isinstance(body, dict):
            raise Wrong(HTTPStatus.BAD_REQUEST, "json", "send one JSON object", "请发送一个 JSON 对象")
        return body

    def _press(self, body: dict[str, Any]) -> None:
        button = self._device(body, ButtonEmulator)
        held_s = body.get("held_s")
        if held_s is None:
            button.press()
        else:
            button.press(_field(body, "held_s", (int, float)))

    def _key(self, body: dict[str, Any]) -> None:
        self._device(body, KeypadEmulator).press(_field(body, "key", (str,)))

    def _rate(self, body: dict[str, Any]) -> None:
        self._device(body, KeypadEmulator).rate(_field(body, "value", (int,)))

    def _push(self, body: dict[str, Any]) -> None:
        keys, name = self._device(body, (KeysEmulator, UsbKeysEmulator)), _field(body, "key", (str,))
        if name not in keys.state()["names"]:
            raise Wrong(HTTPStatus.BAD_REQUEST, "key", f"it has no key {name!r}", "没有这个按键")
        keys.push(name)

    def _scan(self, body: dict[str, Any]) -> None:
        self._device(body, ScannerEmulator).scan(_field(body, "code", (str,)))

    def _lay(self, body: dict[str, Any]) -> None:
        """person: place of a made-up person whose card is laid on the reader; null takes it away."""
        person = body.get("person")
        if person is not None and (isinstance(person, bool) or person not in range(len(PEOPLE))):
            raise Wrong(HTTPStatus.BAD_REQUEST, "person", f"person is 0 to {len(PEOPLE) - 1}", "没有这个人")
        self._device(body, CardReaderEmulator).lay(person)

    def _break(self, body: dict[str, Any]) -> None:
        name = _field(body, "device", (str,))
        self.bench.set_fault(name, _field(body, "fault", (str,)), _field(body, "on", (bool,)))

    def _device(self, body: dict[str, Any], kind: type[Any] | tuple[type[Any], ...]) -> Any:
        name = _field(body, "device", (str,))
        device = self.bench.device(name)
        if not isinstance(device, kind):
            raise Wrong(HTTPStatus.BAD_REQUEST, "kind", f"{name} is a {device.kind}", "设备类型不对")
        return device

    # -- answering

    def _json(self, value: Any, status: HTTPStatus = HTTPStatus.OK) -> None:
        self._send(status, "application/json", json.dumps(value, ensure_ascii=False).encode())

    def _error(self, wrong: Wrong) -> None:
        self._json({"error": {"code": wrong.code, "en": wrong.en, "zh": wrong.zh}}, wrong.status)

    def _send(self, status: HTTPStatus, kind: str, body: bytes, cache: str = "no-store") -> None:
        self.send_response(status)
        if kind:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", cache)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Security-Policy", self._policy())
        self.end_headers()
        if body:
            self.wfile.write(body)

    def _policy(self) -> str:
        framers = f"'self' http://127.0.0.1:* http://localhost:* {self.frames}".strip()
        return (
            "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
            f"media-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors {framers}"
        )


def _field(body: dict[str, Any], name: str, kinds: tuple[type, ...]) -> Any:
    value = body.get(name)
    if (isinstance(value, bool) and bool not in kinds) or not isinstance(value, kinds):
        wanted = " or ".join(kind.__name__ for kind in kinds)
        raise Wrong(HTTPStatus.BAD_REQUEST, name, f"{name} must be {wanted}", f"缺少或错误的字段 {name}")
    return value
