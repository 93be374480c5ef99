"""Centres above halls (S0.04), and whose person somebody is (S4.24)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from controller.store.tables import ID

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "service_point",
        sa.Column("id", ID, nullable=False),
        sa.Column("zh", sa.Text(), nullable=False),
        sa.Column("en", sa.Text(), nullable=False),
        sa.Column("level", sa.String(16), nullable=False),
        sa.Column("parent", ID),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_point")),
    )
    op.create_table(
        "hall_point",
        sa.Column("hall", ID, nullable=False),
        sa.Column("point", ID, nullable=False),
        sa.PrimaryKeyConstraint("hall", name=op.f("pk_hall_point")),
    )
    op.add_column("person", sa.Column("centre", ID))
    op.add_column("person", sa.Column("home_unit", sa.Text()))
