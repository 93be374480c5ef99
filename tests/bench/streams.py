"""A thousand live staff screens while thirty calls a second are made: how long another request takes.

Every screen holds a stream of server-sent events and, told of a change, asks for its part of the page as a
browser does. The calls are keys of thirty consoles.
"""

from __future__ import annotations

import selectors
import socket
import threading
import urllib.parse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench.clerk import Clerk, calling, connect, looks
from tests.bench.rig import HALL, Crew, Spread, controller, wait_for
from tests.bench.table import Row, at_most

SCREENS = 1000
WINDOWS = 30
CALLS = 30.0  # a second
SECONDS = 15.0
THREADS = f"http_threads = {SCREENS + 400}\nhttp_connections = {2 * SCREENS + 400}\n"


def measure(folder: Path) -> list[Row]:
    with controller(folder, 3000, "mosquitto", WINDOWS, THREADS) as hall:
        clerks = [Clerk(hall, window) for window in range(1, WINDOWS + 1)]
        views = [(f"w{n}", f"/w/{HALL}/{n}", clerk.cookie) for n, clerk in enumerate(clerks, start=1)]
        shown = [views[n % WINDOWS] for n in range(SCREENS)]
        screens = Crew(open_streams, [(hall.settings.web_url, shown)])
        try:
            quiet = looks(hall, 3.0)
            with calling(clerks, CALLS, SECONDS) as calls:
                busy = looks(hall, SECONDS)
            told, asked = screens.ask("count")[0]
        finally:
            screens.stop()
    return [
        Row(f"{SCREENS} live screens, no calls: another request", str(quiet)),
        Row(
            f"calls made meanwhile ({CALLS:.0f}/s wanted)",
            f"{len(calls) / SECONDS:.0f}/s, {Spread.of(calls)}",
        ),
        Row("screens told, parts of pages fetched", f"{told / SECONDS:.0f}/s, {asked / SECONDS:.0f}/s"),
        Row(
            f"{SCREENS} live screens, {CALLS:.0f} calls/s: another request, p99",
            f"{busy.p99:.1f} ms, p50 {busy.p50:.1f} ms",
            at_most(busy.p99, 50, "ms"),
        ),
    ]


# --- the process of the screens


View = tuple[str, str, str]  # of the feed, the page it draws, the cookies of who looks


def open_streams(pipe: Any, url: str, views: Sequence[View]) -> None:
    """Hold a stream for each view and fetch its page anew when told; a Crew's work, asked for its counts."""
    where = urllib.parse.urlsplit(url)
    ready, counts = selectors.DefaultSelector(), {"told": 0, "asked": 0}
    for view in views:
        sock = _open(where.hostname or "", where.port or 80, f"/feed/{HALL}?view={view[0]}", view[2])
        ready.register(sock, selectors.EVENT_READ, view)
    wanted: list[View] = []
    news = threading.Semaphore(0)
    threading.Thread(target=_listen, args=(ready, counts, wanted, news), daemon=True).start()
    for _ in range(4):
        threading.Thread(target=_fetch, args=(url, counts, wanted, news), daemon=True).start()
    wait_for(lambda: counts["told"] >= len(views), 60)
    wait_for(lambda: not wanted, 60)
    before = dict(counts)
    pipe.send("ready")
    while pipe.recv() is not None:
        pipe.send((counts["told"] - before["told"], counts["asked"] - before["asked"]))


def _open(host: str, port: int, path: str, cookie: str) -> socket.socket:
    sock = socket.create_connection((host, port), 30)
    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: {cookie}\r\n\r\n".encode())
    return sock


def _listen(
    ready: selectors.BaseSelector, counts: dict[str, int], wanted: list[View], news: threading.Semaphore
) -> None:
    while True:
        for key, _ in ready.select():
            sock: Any = key.fileobj
            heard = sock.recv(65536)
            if not heard:
                ready.unregister(sock)
            for _ in range(heard.count(b"event: changed")):
                counts["told"] += 1
                wanted.append(key.data)
                news.release()


def _fetch(url: str, counts: dict[str, int], wanted: list[View], news: threading.Semaphore) -> None:
    connection = connect(url)
    while True:
        news.acquire()
        _, page, cookie = wanted.pop()
        connection.request("GET", page, headers={"Cookie": cookie, "HX-Request": "true"})
        connection.getresponse().read()
        counts["asked"] += 1
