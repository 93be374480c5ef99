"""The child that serves the web face and holds the running site: gunicorn with one worker of threads.

One worker, because a hall has one writer; no reload and no max_requests, because two of them must never
overlap (the site's lock would refuse the second). The site opens in the worker, after the fork.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from gunicorn.util import import_app

from controller.children import die_with_parent
from controller.hall.model import HallError
from controller.settings import Settings, from_environment
from firmware.protocol import logs

APPLICATION = "web.app:serve_app()"  # named, not imported: web stands above controller
WORKER_GRACE_S = 2  # for requests under way; streams never end by themselves
MASTER_GRACE_S = 6  # until a worker that did not end is killed
BOOT_TIMEOUT_S = 60
GARBAGE_THRESHOLDS = (5_000, 10, 20)  # all is looked at once in a million new objects, not in 70,000
CANNOT_OPEN = 4  # exit code; gunicorn takes it as "the application does not load" and does not try again


class WebProcess(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn, configured by our settings instead of its own files."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        for name, value in options(self._settings).items():
            if name in self.cfg.settings:  # gunicorn before 25 has no control socket to switch off
                self.cfg.set(name, value)

    def load(self) -> Any:
        try:
            return import_app(APPLICATION)
        except HallError as error:
            print(f"servicehall serve: {error}", file=sys.stderr, flush=True)
            sys.exit(CANNOT_OPEN)


class WebLog(Logger):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's words among ours, in one form and masked: it tells the whole address of what fails."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


def options(settings: Settings) -> dict[str, object]:
    """What gunicorn is told, by its own names."""
    return {
        "bind": f"{_bracketed(settings.http_host)}:{settings.http_port}",
        "workers": 1,
        "worker_class": "gthread",
        "threads": settings.http_threads,
        "worker_connections": settings.http_connections,
        "timeout": BOOT_TIMEOUT_S,
        "graceful_timeout": MASTER_GRACE_S,
        "keepalive": 15,
        "loglevel": "warning",
        "logger_class": WebLog,
        "certfile": _text(settings.http_tls_cert),
        "keyfile": _text(settings.http_tls_key),
        "proc_name": "servicehall-web",
        "control_socket_disable": True,
        "post_fork": _post_fork,
        "post_worker_init": _spare_the_halls,
        "worker_exit": _worker_exit,
    }


def main() -> int:
    """Serve until told to stop. The settings are those of the environment."""
    settings = from_environment()
    logs.set_up(settings.log_format)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    WebProcess(settings).run()
    return 0


def _post_fork(arbiter: Any, worker: Any) -> None:
    die_with_parent()
    worker.cfg.set("graceful_timeout", WORKER_GRACE_S)


def _spare_the_halls(worker: Any) -> None:
    """Look for cyclic garbage seldom: a hall is a value without cycles, of so many objects that one look at
    all of them stops every thread for 20 to 80 ms."""
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)


def _worker_exit(arbiter: Any, worker: Any) -> None:
    """Close the site, then end at once: threads of open streams would keep the interpreter for ever."""
    application = getattr(worker, "wsgi", None)
    if application is None:
        return
    application.extensions["site"].close()
    logging.shutdown()
    os._exit(0)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def _text(path: object) -> str | None:
    return None if path is None else str(path)


if __name__ == "__main__":
    sys.exit(main())
