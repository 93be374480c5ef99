"""What a corrupted store had not told yet, told after all (F41).

Hides which rows of a damaged file can still be read. They are said again under the epoch and numbers they
had, so that the controller, which knows which of them it heard, counts none twice; what cannot be read is a
gap it passes over. A file that was told has a mark beside it and is left alone.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

import msgspec

from firmware.protocol.codec import utc
from firmware.protocol.messages import Ack, Envelope, TimeQuality
from firmware.protocol.store_file import put_asides

AT_ONCE = 64  # R4
AGAIN_S = 5.0
MOST = 100_000  # events looked for in one file; a unit writes some 10,000 a day
ONE = "SELECT seq, t, body, boot, mono, ts, tq FROM event WHERE seq = ?"
KNOWN = "SELECT name, value FROM kv WHERE name IN ('epoch', 'acked', 'session')"

log = logging.getLogger(__name__)


class Salvage:
    """The events of one file that was set aside. Not safe from several threads."""

    def __init__(self, aside: Path) -> None:
        self._mark = aside.with_name(aside.name + ".told")
        self.epoch, self._left = read(aside)
        self._at_s = 0.0

    @property
    def is_told(self) -> bool:
        return not self._left

    def __len__(self) -> int:
        """Events that are not acked yet."""
        return len(self._left)

    def due(self, now_s: float) -> Sequence[Envelope]:
        """What to say now; again after a while, until it is acked."""
        if now_s < self._at_s:
            return []
        self._at_s = now_s + AGAIN_S
        return self._left[:AT_ONCE]

    def heard(self, ack: Ack) -> None:
        """The controller has everything of an epoch up to a number."""
        if ack.ep == self.epoch and self._left:
            self._left = [one for one in self._left if one.seq > ack.hi]
            self._at_s = 0.0
            if not self._left:
                self.done()

    def done(self) -> None:
        """Nothing is left to tell of this file."""
        self._mark.touch()


def salvages(store: Path) -> list[Salvage]:
    """Of every store that was set aside and not told; store: the one that took its place."""
    found = []
    for aside in put_asides(store):
        if not aside.with_name(aside.name + ".told").exists():
            salvage = Salvage(aside)
            log.warning("%s: %d events can still be told", aside.name, len(salvage))
            if salvage.is_told:
                salvage.done()
            else:
                found.append(salvage)
    return found


def read(path: Path) -> tuple[str, list[Envelope]]:
    """The epoch of a damaged store and those of its events that can be read and were not acked."""
    try:
        with closing(sqlite3.connect(path)) as db:
            values = dict(
                db.execute("SELECT name, value FROM kv WHERE name IN ('epoch', 'acked', 'session')")
            )
            first, session = int(values.get("acked", 0)) + 1, int(values.get("session", 0))
            return str(values["epoch"]), list(_events(db, str(values["epoch"]), first, session))
    except (sqlite3.DatabaseError, KeyError, ValueError) as error:
        log.error("%s: nothing can be read: %s", path, error)
        return "", []


def _events(db: sqlite3.Connection, epoch: str, first: int, session: int) -> Iterator[Envelope]:
    """One by one, because what is damaged ends a query and not the file."""
    last = _last(db)
    for seq in range(max(first, last - MOST), last + 1):
        try:
            row = db.execute(ONE, (seq,)).fetchone()
            if row is not None:
                yield _envelope(epoch, session, *row)
        except (sqlite3.DatabaseError, ValueError, TypeError):
            continue


def _last(db: sqlite3.Connection) -> int:
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'event'").fetchone()
    return 0 if row is None else int(row[0])


def _envelope(
    epoch: str, session: int, seq: int, t: str, body: bytes, boot: int, mono: int, ts: str, tq: str
) -> Envelope:
    msgspec.json.decode(body)  # bytes that a damaged page made up are no event
    return Envelope(
        t=t,
        ep=epoch,
        seq=seq,
        sess=session,
        boot=boot,
        mono=mono,
        ts=utc(datetime.fromisoformat(ts)),
        tq=TimeQuality(tq),
        d=msgspec.Raw(body),
    )
