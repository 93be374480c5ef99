"""What can go wrong with the store, as mistakes a caller can act on."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError

from controller.hall.model import HallError


class StoreFailed(HallError):
    """Nothing was stored, so nothing happened; asking again later may work (disk full, database locked)."""


class StoreDamaged(StoreFailed):
    """What is stored cannot be trusted; asking again does not help."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"the database is damaged ({what}); stop the controller and put the last backup in its place: "
            "servicehall restore FILE"
        )


class StoreTooNew(HallError):
    """The database was made by a newer version of this program; update the program, never the data."""


def is_outage(error: Exception) -> bool:
    """Whether the database itself failed, and not a row or statement somebody gave it."""
    if isinstance(error, (IntegrityError, DataError, ProgrammingError)):
        return False
    return isinstance(error, (StoreFailed, DBAPIError))


def is_damage(error: DBAPIError) -> bool:
    """Whether the database says that its own pages make no sense."""
    if getattr(error.orig, "sqlstate", None) in ("XX001", "XX002"):  # PostgreSQL: data or index corrupted
        return True
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
