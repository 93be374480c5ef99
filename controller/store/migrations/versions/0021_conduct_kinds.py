"""Kinds of conduct of a hall's own, and the name a kind had when it was noted (S4.24)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TABLE conduct_kind_before AS SELECT * FROM conduct_kind")
    op.drop_table("conduct_kind")  # SQLite changes no primary key
    op.create_table(
        "conduct_kind",
        sa.Column("hall", sa.String(64), nullable=False, server_default=sa.text("''")),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("is_used", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.PrimaryKeyConstraint("hall", "code", name=op.f("pk_conduct_kind")),
    )
    op.execute(
        "INSERT INTO conduct_kind (hall, code, place, name_zh, name_en, points, is_used)"
        " SELECT '', code, place, name_zh, name_en, points, is_used FROM conduct_kind_before"
    )
    op.drop_table("conduct_kind_before")
    for name in ("name_zh", "name_en"):
        column = sa.Column(name, sa.Text(), nullable=False, server_default=sa.text("''"))
        op.add_column("conduct_step", column)
