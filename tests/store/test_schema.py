"""The migrations make exactly the schema that queries are written against, once, whoever starts first."""

from __future__ import annotations

import importlib.util
import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from controller.store import Store, StoreTooNew, schema
from controller.store.tables import metadata
from tests.store.halls import MORNING, open_store


def test_the_migrations_make_the_tables(bare_database: str) -> None:
    store = open_store(bare_database)
    with store.writer.connect() as c:
        context = MigrationContext.configure(
            c, opts={"compare_type": True, "compare_server_default": True, "target_metadata": metadata}
        )
        assert compare_metadata(context, metadata) == []
        assert set(inspect(c).get_table_names()) == {*metadata.tables, "alembic_version"}
    store.close()


def test_the_program_knows_every_revision_in_order() -> None:
    config = Config()
    config.set_main_option("script_location", str(schema.SCRIPTS))
    found = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(found)) == schema.REVISIONS


def test_the_tables_are_also_postgresql() -> None:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    for table in metadata.sorted_tables:
        written = str(CreateTable(table).compile(dialect=dialect))
        assert f"CREATE TABLE {table.name} " in " ".join(written.replace('"', "").split())
        for index in table.indexes:
            assert str(CreateIndex(index).compile(dialect=dialect)).startswith("CREATE INDEX")


@pytest.mark.parametrize("dialect", ["postgresql", "sqlite"])
def test_the_migrations_are_sql_of_both_databases(dialect: str) -> None:
    sql = io.StringIO()
    context = MigrationContext.configure(dialect_name=dialect, opts={"as_sql": True, "output_buffer": sql})
    for path in sorted((schema.SCRIPTS / "versions").glob("[0-9]*.py")):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        step = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(step)
        with Operations.context(context):
            step.upgrade()
    made, dropped = (sql.getvalue().count(word) for word in ("CREATE TABLE", "DROP TABLE"))
    assert made - dropped == len(metadata.tables)
    assert ("TIMESTAMP WITH TIME ZONE" in sql.getvalue()) is (dialect == "postgresql")


def test_a_second_opening_changes_nothing(database: str) -> None:
    open_store(database).close()
    store = open_store(database)
    assert store.migrate() is False
    store.close()


def test_an_up_to_date_database_is_opened_without_alembic(database: str) -> None:
    open_store(database).close()
    program = (
        "import sys; from datetime import datetime, UTC; from controller.store import Store;"
        f"Store.open({database!r}, datetime(2026, 3, 2, tzinfo=UTC)).close();"
        "sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 0


def test_of_several_that_open_a_new_database_one_migrates(bare_database: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        stores = [future.result(30) for future in [pool.submit(open_store, bare_database) for _ in range(4)]]
    with stores[0].reading() as c:
        assert schema.version(c) == schema.HEAD
    for store in stores:
        store.close()


def test_a_database_of_a_newer_version_is_left_alone(database: str) -> None:
    store = open_store(database)
    with store.writing() as c:
        c.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    store.close()
    with pytest.raises(StoreTooNew, match="schema 9999, this program knows up to"):
        Store.open(database, MORNING)
