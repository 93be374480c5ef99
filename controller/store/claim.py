"""One controller runs the halls of a database: who holds it, and noticing that it was taken away.

On SQLite a lock on a file beside the database. On PostgreSQL an advisory lock of the very session that
writes, so whoever can write holds it: a lost connection gives it up, and a new one must get it back and
find that no later controller counted the generation on meanwhile. Its server also knows when a killed
controller's last transaction is over; before that the next one must not read the log.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Engine
from sqlalchemy import event as hooks

from controller.hall.model import HallError
from controller.lock import PATIENCE_S, SiteTaken, hold
from controller.store.errors import StoreFailed
from controller.store.records import GENERATION

CLAIM_LOCK = 7_421_131  # any number but schema.MIGRATION_LOCK

# A session whose controller is gone without a word (power, network) ends after this, and its lock with it.
KEEPALIVE = "SET tcp_keepalives_idle=10; SET tcp_keepalives_interval=5; SET tcp_keepalives_count=3"
HOLDER = """
    SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND objid = %s AND granted
"""
APPLICATION = f"servicehall on {socket.gethostname()}, process"  # the name of our sessions, with the pid


class FileClaim:
    """The lock beside an SQLite file."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._held: IO[str] | None = None

    def take(self, patience_s: float = PATIENCE_S) -> None:
        file = self._database.with_name(f"{self._database.name}.lock")
        self._held = hold(file, str(self._database), "store_url", patience_s)

    def confirm(self, generation: int) -> None:
        """Nothing can take a file's lock away from a process."""

    def release(self) -> None:
        if self._held is not None:
            self._held.close()


class SessionClaim:
    """The lock of the session that writes to PostgreSQL; every new one must get it first."""

    def __init__(self, writer: Engine) -> None:
        self._writer = writer
        self._is_wanted = False
        self._generation: int | None = None
        hooks.listen(writer, "connect", self._on_connect)

    def take(self, patience_s: float = PATIENCE_S) -> None:
        self._writer.dispose()
        self._is_wanted = True
        deadline = time.monotonic() + patience_s
        while not self._has_it(is_last_try=time.monotonic() > deadline):
            threading.Event().wait(0.05)

    def confirm(self, generation: int) -> None:
        """From now on a new session is ours only while this is the newest generation."""
        self._generation = generation

    def release(self) -> None:
        """Sessions end with the engine, and the lock with them."""

    def _has_it(self, is_last_try: bool) -> bool:
        try:
            self._writer.connect().close()
        except SiteTaken:
            if is_last_try:
                raise
            return False
        return True

    def _on_connect(self, session: Any, _record: Any) -> None:
        if not self._is_wanted:
            return
        try:
            self._hold(session)
        except BaseException:
            session.close()
            raise

    def _hold(self, session: Any) -> None:
        with session.cursor() as cursor:
            cursor.execute(KEEPALIVE)
            cursor.execute("SELECT pg_try_advisory_lock(%s)", (CLAIM_LOCK,))
            if not cursor.fetchone()[0]:
                cursor.execute(HOLDER, (CLAIM_LOCK,))
                raise self._taken((cursor.fetchone() or ("another controller",))[0])
            cursor.execute("SELECT value FROM meta WHERE name = %s", (GENERATION,))
            newest = cursor.fetchone()
        session.commit()
        if self._generation is not None and newest is not None and int(newest[0]) != self._generation:
            raise StoreFailed(f"a controller of generation {newest[0]} has the database now; stop this one")

    def _taken(self, holder: str) -> HallError:
        """The same at the start and later: then it is an outage like others, for it may pass."""
        found = f"the database is in use by {holder}"
        if self._generation is not None:
            return StoreFailed(f"{found}; it can only be one of them")
        return SiteTaken(f"{found}; stop that one, or set another store_url")


def application_name() -> str:
    return f"{APPLICATION} {os.getpid()}"
