"""The child that serves the web face and holds the running site: Granian with one worker of threads.

One worker, because a hall has one writer; none is started again or beside it, because two must never overlap
(the site's lock would refuse the second): when it ends this process ends, and its supervisor starts another.
The site opens in the worker, after the fork.
"""

from __future__ import annotations

import gc
import logging
import os
import pkgutil
import signal
import socket
import sys
import threading
from typing import Any

from flask import Flask
from granian import Granian
from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings
from granian.log import LogLevels

from controller.children import die_with_parent
from controller.hall.model import HallError
from controller.settings import Settings, from_environment
from firmware.protocol import logs

APPLICATION = "web.app:serve_app"  # named, not imported: web stands above controller
WORKER_GRACE_S = 2.0  # for requests under way
MASTER_GRACE_S = 6  # until a worker that did not end is killed
HEADERS_WITHIN_MS = 15_000  # of a request, or until the next one on the same connection
GARBAGE_THRESHOLDS = (5_000, 10, 20)  # all is looked at once in a million new objects, not in 70,000
OUR_WAY: dict[str, Any] = {"handlers": [], "propagate": True}  # a logger's words among ours, masked
LOGGERS = {"_granian": OUR_WAY, "granian.access": OUR_WAY}
ENDING = (signal.SIGTERM, signal.SIGINT)
LOOK_S = 5.0  # between two looks whether the server has failed


def options(settings: Settings) -> dict[str, Any]:
    """What Granian is told, by its own names."""
    return {
        "address": settings.http_host.strip("[]"),
        "port": settings.http_port,
        "interface": Interfaces.WSGI,
        "http": HTTPModes.http1,
        "websockets": False,
        "workers": 1,
        "blocking_threads": settings.http_threads,
        "backpressure": settings.http_connections,
        "http1_settings": HTTP1Settings(header_read_timeout=HEADERS_WITHIN_MS),
        "workers_kill_timeout": MASTER_GRACE_S,
        "log_level": LogLevels.error,
        "log_dictconfig": {"handlers": {}, "loggers": LOGGERS},
        "ssl_cert": settings.http_tls_cert,
        "ssl_key": settings.http_tls_key,
        "ssl_protocol_min": SSLProtocols.tls12,  # phones of old people are old
    }


def main() -> int:
    """Serve until told to stop. The settings are those of the environment."""
    settings = from_environment()
    logs.set_up(settings.log_format)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    Granian(APPLICATION, **options(settings)).serve(target_loader=_open)
    return 0


def _open(name: str) -> Flask:
    """The application, in the worker: it opens the site.

    Cyclic garbage is looked for seldom: a hall is a value without cycles, of so many objects that one look at
    all of them stops every thread for 20 to 80 ms, and reading the program makes hardly any. What is there
    once the site is open stays; no look needs to go through it.
    """
    die_with_parent()
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    try:
        application: Flask = pkgutil.resolve_name(name)()
    except HallError as error:
        print(f"servicehall serve: {error}", file=sys.stderr, flush=True)
        sys.exit(1)
    gc.freeze()
    hears, told = socket.socketpair()
    told.setblocking(False)
    signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)  # the server handles the signals itself
    threading.Thread(target=_close, args=(application, hears, told), name="closer").start()
    return application


def _close(application: Flask, hears: socket.socket, told: socket.socket) -> None:
    """Once the worker is told to stop: let what waits go, give requests under way their time, close the site.

    Ends the process at once, for whoever still holds a thread would keep it for ever.
    """
    main_thread = threading.main_thread()
    with hears, told:
        while main_thread.is_alive() and not _is_told(hears):
            pass
        for name in ("feed", "boards"):
            application.extensions[name].close()
        main_thread.join(WORKER_GRACE_S)
        application.extensions["site"].close()
        logging.shutdown()
        os._exit(0)


def _is_told(hears: socket.socket) -> bool:
    """Whether a signal to stop came; waits a moment for it."""
    hears.settimeout(LOOK_S)
    try:
        return hears.recv(1)[0] in ENDING
    except TimeoutError:
        return False


if __name__ == "__main__":
    sys.exit(main())
