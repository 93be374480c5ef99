"""Announcements: what the hall tells everybody for a while."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from controller.store.tables import Utc

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hall", sa.String(64), nullable=False),
        sa.Column("zh", sa.Text(), nullable=False),
        sa.Column("en", sa.Text(), nullable=False),
        sa.Column("zones", sa.JSON(), nullable=False),
        sa.Column("starts_at", Utc(), nullable=False),
        sa.Column("ends_at", Utc(), nullable=False),
        sa.Column("written_by", sa.String(64), nullable=False),
        sa.Column("written_at", Utc(), nullable=False),
        sa.Column("ended_by", sa.String(64)),
        sa.Column("ended_at", Utc()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
    )
    op.create_index(op.f("ix_notice_hall_ends_at"), "notice", ["hall", "ends_at"])
