"""What can go wrong with the store, as mistakes a caller can act on."""

from __future__ import annotations

from controller.hall.model import HallError


class StoreFailed(HallError):
    """Nothing was stored, so nothing happened; asking again later may work (disk full, database locked)."""


class StoreTooNew(HallError):
    """The database was made by a newer version of this program; update the program, never the data."""
