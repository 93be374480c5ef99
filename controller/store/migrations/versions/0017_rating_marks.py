"""Indexes of what citizens added to ratings, so that what is too old is found without reading all ratings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, kept in (("contact", "contact IS NOT NULL"), ("words", "words != ''")):
        where = sa.text(kept)
        op.create_index(f"ix_rating_{name}", "rating", ["at"], sqlite_where=where, postgresql_where=where)
