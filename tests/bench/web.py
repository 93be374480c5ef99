"""Taking a ticket and calling the next over HTTP, on one kept-alive connection, with few and many waiting."""

from __future__ import annotations

import http.client
import json
import re
import time
import urllib.parse
from pathlib import Path

from tests.bench.rig import HALL, Controller, Spread, controller

ROUNDS = 150


def measure(folder: Path, waiting: int) -> list[tuple[str, str]]:
    """Rows (what, figure)."""
    with controller(folder, waiting) as hall:
        hello, taken, called = idle(hall), take(hall), call(hall)
    return [
        (f"GET /healthz, {waiting:,} waiting", str(hello)),
        (f"take a ticket over HTTP, {waiting:,} waiting", str(taken)),
        (f"call next over HTTP, {waiting:,} waiting", str(called)),
    ]


def _connect(hall: Controller) -> http.client.HTTPConnection:
    where = urllib.parse.urlsplit(hall.settings.web_url)
    return http.client.HTTPConnection(where.hostname or "127.0.0.1", where.port, timeout=10)


def idle(hall: Controller) -> Spread:
    connection, times = _connect(hall), []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        connection.request("GET", "/healthz")
        connection.getresponse().read()
        times.append(time.perf_counter() - began)
    return Spread.of(times)


def take(hall: Controller) -> Spread:
    connection, times = _connect(hall), []
    for number in range(ROUNDS):
        headers = {
            "Idempotency-Key": f"bench-key-of-press-{number}",
            "Content-Type": "application/json",
            "X-Forwarded-For": f"10.0.{number // 250}.{number % 250 + 1}",  # many kiosks, not one in a hurry
        }
        began = time.perf_counter()
        connection.request("POST", f"/h/{HALL}/api/tickets", json.dumps({"queue": "A"}), headers)
        answer = connection.getresponse()
        text = answer.read()
        times.append(time.perf_counter() - began)
        if answer.status != 201:
            raise SystemExit(f"bench: taking a ticket answered {answer.status}: {text[:200]!r}")
    return Spread.of(times[5:])


def call(hall: Controller) -> Spread:
    clerk = _Clerk(hall)
    clerk.sign_in(hall.link)
    return Spread.of([clerk.call() for _ in range(ROUNDS)][5:])


class _Clerk:
    """A browser without pictures: cookies, forms, and the console's keys as page fragments."""

    def __init__(self, hall: Controller) -> None:
        self._connection = _connect(hall)
        self._cookies: dict[str, str] = {}
        self._csrf = ""
        self._keys = 0

    def sign_in(self, link: str) -> None:
        page = self._ask("GET", f"/in/{link}")
        self._learn(page)
        self._ask("POST", f"/in/{link}", {"csrf": self._csrf})
        self._learn(self._ask("GET", f"/w/{HALL}/1"))

    def call(self) -> float:
        """Seconds of one "call next"; starting the service is not counted."""
        began = time.perf_counter()
        self._do("next")
        took = time.perf_counter() - began
        self._do("start")
        return took

    def _do(self, action: str) -> None:
        self._keys += 1
        self._ask(
            "POST", f"/w/{HALL}/1/do/{action}", {"csrf": self._csrf, "key": f"bench-{self._keys}"}, "true"
        )

    def _learn(self, page: str) -> None:
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', page) or re.search(
            r'"X-CSRF": ?"([0-9a-f]+)"', page
        )
        if found:
            self._csrf = found.group(1)

    def _ask(self, verb: str, path: str, form: dict[str, str] | None = None, fragment: str = "") -> str:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        if fragment:
            headers["HX-Request"] = fragment
        self._connection.request(verb, path, urllib.parse.urlencode(form) if form else None, headers)
        answer = self._connection.getresponse()
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self._cookies[key] = rest.partition(";")[0]
        text = answer.read().decode()
        if answer.status >= 400:
            raise SystemExit(f"bench: {verb} {path} answered {answer.status}: {text[:300]}")
        return text
