"""Indexes for what is asked for: a day's tickets, orders settled long ago, what is broken now."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in ("state", "queue", "window"):
        op.drop_index(f"ix_ticket_hall_day_{column}", "ticket")
    op.create_index("ix_ticket_hall_day_id", "ticket", ["hall", "day", "id"])
    _create_partial("ix_orders_settled", "orders", ["hall", "settled_at"], "settled_at IS NOT NULL")
    op.drop_index("ix_fault_hall_unit_device_code", "fault")
    _create_partial("ix_fault_open", "fault", ["hall", "unit", "device", "code"], "until IS NULL")


def _create_partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
