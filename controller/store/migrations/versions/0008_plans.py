"""Drafts of a hall's plan, changes that wait for their hour, rosters; and the versions of the plan at hand.

The versions are the PlanChanged events of the log: an index of these alone finds them among millions.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from controller.store.tables import Utc

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ARE_PLANS = "kind = 'PlanChanged'"


def upgrade() -> None:
    op.create_table(
        "planned",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hall", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("base", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("positions", sa.Text(), nullable=False, server_default=sa.text("'[]'")),
        sa.Column("note", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("due_at", Utc()),
        sa.Column("refusal", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_planned")),
    )
    op.create_index("ix_planned_hall_state", "planned", ["hall", "state"])
    op.create_table(
        "roster",
        sa.Column("hall", sa.String(64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("window", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("start", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("end", sa.Integer(), nullable=False),
        sa.Column("clerk", sa.String(64)),
        sa.PrimaryKeyConstraint("hall", "day", "window", "start", name=op.f("pk_roster")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_event_plans",
        "event",
        ["hall", "seq"],
        sqlite_where=sa.text(ARE_PLANS),
        postgresql_where=sa.text(ARE_PLANS),
    )
    if op.get_context().dialect.name == "sqlite":
        op.execute("INSERT INTO sqlite_stat1 VALUES ('event', 'ix_event_plans', '200 100 1')")
