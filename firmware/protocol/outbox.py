"""A node's durable memory: what it still has to tell, and what it must not do twice.

Hides SQLite, the counters that survive a restart, and which facts share a commit. One commit costs one
fsync: a press takes one, a slip two. Acks are folded into the next commit; losing one costs a resend.

Events are kept for seven days after the controller acked them, so that a controller restored from
an old backup can ask for them again (F81).
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from firmware.protocol import store_file
from firmware.protocol.clock import UnitClock as UnitClock
from firmware.protocol.codec import BadMessage, encode
from firmware.protocol.messages import (
    MAX_EVENT_BYTES,
    Faulted,
    IssuedOffline,
    Lease,
    OutboxState,
    Pressed,
    Print,
    Recovered,
    Report,
    Result,
    ResultState,
    TimeQuality,
)
from firmware.protocol.store_file import StoreFault as StoreFault

ENVELOPE_BYTES = 512  # more than an envelope adds to its report
RESULTS_KEPT = 1000  # R8
KEEP_ACKED = timedelta(days=7)  # F81
SETTLE_AFTER = 150  # rows changed: about as many pages in the log, of which many are the same


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored event. body: the report's JSON.

    Of a press that is settled: number, what its slip bears; is_refused, its citizen was sent away.
    """

    seq: int
    t: str
    body: bytes
    boot: int
    mono: int
    ts: datetime
    tq: TimeQuality
    number: str = ""
    is_refused: bool = False


class Settled(StrEnum):
    """What became of a press. Whichever comes first stays."""

    PRINT = "print"  # the controller's number, on its slip
    OFFLINE = "offline"  # our own number
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    how: Settled
    number: str = ""
    qr: str = ""
    zh: str = ""
    en: str = ""


@dataclass(frozen=True, slots=True)
class SlipMark:
    """A slip whose bytes may have begun to leave for the printer."""

    cid: str
    press: int | None
    number: str


@dataclass(frozen=True, slots=True)
class SavedBoard:
    name: str
    gen: int
    ver: int
    body: bytes


