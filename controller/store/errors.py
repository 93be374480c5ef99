"""What can go wrong with the store, as mistakes a caller can act on."""

from __future__ import annotations

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError

from controller.hall.model import HallError


class StoreFailed(HallError):
    """Nothing was stored, so nothing happened; asking again later may work (disk full, database locked)."""


class StoreTooNew(HallError):
    """The database was made by a newer version of this program; update the program, never the data."""


def is_outage(error: Exception) -> bool:
    """Whether the database itself failed, and not a row or statement somebody gave it."""
    if isinstance(error, (IntegrityError, DataError, ProgrammingError)):
        return False
    return isinstance(error, (StoreFailed, DBAPIError))
