"""What is told about matters, by version (S0.06, S0.10)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from controller.store.tables import ID, Utc

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "item_guide",
        sa.Column("code", sa.String(120), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("from_day", sa.Date()),
        sa.Column("by", ID, nullable=False),
        sa.Column("at", Utc, nullable=False),
    )
