"""How every process says what happens: one line each, as text or as JSON, and no secret in any of them.

Hides both formats, and that an address may carry the token that opens it: what a library or a traceback
says of such an address is masked like our own words. `Outages` makes one line of a trouble's begin and
one of its end, however often it is met in between.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import IO

import msgspec

TEXT, JSON = "text", "json"
FORMATS = (TEXT, JSON)
LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"
MASK = "***"
KEPT = 200  # outages that ended, for who asks what happened lately
# What opens something when it is known: the path of a one-time link, of a slip's page and of its ticket
# in the API; passwords in URLs; what headers, forms and cookies carry.
_SECRETS = (
    re.compile(r"(/(?:in|t|api/v1/tickets)/)[^\s/?#\"'<>\])]+"),
    re.compile(r"(://[^\s/:@]*:)[^\s/@]+(?=@)"),
    re.compile(r"(\b(?:Bearer|Basic) )[A-Za-z0-9._~+/=-]+", re.IGNORECASE),
    re.compile(r"((?i:\b(?:token|secret|password|csrf|sid|vid))[\"']?\s?[=:]\s?[\"']?)[^\s\"'&;,)}]+"),
)
_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def set_up(form: str, level: int = logging.INFO, stream: IO[str] | None = None) -> None:
    """Let this process log in that form (one of FORMATS), to stderr unless another stream is given."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if form == JSON else TextLines(LINE))
    logging.basicConfig(level=level, handlers=[handler], force=True)


def mask(text: str) -> str:
    """The text without what would let its reader act as somebody else."""
    for secret in _SECRETS:
        text = secret.sub(rf"\g<1>{MASK}", text)
    return text


class TextLines(logging.Formatter):
    """For people: as logging does it, masked."""

    def format(self, record: logging.LogRecord) -> str:
        return mask(super().format(record))


class JsonLines(logging.Formatter):
    """For programs: an object a line; what the caller gave as `extra` stands beside the message."""

    def format(self, record: logging.LogRecord) -> str:
        more = {name: value for name, value in vars(record).items() if name not in _USUAL}
        line = {
            "at": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
            "thread": record.threadName,
            **more,
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        masked = {name: mask(fact) if isinstance(fact, str) else fact for name, fact in line.items()}
        return msgspec.json.encode(masked, enc_hook=lambda fact: mask(str(fact))).decode()


@dataclass(frozen=True, slots=True)
class Outage:
    """One time that a part did not work. began_s, ended_s: monotonic; ended_s: None while it lasts."""

    part: str
    why: str
    began_s: float
    ended_s: float | None = None


class Outages:
    """What does not work now. Each is told once when it begins, and once when it ends with its length."""

    def __init__(
        self,
        log: logging.Logger,
        where: Mapping[str, str] | None = None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """where: what stands before each line and beside each JSON object, like {"hall": "hall-1"}."""
        self._log, self._where, self._now_s = log, dict(where or {}), now_s
        self._lock = threading.Lock()
        self._open: dict[str, Outage] = {}
        self._ended: deque[Outage] = deque(maxlen=KEPT)

    def begin(self, part: str, why: str) -> bool:
        """`part` has stopped working; True when that is news."""
        with self._lock:
            if part in self._open:
                return False
            self._open[part] = Outage(part, why, self._now_s())
        facts = {**self._where, "outage": part, "phase": "begin", "why": why}
        self._log.error("%s%s is out: %s", self._place, part, why, extra=facts)
        return True

    def resume(self, part: str, age_s: float) -> None:
        """It has been out for so long, which an earlier process has told."""
        with self._lock:
            self._open.setdefault(part, Outage(part, "", self._now_s() - age_s))

    def end(self, part: str) -> float | None:
        """It works again; after how many seconds, and None when it was not known to be out."""
        with self._lock:
            known = self._open.pop(part, None)
            if known is None:
                return None
            now_s = self._now_s()
            self._ended.append(replace(known, ended_s=now_s))
        lasted_s = round(now_s - known.began_s, 3)
        facts = {**self._where, "outage": part, "phase": "end", "lasted_s": lasted_s}
        self._log.warning("%s%s is back after %.1f s", self._place, part, lasted_s, extra=facts)
        return lasted_s

    def is_out(self, part: str) -> bool:
        return part in self._open

    def known(self) -> list[Outage]:
        """Those that last, and the last KEPT that ended; oldest first."""
        with self._lock:
            return sorted([*self._ended, *self._open.values()], key=lambda one: one.began_s)

    @property
    def _place(self) -> str:
        return "".join(f"{kind} {name}: " for kind, name in self._where.items())
