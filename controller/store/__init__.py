"""All SQL of the controller: the log of every hall, its projections, records, migrations."""

from controller.store import conduct_tables as conduct_tables  # these add their tables to the metadata
from controller.store import item_tables as item_tables
from controller.store import message_tables as message_tables
from controller.store import rating_tables as rating_tables
from controller.store import showing as showing
from controller.store.database import Store
from controller.store.errors import StoreFailed, StoreTooNew

__all__ = ["Store", "StoreFailed", "StoreTooNew"]
