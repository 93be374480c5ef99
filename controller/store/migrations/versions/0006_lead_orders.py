"""Visitors whom somebody of the front desk led through the hall (S3.22)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from controller.store.tables import ID, Utc

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lead_order",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("hall", ID, nullable=False),
        sa.Column("ticket", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(32), nullable=False),
        sa.Column("why", sa.String(200), nullable=False),
        sa.Column("leader", ID, nullable=False),
        sa.Column("began_at", Utc, nullable=False),
        sa.Column("ended_at", Utc),
        sa.Column("steps", sa.JSON(), nullable=False),
    )
    op.create_index("ix_lead_order_hall_began_at", "lead_order", ["hall", "began_at"])
