"""A drafted plan carries the kinds of conduct of the hall's file it came from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("planned", sa.Column("kinds", sa.Text()))
