"""All SQL of the controller: the log of every hall, its projections, records, migrations."""

from controller.store.database import Store
from controller.store.errors import StoreFailed, StoreTooNew

__all__ = ["Store", "StoreFailed", "StoreTooNew"]