class Outbox:
    """The store of one unit. Safe from any thread; every method that writes raises StoreFault."""

    def __init__(self, db: sqlite3.Connection, path: Path, clock: UnitClock, set_aside: Path | None) -> None:
        """Use `Outbox.open`."""
        self._db, self._path, self.clock = db, path, clock
        self._lock = threading.RLock()
        self._settled_changes = 0
        self.set_aside = set_aside  # the corrupted store this one replaces
        self.epoch = str(self._value("epoch"))
        self._acked = self._saved_acked = int(str(self._value("acked")))
        self.session = int(str(self._value("session")))
        self.boot = int(str(self._value("boot"))) + 1
        given = self._one("SELECT seq FROM sqlite_sequence WHERE name = 'event'")
        self._last = 0 if given is None else int(given[0])
        self.put("boot", self.boot)

    @classmethod
    def open(cls, path: Path, clock: UnitClock | None = None) -> Outbox:
        """The store at `path`, made when there is none. A corrupted one is renamed aside, and a new
        one with a new epoch takes its place (F41). Counts one boot."""
        db, set_aside = store_file.open_whole(path)
        return cls(db, path, clock or UnitClock(), set_aside)

    def close(self) -> None:
        with self._lock:
            if self._acked != self._saved_acked:
                with suppress(StoreFault), self._writing():
                    pass  # The commit itself carries the acks.
            self._db.close()

    # --- events

    def append(self, report: Report) -> int:
        """Store one report and return its seq; it is durable on return. Raises BadMessage for one
        that is too large to be sent (R7): nothing is stored."""
        with self._writing():
            return self._append(report)

    def press(self, report: Pressed, key: str = "") -> tuple[int, bool]:
        """Store a press: its seq, and whether it is new. The same key gives the same press."""
        with self._lock:
            known = self.press_of(key)
            if known is not None:
                return known, False
            with self._writing():
                seq = self._append(report)
                self._db.execute("INSERT INTO press (seq, key) VALUES (?, ?)", (seq, key or None))
            return seq, True

    def press_of(self, key: str) -> int | None:
        """The press that was stored under a key."""
        row = self._one("SELECT seq FROM press WHERE key = ?", (key,)) if key else None
        return None if row is None else int(row[0])

    def after(self, seq: int, limit: int) -> list[Entry]:
        """The stored events with a greater number, in order, at most `limit`."""
        query = (
            "SELECT seq, t, body, boot, mono, ts, tq, coalesce(number, ''), coalesce(outcome, '')"
            " FROM event LEFT JOIN press USING (seq) WHERE seq > ? ORDER BY seq LIMIT ?"
        )
        with self._lock:
            rows = self._db.execute(query, (seq, limit)).fetchall()
        return [
            Entry(
                *(seq, t, body, boot, mono, datetime.fromisoformat(ts), TimeQuality(tq), number),
                is_refused=outcome == Settled.REFUSED,
            )
            for seq, t, body, boot, mono, ts, tq, number, outcome in rows
        ]

    @property
    def last(self) -> int:
        """The highest seq given; 0 before the first."""
        return self._last

    @property
    def acked(self) -> int:
        """Everything up to here is committed at the controller."""
        return self._acked

    def heard(self, hi: int) -> bool:
        """Take a cumulative ack; whether it was news. Durable with the next commit (R6)."""
        with self._lock:
            if not self._acked < hi <= self._last:
                return False
            self._acked = hi
            return True

    def rewind(self, hi: int) -> None:
        """The controller knows only up to `hi`, having been restored: later events count as unacked (F81).

        It may not know our leases either, and give their numbers to others: they are given up.
        """
        with self._lock:
            self._acked = min(self._acked, hi)
            with self._writing():
                self._db.execute("UPDATE event SET acked_at = NULL WHERE seq > ?", (hi,))
                self._db.execute("DELETE FROM lease")

    def state(self) -> OutboxState:
        with self._lock:
            row = self._one(
                "SELECT ts, mono, boot FROM event WHERE seq > ? ORDER BY seq LIMIT 1", (self._acked,)
            )
            oldest_s = 0.0 if row is None else self._age_s(row[0], row[1], row[2])
            depth = self._last - self._acked
            return OutboxState(
                ep=self.epoch, hi=self._last, acked=self._acked, depth=depth, oldest_s=oldest_s
            )

    def sweep(self) -> None:
        """Forget what was acked more than seven days ago."""
        before = (self.clock.now() - KEEP_ACKED).isoformat()
        with self._writing():
            self._db.execute("DELETE FROM event WHERE acked_at < ?", (before,))
            self._db.execute("DELETE FROM slip WHERE ended_at < ?", (before,))
            self._db.execute(
                "DELETE FROM press WHERE seq <= ? AND seq NOT IN (SELECT seq FROM event)", (self._acked,)
            )

    def settle_down(self) -> bool:
        """Carry what was committed from the log into the database file, once it is much; whether it was.

        Committing does the same when nobody did it in time, and takes tens of milliseconds then instead of
        one: a second between a button and its slip on an SD card. Here nobody who commits waits for it.
        """
        changes = self._db.total_changes
        if changes - self._settled_changes < SETTLE_AFTER:
            return False
        with suppress(StoreFault):  # whoever commits next meets the same and tells of it
            store_file.checkpoint(self._path)
            self._settled_changes = changes
        return self._settled_changes == changes

    # --- presses, numbers and slips

    def outcome(self, press: int) -> Outcome | None:
        """What became of a press; None while nothing has."""
        query = "SELECT outcome, number, qr, zh, en FROM press WHERE seq = ? AND outcome IS NOT NULL"
        row = self._one(query, (press,))
        return None if row is None else Outcome(Settled(row[0]), *row[1:])

    def refuse(self, press: int, zh: str, en: str) -> bool:
        """Settle a press as refused; False when something came before."""
        with self._writing():
            return self._settle(press, Outcome(Settled.REFUSED, zh=zh, en=en))

    def begin_slip(self, cid: str, order: Print) -> bool:
        """Mark durably that the bytes of a slip may leave. False when its press was settled before:
        then nothing may be printed."""
        press = order.press if order.press_epoch == self.epoch else None
        with self._writing():
            outcome = Outcome(Settled.PRINT, number=order.number, qr=order.qr)
            if press is not None and not self._settle(press, outcome):
                return False
            self._begin_slip(cid, press, order.number)
            return True

    def number_offline(
        self, press: int, queue: str, suffix: str, *, has_slip: bool = True
    ) -> IssuedOffline | None:
        """Number a press ourselves, from a lease of the business day or the unit's own series, report
        it and mark its slip begun (cid `offline_cid(press)`): one commit. None when the press was
        settled before. has_slip: False on a unit that has no printer."""
        with self._writing():
            if self.outcome(press) is not None:
                return None
            day = str(self.get("day") or "")
            number, lease = self._leased(queue, day) or (self._own_number(queue, day, suffix), None)
            self._settle(press, Outcome(Settled.OFFLINE, number=number))
            issued = IssuedOffline(press=press, queue=queue, number=number, day=day, lease=lease)
            self._append(issued)
            if has_slip:
                self._begin_slip(offline_cid(press), press, number)
            return issued

    def open_slips(self) -> list[SlipMark]:
        """Slips marked begun and not ended: after a restart, nobody knows what came out of them."""
        with self._lock:
            rows = self._db.execute("SELECT cid, press, number FROM slip WHERE ended_at IS NULL").fetchall()
        return [SlipMark(*row) for row in rows]

    # --- orders

    def result(self, cid: str) -> Result | None:
        """What became of an order that was carried out before (R8)."""
        row = self._one("SELECT state, code, detail FROM done WHERE cid = ?", (cid,))
        if row is None:
            return None
        return Result(cid=cid, state=ResultState(row[0]), code=row[1], detail=row[2])

    def finish(self, result: Result | None, report: Report | None = None, *, slip: str = "") -> None:
        """Remember what became of an order, report it and end its slip: one commit."""
        with self._writing():
            if result is not None:
                self._remember(result)
            if report is not None:
                self._append(report)
            if slip:
                self._db.execute("UPDATE slip SET ended_at = ? WHERE cid = ?", (self._now(), slip))

    def take_lease(self, lease: Lease, result: Result) -> None:
        """Remember numbers to give out. A lease known already is left as it is."""
        with self._writing():
            self._db.execute(
                "INSERT OR IGNORE INTO lease VALUES (?, ?, ?, ?, ?, ?, ?)",
                (lease.lease, lease.queue, lease.day, lease.prefix, lease.first, lease.last, lease.digits),
            )
            self._db.execute("DELETE FROM lease WHERE day < ? AND next > last", (lease.day,))
            self._remember(result)

    def leases(self) -> dict[int, int]:
        """The last number of each lease that has any left."""
        with self._lock:
            return dict(self._db.execute("SELECT lease, last FROM lease WHERE next <= last").fetchall())

    def forget_leases(self, leases: Sequence[int]) -> None:
        """Give no more numbers of these: the controller does not know them (F81)."""
        with self._writing():
            self._db.executemany("DELETE FROM lease WHERE lease = ?", [(one,) for one in leases])

    # --- faults, boards, small values

    def faults(self) -> list[Faulted]:
        """Faults reported and not recovered."""
        with self._lock:
            rows = self._db.execute("SELECT device, code, severity FROM fault").fetchall()
        return [Faulted(device=row[0], code=row[1], severity=row[2]) for row in rows]

    def save_boards(self, boards: Sequence[SavedBoard]) -> None:
        with self._writing():
            self._db.executemany(
                "INSERT OR REPLACE INTO board (name, gen, ver, body) VALUES (?, ?, ?, ?)",
                [(board.name, board.gen, board.ver, board.body) for board in boards],
            )

    def boards(self) -> list[SavedBoard]:
        with self._lock:
            rows = self._db.execute("SELECT name, gen, ver, body FROM board").fetchall()
        return [SavedBoard(*row) for row in rows]

    def get(self, name: str) -> str | int | bytes | None:
        """A small value by name; None when it was never put."""
        return self._value(name)

    def put(self, name: str, value: str | int | bytes) -> None:
        with self._writing():
            self._put(name, value)

    def next_session(self) -> int:
        """The number of the connection about to be made, never given before (R12)."""
        with self._writing():
            self._put("session", self.session + 1)
        self.session += 1
        return self.session

    # --- inside one transaction

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock:
            last, acked = self._last, self._acked
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield
                if self._db.in_transaction:
                    self._fold_acks(acked)
                    self._db.execute("COMMIT")
                    self._saved_acked = acked
            except BaseException as error:
                self._last = last
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise StoreFault(f"{self._path}: {error}") from error
                raise

    def _fold_acks(self, acked: int) -> None:
        """Mark what was acked since the last commit, without looking through the days of events before it."""
        if acked != self._saved_acked:
            self._db.execute(
                "UPDATE event SET acked_at = ? WHERE seq > ? AND seq <= ? AND acked_at IS NULL",
                (self._now(), self._saved_acked, acked),
            )
            self._put("acked", acked)

    def _append(self, report: Report) -> int:
        body = encode(report)
        if len(body) > MAX_EVENT_BYTES - ENVELOPE_BYTES:
            raise BadMessage(
                f"{type(report).__name__} of {len(body)} bytes is over {MAX_EVENT_BYTES - ENVELOPE_BYTES}"
            )
        cursor = self._db.execute(
            "INSERT INTO event (t, body, boot, mono, ts, tq) VALUES (?, ?, ?, ?, ?, ?)",
            (
                type(report).__name__,
                body,
                self.boot,
                self.clock.mono_ms(),
                self._now(),
                self.clock.quality().value,
            ),
        )
        self._note_fault(report)
        self._last = int(cursor.lastrowid or 0)
        return self._last

    def _note_fault(self, report: Report) -> None:
        if isinstance(report, Faulted):
            row = (report.device, report.code, report.severity)
            self._db.execute("INSERT OR REPLACE INTO fault VALUES (?, ?, ?)", row)
        elif isinstance(report, Recovered):
            self._db.execute("DELETE FROM fault WHERE device = ? AND code = ?", (report.device, report.code))

    def _settle(self, press: int, outcome: Outcome) -> bool:
        row = (outcome.how.value, outcome.number, outcome.qr, outcome.zh, outcome.en, press)
        cursor = self._db.execute(
            "UPDATE press SET outcome = ?, number = ?, qr = ?, zh = ?, en = ?"
            " WHERE seq = ? AND outcome IS NULL",
            row,
        )
        return cursor.rowcount == 1

    def _begin_slip(self, cid: str, press: int | None, number: str) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO slip (cid, press, number, begun_at) VALUES (?, ?, ?, ?)",
            (cid, press, number, self._now()),
        )

    def _leased(self, queue: str, day: str) -> tuple[str, int] | None:
        row = self._one(
            "SELECT lease, prefix, next, digits FROM lease WHERE queue = ? AND day = ? AND next <= last"
            " ORDER BY lease LIMIT 1",
            (queue, day),
        )
        if row is None:
            return None
        self._db.execute("UPDATE lease SET next = next + 1 WHERE lease = ?", (row[0],))
        return f"{row[1]}{row[2]:0{row[3]}d}", int(row[0])

    def _own_number(self, queue: str, day: str, suffix: str) -> str:
        row = self._one("SELECT next FROM series WHERE queue = ? AND day = ?", (queue, day))
        number = 1 if row is None else int(row[0])
        self._db.execute("INSERT OR REPLACE INTO series VALUES (?, ?, ?)", (queue, day, number + 1))
        return f"{queue}-{suffix}{self._series_letter()}-{number:03d}".upper()  # as keys bear the letters

    def _series_letter(self) -> str:
        """Nothing, or a letter once a corrupted store was replaced: its series may have been used today."""
        replaced = len(store_file.put_asides(self._path))
        return "" if replaced == 0 else chr(ord("a") + min(replaced, 26) - 1)

    def _remember(self, result: Result) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO done (cid, state, code, detail) VALUES (?, ?, ?, ?)",
            (result.cid, result.state.value, result.code, result.detail),
        )
        self._db.execute("DELETE FROM done WHERE n <= (SELECT max(n) FROM done) - ?", (RESULTS_KEPT,))

    def _put(self, name: str, value: str | int | bytes) -> None:
        self._db.execute("INSERT OR REPLACE INTO kv (name, value) VALUES (?, ?)", (name, value))

    def _value(self, name: str) -> str | int | bytes | None:
        row = self._one("SELECT value FROM kv WHERE name = ?", (name,))
        return None if row is None else row[0]

    def _one(self, query: str, values: Sequence[object] = ()) -> tuple[Any, ...] | None:
        with self._lock:
            return self._db.execute(query, values).fetchone()  # type: ignore[no-any-return]

    def _now(self) -> str:
        return self.clock.now().isoformat()

    def _age_s(self, ts: str, mono: int, boot: int) -> float:
        if boot == self.boot:
            return (self.clock.mono_ms() - mono) / 1000
        return max(0.0, (self.clock.now() - datetime.fromisoformat(ts)).total_seconds())


def offline_cid(press: int) -> str:
    """What a slip the unit printed on its own account is called in place of an order."""
    return f"offline-{press}"
