"""The second factor of a person (TOTP), its recovery codes, and sessions that still wait for a code."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from controller.store.tables import Utc

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("person", sa.Column("second_factor", sa.LargeBinary()))
    op.add_column("person", sa.Column("second_factor_at", Utc()))
    op.add_column("person", sa.Column("second_factor_step", sa.Integer()))
    awaits: sa.Column[bool] = sa.Column(
        "awaits_code", sa.Boolean(), nullable=False, server_default=sa.false()
    )
    op.add_column("login_session", awaits)
    op.create_table(
        "recovery_code",
        sa.Column("person", sa.String(64), nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("used_at", Utc()),
        sa.PrimaryKeyConstraint("person", "code_hash", name="pk_recovery_code"),
    )
