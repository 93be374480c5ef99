"""What matters are to the centre from a day on, clean-ups, published lists (S0.05, S0.08, S1.04, S1.05)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from controller.store.tables import Utc

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _standings()
    _clean_ups()
    _published()


def _standings() -> None:
    op.create_table(
        "item_standing",
        sa.Column("code", sa.String(120), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("change", sa.String(16), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("clean_up", sa.Integer()),
        sa.Column("is_applied", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("code", "number", name=op.f("pk_item_standing")),
    )
    op.create_index(op.f("ix_item_standing_from_day"), "item_standing", ["from_day"])
    op.create_index(op.f("ix_item_standing_change"), "item_standing", ["change"])


def _clean_ups() -> None:
    op.create_table(
        "item_clean_up",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("is_whole", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("confirmed", sa.Text(), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("settled_by", sa.String(64)),
        sa.Column("settled_at", Utc()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item_clean_up")),
    )


def _published() -> None:
    op.create_table(
        "item_lists",
        sa.Column("version", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_item_lists")),
    )
    op.create_table(
        "item_publication",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(120), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("note", sa.String(200), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item_publication")),
    )
