"""The bare POST: Granian's threads as ours, one durable row for each request, and nothing else.

`app` is a function of the server alone; `flask_app` the same as a view of Flask, which ours must use.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask, request

from tests.bench.rig import free_port, listening

_lock = threading.Lock()
_databases: list[sqlite3.Connection] = []


def app(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """A WSGI application: keeps the body and says so."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    _keep(body)
    start_response("201 Created", [("Content-Type", "application/json"), ("Content-Length", "12")])
    return [b'{"ok": true}']


flask_app = Flask(__name__)


@flask_app.post("/<path:name>")
def keep(name: str) -> tuple[str, int]:
    _keep(request.get_data())
    return '{"ok": true}', 201


def _keep(body: bytes) -> None:
    with _lock:
        _database().execute("insert into event(body) values (?)", (body,))


def _database() -> sqlite3.Connection:
    if not _databases:
        db = sqlite3.connect(os.environ["BARE_DATABASE"], isolation_level=None, check_same_thread=False)
        db.execute("pragma journal_mode=wal")
        db.execute("pragma synchronous=full")
        db.execute("create table if not exists event(id integer primary key, body blob)")
        _databases.append(db)
    return _databases[0]


@contextmanager
def bare_web(folder: Path, threads: int, name: str = "app") -> Iterator[int]:
    """The bare server in a process; its port. name: which of the two it serves."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--blocking-threads", str(threads)]
    command += ["--no-ws", "--host", "127.0.0.1", "--port", str(port), f"tests.bench.bare_web:{name}"]
    with listening(command, port, folder / "bare.log", BARE_DATABASE=str(folder / "bare.db")):
        yield port
