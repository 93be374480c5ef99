"""Whether somebody else set a person's password, who is to set one of their own then (P.37)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "person", sa.Column("is_password_given", sa.Boolean(), nullable=False, server_default=sa.false())
    )
