"""A and B persons, and leaves (S0.33)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from controller.store.tables import ID

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "substitute",
        sa.Column("hall", ID, nullable=False),
        sa.Column("queue", ID, nullable=False),
        sa.Column("first", ID),
        sa.Column("second", ID),
        sa.PrimaryKeyConstraint("hall", "queue", name=op.f("pk_substitute")),
    )
    op.create_table(
        "leave",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hall", ID, nullable=False),
        sa.Column("clerk", ID, nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leave")),
    )
    op.create_index(op.f("ix_leave_hall_last"), "leave", ["hall", "last"])
