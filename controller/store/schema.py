"""Which version of the schema a database has, and bringing it up to this program.

Alembic is slow to import, so the version is read directly and Alembic only loaded when there is work.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, func, inspect, select, text

from controller.store.errors import StoreFailed, StoreTooNew

REVISIONS = tuple(f"{number:04}" for number in range(1, 23))  # those in migrations/versions, oldest first
HEAD = REVISIONS[-1]
SCRIPTS = Path(__file__).parent / "migrations"

MIGRATION_LOCK = 7_421_130  # any number, the same in every version: PostgreSQL names its locks by numbers


def migrate(connection: Connection) -> bool:
    """Bring the database to HEAD in the transaction of the connection; True when something was changed.

    Of two programs that start at once the second waits and finds the work done. Raises StoreTooNew.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))
    found = version(connection)
    if found == HEAD:
        return False
    if found is not None:
        _check_known(found)
    _upgrade(connection)
    return True


def check(connection: Connection) -> None:
    """Raises StoreFailed when there is no database yet or one to be migrated, and StoreTooNew."""
    found = version(connection)
    if found is None:
        raise StoreFailed("there is no database yet; make it with: servicehall store migrate")
    _check_known(found)
    if found != HEAD:
        raise StoreFailed(f"the database has schema {found}, not {HEAD}; run: servicehall store migrate")


def _check_known(found: str) -> None:
    if found not in REVISIONS:
        raise StoreTooNew(
            f"the database has schema {found}, this program knows up to {HEAD}: install the newer version"
        )


def version(connection: Connection) -> str | None:
    """The schema's revision; None for a database without one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)
