"""The audit trail as a chain: each row has the hash of the row before and its own (store/audit.py).

Rows from before are chained as they stand: from here on it is seen when one of them changes.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from controller.store import audit

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("previous", "hash"):
        op.add_column("audit", sa.Column(name, sa.String(64), nullable=False, server_default=sa.text("''")))
    if not op.get_context().as_sql:
        _chain(op.get_bind())


def _chain(c: sa.Connection) -> None:
    write = sa.text("UPDATE audit SET previous = :previous, hash = :hash WHERE id = :id")
    previous, rows = audit.BEFORE_FIRST, list[dict[str, object]]()
    for id, texts in audit.stored(c):
        hash = audit.digest(previous, id, [str(word) for word in texts[:-2]])
        rows.append({"id": id, "previous": previous, "hash": hash})
        previous = hash
    if rows:
        c.execute(write, rows)
