"""What staff chose to be shown: layouts of displays, quiet times, the leader on duty."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from controller.store.tables import Utc

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "showing",
        sa.Column("hall", sa.String(64), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("chosen", sa.JSON(), nullable=False),
        sa.Column("former", sa.JSON()),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("hall", "name", name=op.f("pk_showing")),
    )
