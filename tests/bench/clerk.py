"""Clients over HTTP: a kiosk on a kept-alive connection, a clerk's browser without pictures, a citizen."""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
import urllib.parse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.bench.rig import HALL, Controller, Spread

ANOTHER_EVERY_S = 0.05


def connect(url: str) -> http.client.HTTPConnection:
    where = urllib.parse.urlsplit(url)
    return http.client.HTTPConnection(where.hostname or "127.0.0.1", where.port, timeout=30)


class Kiosk:
    """Posts again and again on one connection. queue: of the hall; None: to the bare server."""

    def __init__(self, url: str, queue: str | None) -> None:
        self._connection, self._queue, self._posts = connect(url), queue, 0
        self._tag = f"{time.monotonic_ns():x}"

    def renew(self) -> None:
        """Take another connection: the server ends one that rests for a while."""
        self._connection.close()

    def act(self) -> float:
        """Seconds of one post."""
        self._posts += 1
        n = self._posts
        headers = {  # of many kiosks, none of which is in a hurry
            "Idempotency-Key": f"bench-{self._tag}-{n}",
            "Content-Type": "application/json",
            "X-Forwarded-For": f"10.{n // 62500}.{n // 250 % 250}.{n % 250 + 1}",
        }
        began = time.perf_counter()
        self._connection.request(
            "POST", f"/h/{HALL}/api/tickets", json.dumps({"queue": self._queue}), headers
        )
        answer = self._connection.getresponse()
        text = answer.read()
        took = time.perf_counter() - began
        if answer.status != 201:
            raise SystemExit(f"bench: a post answered {answer.status}: {text[:200]!r}")
        return took


class Clerk:
    """Cookies, forms, and the console's keys as page fragments. Signs in at a window."""

    def __init__(self, hall: Controller, window: int, page: str = "") -> None:
        """page: one with a form, of somebody who sits at no window."""
        self._connection = connect(hall.settings.web_url)
        self._window = f"/w/{HALL}/{window}"
        self._cookies: dict[str, str] = {}
        self._csrf = ""
        self._keys = 0
        link = hall.links[window]
        self._learn(self._ask("GET", f"/in/{link}"))
        self._ask("POST", f"/in/{link}", {"csrf": self._csrf})
        self._learn(self._ask("GET", page or self._window))

    def renew(self) -> None:
        """Take another connection: the server ends one that rests for a while."""
        self._connection.close()

    @property
    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self._cookies.items())

    def act(self) -> float:
        """Seconds of one "call next", the console drawn anew; starting the service is not counted."""
        began = time.perf_counter()
        self.call()
        took = time.perf_counter() - began
        self.start()
        return took

    def call(self) -> None:
        self._do("next")

    def start(self) -> None:
        self._do("start")

    def _do(self, action: str) -> None:
        self._keys += 1
        form = {"csrf": self._csrf, "key": f"bench-{self._window}-{self._keys}"}
        self._ask("POST", f"{self._window}/do/{action}", form, "true")

    def _learn(self, page: str) -> None:
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', page)
        found = found or re.search(r'"X-CSRF": ?"([0-9a-f]+)"', page)
        if found:
            self._csrf = found.group(1)

    def _ask(self, verb: str, path: str, form: dict[str, str] | None = None, fragment: str = "") -> str:
        headers = {"Cookie": self.cookie}
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


def looks(hall: Controller, seconds: float) -> Spread:
    """Times of a citizen's look at the hall, one after another."""
    connection, times, end = connect(hall.settings.web_url), [], time.monotonic() + seconds
    while (began := time.monotonic()) < end:
        connection.request("GET", f"/h/{HALL}")
        connection.getresponse().read()
        times.append(time.monotonic() - began)
        time.sleep(ANOTHER_EVERY_S)
    return Spread.of(times)


@contextmanager
def calling(clerks: Sequence[Clerk], a_second: float, seconds: float) -> Iterator[list[float]]:
    """The clerks call in turn meanwhile; the list holds the seconds of every call, all of them at the end."""
    calls: list[float] = []
    end = time.monotonic() + seconds

    def call(clerk: Clerk, number: int) -> None:
        turn = time.monotonic() + number / a_second
        clerk.renew()
        while turn < end:
            time.sleep(max(0.0, turn - time.monotonic()))
            calls.append(clerk.act())
            turn += len(clerks) / a_second

    threads = [threading.Thread(target=call, args=(one, n)) for n, one in enumerate(clerks)]
    for thread in threads:
        thread.start()
    yield calls
    for thread in threads:
        thread.join()
