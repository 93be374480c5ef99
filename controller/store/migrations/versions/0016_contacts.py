"""How who has an appointment can be told of it, for as long as that is needed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from controller.store.tables import Utc

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "booking_contact",
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("hall", sa.String(64), nullable=False),
        sa.Column("phone", sa.LargeBinary(), nullable=False),
        sa.Column("lang", sa.String(8), nullable=False),
        sa.Column("told", sa.String(32), nullable=False),
        sa.Column("until", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_booking_contact")),
    )
    op.create_index(op.f("ix_booking_contact_hall_until"), "booking_contact", ["hall", "until"])
