"""Indexes for what is asked for: a day's tickets, orders settled long ago, what is broken now.

And what SQLite is to think of the two tables that grow for ever: without figures it takes a hall for ten
rows and reads all of it instead of a day of it. Writing sqlite_stat1 oneself is documented
(sqlite.org/optoverview.html, 6.2); PostgreSQL counts by itself.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


FIGURES = (  # table, index (the table's own name: its key), rows, rows that share one more column each
    ("event", "event", "2000000 1000000 1"),
    ("event", "ix_event_hall_ticket_seq", "2000000 1000000 5 1"),
    ("event", "ix_event_hall_at", "2000000 1000000 3"),
    ("ticket", "ticket", "400000 200000 1"),
    ("ticket", "ix_ticket_hall_day_id", "400000 200000 1000 1"),
    ("ticket", "ix_ticket_token", "400000 1"),
)


def upgrade() -> None:
    for column in ("state", "queue", "window"):
        op.drop_index(f"ix_ticket_hall_day_{column}", "ticket")
    op.create_index("ix_ticket_hall_day_id", "ticket", ["hall", "day", "id"])
    _create_partial("ix_orders_settled", "orders", ["hall", "settled_at"], "settled_at IS NOT NULL")
    op.drop_index("ix_fault_hall_unit_device_code", "fault")
    _create_partial("ix_fault_open", "fault", ["hall", "unit", "device", "code"], "until IS NULL")
    if op.get_context().dialect.name == "sqlite":
        _give_figures()


def _give_figures() -> None:
    op.execute("ANALYZE")  # makes the table
    op.execute("DELETE FROM sqlite_stat1")
    for table, index, figures in FIGURES:
        op.execute(f"INSERT INTO sqlite_stat1 VALUES ('{table}', '{index}', '{figures}')")  # noqa: S608
    op.execute("ANALYZE sqlite_schema")  # reads it anew


def _create_partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
