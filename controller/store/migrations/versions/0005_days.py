"""What each service day came to, kept when it is closed (store/tallies.py).

Days of before are made from the log by `servicehall store rebuild`: it has to be read whole for that.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from controller.store.tables import Utc

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

COUNTS = (
    *("issued", "called", "served", "missed", "abandoned", "cancelled", "expired"),
    *("green", "booked", "moved", "wait_s", "longest_s", "service_s"),
    *("cases", "enquiries", "collections", "nothings"),
    *("rated_1", "rated_2", "rated_3", "rated_4", "rated_5"),
)


def upgrade() -> None:
    op.create_table(
        "service_day",
        *_of_day(),
        sa.Column("first_seq", sa.Integer(), nullable=False),
        sa.Column("opened_at", Utc(), nullable=False),
        sa.Column("opened_by", sa.String(96), nullable=False),
        sa.Column("closes_at", Utc(), nullable=False),
        sa.Column("stopped_at", Utc()),
        sa.Column("stopped_by", sa.String(96)),
        sa.Column("last_seq", sa.Integer()),
        sa.Column("closed_at", Utc()),
        sa.Column("closed_by", sa.String(96)),
        sa.Column("staffed", sa.JSON(), nullable=False),
        sa.Column("zones", sa.JSON(), nullable=False),
        sa.Column("happened", sa.JSON()),
        sa.Column("jumps", sa.Integer()),
        sa.PrimaryKeyConstraint("hall", "day", name=op.f("pk_service_day")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "day_queue",
        *_of_day(),
        sa.Column("queue", sa.String(64), nullable=False),
        *(_figure(name) for name in COUNTS),
        sa.Column("arrivals", sa.LargeBinary(), nullable=False),
        sa.Column("waits", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("hall", "day", "queue", name=op.f("pk_day_queue")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "day_window",
        *_of_day(),
        sa.Column("window", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("zone", sa.String(64), nullable=False),
        sa.Column("first_at", Utc()),
        sa.Column("last_at", Utc()),
        *(_figure(name) for name in ("staffed_s", "paused_s", "lost_s", "planned_s", "absent_s", "served")),
        _figure("service_s"),
        sa.PrimaryKeyConstraint("hall", "day", "window", name=op.f("pk_day_window")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "day_zone",
        *_of_day(),
        sa.Column("zone", sa.String(64), nullable=False),
        sa.Column("staffed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("hall", "day", "zone", name=op.f("pk_day_zone")),
        sqlite_with_rowid=False,
    )


def _of_day() -> tuple[sa.Column[str], sa.Column[object]]:
    return sa.Column("hall", sa.String(64), nullable=False), sa.Column("day", sa.Date(), nullable=False)


def _figure(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Float() if name.endswith("_s") else sa.Integer(), nullable=False)
