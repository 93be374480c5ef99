"""Ratings with what was said besides, and what follows bad ones."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from controller.store.tables import Utc

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _rating()
    _followup()
    _followup_step()


def _rating() -> None:
    op.create_table(
        "rating",
        sa.Column("hall", sa.String(64), nullable=False),
        sa.Column("ticket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("queue", sa.String(64), nullable=False),
        sa.Column("window", sa.Integer()),
        sa.Column("clerk", sa.String(64)),
        sa.Column("item", sa.String(120)),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("plan_rev", sa.Integer()),
        sa.Column("words", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("contact", sa.LargeBinary()),
        sa.Column("told_at", Utc()),
        sa.Column("is_void", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("hall", "ticket", name=op.f("pk_rating")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_rating_hall_clerk_day"), "rating", ["hall", "clerk", "day"])
    op.create_index(op.f("ix_rating_hall_at"), "rating", ["hall", "at"])


def _followup() -> None:
    op.create_table(
        "followup",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("hall", sa.String(64), nullable=False),
        sa.Column("ticket", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(32), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("is_named", sa.Boolean(), nullable=False),
        sa.Column("stage", sa.String(16), nullable=False),
        sa.Column("opened_at", Utc(), nullable=False),
        sa.Column("call_due", Utc(), nullable=False),
        sa.Column("queue", sa.String(64), nullable=False),
        sa.Column("window", sa.Integer()),
        sa.Column("department", sa.String(64)),
        sa.Column("clerk", sa.String(64)),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("verified_at", Utc()),
        sa.Column("appeal_due", Utc()),
        sa.Column("fix_due", Utc()),
        sa.Column("is_extended", sa.Boolean(), nullable=False),
        sa.Column("fixed_at", Utc()),
        sa.Column("fixed_by", sa.String(64), nullable=False),
        sa.Column("is_called", sa.Boolean(), nullable=False),
        sa.Column("closed_at", Utc()),
        sa.Column("told_zh", sa.Text(), nullable=False),
        sa.Column("told_en", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_followup")),
    )
    op.create_index(op.f("ix_followup_hall_ticket"), "followup", ["hall", "ticket"])
    op.create_index(op.f("ix_followup_hall_stage"), "followup", ["hall", "stage"])
    op.create_index(op.f("ix_followup_hall_opened_at"), "followup", ["hall", "opened_at"])


def _followup_step() -> None:
    op.create_table(
        "followup_step",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("case", sa.Integer(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("what", sa.String(24), nullable=False),
        sa.Column("former", sa.String(16), nullable=False),
        sa.Column("stage", sa.String(16), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("said", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_followup_step")),
    )
    op.create_index(op.f("ix_followup_step_case"), "followup_step", ["case"])
